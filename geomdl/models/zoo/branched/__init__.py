"""Networks of branches that are put beside one another."""
