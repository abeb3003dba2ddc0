"""The metrics of a task on turned volumes: under every symmetry of the cube, and over the angles about an axis."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.actions import ImageTransformation, Warp
from geomdl.data import EvalBatch, Split, TargetKind
from geomdl.errors import invalid, unknown
from geomdl.evaluators.clouds import Rows, cloud_sweep, relative_change
from geomdl.evaluators.metrics import batches_of, mean_metrics
from geomdl.evaluators.predict import Predict
from geomdl.evaluators.transformations import moved_batch
from geomdl.groups import SO3, VOLUME, GridSymmetry, O, SpatialGroup, group
from geomdl.tasks import Segmentation, Task, split_metrics

AXES = ("x", "y", "z")


@dataclass(frozen=True)
class AxisRotation:
    """Turns all volumes about an axis through their middle: exactly where voxels go to voxels, else by resampling.

    Off the grid, volumes are interpolated linearly, and labels outside the largest ball in the frame are ``fill``.

    Attributes:
      degrees: counter-clockwise as seen from the tip of the axis.
      axis: ``"x"``, ``"y"`` or ``"z"``.

    >>> volume = jnp.arange(8).reshape(1, 2, 2, 2)
    >>> AxisRotation(90.0).labels(volume, -1)[0, 0].tolist()  # each slice is turned as an image is
    [[1, 3], [0, 2]]
    """

    degrees: float
    axis: str = "z"

    @property
    def group(self) -> SpatialGroup:
        """SO(3)."""
        return SO3

    @property
    def linear(self) -> jax.Array:
        """The rotation, ``[3, 3]``, with entries −1, 0 and 1 for quarter turns."""
        return jnp.asarray(self._matrix, jnp.float32)

    @property
    def _matrix(self) -> np.ndarray:
        angle, first = np.deg2rad(self.degrees), AXES.index(self.axis)
        i, j = (first + 1) % 3, (first + 2) % 3
        matrix = np.eye(3)
        matrix[[i, j], [i, j]] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return np.rint(matrix) if self.degrees % 90 == 0 else matrix

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(3)

    def images(self, x: jax.Array) -> jax.Array:
        """Zeros come in from outside."""
        return self._symmetry(x) if self._on_grid(x.shape[1:4]) else Warp(self.linear).images(x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """``fill`` outside the ball, off the grid."""
        size = y.shape[1:4]
        if self._on_grid(size):
            return self._symmetry(y)
        radius = np.linalg.norm(VOLUME.coordinates(size), axis=-1)
        return jnp.where(radius <= (min(size) - 1) / 2, Warp(self.linear).labels(y, fill), fill)

    def _on_grid(self, size: tuple[int, ...]) -> bool:
        return self.degrees % 90 == 0 and self._symmetry.keeps(size)

    @property
    def _symmetry(self) -> GridSymmetry:
        return VOLUME.grid_symmetry(O, O.from_matrix(self._matrix))


def cube_sweep(
    predict: Predict, split: Split, task: Task, name: str | SpatialGroup = "O", *, batch_size: int = 256
) -> Rows:
    """The metrics under every element of a group that maps the volumes' grid to itself, and changes of the outputs.

    Targets move with their volumes, as their kinds say; voxels go to voxels.

    Args:
      predict: volumes → outputs.
      split: volumes.
      task: gives the metrics.
      name: of the group, ``"O"`` or ``"Oh"`` as a rule.
      batch_size: volumes per batch.

    Returns:
      One row for each element that keeps the size: ``{"element", every metric of the task, "change"}``: its number in
      the group; and ‖f(g x) − ρ(g) f(x)‖ / ‖f(x)‖ over the split, of scores that should stay, and of label maps' scores
      that should move with the volume (nothing where outputs are not of the size of the volumes).

    Raises:
      ValueError: for a group that does not move volumes.

    >>> from geomdl.tasks import Classification
    >>> volumes = np.arange(16.0, dtype=np.float32).reshape(2, 2, 2, 2, 1)
    >>> split, task = Split(volumes, np.array([0, 1], np.int32)), Classification(num_classes=2)
    >>> blind = lambda x: jnp.stack([32 - x.sum((1, 2, 3, 4)), x.sum((1, 2, 3, 4)) - 64], -1)
    >>> rows = cube_sweep(blind, split, task)
    >>> len(rows), rows[23]["accuracy"], rows[23]["change"] < 1e-6
    (24, 1.0, True)
    """
    moving = finite_spatial(name)
    batches = list(batches_of(split, task, batch_size))
    size = tuple(int(n) for n in batches[0]["image"].shape[1:4])
    on_grid = VOLUME.is_grid_symmetry(moving, moving.elements())
    elements = [_Element(moving, number) for number in np.flatnonzero(on_grid).tolist()]
    first = [predict(batch["image"]) for batch in batches]
    maps, rows = isinstance(task, Segmentation), []
    for element in elements:
        if not element.symmetry.keeps(size):
            continue
        moved = [_moved(batch, element, tuple(task.target_kinds.items())) for batch in batches]
        row: dict[str, float] = {"element": element.number, **mean_metrics(predict, moved, task)}
        if not maps or first[0].shape[1:4] == size:
            row["change"] = relative_change(predict, moved, [element.symmetry(y) if maps else y for y in first])
        rows.append(row)
    return rows


def finite_spatial(name: str | SpatialGroup) -> SpatialGroup:
    """The finite group of space of a name.

    Raises:
      ValueError: for another group.
    """
    moving = group(name) if isinstance(name, str) else name
    VOLUME.require_moved_by(moving, "turns of volumes")
    if not isinstance(moving, SpatialGroup) or not moving.is_finite:
        raise invalid("group", str(moving), "a finite group of space", "O")
    return moving


def axis_sweep(
    predict: Predict, split: Split, task: Task, degrees: Sequence[float], axis: str = "z", *, batch_size: int = 256
) -> Rows:
    """The metrics on volumes turned about an axis by each angle, see `AxisRotation`.

    Args:
      predict: volumes → outputs.
      split: volumes.
      task: gives the metrics.
      degrees: angles.
      axis: ``"x"``, ``"y"`` or ``"z"``.
      batch_size: volumes per batch.

    Returns:
      One row ``{"angle", "loss", …}``, with every metric of the task, per angle.

    Raises:
      ValueError: for another axis.

    >>> from geomdl.tasks import Classification
    >>> volumes = np.arange(16.0, dtype=np.float32).reshape(2, 2, 2, 2, 1)
    >>> split, task = Split(volumes, np.array([0, 1], np.int32)), Classification(num_classes=2)
    >>> blind = lambda x: jnp.stack([32 - x.sum((1, 2, 3, 4)), x.sum((1, 2, 3, 4)) - 64], -1)
    >>> [(row["angle"], row["accuracy"]) for row in axis_sweep(blind, split, task, [0, 90])]
    [(0.0, 1.0), (90.0, 1.0)]
    """
    if axis not in AXES:
        raise unknown("axis", axis, AXES)
    batches = list(batches_of(split, task, batch_size))
    kinds = tuple(task.target_kinds.items())
    return [
        {
            "angle": float(d),
            **mean_metrics(predict, (_moved(b, AxisRotation(float(d), axis), kinds) for b in batches), task),
        }
        for d in degrees
    ]


@dataclass(frozen=True)
class CubeSweep:
    """The evaluator of a task's headline metric under the symmetries of the cube, see `cube_sweep`.

    Point clouds are moved by every element of the group, see `cloud_sweep`.

    Args:
      group: ``"O"`` for the 24 turns, ``"Oh"`` for the 48 symmetries, or another finite group of space.
      batch_size: volumes, or clouds, per batch.
      irreps: of the features of point clouds, which turn with their points; empty: all are scalars.

    >>> CubeSweep("Oh").on_request, CubeSweep().on_request
    (True, False)
    """

    group: str = "O"
    batch_size: int = 256
    irreps: str = ""
    suits_volumes: ClassVar[bool] = True
    suits_clouds: ClassVar[bool] = True
    suits_images: ClassVar[bool] = False

    @property
    def on_request(self) -> bool:
        """Other groups than O are asked for by name."""
        return self.group != "O"

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per element."""
        if len(split.images.shape) == 3:
            moving = finite_spatial(self.group)
            moves = [({"element": k}, matrix) for k, matrix in enumerate(moving.matrix(moving.elements()))]
            return cloud_sweep(predict, split, task, moves, self.irreps, batch_size=self.batch_size)
        return cube_sweep(predict, split, task, self.group, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``turns/mean``, ``turns/worst`` (of the headline), ``turns/worst_element`` and ``turns/change``, the
        largest change of the outputs.
        """
        return self.summary(self.rows(predict, split, task), task)

    def summary(self, rows: Rows, task: Task) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows."""
        name = "turns" if self.group == "O" else f"turns_{self.group}"
        higher, key = split_metrics(task)[task.headline], task.headline
        worst = (min if higher else max)(rows, key=lambda row: row[key])
        found = {f"{name}/mean": float(np.mean([row[key] for row in rows])), f"{name}/worst": worst[key]}
        changes = [row["change"] for row in rows if "change" in row]
        return {**found, f"{name}/worst_element": worst["element"]} | (
            {f"{name}/change": max(changes)} if changes else {}
        )


@dataclass(frozen=True)
class AxisSweep:
    """The evaluator of a task's headline metric over the angles about an axis, see `axis_sweep`.

    Point clouds are turned exactly by every angle, see `cloud_sweep`.

    Args:
      axis: ``"x"``, ``"y"`` or ``"z"``.
      step: degrees between the angles, from 0 up to 360.
      batch_size: volumes, or clouds, per batch.
      irreps: of the features of point clouds, which turn with their points; empty: all are scalars.

    Raises:
      ValueError: for a step that is not in (0, 360], or another axis.

    >>> AxisSweep("z", step=90.0).step
    90.0
    """

    axis: str = "z"
    step: float = 15.0
    batch_size: int = 256
    irreps: str = ""
    suits_volumes: ClassVar[bool] = True
    suits_clouds: ClassVar[bool] = True
    suits_images: ClassVar[bool] = False
    on_request: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.axis not in AXES:
            raise unknown("axis", self.axis, AXES)
        if not 0 < self.step <= 360:
            raise invalid("step", self.step, "degrees in (0, 360]", 15.0)

    def rows(self, predict: Predict, split: Split, task: Task) -> Rows:
        """Returns one row per angle."""
        degrees = np.arange(0, 360 - 1e-9, self.step).tolist()
        if len(split.images.shape) == 3:
            moves = [({"angle": d}, np.asarray(AxisRotation(d, self.axis).linear)) for d in degrees]
            return cloud_sweep(predict, split, task, moves, self.irreps, batch_size=self.batch_size)
        return axis_sweep(predict, split, task, degrees, self.axis, batch_size=self.batch_size)

    def __call__(self, predict: Predict, split: Split, task: Task) -> dict[str, float]:
        """Returns ``rotation_z/mean``, ``rotation_z/worst`` and ``rotation_z/worst_angle``, of the axis z."""
        return self.summary(self.rows(predict, split, task), task)

    def summary(self, rows: Rows, task: Task) -> dict[str, float]:
        """Returns the numbers of `__call__` from the rows."""
        key, name = task.headline, f"rotation_{self.axis}"
        worst = (min if split_metrics(task)[key] else max)(rows, key=lambda row: row[key])
        mean = float(np.mean([row[key] for row in rows]))
        return {f"{name}/mean": mean, f"{name}/worst": worst[key], f"{name}/worst_angle": worst["angle"]}


@dataclass(frozen=True)
class _Element:
    """One element of a group that maps the grid to itself, for all volumes; hashable, so that it is static."""

    moving: SpatialGroup
    number: int

    @property
    def group(self) -> SpatialGroup:
        return self.moving

    @property
    def symmetry(self) -> GridSymmetry:
        return VOLUME.grid_symmetry(self.moving, self.moving.elements()[self.number])

    @property
    def linear(self) -> jax.Array:
        return jnp.asarray(self.moving.matrix(self.moving.elements()[self.number]), jnp.float32)

    @property
    def offset(self) -> jax.Array:
        return jnp.zeros(3)

    def images(self, x: jax.Array) -> jax.Array:
        return self.symmetry(x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        return self.symmetry(y)


@functools.partial(jax.jit, static_argnames=("transformation", "kinds"))
def _moved(
    batch: EvalBatch, transformation: ImageTransformation, kinds: tuple[tuple[str, TargetKind], ...]
) -> EvalBatch:
    return moved_batch(batch, transformation, dict(kinds))
