"""Networks in one line: each layer takes what the one before it gives."""
