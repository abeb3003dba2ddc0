"""``python -m geomdl``: the `geomdl` command."""

import sys

from geomdl.cli.main import main

sys.exit(main())
