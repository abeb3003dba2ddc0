"""Nonlinearities that commute with the group: pointwise, of norms, gated, on samples of the group, tensor products."""
