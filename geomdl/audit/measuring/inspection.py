"""Inspects a model before it is measured: which image sizes it accepts, and whether it is deterministic."""

import jax
import numpy as np
from numpy.typing import DTypeLike

from geomdl.audit.measuring.measurement import DEAD, difference, spread
from geomdl.audit.measuring.stream import OutputError, Stream
from geomdl.audit.probes.images import Images, Size
from geomdl.audit.probes.output import Output
from geomdl.equivariance.adapters.functions import Model

SIZES: tuple[Size, ...] = (
    (64, 64, 3), (32, 32, 3), (32, 32, 1), (28, 28, 1), (16, 16, 1), (8, 8, 1), (28, 28, 3), (96, 96, 3), (128, 128, 3),
    (224, 224, 3), (256, 256, 3), (299, 299, 3),
)  # fmt: skip
"""The input sizes that are tried when none is given."""

VOLUME_SIZES: tuple[Size, ...] = tuple((n, n, n, 1) for n in (16, 8, 28, 32, 12, 24, 64))
"""The same for volumes."""

UNKNOWN_DEPTH = 32
"""How many layers a model is taken to have when its weights cannot be counted."""


def find_size(model: Model, dtype: DTypeLike, *, volumes: bool = False) -> Size:
    """The first of `SIZES` that the model accepts.

    Args:
      model: that is audited.
      dtype: of its inputs.
      volumes: whether it takes volumes: of `VOLUME_SIZES`.

    Raises:
      ValueError: when it accepts none.
    """
    sizes = VOLUME_SIZES if volumes else SIZES
    if model.contract is not None:
        channels = model.contract.in_type.size
        sizes = tuple(dict.fromkeys((*size, channels) for *size, _ in sizes))
    if not volumes and model.takes is not None:  # the model says so itself, in parts or in full
        height, width, channels = model.takes.size
        sizes = tuple(dict.fromkeys((height or h, width or w, channels or c) for h, w, c in SIZES))
    failures: list[str] = []
    for size in sizes:
        try:
            if model.differentiable:
                jax.eval_shape(lambda m, x: m(x), model, jax.ShapeDtypeStruct((2, *size), dtype))
            else:
                model(np.zeros((2, *size), dtype))
        except Exception as error:
            failures.append(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
        else:
            return size
    tried = ", ".join("x".join(map(str, size)) for size in sizes)
    raise ValueError(
        f"the model takes none of the sizes {tried} (the first: {failures[0]}); give its own, {'Dx' * volumes}HxWxC"
    )


def first_outputs(stream: Stream, images: np.ndarray) -> np.ndarray:
    """The outputs for the first images that a model sees.

    Raises:
      ValueError: with the size and the reason, when the model fails on them.
    """
    try:
        return stream(images)
    except OutputError:
        raise
    except Exception as error:
        size = "×".join(map(str, images.shape[1:]))
        said = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise ValueError(
            f"the model fails on images {size} ({images.dtype}): {said}; is this its input size?"
        ) from error


def outputs_or_none(stream: Stream, images: np.ndarray) -> np.ndarray | None:
    """The outputs, or None when the model does not take images of this size."""
    try:
        return stream(images)
    except Exception:
        return None


def depth_of(model: Model) -> int:
    """How many layers follow one another: from the contract, else the number of weight matrices and kernels."""
    if model.contract is not None:
        return model.contract.depth
    kernels = [leaf for leaf in jax.tree.leaves(model.variables) if np.ndim(leaf) >= 2]
    return len(kernels) or UNKNOWN_DEPTH


def remarks_on_calls(stream: Stream, x: np.ndarray, y: np.ndarray, output: Output, tolerance: float) -> list[str]:
    """Whether the model is a function of each image: the same twice, and whatever else is in the batch."""
    found = []
    again = difference(*output.paired(stream(x), y))
    if again > 0:
        found.append(
            f"two calls on the same images differ by {again:.1e}: is dropout on? put the model in evaluation mode"
        )
    order = np.random.default_rng(len(x)).permutation(len(x))
    other = np.concatenate([x[order[: len(x) // 2]], -x[: len(x) - len(x) // 2]])
    mixed = difference(*output.paired(stream(other)[: len(x) // 2], y[order[: len(x) // 2]]))
    if mixed > max(tolerance, 2 * again):
        found.append(
            f"the output for an image changes by {mixed:.1e} with the other images of its batch: is batch norm in"
            " training mode?"
        )
    return found


def is_dead(output: Output, *outputs: np.ndarray) -> bool:
    """Whether the outputs for different images are all the same."""
    return all(spread(y, output) <= DEAD for y in outputs)


def moderated(images: Images, normal: np.ndarray) -> np.ndarray:
    """White noise with the mean and deviation that the images have in each channel, of normal numbers."""
    x = images.pixels
    noise = np.empty_like(x)  # in memory as they are, too
    noise[...] = normal
    axes = tuple(range(x.ndim - 1))
    mean, deviation = x.mean(axes, dtype=float), x.std(axes, dtype=float)
    noise *= deviation.astype(x.dtype)
    noise += mean.astype(x.dtype)
    return noise
