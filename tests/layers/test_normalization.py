"""Each normalisation against loops in NumPy, in training and evaluation, on every kind of field."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.layers import BatchNorm, FieldNorm, GroupNorm, InstanceNorm, LayerNorm, normalization
from geomdl.layers.core.field_channels import invariant_directions
from geomdl.representations import FieldType

T = FieldType("C3", "2 trivial + 2 irrep(1) + 1 regular + 1 irrep(1)")
FIELDS = [slice(0, 1), slice(1, 2), slice(2, 4), slice(4, 6), slice(6, 9), slice(9, 11)]
FIXED = [True, True, False, False, True, False]  # whether the field has a fixed direction, which is then (1, …, 1)
EPSILON = 1e-5
RNG = np.random.default_rng(3)


def _input(*shape: int) -> np.ndarray:
    return RNG.normal(size=(*shape, T.size)) * np.linspace(0.5, 3, T.size) + np.linspace(-2, 2, T.size)


def _parameters(layer) -> tuple[np.ndarray, np.ndarray]:
    """Sets γ and β to something; β spread over all fields, zeros where there is none."""
    scale, bias = RNG.uniform(0.5, 2, len(FIELDS)), RNG.normal(size=sum(FIXED))
    layer.scale[...], layer.bias[...] = jnp.asarray(scale, jnp.float32), jnp.asarray(bias, jnp.float32)
    spread = np.zeros(len(FIELDS))
    spread[FIXED] = bias
    return scale, spread


def _close(a, b) -> None:
    np.testing.assert_allclose(np.asarray(a), b, atol=2e-5, rtol=2e-5)


def _by_hand(values: list[tuple[np.ndarray, bool]], scale, bias) -> list[np.ndarray]:
    """Normalises the fields ``[n, size]`` of one group together; the mean is over the fields with a fixed direction."""
    fixed = [np.ravel(v) for v, has in values if has]
    mean = np.concatenate(fixed).mean() if fixed else 0.0
    centred = [v - mean if has else v for v, has in values]
    variance = (np.concatenate([np.ravel(c) for c in centred]) ** 2).mean()
    return [s * c / np.sqrt(variance + EPSILON) + b for c, s, b in zip(centred, scale, bias, strict=True)]


def _expected(x: np.ndarray, groups: list[list[int]], scale, bias, over: str) -> np.ndarray:
    y = np.empty_like(x)
    if over == "batch":
        places = [(slice(None),) * (x.ndim - 1)]
    elif over == "image":
        places = [(i,) for i in range(len(x))]
    else:
        places = list(np.ndindex(x.shape[:-1]))
    for place in places:
        for group in groups:
            values = [(x[place][..., FIELDS[f]], FIXED[f]) for f in group]
            for f, value in zip(group, _by_hand(values, scale[group], bias[group]), strict=True):
                y[(*place, ..., FIELDS[f])] = value
    return y


EACH, PAIRS, ALL = [[f] for f in range(6)], [[0, 1], [2, 3], [4, 5]], [list(range(6))]


@pytest.mark.parametrize("shape", [(5,), (3, 2, 4)], ids=["no base space", "images"])
def test_batch_norm_by_hand(shape):
    x = _input(*shape)
    layer = BatchNorm(T, momentum=0.75)
    scale, bias = _parameters(layer)
    _close(layer(jnp.asarray(x, jnp.float32), train=True), _expected(x, EACH, scale, bias, "batch"))
    means, variances = [], []
    for channels, fixed in zip(FIELDS, FIXED, strict=True):
        f = x[..., channels]
        means += [f.mean()] * fixed
        variances.append(((f - f.mean() * fixed) ** 2).mean())
    _close(layer.mean[...], 0.25 * np.array(means))
    _close(layer.variance[...], 0.75 + 0.25 * np.array(variances))
    mean = np.zeros(6)
    mean[FIXED] = 0.25 * np.array(means)
    expected = np.concatenate(
        [
            scale[f] * (x[..., FIELDS[f]] - mean[f]) / np.sqrt(0.75 + 0.25 * variances[f] + EPSILON) + bias[f]
            for f in range(6)
        ],
        -1,
    )
    _close(layer(jnp.asarray(x, jnp.float32)), expected)


CASES = {
    "layer": (lambda: LayerNorm(T), ALL, "pixel", [(4,), (2, 2, 3)]),
    "group": (lambda: GroupNorm(T, 3), PAIRS, "image", [(4,), (2, 3, 3)]),
    "one group": (lambda: GroupNorm(T, 1), ALL, "image", [(2, 3, 3)]),
    "instance": (lambda: InstanceNorm(T), EACH, "image", [(2, 3, 3)]),
}


@pytest.mark.parametrize("name", CASES)
def test_norms_of_single_images_by_hand(name):
    make, groups, over, shapes = CASES[name]
    layer = make()
    scale, bias = _parameters(layer)
    for shape in shapes:
        x = _input(*shape)
        for train in (False, True):
            found = jax.jit(functools.partial(layer, train=train))(jnp.asarray(x, jnp.float32))
            _close(found, _expected(x, groups, scale, bias, over))


def test_field_norm_by_hand():
    layer = FieldNorm(FieldType("C3", "1 regular + 1 irrep(1)"))
    x = RNG.normal(size=(4, 5))
    for row, got in zip(x, np.asarray(layer(jnp.asarray(x, jnp.float32))), strict=True):
        f = row[:3] - row[:3].mean()
        _close(got[:3], f / np.sqrt((f**2).mean() + EPSILON))
        _close(got[3:], row[3:] / np.sqrt((row[3:] ** 2).mean() + EPSILON))


def test_scalars_are_normalised_as_everywhere():
    """For scalars the layers are the well-known ones: mean 0 and variance 1 over their sets."""
    t, x = FieldType("C1", "6 trivial"), jnp.asarray(RNG.normal(2, 3, size=(8, 5, 5, 6)), jnp.float32)
    for layer, axes in (
        (BatchNorm(t), (0, 1, 2)),
        (InstanceNorm(t), (1, 2)),
        (LayerNorm(t), (3,)),
        (GroupNorm(t, 1), (1, 2, 3)),
    ):
        y = np.asarray(layer(x, train=True))
        assert np.allclose(y.mean(axes), 0, atol=1e-5)
        assert np.allclose(y.std(axes), 1, atol=1e-3)


def test_vectors_keep_their_mean():
    """The mean of vectors singles out a direction; subtracting it would break the symmetry, and is not done."""
    t = FieldType("C8", "1 irrep(1)")
    x = jnp.broadcast_to(jnp.array([3.0, 4.0]), (2, 3, 3, 2))
    for layer in (BatchNorm(t), InstanceNorm(t), LayerNorm(t), FieldNorm(t)):
        y = layer(x, train=True)
        assert np.allclose(y, np.array([3.0, 4.0]) / np.sqrt(12.5), atol=1e-4)
        assert layer.bias[...].size == 0, "a vector has no direction in which it may be shifted"


def test_fields_with_several_fixed_directions():
    """A regular field of D4 is two orbits under C4: one mean, one bias each."""
    restricted = FieldType("D4", "1 regular").restrict("C4")
    layer = BatchNorm(restricted)
    assert layer.mean[...].shape == layer.bias[...].shape == (2,)
    directions = invariant_directions(restricted.blocks[0].representation)
    assert np.allclose(directions @ directions.T, 8 * np.eye(2))
    x = RNG.normal(size=(64, 8)) + np.repeat([5.0, -3.0], 4)
    y = np.asarray(layer(jnp.asarray(x, jnp.float32), train=True))
    assert np.allclose([y[:, :4].mean(), y[:, 4:].mean()], 0, atol=1e-4)
    assert np.isclose((y**2).mean(), 1, atol=1e-3)


def test_low_precision_statistics_are_computed_in_float32():
    """Half-precision sums of many values lose them; statistics are taken in float32."""
    x = jnp.asarray(100 + RNG.normal(size=(64, 8, 8, 1)), jnp.float32)
    t = FieldType("C1", "1 trivial")
    for layer in (BatchNorm(t), InstanceNorm(t)):
        y = layer(x.astype(jnp.bfloat16), train=True)
        assert y.dtype == jnp.bfloat16
        assert abs(float(y.astype(jnp.float32).mean())) < 0.2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FieldNorm(T), "trivial fields of C3 constant.*LayerNorm"),
        (lambda: GroupNorm(T, 4), "a divisor of the number of fields, 6; try 3"),
        (lambda: BatchNorm(T, momentum=1.5), "momentum"),
        (lambda: normalization("instanse", T), "did you mean 'instance'"),
        (lambda: InstanceNorm(T)(jnp.ones((2, T.size))), "without base space: LayerNorm, FieldNorm"),
        (lambda: jax.jit(GroupNorm(T, 2))(jnp.ones((2, 3))), "has 3 channels"),
    ],
    ids=range(6),
)
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_batch_norm_survives_a_large_mean():
    """The variance is taken about the mean: E[x²] − μ² in float32 would lose it at a mean of 10⁴."""
    layer = BatchNorm(FieldType("C4", "2 regular"))
    x = 1e4 + jax.random.normal(jax.random.key(0), (16, 5, 5, 8))
    y = layer(x, train=True)
    np.testing.assert_allclose(y.std(), 1, atol=0.05)
    np.testing.assert_allclose(y.mean(), 0, atol=0.05)
