"""Groups about the diagonals of the cube: their names, their matrices, and as subgroups of O and Oh."""

import itertools

import numpy as np
import pytest

from geomdl.equivariance import check_contract
from geomdl.groups import VOLUME, D, O, Oh, SpatialGroup, group, named_subgroups, subgroup
from geomdl.groups.point_names import DIAGONALS
from geomdl.layers import Conv
from geomdl.representations import FieldType, irrep, irreps, restrict

CORNERS = [axis for axis in DIAGONALS if "0" not in axis]
EDGES = [axis for axis in DIAGONALS if "0" in axis]
WITHIN = {
    "Oh": [n + a for a in CORNERS for n in ("C3", "D3", "S6", "C3v", "D3d")]
    + [n + a for a in EDGES for n in ("C2", "D2", "C1h", "C2v", "C2h", "D2h")],
    "O": [n + a for a in CORNERS for n in ("C3", "D3")] + [n + a for a in EDGES for n in ("C2", "D2")],
    "Td": [n + a for a in CORNERS for n in ("C3", "C3v")] + ["C1h" + a for a in EDGES],
    "Th": [n + a for a in CORNERS for n in ("C3", "S6")],
}


def direction(axis):
    return np.array([int(n) for n in axis[1:-1].replace("-", " -").replace("1", "1 ").replace("0", "0 ").split()])


@pytest.mark.parametrize("whole", WITHIN)
def test_groups_about_diagonals_lie_in_the_cube(whole):
    large = SpatialGroup(whole)
    for name in WITHIN[whole]:
        small = group(name)
        assert str(small) == name
        order = (
            int(name[1])
            * (2 if name[0] == "D" or name[2] in "vh" else 1)
            * (2 if name[0] == "D" and name[2] in "hd" else 1)
        )
        assert small.order == order, name
        matrices = small.matrix(small.elements())
        assert np.all(matrices % 1 == 0), name  # exactly
        axis = direction(name[name.index("[") :])
        assert np.all(np.abs(matrices @ axis) == np.abs(axis)) or name[0] == "D", name
        within = subgroup(large, small)
        embedded = within.embed(small.elements())
        np.testing.assert_array_equal(large.matrix(embedded), matrices)
        np.testing.assert_array_equal(within.restrict(embedded), small.elements())
        assert within.index * small.order == large.order
        a, b = small.elements()[:, None], small.elements()[None]  # the embedding is a homomorphism
        products = large.product(within.embed(a), within.embed(b))
        np.testing.assert_array_equal(products, within.embed(small.product(a, b)))


def test_rotations_are_about_the_axis_counter_clockwise():
    for name, degrees in (("C3[-111]", 120), ("C2[10-1]", 180), ("C3[111]", 120)):
        turn, axis = group(name).matrix(np.array([1])), direction(name[2:]).astype(float)
        np.testing.assert_array_equal(turn @ axis, axis)
        across = np.cross(axis, [0.3, -0.2, 0.9])
        sine = np.cross(across, turn @ across) @ axis / np.linalg.norm(axis) / (across @ across)
        np.testing.assert_allclose([across @ turn @ across / (across @ across), sine],
                                   [np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))], atol=1e-12)  # fmt: skip


def test_every_subgroup_of_the_rotations_of_the_cube_has_a_name():
    table = O.multiplication_table()
    found = set()
    for pair in itertools.combinations_with_replacement(range(24), 2):  # two elements generate each of them
        members = {0, *pair}
        while (more := {int(table[a, b]) for a in members for b in members} | members) != members:
            members = more
        found.add(frozenset(members))
    named = {frozenset(O.index(subgroup(O, h).embed(h.elements())).tolist()) for h in named_subgroups(O)}
    assert named == found
    assert len(named) == 30
    assert (
        len(named_subgroups(Oh)) == 92
    )  # of 98: D2d and C2v about an axis of the cube have no names for mirrors between


def test_names_as_they_are_typed():
    alike = {
        "C3[111]": ("C3[1 1 1]", "c3[1,1,1]", "C3[-1-1-1]", "C3 [111]"), "C2[1-10]": ("C2[1−10]", "C2[-110]"),
        "D3[-111]": ("D3[1-1-1]",), "C4x": ("C4[100]", "C4[-100]"), "C4v": ("C4v[001]",), "S4y": ("S4[010]",),
        "Cinfv[111]": ("C∞v[111]", "O2[111]"), "Cinf[110]": ("SO2[110]",), "S6[111]": ("C3[111] x Ci",),
        "D3d[111]": ("C3v[111] x Ci", "D3[111] x Ci"), "C2h[1-10]": ("C2[1-10] × Ci",),
    }  # fmt: skip
    for name, others in alike.items():
        assert {str(group(other)) for other in (name, *others)} == {name}
    for name, near in (("C3[112]", "C3[111]"), ("C3[111", "C3[111]"), ("C3[11]", "C3[111]"), ("C2v[0111]", "C2v[011]")):
        with pytest.raises(
            ValueError, match=r"a diagonal of the cube: .*C3\[111\], C2\[1-10\].*did you mean"
        ) as caught:
            group(name)
        assert str(caught.value).endswith(f"did you mean {near!r}?")
    with pytest.raises(ValueError, match=r"subgroup 'C4\[111\]'; allowed: a subgroup of O: .*try C3\[111\]"):
        subgroup("O", "C4[111]")
    with pytest.raises(ValueError, match=r"group of space.*C3\[111\]"):
        _ = subgroup("D3[111]", "C3").moving


def test_representations_by_the_general_code():
    assert [psi.size for psi in irreps("D3[111]")] == [1, 1, 2]
    vector = irrep("O3", 1, 1)
    assert restrict(vector, "C3v[111]").labels == restrict(vector, "C3v").labels
    assert restrict(vector, "Dinfh[110]").labels == restrict(vector, "Dinfh").labels
    assert FieldType("O", "1 quotient(C3[111]) + 1 quotient(D3[-111])").size == 8 + 4
    assert FieldType("O", "1 regular").restrict("D3[111]").size == 24
    plane = subgroup("D3[111]", "D3")  # turning about the diagonal
    np.testing.assert_array_equal(plane.restrict(plane.embed(D(3).elements())), D(3).elements())
    volume = np.random.default_rng(0).normal(size=(1, 3, 3, 3, 1))
    small = SpatialGroup("D3[111]")
    for h, g in zip(small.elements(), subgroup(O, small).embed(small.elements()), strict=True):
        np.testing.assert_array_equal(VOLUME.grid_symmetry(small, h)(volume), VOLUME.grid_symmetry(O, g)(volume))
    assert VOLUME.exchanged_axes(SpatialGroup("C2[1-10]")) != VOLUME.exchanged_axes(SpatialGroup("C2[011]"))


SLOWER = [pytest.param(n, 5, marks=pytest.mark.long) for n in ("C3[111]", "D3[1-11]", "C2v[011]", "D3d[11-1]")]


@pytest.mark.parametrize(("name", "size"), [("C3v[111]", 4), ("C2[1-10]", 5), *SLOWER])
def test_convolutions_keep_their_contracts(name, size):
    layer = Conv(FieldType(name, "1 trivial + 1 irrep(1)"), FieldType(name, "1 regular"), 3, padding="same", rngs=0)
    assert check_contract(layer, 0, size=(size, size, size))
