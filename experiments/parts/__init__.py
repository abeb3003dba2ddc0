"""What studies share: their data, networks and trainings, and the claims that they judge their tables by."""
