"""What the verbs share: config files, paths, parsing, signals, the compilation cache."""
