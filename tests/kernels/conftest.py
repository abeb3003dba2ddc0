"""The scripts that make the goldens need escnn; they hold no tests."""

collect_ignore = ["make_goldens.py", "make_goldens_of_e3nn.py", "make_goldens_of_volumes.py"]
