"""Networks that give scores per image."""
