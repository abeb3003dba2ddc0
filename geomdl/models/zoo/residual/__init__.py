"""Networks of blocks with shortcuts."""
