"""Sampled steerable kernels: the constraint, sizes, options, memory, and what is refused."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Literal

from geomdl.groups import C1, C2, C4, C8, D1, D4, D8, O2, SO2, C, D
from geomdl.kernels import SteerableKernelSpace, kernel_space, require_kernels, rings
from geomdl.representations import (
    FieldType,
    direct_sum,
    irrep,
    regular,
    representation,
    restrict,
    tensor_product,
    trivial,
)

FINITE = [C1, C2, C(3), C4, C8, C(16), D1, D(2), D(3), D4, D8]


def some_representations(group):
    if group.is_finite:
        return [trivial(group), regular(group), direct_sum([regular(group), trivial(group)])]
    low = irrep(group, 1, 1) if group.reflections else irrep(group, 1)
    return [trivial(group), low, direct_sum([low, trivial(group), representation(group, low.name.replace("1)", "2)"))])]


def generic_kernel(space, fields=(1, 1), seed=0):
    """A dense kernel of random weights in float64: [k, k, in, out]."""
    weights = np.random.default_rng(seed).normal(size=(space.dimension, *fields))
    kernel = np.einsum("nab,nxyio->xyaibo", weights, space.basis(), optimize=True)
    return kernel.reshape(space.size, space.size, fields[0] * space.in_representation.size, -1)


@pytest.mark.compiled
@pytest.mark.parametrize(
    "space",
    [
        SteerableKernelSpace(regular(D4), trivial(D4), 3),
        SteerableKernelSpace(irrep(SO2, 1), direct_sum([irrep(SO2, 2), trivial(SO2)]), 4),
        SteerableKernelSpace(regular(C8), regular(C8), 5),
    ],
    ids=lambda space: str(space.group),
)
def test_expanding_is_the_sum_of_the_basis(space):
    """In float64 and, for a gradient step, its transpose."""
    weights = np.random.default_rng(0).normal(size=(space.dimension, 2, 3))

    @jax.jit
    def there_and_back(weights: jax.Array) -> tuple[jax.Array, jax.Array]:
        kernel, transposed = jax.vjp(space.expand, weights)
        return kernel, transposed(kernel)[0]

    with jax.enable_x64(True):
        kernel, back = there_and_back(jnp.asarray(weights))
    kernel, back = np.asarray(kernel), np.asarray(back)
    expected = generic_kernel(space, (2, 3))
    assert np.abs(kernel - expected).max() < 1e-12 * np.abs(expected).max()
    shaped = expected.reshape(space.size, space.size, 2, space.in_representation.size, 3, -1)
    assert np.allclose(back, np.einsum("nxyio,xyaibo->nab", space.basis(), shaped, optimize=True))


def grid_symmetries(group):
    if group.is_finite:
        return [g for g in group.elements() if group.is_grid_symmetry(g)]
    quarter = math.pi / 2
    return [np.array([f, r * quarter]) for f in range(2 if group.reflections else 1) for r in range(4)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("group", [*FINITE, SO2, O2], ids=str)
def test_kernels_satisfy_the_constraint_under_grid_symmetries(group, size):
    for rho_in in some_representations(group):
        for rho_out in some_representations(group):
            kernel = generic_kernel(SteerableKernelSpace(rho_in, rho_out, size))
            assert np.abs(kernel).max() > 0 or (size == 1 and not group.is_finite)
            for g in grid_symmetries(group):
                turns = round(float(group.angle(g)) / (math.pi / 2))
                moved = np.rot90(np.flip(kernel, 0) if g[0] else kernel, turns)  # K(g⁻¹y)
                wanted = np.einsum("xyio,ip,oq->xypq", kernel, rho_in(g), rho_out(g))
                assert np.abs(moved - wanted).max() < 1e-12 * max(1, np.abs(kernel).max())


def sample(spec, points):
    """The spatial functions at any points [n, 2], written independently of the library: [n, functions]."""
    radius, angle = np.hypot(*points.T), np.arctan2(points[:, 1], points[:, 0])
    columns = []
    for r, sigma, frequency in zip(spec.radii, spec.sigmas, spec.frequencies, strict=True):
        profile = np.exp(-((radius - r) ** 2) / (2 * sigma**2))
        columns.append(profile)
        for m in range(1, frequency + 1):
            columns += [profile * np.cos(m * angle) * (radius > 0), profile * np.sin(m * angle) * (radius > 0)]
    return np.stack(columns, -1)


@pytest.mark.parametrize("group", [C(3), C8, C(16), D(3), D8, SO2, O2], ids=str)
@pytest.mark.parametrize("size", [4, 5])
def test_kernels_satisfy_the_constraint_at_any_angle(group, size):
    """The coefficients of the sampled kernel, evaluated at rotated points: K(gy) = ρ_out(g) K(y) ρ_in(g)⁻¹."""
    rng = np.random.default_rng(0)
    axis = np.arange(size) - (size - 1) / 2
    grid = np.stack([np.tile(axis, size), -np.repeat(axis, size)], -1)
    points = rng.uniform(-2, 2, (20, 2))
    for rho_in in some_representations(group)[1:]:
        for rho_out in some_representations(group)[1:]:
            space = SteerableKernelSpace(rho_in, rho_out, size)
            functions = sample(space.spatial, grid)
            kernel = generic_kernel(space).reshape(size**2, -1)
            coefficients = np.linalg.lstsq(functions, kernel, rcond=None)[0]
            assert np.abs(functions @ coefficients - kernel).max() < 1e-10

            def at(y, coefficients=coefficients, space=space, shape=(-1, rho_in.size, rho_out.size)):
                return (sample(space.spatial, y) @ coefficients).reshape(shape)

            for g in group.sample(rng, 4):
                moved = at(points @ group.matrix(g).T)
                wanted = np.einsum("op,yip,qi->yqo", rho_out(g), at(points), rho_in(g))
                assert np.abs(moved - wanted).max() < 1e-10 * np.abs(wanted).max()


def test_number_of_functions_under_the_default_policy():
    """escnn's count for C_N regular fields: 6, 11, 18, 31 spatial functions, each with one weight per group element."""
    for size, count in [(1, 1), (3, 6), (5, 11), (7, 18), (9, 31)]:
        assert rings(size).functions == count
        for group in (C4, C8):
            assert SteerableKernelSpace(regular(group), regular(group), size).dimension == count * group.order


@pytest.mark.parametrize("size", [2, 4, 6, 8])
def test_even_windows_have_kernels(size):
    """escnn has none for 2 × 2 (its issue 39). The kernels of an even window are as many as the rings say, and seen."""
    space = SteerableKernelSpace(trivial(C8), regular(C8), size)
    assert space.dimension == space.spatial.functions > 2
    singular = np.linalg.svd(space.basis().reshape(space.dimension, -1), compute_uv=False)
    assert np.sum(singular > 1e-3 * singular[0]) == space.dimension


def test_variance_of_the_dense_kernel_is_the_variance_of_the_weights():
    for space in (
        SteerableKernelSpace(regular(C8), regular(C8), 5),
        SteerableKernelSpace(regular(D4), regular(D4), 4),
        SteerableKernelSpace(irrep(SO2, 1), direct_sum([irrep(SO2, 2), trivial(SO2)]), 5),
    ):
        kernel = generic_kernel(space, (40, 40))
        components = kernel.reshape(-1, 40, space.out_representation.size)
        assert np.allclose((components**2).mean((0, 1)), 1, atol=0.15)


def test_options_choose_rings_widths_and_frequencies():
    space = SteerableKernelSpace(
        irrep(SO2, 0), irrep(SO2, 2), 7, rings=[1.0, 2.5], sigma=0.5, frequencies_cutoff=(2, 4)
    )
    assert space.spatial.radii == (1.0, 2.5)
    assert space.spatial.sigmas == (0.5, 0.5)
    assert space.dimension == 4  # frequency 2 on both rings, two solutions each
    assert hash(space) == hash(SteerableKernelSpace(irrep(SO2, 0), irrep(SO2, 2), 7, (1.0, 2.5), 0.5, (2, 4)))
    assert SteerableKernelSpace(irrep(SO2, 0), irrep(SO2, 2), 7, frequencies_cutoff=lambda r: 1.9 * r).dimension == 4


def test_maximum_offset_drops_aliased_frequencies():
    """From trivial to trivial C4 has frequencies 0, 4, 8, …: offsets 0, 1, 2."""
    t = trivial(C4)
    dimensions = [
        SteerableKernelSpace(t, t, 9, rings=(4.0,), frequencies_cutoff=(8,), maximum_offset=offset).dimension
        for offset in (0, 1, 2, None)
    ]
    assert dimensions == [1, 3, 5, 5]


CASES_OF_CONSTANTS = [(C8, "regular", 5), (D8, "regular", 9), (C(16), "regular", 9), (D(16), "regular", 9)]


@pytest.mark.parametrize(("group", "name", "size"), CASES_OF_CONSTANTS, ids=str)
def test_constants_are_small(group, name, size):
    """At most 1 MB per layer, counted in the program (all its constants) and in memory (the cached arrays)."""
    rho = representation(group, name)
    space = SteerableKernelSpace(rho, rho, size)
    closed = jax.make_jaxpr(space.expand)(jax.ShapeDtypeStruct((space.dimension, 2, 2), jnp.float32))
    in_program = sum(np.asarray(c).nbytes for c in closed.consts) + _literals(closed.jaxpr)
    assert 0.9 * space.constant_bytes <= in_program <= 1_000_000
    assert space.constant_bytes <= 1_000_000


def _literals(jaxpr) -> int:
    """Bytes of array literals in a program and the programs it calls."""
    total = 0
    for equation in jaxpr.eqns:
        total += sum(np.asarray(v.val).nbytes for v in equation.invars if isinstance(v, Literal))
        for parameter in equation.params.values():
            if hasattr(parameter, "jaxpr"):
                total += sum(np.asarray(c).nbytes for c in getattr(parameter, "consts", ())) + _literals(
                    parameter.jaxpr
                )
    return total


def test_empty_spaces_say_which_pair_and_frequency():
    space = kernel_space(trivial(SO2), irrep(SO2, 3), 3)
    assert space.dimension == 0
    assert not np.any(space.expand(jnp.zeros((0, 2, 3))))
    assert space.expand(jnp.zeros((0, 2, 3))).shape == (3, 3, 2, 6)
    image, features = FieldType(SO2, "2 trivial"), FieldType(SO2, "1 trivial + 3 irrep(3)")
    spaces = [[kernel_space(trivial(SO2), b.representation, 3) for b in features.blocks]]
    with pytest.raises(ValueError, match=r"3 irrep\(3\).*trivial to irrep\(3\) need frequency 3 or more.*up to 2"):
        require_kernels(image, features, spaces)
    never = kernel_space(trivial(O2), irrep(O2, 1, 0), 7)
    with pytest.raises(ValueError, match=r"no equivariant kernel from trivial to irrep\(1,0\) exists"):
        require_kernels(FieldType(O2, "1 trivial"), FieldType(O2, "1 irrep(1,0)"), [[never]])


def test_frequencies_above_the_grid_warn():
    with pytest.warns(UserWarning, match="radius 1 pixels .* cannot carry frequency 5.*up to 3"):
        SteerableKernelSpace(trivial(C8), regular(C8), 5, frequencies_cutoff=(0, 5, 5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rings": (0.0, 9.0)}, "rings .*corner of the window"),
        ({"sigma": (0.5,)}, "sigma .*one for each of the 3 rings"),
        ({"sigma": -1.0}, "sigma"),
        ({"frequencies_cutoff": -1.0}, "frequencies_cutoff"),
        ({"frequencies_cutoff": (1, 1)}, "frequencies_cutoff"),
        ({"ring": (0.0,)}, "unknown kernel option 'ring'.*did you mean 'rings'"),
        ({"basis": "pixels"}, "unknown basis 'pixels'.*did you mean 'pixel'"),
        ({"basis": "pixel", "sigma": 1.0}, "pixel kernels have no rings"),
        ({"size": 0}, "kernel_size"),
        ({"maximum_offset": -1}, "maximum_offset"),
    ],
    ids=str,
)
def test_bad_values_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        kernel_space(trivial(C8), trivial(C8), **{"size": 5, **options})


def test_groups_must_agree():
    with pytest.raises(ValueError, match="representations of one group"):
        SteerableKernelSpace(trivial(C4), trivial(C8), 3)


def test_auto_takes_pixels_where_they_are_exact_and_complete():
    from geomdl.kernels import PixelKernelSpace

    assert isinstance(kernel_space(regular(D4), regular(D4), 3), PixelKernelSpace)
    assert isinstance(kernel_space(regular(C8), regular(C8), 1), PixelKernelSpace)
    assert isinstance(kernel_space(regular(C8), regular(C8), 3), SteerableKernelSpace)
    assert isinstance(kernel_space(irrep(C4, 1), regular(C4), 3), SteerableKernelSpace)
    assert isinstance(kernel_space(regular(D4), regular(D4), 3, sigma=0.7), SteerableKernelSpace)


ANY = [
    (C8, "quotient(C2)", "induced(C2,irrep(1))"),
    (D8, "quotient(C4)", "quotient(D2)"),
    (D4, "quotient(D1)", "band_limited(1)"),
    (C(16), "band_limited(3)", "quotient(C4)"),
    (SO2, "band_limited(2)", "irrep(1)"),
    (O2, "band_limited(1)", "irrep(1,2)"),
]


@pytest.mark.parametrize(("group", "into", "out"), ANY, ids=str)
def test_any_representation_by_characters_and_constraint(group, into, out):
    """Quotient, induced, band-limited, tensor-product and restricted fields: only irreps and change of basis matter."""
    rho_in, rho_out = representation(group, into), representation(group, out)
    more = [tensor_product(rho_in, rho_out), restrict(rho_in, "C4" if group.is_finite else "SO2")]
    for a, b in [(rho_in, rho_out), (rho_out, rho_in), (more[0], rho_out), (more[1], more[1])]:
        space = SteerableKernelSpace(a, b, 5)
        r = a.group
        angles = [[f, t * math.pi / 16] for f in range(2 if r.reflections else 1) for t in range(32)]
        g = r.elements() if r.is_finite else np.array(angles)
        waves = [
            2 * np.cos(m * r.angle(g)) * (g[:, 0] == 0) if m else np.ones(len(g))
            for frequency in space.spatial.frequencies
            for m in range(frequency + 1)
        ]
        assert space.dimension == round(np.mean(b.character(g) * a.character(g) * sum(waves)))
        kernel = generic_kernel(space)
        for e in grid_symmetries(r):
            moved = np.rot90(np.flip(kernel, 0) if e[0] else kernel, round(float(r.angle(e)) / (math.pi / 2)))
            wanted = np.einsum("xyio,ip,oq->xypq", kernel, a(e), b(e))
            assert np.abs(moved - wanted).max() < 1e-12 * max(1, np.abs(kernel).max())


def test_a_broken_basis_fails_the_constraint():
    """The control: the kernels of one group do not satisfy the constraint of a larger one."""
    kernel = generic_kernel(SteerableKernelSpace(regular(C4), regular(C4), 3))
    rho = regular(C4)(np.array([0, 1]))
    right = np.einsum("xyio,ip,oq->xypq", kernel, rho, rho)
    assert np.abs(np.rot90(kernel, 1) - right).max() < 1e-12
    assert np.abs(np.rot90(kernel, 2) - right).max() > 0.1 * np.abs(kernel).max()
    assert np.abs(np.flip(kernel, 0) - kernel).max() > 0.1 * np.abs(kernel).max()
