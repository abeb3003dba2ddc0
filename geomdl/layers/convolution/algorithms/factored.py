"""The factored algorithms: convolutions with less arithmetic, exactly, in coordinates of irreps."""

import math
from collections.abc import Mapping, Sequence

import jax

from geomdl.equivariance.contracts.contract import Size
from geomdl.groups import PLANE, VOLUME
from geomdl.kernels.factored.plan import is_factorable
from geomdl.layers.convolution.algorithms import group_fourier
from geomdl.layers.convolution.algorithms.algorithm import Algorithm, Convolution
from geomdl.layers.convolution.algorithms.factored_correlation import correlate_with_matrices
from geomdl.layers.convolution.algorithms.factored_cost import expected_cost, factored_cost
from geomdl.layers.convolution.algorithms.gpu_backend import missing_backend
from geomdl.layers.convolution.algorithms.mixing_matrices import mixing_matrices
from geomdl.layers.core.window import Window

_POINT = Window(1)
"""The window of a linear layer, whose pixels are put into one column."""


class Factored(Algorithm):
    """Mixes the channels in coordinates of irreps, which is less arithmetic by about the order of the group."""

    name = "factored"
    overhead = 500_000  # compiling takes about 0.5 s of CPU time more, which 16 images earn back in about 1000 steps

    def obstacle(self, convolution: Convolution) -> str | None:
        """Other windows than square ones, kernels of two kinds, and of volumes other than regular fields."""
        return group_fourier.obstacle(convolution) if _of_volumes(convolution) else _unlike_plan(convolution)

    def multiply_adds(self, convolution: Convolution, size: Size) -> int:
        """Expansion, mixing and changes of basis; see `factored_cost`, and `group_fourier` for volumes."""
        if _of_volumes(convolution):
            return group_fourier.multiply_adds(convolution, size)
        return factored_cost(convolution, *_placed(convolution, size)).multiply_adds

    def expected_cost(self, convolution: Convolution, size: Size) -> float:
        """By a model of CPU time; on a GPU or TPU infinite, for there it has none."""
        if not _on_cpu():
            return math.inf
        if _of_volumes(convolution):
            return group_fourier.expected_cost(convolution, size)
        return expected_cost(convolution, *_placed(convolution, size))

    def prepare(self, convolution: Convolution, weights: Sequence[jax.Array]) -> dict[str, jax.Array]:
        """The mixing matrices, ``"matrix_0"``, ``"matrix_1"``, …"""
        if _of_volumes(convolution):
            return group_fourier.prepare(convolution, weights)
        return _named(mixing_matrices(convolution.spaces, list(weights), convolution.groups))

    def apply(self, convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
        """Changes of basis, expansion and mixing; see `correlate_with_matrices`, and `group_fourier` for volumes."""
        if _of_volumes(convolution):
            return group_fourier.apply(convolution, prepared, x)
        return _correlated(convolution, prepared, x, fused=False)


class Fused(Algorithm):
    """The factored algorithm as one kernel for GPUs; see `geomdl.layers.convolution.algorithms.pallas_kernel`.

    It holds nothing of what it expands in memory and computes in the precision of the images. Its MACs are those of the
    factored one, without what its tiles of fixed size do in vain.
    """

    name = "fused"
    overhead = math.inf
    instead = "factored"

    def obstacle(self, convolution: Convolution) -> str | None:
        """Those of the factored one, groups of fields, linear layers, and a JAX whose Pallas has no backend for it."""
        if convolution.window is None:
            return "linear layers expand nothing"
        if convolution.groups > 1:
            return _unlike_plan(convolution) or f"there are {convolution.groups} groups of fields"
        return _unlike_plan(convolution) or self.missing()

    def missing(self) -> str | None:
        """A backend of Pallas for GPUs."""
        return missing_backend()

    def is_practical(self) -> bool:
        """Not on CPUs, where it is interpreted."""
        return not _on_cpu()

    def multiply_adds(self, convolution: Convolution, size: Size) -> int:
        """Those of the factored algorithm."""
        return factored_cost(convolution, *_placed(convolution, size)).multiply_adds

    def prepare(self, convolution: Convolution, weights: Sequence[jax.Array]) -> dict[str, jax.Array]:
        """The mixing matrices, as of the factored algorithm."""
        return _named(mixing_matrices(convolution.spaces, list(weights)))

    def apply(self, convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array) -> jax.Array:
        """The same in one kernel."""
        return _correlated(convolution, prepared, x, fused=True)


def _of_volumes(convolution: Convolution) -> bool:
    return convolution.window is not None and convolution.in_type.space == VOLUME


def _unlike_plan(convolution: Convolution) -> str | None:
    """Why there is no plan of a convolution in coordinates of irreps; None where there is one."""
    base = convolution.in_type.space
    if convolution.window is not None and base != PLANE:
        return f"coordinates of irreps are made only on the plane, not for {base.fields}"
    if convolution.window is not None and convolution.window.dimension is not None:
        return "the window differs from axis to axis"
    if not is_factorable(convolution.spaces):
        return "some pairs of fields have pixel kernels and others have not; or take basis='steerable'"
    return None


def _on_cpu() -> bool:
    return jax.default_backend() == "cpu"


def _named(matrices: Sequence[jax.Array]) -> dict[str, jax.Array]:
    return {f"matrix_{n}": matrix for n, matrix in enumerate(matrices)}


def _placed(convolution: Convolution, size: Size) -> tuple[Window, Size]:
    """The window and the size of the images; without window, pixels in one column."""
    return (_POINT, (math.prod(size), 1)) if convolution.window is None else (convolution.window, size)


def _correlated(convolution: Convolution, prepared: Mapping[str, jax.Array], x: jax.Array, *, fused: bool) -> jax.Array:
    window, (height, width) = _placed(convolution, x.shape[1:-1])
    images = x if convolution.window is not None else x.reshape(x.shape[0], height, width, x.shape[-1])
    y = correlate_with_matrices(images, list(prepared.values()), convolution, window, fused=fused)
    return y if convolution.window is not None else y.reshape(*x.shape[:-1], y.shape[-1])
