"""The eight pieces of Tetris in space: four cubes each, of which two pieces are mirror images of each other."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float

from geomdl.data.checks import number
from geomdl.data.draws import normals, uniforms
from geomdl.data.sources.space.solids import rotations
from geomdl.data.types import DataConfig, Dataset, Split
from geomdl.numbers import whole_number

TETRIS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "left screw": ((0, 0, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)),
    "right screw": ((1, 1, 1), (1, 1, 2), (2, 1, 1), (2, 0, 1)),
    "square": ((0, 0, 0), (1, 0, 0), (0, 1, 0), (1, 1, 0)),
    "line": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3)),
    "corner": ((0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0)),
    "L": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 0)),
    "T": ((0, 0, 0), (0, 0, 1), (0, 0, 2), (0, 1, 1)),
    "zigzag": ((0, 0, 0), (1, 0, 0), (1, 1, 0), (2, 1, 0)),
}
"""The centres (x, y, z) of the cubes of each piece; the two screws are mirror images that no rotation carries over."""


def tetris() -> tuple[Float[np.ndarray, "8 4 3"], tuple[str, ...]]:
    """The pieces as point clouds, and their names: class i is cloud i.

    References:
      The standard first example of e3nn: Geiger and Smidt, e3nn: Euclidean neural networks, 2022.

    >>> points, names = tetris()
    >>> points.shape, names[:2]
    ((8, 4, 3), ('left screw', 'right screw'))
    """
    return np.array(list(TETRIS.values()), np.float32), tuple(TETRIS)


@dataclass(frozen=True)
class TetrisConfig(DataConfig):
    """The eight pieces of `tetris`, to be learnt in one position, and turned and shifted ones to test.

    Examples are packed clouds ``[4, 4]``, see `geomdl.points.pack_clouds`, for ``model.name="point_network"``.

    Attributes:
      turns: how many times each piece is in the validation split, and in the test split, each time turned by another
        rotation, uniform on SO(3), and shifted.
      shift: standard deviation of each coordinate of the shifts, in sides of a cube.
      seed: of rotations and shifts.

    Raises:
      ValueError: an option is out of range.

    >>> TetrisConfig(turns=3).load().test
    Split(24 images 4×4 float32)
    """

    name: ClassVar[str] = "tetris"  # pyright: ignore[reportIncompatibleVariableOverride]
    turns: int = 25
    shift: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        whole_number("data.turns", self.turns)
        whole_number("data.seed", self.seed, least=0)
        number("data.shift", self.shift)

    def load(self) -> Dataset:
        """Turns and shifts the pieces."""
        from geomdl.points import pack_clouds  # e3nn-jax takes a second to import

        points, names = tetris()
        labels = np.arange(len(points), dtype=np.int32)
        pieces, classes = (
            np.tile(points - points.mean(1, keepdims=True), (self.turns, 1, 1)),
            np.tile(labels, self.turns),
        )

        def moved(split: str) -> Split:
            turns = rotations(uniforms(self.seed, f"tetris/{split}", (len(pieces), 3)))
            shifts = self.shift * normals(self.seed, f"tetris/{split}/shift", (len(pieces), 1, 3))
            return Split(pack_clouds(np.einsum("nij,npj->npi", turns, pieces) + shifts), classes)

        return Dataset(
            name=self.name,
            image_shape=(4, 4),
            num_classes=len(names),
            classes=names,
            provenance=f"the eight pieces of Tetris, turned and shifted for validation and test: {self!r}",
            train=Split(pack_clouds(points), labels),
            validation=moved("validation"),
            test=moved("test"),
        )
