"""Images that are read some at a time, so that memory stays bounded."""

from collections.abc import Iterator
from typing import Any

_CHUNK, _BYTES = 1024, 2**28


def chunks(read: Iterator[Any], batch_size: int) -> Iterator[list[Any]]:
    """Images in whole batches, as many as fit into 1,024 images, or 256 MiB.

    Args:
      read: what `geomdl.inference.image_sources.read_in_order` gives.
      batch_size: images in a batch.

    >>> [len(chunk) for chunk in chunks(((str(i), None, None) for i in range(2000)), 100)]
    [1000, 1000]
    """
    most = max(1, _CHUNK // max(1, batch_size)) * max(1, batch_size)
    chunk: list[Any] = []
    held = 0
    for one in read:
        chunk.append(one)
        held += getattr(one[1], "nbytes", 0)
        if len(chunk) == most or held > _BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk
