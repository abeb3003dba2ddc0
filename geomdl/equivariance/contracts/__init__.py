"""What a module promises about symmetry, and the check whether it keeps it."""
