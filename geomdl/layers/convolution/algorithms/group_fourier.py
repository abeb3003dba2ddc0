"""Group convolutions of volumes by Fourier transforms over the group: the same result with less arithmetic.

For regular fields of a finite group G, with a weight w_u[a] for each tap u of the window and element a of G,

  y_g(x) = Σ_u Σ_a w_u[a] S_u[ga](x),   S_u[b](x) = f_b(x + bu):

the taps and channels of the input are only put in another order, and what is left is a correlation over the group for
each tap. With Ŝ(ρ) = Σ_b S[b] ρ(b) for each irrep ρ of dimension d it is a product of d × d matrices,

  ŷ(ρ) = Σ_u Ŝ_u(ρ) Σ_a w_u[a] ρ(a)⁻¹,   y_g = Σ_ρ d / (t |G|) trace(ŷ(ρ) ρ(g)ᵀ)   (t = 2 for complex type, else 1),

which takes Σ_ρ d³ / t products for each tap and pair of fields where the dense kernel takes |G|²: 64 and 576 for the
rotations of the cube.

References:
  Cohen & Welling, Group equivariant convolutional networks, ICML 2016. Diaconis & Rockmore, Efficient computation of
  the Fourier transform on finite groups, J. AMS 3 (1990).
"""

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Size
from geomdl.groups import VOLUME, Group
from geomdl.kernels import PixelKernelSpace
from geomdl.kernels.pixel import pixel_moves
from geomdl.layers.convolution.algorithms.algorithm import Convolution
from geomdl.layers.core.correlation import pad
from geomdl.layers.core.field_channels import is_regular
from geomdl.layers.core.window import AxisWindow
from geomdl.representations import irreps

COPIED = 130.0
"""CPU time over that of a MAC of the dense convolution, gradients included, of copying one number."""
_IN_CACHE = 1 << 20  # numbers that are computed with at a time
_KEPT = 1 << 24  # copied numbers, above which they are copied again for gradients


def obstacle(convolution: Convolution) -> str | None:
    """Why a convolution of volumes has no such form; None where it has."""
    if convolution.window is None or convolution.in_type.space != VOLUME:
        return "it is not one of volumes"
    if convolution.window.dimension is not None:
        return "the window differs from axis to axis"
    if convolution.groups > 1:
        return f"there are {convolution.groups} groups of fields"
    spaces = [space for row in convolution.spaces for space in row]
    regular = all(is_regular(rho) for s in spaces for rho in (s.in_representation, s.out_representation))
    if not regular or not all(isinstance(s, PixelKernelSpace) for s in spaces):
        return "of volumes it takes regular fields of a group that maps the grid to itself, with pixel kernels"
    return None


@dataclasses.dataclass(frozen=True, eq=False)
class _Transform:
    """The Fourier transform over a group, and where taps go.

    Args:
      analysis: ``[components, order]``: Ŝ, irrep after irrep, entries (i, j) of each.
      synthesis: ``[order, components]``.
      irreps: the matrices ``[order, d, d]`` of each irrep.
      moved: ``[order, taps]``: the number of the tap bu.
      source: ``[order · taps]``: where S_u[b] is, at (b, u), among the taps of the channels, at (bu, b).
    """

    analysis: np.ndarray
    synthesis: np.ndarray
    irreps: tuple[np.ndarray, ...]
    moved: np.ndarray
    source: np.ndarray


@functools.lru_cache(maxsize=32)
def _transform(group: Group, size: int) -> _Transform:
    elements, matrices, weights = group.elements(), [], []
    for psi in irreps(group):  # type: ignore[arg-type]
        matrices.append(psi(elements))
        weights.append(psi.size / (psi.endomorphism_dimension * len(elements)))
    flat = [m.reshape(len(elements), -1) for m in matrices]
    moved = pixel_moves(group, size, VOLUME)  # type: ignore[arg-type]
    return _Transform(
        np.concatenate(flat, 1).T,
        np.concatenate([m * w for m, w in zip(flat, weights, strict=True)], 1),
        tuple(matrices),
        moved,
        (moved * len(elements) + np.arange(len(elements))[:, None]).ravel(),
    )


def prepare(convolution: Convolution, weights: Sequence[jax.Array]) -> dict[str, jax.Array]:
    """The transformed weights, for each irrep ``[d(k), fields_out, d(j), taps, fields_in]``."""
    rows, flat = [], iter(weights)
    for row in convolution.spaces:
        blocks = []
        for space in row:
            blocks.append(next(flat)[jnp.asarray(_numbers(space))])  # [tap, element, fields_in, fields_out]
        rows.append(jnp.concatenate(blocks, -1))
    every = jnp.concatenate(rows, -2)
    transform = _transform(*_key(convolution))
    return {
        f"matrix_{n}": jnp.einsum("uafo,akj->kojuf", every, jnp.asarray(matrix, every.dtype), precision="highest")
        for n, matrix in enumerate(transform.irreps)
    }


def _key(convolution: Convolution) -> tuple[Group, int]:
    space = convolution.spaces[0][0]
    return space.group, space.shape[0]


@functools.lru_cache(maxsize=64)
def _numbers(space: PixelKernelSpace) -> np.ndarray:
    """``[tap, element]``: the number of the weight w_u[a], that of the kernel's entry (au, a) to the channel e."""
    group, order = space.group, int(space.group.order)
    moved = _transform(group, space.shape[0]).moved
    orbits = space.orbits.reshape(-1, order, order)
    return np.stack([orbits[moved[a], a, 0] for a in range(order)], 1)


def apply(convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
    """The convolution of ``[batch, depth, height, width, channels]``."""
    window, transform = convolution.window, _transform(*_key(convolution))
    assert window is not None  # noqa: S101 - `obstacle` says so
    order = len(transform.synthesis)
    size, axes = window.output_size(x.shape[1:-1]), window.along(3)
    overhang = window.overhang(x.shape[1:-1])
    x = pad(x, window.pixels_of_padding, window.padding_mode)
    x = jnp.pad(x, [(0, 0), *((0, more) for more in overhang), (0, 0)])
    fields = x.shape[-1] // order
    x = x.reshape(*x.shape[:-1], fields, order).transpose(0, 1, 5, 4, 2, 3)  # [batch, d, element, field, h, w]
    slabs, rows = _slabs(x, axes, size, taps=len(transform.moved[0]))
    matrices = [matrix.astype(x.dtype) for matrix in prepared.values()]

    def of_slab(slab: jax.Array) -> jax.Array:
        """``[element, field · voxels]`` of the output from ``[depth of taps, element, field, height, width]``."""
        along_rows, along_columns = _starts(axes[1], rows), _starts(axes[2], size[2])
        parts = [slab[..., a : a + n : s, b : b + m : t] for a, n, s in along_rows for b, m, t in along_columns]
        stacked = jnp.stack(parts, 1)  # [depth of taps, (height, width) of taps, element, field, row, w]
        flat = stacked.reshape(len(transform.source), -1)
        return _correlated(transform, matrices, _rearranged(flat, transform.source), fields)

    kept = transform.source.size * fields * math.prod((len(x), *size)) <= _KEPT
    y = jax.lax.map(of_slab if kept else jax.checkpoint(of_slab), slabs)
    out_fields = convolution.out_type.num_fields
    y = y.reshape(len(x), size[0], size[1] // rows, order, out_fields, rows, size[2])
    y = y.transpose(0, 1, 2, 5, 6, 4, 3)  # [batch, depth, block of rows, row, width, field, element]
    return y.reshape(len(x), *size, -1)


def _correlated(transform: _Transform, matrices: Sequence[jax.Array], x: jax.Array, fields: int) -> jax.Array:
    """The correlations over the group: from S_u[b], rows (b, u) ``[order · taps, fields · voxels]``, to y_g."""
    order, taps = transform.moved.shape
    analysis, synthesis = (jnp.asarray(a, x.dtype) for a in (transform.analysis, transform.synthesis))
    spectrum = jnp.matmul(analysis, x.reshape(order, -1), precision="highest")
    voxels, found, first = x.shape[1] // fields, [], 0
    for matrix in matrices:  # [d(k), fields_out, d(j), taps, fields]
        d, fields_out = matrix.shape[:2]
        part = spectrum[first : first + d * d].reshape(d, d * taps * fields, voxels)
        found += [(matrix.reshape(d * fields_out, -1) @ part[i]).reshape(d, -1) for i in range(d)]
        first += d * d
    return jnp.matmul(synthesis, jnp.concatenate(found), precision="highest")


def _slabs(x: jax.Array, axes: Sequence[AxisWindow], size: Size, taps: int) -> tuple[jax.Array, int]:
    """Parts of the input that are small enough to stay in a cache, and how many rows each gives.

    Args:
      x: ``[batch, depth, element, field, height, width]``, padded.
      axes: the window.
      size: of the output.
      taps: of the window.

    Returns:
      ``[batch · depth · blocks of rows, depth of taps, element, field, height, width]``.
    """
    row = taps * x.shape[2] * x.shape[3] * size[2]
    rows = max(r for r in range(1, size[1] + 1) if size[1] % r == 0 and (r == 1 or r * row <= _IN_CACHE))
    planes = [jax.lax.slice_in_dim(x, a, a + length, step, 1) for a, length, step in _starts(axes[0], size[0])]
    x = jnp.stack(planes, 2)  # [batch, depth, depth of taps, element, field, height, width]
    step, height = rows * axes[1].stride, (rows - 1) * axes[1].stride + axes[1].extent
    blocks = [jax.lax.slice_in_dim(x, n * step, n * step + height, axis=5) for n in range(size[1] // rows)]
    x = jnp.stack(blocks, 2)
    return x.reshape(-1, *x.shape[3:]), rows


def _starts(axis: AxisWindow, n: int) -> list[tuple[int, int, int]]:
    """Where the values of each tap for n windows start, how far they reach, and their step."""
    return [(tap * axis.dilation, (n - 1) * axis.stride + 1, axis.stride) for tap in range(axis.size)]


def _rearranged(x: jax.Array, order: np.ndarray) -> jax.Array:
    """The rows in another order; its transpose, as cheap, puts them back."""
    back = np.argsort(order)
    return jax.custom_derivatives.linear_call(lambda _, x: x[order], lambda _, y: y[back], (), x)


def multiply_adds(convolution: Convolution, size: Size) -> int:
    """For each output voxel: taps · Σ_ρ d³ for each pair of fields, and the transforms of the fields."""
    window, transform = convolution.window, _transform(*_key(convolution))
    assert window is not None  # noqa: S101
    order, taps = len(transform.synthesis), window.taps(3)
    mixing = taps * sum(m.shape[-1] ** 3 for m in transform.irreps)
    fields_in, fields_out = convolution.in_type.num_fields, convolution.out_type.num_fields
    components = len(transform.analysis)
    each = mixing * fields_in * fields_out + order * components * (taps * fields_in + fields_out)
    return each * math.prod(window.output_size(size))


def expected_cost(convolution: Convolution, size: Size) -> float:
    """MACs, and the copies of every tap of the input."""
    window = convolution.window
    assert window is not None  # noqa: S101
    copied = window.taps(3) * convolution.in_type.size * math.prod(window.output_size(size))
    return multiply_adds(convolution, size) + COPIED * copied
