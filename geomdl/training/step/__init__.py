"""The training step: state, gradients, what is not finite."""
