"""The detector: stages of a backbone, a feature pyramid, towers, and fields that an encoding makes boxes of."""

import dataclasses
from collections.abc import Sequence

import jax
from flax import nnx

from geomdl.equivariance.contracts.composition import compose
from geomdl.equivariance.contracts.contract import NOTHING, Contract, Size
from geomdl.errors import invalid
from geomdl.layers import Child, Layer, Upsample
from geomdl.layers.core.layer import Field
from geomdl.models.detection.encodings.outputs import DetectorOutputs, Encoding


class FeaturePyramid(nnx.Module):
    """Maps of several resolutions from one image, each of which has seen what the coarser ones have:

      c_i = stage_i(c_{i−1}),   p_n = lateral_n(c_n),   p_i = smooth_i(lateral_i(c_i) + U p_{i+1}),

    U enlarges to the size of the finer map, with the centres of both on one another. Exact where the stages are.

    Args:
      stages: of the backbone, one for each level and before it those that give no level.
      laterals: of the levels, from the finest to the coarsest; each takes what its stage gives.
      smooths: of the levels but the coarsest; none where levels are not joined.
      joined: whether finer levels are told what the coarser ones have seen; else p_i = lateral_i(c_i).

    References:
      Lin et al., Feature pyramid networks for object detection, CVPR 2017.
    """

    def __init__(
        self, stages: Sequence[Layer], laterals: Sequence[Layer], smooths: Sequence[Layer], *, joined: bool = True
    ) -> None:
        self.stages, self.laterals = nnx.List(list(stages)), nnx.List(list(laterals))
        self.smooths, self.joined = nnx.List(list(smooths)), joined

    def __call__(self, x: Field, *, train: bool, key: jax.Array | None) -> list[jax.Array]:
        """The maps of all levels, from the finest to the coarsest."""
        maps = []
        for i, stage in enumerate(self.stages):
            x = stage(x, train=train, key=_fold(key, i))
            maps.append(x)
        maps = maps[len(maps) - len(self.laterals) :]
        levels = [lateral(m, train=train) for lateral, m in zip(self.laterals, maps, strict=True)]
        if not self.joined:
            return levels
        for i in range(len(levels) - 2, -1, -1):
            finer = levels[i]
            enlarge = Upsample(self.laterals[i].out_type, size=finer.shape[1:3])
            levels[i] = finer + enlarge(levels[i + 1])
        return [*(f(y, train=train) for f, y in zip(self.smooths, levels, strict=False)), levels[-1]]


class Detector(Layer):
    """A network from images to the fields of an encoding, on one or several grids: a level for each lateral layer.

    The same head is applied at every level. The fields of every level move with the image: on the grid exactly, where
    the contract says so. `DetectorOutputs.encoding` makes boxes of them.

    Args:
      stages: see `FeaturePyramid`.
      laterals: see `FeaturePyramid`.
      smooths: see `FeaturePyramid`.
      head: from what the laterals give to the fields of the encoding; keeps the size.
      encoding: what they mean.
      joined: see `FeaturePyramid`.

    Raises:
      ValueError: when the head does not give what the encoding asks for, or changes the size.
    """

    def __init__(
        self,
        stages: Sequence[Layer],
        laterals: Sequence[Layer],
        smooths: Sequence[Layer],
        head: Layer,
        encoding: Encoding,
        *,
        joined: bool = True,
    ) -> None:
        self.pyramid = FeaturePyramid(stages, laterals, smooths, joined=joined)
        self.head, self.encoding = head, encoding
        self.in_type, self.out_type = stages[0].in_type, head.out_type
        wanted = encoding.field_type(head.out_type.group)  # type: ignore[arg-type]
        if wanted.size != head.out_type.size or [b.representation for b in wanted.merged().blocks] != [
            b.representation for b in head.out_type.merged().blocks
        ]:
            raise invalid("output of the head of a detector", str(head.out_type), f"{wanted}, as its encoding says")

    @property
    def contract(self) -> Contract:
        """That of the way through the coarsest level, which goes through all stages, about the finest level."""
        finest, coarsest = (self._way(level) for level in (0, -1))
        kept = {name: getattr(finest, name) for name in ("output_size", "stride", "offset")}
        unknown_shifts = dataclasses.replace(NOTHING, why="the levels of a detector have different strides")
        return dataclasses.replace(
            coarsest, **kept, shifts=unknown_shifts, fractional=unknown_shifts, up_to_shift=None, reach=None,
            depth=coarsest.depth + 2 * len(self.pyramid.laterals),
        )  # fmt: skip

    def _way(self, level: int) -> Contract:
        """The contract of the stages up to a level, its lateral layer and the head."""
        laterals, stages = list(self.pyramid.laterals), list(self.pyramid.stages)
        upto = len(stages) - len(laterals) + range(len(laterals))[level] + 1
        return compose([*(s.contract for s in stages[:upto]), laterals[level].contract, self.head.contract])

    def children(self, size: Size) -> list[Child]:
        """The stages in turn, then laterals, smoothing and, for the finest level, the head."""
        found, sizes = [], []
        for i, stage in enumerate(self.pyramid.stages):
            found.append(Child(f"pyramid.stages.{i}", stage, size))
            size = stage.contract.output_size(size)
            sizes.append(size)
        sizes = sizes[len(sizes) - len(self.pyramid.laterals) :]
        for name in ("laterals", "smooths"):
            layers = getattr(self.pyramid, name)
            found += [Child(f"pyramid.{name}.{i}", layer, s) for i, (layer, s) in enumerate(zip(layers, sizes))]  # noqa: B905
        return [*found, Child("head", self.head, sizes[0])]

    def multiply_adds(self, size: Size) -> int:
        """MACs of all layers; those of the head at every level."""
        own = self.children(size)
        coarser = [child.size for child in own if child.name.startswith("pyramid.laterals")][1:]
        return sum(c.layer.multiply_adds(c.size) for c in own) + sum(self.head.multiply_adds(s) for s in coarser)

    def __call__(self, x: Field, *, train: bool = False, key: jax.Array | None = None) -> DetectorOutputs:
        """Returns `DetectorOutputs`.

        Args:
          x: images ``[batch, height, width, channels]``.
          train: see `geomdl.layers.Layer`.
          key: see `geomdl.layers.Layer`.
        """
        levels = self.pyramid(x, train=train, key=key)
        return DetectorOutputs(tuple(self.head(y, train=train) for y in levels), self.encoding)


def _fold(key: jax.Array | None, i: int) -> jax.Array | None:
    return None if key is None else jax.random.fold_in(key, i)
