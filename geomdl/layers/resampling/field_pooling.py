"""Pooling of whole fields: by norm, over cosets of a subgroup, and to invariant norms."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.equivariance.contracts.contract import Contract, exact_everywhere
from geomdl.errors import invalid, unknown
from geomdl.groups import AnySubgroup, PlanarGroup, SpatialGroup, require_point_group
from geomdl.groups import subgroup as subgroup_of
from geomdl.layers.containers.sequential import Sequential
from geomdl.layers.core.correlation import pad
from geomdl.layers.core.field_channels import block_fields, is_regular, join_blocks, require_cosets, wide
from geomdl.layers.core.layer import Field, Fields, Layer, Resampled
from geomdl.layers.core.maximum import largest, shares_of_largest
from geomdl.layers.core.window import Padding, PaddingMode, Remainder, Window
from geomdl.layers.nonlinearities.norm_and_gated import safe_norm
from geomdl.layers.resampling.pooling import BlurPool, Pool, Reduce
from geomdl.representations import FieldType, quotient


class NormMaxPool(Layer):
    """Keeps, of each window and each field, the field vector of the largest norm.

      y(x) = f(y*),   y* = argmax_{y in the window at x} ‖f(y)‖.

    Norms are invariant, so it commutes with every representation, where `Pool` with a maximum needs permutations. Where
    several norms are equally large, y is the mean of their vectors. Exact under grid symmetries when the grid of
    windows is centred, (n + 2P − F) mod S = 0.

    Args:
      in_type: any representations.
      window: pixels along each axis.
      stride: the window size by default.
      padding: see `geomdl.layers.core.window.Window`; padded zeros never win.
      padding_mode: see `geomdl.layers.core.window.Window`.
      remainder: see `geomdl.layers.core.window.output_size`.

    Raises:
      ValueError: for a bad window.

    >>> x = jnp.array([[[0.0, 1.0], [3.0, 4.0]], [[-2.0, 0.0], [1.0, 1.0]]])[None]
    >>> NormMaxPool(FieldType("SO2", "1 irrep(1)"), 2)(x)
    Array([[[[3., 4.]]]], dtype=float32)
    """

    def __init__(
        self,
        in_type: FieldType,
        window: int,
        *,
        stride: int | None = None,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        remainder: Remainder = "error",
    ) -> None:
        in_type.require_base_space("NormMaxPool")
        self.in_type = self.out_type = in_type
        self.window = Window(window, window if stride is None else stride, padding, 1, padding_mode, remainder)
        if self.window.dimension is not None:
            raise invalid("window of NormMaxPool", self.window, "one number for all axes", "Window(2)")

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts by multiples of the stride when they tile or wrap."""
        return self.window.contract(self.in_type, self.out_type, linear=False)

    def apply(self, x: Field) -> Resampled:
        """Pools ``[batch, height, width, channels]``, or as the base space has axes.

        Raises ValueError when the window does not fit.
        """
        self.in_type.require_layout(x.shape, "the input of NormMaxPool")
        w = self.window.isotropic
        sizes = self.window.output_size(x.shape[1:-1])
        x = pad(x, w.padding, self.window.padding_mode)
        ends = [(n - 1) * w.stride + w.size for n in sizes]
        overhang = [(0, 0), *((0, max(0, end - n)) for end, n in zip(ends, x.shape[1:-1], strict=True)), (0, 0)]
        x = jnp.pad(x, overhang)  # zeros beyond the border: they never win, and where they tie all are zero
        parts: list[jax.Array] = []
        for b in self.in_type.blocks:
            fields = block_fields(x, b)
            squares = (fields.astype(wide(x.dtype)) ** 2).sum(-1)
            slices = [
                (
                    slice(None),
                    *(slice(i, i + (n - 1) * w.stride + 1, w.stride) for i, n in zip(tap, sizes, strict=True)),
                )
                for tap in np.ndindex(*(w.size,) * len(sizes))
            ]
            shares = shares_of_largest(jnp.stack([squares[s] for s in slices]), 0).astype(x.dtype)
            shared = [share[..., None] * fields[s] for share, s in zip(shares, slices, strict=True)]
            parts.append(functools.reduce(jnp.add, shared))
        return join_blocks(parts)


def antialiased_max_pool(
    in_type: FieldType,
    window: int = 2,
    *,
    stride: int = 2,
    filter_size: int = 3,
    padding: int = 1,
    padding_mode: PaddingMode = "zeros",
    remainder: Remainder = "error",
) -> Sequential:
    """Max pooling without subsampling, then `BlurPool`: the maximum's high frequencies are removed before subsampling.

    Permuted channels are pooled one by one, other fields by their norm.

    Args:
      in_type: any representations.
      window: of the maximum, with stride 1 and no padding.
      stride: subsampling factor of the blur.
      filter_size: taps of the blur.
      padding: of the blur, in pixels.
      padding_mode: of the blur.
      remainder: of the blur; see `geomdl.layers.core.window.output_size`.

    Raises:
      ValueError: for a bad window.

    References:
      Zhang, Making convolutional networks shift-invariant again, ICML 2019, §3.2.

    >>> antialiased_max_pool(FieldType("C4", "1 regular"))(jnp.ones((1, 8, 8, 4))).shape
    (1, 4, 4, 4)
    """
    largest = Pool if in_type.is_permutation else NormMaxPool
    blur = BlurPool(
        in_type, filter_size, stride=stride, padding=padding, padding_mode=padding_mode, remainder=remainder
    )
    return Sequential([largest(in_type, window, stride=1), blur])


class SubgroupPool(Layer):
    """The maximum or mean of each regular field over the cosets gH of a subgroup: a field on G becomes one on G/H.

      y(gH) = max_{h in H} f(gh).

    Between `GroupPool` (H = G: an invariant) and the identity (H = 1). For H a normal subgroup, such as the rotations
    of D_N, the result is invariant under H and still equivariant under G.

    Args:
      in_type: regular fields.
      subgroup: H, by name or as `geomdl.groups.Subgroup`.
      reduce: ``"max"`` or ``"mean"``.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.

    Raises:
      ValueError: for fields that are not regular, or when H is not a subgroup.

    >>> layer = SubgroupPool(FieldType("C4", "1 regular"), "C2")
    >>> layer.out_type, layer(jnp.array([[1.0, 5.0, 3.0, 2.0]]))
    (FieldType(C4, "1 quotient(C2)"), Array([[3., 5.]], dtype=float32))
    """

    def __init__(
        self,
        in_type: FieldType,
        subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
        reduce: Reduce = "max",
        *,
        axis: float = 0,
    ) -> None:
        if reduce not in ("max", "mean"):
            raise unknown("reduce", reduce, ["max", "mean"])
        group = require_point_group(in_type.group, "SubgroupPool")
        group.require_finite("SubgroupPool")
        for b in in_type.blocks:
            if not is_regular(b.representation):
                raise ValueError(
                    f"SubgroupPool needs regular fields; {b.representation} of {in_type.group} is not; allowed there:"
                    " NormPool, or GroupPool for permuted channels"
                )
        self.in_type, self.reduce = in_type, reduce
        self.subgroup = subgroup_of(group, subgroup, axis)
        cosets = quotient(group, self.subgroup)
        self.out_type = in_type.with_fields([(b.multiplicity, cosets) for b in in_type.blocks])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., fields · |G|]`` to ``[..., fields · |G| / |H|]``."""
        self.in_type.require_channels(x.shape[-1], "the input of SubgroupPool")
        cosets = self.subgroup.coset(self.in_type.group.elements())
        members = np.argsort(cosets, kind="stable")  # coset after coset
        parts = []
        for b in self.in_type.blocks:
            fields = jnp.take(block_fields(x, b), members, axis=-1)
            fields = fields.reshape(*fields.shape[:-1], int(self.subgroup.index), -1)
            parts.append(largest(fields) if self.reduce == "max" else fields.mean(-1))
        return join_blocks(parts)


class NormPool(Layer):
    """The norm of each field: an invariant scalar field y_i = ‖f_i‖.

    Args:
      in_type: any representations.
      epsilon: added to ‖f‖², so that gradients at f = 0 are finite.

    >>> layer = NormPool(FieldType("SO2", "1 irrep(1) + 1 trivial"))
    >>> layer.out_type, layer(jnp.array([[3.0, 4.0, -2.0]]))
    (FieldType(SO2, "2 trivial"), Array([[5., 2.]], dtype=float32))
    """

    def __init__(self, in_type: FieldType, *, epsilon: float = 1e-12) -> None:
        self.in_type = in_type
        self.out_type = in_type.with_fields(f"{in_type.num_fields} trivial")
        self.epsilon = epsilon

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to ``[..., fields]``."""
        self.in_type.require_channels(x.shape[-1], "the input of NormPool")
        values = x.astype(wide(x.dtype))
        norms = [safe_norm(block_fields(values, b), self.epsilon) for b in self.in_type.blocks]
        return jnp.concatenate(norms, -1).astype(x.dtype)


class InducedNormPool(Layer):
    """The norm of the part of each induced field over each coset: a quotient field y(gH) = ‖f(gH)‖.

    A field of Ind_H^G ρ holds one vector of ρ for each coset, and the group moves the vectors from coset to coset;
    their norms are therefore permuted.

    Args:
      in_type: fields induced from H.
      subgroup: H, by name or as `geomdl.groups.Subgroup`.
      axis: which reflection of G is that of H; see `geomdl.groups.Subgroup`.
      epsilon: added to ‖f‖², so that gradients at f = 0 are finite.

    Raises:
      ValueError: for fields that are not induced from H.

    >>> layer = InducedNormPool(FieldType("D4", "1 induced(C4,irrep(1))"), "C4")
    >>> layer.out_type, layer(jnp.array([[3.0, 4.0, 0.0, -2.0]]))
    (FieldType(D4, "1 quotient(C4)"), Array([[5., 2.]], dtype=float32))
    """

    def __init__(
        self,
        in_type: FieldType,
        subgroup: AnySubgroup | PlanarGroup | SpatialGroup | str,
        *,
        axis: float = 0,
        epsilon: float = 1e-12,
    ) -> None:
        self.in_type, self.epsilon = in_type, epsilon
        group = require_point_group(in_type.group, "InducedNormPool")
        self.subgroup = subgroup_of(group, subgroup, axis)
        for b in in_type.blocks:
            require_cosets(b.representation, self.subgroup)
        cosets = quotient(group, self.subgroup)
        self.out_type = in_type.with_fields([(b.multiplicity, cosets) for b in in_type.blocks])

    @property
    def contract(self) -> Contract:
        """Exact for every element and every shift."""
        return exact_everywhere(self.in_type, self.out_type)

    def apply(self, x: Field) -> Fields:
        """Maps ``[..., channels]`` to ``[..., fields · cosets]``."""
        self.in_type.require_channels(x.shape[-1], "the input of InducedNormPool")
        values, count = x.astype(wide(x.dtype)), int(self.subgroup.index)
        parts = [block_fields(values, b) for b in self.in_type.blocks]
        norms = [safe_norm(f.reshape(*f.shape[:-1], count, -1), self.epsilon) for f in parts]
        return join_blocks(norms).astype(x.dtype)
