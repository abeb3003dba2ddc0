"""What the numbers of a detector mean: encodings, their targets and losses."""
