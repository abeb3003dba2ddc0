"""Layers that keep the numbers and change how they are understood: order, basis, group, support."""

import dataclasses
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import NOTHING, Contract, Size, exact_everywhere
from geomdl.errors import invalid
from geomdl.groups import PlanarGroup, Subgroup
from geomdl.layers.core.field_channels import block_fields, join_blocks
from geomdl.layers.core.layer import Field, Fields, Image, Layer
from geomdl.representations import FieldType, irrep
from geomdl.representations.representation import irrep_size


class Identity(Layer):
    """y = x.

    Args:
      in_type: what comes in and goes out.

    >>> Identity(FieldType("C4", "1 regular"))(jnp.ones((1, 4)))
    Array([[1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = self.out_type = in_type

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def multiply_adds(self, size: Size) -> int:
        """None."""
        return 0

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Gives the input back."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Identity")
        return x


class Reshuffle(Layer):
    """Puts the blocks of fields in another order.

    Args:
      in_type: what comes in.
      order: block i of the output is block ``order[i]`` of the input.

    Raises:
      ValueError: when ``order`` is not a permutation of the blocks.

    >>> layer = Reshuffle(FieldType("C2", "1 trivial + 1 regular"), [1, 0])
    >>> layer.out_type, layer(jnp.array([[1.0, 2.0, 3.0]]))
    (FieldType(C2, "1 regular + 1 trivial"), Array([[2., 3., 1.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, order: Sequence[int]) -> None:
        blocks = in_type.blocks
        if sorted(order) != list(range(len(blocks))):
            raise invalid("order of Reshuffle", list(order), f"a permutation of 0 … {len(blocks) - 1}")
        self.in_type, self.order = in_type, tuple(order)
        self.out_type = in_type.with_fields([(blocks[i].multiplicity, blocks[i].representation) for i in order])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def multiply_adds(self, size: Size) -> int:
        """None."""
        return 0

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Reorders ``[..., channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Reshuffle")
        return jnp.concatenate([x[..., self.in_type.blocks[i].channels] for i in self.order], -1)


class Disentangle(Layer):
    """Sorts the channels into fields as small as possible, without mixing them: an orbit of channels becomes a field.

    A regular field of D8 that was restricted to C8 becomes two regular fields.

    Args:
      in_type: what comes in; see `geomdl.representations.FieldType.disentangle`.

    >>> Disentangle(FieldType("D8", "3 regular").restrict("C8")).out_type
    FieldType(C8, "6 regular")
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type = in_type
        self.out_type, order = in_type.disentangle()
        self.order = tuple(order.tolist())

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def multiply_adds(self, size: Size) -> int:
        """None."""
        return 0

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Reorders ``[..., channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Disentangle")
        return jnp.take(x, np.array(self.order), axis=-1)


class Restrict(Layer):
    """Understands fields of a group G as fields of a subgroup H, in the middle of a network: the numbers stay.

    From here on the network is asked to commute with H only, and may tell apart what G identifies: large patterns have
    fewer symmetries than small ones. The promise of the layer, and of a network that has it, is about H.

    Args:
      in_type: of G.
      subgroup: H.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`. The output's group has its mirror line,
        and the layers that follow commute with the reflection about that line.
      disentangle: whether to sort the channels into fields as small as possible, so that regular fields of G become
        regular fields of H; see `Disentangle`.

    Raises:
      ValueError: when H is not a subgroup of G.

    References:
      Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, §2.7 and table 2.

    >>> layer = Restrict(FieldType("D8", "2 trivial + 4 regular"), "C8")
    >>> layer.out_type
    FieldType(C8, "2 trivial + 8 regular")
    >>> print(layer.contract)
    C8: exact
    circular shifts: exact
    fractional circular shifts: exact
    crops: exact, every pixel by itself
    >>> Restrict(FieldType("D4", "1 regular"), "D2", axis=1).out_type  # mirrors on the diagonals
    FieldType(D2(mirror=45), "2 regular")
    """

    def __init__(
        self, in_type: FieldType, subgroup: Subgroup | PlanarGroup | str, *, axis: float = 0, disentangle: bool = True
    ) -> None:
        self.in_type = in_type
        restricted = in_type.restrict(subgroup, axis)
        self.out_type, order = restricted.disentangle() if disentangle else (restricted, np.arange(in_type.size))
        self.order = tuple(order.tolist())

    @property
    def contract(self) -> Contract:
        """Exact for every element of the subgroup and every shift."""
        return exact_everywhere(self.in_type, self.out_type, linear=True)

    def multiply_adds(self, size: Size) -> int:
        """None."""
        return 0

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Gives the channels back, sorted."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Restrict")
        sorted_already = self.order == tuple(range(len(self.order)))
        return x if sorted_already else jnp.take(x, np.array(self.order), axis=-1)


class ToIrreps(Layer):
    """Writes each field in the basis in which ρ is block-diagonal: y = Qᵀ f, a field of irreps.

    For a regular field that is its Fourier transform over the group, for a tensor product the Clebsch–Gordan
    decomposition. Q is orthogonal, so norms are kept. `FromIrreps` goes back.

    Args:
      in_type: any representations.

    >>> layer = ToIrreps(FieldType("C4", "2 regular"))
    >>> layer.out_type
    FieldType(C4, "2 irrep(0) + 2 irrep(1) + 2 irrep(2)")
    >>> layer(jnp.ones((1, 8))).round(3)
    Array([[2., 2., 0., 0., 0., 0., 0., 0.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType) -> None:
        self.in_type, self.out_type = in_type, _irreps_of(in_type)

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        # depth 2: the field that is moved in the irrep basis is rounded by another matrix product
        return dataclasses.replace(exact_everywhere(self.in_type, self.out_type, linear=True), depth=2)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · Σ fields · size²."""
        return int(np.prod(size)) * sum(b.multiplicity * b.representation.size**2 for b in self.in_type.blocks)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Field:
        """Maps ``[..., channels]`` to the coefficients of as many channels, irrep after irrep."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of ToIrreps")
        parts = []
        for b in self.in_type.blocks:
            q = jnp.asarray(b.representation.change_of_basis, x.dtype)
            coefficients = jnp.einsum("...mc,ci->...mi", block_fields(x, b), q, precision="highest")
            sizes = [irrep_size(b.representation.group, label) for label in b.representation.labels]
            parts += jnp.split(coefficients, np.cumsum(sizes)[:-1].tolist(), axis=-1)
        return join_blocks(parts)


class FromIrreps(Layer):
    """The inverse of `ToIrreps`: irreps of one field each are put together as f = Q y.

    Args:
      out_type: any representations; the input has their irreps.

    >>> FromIrreps(FieldType("C4", "1 regular"))(jnp.array([[2.0, 0.0, 0.0, 0.0]])).round(3)
    Array([[1., 1., 1., 1.]], dtype=float32)
    """

    def __init__(self, out_type: FieldType) -> None:
        self.in_type, self.out_type = _irreps_of(out_type), out_type

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        # depth 2: the field that is moved in the irrep basis is rounded by another matrix product
        return dataclasses.replace(exact_everywhere(self.in_type, self.out_type, linear=True), depth=2)

    def multiply_adds(self, size: Size) -> int:
        """Pixels · Σ fields · size²."""
        return int(np.prod(size)) * sum(b.multiplicity * b.representation.size**2 for b in self.out_type.blocks)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Fields:
        """Maps the coefficients ``[..., channels]`` to as many channels."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of FromIrreps")
        parts, i = [], 0
        for b in self.out_type.blocks:
            count = len(b.representation.labels)
            fields = jnp.concatenate([block_fields(x, c) for c in self.in_type.blocks[i : i + count]], -1)
            q = jnp.asarray(b.representation.change_of_basis, x.dtype)
            parts.append(jnp.einsum("...mi,ci->...mc", fields, q, precision="highest"))
            i += count
        return join_blocks(parts)


class Mask(Layer):
    """Multiplies by a disc about the centre, so that what turns out of the frame was not there before:

      y(x) = m(‖x‖) f(x),   m(r) = 1 for r ≤ R, exp(−(r − R)² / 2σ²) beyond,   R = (min(n) − 1)/2 − margin.

    Args:
      in_type: what comes in and goes out.
      margin: pixels between the disc and the border.
      sigma: width of the soft edge in pixels; 0 for a hard one.

    Raises:
      ValueError: for a negative margin or sigma.

    >>> Mask(FieldType("C4", "1 trivial"), margin=0, sigma=0)(jnp.ones((1, 3, 3, 1)))[0, ..., 0]
    Array([[0., 1., 0.], [1., 1., 1.], [0., 1., 0.]], dtype=float32)
    """

    def __init__(self, in_type: FieldType, margin: float = 0.0, sigma: float = 2.0) -> None:
        for name, value in (("margin", margin), ("sigma", sigma)):
            if value < 0:
                raise invalid(f"{name} of Mask", value, "a number of pixels ≥ 0", 1.0)
        in_type.require_plane("Mask")
        self.in_type = self.out_type = in_type
        self.margin, self.sigma = margin, sigma

    @property
    def contract(self) -> Contract:
        """Exact for grid symmetries; a mask marks the place, so nothing for shifts."""
        shifts = dataclasses.replace(NOTHING, why="a mask marks the place")
        return dataclasses.replace(
            exact_everywhere(self.in_type, self.out_type, reach=None), shifts=shifts, fractional=shifts
        )

    def multiply_adds(self, size: Size) -> int:
        """Pixels · channels."""
        return int(np.prod(size)) * self.in_type.size

    def __call__(self, x: Image, *, train: bool = False, key: jax.Array | None = None) -> Image:
        """Masks ``[batch, height, width, channels]``."""
        del train, key
        self.in_type.require_channels(x.shape[-1], "the input of Mask")
        height, width = x.shape[1:3]
        rows, columns = 2 * np.arange(height) - (height - 1), 2 * np.arange(width) - (width - 1)  # whole half pixels
        beyond = np.sqrt(rows[:, None] ** 2 + columns**2) / 2 - ((min(height, width) - 1) / 2 - self.margin)
        edge = (
            np.exp(-(np.maximum(beyond, 0) ** 2) / (2 * self.sigma**2)) if self.sigma else np.where(beyond > 1e-9, 0, 1)
        )
        return x * jnp.asarray(np.where(beyond <= 1e-9, 1.0, edge)[None, :, :, None], x.dtype)


def _irreps_of(field_type: FieldType) -> FieldType:
    """For each block, one block of each irrep of its representation."""
    group = field_type.group
    return field_type.with_fields(
        [(b.multiplicity, irrep(group, *label)) for b in field_type.blocks for label in b.representation.labels]
    )
