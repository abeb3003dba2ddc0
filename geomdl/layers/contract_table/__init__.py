"""The layers of the common table of symmetries: every layer, the groups it is built for, and what it is to promise."""
