"""Band-limited representations are functions on the group: their values, their action, their completeness."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.groups import C4, C8, D8, O2, SO2, C, D, PlanarGroup, Subgroup, subgroups
from geomdl.representations import band_limited, fourier_basis, intertwiners, quotient, regular

FINITE = [*(C(n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 16)), *(D(n) for n in range(1, 9))]
SPACES = [
    *(Subgroup(g, C(1)) for g in (C4, C8, D8, D(5), SO2, O2)),
    Subgroup(D8, D(1), axis=3),
    Subgroup(C8, C(2)),
    Subgroup(SO2, C(3)),
    Subgroup(O2, D(2), axis=0.5),
    Subgroup(O2, SO2),
    Subgroup(O2, O2),
]


@pytest.mark.parametrize("h", SPACES, ids=str)
@given(seed=st.integers(0, 2**16))
def test_coefficients_transform_as_functions_do(h: Subgroup, seed: int):
    """(g·f)(x) = f(g⁻¹x), and f is constant on the cosets xH."""
    group, frequency = h.group, 2
    rng = np.random.default_rng(seed)
    (g,), x, (a,) = group.sample(rng, 1), group.sample(rng, 5), h.subgroup.sample(rng, 1)
    rho = band_limited(group, frequency, h)
    basis = fourier_basis(group, frequency, x, h)
    assert basis.shape == (5, rho.size)
    moved = fourier_basis(group, frequency, group.product(group.inverse(g), x), h)
    np.testing.assert_allclose(moved, basis @ rho(g), atol=1e-10)
    np.testing.assert_allclose(fourier_basis(group, frequency, group.product(x, h.embed(a)), h), basis, atol=1e-10)


@pytest.mark.parametrize("h", SPACES, ids=str)
def test_basis_functions_are_orthonormal(h: Subgroup):
    group = h.group
    x = group.elements() if group.is_finite else _grid(group)
    basis = fourier_basis(group, 2, x, h)
    np.testing.assert_allclose(basis.T @ basis / len(x), np.eye(basis.shape[1]), atol=1e-10)


def _grid(group: PlanarGroup) -> np.ndarray:
    angles = np.arange(32) * 2 * math.pi / 32
    return np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])


@pytest.mark.parametrize("group", FINITE, ids=str)
def test_the_full_frequency_is_the_regular_and_quotient_representation(group: PlanarGroup):
    """At the highest frequency the Fourier transform is an orthogonal change of basis between the two."""
    for h in subgroups(group):
        t = h.representatives()
        transform = fourier_basis(group, int(group.rotation_order) // 2, t, h) / np.sqrt(len(t))
        rho = band_limited(group, int(group.rotation_order) // 2, h)
        assert transform.shape == (h.index, h.index)
        np.testing.assert_allclose(transform @ transform.T, np.eye(len(t)), atol=1e-10)
        g = group.elements()
        np.testing.assert_allclose(transform @ rho(g) @ transform.T, quotient(group, h)(g), atol=1e-10)


@pytest.mark.parametrize(
    ("group", "frequency", "size"), [(SO2, 3, 7), (O2, 3, 14), (C8, 3, 7), (D8, 2, 10), (D8, 4, 16)]
)
def test_dimensions(group: PlanarGroup, frequency: int, size: int):
    rho = band_limited(group, frequency)
    assert rho.size == size
    assert len(intertwiners(rho, rho)) == size  # as of the regular representation: right translations
    assert max(k for _, k in rho.labels) == frequency
    np.testing.assert_allclose(rho.change_of_basis, np.eye(size))


def test_known_quotients_of_continuous_groups():
    assert band_limited("SO2", 6, "C3").labels == ((0, 0), (0, 3), (0, 6))
    assert band_limited("O2", 2, "D1", axis=1.0).labels == ((0, 0), (1, 1), (1, 2))  # the circle
    assert band_limited("O2", 2, "SO2").labels == quotient("O2", "SO2").labels == ((0, 0), (1, 0))  # two points
    assert band_limited("O2", 2, "O2").labels == ((0, 0),)
    assert band_limited("SO2", 2, "SO2").labels == ((0, 0),)
    assert band_limited(D8, 4).multiplicities == regular(D8).multiplicities


@pytest.mark.parametrize(
    ("group", "frequency", "subgroup", "message"),
    [
        ("C8", 5, "C1", "an integer ≥ 0 and ≤ 4, the highest of C8; try 4"),
        ("D3", 2, "C1", "≤ 1, the highest of D3"),
        ("SO2", -1, "C1", "an integer ≥ 0"),
        ("SO2", 1.5, "C1", "an integer ≥ 0"),
        ("SO2", True, "C1", "an integer ≥ 0"),
        ("SO2", 2, "D1", "a subgroup of SO2"),
        ("C8", 2, "C3", "a subgroup of C8"),
    ],
)
def test_bad_frequencies_and_subgroups_are_refused(group: str, frequency, subgroup: str, message: str):
    with pytest.raises(ValueError, match=message):
        band_limited(group, frequency, subgroup)
    with pytest.raises(ValueError, match=message):
        fourier_basis(group, frequency, np.zeros((1, 2)), subgroup)
