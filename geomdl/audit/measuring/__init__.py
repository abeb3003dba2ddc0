"""Running a model on transformed images, and concluding."""
