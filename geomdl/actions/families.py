"""Families of image transformations (Klein's ladder): translations up to homographies, and changes of pixel values."""

import dataclasses
import functools
import math
from collections.abc import Mapping
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.typing import ArrayLike

from geomdl.actions.generators import GENERATORS, Generator, exponential
from geomdl.actions.projective import move
from geomdl.actions.warp import PLANE_AXES, Padding
from geomdl.arrays import as_array, wide_dtype
from geomdl.errors import invalid, misshapen, unknown
from geomdl.groups import Element

_FLIP = np.diag([1.0, -1.0, 1.0])


@dataclasses.dataclass(frozen=True)
class Family:
    """Transformations exp(Σ tᵢ Xᵢ) F^f, with the generators Xᵢ and the reflection F = diag(1, −1) (up–down).

    An element is an array ``[n]``: f (0 or 1) first where there are reflections, then t₁, t₂, …. A family is a part of
    a group around the identity, or the group itself: something to measure against, without a product of its own.

    Args:
      name: of the family.
      generators: names in `geomdl.actions.generators.GENERATORS`; all move the plane, or all change pixel values.
      strengths: elements are drawn with tᵢ uniform within ± these.
      reflections: whether half of the drawn elements are reflected.

    Raises:
      ValueError: for an unknown generator, strengths that do not fit, or a mixture of transformations and pixel values.

    >>> rotation = FAMILIES["rotation"]
    >>> rotation.sample(np.random.default_rng(0), 2).shape
    (2, 1)
    >>> x = jnp.arange(9.0).reshape(1, 3, 3, 1)
    >>> bool((rotation.act(np.array([np.pi / 2]), x) == jnp.rot90(x, axes=(1, 2))).all())
    True
    """

    name: str
    generators: tuple[str, ...]
    strengths: tuple[float, ...]
    reflections: bool = False

    def __post_init__(self) -> None:
        for name in self.generators:
            if name not in GENERATORS:
                raise unknown(f"generator of {self.name}", name, list(GENERATORS))
        if len(self.strengths) != len(self.generators) or not all(0 < s < math.inf for s in self.strengths):
            allowed = f"{len(self.generators)} positive numbers, one for each generator"
            raise invalid(f"strengths of {self.name}", self.strengths, allowed)
        if len({GENERATORS[name].matrix is None for name in self.generators}) > 1 or (
            self.reflections and not self.moves_plane
        ):
            raise invalid(
                f"generators of {self.name}", self.generators, "transformations of the plane, or pixel values only"
            )

    def __str__(self) -> str:
        return self.name

    @property
    def moves_plane(self) -> bool:
        """Whether points move; otherwise the pixels change their values."""
        return all(generator.matrix is not None for generator in self._members)

    @property
    def element_size(self) -> int:
        """How many numbers describe one element."""
        return len(self.generators) + self.reflections

    @property
    def identity(self) -> Element:
        """Zeros."""
        return np.zeros(self.element_size)

    @property
    def _members(self) -> tuple[Generator, ...]:
        return tuple(GENERATORS[name] for name in self.generators)

    def sample(self, rng: np.random.Generator, count: int, strength: float = 1.0) -> Element:
        """Draws ``[count, element_size]`` elements: tᵢ uniform within ± strength · strengthsᵢ, f from {0, 1}."""
        bound = strength * np.asarray(self.strengths, float)
        t = rng.uniform(-1, 1, (count, len(self.generators))) * bound
        return np.concatenate([rng.integers(0, 2, (count, 1)), t], -1) if self.reflections else t

    def act(self, g: ArrayLike, x: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
        """Moves images ``[batch, height, width, channels]`` by one element.

        Exact when g is concrete and maps the grid to itself (flips, quarter turns of square images, shifts by whole
        pixels); a traced flip is exact too. Otherwise cubic B-splines, differentiable in the tᵢ, also at 0.

        Args:
          g: ``[element_size]``; may be traced.
          x: the images.
          padding: what lies outside, see `geomdl.actions.warp`.

        Raises:
          ValueError: for numbers that are no element (not when g is traced), and as `geomdl.actions.warp`.
        """
        return self._act(g, x, padding, inverse=False)

    def undo(self, g: ArrayLike, x: ArrayLike, *, padding: Padding = "zeros") -> jax.Array:
        """Moves images by the inverse of an element; arguments as of `act`."""
        return self._act(g, x, padding, inverse=True)

    def matrix(self, g: ArrayLike, size: tuple[int, int]) -> np.ndarray | jax.Array | None:
        """The homography ``[3, 3]`` of an element, in pixels from the centre (x right, y up); None for pixel values.

        A NumPy array in float64 when g is concrete.

        >>> FAMILIES["translation"].matrix(np.array([2.0, 0.0]), (8, 8))[0]
        array([1., 0., 2.])
        """
        if not self.moves_plane:
            return None
        g = self._element(g)
        connected = self._connected(g, size, 1)
        if not self.reflections:
            return connected
        if isinstance(g, np.ndarray):
            return connected @ _FLIP if g[0] else connected
        flip = jnp.asarray(_FLIP, connected.dtype)
        return jnp.where(g[0] != 0, jnp.matmul(connected, flip, precision="highest"), connected)

    def require_elements(self, g: ArrayLike) -> np.ndarray:
        """Elements ``[..., element_size]`` of known numbers, as float64.

        Args:
          g: one element or a batch of them.

        Raises:
          ValueError: for another shape, numbers that are not finite, a reflection that is neither 0 nor 1, and angles
            beyond a full turn, which are degrees.

        >>> FAMILIES["rotation"].require_elements([90])
        Traceback (most recent call last):
        ValueError: invalid element of rotation [90.0]; allowed: finite numbers (rotate, radians from −2π to 2π)
        """
        g = np.asarray(as_array(g, f"element of {self}"), np.float64)
        if g.shape[-1:] != (self.element_size,):
            raise invalid(f"element of {self}", g.shape, f"shape [..., {self.element_size}]: {self._words}")
        flips, turns = g[..., : self.reflections], g[..., self.reflections :]
        turns = turns[..., [name == "rotate" for name in self.generators]]
        inside = np.isfinite(g).all(-1) & np.isin(flips, (0, 1)).all(-1) & (np.abs(turns) <= 2 * np.pi + 1e-5).all(-1)
        if not np.all(inside):
            outside = g[~inside].reshape(-1, self.element_size)[0]
            raise invalid(f"element of {self}", outside.tolist(), f"finite numbers ({self._words})")
        return g

    @property
    def _words(self) -> str:
        """What the numbers of an element are."""
        turns = ("rotate, radians from −2π to 2π" if name == "rotate" else name for name in self.generators)
        return "; ".join((["first 0 or 1 (reflected)"] if self.reflections else []) + list(turns))

    def _element(self, g: ArrayLike) -> np.ndarray | jax.Array:
        if np.shape(g) != (self.element_size,):
            raise invalid(f"element of {self}", np.shape(g), f"shape ({self.element_size},): {self._words}")
        return g.astype(wide_dtype(g.dtype)) if isinstance(g, Tracer) else self.require_elements(g)

    def _connected(self, g: np.ndarray | jax.Array, size: tuple[int, int], sign: int) -> np.ndarray | jax.Array:
        """exp(± Σ tᵢ Xᵢ)."""
        t = g[1:] if self.reflections else g
        matrices = [member.pixel_matrix(size) for member in self._members]
        basis = np.stack([sign * m for m in matrices]) if matrices else np.zeros((0, 3, 3))
        if isinstance(t, np.ndarray):
            return exponential(np.einsum("i,ijk->jk", t, basis), size)
        total = jnp.einsum("i,ijk->jk", t, jnp.asarray(basis, t.dtype), precision="highest")
        return exponential(total, size)

    def _act(self, g: ArrayLike, x: ArrayLike, padding: Padding, *, inverse: bool) -> jax.Array:
        g, x = self._element(g), jnp.asarray(as_array(x, "images"))
        if x.ndim != 4:
            raise misshapen("images", x.shape, PLANE_AXES)
        size = (x.shape[1], x.shape[2])
        if not self.moves_plane:  # they commute
            act = lambda x, tg: tg[1].act(-tg[0] if inverse else tg[0], x)  # noqa: E731
            return functools.reduce(act, zip(g, self._members, strict=True), x)
        if isinstance(g, np.ndarray):
            matrix = np.asarray(self.matrix(g, size))
            return move(x, np.linalg.inv(matrix) if inverse else matrix, padding=padding)
        flip = lambda x: jnp.where(g[0] != 0, jnp.flip(x, 1), x) if self.reflections else x  # noqa: E731
        if not self.generators:
            return flip(x)
        if inverse:
            return flip(move(x, self._connected(g, size, -1), padding=padding))
        return move(flip(x), self._connected(g, size, 1), padding=padding)


_SHIFT, _ISOMETRY = ("translate_x", "translate_y"), ("translate_x", "translate_y", "rotate")
_LINEAR, _QUARTER = ("scale", "stretch", "shear"), math.log(1.25)
_LADDER = (
    Family("translation", _SHIFT, (4.0, 4.0)),
    Family("rotation", ("rotate",), (math.pi,)),
    Family("reflection", (), (), True),
    Family("isometry", _ISOMETRY, (4.0, 4.0, math.pi), True),
    Family("similarity", (*_ISOMETRY, "scale"), (4.0, 4.0, math.pi, _QUARTER), True),
    Family("scale", ("scale",), (_QUARTER,)),
    Family("shear", ("shear",), (0.3,)),
    Family("affine", (*_ISOMETRY, *_LINEAR), (4.0, 4.0, math.pi, _QUARTER, 0.2, 0.3), True),
    Family(
        "projective",
        (*_ISOMETRY, *_LINEAR, "perspective_x", "perspective_y"),
        (4.0, 4.0, math.pi, _QUARTER, 0.2, 0.3, 0.2, 0.2),
        True,
    ),
    Family("contrast", ("contrast",), (math.log(1.5),)),
    Family("brightness", ("brightness",), (0.25,)),
)

FAMILIES: Mapping[str, Family] = MappingProxyType({f.name: f for f in _LADDER})
"""The families by name. Each of reflection, isometry, similarity, affine and projective contains the ones before it."""


def family(name: str) -> Family:
    """The family of a name.

    Args:
      name: of the family, a key of `FAMILIES`.

    Raises:
      ValueError: for an unknown name, with the nearest valid one.

    >>> family("affine").generators
    ('translate_x', 'translate_y', 'rotate', 'scale', 'stretch', 'shear')
    >>> family("similar")
    Traceback (most recent call last):
    ...
    ValueError: unknown family 'similar'; allowed: translation, ...; did you mean 'similarity'?
    """
    if name not in FAMILIES:
        raise unknown("family", name, list(FAMILIES))
    return FAMILIES[name]
