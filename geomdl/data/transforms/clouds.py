"""Random changes of training clouds: rotations, reflections, scales, elements of groups, noise, points left out."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.data.targets.kinds import TargetKind
from geomdl.data.transforms.random_rotations import random_rotations
from geomdl.errors import invalid
from geomdl.groups import O3, SO3, SpatialGroup, group
from geomdl.layers.core.data_axis import per_example

if TYPE_CHECKING:
    from geomdl.data.transforms.augmentation import Augmentation

OF_CLOUDS = ("rotation", "rotation_axis", "scale", "flip", "group", "jitter", "drop_points", "irreps")
"""The options of `geomdl.data.Augmentation` that clouds have."""


@dataclasses.dataclass(frozen=True, eq=False)
class MovedCloud:
    """Moves packed clouds by matrices, each about the centre of mass of its points; see `geomdl.points.moved_clouds`.

    Attributes:
      linear: ``[batch, 3, 3]`` or ``[3, 3]``, orthogonal, perhaps times a scale.
      irreps: of the features.
      group: that the orthogonal parts are of.

    >>> quarter = jnp.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    >>> MovedCloud(quarter).images(jnp.array([[[1.0, 0, 0, 1], [3, 0, 0, 1]]])).tolist()
    [[[2.0, -1.0, 0.0, 1.0], [2.0, 1.0, 0.0, 1.0]]]
    """

    linear: jax.Array
    irreps: str = ""
    group: SpatialGroup = SO3

    @property
    def offset(self) -> jax.Array:
        """Zero."""
        return jnp.zeros(3)

    def images(self, x: jax.Array) -> jax.Array:
        """Clouds ``[batch, points, 4 + features]``, padding as it was."""
        from geomdl.points import moved_clouds  # e3nn-jax takes a second to import

        there = x[..., -1:]
        centre = (x[..., :3] * there).sum(-2, keepdims=True) / jnp.maximum(there.sum(-2, keepdims=True), 1)
        back = jnp.concatenate([centre, jnp.zeros((len(x), 1, x.shape[-1] - 3), x.dtype)], -1)
        moved = moved_clouds(x - back, self.linear, irreps=self.irreps) + back
        return jnp.where((there > 0) | (jnp.arange(x.shape[-1]) > 2), moved, x)

    def labels(self, y: jax.Array, fill: int) -> jax.Array:
        """Labels of points, which stay with them."""
        return y


def augmented_clouds(
    options: "Augmentation", batch: Mapping[str, jax.Array], kinds: Mapping[str, TargetKind], key: jax.Array
) -> dict[str, jax.Array]:
    """A batch of packed clouds, changed as `geomdl.data.Augmentation` says.

    Args:
      options: of which clouds have those in `OF_CLOUDS`.
      batch: ``image`` ``[batch, points, 4 + features]``, and targets by their names.
      kinds: of the targets that are to move.
      key: a JAX random key.

    Raises:
      ValueError: for an option that clouds do not have, or a group that is none of space.
    """
    _require(options)
    moved = dict(batch)
    clouds = moved["image"]
    transformation = _transformation(options, len(clouds), key)
    if transformation is not None:
        for name, kind in kinds.items():
            moved[name] = kind.moved(moved[name], transformation, tuple(clouds.shape[1:2]))
        clouds = transformation.images(clouds)
    places = clouds.shape[1]
    if options.jitter:
        noise_key = jax.random.fold_in(key, 11)
        noise = per_example(lambda n: jax.random.normal(noise_key, (n, places, 3)), len(clouds)).astype(clouds.dtype)
        clouds = clouds.at[..., :3].add(options.jitter * noise * clouds[..., -1:])
    if options.drop_points:
        drop_key = jax.random.fold_in(key, 12)
        draws = per_example(lambda n: jax.random.uniform(drop_key, (n, places)), len(clouds))
        draws = jnp.where(clouds[..., -1] > 0, draws, -1)  # of the points that are there the one drawn last stays
        kept = (draws >= options.drop_points) | (draws == draws.max(-1, keepdims=True))
        clouds = clouds * kept[..., None].astype(clouds.dtype)
    return {**moved, "image": clouds}


def _require(options: "Augmentation") -> None:
    """Raises a ValueError for an option that clouds do not have."""
    for f in dataclasses.fields(options):
        if f.init and f.name not in OF_CLOUDS and getattr(options, f.name) != f.default:
            allowed = f"its default for point clouds, which have augmentation.{', '.join(OF_CLOUDS)}"
            if f.name == "quarter_turns":
                allowed = "false for point clouds; augmentation.group='C4z' turns them about z, 'O' about all axes"
            raise invalid(f"augmentation.{f.name}", getattr(options, f.name), allowed, f.default)


def _transformation(options: "Augmentation", count: int, key: jax.Array) -> MovedCloud | None:
    """One matrix for each cloud: an element of a group, then rotation and scale, then the mirror x ↦ −x."""
    warp_key, scale_key, flip_key, group_key = jax.random.split(key, 4)
    parts: list[jax.Array] = []
    if options.group:
        named = group(options.group)
        if not isinstance(named, SpatialGroup):
            allowed = "a finite group of space for point clouds, such as 'C4z' about the axis z, 'O' or 'Oh'"
            raise invalid("augmentation.group", options.group, allowed, "O")
        matrices = jnp.asarray(named.matrix(named.elements()), jnp.float32)
        parts.append(matrices[per_example(lambda n: jax.random.randint(group_key, (n,), 0, len(matrices)), count)])
    if options.rotation:
        degrees, axis = options.rotation, options.rotation_axis
        parts.append(per_example(lambda n: random_rotations(warp_key, n, degrees, axis), count))
    if options.scale:
        draws = per_example(lambda n: jax.random.uniform(scale_key, (n,), minval=-1.0, maxval=1.0), count)
        parts.append(((1.0 + options.scale) ** draws)[:, None, None] * jnp.eye(3))
    if options.flip:
        mirrored = per_example(lambda n: jax.random.bernoulli(flip_key, shape=(n,)), count)
        mirror = jnp.asarray(np.diag([-1.0, 1.0, 1.0]), jnp.float32)
        parts.append(jnp.where(mirrored[:, None, None], mirror, jnp.eye(3)))
    if not parts:
        return None
    whole = parts[0]
    for part in parts[1:]:
        whole = jnp.matmul(part, whole, precision="highest")
    return MovedCloud(whole, options.irreps, O3)
