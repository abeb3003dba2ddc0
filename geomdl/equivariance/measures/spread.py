"""The spread of outputs over an orbit beside their spread between images, which tells invariant from constant."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.warp import Padding
from geomdl.equivariance.adapters.functions import as_function
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, over_elements, require_finite
from geomdl.equivariance.measures.symmetry import Transformations, dimension_of, symmetry
from geomdl.errors import invalid
from geomdl.representations import FieldType


@dataclasses.dataclass(frozen=True)
class OrbitSpread:
    """What `orbit_spread` found; see there for the definitions.

    Attributes:
      model: its name.
      group: the name of the group or family.
      elements: how many elements the orbits have.
      images: how many images.
      orbit_spread: the root mean square distance of the outputs to the mean of their orbit.
      input_spread: the root mean square distance of the orbits' means to their mean.
      scale: the root mean square norm of the outputs.
      per_image: the orbit spread of each image.
    """

    model: str
    group: str
    elements: int
    images: int
    orbit_spread: float
    input_spread: float
    scale: float
    per_image: tuple[float, ...]

    @property
    def alive(self) -> bool:
        """Whether the output depends on the input at all: a spread above 10⁻⁶ of the norm, of either kind."""
        return max(self.orbit_spread, self.input_spread) > 1e-6 * self.scale

    @property
    def ratio(self) -> float:
        """``orbit_spread / input_spread``: 0 for an invariant function, NaN for a constant one."""
        if not self.alive:
            return float("nan")
        return self.orbit_spread / self.input_spread if self.input_spread else float("inf")

    @property
    def invariance(self) -> float:
        """input² / (input² + orbit²), in [0, 1]: 1 for an invariant function, 0 for a constant one."""
        if not self.alive:
            return 0.0
        return self.input_spread**2 / (self.input_spread**2 + self.orbit_spread**2)

    def rows(self) -> list[dict[str, object]]:
        """One row per image: its orbit spread, and the spread between images."""
        return [
            {"image": i, "orbit_spread": s, "input_spread": self.input_spread} for i, s in enumerate(self.per_image)
        ]

    def __str__(self) -> str:
        text = (
            f"{self.model}, {self.group}: spread over {self.elements} elements {self.orbit_spread:.2e}, between"
            f" {self.images} images {self.input_spread:.2e}"
        )
        return text + (f"; invariance {self.invariance:.4f}" if self.alive else ": CONSTANT, not invariant in any use")


def orbit_spread(
    model: Any,
    x: ArrayLike,
    group: Transformations,
    *,
    elements: ArrayLike | None = None,
    field_type: FieldType | None = None,
    padding: Padding = "zeros",
    count: int = 16,
    seed: int = 0,
) -> OrbitSpread:
    """How far the outputs spread over the orbit of an image, beside how far they spread between images.

    With y(g, i) = f(g xᵢ), its mean over the orbit ȳᵢ and over everything ȳ,

      orbit² = mean over i and g of ‖y(g, i) − ȳᵢ‖²,   input² = mean over i of ‖ȳᵢ − ȳ‖²,

    which add up to the variance of all outputs (one-way analysis of variance). `OrbitSpread.ratio` is orbit/input, and
    `OrbitSpread.invariance` is the share input²/(input² + orbit²): 1 for an invariant function that tells images apart.
    A constant function has both spreads zero: invariance 0, ratio NaN, and the printed result says so.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes.
      x: images ``[batch, height, width, channels]``, at least two different ones; volumes for groups of space.
      group: see `geomdl.equivariance.orbit_errors`.
      elements: as there.
      field_type: how the channels of the input transform; as scalars by default.
      padding: what comes in from outside when images are resampled.
      count: how many elements are drawn where there are too many.
      seed: of the draw.

    Raises:
      ValueError: for a single image, or as in `geomdl.equivariance.orbit_errors`.

    >>> x = np.random.default_rng(0).normal(size=(4, 8, 8, 1))
    >>> print(orbit_spread(lambda x: x.mean((1, 2)), x, "C4").invariance > 0.999)
    True
    >>> print(orbit_spread(lambda x: 0 * x.mean((1, 2)), x, "C4").invariance)
    0.0
    """
    f = as_function(model)
    x = image_batch(x, dimension=dimension_of(group, f))
    if len(x) < 2:
        raise invalid(
            "x", f"{len(x)} image", "two different images or more: a constant function must not look invariant"
        )
    _, computed = output_shape(f, x)
    s = symmetry(
        group, x.shape[1:-1], elements=elements, field_type=field_type, padding=padding, count=count, seed=seed
    )

    def measure(f: Any, g: Any, x: jax.Array, _: jax.Array) -> jax.Array:
        return jnp.asarray(f(s.move(g, x))).reshape(len(x), -1)

    _, outputs = over_elements(f, measure, s.elements, x, computed)
    require_finite(f, outputs, f"for some element of {s.name}")
    y = outputs.astype(np.float64)
    means = y.mean(0)
    per_image = np.sqrt(((y - means) ** 2).sum(-1).mean(0))
    between = float(np.sqrt(((means - means.mean(0)) ** 2).sum(-1).mean()))
    return OrbitSpread(
        f.name,
        s.name,
        len(s.elements),
        len(x),
        float(np.sqrt(np.mean(per_image**2))),
        between,
        float(np.sqrt((y**2).sum(-1).mean())),
        tuple(map(float, per_image)),
    )
