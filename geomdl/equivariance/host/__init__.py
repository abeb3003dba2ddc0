"""Arrays moved on the host, in NumPy: exactly by grid symmetries and shifts, ideally by fractions of a pixel."""
