"""The networks of the lectures, each with its twins for the groups of the plane."""
