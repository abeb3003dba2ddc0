"""How convolutions start: delta-orthogonal kernels keep the signal; He's are told apart from them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import Conv, Sequential
from geomdl.layers.core.initialization import he_normal
from geomdl.models import WideResNetConfig
from geomdl.representations import FieldType


@pytest.mark.parametrize(
    ("group", "into", "out", "basis"),
    [
        ("C4", "4 regular", "4 regular", "pixel"),
        ("C8", "6 regular", "4 regular", "auto"),
        ("D4", "3 regular + 2 irrep(1,1)", "3 regular", "steerable"),
        ("SO2", "8 trivial + 6 irrep(1)", "4 trivial + 6 irrep(1)", "auto"),
    ],
)
def test_delta_orthogonal_convolutions_give_unit_variance(group: str, into: str, out: str, basis):
    """Every output channel, not only their mean: its row of the kernel has norm 1."""
    in_type, out_type = FieldType(group, into), FieldType(group, out)
    layer = Conv(in_type, out_type, 5, padding=2, basis=basis, init="delta_orthogonal", rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(1), (40, 15, 15, in_type.size))
    np.testing.assert_allclose(jax.jit(layer)(x).std((0, 1, 2)), 1, atol=0.05)
    np.testing.assert_allclose((layer.dense_kernel() ** 2).sum((0, 1, 2)), 1, atol=1e-4)
    assert check_contract(layer, jax.random.key(0), size=(5, 5)).passed


def test_a_deep_linear_network_keeps_every_norm_and_one_of_he_does_not():
    t = FieldType("C4", "3 regular")

    def ratios(init) -> np.ndarray:
        layers = [Conv(t, t, 3, padding=1, padding_mode="circular", init=init, rngs=nnx.Rngs(i)) for i in range(8)]
        x = jax.random.normal(jax.random.key(1), (6, 5, 5, t.size))
        y = jax.jit(Sequential(layers))(x)
        return np.asarray(jnp.linalg.norm(y, axis=-1) / jnp.linalg.norm(x, axis=-1))

    np.testing.assert_allclose(ratios("delta_orthogonal"), 1, atol=1e-4)
    assert ratios("he").std() > 0.3


def test_weights_are_independent_normal_numbers():
    """Also where there are many: none comes twice, and moments and neighbours are as they should be."""

    def draw(key: jax.Array) -> jax.Array:
        return he_normal(key, (120, 90), fan_in=8)

    weights = np.asarray(draw(jax.random.key(2)))
    assert len(np.unique(weights)) > 0.99 * weights.size
    normal = weights.ravel() / 0.5  # √(2 / fan_in)
    moments = np.array([(normal**k).mean() for k in (1, 2, 3, 4)]) - [0, 1, 0, 3]
    assert np.all(np.abs(moments) < 5 * np.sqrt(np.array([1, 2, 15, 96]) / normal.size))  # their standard deviations
    assert abs((normal[1:] * normal[:-1]).mean()) < 5 / np.sqrt(normal.size)
    np.testing.assert_array_equal(jax.jit(draw)(jax.random.key(2)), weights)


def test_no_two_kernels_start_alike():
    t, rngs = FieldType("C4", "2 trivial + 1 regular + 2 trivial"), nnx.Rngs(0)
    kernels = [
        np.ravel(kernel[...])
        for layer in (Conv(t, t, 3, rngs=rngs), Conv(t, t, 3, rngs=rngs))
        for kernel in layer.kernel
    ]
    assert len(kernels) == 2 * 3 * 3
    weights = np.concatenate(kernels)
    assert len(np.unique(weights)) == weights.size


def test_a_traced_key_gives_the_same_weights():
    t = FieldType("C4", "2 regular")

    def weights(key: jax.Array) -> jax.Array:
        return Conv(t, t, 3, init="delta_orthogonal", rngs=nnx.Rngs(params=key)).kernel[0][...]

    np.testing.assert_array_equal(jax.jit(weights)(jax.random.key(3)), weights(jax.random.key(3)))


@pytest.mark.long
def test_the_wide_residual_network_starts_as_published_on_request():
    options = {"depth": 10, "width": 0.25, "groups": ("D4", "D4", "D1")}
    model = WideResNetConfig(**options, init="delta_orthogonal").build((17, 17, 3), 10, rngs=nnx.Rngs(0))
    kernels = [layer.dense_kernel() for _, layer in nnx.iter_graph(model) if isinstance(layer, Conv)]
    assert len(kernels) >= 8
    for kernel in kernels:
        centre = kernel.shape[0] // 2
        assert float(jnp.abs(kernel.at[centre, centre].set(0)).max()) < 1e-6 < float(jnp.abs(kernel).max())
    counts = {WideResNetConfig(**options, init=i).parameter_count((17, 17, 3), 10) for i in ("he", "delta_orthogonal")}
    assert len(counts) == 1  # also counted without weights, for match_parameters


def test_refusals():
    t = FieldType("C4", "2 regular")
    with pytest.raises(ValueError, match=r"unknown init 'delta'.*did you mean 'delta_orthogonal'"):
        Conv(t, t, 3, init="delta", rngs=nnx.Rngs(0))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="odd number; try 5"):
        Conv(t, t, 4, init="delta_orthogonal", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="groups=1"):
        Conv(t, t, 3, groups=2, init="delta_orthogonal", rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match=r"unknown model\.init 'orthogonal'"):
        WideResNetConfig(init="orthogonal")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"invalid model\.init 'delta_orthogonal'.*centred"):
        WideResNetConfig(init="delta_orthogonal", downsampling="centred")
