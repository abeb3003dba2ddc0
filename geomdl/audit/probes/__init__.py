"""The inputs of an audit: images, transformations, and how the output should move."""
