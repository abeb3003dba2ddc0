"""How a group convolution is computed: mixed in coordinates of irreps, on any device or in one kernel for GPUs."""
