"""Parts that several verbs use: config files, paths, parsing, signals, the compilation cache."""
