"""Orbits on the host are those of the actions; a check can be spread over devices."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from geomdl.actions import act, roll
from geomdl.equivariance import check_contract, relative_error
from geomdl.equivariance.host.orbit import orbit
from geomdl.equivariance.host.relative_error import relative_error_on_host
from geomdl.equivariance.host.shifts import rolled
from geomdl.groups import group
from geomdl.layers import BatchNorm, Conv
from geomdl.representations import FieldType


@pytest.mark.parametrize(
    ("name", "fields", "size"),
    [
        ("D4", "2 trivial", (4, 4)),
        ("D4", "1 regular + 2 irrep(1,1)", (3, 3)),
        ("C8", "1 irrep(1) + 1 regular", (5, 5)),
        ("D2", "1 irrep(1,1) + 1 regular", (2, 4)),
        ("D6", "1 regular + 1 irrep(1,2)", ()),
    ],
)
def test_moving_on_the_host_is_acting(name: str, fields: str, size: tuple[int, ...]):
    field_type, elements = FieldType(name, fields), group(name).elements()
    x = np.random.default_rng(0).normal(size=(2, *size, field_type.size)).astype(np.float32)
    for g, moved in zip(elements, orbit(elements, x, field_type), strict=True):
        np.testing.assert_allclose(moved, act(g, x, field_type), atol=1e-5)
        assert moved.dtype == x.dtype
    if size:
        np.testing.assert_array_equal(rolled(x, np.array([1, -2])), roll(x, (1, -2)))


def test_the_distance_is_the_relative_error():
    a, b, zero = np.array([1.0, 2.0]), np.array([0.5, -1.0]), np.zeros(2)
    for left, right in [(a, b), (b, a), (a, zero), (zero, zero)]:
        assert relative_error_on_host(left, right) == pytest.approx(float(relative_error(left, right)))
    assert np.isnan(relative_error_on_host(a * np.nan, b))


def test_a_check_over_four_devices():
    sharding = NamedSharding(jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,)), PartitionSpec("data"))
    t, seen = FieldType("C4", "1 regular"), []

    class Watched(BatchNorm):
        def __call__(self, x, *, train=False, key=None):
            jax.debug.inspect_array_sharding(x, callback=lambda placed: seen.append(len(placed.device_set)))
            return super().__call__(x, train=train, key=key)

    report = check_contract(Watched(t), jax.random.key(0), size=(4, 4), batch=4, train=True, sharding=sharding)
    assert report.passed, str(report)
    assert seen == [4]
    with pytest.raises(ValueError, match="invalid batch 2; allowed: a multiple of the number of devices; try 4"):
        check_contract(Watched(t), jax.random.key(0), size=(4, 4), batch=2, sharding=sharding)


def test_only_what_can_be_exact():
    layer = Conv(FieldType("C8", "1 trivial"), FieldType("C8", "1 regular"), 3, padding=1, rngs=nnx.Rngs(0))
    report = check_contract(layer, jax.random.key(0), size=(4, 4), approximate=False, max_shifts=0)
    assert [row.element for row in report.rows] == [(0, 0), (0, 2), (0, 4), (0, 6)]
    assert report.passed
    assert jnp.all(jnp.array([row.error for row in report.rows]) < 1e-5)
