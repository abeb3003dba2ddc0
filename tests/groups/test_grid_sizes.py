"""Which sizes of a grid groups map to themselves; what moves fields, volumes and label maps takes no others."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import GridElements, act
from geomdl.audit import audit
from geomdl.data import Augmentation
from geomdl.groups import PLANE, SO3, VOLUME, D, O, Oh, SpatialGroup, keeps_size, largest_keeping, named_subgroups
from geomdl.representations import FieldType

D2h = SpatialGroup("D2h")
SIZES = [(6, 7, 8), (5, 8, 8), (8, 8, 5), (7, 6, 7), (6, 6, 6)]


@pytest.mark.parametrize("points", [D2h, O, SpatialGroup("C4h"), SpatialGroup("C4x"), SO3], ids=str)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_size_is_kept_when_every_element_that_permutes_points_keeps_it(points, size):
    moved = all(symmetry.keeps(size) for symmetry in VOLUME.grid_symmetries(points))
    assert keeps_size(VOLUME, points, size) == moved


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_larger_subgroup_keeps_the_size(size):
    found = largest_keeping(VOLUME, Oh, size)
    assert keeps_size(VOLUME, found, size)
    symmetries = VOLUME.grid_symmetries(Oh)
    assert found.order == sum(symmetry.keeps(size) for symmetry in symmetries)
    assert all(h.order <= found.order for h in named_subgroups(Oh) if keeps_size(VOLUME, h, size))


def test_subgroups_of_the_plane():
    assert [largest_keeping(PLANE, group, (6, 8)) for group in (D(4), D(8), D(3))] == [D(2), D(2), D(1)]


def test_elements_move_volumes_that_are_no_cubes():
    x, scalar = jnp.asarray(np.random.default_rng(0).normal(size=(8, 6, 7, 8, 1))), FieldType(D2h, "1 trivial")
    moved = GridElements(D2h, jnp.arange(8), VOLUME).images(x)
    for k in range(8):
        assert np.array_equal(moved[k], act(np.array([k]), x[k : k + 1], scalar)[0])


def test_augmentation_takes_what_its_group_keeps():
    x = jnp.arange(2 * 6 * 7 * 8.0).reshape(2, 6, 7, 8, 1)
    moved, maps = Augmentation(group="D2h").pair(x, x[..., 0].astype(jnp.int32), jax.random.key(1))
    assert np.array_equal(moved[..., 0], maps)
    assert not np.array_equal(moved, x)
    with pytest.raises(ValueError, match=r"group O '6x7x8'; allowed: cubes .*, D2z, its largest.*; try 7x7x7"):
        Augmentation(group="O")(x, 0)


def test_audits_take_what_the_group_keeps():
    report = audit(lambda x: x.mean((1, 2, 3)), group="D2h", size=(6, 7, 8, 1), count=2)
    assert report["D2h"].level == "exact"
    with pytest.raises(ValueError, match=r"group C4h '8x8x5'; .* height = width.*, C2h, its largest.*; try 8x5x5"):
        audit(lambda x: x.mean((1, 2, 3)), group="C4h", size=(8, 8, 5, 1), count=2)


def test_fields_are_refused_in_the_same_words():
    with pytest.raises(ValueError, match=r"volume size for group O '6x7x8'; .*, D2z, .*; try 7x7x7"):
        act(np.array([1]), jnp.zeros((1, 6, 7, 8, 1)), FieldType(O, "1 trivial"))
