"""The network of point clouds, in configs."""

import dataclasses
from typing import Literal

from flax import nnx

from geomdl.errors import invalid
from geomdl.layers.containers.foreign import ForeignModule
from geomdl.models.core.config import ImageShape


@dataclasses.dataclass(frozen=True)
class PointNetworkConfig:
    """A network on point clouds, `geomdl.points.PointNetwork`: scores that rotations, shifts and permutations keep.

    It takes clouds ``[batch, points, 4 + features]`` as `geomdl.points.pack_clouds` makes them, which the data sets
    ``tetris`` and ``points`` have.

    Args:
      radius: of the convolutions, in the unit of the coordinates.
      neighbours: the number of nearest neighbours of a point.
      room: places for neighbours, where several are equally far; None for the default of `nearest_neighbours`.
      within: take the neighbours within the radius instead, of which there are ``neighbours`` at most.
      symmetry: ``"SO3"``, rotations, or ``"O3"``, rotations and reflections: blind to handedness.
      irreps_in: of the features of points, ``"3x0e + 1x1o"`` for three scalars and a vector; empty: all are scalars.
      hidden: the irreps between layers.
      layers: how many convolutions.
      degree: of the spherical harmonics.
      norm: whether a batch norm follows each convolution.

    Raises:
      ValueError: at `build`, for an option out of range, irreps that are not as wide as the features, or images.

    >>> network = PointNetworkConfig(radius=2.0, neighbours=2, layers=1, hidden="2x0e", symmetry="O3")
    >>> print(network.build((4, 4), 3, rngs=nnx.Rngs(0)).module.promises.split(";")[0])
    points of O3: exact, invariant
    """

    radius: float = 1.0
    neighbours: int = 8
    room: int | None = None
    within: bool = False
    symmetry: Literal["SO3", "O3"] = "SO3"
    irreps_in: str = ""
    hidden: str = "16x0e + 16x0o + 8x1o + 8x1e + 4x2e + 4x2o"
    layers: int = 3
    degree: int = 2
    norm: bool = False

    def build(self, image_shape: ImageShape, num_classes: int, *, rngs: nnx.Rngs) -> nnx.Module:
        """The network for clouds of a shape.

        Args:
          image_shape: (points, 4 + features).
          num_classes: scores at the output.
          rngs: initialises the weights.
        """
        from geomdl.points import OfPackedClouds, PointNetwork  # e3nn-jax takes a second to import

        if len(image_shape) != 2 or image_shape[1] < 4:
            allowed = "(points, 4 + features) of clouds, such as those of data.name='points' or 'tetris'"
            raise invalid("image_shape for PointNetworkConfig", tuple(image_shape), allowed)
        features = image_shape[1] - 4
        options = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        options["irreps_in"] = self.irreps_in or f"{features or 1}x0e"
        network = PointNetwork(num_classes, **options, rngs=rngs)
        if features and network.irreps_in.dim != features:
            allowed = f"irreps of {features} numbers, the features of each point"
            raise invalid("model.irreps_in", self.irreps_in, allowed, f"{features}x0e")
        if not features and self.irreps_in not in ("", "1x0e"):
            raise invalid("model.irreps_in", self.irreps_in, "empty for points without features", "")
        if self.neighbours >= image_shape[0] and not self.within:
            allowed = f"fewer than the {image_shape[0]} points of a cloud"
            raise invalid("model.neighbours", self.neighbours, allowed, image_shape[0] - 1)
        return ForeignModule(OfPackedClouds(network))
