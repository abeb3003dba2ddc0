"""Where the numbers and pictures of a run go: JSONL, TensorBoard, terminal, report, tables of runs."""
