"""Measures of the literature on volumes: values that are known, and the derivatives against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions.volume_warp import warp_volume
from geomdl.audit import audit
from geomdl.equivariance import (
    circular_consistency,
    crop_consistency,
    feature_equivariance,
    firing_invariance,
    lie_derivative_of_volumes,
    orbit_spread,
    position_leak,
    top1_change_rate,
)

X = np.random.default_rng(0).normal(size=(6, 5, 5, 5, 1)).astype(np.float32)


def invariant(x):
    return jnp.stack([(x**3).mean((1, 2, 3, 4)), (x**2).mean((1, 2, 3, 4))], -1)


def of_one_end(x):
    """What lies deep in the volume: turns about z keep it."""
    return x[:, -2:].mean((1, 2, 3))


@pytest.mark.parametrize(("points", "size"), [("O", (5, 5, 5)), ("D2h", (4, 5, 6))])
def test_orbits_of_an_invariant_function_have_no_spread(points, size):
    x = np.random.default_rng(0).normal(size=(4, *size, 1)).astype(np.float32)
    assert orbit_spread(invariant, x, points).ratio < 1e-5
    assert orbit_spread(of_one_end, x, points).ratio > 0.3


def test_a_function_of_one_axis_has_the_orbits_of_turns_about_it():
    assert orbit_spread(of_one_end, X, "C4z").ratio < 1e-5
    assert firing_invariance(of_one_end, X, "C4z", global_rate=0.2).score == pytest.approx(
        firing_invariance(invariant, X, "C4z", global_rate=0.2).highest
    )
    assert firing_invariance(of_one_end, X, "O", global_rate=0.2).score < 5


def test_fields_of_volumes_are_moved_before_a_map_is_fitted():
    result = feature_equivariance(lambda x: jnp.concatenate([x, x**2], -1), X, "C4z")
    assert result.worst < 1e-5
    assert min(result.identity[1:]) > 0.5  # of the identity it is 0


def test_position_in_a_volume():
    assert position_leak(lambda x: x.sum((1, 2, 3)), X[:3, :2, :2, :2], (4, 4, 5)).leak < 1e-6
    weights = np.arange(4.0, dtype=np.float32).reshape(4, 1, 1, 1)
    result = position_leak(lambda x: (x * weights).sum((1, 2, 3)), abs(X[:3, :2, :2, :2]), (4, 4, 5))
    assert result.leak > 0.1
    assert len(result.positions) == 3 * 3 * 4


def test_consistency_of_classes_of_volumes():
    def classes(score):
        return lambda x: jnp.stack([score(x), jnp.zeros(len(x), x.dtype)], -1)

    same, parity = classes(lambda x: (x**3).mean((1, 2, 3, 4))), classes(lambda x: x[:, ::2].sum((1, 2, 3, 4)) - 0.5)
    assert circular_consistency(same, X).consistency == 1
    bright = np.zeros((2, 4, 4, 4, 1), np.float32)
    bright[0, 1, 2, 2] = bright[1, 2, 2, 2] = 1.0
    result = circular_consistency(parity, bright, pairs=20)
    assert result.agreements == tuple(float((a[0] - a[3]) % 2 == 0) for a in result.elements)
    assert crop_consistency(parity, bright, (4, 3, 3)).consistency == 1
    rates = [top1_change_rate(parity, bright, kind).change_rate for kind in ("shift", "rotation", "scale")]
    assert rates[0] == pytest.approx(1 / 3)  # along the depth, of three axes
    assert rates[1] == 0
    with pytest.raises(ValueError, match="crop 5; allowed: smaller than the images, which are 4x4x4"):
        crop_consistency(parity, bright, 5)


def test_lie_derivatives_are_those_of_finite_differences():
    kernel = np.random.default_rng(1).normal(size=(3, 3, 3, 1, 2)).astype(np.float32)

    def field(x):
        return jnp.tanh(
            jax.lax.conv_general_dilated(x, kernel, (1,) * 3, "SAME", dimension_numbers=("NDHWC", "DHWIO", "NDHWC"))
        )

    x, t = jnp.asarray(X[:2]), 1e-2
    turn = {"rotate_x": ((1, 2), 1), "rotate_y": ((2, 0), 1), "rotate_z": ((0, 1), 1), "scale": ((0, 0), 0)}
    found = lie_derivative_of_volumes(field, x, tuple(turn), "field")
    for name, ((i, j), rotates) in turn.items():
        generator = np.eye(3) if not rotates else np.zeros((3, 3))
        if rotates:
            generator[j, i], generator[i, j] = 1.0, -1.0

        def moved(t, generator=generator):
            there, back = (jax.scipy.linalg.expm(s * jnp.asarray(generator, jnp.float32)) for s in (t, -t))
            return warp_volume(field(warp_volume(x, there)), back)

        wanted = np.sqrt(np.mean(((moved(t) - moved(-t)) / (2 * t)) ** 2))
        assert found.of(name) == pytest.approx(wanted, rel=0.02), name


def test_shifts_have_the_sign_and_the_axis_of_the_coordinates():
    depth, height, width = np.meshgrid(*[np.arange(9.0, dtype=np.float32) - 4] * 3, indexing="ij")
    blob = np.exp(-(depth**2 + height**2 + width**2) / 2)
    smooth = np.stack([blob / blob.sum(), np.roll(blob, 1, 0) / blob.sum()])[..., None]

    def place(x):  # (x, y, z) of the mass: 1 per voxel
        return jnp.stack([(x[..., 0] * a).sum((1, 2, 3)) for a in (width, -height, -depth)], -1)

    names = ("translate_x", "translate_y", "translate_z")
    for k, name in enumerate(names):
        result = lie_derivative_of_volumes(lambda x, k=k: place(x)[:, k], smooth, names)
        assert [round(result.of(other), 2) for other in names] == [float(other == name) for other in names]


def test_audits_take_the_measures_that_are_defined_for_volumes():
    report = audit(invariant, group="C4z", size=(4, 5, 5, 1), count=4, measures=True)
    names = [m.name for m in report.measures]
    assert names[0] == "orbit spread"
    assert report.measures[0].value < 1e-4
    assert {"Lie derivative, rotate_x", "position leak", "circular consistency", "crop consistency"} <= set(names)
    assert {n.split(":")[0] for n in report.notes if "left out" in n} >= {
        "EQ in decibels left out",
        "worst cases left out",
    }
    assert "defined for images, not for volumes" in str(report)
