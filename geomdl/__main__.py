"""``python -m geomdl``: the `geomdl` command."""

import sys

from geomdl.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
