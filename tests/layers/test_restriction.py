"""Restriction in mid-network to every subgroup of D4 and D8, about every axis: exact against the embedding."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract, tolerance
from geomdl.groups import C4, D4, D8, O2, C, D, PlanarGroup, Subgroup, group, subgroups
from geomdl.layers import Conv, Pointwise, Pool, Restrict, Sequential
from geomdl.representations import FieldType

TYPE = FieldType(D4, "1 trivial + 1 regular + 1 irrep(1,1) + 1 quotient(D1,axis=1)")


@pytest.mark.parametrize("h", subgroups(D4), ids=repr)
def test_restricted_fields_move_as_the_embedding_says(h: Subgroup):
    """On the plane and on the channels, for every element of H."""
    layer = Restrict(TYPE, h)
    assert layer.out_type.group == h.on_plane
    x = jax.random.normal(jax.random.key(0), (1, 5, 5, TYPE.size))
    for a in h.subgroup.elements():
        np.testing.assert_array_equal(h.on_plane.matrix(a), D4.matrix(h.embed(a)))
        moved = act(a, layer(x), layer.out_type)
        np.testing.assert_allclose(layer(act(h.embed(a), x, TYPE)), moved, atol=1e-6)


@pytest.mark.parametrize("h", subgroups(D8), ids=repr)
def test_mirrors_and_axes_say_the_same(h: Subgroup):
    assert D8.contains_group(h.on_plane)
    again = Subgroup(D8, h.on_plane)
    assert again.axis == h.axis
    elements = h.subgroup.elements()
    np.testing.assert_array_equal(again.embed(elements), h.embed(elements))
    np.testing.assert_allclose(h.on_plane.matrix(elements), D8.matrix(h.embed(elements)), atol=1e-12)
    assert group(str(h.on_plane)) == h.on_plane


def _network(h: Subgroup) -> Sequential:
    image, wide = FieldType(h.group, "1 trivial"), FieldType(h.group, "2 regular")
    restrict = Restrict(wide, h)
    narrow = FieldType(restrict.out_type.group, "2 regular + 1 trivial")
    layers = [
        Conv(image, wide, 3, padding=1, rngs=nnx.Rngs(0)),
        Pointwise(wide, "elu"),
        restrict,
        Conv(restrict.out_type, narrow, 3, padding=1, basis="steerable", rngs=nnx.Rngs(1)),
        Pool(narrow, 3, stride=2, padding=1),
        Conv(narrow, narrow, 3, padding=1, rngs=nnx.Rngs(2)),
    ]
    return Sequential(layers)


@pytest.mark.parametrize("h", [Subgroup(D4, D(1), 1), Subgroup(D4, D(2), 1), Subgroup(D8, D4, 1)], ids=repr)
def test_networks_restricted_to_another_axis_keep_their_contract(h: Subgroup):
    net = _network(h)
    report = check_contract(net, jax.random.key(0), size=(9, 9))
    assert report.passed, str(report)
    on_grid = int(np.sum(h.group.is_grid_symmetry(h.embed(h.subgroup.elements()))))
    assert len([row for row in report.promised if row.symmetry == "points"]) == on_grid


def test_what_is_promised_is_about_that_axis_and_no_other():
    """Negative control: the reflections that were given up do break the network."""
    h = Subgroup(D4, D(1), 1)
    net = _network(h)
    x = jax.random.normal(jax.random.key(0), (1, 9, 9, 1))
    call = nnx.jit(lambda net, x: net(x))
    y = call(net, x)
    kept = call(net, act(np.array([1, 1]), x, net.in_type))
    expected = act(np.array([1, 0]), y, net.out_type)
    np.testing.assert_allclose(kept, expected, atol=float(jnp.abs(y).max()) * tolerance(jnp.float32, 8))
    other = act(np.array([1, 0]), x, net.in_type)
    wrong = act(np.array([1, 0]), y, FieldType(D(1), net.out_type.fields))
    assert float(jnp.abs(call(net, other) - wrong).max()) > 0.05 * float(jnp.abs(y).max())


def test_restriction_in_two_steps_is_restriction_at_once():
    t = FieldType(D8, "1 regular")
    first = Restrict(t, "D4", axis=1)
    second = Restrict(first.out_type, "D1", axis=3)
    at_once = Restrict(t, second.out_type.group)
    assert second.out_type.group == at_once.out_type.group == D(1, mirror=22.5 * 7)
    assert sorted(second.out_type.fields.split(" + ")) == sorted(at_once.out_type.fields.split(" + "))


def test_an_axis_of_a_continuous_group():
    t = FieldType(O2, "2 irrep(1,1) + 1 trivial")
    layer = Restrict(t, D(3), axis=0.5)
    assert layer.out_type.group.mirror == pytest.approx(np.rad2deg(0.25))
    report = check_contract(layer, jax.random.key(0), size=())
    assert report.passed, str(report)
    assert len(report.promised) == 6


def test_diagonal_mirrors_need_square_images():
    diagonal, upright = FieldType(D(1, mirror=45), "1 trivial"), FieldType("D1", "1 trivial")
    assert check_contract(Pool(diagonal, 2), jax.random.key(0), size=(4, 6)).reasons == ("a square input",)
    assert check_contract(Pool(upright, 2), jax.random.key(0), size=(4, 6)).passed
    assert check_contract(Pool(diagonal, 2), jax.random.key(0), size=(6, 6)).passed


def test_mirrors_are_kept_in_one_form():
    assert D(4, mirror=45) == D4
    assert D(2, mirror=135) == D(2, mirror=45) != D(2)
    assert str(D(1, mirror=22.5)) == "D1(mirror=22.5)"
    assert D(3, mirror=200) == D(3, mirror=20)
    assert not D4.contains_group(D(1, mirror=22.5))
    for bad in (lambda: PlanarGroup(4, False, 10.0), lambda: PlanarGroup(np.inf, True, 10.0)):
        with pytest.raises(ValueError, match="mirror"):
            bad()
    with pytest.raises(ValueError, match=r"axis of D1\(mirror=45\) in D4"):
        Subgroup(D4, D(1, mirror=45), axis=2)
    with pytest.raises(ValueError, match="subgroup"):
        Restrict(FieldType(C4, "1 trivial"), "D1")
    with pytest.raises(ValueError, match="axis"):
        Restrict(FieldType(C4, "1 trivial"), C(2), axis=1)
