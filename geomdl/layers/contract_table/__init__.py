"""The contract table of the layers: every layer, the groups it is tested with, and what it must promise."""
