"""The members of a sweep, its processes, and its tables."""
