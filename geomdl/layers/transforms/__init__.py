"""From one network to another that computes the same: frozen, or by other algorithms."""
