"""Auxiliary heads: class scores from the middle of a network, whose losses train what lies before them."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
from flax import nnx

from geomdl.equivariance.contracts.composition import compose, side_by_side
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.layers.core.layer import Child, Field, Layer


class AuxiliaryOutputs(NamedTuple):
    """What a network with auxiliary heads gives in training: a tree of arrays, as JAX sees it.

    A network of one's own may give it too; tasks then add the losses of the heads.

    Attributes:
      main: the output of the network, ``[batch, ..., outputs]``.
      auxiliary: those of its heads, from the first to the last, each of the same shape.

    >>> jax.tree.map(lambda a: 2 * a, AuxiliaryOutputs(1, (2, 3)))
    AuxiliaryOutputs(main=2, auxiliary=(4, 6))
    """

    main: jax.Array
    auxiliary: tuple[jax.Array, ...]


class WithAuxiliary(Layer):
    """Applies stages in turn, and in training heads to what some of them give: y = f_n(… f_0(x)), a_i = h_i(f_i(… x)).

    In evaluation the output is y, and the heads are not computed. In training (``train=True``) it is
    `AuxiliaryOutputs` of y and of all a_i; the loss of a task is then that of y and, times
    ``task.auxiliary_weight``, those of the a_i (`geomdl.tasks.Classification`). As nothing else takes such a pair, this
    is the last layer of a `geomdl.layers.Sequential`, or the whole network.

    The contract is that of the stages, with the promises of the heads besides: what is trained through a head that is
    not invariant would not be trained alike on images that are moved. Parameters and multiply-adds of the heads are
    counted, as published tables do; `geomdl.layers.freeze` drops the heads.

    Args:
      stages: f_0, …, f_n, applied in turn.
      heads: h_i by the index i of the stage whose output it takes, counted from 0; each gives what the last stage
        gives. A layer of several, or with dropout: a `geomdl.layers.Sequential`.

    Raises:
      ValueError: without stages or heads, for an index that is none of a stage before the last, or where types of
        neighbours, or of a head and the last stage, differ.

    References:
      Lee, Xie, Gallagher, Zhang & Tu, Deeply-supervised nets, AISTATS 2015.
      Szegedy et al., Going deeper with convolutions, CVPR 2015, section 5.

    >>> from geomdl.layers import Conv, GlobalPool, Sequential
    >>> from geomdl.representations import FieldType
    >>> image, scores, rngs = FieldType("C1", "1 trivial"), FieldType("C1", "2 trivial"), nnx.Rngs(0)
    >>> def scored():
    ...     return Sequential([Conv(image, scores, 3, rngs=rngs), GlobalPool(scores)])
    >>> net = WithAuxiliary([Conv(image, image, 3, rngs=rngs), scored()], {0: scored()})
    >>> x = jax.numpy.ones((4, 8, 8, 1))
    >>> net(x).shape, jax.tree.map(jax.numpy.shape, net(x, train=True))
    ((4, 2), AuxiliaryOutputs(main=(4, 2), auxiliary=((4, 2),)))
    """

    def __init__(self, stages: Sequence[Layer], heads: Mapping[int, Layer]) -> None:
        if len(stages) < 2 or not heads:
            shown = f"{len(stages)} stages and {len(heads)} heads"
            raise invalid("WithAuxiliary", shown, "at least two stages, and a head on one before the last")
        for i, stage in enumerate((*stages, *heads.values())):
            if gives_auxiliary(stage):
                what = f"stage {i}" if i < len(stages) else f"head {list(heads)[i - len(stages)]}"
                raise invalid(
                    f"{what} of WithAuxiliary", type(stage).__name__, "a layer without heads; give all heads at once"
                )
        for i, (before, after) in enumerate(itertools.pairwise(stages)):
            if before.out_type != after.in_type:
                raise ValueError(
                    f"stage {i + 1} ({type(after).__name__}) of WithAuxiliary takes {after.in_type},"
                    f" but stage {i} ({type(before).__name__}) gives {before.out_type}"
                )
        last = len(stages) - 1
        for i, head in heads.items():
            if isinstance(i, bool) or not isinstance(i, int) or not 0 <= i < last:
                near = min(max(0, i), last - 1) if isinstance(i, int) else None
                raise invalid("stage of a head of WithAuxiliary", i, f"0 to {last - 1}, a stage before the last", near)
            for which, wanted in (("takes", stages[i].out_type), ("gives", stages[last].out_type)):
                found = head.in_type if which == "takes" else head.out_type
                if found != wanted:
                    of = i if which == "takes" else last
                    raise ValueError(
                        f"the head on stage {i} of WithAuxiliary {which} {found}, but stage {of} gives {wanted}"
                    )
        self.stages = nnx.List(list(stages))
        self.places = tuple(sorted(heads))
        self.heads = nnx.List([heads[i] for i in self.places])
        self.in_type, self.out_type = stages[0].in_type, stages[last].out_type

    @property
    def contract(self) -> Contract:
        """That of the stages, with the promises of the heads."""
        heads = dict(zip(self.places, self.heads, strict=True))
        contract = self.stages[-1].contract
        for i, stage in list(enumerate(self.stages))[-2::-1]:
            if i in heads:
                contract = _promising_both(contract, heads[i].contract)
            contract = compose([stage.contract, contract])
        return contract

    def children(self, size: Size) -> list[Child]:
        """The stages, each at the size that the one before it gives, then the heads at those of their stages."""
        stages, sizes = [], []
        for i, stage in enumerate(self.stages):
            stages.append(Child(f"stages.{i}", stage, size))
            size = stage.contract.output_size(size)
            sizes.append(size)
        placed = enumerate(zip(self.places, self.heads, strict=True))
        return [*stages, *(Child(f"heads.{k}", head, sizes[i]) for k, (i, head) in placed)]

    def frozen(self) -> Layer:
        """The stages in a `geomdl.layers.Sequential`, without the heads."""
        from geomdl.layers.containers.sequential import Sequential

        return Sequential(list(self.stages)).frozen()

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Any:
        """Applies the stages, and in training the heads; each gets a key of its own.

        Returns:
          ``[batch, ..., outputs]``; in training `AuxiliaryOutputs` of such.
        """
        heads, auxiliary = dict(zip(self.places, self.heads, strict=True)), []
        for i, stage in enumerate(self.stages):
            x = stage(x, train=train, key=_fold(key, 2 * i))
            if train and i in heads:
                auxiliary.append(heads[i](x, train=True, key=_fold(key, 2 * i + 1)))
        return AuxiliaryOutputs(x, tuple(auxiliary)) if train else x


def gives_auxiliary(layer: object) -> bool:
    """Whether a layer, or the last of layers in turn, is `WithAuxiliary`."""
    layers = getattr(layer, "layers", None)
    if isinstance(layer, Layer) and isinstance(layers, nnx.List):
        return any(gives_auxiliary(inner) for inner in layers)
    return isinstance(layer, WithAuxiliary)


def _promising_both(main: Contract, head: Contract) -> Contract:
    """The contract of what goes on after a stage, with the promises of a head beside it; sizes are those of the first.

    A head without pixels may have looked at the whole image in other steps than the main path: the geometry of its
    pixels says nothing about that of the output.
    """
    placed = {name: getattr(main, name) for name in ("output_size", "stride", "offset", "reach", "has_base_space")}
    both = side_by_side([main, dataclasses.replace(head, **placed)], main.in_type, main.out_type)
    kept = (*placed, "depth", "redundancy")
    return dataclasses.replace(both, **{name: getattr(main, name) for name in kept})


def _fold(key: jax.Array | None, i: int) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, i)
