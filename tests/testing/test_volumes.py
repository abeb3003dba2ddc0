"""Assertions about models of volumes: groups of space, elements on and off the grid, other dtypes, errors."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract, orbit_errors
from geomdl.groups import O, SpatialGroup
from geomdl.layers import Conv, Pointwise
from geomdl.representations import FieldType
from geomdl.testing import SymmetryError, assert_equivariant, assert_invariant

TYPES = FieldType(O, "1 trivial"), FieldType(O, "1 regular")


class Mine(nnx.Module):
    """Somebody's own class with layers of geomdl in it."""

    def __init__(self) -> None:
        self.conv = Conv(*TYPES, 3, padding="same", rngs=nnx.Rngs(0))
        self.act = Pointwise(TYPES[1])

    def __call__(self, x):
        return self.act(self.conv(x))


def neighbours(x):
    """The sum over the six neighbours of each voxel."""
    return sum(jnp.roll(x, s, a) for s in (1, -1) for a in (1, 2, 3))


def test_every_element_of_the_cube_is_tried():
    found = assert_equivariant(neighbours, group="Oh", size=3, channels=1)
    assert (found.size, len(found.cases)) == ((3, 3, 3), 48)
    assert {case.exact for case in found.cases} == {True}


def test_an_own_module_by_its_types():
    found = assert_equivariant(Mine(), group=O, size=3, channels=1, output="1 regular")
    assert len(found.cases) == 24
    with pytest.raises(SymmetryError, match=r"180° about .* of 3x3x3 volumes"):
        assert_equivariant(Mine(), group=O, size=3, channels=1)  # the control: its channels are no scalars


def test_the_layer_that_breaks_it_is_named():
    conv = nnx.Conv(1, 1, (3, 3, 3), rngs=nnx.Rngs(0))
    net = nnx.Sequential(lambda x: x * 2, conv, lambda x: x.mean((1, 2, 3)))
    with pytest.raises(SymmetryError, match=r"first broken layer: layers\.1"):
        assert_invariant(net, group="C4z", size=(2, 4, 4), channels=1)


@pytest.mark.long
def test_elements_off_the_grid_are_held_to_what_resampling_changes():
    found = assert_invariant(lambda x: jnp.abs(x).mean((1, 2, 3)), group="SO3", size=9, channels=1, samples=2)
    assert [sum(case.exact == on for case in found.cases) for on in (True, False)] == [24, 2]
    with pytest.raises(SymmetryError):
        assert_invariant(lambda x: x[:, :3].mean((1, 2, 3)), group=SpatialGroup("Cinfx"), size=7, channels=1, samples=1)


@pytest.mark.long
def test_volumes_that_are_no_cubes_and_labels_of_voxels():
    assert assert_equivariant(neighbours, group="C4y", size=(3, 2, 3), channels=1)
    labels = assert_equivariant(lambda x: (neighbours(x)[..., 0] > 0).astype(jnp.int32), group="D2h", size=(2, 3, 4),
                                channels=1, output="labels")  # fmt: skip
    assert len(labels.cases) == 8


@pytest.mark.long
def test_other_precisions_and_one_volume():
    assert check_contract(Mine().conv, 0, size=(3, 3, 3), dtype=jnp.bfloat16, batch=1, max_shifts=0).passed
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(1, 3, 3, 3, 1))
        assert orbit_errors(neighbours, x, O, "field").worst < 1e-14


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("invalid volumes '2x3x3'; .* depth = height", lambda: assert_equivariant(neighbours, group=O, size=(2, 3, 3))),
        ("volumes .* where the channels are missing", lambda: assert_equivariant(neighbours, np.ones((1, 3, 3, 3)), O)),
        ("a group of space, such as 'C4z'", lambda: assert_equivariant(neighbours, np.ones((1, 3, 3, 3, 1)), "C4")),
        ("output under O, which moves volumes 'boxes'",
         lambda: orbit_errors(lambda x: x[..., 0, :1, :4], np.ones((1, 4, 4, 4, 4)), O, "boxes")),
        ("unknown group or family 'Oq'; allowed: .*O, Oh", lambda: assert_equivariant(neighbours, group="Oq", size=3)),
    ],
)  # fmt: skip
def test_errors_name_the_nearest_valid_choice(message, call):
    with pytest.raises(ValueError, match=message):
        call()
