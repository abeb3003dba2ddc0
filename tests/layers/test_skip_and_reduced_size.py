"""Skips crop in the middle; half sizes come back to the grid that was left."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Identity, Pool, ReducedSize, Sequential, Skip, TransposedConv, Upsample
from geomdl.representations import FieldType

RNG = np.random.default_rng(3)
SCALAR = FieldType("C4", "1 trivial")
REGULAR = FieldType("D4", "1 regular")


def _x(*shape: int) -> jax.Array:
    return jnp.asarray(RNG.normal(size=shape), jnp.float32)


def test_the_crop_is_central_and_comes_first():
    conv = Conv(SCALAR, SCALAR, 5, rngs=nnx.Rngs(0))
    skip, x = Skip(conv), _x(2, 9, 9, 1)
    y = skip(x)
    assert skip.out_type == SCALAR + SCALAR
    assert skip.contract.output_size((9, 9)) == y.shape[1:3] == (5, 5)
    assert np.array_equal(y[..., :1], x[:, 2:7, 2:7])
    assert np.array_equal(y[..., 1:], conv(x))
    assert skip.multiply_adds((9, 9)) == conv.multiply_adds((9, 9))


def test_a_crop_that_has_no_centre_is_refused_by_name():
    skip = Skip(Sequential([Pool(SCALAR, 2, remainder="drop"), Upsample(SCALAR, 2)]))
    assert skip(_x(1, 6, 6, 1)).shape == (1, 6, 6, 2)
    for call in (lambda: skip(_x(1, 7, 7, 1)), lambda: skip.contract.output_size((7, 7))):
        with pytest.raises(
            ValueError, match=r"image in Skip '7x7'; allowed: .*even number of pixels than the 6x6.*8x8"
        ):
            call()
    larger = Skip(Conv(SCALAR, SCALAR, 3, padding="full", rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"image in Skip '5x5'.*the 7x7 that its body gives; try 7x7"):
        larger(_x(1, 5, 5, 1))
    with pytest.raises(ValueError, match="stride of the body of Skip '2'"):
        Skip(Pool(SCALAR, 2))


def test_a_body_that_is_not_in_the_middle_is_refused_by_name():
    """Dropping the last two of ten pixels leaves an even margin, but all of it on one side."""
    skip = Skip(Sequential([Pool(SCALAR, 4, remainder="drop"), Upsample(SCALAR, 4)]))
    assert skip(_x(1, 8, 8, 1)).shape == (1, 8, 8, 2)
    for call in (lambda: skip(_x(1, 10, 10, 1)), lambda: skip.contract.output_size((10, 10))):
        with pytest.raises(ValueError, match=r"image in Skip '10x10'; allowed: .*they begin 0 pixels in"):
            call()


def test_a_skip_around_the_path_of_2015_is_exact():
    """Maximum, valid convolution, transposed convolution: the crop lies where the path looks."""
    t = FieldType("D4", "1 trivial")
    up = TransposedConv(REGULAR, REGULAR, 2, stride=2, rngs=nnx.Rngs(0))
    path = Sequential([Pool(t, 2), Conv(t, REGULAR, 3, rngs=nnx.Rngs(1)), up])
    for n in (8, 10):
        report = check_contract(Skip(path), jax.random.key(0), size=(n, n), max_shifts=1)
        assert report.passed, str(report)
    middle = Sequential([Pool(SCALAR, 2, reduce="mean"), Upsample(SCALAR, 2, method="nearest")])
    ramp = jnp.broadcast_to(jnp.arange(8.0)[None, :, None, None], (1, 8, 8, 1))
    x, y = jnp.split(Skip(middle)(ramp), 2, -1)
    assert float((x - y).mean()) == 0, "the path is not moved against the crop"


@pytest.mark.parametrize("halving", ["average", "blur"])
@pytest.mark.parametrize("n", [10, 11])
def test_what_goes_down_and_up_stays_in_its_place(halving: str, n: int):
    """A linear ramp comes back as it was, away from the border: neither stretched nor moved."""
    layer = jax.jit(ReducedSize(Identity(SCALAR), halving))
    ramp = jnp.broadcast_to(jnp.arange(float(n))[None, None, :, None], (1, 5, n, 1))
    y = layer(ramp)
    assert y.shape == ramp.shape
    assert np.allclose(y[:, :, 4 : n - 4], ramp[:, :, 4 : n - 4], atol=1e-6)
    assert np.allclose(layer(jnp.ones((1, 5, n, 1))), 1, atol=1e-6), "pixels beyond the border do not count"


def test_maxima_by_hand():
    layer = jax.jit(ReducedSize(Identity(SCALAR)))
    even = layer(jnp.array([1.0, 5.0, 2.0, 3.0]).reshape(1, 1, 4, 1)).ravel()
    assert np.allclose(even, [5, 4.5, 3.5, 3])
    odd = layer(jnp.array([-1.0, -5.0, -2.0, -3.0, -9.0]).reshape(1, 1, 5, 1)).ravel()
    assert np.allclose(odd, [-1, -1.5, -2, -2.5, -3]), "zeros beyond the border do not win"
    round_ = jax.jit(ReducedSize(Identity(SCALAR), circular=True))(jnp.arange(4.0).reshape(1, 1, 4, 1)).ravel()
    assert np.allclose(round_, [1.5, 1.5, 2.5, 2.5])


@pytest.mark.parametrize("size", [(6, 7), (5, 8)])
def test_one_even_and_one_odd_side(size: tuple[int, int]):
    t = FieldType("D2", "1 regular")
    report = check_contract(ReducedSize(Identity(t)), jax.random.key(0), size=size, max_shifts=1)
    assert report.passed, str(report)
    assert len([row for row in report.promised if row.symmetry == "points"]) == 4


def test_layers_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="unknown halving of ReducedSize 'mean'"):
        ReducedSize(Identity(SCALAR), "mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="halving='average', 'blur'"):
        ReducedSize(Identity(FieldType("SO2", "1 irrep(1)")))
    with pytest.raises(ValueError, match="stride of the layer in ReducedSize '2'"):
        ReducedSize(Pool(SCALAR, 2))
    shrinking = ReducedSize(Conv(SCALAR, SCALAR, 3, rngs=nnx.Rngs(0)))
    with pytest.raises(ValueError, match=r"size that the layer in ReducedSize gives \(2, 2\); allowed: .*\(4, 4\)"):
        shrinking(_x(1, 8, 8, 1))
