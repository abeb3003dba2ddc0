"""The groups of space: laws, matrices, names, and how they move the grid of a volume."""

import numpy as np
import pytest

from geomdl.groups import C4, D4, O3, SO3, VOLUME, DirectProduct, I, O, Oh, SpatialGroup, T, group, point_group

NAMES = ["T", "Td", "Th", "O", "Oh", "I", "Ih", "Ci", "C1z", "C3z", "C4z", "D3z", "D4z", "C4v", "C5h", "D2h"]
ORDERS = [12, 24, 24, 24, 48, 60, 120, 2, 1, 3, 4, 6, 8, 8, 10, 8]
NAMES += ["C4x", "D3y", "C4vx", "C3hy", "S4z", "S6x", "D2d", "D3dx", "C3v x Ci", "C1vx x Ci"]
ORDERS += [4, 6, 8, 6, 4, 6, 8, 12, 12, 4]
CONTINUOUS = [*map(SpatialGroup, ("Cinfz", "Dinfz", "Cinfv", "Cinfh", "Dinfh", "Cinfvx", "Dinfy")), SO3, O3]
GROUPS = [*map(SpatialGroup, NAMES), *CONTINUOUS]


@pytest.mark.parametrize("g", GROUPS, ids=str)
def test_group_laws_and_the_matrices_are_a_faithful_orthogonal_representation(g):
    a, b, c = g.sample(np.random.default_rng(0), 60).reshape(3, 20, -1)
    e = g.identity
    assert g.is_close(g.product(g.product(a, b), c), g.product(a, g.product(b, c))).all()
    assert g.is_close(g.product(a, e), a).all()
    assert g.is_close(g.product(e, a), a).all()
    assert g.is_close(g.product(a, g.inverse(a)), e).all()
    np.testing.assert_allclose(g.matrix(g.product(a, b)), g.matrix(a) @ g.matrix(b), atol=1e-12)
    np.testing.assert_allclose(g.matrix(g.inverse(a)), np.swapaxes(g.matrix(a), -1, -2), atol=1e-12)
    np.testing.assert_array_equal(g.matrix(e), np.eye(3))
    assert g.is_close(g.from_matrix(g.matrix(a)), a).all()
    assert g.contains_matrix(g.matrix(a)).all()
    assert (np.linalg.det(g.matrix(g.sample(np.random.default_rng(1), 64))) < 0).any() == g.has_inversions


@pytest.mark.parametrize(("name", "order"), list(zip(NAMES, ORDERS, strict=True)))
def test_the_elements_are_numbered_and_the_generators_generate(name, order):
    g = SpatialGroup(name)
    assert g.order == order == len(g.elements())
    np.testing.assert_array_equal(g.index(g.elements()), np.arange(order))
    table = g.multiplication_table()
    assert (np.sort(table, 0) == np.arange(order)[:, None]).all()
    reached = {0}
    for _ in range(order):
        reached |= {int(table[h, k]) for h in g.index(g.generators()) for k in reached}
    assert len(reached) == order


@pytest.mark.parametrize("g", [SO3, O3, O, Oh], ids=str)
def test_samples_are_uniform(g):
    matrices = g.matrix(g.sample(np.random.default_rng(0), 4000))
    np.testing.assert_allclose(matrices.mean(0), 0, atol=0.05)  # the vector irrep has no invariant
    # ∫ R_ij R_kl dg = δ_ik δ_jl / 3, by Schur
    np.testing.assert_allclose((matrices**2).mean(0), 1 / 3, atol=0.03)


def test_subgroups_are_recognised_by_their_matrices():
    contains = {a: {b for b in NAMES if SpatialGroup(a).contains_group(SpatialGroup(b))} for a in NAMES}
    assert {"T", "O", "C4z", "D4z", "C1z"} <= contains["O"]
    assert not contains["O"] & {"Td", "Th", "Ci", "I", "C3z", "C4v"}
    assert {"Th", "Td", "Ci", "C4v", "D2h"} <= contains["Oh"]
    assert {"Th", "T"} <= contains["Ih"]
    assert {"T"} <= contains["I"]
    assert O3.contains_group(SO3)
    assert not SO3.contains_group(O3)
    assert all(O3.contains_group(g) for g in GROUPS)
    assert SO3.contains_group(I)
    assert not SO3.contains_group(Oh)
    assert not O.contains_group(SO3)
    cone, cylinder = SpatialGroup("Cinfv"), SpatialGroup("Dinfh")
    assert all(cylinder.contains_group(SpatialGroup(n)) for n in ("Cinfv", "Dinfz", "Cinfh", "D7h", "S4z", "D3d", "Ci"))
    assert all(O3.contains_group(g) for g in CONTINUOUS)
    assert cone.contains_group(SpatialGroup("C4v"))
    assert not any(cone.contains_group(SpatialGroup(n)) for n in ("Ci", "C4x", "D4z", "Cinfvx", "O"))
    assert not cone.contains_group(SO3)


def test_a_volume_is_moved_as_its_axes_minus_z_minus_y_x():
    rng, size = np.random.default_rng(0), 3
    volume = rng.normal(size=(1, size, size, size, 1))
    points = VOLUME.coordinates((size,) * 3)[..., [2, 1, 0]] * np.array([1, -1, -1])  # (x, y, z) of every voxel
    value = {tuple(p): v for p, v in zip(points.reshape(-1, 3).tolist(), volume.ravel(), strict=True)}
    for g in Oh.elements():
        moved = VOLUME.grid_symmetry(Oh, g)(volume)
        back = points @ Oh.matrix(g)  # g⁻¹p as rows
        expected = [value[tuple(p)] for p in (back + 0.0).reshape(-1, 3).tolist()]
        np.testing.assert_array_equal(moved.ravel(), expected)


def test_which_elements_map_the_grid_to_itself():
    counts = {g.name: len(g.grid_symmetries()) for g in GROUPS}
    assert [counts[n] for n in ("T", "Td", "O", "Oh", "I", "Ih", "SO3", "O3")] == [12, 24, 24, 48, 12, 24, 24, 48]
    assert VOLUME.permutes_grid(Oh)
    assert not VOLUME.permutes_grid(I)
    assert not VOLUME.permutes_grid(SO3)
    assert VOLUME.exchanges_axes(T)
    assert not VOLUME.exchanges_axes(SpatialGroup("D2h"))
    assert VOLUME.reversed_axes(SpatialGroup("C4v")) == (False, True, True)
    of_axes = {
        n: VOLUME.exchanged_axes(SpatialGroup(n)) for n in ("C4x", "C4y", "C4z", "Cinfz", "Dinfhx", "C3z", "S4z")
    }
    assert of_axes["C4z"] == of_axes["Cinfz"] == of_axes["S4z"] == ((1, 2),)
    assert of_axes["C4x"] == of_axes["Dinfhx"] == ((0, 1),)
    assert of_axes["C4y"] == ((0, 2),)
    assert of_axes["C3z"] == ()
    assert [len(SpatialGroup(n).grid_symmetries()) for n in ("Cinfz", "Cinfv", "Dinfh", "D3d")] == [4, 8, 16, 4]


def test_names():
    names = {"SO(3)": SO3, "o3": O3, "oh": Oh, "C4z": SpatialGroup("C4Z"), "C4": C4, "D4": D4, " I ": I}
    for name, expected in names.items():
        assert group(name) == point_group(name) == expected
    for name, expected in {"C∞v": "Cinfv", "SO(2)z": "Cinfz", "O2x": "Cinfvx", "c4V": "C4v", "S4Y": "S4y"}.items():
        assert repr(group(name)) == expected


PRODUCTS = {"O x Ci": Oh, "T x Ci": "Th", "I × Ci": "Ih", "SO3 x Ci": O3, "C4z x Ci": "C4h", "D3z x Ci": "D3d"}
PRODUCTS |= {"C3z x C2z": "C6z", "C2z x C2x": "D2z", "Cinfv x C1h": "Dinfh", "Cinfx x Ci": "Cinfhx"}


@pytest.mark.parametrize(("name", "known"), PRODUCTS.items())
def test_a_product_that_has_a_name_of_its_own_is_that_group(name, known):
    assert point_group(name) == SpatialGroup(str(known))


def test_a_product_without_a_name_has_the_table_of_pairs():
    first, second, whole = SpatialGroup("C3v"), SpatialGroup("Ci"), SpatialGroup("C3v x Ci")
    pairs = DirectProduct(first, second)
    np.testing.assert_array_equal(whole.multiplication_table(), pairs.multiplication_table())
    a, b = pairs.split(pairs.elements())
    np.testing.assert_allclose(whole.matrix(whole.elements()), first.matrix(a) @ second.matrix(b), atol=1e-12)
    assert whole.contains_group(first)
    assert O3.contains_group(whole)


def test_groups_about_another_axis_are_those_about_z_turned():
    about_z = np.array([0, 0, 1.0])
    for axis, direction in (("x", [1, 0, 0]), ("y", [0, 1, 0])):
        for name in ("C4", "D4", "S4"):
            turned, upright = SpatialGroup(name + axis), SpatialGroup(f"{name}z")
            frame = turned.frame
            np.testing.assert_array_equal(frame @ about_z, direction)
            assert np.linalg.det(frame) == 1
            matrices = frame @ upright.matrix(upright.elements()) @ frame.T
            np.testing.assert_array_equal(turned.matrix(turned.elements()), matrices)
            np.testing.assert_array_equal(turned.multiplication_table(), upright.multiplication_table())


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("unknown group 'Oi'.*of space: T, Td.*did you mean 'O", lambda: group("Oi")),
        ("C4z and C2x do not commute; allowed: groups that do, such as O x Ci", lambda: SpatialGroup("C4z x C2x")),
        ("no direct product: Ci and Oh have more than the identity", lambda: SpatialGroup("Ci x Oh")),
        ("unknown group of space 'D4v'", lambda: SpatialGroup("D4v")),  # D4h has its mirrors, of D<N>v no one speaks
        ("needs a finite group, but Cinfv is continuous; .* C4v or C8v", lambda: SpatialGroup("Cinfv").elements()),
        (
            r"invalid element of Cinfz .* as an element of Cinfz does",
            lambda: SpatialGroup("Cinfz").matrix([0, 0, 1, 0, 0]),
        ),
        ("unknown group of space 'SO4'.*did you mean 'SO3'", lambda: SpatialGroup("SO4")),
        (r"invalid element of O \[24\]; allowed: \[k\].*0 to 23; try \[23\]", lambda: O.matrix([24])),
        (r"invalid element of SO3 .*norm 1; try \[0, 1.0", lambda: SO3.matrix([0, 2.0, 0, 0, 0])),
        (r"invalid element of SO3 \[1.0.*inversion, w", lambda: SO3.matrix([1, 1.0, 0, 0, 0])),
        ("needs a finite group, but O3 is continuous; use a subgroup such as Oh", O3.elements),
        ("that are not all in O; allowed", lambda: O.from_matrix(-np.eye(3))),
    ],
)
def test_errors_name_the_nearest_valid_choice(message, make):
    with pytest.raises(ValueError, match=message):
        make()
