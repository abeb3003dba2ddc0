"""Tools for a model that is built: summary, counting, autotuning, export."""
