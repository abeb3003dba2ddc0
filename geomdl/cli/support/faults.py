"""Errors as the command says them: one line, and the exit status."""

import errno
import os

BAD_INPUT, FAILED = 2, 1

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_OUT_OF_MEMORY = ("RESOURCE_EXHAUSTED", "Out of memory", "CUDA out of memory", "not enough memory: you tried")
"""What XLA and PyTorch say."""


def described(error: BaseException) -> tuple[str, int]:
    """Returns an error in one line, and the exit status.

    Args:
      error: anything but a request to stop.

    >>> described(ValueError("invalid seed -1"))
    ('invalid seed -1', 2)
    >>> described(OSError(errno.ENOSPC, "No space left on device", "runs/a/report.md"))
    ('cannot write runs/a/report.md (No space left on device); make room, or choose another place', 2)
    >>> described(SystemExit(0))
    ('SystemExit: 0: code that was called asked to leave the process; nothing else was done', 2)
    >>> described(KeyError("width"))
    ("KeyError: 'width' (--debug shows where)", 1)
    """
    text = " ".join(str(error).split())
    if (status := getattr(error, "exit_status", None)) is not None:
        return text, status
    if isinstance(error, OSError):
        return _of_the_system(error), BAD_INPUT
    if isinstance(error, RecursionError):
        return f"something is nested too deeply, or without end ({text}; --debug shows where)", BAD_INPUT
    if isinstance(error, MemoryError) or any(word in text for word in _OUT_OF_MEMORY):
        return f"not enough memory ({text[:300]}); choose smaller sizes, fewer images or smaller batches", BAD_INPUT
    if isinstance(error, ValueError | OverflowError):
        return text or type(error).__name__, BAD_INPUT
    if "Unable to initialize backend" in text or "nknown backend" in text:
        return _of_a_backend(text), BAD_INPUT
    if isinstance(error, AssertionError) and not text and _without_backend():
        return _of_a_backend("JAX finds no such device"), BAD_INPUT
    if not isinstance(error, Exception):
        from geomdl.registry import said

        return f"{said(error)}: code that was called asked to leave the process; nothing else was done", BAD_INPUT
    from geomdl.registry import place_in_own_code, said

    if place_in_own_code(error) is not None:
        return f"{said(error)}; --debug shows the way there", BAD_INPUT
    return f"{type(error).__name__}: {text} (--debug shows where)", FAILED


def _of_the_system(error: OSError) -> str:
    """What the operating system refused, with the path and what can be done."""
    path = error.filename2 or error.filename
    if error.errno in _NO_ROOM and path is None:
        return f"cannot write ({error.strerror}); make room on the disk, and give the same command again"
    if path is None or error.errno is None:
        return " ".join(str(error).split()) or type(error).__name__
    reason = error.strerror or type(error).__name__
    if error.errno in _NO_ROOM:
        return f"cannot write {path} ({reason}); make room, or choose another place"
    if error.errno == errno.EROFS:
        return f"cannot write {path} ({reason}); choose a place where you may write"
    if isinstance(error, PermissionError):
        return f"cannot use {path} ({reason}); choose a place where you may read and write"
    if isinstance(error, FileExistsError | NotADirectoryError | IsADirectoryError):
        return f"cannot use {path} ({reason}); something else is in its way: move it, or choose another place"
    if error.errno == errno.ENAMETOOLONG:
        return f"cannot use {str(path)[:60]}… ({reason}); choose a shorter name"
    return f"cannot use {path} ({reason})"


def _without_backend() -> bool:
    """Whether JAX has no backend: for one that was asked for, and whose devices are not there, it says no word."""
    import jax

    try:
        jax.devices()
    except AssertionError:
        return True
    except Exception:
        return False
    return False


def _of_a_backend(text: str) -> str:
    """That JAX has no such backend, and where it was asked for."""
    asked = os.environ.get("JAX_PLATFORMS")
    where = f"JAX_PLATFORMS={asked}: " if asked else ""
    return f"{where}{text[:300]}; set JAX_PLATFORMS=cpu, or install JAX for this device (pip install 'geomdl[gpu]')"
