"""Errors that name the value, what is allowed, and the nearest valid choice."""

import difflib
from collections.abc import Iterable, Sequence

__all__ = ["invalid", "misshapen", "nearest", "unknown"]


def nearest(value: object, allowed: Iterable[object]) -> str | None:
    """Returns the allowed name that looks most like ``value``, or None when none is close.

    Args:
      value: what was given.
      allowed: the names.

    >>> nearest("adm", ["sgd", "adam", "adamw"])
    'adam'
    """
    names = [str(a) for a in allowed]
    lowered = {n.lower(): n for n in names}
    close = difflib.get_close_matches(str(value)[:LONGEST].lower(), list(lowered), n=1, cutoff=0.4)
    return lowered[close[0]] if close else None


def unknown(what: str, value: object, allowed: Sequence[object], *, also: Sequence[str] = ()) -> ValueError:
    """A ValueError for a name that is not among the allowed ones.

    Args:
      what: what the value stands for, e.g. ``"optimizer.name"``.
      value: what was given.
      allowed: what would have been accepted, in the order to show it.
      also: forms of further names, e.g. ``"tfds:<name>"``: shown, and never suggested.

    Returns:
      The exception, for the caller to raise.

    >>> print(unknown("optimizer", "adm", ["sgd", "adam"]))
    unknown optimizer 'adm'; allowed: sgd, adam; did you mean 'adam'?
    """
    message = f"unknown {what} {_shown(value)}; allowed: {', '.join(str(a) for a in (*allowed, *also))}"
    suggestion = nearest(value, allowed)
    return ValueError(message + (f"; did you mean {suggestion!r}?" if suggestion else ""))


def invalid(what: str, value: object, allowed: str, suggestion: object = None) -> ValueError:
    """A ValueError for a value outside its range.

    Args:
      what: what the value stands for, e.g. ``"dropout"``.
      value: what was given.
      allowed: in words, what would have been accepted.
      suggestion: a value that would have been.

    Returns:
      The exception, for the caller to raise.

    >>> print(invalid("dropout", 1.5, "a number in [0, 1)", 0.5))
    invalid dropout 1.5; allowed: a number in [0, 1); try 0.5
    """
    message = f"invalid {what} {_shown(value)}; allowed: {allowed}"
    return ValueError(message + (f"; try {suggestion}" if suggestion is not None else ""))


def misshapen(
    what: str, shape: Sequence[int], axes: Sequence[str], channels: int | None = None, *, kind: str = ""
) -> ValueError:
    """A ValueError for an array of another layout than ``[batch, …, channels]``, with a guess at the mistake.

    Args:
      what: what the array is, e.g. ``"images"``.
      shape: of the array.
      axes: the names of all its axes in order: ``("batch", "height", "width", "channels")``; labels may have none for
        channels.
      channels: how many are expected, where that is known.
      kind: what such arrays are called: ``"signals"``.

    Returns:
      The exception, for the caller to raise.

    >>> print(misshapen("images", (3, 32, 32), ("batch", "height", "width", "channels"), 3))
    invalid shape of images (3, 32, 32); allowed: [batch, height, width, channels] with 3 channels; the channels seem to
    come first and the batch axis to be missing: try jnp.moveaxis(x, 0, -1)[None]
    >>> print(misshapen("images", (8, 28, 28), ("batch", "height", "width", "channels"), 1))
    invalid shape of images (8, 28, 28); allowed: [batch, height, width, channels] with 1 channel; the channel axis
    seems to be missing: try x[..., None]
    """
    shape, rank = tuple(shape), len(axes)
    has_channels = axes[-1] == "channels"
    allowed = f"{kind} [{', '.join(axes)}]".strip()
    if channels is not None:
        allowed += f" with {channels} channel{'' if channels == 1 else 's'}"
    missing, guess = rank - len(shape), None
    plausible = (lambda n: n == channels) if channels is not None else (lambda n: n <= 4)
    if has_channels and missing == 0 and rank > 2 and plausible(shape[1]) and not plausible(shape[-1]):
        guess = "the channels seem to come first: try jnp.moveaxis(x, 1, -1)"
    elif missing == 1 and (not has_channels or (shape and plausible(shape[-1]))):
        guess = "the batch axis seems to be missing: try x[None]"
    elif missing == 1 and rank > 2 and shape[0] > 1 and plausible(shape[0]):
        guess = "the channels seem to come first and the batch axis to be missing: try jnp.moveaxis(x, 0, -1)[None]"
    elif missing == 1 and channels in (1, None):
        guess = "the channel axis seems to be missing: try x[..., None]"
    elif missing == 2 and channels in (1, None) and rank > 3:
        guess = "batch and channel axes seem to be missing: try x[None, ..., None]"
    elif missing == -1 and not has_channels and shape[-1] == 1:
        guess = "there seems to be a channel axis: try x[..., 0]"
    elif missing == -1 and shape[0] == 1:
        guess = "there seems to be one batch axis too many: try x[0]"
    return ValueError(f"invalid shape of {what} {shape}; allowed: {allowed}" + (f"; {guess}" if guess else ""))


LONGEST = 160
"""Characters of a value that an error shows."""


def shortened(text: str, longest: int = LONGEST) -> str:
    """Returns a text, without its middle where it is long.

    >>> shortened("a" * 1000, 20)
    'aaaaaaaaaaaa…aaaaaaa'
    """
    head = 3 * longest // 5
    return text if len(text) <= longest else f"{text[:head]}…{text[len(text) - (longest - head - 1) :]}"


def _shown(value: object) -> str:
    """The representation of a value, without its middle where it is long; of what has none its type."""
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a whole number of {value.bit_length()} bits"
    try:
        return shortened(repr(value))
    except Exception:  # nested without end, or somebody's own
        return f"a {type(value).__name__}"
