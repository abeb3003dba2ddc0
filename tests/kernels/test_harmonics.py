"""The null-space solver against characters and against the constraint itself."""

import math

import numpy as np
import pytest

from geomdl.groups import C1, D1, O2, SO2, C, D, PlanarGroup
from geomdl.kernels import solutions
from geomdl.representations import irreps

GROUPS = [C(n) for n in range(1, 17)] + [D(n) for n in range(1, 17)] + [SO2, O2]
FREQUENCIES = range(9)


def all_irreps(group: PlanarGroup):
    return irreps(group) if group.is_finite else irreps(group, 8)


def elements_to_average(group: PlanarGroup) -> np.ndarray:
    """All of a finite group; of a continuous one enough angles to integrate trigonometric polynomials exactly."""
    if group.is_finite:
        return group.elements()
    angles = np.arange(32) * (2 * math.pi / 32)
    return np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])


def test_dimensions_equal_the_character_formula():
    """dim = ⟨χ_out, χ_in χ_μ⟩, over every group, pair of irreps and frequency (about 20,000 spaces)."""
    for group in GROUPS:
        g = elements_to_average(group)
        characters = np.array([rho.character(g) for rho in all_irreps(group)])
        turns = np.array(
            [2 * np.cos(m * group.angle(g)) * (g[:, 0] == 0) if m else np.ones(len(g)) for m in FREQUENCIES]
        )
        expected = np.einsum("ag,bg,mg->abm", characters, characters, turns) / len(g)
        assert np.allclose(expected, np.rint(expected), atol=1e-9)
        labels = [rho.labels[0] for rho in all_irreps(group)]
        found = [[[len(solutions(group, a, b, m)) for m in FREQUENCIES] for b in labels] for a in labels]
        assert np.array_equal(found, np.rint(expected)), group


@pytest.mark.parametrize("group", [C1, C(3), C(4), C(16), D1, D(5), D(8), SO2, O2], ids=str)
def test_solutions_satisfy_the_constraint_on_the_circle(group):
    """K(gφ) = ψ_out(g) K(φ) ψ_in(g)⁻¹ for random g and φ, not only for the generators; and they are orthonormal."""
    rng = np.random.default_rng(0)
    g, angles = group.sample(rng, 5), rng.uniform(0, 2 * math.pi, 7)
    moved = (1 - 2 * g[:, :1]) * angles + group.angle(g)[:, None]

    def kernels(basis, frequency, phi):
        waves = np.stack([np.cos(frequency * phi), np.sin(frequency * phi)])
        return np.einsum("npoi,p...->n...oi", basis, waves)

    worst = 0.0
    for rho_in in all_irreps(group)[:6]:
        for rho_out in all_irreps(group)[:6]:
            for m in FREQUENCIES:
                basis = solutions(group, rho_in.labels[0], rho_out.labels[0], m)
                flat = basis.reshape(len(basis), 2 * rho_out.size * rho_in.size)
                assert np.allclose(flat @ flat.T, np.eye(len(basis)), atol=1e-12)
                left = kernels(basis, m, moved)
                right = np.einsum("gab,nxbc,gdc->ngxad", rho_out(g), kernels(basis, m, angles), rho_in(g))
                worst = max(worst, np.abs(left - right).max(initial=0))
    assert worst < 1e-10


def test_the_basis_is_a_function_of_the_space_alone():
    """The same values as written down by hand, so that weights mean the same kernel with any linear algebra library."""
    basis = solutions(SO2, (0, 0), (0, 1), 1)[..., 0]
    assert np.allclose(basis * math.sqrt(2), [[[1, 0], [0, 1]], [[0, 1], [-1, 0]]])
