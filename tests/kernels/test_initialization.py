"""Initial weights: second moments are kept, and delta-orthogonal kernels are orthogonal."""

import jax
import numpy as np
import pytest
import scipy.optimize

from geomdl.groups import C4, C8, D4, D8, O2, SO2, VOLUME, C, D
from geomdl.kernels import SteerableKernelSpace, delta_orthogonal, initial_variances, kernel_space, orthogonal_map
from geomdl.kernels.initialization import _nonnegative
from geomdl.representations import FieldType
from geomdl.representations.representation import irrep_size

TYPES = [
    (C4, "6 trivial", "12 regular", "auto"),
    (C4, "6 regular", "12 regular", "auto"),
    (C8, "8 regular", "8 regular", "auto"),
    (D4, "4 trivial + 5 regular", "6 regular + 4 irrep(1,1)", "steerable"),
    (D(6), "6 regular", "4 regular + 3 trivial", "auto"),
    (SO2, "20 trivial + 10 irrep(1) + 10 irrep(2)", "10 trivial + 20 irrep(1) + 10 irrep(2)", "auto"),
    (O2, "20 trivial + 10 irrep(1,1)", "10 irrep(1,0) + 20 irrep(1,1) + 10 irrep(1,2)", "auto"),
]


def spaces_of(in_type, out_type, size, basis):
    return [
        [kernel_space(i.representation, o.representation, size, basis) for o in out_type.blocks] for i in in_type.blocks
    ]


def dense(weights, spaces):
    """The dense kernel of a layer, in NumPy: [k, k, in, out]."""
    rows, weights = [], iter(weights)
    for row in spaces:
        blocks = []
        for space in row:
            w = np.asarray(next(weights))
            if isinstance(space, SteerableKernelSpace):
                kernel = np.einsum("nab,nxyio->xyaibo", w, space.basis(), optimize=True)
            else:
                kernel = w[space.orbits].transpose(0, 1, 4, 2, 5, 3)
            blocks.append(kernel.reshape(space.size, space.size, w.shape[1] * space.in_representation.size, -1))
        rows.append(np.concatenate(blocks, -1))
    return np.concatenate(rows, -2)


@pytest.mark.parametrize(("group", "into", "out", "basis"), TYPES, ids=str)
@pytest.mark.parametrize("size", [1, 4, 5])
def test_outputs_of_unit_variance(group, into, out, basis, size):
    """For white inputs of unit variance, with gain 1, each output block has unit variance where a kernel reaches it."""
    in_type, out_type = FieldType(group, into), FieldType(group, out)
    spaces = spaces_of(in_type, out_type, size, basis)
    rng = np.random.default_rng(0)
    moments = np.zeros(out_type.size)
    for _ in range(20):
        weights, variances = [], iter(initial_variances(in_type, out_type, spaces, gain=1.0))
        for i, row in zip(in_type.blocks, spaces, strict=True):
            for o, space in zip(out_type.blocks, row, strict=True):
                noise = rng.normal(size=(space.dimension, i.multiplicity, o.multiplicity))
                weights.append(noise * np.sqrt(next(variances))[:, None, None])
        kernel = dense(weights, spaces)
        moments += (kernel**2).sum((0, 1, 2)) / 20  # E y² of white noise
    for block, column in zip(out_type.blocks, zip(*spaces, strict=True), strict=True):
        reached = any(space.dimension for space in column)
        assert abs(moments[block.channels].mean() - reached) < 0.15


def bases(spaces):
    """The kernel of each weight of each space, ``[dimension, k, k, size_in, size_out]``, row by row."""
    for row in spaces:
        for space in row:
            if isinstance(space, SteerableKernelSpace):
                yield space.basis()
            else:
                yield (space.orbits == np.arange(space.dimension)[:, None, None, None, None]).astype(float)


def passed(in_type, out_type, spaces, variances, points=12):
    """Λ: by input component and frequency, the expected energy of the output; from the kernels alone, of mean 1.

    Returns the largest and least eigenvalue of E K̂*K̂ at each frequency, ``[points, points]``, and at frequency 0 all.
    """
    each, largest, least, constant = iter(zip(bases(spaces), variances, strict=True)), [], [], []
    for i in in_type.blocks:
        size = i.representation.size
        found = np.zeros((points, points, size, size), complex)
        for o in out_type.blocks:
            basis, v = next(each)
            k = np.fft.fft2(basis, (points, points), axes=(1, 2))
            found += o.multiplicity * np.einsum("n,nxypq,nxyrq->xypr", v, k.conj(), k, optimize=True)
        values = np.linalg.eigvalsh(found) * in_type.size / out_type.size
        largest.append(values[..., -1])
        least.append(values[..., 0])
        constant += values[0, 0].tolist()
    return np.max(largest, 0), np.min(least, 0), np.array(constant)


def equal_shares(in_type, out_type, spaces):
    """The rule before: every type of input irrep contributes the same to an output irrep, all its weights equally."""
    labels = sorted({a for b in in_type.blocks for a in b.representation.labels})
    columns = []
    for o, column in zip(out_type.blocks, zip(*spaces, strict=True), strict=True):
        sizes = np.array([irrep_size(in_type.group, a) for a in o.representation.labels])
        moments, places = np.zeros((len(labels), len(sizes))), []
        for i, space in zip(in_type.blocks, column, strict=True):
            source = np.array([labels.index(a) for a in i.representation.labels], int)[space.source]
            places.append((source, space.target))
            np.add.at(moments, places[-1], i.multiplicity * (space.basis() ** 2).sum((1, 2, 3, 4)))
        shares = sizes / np.maximum((moments > 0).sum(0), 1)
        columns.append([shares[target] / moments[source, target] for source, target in places])
    return [v for row in zip(*columns, strict=True) for v in row]


@pytest.mark.parametrize(
    ("group", "fields", "size"),
    [
        (C8, "16 regular", 5),
        (C8, "16 regular", 3),
        (C8, "12 trivial + 8 regular + 8 irrep(1)", 5),
        (C4, "16 regular", 4),
        (SO2, "16 trivial + 16 irrep(1) + 16 irrep(2)", 7),
        (O2, "16 trivial + 16 irrep(1,0) + 16 irrep(1,1)", 5),
        pytest.param(D8, "16 regular", 3, marks=pytest.mark.long),
        pytest.param(D4, "16 regular", 7, marks=pytest.mark.long),
        pytest.param(C(16), "16 regular", 5, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_spectra_are_flatter_than_with_equal_shares(group, fields, size):
    """Of what comes in every irrep passes as much as any other at every frequency, and constant signals a bit more."""
    t = FieldType(group, fields)
    spaces = spaces_of(t, t, size, "steerable")
    largest, least, constant = passed(t, t, spaces, initial_variances(t, t, spaces, 1.0))
    before_largest, before_least, _ = passed(t, t, spaces, equal_shares(t, t, spaces))
    assert (largest - least).mean() < 0.25 * (before_largest - before_least).mean()
    assert 0.99 < constant.min() <= constant.max() < 1.17
    if size % 2:  # an even window has no centre pixel: no kernel passes the highest frequencies
        assert largest.max() < 1.17
        assert largest.max() - 1 < 0.25 * (before_largest.max() - 1)


def test_the_law_for_white_inputs_is_exact():
    """Second moments from the kernels alone: of every irrep that is reached (pixel kernels: channel) the gain."""
    for group, into, out, basis in TYPES:
        in_type, out_type = FieldType(group, into), FieldType(group, out)
        spaces, gains = spaces_of(in_type, out_type, 5, basis), [1.5 + n for n in range(len(out_type.blocks))]
        for flat in (True, False):
            each = iter(zip(bases(spaces), initial_variances(in_type, out_type, spaces, gains, flat=flat), strict=True))
            moments = [np.zeros((o.representation.size,) * 2) for o in out_type.blocks]
            for i in in_type.blocks:
                for moment in moments:
                    basis_, v = next(each)
                    moment += i.multiplicity * np.einsum("n,nxyio,nxyip->op", v, basis_, basis_, optimize=True)
            for o, gain, moment in zip(out_type.blocks, gains, moments, strict=True):
                steerable = isinstance(spaces[0][out_type.blocks.index(o)], SteerableKernelSpace)
                q = o.representation.change_of_basis if steerable else np.eye(len(moment))
                found = np.diag(q.T @ moment @ q)
                if steerable:  # an irrep has as much in all its components together; exactly alike they are on a circle
                    sizes = [irrep_size(group, label) for label in o.representation.labels]
                    found = np.add.reduceat(found, np.cumsum([0, *sizes[:-1]])) / sizes
                assert np.all(np.isclose(found, gain, rtol=1e-6) | np.isclose(found, 0, atol=1e-12))
                assert np.isclose(found, gain, rtol=1e-6).any()


def test_kernels_of_volumes_pass_constant_signals_hardly_more_than_white_ones():
    """From the kernels alone: of a white input every irrep gets the gain, of a constant one about as much."""
    t = FieldType("SO3", "6 trivial + 4 irrep(1)")
    rho = [block.representation for block in t.blocks]
    spaces = [[kernel_space(i, o, 5, "steerable", VOLUME) for o in rho] for i in rho]
    found = {}
    for rule, variances in {"flat": initial_variances(t, t, spaces, 1.0), "he": None}.items():
        each = iter(initial_variances(t, t, spaces, 1.0) if variances is None else variances)
        white, constant = np.zeros(2), 0.0
        for i, row in zip(t.blocks, spaces, strict=True):
            for o, space in enumerate(row):
                basis, v = space.basis(), next(each)
                v = np.full_like(v, 1 / (125 * t.size)) if variances is None else v
                white[o] += i.multiplicity * np.einsum("n,nxyzio->", v, basis**2) / t.blocks[o].representation.size
                if i is t.blocks[0] and o == 0:
                    constant = i.multiplicity * float((v * basis.sum((1, 2, 3, 4, 5)) ** 2).sum())
        found[rule] = white, constant
    np.testing.assert_allclose(found["flat"][0], 1, rtol=1e-6)
    assert 0.5 < found["flat"][1] < 1.5
    assert found["he"][1] > 3 * found["flat"][1]


def test_independent_pixel_weights_have_the_variance_of_he():
    for group in (C4, D4):
        into, out = FieldType(group, "3 trivial + 2 regular"), FieldType(group, "5 regular")
        for variances in initial_variances(into, out, spaces_of(into, out, 3, "auto")):
            np.testing.assert_allclose(variances, 2 / (9 * into.size))


@pytest.mark.parametrize(("group", "fields"), [(D4, "16 trivial"), (C4, "16 trivial + 16 regular")], ids=str)
def test_pixel_kernels_whose_weights_are_tied_are_flat_too(group, fields):
    """Isotropic kernels pass constant images 3.7-fold, with equal variances; so do sums over regular fields."""
    t = FieldType(group, fields)
    spaces = spaces_of(t, t, 3, "auto")
    equal = [np.full(s.dimension, 1 / (9 * t.size)) for row in spaces for s in row]
    assert passed(t, t, spaces, equal)[0].max() > 1.4
    largest, least, constant = passed(t, t, spaces, initial_variances(t, t, spaces, 1.0))
    assert largest.max() < 1.1
    assert least.min() > 0.9
    assert constant.min() > 0.95


def test_the_quadratic_problem_is_solved():
    """Beside scipy's solver for the same problem."""
    rng = np.random.default_rng(0)
    for size in (3, 10, 40):
        halves = np.array_split(np.arange(size), 2)
        rows = [rng.uniform(size=(5, len(half))) for half in halves]
        parts = [
            (h, r.T @ r + 0.1 * np.eye(len(h)), rng.normal(size=len(h))) for h, r in zip(halves, rows, strict=True)
        ]
        exact, wanted = rng.uniform(size=(2, size)), np.array([1.0, 2.0])
        found = _nonnegative(parts, exact, wanted)
        hessian, linear = 1e6 * exact.T @ exact, 1e6 * exact.T @ wanted
        for numbers, matrix, c in parts:
            hessian[np.ix_(numbers, numbers)] += matrix
            linear[numbers] += c
        root = np.linalg.cholesky(hessian).T
        expected = scipy.optimize.nnls(root, np.linalg.solve(root.T, linear))[0]
        np.testing.assert_allclose(found, expected, atol=1e-4)
        assert (found == 0).any() or size == 3


@pytest.mark.parametrize(
    ("group", "fields", "basis"),
    [
        (C4, "3 regular", "pixel"),
        (C4, "3 regular", "steerable"),
        (C8, "2 regular + 3 trivial", "auto"),
        (D4, "2 regular + 1 irrep(1,1)", "auto"),
        (SO2, "3 trivial + 2 irrep(1) + 2 irrep(2)", "auto"),
        (O2, "3 trivial + 2 irrep(1,1) + 1 irrep(1,0)", "auto"),
    ],
    ids=str,
)
def test_delta_orthogonal_is_a_delta_and_orthogonal(group, fields, basis):
    field_type = FieldType(group, fields)
    spaces = spaces_of(field_type, field_type, 3, basis)
    kernel = dense(delta_orthogonal(jax.random.key(0), field_type, field_type, spaces), spaces)
    assert np.abs(kernel[1, 1].T @ kernel[1, 1] - np.eye(field_type.size)).max() < 1e-5
    kernel[1, 1] = 0
    assert np.abs(kernel).max() < 1e-6


def test_orthogonal_map_is_equivariant_between_different_types():
    for group in (C8, D4):
        into, out = FieldType(group, "3 regular + 1 trivial"), FieldType(group, "2 regular")
        matrix = orthogonal_map(jax.random.key(0), into, out)
        assert np.abs(matrix.T @ matrix - np.eye(out.size)).max() < 1e-5
        for g in group.elements():
            assert np.abs(into.matrix(g).T @ matrix @ out.matrix(g) - matrix).max() < 1e-5


def test_delta_needs_a_centre():
    t = FieldType(C8, "1 regular")
    with pytest.raises(ValueError, match="odd number; try 5"):
        delta_orthogonal(jax.random.key(0), t, t, spaces_of(t, t, 4, "auto"))
    rho = t.blocks[0].representation
    with pytest.raises(ValueError, match="ring of radius 0"):
        delta_orthogonal(jax.random.key(0), t, t, [[kernel_space(rho, rho, 5, rings=(1.0, 2.0))]])
