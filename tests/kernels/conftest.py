"""The script that makes the goldens needs escnn; it holds no tests."""

collect_ignore = ["make_goldens.py"]
