"""What is done with a model that is built: summary, counting, autotuning, export."""
