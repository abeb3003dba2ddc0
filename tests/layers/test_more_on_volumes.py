"""Layers on volumes: polyphase sampling, ideal resampling, functions sampled on groups of space, largest responses."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract
from geomdl.groups import O3, SO3, SpatialGroup, group
from geomdl.layers import (
    BandLimited,
    BlurPool,
    Conv,
    FourierPointwise,
    Hourglass,
    IdealResample,
    Pointwise,
    Polynomial,
    Polyphase,
    PolyphaseUpsample,
    Pool,
    Sequential,
    VectorField,
)
from geomdl.layers.nonlinearities.fourier import sampling_matrix
from geomdl.layers.nonlinearities.group_samples import GroupSamples, group_samples
from geomdl.representations import FieldType, direct_sum, irrep, irreps, regular

SCALARS, FIELD = FieldType("O", "1 trivial"), FieldType("O", "1 trivial + 1 regular")
AROUND = {"padding": "same", "padding_mode": "circular"}
KEY = jax.random.key(0)


def sphere(of: SpatialGroup, degree: int) -> FieldType:
    """Functions on the sphere up to a degree: each harmonic once."""
    parity = (lambda k: k % 2) if of == O3 else (lambda k: 0)
    return FieldType(of, [(1, direct_sum([irrep(of, parity(k), k) for k in range(degree + 1)]))])


def down(in_type: FieldType) -> Polyphase:
    return Polyphase(Pool(in_type, 1, stride=2, remainder="drop"))


def test_polyphase_sampling_commutes_with_every_turn_and_shift_of_an_even_volume():
    layer = down(FIELD)
    report = check_contract(layer, KEY, size=(4, 4, 4), max_shifts=8)
    assert report.passed, report
    assert len([row for row in report.promised if row.symmetry == "points"]) == 24
    plain = Pool(FIELD, 1, stride=2, remainder="drop")  # the control: component (0, 0, 0) whatever the volume
    assert plain.contract.points.at((4, 4, 4)) == "none"
    x = jax.random.normal(KEY, (1, 4, 4, 4, FIELD.size))
    turn, inner = np.array([5]), FIELD
    apart = jnp.abs(plain(act(turn, x, inner)) - act(turn, plain(x), inner)).max()
    assert apart > 0.1
    np.testing.assert_allclose(layer(act(turn, x, inner)), act(turn, layer(x), inner), atol=1e-6)


def test_the_component_of_the_largest_norm_is_taken():
    x = jnp.zeros((2, 4, 4, 4, 1)).at[0, 1, 2, 3, 0].set(2.0).at[1, 0, 0, 1, 0].set(1.0)
    y, phase = down(SCALARS).sample(x)
    assert [tuple(map(int, np.argwhere(p)[0])) for p in np.asarray(phase)] == [(1, 0, 1), (0, 0, 1)]
    np.testing.assert_allclose(y[0, 0, 1, 1, 0], 2.0)
    np.testing.assert_allclose(y[1, 0, 0, 0, 0], 1.0)
    assert phase.shape == (2, 2, 2, 2)


@pytest.mark.long
def test_voxels_come_back_to_where_they_were():
    blur = BlurPool(SCALARS, 3, stride=1, **AROUND)
    hourglass = Hourglass(down(SCALARS), Pointwise(SCALARS), PolyphaseUpsample(blur))
    report = check_contract(hourglass, KEY, size=(4, 4, 4), max_shifts=8)
    assert report.passed, report
    x = jax.random.normal(KEY, (1, 4, 4, 4, 1))
    for axis in (1, 2, 3):
        np.testing.assert_allclose(hourglass(jnp.roll(x, 1, axis)), jnp.roll(hourglass(x), 1, axis), atol=1e-6)
    np.testing.assert_allclose(PolyphaseUpsample(blur)(jnp.ones((1, 2, 2, 2, 1))), 1, atol=1e-6)


@pytest.mark.long
def test_learned_scores_have_gradients_on_volumes():
    conv = Conv(SCALARS, FIELD, 3, stride=2, remainder="drop", rngs=nnx.Rngs(0), **AROUND)
    layer = Polyphase(conv, "learned", rngs=nnx.Rngs(1))
    x = jax.random.normal(KEY, (2, 4, 4, 4, 1))
    grads = nnx.grad(lambda m: jnp.sum(m(x, train=True, key=KEY) ** 2))(layer)
    assert max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(nnx.state(grads.scores))) > 0
    assert check_contract(layer, KEY, size=(4, 4, 4), max_shifts=4).passed


def test_ideal_resampling_of_waves_in_space():
    up, half = IdealResample(SCALARS, 2), IdealResample(SCALARS, size=(3, 3, 3))
    n = 6
    p = np.arange(n)

    def wave(q):
        return np.cos(2 * np.pi * (q[:, None, None] + q[:, None]) / n) + np.sin(2 * np.pi * q / n)

    fine = (np.arange(2 * n) + 0.5) / 2 - 0.5
    x = jnp.asarray(wave(p)[None, ..., None], jnp.float32)
    np.testing.assert_allclose(up(x)[0, ..., 0], wave(fine), atol=1e-5)
    assert half(x).shape == (1, 3, 3, 3, 1)
    assert up.multiply_adds((2, 2, 2)) == 4 * 8 + 4 * 4 * 4 + 4 * 4 * 4 * 2
    assert BandLimited(Polynomial(FIELD)).contract.fractional.level == "exact"


@pytest.mark.parametrize("name", ["O", "T", "Oh", "D3z", "C3v x Ci"])
def test_samples_of_a_regular_field_are_its_channels(name):
    g = group(name)
    np.testing.assert_allclose(sampling_matrix(regular(g), GroupSamples(g, g)), np.eye(int(g.order)), atol=1e-12)


@pytest.mark.parametrize(("of", "exact"), [(SO3, "O"), (O3, "Oh"), (SpatialGroup("Cinfv"), "C8v")], ids=str)
def test_functions_are_exact_for_the_elements_that_move_samples_to_samples(of, exact):
    with jax.enable_x64(True):
        t = sphere(of, 1) if of.dimension == 3 else FieldType(of, [(1, direct_sum(irreps(of, 1)))])
        layer = FourierPointwise(t, "relu")
        assert str(layer.contract.exact_group) == exact
        x = jnp.asarray(np.random.default_rng(0).normal(size=(4, t.size)))

        def error(g: np.ndarray) -> float:
            m = t.matrix(g).T
            return float(jnp.linalg.norm(layer(x @ m) - layer(x) @ m) / jnp.linalg.norm(layer(x)))

        small = group(exact)
        on = of.from_matrix(small.matrix(small.elements()))
        assert max(map(error, on)) < 1e-13
        assert 1e-4 < max(map(error, of.sample(np.random.default_rng(1), 4))) < 0.2  # the control: others are not


def test_more_samples_of_space_are_nearer_to_equivariance():
    t = sphere(SO3, 2)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(16, t.size)), jnp.float32)
    turns = [t.matrix(g).T.astype(np.float32) for g in SO3.sample(np.random.default_rng(1), 6)]
    errors = []
    for samples in (24, 48, 120):
        layer = FourierPointwise(t, "elu", samples=samples)
        apart = [jnp.linalg.norm(layer(x @ m) - layer(x) @ m) / jnp.linalg.norm(layer(x)) for m in turns]
        errors.append(float(np.median(apart)))
    assert errors[0] > 2 * errors[1] > 3 * errors[2]
    assert errors[0] < 0.05
    assert FourierPointwise(t).num_samples == (24,), "the corners of a snub cube"


def test_too_few_samples_are_refused_and_the_next_number_is_named():
    rho = direct_sum([irrep(SO3, 0, k) for k in range(3) for _ in range(2 * k + 1)])
    with pytest.raises(ValueError, match=r"invalid samples 48; allowed: as many as determine a function of 35.*try 72"):
        FourierPointwise(FieldType(SO3, [(1, rho)]), samples=48)


def test_the_samples_average_functions_of_degree_five():
    """Of the sphere: 24 points, up to degree 5; the mean of each harmonic over them is 0."""
    matrices = SO3.matrix(group_samples(SO3, 2, 9, None).elements())
    points = matrices[:, :, 1]
    for powers in ((2, 0, 0), (4, 0, 0), (2, 2, 0)):
        mean = np.prod(points**powers, -1).mean()
        exact = {(2, 0, 0): 1 / 3, (4, 0, 0): 1 / 5, (2, 2, 0): 1 / 15}[powers]
        np.testing.assert_allclose(mean, exact, atol=2e-3)


@pytest.mark.long
def test_a_network_of_sampled_functions_keeps_its_contract():
    t = sphere(SO3, 1)
    first = Conv(FieldType(SO3, "1 trivial"), t, 3, padding="same", rngs=nnx.Rngs(0))
    net = Sequential([first, FourierPointwise(t)])
    assert str(net.contract).startswith("SO3 within O: exact")
    report = check_contract(net, KEY, size=(4, 4, 4), max_shifts=0)
    assert report.passed, report
    assert len([row for row in report.promised if row.symmetry == "points"]) == 24


@pytest.mark.parametrize("name", ["T", pytest.param("I", marks=pytest.mark.long)])
def test_the_largest_response_gives_a_vector(name):
    t = FieldType(name, "1 regular")
    layer = VectorField(t)
    x = jax.random.normal(KEY, (3, t.size))
    y = layer(x)
    assert y.shape == (3, 3)
    np.testing.assert_allclose(jnp.linalg.norm(y, axis=-1), jax.nn.relu(x.max(-1)), rtol=1e-5)
    for g in group(name).elements()[1::7]:
        np.testing.assert_allclose(layer(act(g, x, t)), act(g, y, layer.out_type), atol=1e-5)


@pytest.mark.parametrize(
    ("message", "make"),
    [
        ("samples of FourierPointwise on SO3 25; allowed: 24, 48, .*; try 24",
         lambda: FourierPointwise(sphere(SO3, 1), samples=25)),
        ("all elements are samples", lambda: FourierPointwise(FIELD, samples=24)),
        ("as many as determine a function of 35 numbers; try 48",
         lambda: FourierPointwise(FieldType(SO3, [(1, direct_sum([irrep(SO3, k) for k in (0, 1, 1, 1, *[2] * 5)]))]),
                                  samples=24)),
        ("at most 3 times", lambda: FourierPointwise(FieldType(SO3, [(1, direct_sum([irrep(SO3, 1)] * 4))]))),
        ("VectorField needs a group whose vectors are irreducible.*Pointwise",
         lambda: VectorField(FieldType("C4z", "1 regular"))),
        ("volumes .*channel axis seems to be missing", lambda: down(SCALARS)(jnp.ones((1, 4, 4, 4)))),
        ("sides that its stride 2 divides; try 4x4x4", lambda: down(SCALARS)(jnp.ones((1, 4, 4, 5, 1)))),
        ("size of IdealResample", lambda: IdealResample(SCALARS, size=(3, 3))),
    ],
)  # fmt: skip
def test_errors_name_the_nearest_valid_choice(message, make):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.long
def test_no_axis_is_mixed_up():
    """Each axis of a volume that is no cube is sampled by itself."""
    x = jax.random.normal(KEY, (1, 2, 4, 6, 1))
    t = FieldType("D2z", "1 trivial")
    assert down(t)(x).shape == (1, 1, 2, 3, 1)
    assert IdealResample(t, 2)(x).shape == (1, 4, 8, 12, 1)
    for layer in (down(t), IdealResample(t, 2)):
        for g in t.group.elements():
            np.testing.assert_allclose(layer(act(g, x, t)), act(g, layer(x), t), atol=1e-5)
