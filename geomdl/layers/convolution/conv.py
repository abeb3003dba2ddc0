"""Equivariant convolutions."""

import jax
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.kernels import Basis, BasisFilter
from geomdl.layers.convolution.algorithms import Algorithm, Convolution, named
from geomdl.layers.convolution.algorithms.registry import AUTO, Method, algorithm_for, reference, require_possible
from geomdl.layers.convolution.plain import PlainConv
from geomdl.layers.core.gains import Gain
from geomdl.layers.core.layer import Field, Layer, Resampled
from geomdl.layers.core.weights import Init, add_bias, init_bias, init_weights, kernel_spaces
from geomdl.layers.core.window import Padding, PaddingMode, PerAxisInt, Remainder, Window, require_per_axis
from geomdl.representations import FieldType

KernelOption = float | tuple[float, ...] | None


class Conv(Layer):
    """The most general equivariant linear map between fields that is local: convolution with an equivariant kernel.

      (K * f)(x) = Σ_y K(y) f(x + y) + b,   K(gy) = ρ_out(g) K(y) ρ_in(g)⁻¹,   ρ_out(g) b = b.

    The types decide which convolution it is. From ``"n trivial"`` to ``"m regular"`` it *lifts* an image to the group;
    from regular to regular it is the *group convolution*; between irreps it is *steerable*; for the group C1 it is the
    ordinary convolution. Exact under the transformations that map the pixel grid to itself, borders included, whenever
    the grid
    of windows is centred: (n + 2P − F) mod S = 0. Other elements of the group (45° of C8, say) are kept up to the error
    of sampling the kernel on the grid.

    Args:
      in_type: what comes in.
      out_type: what goes out, of the same group.
      kernel_size: pixels along each axis, odd or even; one number, or one for each axis of the base space.
      stride: see `geomdl.layers.core.window.Window`.
      padding: pixels, ``"valid"``, ``"same"`` or ``"full"``.
      padding_mode: ``"zeros"``, ``"circular"``, ``"reflect"`` or ``"replicate"``.
      dilation: distance between taps.
      remainder: see `geomdl.layers.core.window.output_size`.
      groups: groups of fields that are kept apart; as many as there are fields for a depthwise convolution.
      basis: ``"pixel"`` for every equivariant kernel on the grid (subgroups of D4), ``"steerable"`` for harmonics times
        Gaussian rings (any group), ``"auto"`` for the first where it exists.
      rings, sigma, frequencies_cutoff, maximum_offset, basis_filter: of the steerable basis; see
        `geomdl.kernels.SteerableKernelSpace`.
      use_bias: whether to add b, one number per invariant direction of ρ_out.
      init: ``"he"``: generalized He, with spectra as flat as the kernels allow; see
        `geomdl.kernels.initial_variances`. ``"delta_orthogonal"``: an orthogonal map of the channels at the window's
        centre and zero elsewhere, of gain 1: it keeps the norm of the signal, and the variance of every channel where
        no more fields go out than come in. Irreps that only one of the types has start at zero. Odd windows only. See
        `geomdl.kernels.delta_orthogonal`.
      gain: by how much the mean square of white inputs is to grow, so that the nonlinearity behind brings it back:
        `geomdl.layers.gain_of` measures it, for each block of ``out_type``. By default 2 (of ReLU) where every field is
        a function on the group (trivial, regular, quotient, band-limited), 1 (of norms) elsewhere, and 1 for
        delta-orthogonal weights.
      method: how it is computed, from the same weights to the same result, by the name of an algorithm of
        `geomdl.layers.convolution.algorithms`; those of one's own can be registered there. ``"dense"``: the kernel is
        expanded. ``"factored"``: the channels are mixed in coordinates of irreps, which is less arithmetic by about the
        order of the group; only with square windows on the plane, and not where some pairs of fields have pixel kernels
        and others steerable ones; of volumes for regular fields with pixel kernels. ``"fused"``:
        the same in one kernel for GPUs, which holds nothing of what it expands in memory and computes in the precision
        of the images; not with ``groups`` > 1. It has derivatives of reverse mode (`jax.grad`, `jax.vjp`) and none of
        forward mode (`jax.jvp`, `jax.jacfwd`, `jax.hessian`, `jax.linearize`, `geomdl.equivariance.lie_derivative`),
        for which `geomdl.layers.with_method` gives a copy of the network with another method; and on CPUs, where it is
        interpreted, `jax.shard_map` takes it with ``check_vma=False`` only. ``"auto"``: the algorithm that is expected
        to be fastest for the images at hand, its compilation considered; see
        `geomdl.layers.convolution.algorithms.registry.chosen`.
      rngs: initialises the weights.

    Raises:
      ValueError: for types of different groups, fields that no kernel reaches, a bad window, a delta-orthogonal
        initialisation of an even window or of ``groups`` > 1, or a method that cannot compute it.

    References:
      Cohen & Welling, Group equivariant convolutional networks, ICML 2016. Weiler & Cesa, General E(2)-equivariant
      steerable CNNs, NeurIPS 2019.

    >>> import jax.numpy as jnp
    >>> from geomdl.groups import C4
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "8 regular")
    >>> lift = Conv(image, features, 5, padding="same", rngs=nnx.Rngs(0))
    >>> lift(jnp.ones((2, 9, 9, 1))).shape
    (2, 9, 9, 32)
    >>> print(lift.contract)
    C4: exact, given a square input
    circular shifts: none (padding with zeros marks the border)
    crops: exact, with a field of view of ±2 pixels

    Fields on another base space are convolved over its axes: signals here, with a window that goes round.

    >>> sound, notes = (FieldType("C1", f"{n} trivial", space="line") for n in (1, 8))
    >>> Conv(sound, notes, 5, padding="same", padding_mode="circular", rngs=nnx.Rngs(0))(jnp.ones((2, 40, 1))).shape
    (2, 40, 8)
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        kernel_size: PerAxisInt,
        *,
        stride: PerAxisInt = 1,
        padding: Padding = 0,
        padding_mode: PaddingMode = "zeros",
        dilation: PerAxisInt = 1,
        remainder: Remainder = "error",
        groups: int = 1,
        basis: Basis = "auto",
        rings: tuple[float, ...] | None = None,
        sigma: KernelOption = None,
        frequencies_cutoff: KernelOption = None,
        maximum_offset: int | None = None,
        basis_filter: BasisFilter | None = None,
        use_bias: bool = True,
        init: Init = "he",
        gain: Gain = None,
        method: Method = "auto",
        rngs: nnx.Rngs,
    ) -> None:
        base = in_type.require_base_space("Conv")
        require_per_axis(base, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
        self.window = Window(kernel_size, stride, padding, dilation, padding_mode, remainder)
        self.in_type, self.out_type, self.groups = in_type, out_type, groups
        _check_groups(groups, in_type, out_type)
        self.spaces = kernel_spaces(
            in_type,
            out_type,
            self.window.size,
            basis,
            rings=rings,
            sigma=sigma,
            frequencies_cutoff=frequencies_cutoff,
            maximum_offset=maximum_offset,
            basis_filter=basis_filter,
        )
        self.method: Method = require_possible(method, self.convolution)
        self.kernel = init_weights(self.spaces, in_type, out_type, rngs, groups, init, gain)
        self.bias = init_bias(out_type) if use_bias else nnx.List([])

    @property
    def contract(self) -> Contract:
        """Exact when the grid of windows is centred; shifts when the windows wrap around."""
        return self.window.contract(self.in_type, self.out_type)

    @property
    def convolution(self) -> Convolution:
        """All of it but the weights, for `geomdl.layers.convolution.algorithms`."""
        return Convolution(self.spaces, self.in_type, self.out_type, self.window, self.groups)

    def algorithm_for(self, size: Size) -> Algorithm:
        """What computes images of a size."""
        return algorithm_for(self.method, self.convolution, size)

    def method_for(self, size: Size) -> str:
        """The name of the algorithm that computes images of a size."""
        return self.algorithm_for(size).name

    def multiply_adds(self, size: Size) -> int:
        """MACs of the algorithm in use, which depends on the backend where the method is ``"auto"``."""
        return self.algorithm_for(size).multiply_adds(self.convolution, size)

    def dense_kernel(self) -> jax.Array:
        """The expanded kernel ``[k, k, in_channels / groups, out_channels]``."""
        return self.convolution.dense_kernel([weight[...] for weight in self.kernel])

    def apply(self, x: Field) -> Resampled:
        """Convolves ``[batch, height, width, channels]``, or as the base space of ``in_type`` has axes.

        Raises ValueError when the window does not fit, or for an array of other axes.
        """
        self.in_type.require_layout(x.shape, "the input of Conv")
        algorithm = self.algorithm_for(x.shape[1:-1])
        prepared = algorithm.prepare(self.convolution, [weight[...] for weight in self.kernel])
        return add_bias(algorithm.apply(self.convolution, prepared, x), self.bias, self.out_type)

    def frozen(self) -> Layer:
        """The algorithm with what it prepares of the weights made; for ``"auto"`` the dense one."""
        algorithm = reference() if self.method == AUTO else named(self.method)
        return PlainConv.of(algorithm, self.convolution, self.kernel, self.bias, self.contract)


def _check_groups(groups: int, in_type: FieldType, out_type: FieldType) -> None:
    if groups == 1:
        return
    for name, field_type in (("in_type", in_type), ("out_type", out_type)):
        if len(field_type.blocks) > 1:
            raise ValueError(f"groups={groups} needs fields of one kind, but {name} is {field_type}; allowed: groups=1")
        if groups < 1 or field_type.num_fields % groups:
            raise invalid("groups", groups, f"a divisor of the {field_type.num_fields} fields of {name}", 1)
