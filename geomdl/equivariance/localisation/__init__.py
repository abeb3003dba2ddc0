"""Which layer of a network breaks a symmetry, and why."""
