"""Parts of models: the base class of configs, blocks of layers, sizes, exactness."""
