"""What models are made of: the config of a model, blocks, sizes, exactness."""
