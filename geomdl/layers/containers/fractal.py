"""Fractal networks: columns of different depths that meet at joins, some of whose paths are left out in training."""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.equivariance.contracts.composition import compose, side_by_side
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.errors import invalid
from geomdl.layers.core.data_axis import per_example
from geomdl.layers.core.layer import Child, Field, Layer, Resampled
from geomdl.representations import FieldType


class Fractal(Layer):
    """Blocks of columns side by side, of 2^{C−1}, …, 2, 1 units, which meet at joins:

      f_1(x) = u(x),   f_{c+1}(x) = (f_c ∘ f_c)(x) ⊕ u(x),   with the mean of all columns that meet in place of ⊕.

    Row l of a block is one unit of the first column. Column c, counted from 0, has a unit for every 2^c rows. Where
    several columns end their maps are averaged, and all of them go on from the mean; after the last row all columns do.

    In training, paths are left out at random (drop-path), for each image by itself. With probability ``global_share``
    one column is drawn for the image, the same in all blocks, and every join keeps this column alone, where it has it.
    Otherwise every join leaves out each of its columns with probability ``drop_path``, but keeps one at least. A join
    is the mean of those columns that are kept. Where all columns meet, each is as likely to be kept as any other, so
    that the expectation of a join is the mean of all columns, which is what it is in evaluation. Draws are for whole
    images and so commute with every element of a group.

    Args:
      blocks: in turn; each as many columns as the first, the deepest first, of 2^{C−1−c} units. All units of a block
        give one type, and take it too but for the first of each column. What all columns of a block end with, such as a
        pooling before the last join, belongs to their last units.
      drop_path: the probability with which a join leaves out a column.
      global_share: the share of images that go along a single column; the rest have local draws.

    Raises:
      ValueError: for columns of other lengths, types that do not match, or probabilities out of range; when called in
        training without a key.

    References:
      Larsson, Maire & Shakhnarovich, FractalNet: ultra-deep neural networks without residuals, ICLR 2017.

    >>> from geomdl.layers import Pointwise
    >>> t = FieldType("C1", "1 trivial")
    >>> relu, identity = Pointwise(t, "relu"), Pointwise(t, "identity")
    >>> net = Fractal([[[identity, relu], [identity]]], drop_path=0.5)
    >>> net(-jnp.ones((1, 1))).tolist()  # the mean of max(−1, 0) and −1
    [[-0.5]]
    >>> y = net(-jnp.ones((64, 1)), train=True, key=jax.random.key(0))
    >>> sorted(set(y.ravel().tolist()))
    [-1.0, -0.5, 0.0]
    """

    def __init__(
        self, blocks: Sequence[Sequence[Sequence[Layer]]], *, drop_path: float = 0.15, global_share: float = 0.5
    ) -> None:
        for name, value in (("drop_path", drop_path), ("global_share", global_share)):
            if not 0 <= value <= 1:
                raise invalid(f"{name} of Fractal", value, "a probability in [0, 1]", 0.15 if name[0] == "d" else 0.5)
        if not blocks or not blocks[0]:
            raise ValueError("Fractal needs at least one block of at least one column")
        count = len(blocks[0])
        wanted = [2 ** (count - 1 - c) for c in range(count)]
        for b, block in enumerate(blocks):
            lengths = [len(column) for column in block]
            if lengths != wanted:
                raise invalid(f"units in the columns of block {b} of Fractal", lengths, f"{wanted}, the deepest first")
        self.blocks = nnx.List([nnx.List([nnx.List(list(column)) for column in block]) for block in blocks])
        self.drop_path, self.global_share = drop_path, global_share
        self.in_type = blocks[0][0][0].in_type
        self.out_type = self._checked_types(blocks)

    @property
    def columns(self) -> int:
        """How many columns each block has."""
        return len(self.blocks[0])

    @property
    def contract(self) -> Contract:
        """The weakest promise of the paths, under all their conditions."""
        found: list[Contract] = []
        for block in self.blocks:
            paths: list[list[Contract]] = [[] for _ in block]
            for _, (units, joined) in self._rows(block):
                for c, unit in units:
                    paths[c] = [*paths[c], unit.contract]
                if len(joined) > 1:
                    inside = [compose(paths[c]) for c in joined]
                    mean = side_by_side(inside, inside[0].in_type, inside[0].out_type)
                    for c in joined:
                        paths[c] = [mean]
            found += paths[0]
        return compose(found)

    def children(self, size: Size) -> list[Child]:
        """The units in the order of the calls."""
        found = []
        for b, block in enumerate(self.blocks):
            sizes = [size] * self.columns
            for row, (units, _) in self._rows(block):
                for c, unit in units:
                    number = (row + 1) // 2**c - 1
                    found.append(Child(f"blocks.{b}.{c}.{number}", unit, sizes[c]))
                    sizes[c] = unit.contract.output_size(sizes[c])
            size = sizes[0]
        return found

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> Resampled:
        """Applies the blocks to ``[batch, ..., channels]``; ``key`` is needed when ``train``, if paths are left out."""
        self.in_type.require_channels(x.shape[-1], "the input of Fractal")
        dropping = train and self.columns > 1 and (self.drop_path > 0 or self.global_share > 0)
        if dropping and key is None:
            raise ValueError("Fractal draws random numbers in training: pass key=jax.random.key(…) to the call")
        numbers = itertools.count()
        draws = _fold(key, next(numbers)) if dropping else None
        single = None if draws is None else self._single_columns(draws, len(x))
        for block in self.blocks:
            maps = [x] * self.columns
            for _, (units, joined) in self._rows(block):
                for c, unit in units:
                    maps[c] = unit(maps[c], train=train, key=_fold(key, next(numbers)))
                if len(joined) > 1:
                    draws = _fold(key, next(numbers))
                    kept = None if single is None or draws is None else self._kept(draws, single, joined)
                    mean = _mean([maps[c] for c in joined], kept)
                    for c in joined:
                        maps[c] = mean
            x = maps[0]
        return x

    def _rows(self, block: nnx.List) -> list[tuple[int, tuple[list[tuple[int, Layer]], list[int]]]]:
        """For each row its number, the columns that have a unit there with that, and those that are joined after it."""
        rows = []
        for row in range(2 ** (self.columns - 1)):
            ending = [c for c in range(self.columns) if (row + 1) % 2**c == 0]
            rows.append((row, ([(c, block[c][(row + 1) // 2**c - 1]) for c in ending], ending)))
        return rows

    def _single_columns(self, key: jax.Array, batch: int) -> jax.Array:
        """For each image the column that it goes along in every block, or −1: ``[batch]``."""
        which, whether = jax.random.split(key)
        column = per_example(lambda n: jax.random.randint(which, (n,), 0, self.columns), batch)
        alone = per_example(lambda n: jax.random.bernoulli(whether, self.global_share, (n,)), batch)
        return jnp.where(alone, column, -1)

    def _kept(self, key: jax.Array, single: jax.Array, joined: list[int]) -> jax.Array:
        """Which of the columns a join keeps of each image: ``[batch, columns]``, one at least."""
        leaving, choosing = jax.random.split(key)
        batch, count = len(single), len(joined)
        kept = per_example(lambda n: jax.random.bernoulli(leaving, 1 - self.drop_path, (n, count)), batch)
        one = per_example(lambda n: jax.random.randint(choosing, (n,), 0, count), batch)
        kept = jnp.where(kept.any(-1, keepdims=True), kept, one[:, None] == jnp.arange(count))
        alone = single[:, None] == jnp.asarray(joined)
        alone = alone | ~alone.any(-1, keepdims=True)  # where the column does not end, the mean does not reach it
        return jnp.where(single[:, None] < 0, kept, alone)

    def _checked_types(self, blocks: Sequence[Sequence[Sequence[Layer]]]) -> FieldType:
        """What the last block gives; raises a ValueError where a unit does not take what the one before it gives."""
        given = self.in_type
        for b, block in enumerate(blocks):
            out = block[0][0].out_type
            for c, column in enumerate(block):
                for u, unit in enumerate(column):
                    for which, found, expected in (
                        ("takes", unit.in_type, given if u == 0 else out),
                        ("gives", unit.out_type, out),
                    ):
                        if found != expected:
                            raise ValueError(
                                f"unit {u} of column {c} of block {b} of Fractal {which} {found}, not {expected}"
                            )
            given = out
        return given


def _mean(maps: list[jax.Array], kept: jax.Array | None) -> jax.Array:
    """The mean of maps ``[batch, ..., channels]``; with ``kept`` ``[batch, maps]``, for each image of those."""
    sizes = [y.shape[1:-1] for y in maps]
    if len(set(sizes)) != 1:
        raise ValueError(f"the columns of Fractal give images of different sizes: {', '.join(map(str, sizes))}")
    if kept is None:
        return sum(maps[1:], maps[0]) / len(maps)
    live = kept.astype(maps[0].dtype)
    shares = live / live.sum(-1, keepdims=True)
    weights = [shares[:, i].reshape(-1, *[1] * (y.ndim - 1)) for i, y in enumerate(maps)]
    return sum((w * y for w, y in zip(weights[1:], maps[1:], strict=True)), weights[0] * maps[0])


def _fold(key: jax.Array | None, i: int) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, i)
