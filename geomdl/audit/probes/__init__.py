"""What a model is tried with: images, transformations, and how its output should move."""
