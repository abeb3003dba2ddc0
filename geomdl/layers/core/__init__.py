"""What every layer is made of: its interface, windows, channels seen as fields, functions of arrays, weights."""
