"""The default elements and images of a symmetry test that names only a group and a size."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import ArrayLike, DTypeLike

from geomdl.actions.disc import disc_window
from geomdl.actions.families import Family
from geomdl.actions.generators import Generator
from geomdl.actions.outputs import Movable
from geomdl.equivariance.adapters.functions import Model
from geomdl.equivariance.localisation.feature_transformation import on_grid
from geomdl.equivariance.measures.symmetry import Transformations, transformations
from geomdl.groups import GridTranslations, SpatialGroup
from geomdl.testing.random_images import low_pass_noise, white_noise
from geomdl.testing.smallest import Size

MOST_ELEMENTS = 256
"""Up to so many elements of a finite group are all tried; of a larger one its generators and drawn elements."""


def resolved_group(group: Transformations, size: Size) -> Movable:
    """The group or family; a generator becomes the family e^(tX) with |t| up to 1/4."""
    resolved = transformations(group, size)
    if isinstance(resolved, Generator):
        return Family(resolved.name, (resolved.name,), (0.25,))
    return resolved


def tiers(
    group: Movable, elements: ArrayLike | None, samples: int, seed: int, *, labels: bool
) -> list[tuple[bool, np.ndarray]]:
    """The elements that map the grid to itself, and the others, as (exact, elements)."""
    rng = np.random.default_rng(seed)
    if elements is not None:
        chosen = np.atleast_2d(np.asarray(elements))
    elif isinstance(group, Family):
        chosen = group.sample(rng, samples)
    elif group.is_finite and group.order <= MOST_ELEMENTS:
        chosen = group.elements()
    elif isinstance(group, GridTranslations):
        chosen = np.concatenate([group.generators(), group.sample(rng, MOST_ELEMENTS - len(group.sizes))])
    elif group.is_finite:
        all_elements = group.elements()
        chosen = np.concatenate([all_elements[on_grid(group, all_elements)], group.sample(rng, samples)])
    elif isinstance(group, SpatialGroup):
        chosen = np.concatenate([group.grid_symmetries(), group.sample(rng, samples)])
    else:  # the quarter turns of a continuous group, and drawn angles
        quarters = [[float(f), k * np.pi / 2] for f in range(2 if group.reflections else 1) for k in range(4)]
        chosen = np.concatenate([np.array(quarters), group.sample(rng, samples)])
    exact = on_grid(group, chosen)
    found = [(True, chosen[exact])] + ([] if labels else [(False, chosen[~exact])])
    return [(is_exact, some) for is_exact, some in found if len(some)]


def draw_images(
    f: Model, size: Size, channels: int | None, batch: int, dtype: DTypeLike, seed: int, exact: bool
) -> jax.Array:
    """White noise for the elements that map the grid to itself, low-pass noise inside the disc for the others."""
    if channels is None:
        channels = 3 if f.contract is None else f.contract.in_type.size
    rng = np.random.default_rng(seed)
    x = white_noise(rng, size, channels, max(batch, 2))
    if not exact:
        x = low_pass_noise(rng, size, channels, max(batch, 2)) * disc_window(size)
    return jnp.asarray(x, dtype)
