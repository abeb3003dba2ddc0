"""Where examples come from: built-in, procedural, files, TensorFlow Datasets."""
