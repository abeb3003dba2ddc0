"""The tables of README.md and docs/, made from the committed CSV files."""
