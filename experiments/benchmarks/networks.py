"""The networks of the benchmarks: escnn's example network by geomdl, and the plain Flax CNN of the same channels."""

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.kernels import Basis
from geomdl.layers import BatchNorm, BlurPool, Conv, Dense, GlobalPool, GroupPool, Layer, Pointwise, Pool, Sequential
from geomdl.representations import FieldType

EXAMPLE = (24, 48, 48, 96, 96, 64)  # regular fields of C8 in escnn's example
KERNELS = (7, 5, 5, 5, 5, 5)
PADDINGS = (1, 2, 2, 2, 2, 1)
IMAGE = 29


def fields_of(order: int, share: float) -> tuple[int, ...]:
    """Fields such that there are about as many channels as in a share of escnn's example, whatever the order.

    >>> fields_of(8, 1.0) == EXAMPLE
    True
    """
    return tuple(max(1, round(8 * share * n / order)) for n in EXAMPLE)


def body(group: str, fields: tuple[int, ...], *, blur: bool, basis: Basis = "auto", rngs: nnx.Rngs) -> Sequential:
    """Convolutions, the mean over pixels, the maximum over the group: invariant features."""
    current = FieldType(group, "1 trivial")
    layers: list[Layer] = []
    for number, (count, size, padding) in enumerate(zip(fields, KERNELS, PADDINGS, strict=True)):
        after = FieldType(group, f"{count} regular")
        layers += [
            Conv(current, after, size, padding=padding, use_bias=False, basis=basis, rngs=rngs),
            BatchNorm(after),
            Pointwise(after),
        ]
        if number in (1, 3):
            layers.append(BlurPool(after, 3, padding=1) if blur else Pool(after, 3, reduce="mean", stride=2, padding=1))
        current = after
    return Sequential([*layers, GroupPool(current), GlobalPool(FieldType(group, f"{fields[-1]} trivial"))])


def network(group: str, fields: tuple[int, ...], *, basis: Basis = "auto", rngs: nnx.Rngs) -> Sequential:
    """The body and a dense layer to ten class scores."""
    features = FieldType(group, f"{fields[-1]} trivial")
    layers = body(group, fields, blur=False, basis=basis, rngs=rngs).layers
    return Sequential([*layers, Dense(features, FieldType(group, "10 trivial"), rngs=rngs)])


class Plain(nnx.Module):
    """A CNN as one writes it in Flax, without geomdl: the same channels, kernels and pools."""

    def __init__(self, channels: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        pairs = zip((1, *channels[:-1]), channels, KERNELS, PADDINGS, strict=True)
        self.convolutions = nnx.List(
            [nnx.Conv(a, b, (k, k), padding=p, use_bias=False, rngs=rngs) for a, b, k, p in pairs]
        )
        self.norms = nnx.List([nnx.BatchNorm(c, rngs=rngs) for c in channels])
        self.dense = nnx.Linear(channels[-1], 10, rngs=rngs)

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Class scores."""
        for number, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            x = nnx.relu(norm(convolution(x), use_running_average=not train))
            if number in (1, 3):
                x = nnx.avg_pool(x, (3, 3), (2, 2), ((1, 1), (1, 1)))  # pyright: ignore[reportArgumentType]
        return self.dense(jnp.mean(x, (1, 2)))
