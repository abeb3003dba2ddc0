"""Learned equivariance (Lenc and Vedaldi): linear maps of the features fitted to a transformation of the image."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.warp import Padding
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.measures.evaluation import image_batch
from geomdl.equivariance.measures.symmetry import Action, Transformations, dimension_of, symmetry
from geomdl.errors import invalid, unknown


@dataclasses.dataclass(frozen=True)
class FeatureEquivariance:
    """What `feature_equivariance` found: one entry per layer and element.

    Attributes:
      model: its name.
      group: the name of the group or family.
      layers: the layer of each entry.
      labels: what the element does, in words.
      fitted: the residual of the fitted map on images that it was not fitted to; 0 for equivariant features, 1 for a
        map that knows no more than the mean; NaN for features that do not depend on the image.
      identity: the residual without a map, φ(gx) ≈ φ(x); 0 for invariant features.
    """

    model: str
    group: str
    layers: tuple[str, ...]
    labels: tuple[str, ...]
    fitted: tuple[float, ...]
    identity: tuple[float, ...]

    @property
    def worst(self) -> float:
        """The greatest residual of the fitted maps; NaN when some layer is constant."""
        return float(np.max(self.fitted))

    def of(self, layer: str) -> float:
        """The mean residual of a layer over the elements.

        Raises:
          ValueError: for an unknown layer.
        """
        found = [r for name, r in zip(self.layers, self.fitted, strict=True) if name == layer]
        if not found:
            raise unknown("layer", layer, list(dict.fromkeys(self.layers)))
        return float(np.mean(found))

    def rows(self) -> list[dict[str, object]]:
        """One row per layer and element: layer, element, fitted, identity."""
        columns = zip(self.layers, self.labels, self.fitted, self.identity, strict=True)
        return [{"layer": n, "element": e, "fitted": f, "identity": i} for n, e, f, i in columns]

    def __str__(self) -> str:
        width = max(map(len, (*self.layers, "layer")))
        wide = max(map(len, (*self.labels, "element")))
        lines = [f"{self.model}, {self.group}: residual of a fitted map, and of none"]
        lines += [f"{'layer':<{width}}  {'element':<{wide}}  {'fitted':>8}  {'identity':>8}"]
        for row in self.rows():
            dead = "  CONSTANT" if np.isnan(row["fitted"]) else ""  # type: ignore[arg-type]
            lines.append(
                f"{row['layer']:<{width}}  {row['element']:<{wide}}  {row['fitted']:8.4f}  {row['identity']:8.4f}{dead}"
            )
        return "\n".join(lines)


def feature_equivariance(
    model: Any,
    x: ArrayLike,
    group: Transformations,
    *,
    layers: list[str] | None = None,
    ridge: float = 1e-6,
    elements: ArrayLike | None = None,
    padding: Padding = "zeros",
    count: int = 8,
    seed: int = 0,
) -> FeatureEquivariance:
    """Fits, for each layer φ and element g, an affine map with φ(g x) ≈ M_g φ(x) + b_g, and tests it on other images.

    By ridge regression on every other image; the residual on the rest is

      Σ ‖φ(g x) − M_g φ(x) − b_g‖² / Σ ‖φ(g x) − mean φ(g x)‖².

    Features ``[batch, height, width, channels]`` (of volumes those with a depth) are moved by g as scalar fields first
    and M_g mixes the channels, the same way at all pixels (the map of pixels is known, that of channels is learnt);
    others get a full matrix. Small
    ``fitted`` with large ``identity`` means equivariant, both small means invariant, large ``fitted`` that no linear
    map does it, or that there are too few images for the size of the features.

    Constant features have no variance to explain: NaN, and the printed result says so.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes. Layers are looked into where that can be done;
        otherwise the output is the only layer.
      x: images ``[batch, height, width, channels]``, at least 4; volumes for groups of space.
      group: see `geomdl.equivariance.orbit_errors`.
      layers: names of layers; all by default.
      ridge: the penalty on M_g, relative to the mean variance of the features.
      elements: as in `geomdl.equivariance.orbit_errors`; by default the group's, at most ``count`` of them.
      padding: what comes in from outside when images are resampled.
      count: how many elements.
      seed: of their draw.

    Raises:
      ValueError: for fewer than 4 images or an unknown layer.

    References:
      Lenc & Vedaldi, Understanding Image Representations by Measuring Their Equivariance and Equivalence, CVPR 2015.

    >>> x = np.random.default_rng(0).normal(size=(8, 6, 6, 1))
    >>> result = feature_equivariance(lambda x: x[:, :, 0, 0], x, "shifts", elements=[[1, 0]])  # a column, rolled
    >>> result.labels
    ('shift (1, 0)',)
    """
    f = as_function(model)
    x = image_batch(x, dimension=dimension_of(group, f))
    if len(x) < 4:
        raise invalid("x", f"{len(x)} images", "at least 4: half to fit, half to test", 64)
    if not 0 < ridge < np.inf:
        raise invalid("ridge", ridge, "a positive number", 1e-6)
    s = symmetry(group, x.shape[1:-1], elements=elements, padding=padding, count=count, seed=seed)
    chosen = slice(None) if elements is not None else slice(0, count)
    features = layer_outputs(f, x)
    plain = features(x)
    for name in layers or ():
        if name not in plain:
            raise unknown("layer", name, list(plain))

    @functools.cache
    def field_action(size: tuple[int, ...]) -> Action:
        return symmetry(group, x.shape[1:-1], "field", out_size=size, elements=s.elements, padding=padding).expect

    found: list[tuple[str, str, float, float]] = []
    for g, label in zip(s.elements[chosen], s.labels[chosen], strict=True):
        moved = features(s.move(g, x))
        for name in layers or plain:
            is_field = plain[name].ndim == x.ndim
            expected = _moved(plain[name], g, field_action) if is_field else plain[name]
            source, same, goal = (
                y if is_field else y.reshape(len(y), 1, -1) for y in (expected, plain[name], moved[name])
            )
            found.append((name, label, *_residuals(source, same, goal, ridge)))
    found.sort(key=lambda row: list(plain).index(row[0]))
    names, labels, fitted, identity = zip(*found, strict=True)
    return FeatureEquivariance(f.name, s.name, names, labels, fitted, identity)


def layer_outputs(f: Model, x: jax.Array) -> Any:
    """x ↦ {layer: output} in NumPy, compiled once where JAX can; the output alone for models without known layers."""
    try:
        jax.eval_shape(lambda f, x: f.activations(x), f, x) if f.differentiable else f.activations(x)
        record = lambda f, x: f.activations(x)  # noqa: E731
    except ValueError:
        record = lambda f, x: {"output": f(x)}  # noqa: E731
    run = jax.jit(record) if f.differentiable else record
    return lambda x: {
        name: np.asarray(y, np.result_type(y.dtype, np.float32))
        for name, y in run(f, x).items()
        if np.ndim(y) >= 2 and jnp.issubdtype(y.dtype, jnp.floating)
    }


def _moved(y: np.ndarray, g: np.ndarray, field_action: Any) -> np.ndarray:
    """ρ(g) y for scalar fields that can be moved like the image; y itself otherwise."""
    if min(y.shape[1:-1]) < 2:
        return y
    try:
        return np.asarray(field_action(y.shape[1:-1])(g, jnp.asarray(y)))
    except ValueError:  # as a shift by less than an output pixel
        return y


def _residuals(moved: np.ndarray, plain: np.ndarray, target: np.ndarray, ridge: float) -> tuple[float, float]:
    """Of the fitted map of the last axis, and of φ(gx) ≈ φ(x), on the images of odd number."""
    source, goal, same = (y.astype(np.float64) for y in (moved, target, plain))
    width = source.shape[-1]
    a, b = (z[0::2].reshape(-1, width) for z in (source, goal))
    c, d = (z[1::2].reshape(-1, width) for z in (source, goal))
    centre, aim = a.mean(0), b.mean(0)
    a, b = a - centre, b - aim
    variance = ((d - d.mean(0)) ** 2).sum()
    if variance <= 1e-12 * (d**2).sum():
        return float("nan"), float("nan")
    penalty = ridge * max((a**2).sum() / width, np.finfo(float).tiny)
    if len(a) < width:  # fewer samples than features: the dual problem is smaller
        fitted = a.T @ np.linalg.solve(a @ a.T + penalty * np.eye(len(a)), b)
    else:
        fitted = np.linalg.solve(a.T @ a + penalty * np.eye(width), a.T @ b)
    residual = ((d - aim - (c - centre) @ fitted) ** 2).sum()
    return float(residual / variance), float(((goal[1::2] - same[1::2]) ** 2).sum() / variance)
