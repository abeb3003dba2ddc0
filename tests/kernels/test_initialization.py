"""Initial weights: second moments are kept, and delta-orthogonal kernels are orthogonal."""

import jax
import numpy as np
import pytest

from geomdl.groups import C4, C8, D4, D8, O2, SO2, D
from geomdl.kernels import SteerableKernelSpace, delta_orthogonal, initial_variances, kernel_space, orthogonal_map
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


@pytest.mark.parametrize(
    ("group", "into", "out"),
    [(C8, "3 regular", "2 regular"), (D8, "2 regular", "1 regular"), (SO2, "5 trivial + 2 irrep(1)", "3 irrep(1)")],
    ids=str,
)
def test_every_type_of_input_irrep_has_an_equal_share(group, into, out):
    """escnn's rule: what comes from one type of irrep (all its fields) contributes as much as from any other."""
    in_type, out_type = FieldType(group, into), FieldType(group, out)
    spaces = spaces_of(in_type, out_type, 5, "steerable")
    out_rho, rng = out_type.blocks[0].representation, np.random.default_rng(0)
    starts = np.cumsum([0, *(irrep_size(group, label) for label in out_rho.labels)])
    moments: dict = {
        label: np.zeros(len(out_rho.labels)) for block in in_type.blocks for label in block.representation.labels
    }
    for _ in range(40):
        variances = iter(initial_variances(in_type, out_type, spaces, gain=1.0))
        for block, (space,) in zip(in_type.blocks, spaces, strict=True):
            rho = block.representation
            shape = (space.dimension, block.multiplicity, out_type.blocks[0].multiplicity)
            weights = rng.normal(size=shape) * np.sqrt(next(variances))[:, None, None]
            kernel = dense([weights], [[space]]).reshape(25, block.multiplicity, rho.size, -1, out_rho.size)
            irreps = np.einsum("xapbq,pi,qo->xaibo", kernel, rho.change_of_basis, out_rho.change_of_basis)
            energy = (irreps**2).sum((0, 1)).mean(1)  # [input irrep components, output irrep components]
            first = 0
            for label in rho.labels:
                last = first + irrep_size(group, label)
                per_irrep = np.add.reduceat(energy[first:last].sum(0), starts[:-1]) / np.diff(starts)
                moments[label] += per_irrep / 40
                first = last
    for o in range(len(out_rho.labels)):
        shares = np.array([m[o] for m in moments.values()])
        shares = shares[shares > 1e-9]
        assert abs(shares.sum() - 1) < 0.15
        assert np.allclose(shares, 1 / len(shares), rtol=0.35)


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
