"""How much the scores of a model of point clouds change when clouds are rotated, mirrored, shifted and permuted."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.equivariance import as_function
from geomdl.errors import invalid, unknown
from geomdl.groups import SO3, O
from geomdl.numbers import whole_number


@dataclasses.dataclass(frozen=True)
class CloudErrors:
    """What `cloud_errors` found; see there for the definitions.

    Attributes:
      model: its name.
      clouds: how many.
      elements: how many transformations of each symmetry.
      errors: the largest error of each symmetry.
      spread: how much the outputs differ between clouds, in the same measure; 0 of a constant model.
      tolerance: the error up to which a symmetry is called exact.

    >>> found = CloudErrors("f", 8, {"rotations": 32}, {"rotations": 0.3}, spread=1.0, tolerance=1e-4)
    >>> found["rotations"]
    'broken'
    >>> print(found)
    f: 8 clouds; between two of them the outputs differ by 1
    rotations     broken     3.0e-01 (32 tried)
    """

    model: str
    clouds: int
    elements: dict[str, int]
    errors: dict[str, float]
    spread: float
    tolerance: float

    def __getitem__(self, symmetry: str) -> str:
        """``"exact"``, ``"broken"``, or ``"undefined"`` of a model that gives all clouds the same.

        Raises:
          ValueError: for another symmetry.
        """
        if symmetry not in self.errors:
            raise unknown("symmetry of clouds", symmetry, list(self.errors))
        if self.spread <= self.tolerance:
            return "undefined"
        return "exact" if self.errors[symmetry] <= self.tolerance else "broken"

    def rows(self) -> list[dict[str, object]]:
        """One row per symmetry: symmetry, verdict, error, elements."""
        return [
            {"symmetry": s, "verdict": self[s], "error": e, "elements": self.elements[s]}
            for s, e in self.errors.items()
        ]

    def __str__(self) -> str:
        lines = [f"{self.model}: {self.clouds} clouds; between two of them the outputs differ by {self.spread:.2g}"]
        for row in self.rows():
            lines.append(f"{row['symmetry']:<12}  {row['verdict']:<9}  {row['error']:.1e} ({row['elements']} tried)")
        return "\n".join(lines)


def cloud_errors(
    model: Any, clouds: ArrayLike, *, count: int = 8, seed: int = 0, tolerance: float = 1e-4
) -> CloudErrors:
    """Measures whether the scores of clouds stay as they are under the symmetries that clouds have.

    For each transformation g the error is ‖f(g x) − f(x)‖ / ‖f(x)‖ over the clouds. Rotations are the 24 turns of the
    cube and ``count`` random ones; reflections are these times the inversion; shifts are as long as the clouds are
    wide; permutations change the order of the points. Features of points, and masks, go with their points; features are
    taken for scalars.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes; gives ``[n, …]`` numbers that are to stay.
      clouds: ``[n, points, 3]``, or packed ones ``[n, points, 4 + features]`` as of `geomdl.points.pack_clouds` and of
        the data sets of clouds, at least two.
      count: how many transformations are drawn.
      seed: of the draw.
      tolerance: the error up to which a symmetry is called exact.

    Raises:
      ValueError: for arrays of another shape, or a single cloud.

    >>> clouds = np.random.default_rng(0).normal(size=(4, 6, 3)).astype(np.float32)
    >>> found = cloud_errors(lambda x: ((x - x.mean(1, keepdims=True)) ** 2).sum(2).max(1), clouds)
    >>> [found[name] for name in ("rotations", "reflections", "shifts", "permutations")]
    ['exact', 'exact', 'exact', 'exact']
    >>> cloud_errors(lambda x: x[:, 0], clouds)["permutations"]
    'broken'
    """
    x = np.asarray(clouds)
    if x.ndim != 3 or x.shape[-1] < 3 or len(x) < 2 or x.dtype.kind != "f":
        allowed = (
            "two clouds or more [n, points, 3], or packed ones [n, points, 4 + features], of floating-point numbers"
        )
        raise invalid("clouds", f"{x.dtype} of shape {x.shape}", allowed)
    f, count = as_function(model), whole_number("count", count)
    rng = np.random.default_rng(whole_number("seed", seed, least=0))
    run = jax.jit(lambda f, x: f(x)) if f.differentiable else lambda f, x: f(x)

    def scores(x: np.ndarray) -> np.ndarray:
        return np.asarray(run(f, jnp.asarray(x)), np.float64).reshape(len(x), -1)

    there = x[..., 3:].shape[-1] and x[..., -1:] > 0  # where there is a point, of packed clouds

    def placed(points: np.ndarray) -> np.ndarray:
        kept = points if x.shape[-1] == 3 else np.where(there, points, x[..., :3])
        return np.concatenate([kept, x[..., 3:]], -1).astype(x.dtype)

    y, places = scores(x), x[..., :3].astype(np.float64)
    size = np.sqrt((y**2).sum()) or 1.0
    turns = np.concatenate([O.matrix(O.elements())[1:], SO3.matrix(SO3.sample(rng, count))])
    wide = float(np.ptp(places, axis=1).max())
    orders = [rng.permutation(x.shape[1]) for _ in range(count)]
    moved = {
        "rotations": [placed(places @ m.T) for m in turns],
        "reflections": [placed(-places @ m.T) for m in (np.eye(3), *turns)],
        "shifts": [placed(places + wide * rng.uniform(-1, 1, 3)) for _ in range(count)],
        "permutations": [x[:, order] for order in orders],
    }
    errors = {
        name: max(float(np.sqrt(((scores(z) - y) ** 2).sum()) / size) for z in each) for name, each in moved.items()
    }
    spread = float(np.sqrt(((np.roll(y, 1, 0) - y) ** 2).sum()) / size)
    return CloudErrors(f.name, len(x), {n: len(each) for n, each in moved.items()}, errors, spread, tolerance)
