"""Position leak: the share of the variance of a model's outputs that the position of a patch explains."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.equivariance.adapters.functions import as_function
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.errors import invalid
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class PositionLeak:
    """What `position_leak` found.

    Attributes:
      model: its name.
      positions: the (row, column) of the upper left corner of the patches; of volumes (slice, row, column).
      patches: how many patches.
      leak: the share of the variance of the outputs that the position explains; 0 when position does not matter.
      decoded: R² of the position read off the outputs by linear regression, for patches that it was not fitted
        to: 1 when position is fully known, 0 (or less) when it cannot be read off.
      patch_spread: the root mean square distance of the outputs of different patches (their means over positions).
      position_spread: the root mean square distance of the outputs of one patch at different positions.
      alive: whether the outputs differ at all.
    """

    model: str
    positions: tuple[tuple[int, ...], ...]
    patches: int
    leak: float
    decoded: float
    patch_spread: float
    position_spread: float
    alive: bool

    def rows(self) -> list[dict[str, object]]:
        """One row with the numbers."""
        names = ("leak", "decoded", "patch_spread", "position_spread", "alive")
        return [{name: getattr(self, name) for name in names}]

    def __str__(self) -> str:
        text = (
            f"{self.model}: position explains {self.leak:.2%} of the variance of {self.patches} patches at"
            f" {len(self.positions)} places; position decoded with R² = {self.decoded:.3f}"
        )
        return text if self.alive else text + ": CONSTANT, it ignores the patches too"


def position_leak(
    model: Any, patches: ArrayLike, size: tuple[int, ...], *, margin: int = 0, step: int = 1, background: float = 0.0
) -> PositionLeak:
    """Puts patches at every place of an empty frame, and asks how much the outputs say about the place.

    With y(p, i) = f(patch i at place p), ȳ its mean over everything and ȳ_i that of patch i over the places,

      leak = mean of ‖y(p, i) − ȳ_i‖² / mean of ‖y(p, i) − ȳ‖²,

    which is 0 for an f that is invariant to where the patch lies, as a network with full padding and global pooling is,
    and 1 for an f that sees nothing but the place. Zero padding and convolutions without padding leak at the border:
    use ``margin`` to leave it out.

    A constant function has no variance: leak and decoded are NaN, and the printed result says so.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes; its whole output counts.
      patches: ``[n, height, width, channels]``, n ≥ 2, smaller than the frame: crops of images, or noise. Of volumes
        ``[n, depth, height, width, channels]``.
      size: (height, width) of the frame, the images that the model takes; or (depth, height, width).
      margin: how many pixels of the frame the patches stay away from its border.
      step: distance between places in pixels.
      background: the value of the empty frame.

    Raises:
      ValueError: for fewer than two patches, or a frame with fewer than two places.

    References:
      Kayhan & van Gemert, On Translation Invariance in CNNs: Convolutional Layers Can Exploit Absolute Spatial
      Location, CVPR 2020 (the question; there networks are trained on it).

    >>> patches = np.random.default_rng(0).normal(size=(4, 2, 2, 1))
    >>> print(round(position_leak(lambda x: x.sum((1, 2)), patches, (6, 6)).leak, 6))
    0.0
    """
    if not isinstance(size, tuple | list) or len(size) not in (2, 3):
        raise invalid("size", size, "(height, width) of the frame, or (depth, height, width)")
    f, patches = as_function(model), image_batch(patches, "patches", len(size))
    size = tuple(whole_number("size", n) for n in size)
    margin, step = whole_number("margin", margin, least=0), whole_number("step", step)
    if not np.isfinite(background):
        raise invalid("background", background, "a finite number", 0)
    along = [
        np.arange(margin, n - patch - margin + 1, step) for n, patch in zip(size, patches.shape[1:-1], strict=True)
    ]
    places = np.stack(np.meshgrid(*along, indexing="ij"), -1).reshape(-1, len(size))
    if len(patches) < 2 or len(places) < 2:
        small, frame = ("x".join(map(str, n)) for n in (patches.shape[1:-1], size))
        got = f"{len(patches)} patches of {small}, {len(places)} places in a frame of {frame}"
        raise invalid("patches, size, margin, step", got, "two patches and two places or more")
    empty = jnp.full((len(patches), *size, patches.shape[-1]), background, patches.dtype)

    def put(place: Any, _: jax.Array) -> jax.Array:
        place = jnp.asarray(place).astype(jnp.int32)
        zero = jnp.zeros((), jnp.int32)
        return jax.lax.dynamic_update_slice(empty, patches, (zero, *place, zero))

    first = put(places[0], empty)
    _, computed = output_shape(f, first)

    def measure(f: Any, g: Any, x: jax.Array, _: jax.Array) -> jax.Array:
        return jnp.asarray(f(put(g, x))).reshape(len(patches), -1)

    _, outputs = over_elements(f, measure, places, first, computed)
    require_finite(f, outputs, "for a patch at some place")
    y = outputs.astype(np.float64)  # [places, patches, features]
    of_patch = y.mean(0)
    within, total = ((y - of_patch) ** 2).sum(-1).mean(), ((y - of_patch.mean(0)) ** 2).sum(-1).mean()
    between = ((of_patch - of_patch.mean(0)) ** 2).sum(-1).mean()
    alive = bool(total > 1e-12 * (y**2).sum(-1).mean())
    return PositionLeak(
        f.name,
        tuple(tuple(map(int, place)) for place in places),
        len(patches),
        float(within / total) if alive else float("nan"),
        _decoded(y, places) if alive else float("nan"),
        float(np.sqrt(between)),
        float(np.sqrt(within)),
        alive,
    )


def _decoded(y: np.ndarray, places: np.ndarray) -> float:
    """R² of a ridge regression from outputs to places, fitted to the patches of even number, tested on the others."""

    def samples(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return z.reshape(-1, z.shape[-1]), np.repeat(places.astype(float), z.shape[1], 0)

    (a, goal), (b, truth) = samples(y[:, 0::2]), samples(y[:, 1::2])
    centre, aim = a.mean(0), goal.mean(0)
    a, b = a - centre, b - centre
    penalty = 1e-6 * (a**2).sum() / a.shape[1] + 1e-12 * (y**2).mean() * len(a)
    if len(a) < a.shape[1]:
        fitted = a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(len(a)), goal - aim)
    else:
        fitted = np.linalg.solve(a.T @ a + penalty * np.eye(a.shape[1]), a.T @ (goal - aim))
    return float(1 - ((truth - aim - b @ fitted) ** 2).sum() / ((truth - truth.mean(0)) ** 2).sum())
