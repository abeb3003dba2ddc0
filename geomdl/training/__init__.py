"""From a config to a trained model: optimisers, the step, the loop, checkpoints, the work directory of a run."""
