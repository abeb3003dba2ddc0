"""What an audit says: a verdict per symmetry, and requirements on it."""
