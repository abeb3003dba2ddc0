"""A frozen network."""

import jax
from flax import nnx

from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.layers.core.layer import Child, Field, Layer


class Frozen(Layer):
    """A network that was frozen by `geomdl.layers.freeze`; it evaluates and does not train.

    Args:
      network: plain layers.
    """

    def __init__(self, network: Layer) -> None:
        self.network = network
        self.in_type, self.out_type = network.in_type, network.out_type

    @property
    def contract(self) -> Contract:
        """That of the network before it was frozen."""
        return self.network.contract

    @property
    def weights(self) -> dict[str, jax.Array]:
        """Every array by the path of its layer, e.g. ``"layers.0.kernel"``."""
        leaves = jax.tree_util.tree_leaves_with_path(nnx.state(self.network))
        return {path_name(path): leaf for path, leaf in leaves}

    def children(self, size: Size) -> list[Child]:
        """The network that it is frozen to."""
        return [Child("network", self.network, size)]

    def frozen(self) -> Layer:
        """The network, as part of a larger one that is frozen."""
        return self.network

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        """Evaluates. Raises ValueError when asked to train."""
        if train:
            raise ValueError("a frozen network only evaluates; train the network that it was made from (train=False)")
        self.in_type.require_channels(x.shape[-1], "the input of a frozen network")
        return self.network(x, key=key)


def path_name(path: tuple[object, ...]) -> str:
    """The name of a weight: the keys of its path in the state, joined by dots.

    >>> path_name((jax.tree_util.DictKey("layers"), jax.tree_util.DictKey(0), jax.tree_util.GetAttrKey("value")))
    'layers.0'
    """
    keys = [getattr(entry, "key", None) for entry in path]
    return ".".join(str(key) for key in keys if key is not None)
