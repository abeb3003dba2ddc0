"""Output streams whose encoding lacks some of our signs, such as ± under ``LC_ALL=C``."""

import sys
from io import TextIOWrapper


def replace_what_cannot_be_encoded() -> None:
    """Makes the output streams of this process write ``?`` for a sign that they cannot encode, instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")
