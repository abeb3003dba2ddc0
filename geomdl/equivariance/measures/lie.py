"""Lie derivatives of a model: the rate at which its equivariance error grows as the input starts to move."""

import contextlib
import dataclasses
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike

from geomdl.actions.families import FAMILIES, Family, family
from geomdl.actions.generators import GENERATORS, Generator
from geomdl.actions.laws import OutputLaw, output_law
from geomdl.actions.projective import warp_projective
from geomdl.actions.warp import Padding
from geomdl.arrays import wide_dtype, widened
from geomdl.equivariance.adapters.functions import Model, as_function
from geomdl.equivariance.adapters.outputs import in_plain_layout
from geomdl.equivariance.measures.evaluation import image_batch, output_shape, require_finite
from geomdl.equivariance.measures.symmetry import Action, symmetry
from geomdl.errors import invalid, unknown

PLANE = ("translate_x", "translate_y", "rotate", "scale", "shear", "stretch")
"""The generators of the affine maps of the plane, measured by default."""

Generators = str | Generator | Family | Sequence[str | Generator]
"""One generator, several, or a family, which stands for its generators."""


@dataclasses.dataclass(frozen=True)
class LieDerivatives:
    """What `lie_derivative` or `lie_derivative_per_layer` found; one entry per generator (and layer).

    Attributes:
      model: its name.
      generators: the name of the generator of each entry.
      layers: the layer of each entry; ``"output"`` end to end.
      norms: the root mean square of L_X f over images and outputs, per unit of t (pixels, radians, log of the factor).
      sizes: the root mean square of f(x).
      spreads: the root mean square of f(x) − mean of f over the images. Where it is 0 the function is constant.
    """

    model: str
    generators: tuple[str, ...]
    layers: tuple[str, ...]
    norms: tuple[float, ...]
    sizes: tuple[float, ...]
    spreads: tuple[float, ...]

    @property
    def relative(self) -> tuple[float, ...]:
        """norm / size: the relative change per unit of t; 0 where both vanish."""
        return tuple(
            n / s if s else (0.0 if n == 0 else float("inf")) for n, s in zip(self.norms, self.sizes, strict=True)
        )

    @property
    def alive(self) -> tuple[bool, ...]:
        """Whether the outputs differ between images: above 10⁻⁶ of their size."""
        return tuple(s > 1e-6 * size for s, size in zip(self.spreads, self.sizes, strict=True))

    @property
    def errors(self) -> tuple[float, ...]:
        """norm²: the local equivariance error, the mean of (L_X f)² over images and outputs."""
        return tuple(n**2 for n in self.norms)

    @property
    def worst(self) -> float:
        """The greatest norm."""
        return max(self.norms)

    @property
    def worst_generator(self) -> str:
        """The generator with the greatest norm."""
        return self.generators[int(np.argmax(self.norms))]

    def of(self, generator: str, layer: str = "output") -> float:
        """The norm of one generator, at one layer.

        Raises:
          ValueError: when it was not measured.
        """
        entries = list(zip(self.generators, self.layers, strict=True))
        if (generator, layer) not in entries:
            raise unknown("(generator, layer)", (generator, layer), entries)
        return self.norms[entries.index((generator, layer))]

    def rows(self) -> list[dict[str, object]]:
        """One row per entry: generator, layer, norm, relative, spread."""
        names = ("generator", "layer", "norm", "relative", "spread")
        columns = (self.generators, self.layers, self.norms, self.relative, self.spreads)
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def __str__(self) -> str:
        several = len(set(self.layers)) > 1
        width = max(len("generator"), *(len(name) for name in (*self.generators, *(self.layers if several else ()))))
        lines = [
            f"{self.model}: Lie derivatives",
            f"{'generator':<{width}}  " + ("layer" + " " * (width - 3) if several else ""),
        ]
        lines[1] += f"{'norm':>9}  {'relative':>9}"
        for row, alive in zip(self.rows(), self.alive, strict=True):
            layer = f"{row['layer']:<{width}}  " if several else ""
            dead = "" if alive else "  CONSTANT: means nothing"
            lines.append(f"{row['generator']:<{width}}  {layer}{row['norm']:9.2e}  {row['relative']:9.2e}{dead}")
        return "\n".join(lines)


def lie_derivative(
    model: Any,
    x: ArrayLike,
    generator: Generators = PLANE,
    output: Any = "invariant",
    *,
    padding: Padding = "zeros",
) -> LieDerivatives:
    """The Lie derivative of a model along one-parameter groups of transformations e^{tX},

      L_X f (x) = d/dt at t = 0 of ρ_out(e^{−tX}) f(ρ_in(e^{tX}) x),

    which vanishes for all x when f is equivariant to the group. It is one forward-mode derivative (`jax.jvp`) per
    generator, with no step to choose: cubic B-splines make the transformation differentiable at the identity. Its mean
      square
    over images and outputs (`LieDerivatives.errors`) is the local equivariance error (LEE) of Gruver et al.

    A constant function has L_X f = 0 for an invariant output. Then its spread is 0 too, `LieDerivatives.alive` is
    False, and the printed result says so.

    Args:
      model: anything that `geomdl.equivariance.as_function` takes and JAX can differentiate.
      x: images ``[batch, height, width, channels]``.
      generator: names among `geomdl.actions.generators.GENERATORS`, generators, or a family (or its name).
      output: how the output moves; see `geomdl.equivariance.orbit_errors`.
      padding: what comes in from outside.

    Raises:
      ValueError: for a model of NumPy or PyTorch, or one that has no derivative of forward mode, as with convolutions
        of ``method="fused"`` (`geomdl.layers.with_method` gives a copy of another method); an unknown generator; or
        outputs that are not floating-point numbers.

    References:
      Gruver, Finzi, Goldblum & Wilson, The Lie Derivative for Measuring Learned Equivariance, ICLR 2023.

    >>> x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    >>> result = lie_derivative(lambda x: x.mean((1, 2)), x, ["translate_x", "brightness"])
    >>> round(result.of("brightness"), 5)  # d/dt of the mean of x + t
    1.0
    """
    f, x = with_derivative(model), image_batch(x)
    f, law = in_plain_layout(f, output_law(output, None))
    if isinstance(law, OutputLaw):
        if not (law.field_type is None or law.field_type.is_trivial):
            raise invalid("output", str(law), "one whose channels do not move, or a function", "'field'")
        output = law.kind
    shape, _ = output_shape(f, x)
    if not jnp.issubdtype(shape.dtype, jnp.floating):
        raise invalid(f"output of {f.name}", f"{shape.dtype}", "floating-point numbers, which have a derivative")
    if output == "field" and len(shape.shape) != 4:
        raise invalid(
            f"output of shape {shape.shape} of {f.name}", output, "[batch, height, width, channels]", "invariant"
        )

    def outputs(f: Model, x: jax.Array) -> dict[str, jax.Array]:
        return {"output": f(x)}

    def expect(moved: Family, name: str) -> Action:
        if output == "invariant":
            return lambda t, y: y
        if output == "field":
            return _tangent(moved, x.shape[1:3], shape.shape[1:3], padding)
        zero = np.zeros((1, len(moved.generators)))
        return symmetry(moved, x.shape[1:3], output, elements=zero, padding=padding).expect

    return _derivatives(f, x, generator, outputs, expect, padding)


def lie_derivative_per_layer(
    model: Any, x: ArrayLike, generator: Generators = PLANE, *, padding: Padding = "zeros"
) -> LieDerivatives:
    """The Lie derivative of what every layer of a model gives out, all layers by one `jax.jvp` per generator.

    The network from the input to each layer is measured: a layer that is equivariant passes the derivative on, one that
    is not adds to it, so the first layer where it rises is the one that breaks the symmetry. Outputs
    ``[batch, height, width, channels]`` move as scalar fields (a layer of stride 2 moves half as many pixels); others
    are held to be invariant. Compare the relative norms: layers have different scales.

    Args:
      model: as in `lie_derivative`; an NNX or Linen module, or a function that returns (output, dict of arrays).
      x: images ``[batch, height, width, channels]``.
      generator: as in `lie_derivative`.
      padding: what comes in from outside.

    Raises:
      ValueError: as in `lie_derivative`, or for a model without layers to look into.

    >>> x = np.random.default_rng(0).normal(size=(2, 8, 8, 1)).astype("float32")
    >>> result = lie_derivative_per_layer(lambda x: (x.sum((1, 2)), {"square": x**2}), x, ["contrast"])
    >>> result.layers
    ('square', 'output')
    """
    f, x = with_derivative(model), image_batch(x)

    def outputs(f: Model, x: jax.Array) -> dict[str, jax.Array]:  # ordered, so that JAX does not sort the layers
        layers = f.activations(x).items()
        return OrderedDict((name, y) for name, y in layers if jnp.issubdtype(y.dtype, jnp.floating))

    shapes = jax.eval_shape(outputs, f, x)

    def expect(moved: Family, name: str) -> Action:
        shape = shapes[name].shape
        field = len(shape) == 4 and min(shape[1:3]) > 1
        return _tangent(moved, x.shape[1:3], shape[1:3], padding) if field else lambda t, y: y

    return _derivatives(f, x, generator, outputs, expect, padding)


def _derivatives(
    f: Model, x: jax.Array, generator: Generators, outputs: Any, expect: Any, padding: Padding
) -> LieDerivatives:
    columns: list[tuple[str, str, float, float, float]] = []
    for moved in _families(generator):
        move = _tangent(moved, x.shape[1:3], x.shape[1:3], padding)

        @jax.jit
        def run(f: Model, x: jax.Array, directions: jax.Array, moved: Family = moved, move: Action = move) -> Any:
            def along(t: jax.Array) -> dict[str, jax.Array]:
                layers = outputs(f, move(t, x)).items()
                return OrderedDict((name, expect(moved, name)(-t, y)) for name, y in layers)

            def differentiate(direction: jax.Array) -> dict[str, tuple[jax.Array, ...]]:
                y, derivative = jax.jvp(along, (jnp.zeros_like(direction),), (direction,))
                return OrderedDict((name, root_mean_squares(y[name], derivative[name])) for name in y)

            return jax.lax.map(differentiate, directions)

        with forward_mode_of(f):
            directions = jnp.eye(len(moved.generators), dtype=wide_dtype(x.dtype))
            found = jax.tree.map(np.asarray, run(f, x, directions))
        for name, sizes in found.items():
            require_finite(f, np.stack(sizes), f"or derivatives at {name!r}")
            for g, norm, size, spread in zip(moved.generators, *sizes, strict=True):
                columns.append((g, name, float(norm), float(size), float(spread)))
    generators, layers, norms, sizes, spreads = zip(*columns, strict=True)
    return LieDerivatives(f.name, generators, layers, norms, sizes, spreads)


def root_mean_squares(y: jax.Array, derivative: jax.Array) -> tuple[jax.Array, ...]:
    """Of a derivative, of outputs, and of their distances to the mean over the images."""
    y, derivative = widened(y), widened(derivative)
    return tuple(jnp.sqrt(jnp.mean(z**2)) for z in (derivative, y, y - y.mean(0, keepdims=True)))


def _tangent(moved: Family, size: Sequence[int], out_size: Sequence[int], padding: Padding) -> Action:
    """Moves fields of ``out_size`` pixels by 1 + Σ tᵢ Xᵢ, X for ``size`` pixels: exp(Σ tᵢ Xᵢ) to first order in t."""
    if not moved.moves_plane:
        return lambda t, y: moved.act(t, y)
    resize = np.diag([out_size[1] / size[1], out_size[0] / size[0], 1.0])
    pixels = [GENERATORS[name].pixel_matrix((size[0], size[1])) for name in moved.generators]
    basis = np.stack([resize @ matrix @ np.linalg.inv(resize) for matrix in pixels])

    def act(t: Any, y: Any) -> jax.Array:
        t = t.astype(wide_dtype(y.dtype))
        total = jnp.einsum("i,ijk->jk", t, jnp.asarray(basis, t.dtype), precision="highest")
        return warp_projective(y, jnp.eye(3, dtype=t.dtype) + total, padding=padding)

    return act


def _families(generator: Generators) -> list[Family]:
    """The maps of the plane in one family, so that they are compiled together; maps of pixel values each in its own."""
    if isinstance(generator, str) and generator in FAMILIES:
        generator = family(generator)
    names = generator.generators if isinstance(generator, Family) else generator
    names = [names] if isinstance(names, str | Generator) else list(names)
    found: list[Generator] = []
    for name in names:
        if isinstance(name, str) and name not in GENERATORS:
            raise unknown("generator", name, [*GENERATORS, *FAMILIES])
        found.append(GENERATORS[name] if isinstance(name, str) else name)
    if not found:
        raise invalid("generator", generator, "at least one generator", "translate_x")
    plane = tuple(g.name for g in found if g.matrix is not None)
    families = [Family("plane", plane, (1.0,) * len(plane))] if plane else []
    return families + [Family(g.name, (g.name,), (1.0,)) for g in found if g.matrix is None]


@contextlib.contextmanager
def forward_mode_of(f: Model) -> Iterator[None]:
    """Says what to change where a part of a model has a derivative for `jax.grad` only."""
    try:
        yield
    except TypeError as error:
        if "custom_vjp" not in str(error):
            raise
        allowed = (
            "a model with derivatives of forward mode (jax.jvp), which Lie derivatives need; convolutions with"
            " method='fused', and other functions with jax.custom_vjp, have those of jax.grad only"
        )
        advice = "geomdl.layers.with_method(model, 'factored'), or method='factored' or 'dense' of Conv"
        raise invalid("model", f"{f.name} ({f.kind})", allowed, advice) from error


def with_derivative(model: Any) -> Model:
    """The model as a function, if JAX can differentiate it; else a ValueError."""
    f = as_function(model)
    if not f.differentiable:
        allowed = "a model that JAX can differentiate; for others use orbit_errors with a generator and small strengths"
        raise invalid("model", f"{f.name} ({f.kind})", allowed, "orbit_errors(model, x, 'rotate', elements=[0.01])")
    return f
