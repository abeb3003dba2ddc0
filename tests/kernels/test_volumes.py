"""Kernels on volumes: completeness by characters, e3nn's tensor products, escnn's spans, symmetry of the samples."""

import itertools
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.groups import O3, SO3, VOLUME, I, Ih, O, Oh, SpatialGroup, T, Th, group
from geomdl.kernels import PixelKernelSpace, SteerableKernelSpace, kernel_space, solutions
from geomdl.kernels.shells import shells
from geomdl.representations import Representation, irrep, irreps, quotient, regular, representation, restrict, trivial
from geomdl.representations.intertwiners import commutator
from geomdl.representations.spherical_harmonics import spherical_harmonics, wigner

FOLDER = pathlib.Path(__file__).parent / "goldens"
E3NN, ESCNN = np.load(FOLDER / "e3nn.npz"), np.load(FOLDER / "escnn_volumes.npz")


def dimension_by_characters(a, b, degree: int) -> int:
    """dim Hom_G(ψ_a ⊗ Y_l, ψ_b) = 1/|G| Σ χ_a χ_l χ_b; for SO(3) and O(3) by the triangle and parity."""
    g = a.group
    if not g.is_finite:
        (p, j), (q, k) = a.labels[0], b.labels[0]
        return int(abs(j - k) <= degree <= j + k and (not g.has_inversions or (p + q + degree) % 2 == 0))
    elements = g.elements()
    matrices = g.matrix(elements)
    signs = np.rint(np.linalg.det(matrices))
    harmonics = np.trace(wigner(degree, matrices * signs[:, None, None]), axis1=1, axis2=2) * signs**degree
    return round(float(np.mean(a.character(elements) * b.character(elements) * harmonics)))


def _check_completeness(g: SpatialGroup, highest: int, degrees: int) -> int:
    found = irreps(g, None if g.is_finite else highest)
    spaces = 0
    for a in found:
        for b in found:
            for degree in range(degrees + 1):
                basis = solutions(g, a.labels[0], b.labels[0], degree)
                assert len(basis) == dimension_by_characters(a, b, degree), (a, b, degree)
                spaces += len(basis) > 0
                gram = np.einsum("npij,mpij->nm", basis, basis)
                np.testing.assert_allclose(gram, np.eye(len(basis)), atol=1e-10)
    return spaces


@pytest.mark.parametrize(("g", "highest", "degrees"), [(O, 0, 3), (T, 0, 3), (SO3, 1, 2), (O3, 1, 2)], ids=str)
def test_there_are_as_many_kernels_as_characters_say(g, highest, degrees):
    assert _check_completeness(g, highest, degrees)


@pytest.mark.long
@pytest.mark.parametrize("g", [SO3, O3, T, Th, O, Oh, I, Ih, *map(SpatialGroup, ("Td", "C3z", "D5z", "C6v"))], ids=str)
def test_completeness_for_every_pair_up_to_degree_four(g):
    assert _check_completeness(g, 4, 4 if g.is_finite else 8)


def test_harmonics_and_wigner_matrices_are_those_of_e3nn():
    for degree in range(9):
        ours = spherical_harmonics(degree, E3NN["points"])
        np.testing.assert_allclose(ours, E3NN[f"harmonics_{degree}"], atol=1e-12)
        np.testing.assert_allclose(wigner(degree, E3NN["rotation"]), E3NN[f"wigner_{degree}"], atol=1e-12)
        moved = spherical_harmonics(degree, E3NN["points"] @ E3NN["rotation"].T)
        np.testing.assert_allclose(moved, ours @ wigner(degree, E3NN["rotation"]).T, atol=1e-12)
    assert SO3.is_close(SO3.from_matrix(np.eye(3)), SO3.identity)


def test_kernels_between_irreps_are_the_tensor_products_of_e3nn():
    """Hom(l_in ⊗ l, l_out) has one dimension, which the Clebsch-Gordan coefficients span."""
    _compare_with_tensor_products(2)
    for a, b, degree in ((0, 1, 1), (1, 1, 1), (1, 1, 2)):
        assert len(solutions(O3, (0, a), (1 - degree % 2, b), degree)) == 0, "parity multiplies"
        np.testing.assert_allclose(
            solutions(O3, (0, a), (degree % 2, b), degree), solutions(SO3, (0, a), (0, b), degree), atol=1e-10
        )


@pytest.mark.long
def test_kernels_between_irreps_up_to_degree_four_are_the_tensor_products_of_e3nn():
    _compare_with_tensor_products(4)


def _compare_with_tensor_products(highest: int) -> None:
    for a, b in itertools.product(range(highest + 1), repeat=2):
        for degree in range(abs(a - b), a + b + 1):
            (ours,) = solutions(SO3, (0, a), (0, b), degree)  # [2l + 1, size_out, size_in]
            theirs = E3NN[f"clebsch_gordan_{a}_{degree}_{b}"].transpose(1, 2, 0)
            assert abs(abs(np.sum(ours * theirs)) / np.linalg.norm(theirs) - 1) < 1e-10


def _change(number: int, key: str, rho: Representation) -> np.ndarray:
    """The orthogonal T with T theirs(g) = ours(g) T: of irreps up to a sign; of regular fields a permutation."""
    elements = rho.group.from_matrix(ESCNN[f"{number}_matrices"])
    if rho.group.is_finite:
        return np.eye(rho.size)[:, rho.group.index(elements)] if rho.size > 1 else np.eye(1)
    theirs = ESCNN[f"{number}_{key}"]
    _, _, rows = np.linalg.svd(commutator(rho(elements), theirs))
    change = rows[-1].reshape(rho.size, rho.size)
    return change * np.sqrt(len(change)) / np.linalg.norm(change)


@pytest.mark.parametrize("number", range(len(ESCNN["cases"])), ids=lambda n: str(ESCNN["cases"][n]))
def test_spans_equal_escnn(number):
    """A generic kernel of escnn's space, in our bases of the irreps, lies in ours, of the same dimension."""
    name, field_in, field_out, size = str(ESCNN["cases"][number]).split("|")
    g, half = group(name), (int(size) - 1) // 2
    rhos = [
        representation(g, f) if not f[0].isdigit() else irrep(g, *map(int, f.split(","))) for f in (field_in, field_out)
    ]
    options = {"rings": (0.0, 1.0, 2.0)[: half + 1], "sigma": (0.005, 0.6, 0.5)[: half + 1]}
    cutoff = tuple(int(1.5 * r) for r in options["rings"])
    space = SteerableKernelSpace(*rhos, int(size), frequencies_cutoff=cutoff, space=VOLUME, **options)
    assert space.dimension == ESCNN[f"{number}_dimension"]
    if not space.dimension:
        return
    into, out = (_change(number, key, rho) for rho, key in zip(rhos, ("rho_in", "rho_out"), strict=True))
    kernel = np.einsum("oizyx,pi,qo->zyxpq", ESCNN[f"{number}_kernel"].astype(float), into, out)
    basis = space.basis().reshape(space.dimension, -1)
    weights, _, rank, _ = np.linalg.lstsq(basis.T, kernel.ravel(), rcond=None)
    assert rank == space.dimension
    assert np.abs(weights @ basis - kernel.ravel()).max() < 2e-6 * np.abs(kernel).max()


@pytest.mark.parametrize(
    ("pair", "size"),
    [
        ((irrep(SO3, 1), irrep(SO3, 2)), 3),
        ((irrep(O3, 1, 1), irrep(O3, 0, 1)), 4),
        ((trivial(I), regular(I)), 3),
        ((irrep(Oh, 3), quotient("Oh", "Td")), 4),
        ((irrep(SpatialGroup("C4z"), 1), regular(SpatialGroup("C4z"))), 3),
    ],
    ids=str,
)
def test_samples_are_equivariant_for_symmetries_of_the_grid(pair, size):
    """K(gx) = ρ_out(g) K(x) ρ_in(g)⁻¹ on the window."""
    rho_in, rho_out = pair
    space = kernel_space(rho_in, rho_out, size, "steerable", VOLUME)
    weights = np.random.default_rng(0).normal(size=(space.dimension, 1, 1))
    kernel = np.einsum("n,n...->...", weights[:, 0, 0], space.basis())
    np.testing.assert_allclose(
        space.expand(jnp.asarray(weights, jnp.float32)), kernel, atol=1e-5 * np.abs(kernel).max()
    )
    g = rho_in.group
    for element in g.grid_symmetries():
        # the array that a symmetry of the grid gives is x ↦ K(g⁻¹x)
        moved = VOLUME.grid_symmetry(g, element)(kernel, before=0)
        turned = np.einsum("qo,zyxpo,ip->zyxiq", rho_out(g.inverse(element)), kernel, rho_in(g.inverse(element)))
        np.testing.assert_allclose(moved, turned, atol=1e-12 * np.abs(kernel).max())


def test_pixel_kernels_are_complete_on_the_grid():
    """As many as there are orbits: by Burnside, the mean number of (voxel, channel, channel) that an element leaves."""
    for rho_in, rho_out in ((trivial(O), regular(O)), (regular(O), regular(O)), (quotient("Oh", "O"), trivial(Oh))):
        g = rho_in.group
        for size in (2, 3):
            space = PixelKernelSpace(rho_in, rho_out, size, VOLUME)
            voxels = VOLUME.coordinates((size,) * 3).reshape(-1, 3)
            fixed = [int((voxels @ VOLUME.matrix(g, e).T == voxels).all(1).sum()) for e in g.elements()]
            traces = rho_in.character(g.elements()) * rho_out.character(g.elements())
            assert space.dimension == round(float(np.mean(fixed * traces)))
    assert PixelKernelSpace(trivial(O), regular(O), 3, VOLUME).dimension == 27
    assert PixelKernelSpace(regular(Oh), regular(Oh), 3, VOLUME).dimension == 27 * 48


def test_kernels_of_a_larger_group_are_kernels_of_a_smaller_one():
    """A steerable kernel of SO(3) is one of O and of turns about z, with restricted representations."""
    a, b = irrep(SO3, 1), irrep(SO3, 2)
    kernel = SteerableKernelSpace(a, b, 3, space=VOLUME).basis()
    for name in ("O", "C4z", "D3z"):
        smaller = SteerableKernelSpace(restrict(a, name), restrict(b, name), 3, space=VOLUME)
        basis = smaller.basis().reshape(smaller.dimension, -1)
        rest = kernel.reshape(len(kernel), -1).T
        found = np.linalg.lstsq(basis.T, rest, rcond=None)[0]
        np.testing.assert_allclose(basis.T @ found, rest, atol=1e-10)
        assert smaller.dimension > len(kernel)


def test_bad_shells():
    with pytest.raises(ValueError, match=r"corner of the window, 1\.732"):
        shells(3, radii=(2.0,))
    with pytest.warns(UserWarning, match="a shell of radius 1 pixels.*cannot carry frequency 5"):
        SteerableKernelSpace(trivial(O), trivial(O), 3, frequencies_cutoff=(0, 5), space=VOLUME)
    with pytest.raises(ValueError, match="C4 does not act on the volume"):
        SteerableKernelSpace(trivial(group("C4")), trivial(group("C4")), 3, space=VOLUME)
