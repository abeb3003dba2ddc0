"""Networks that give scores per pixel."""
