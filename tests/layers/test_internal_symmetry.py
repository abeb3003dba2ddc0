"""Direct products whose first factor moves images or volumes, and whose second acts on channels alone."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions import act
from geomdl.equivariance import check_contract
from geomdl.groups import base_space, point_group
from geomdl.kernels import kernel_space
from geomdl.layers import BatchNorm, Conv, GlobalPool, GroupPool, Pointwise, Pool, Sequential, freeze
from geomdl.representations import FieldType, irreps, representation
from geomdl.representations.representation import irrep_type


def orbit_of(x: jax.Array, kind: FieldType) -> jax.Array:
    """Of one field [1, ...] under all elements, [order, ...]."""
    elements = jnp.asarray(kind.group.elements())
    return jax.jit(jax.vmap(lambda g: act(g, x, kind)[0]))(elements)


def network(group: str, space: str, width: int = 1) -> Sequential:
    """Of images (or volumes) whose channels the second factor permutes, to invariants."""
    images = FieldType(group, "1 outer(trivial,regular)", space=space)
    hidden = images.with_fields(f"{width} regular")
    layers = [
        Conv(images, hidden, 3, padding="same", rngs=nnx.Rngs(0)),
        BatchNorm(hidden),
        Pointwise(hidden, "relu"),
        Pool(hidden, 2),
        Conv(hidden, hidden, 3, padding="same", rngs=nnx.Rngs(1)),
        GroupPool(hidden),
        GlobalPool(GroupPool(hidden).out_type),
    ]
    return Sequential(layers)


@pytest.mark.long
@pytest.mark.parametrize(
    ("group", "space", "size"),
    [
        ("C4 x C2", "plane", (6, 6)),
        ("D4 x C3", "plane", (6, 6)),
        ("D1 x C2", "line", (8,)),
        ("O x C2", "volume", (4, 4, 4)),
        ("C3[111] x D3", "volume", (4, 4, 4)),
    ],
)
def test_networks_are_exact_for_every_element_of_both_factors(group, space, size):
    net = network(group, space)
    report = check_contract(net, 0, size=size)
    assert report.passed, str(report)
    assert len([row for row in report.promised if row is not None]) >= point_group(group).order
    x = jax.random.normal(jax.random.key(0), (2, *size, net.in_type.size))
    np.testing.assert_allclose(freeze(net)(x), net(x), atol=1e-5)


PAIRS = {
    "plane": ("C4 x C2", "D4 x C3", "D1 x D1", "C4 x C4"),
    "line": ("D1 x C2",),
    "volume": ("O x C2", "C3[111] x C2", "C4z x D1"),
}


@pytest.mark.parametrize("space", PAIRS)
def test_kernels_are_all_that_characters_promise(space):
    """dim = 1/|G| Σ_g (pixels that g keeps) χ_out(g) χ_in(g)."""
    base = base_space(space)
    for name, size in zip(PAIRS[space], (3, 2, 2, 3), strict=False):
        group = point_group(name)
        elements, pixels = group.elements(), np.arange(size**base.dimension).reshape((size,) * base.dimension)
        moving = [(group.first, g[: group.first.element_size]) for g in elements]
        kept = [(base.grid_symmetry(*h)(pixels, before=0) == pixels).sum() for h in moving]
        forms = ("trivial", "regular", "outer(trivial,regular)", "outer(regular,trivial)")
        if space == "volume" and name.startswith("O"):
            forms = forms[:1] + forms[2:]
        reps = [representation(group, form) for form in forms]
        for a, b in itertools.product(reps, reps):
            characters = [np.trace(rho(elements), axis1=-2, axis2=-1) for rho in (a, b)]
            expected = np.mean(np.array(kept) * characters[0] * characters[1])
            assert kernel_space(a, b, size, space=base).dimension == round(float(expected)), (name, size, a, b)


def test_fields_that_the_second_factor_negates():
    """An odd map, f(−x) = −f(x), that turns with the image."""
    odd = FieldType("C4 x D1", "2 outer(trivial,irrep(1,0))", space="plane")
    out = odd.with_fields("1 outer(regular,irrep(1,0)) + 1 outer(irrep(1),irrep(1,0)) + 1 trivial")
    with pytest.raises(ValueError, match="no equivariant kernel"):  # an even number of signs is needed
        Conv(odd, out, 3, padding="same", rngs=nnx.Rngs(0))
    out = odd.with_fields("1 outer(regular,irrep(1,0))")
    net = Conv(odd, out, 3, padding="same", rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(1), (1, 5, 5, 2))
    values = nnx.jit(net)(jnp.concatenate([-x, orbit_of(x, odd)]))
    np.testing.assert_allclose(values[0], -values[1], atol=1e-6)
    np.testing.assert_allclose(orbit_of(values[1:2], out), values[1:], atol=1e-5)
    assert float(jnp.abs(values[0]).max()) > 0.01


def test_a_convolution_that_keeps_the_first_factor_alone_is_caught():
    whole, first = FieldType("C4 x C2", "1 regular", space="plane"), FieldType("C4", "2 regular")
    layer, inner = (Conv(t, t, 3, padding="same", rngs=nnx.Rngs(0)) for t in (whole, first))
    order = np.arange(8).reshape(4, 2).T.ravel()  # channels (a, b) of the product, by b first
    x = jax.random.normal(jax.random.key(0), (1, 5, 5, 8))
    elements = whole.group.elements()
    orbit, internal = orbit_of(x, whole), elements[:, 3] == 1
    np.testing.assert_array_equal(orbit, np.concatenate([act(g, x, whole) for g in elements]))  # traced and not
    for wrong, f in enumerate((layer, lambda x: inner(x[..., order])[..., np.argsort(order)])):
        values = jax.jit(f)(orbit)
        changes = np.abs(values - orbit_of(values[:1], whole)).max((1, 2, 3))
        assert changes[~internal].max() < 1e-5
        assert changes[internal].min() > 0.1 if wrong else changes[internal].max() < 1e-5


def test_irreps_of_products_with_groups_of_space():
    for name, order in (("O x C2", 48), ("T x C3", 36), ("C3[111] x D2", 12), ("C3 x T", 36)):
        group = point_group(name)
        found = irreps(group)
        assert sum(psi.size**2 // irrep_type(group, psi.labels[0]) for psi in found) == order
        a, b = group.elements()[:, None], group.elements()[None]
        for psi in found:
            left, right = np.broadcast_arrays(psi(a), psi(b))
            np.testing.assert_allclose(left @ right, psi(group.product(a, b)), atol=1e-12)
            characters = np.trace(psi(group.elements()), axis1=-2, axis2=-1)
            np.testing.assert_allclose(np.mean(characters**2), irrep_type(group, psi.labels[0]), atol=1e-9)


def test_what_products_do_not_have():
    with pytest.raises(ValueError, match="fields on the plane: O x C2 does not act on the plane"):
        FieldType("O x C2", "1 regular", space="plane")
    vectors = FieldType("O x C2", "1 trivial")
    assert vectors.space.name == "point"
    with pytest.raises(ValueError, match=r'first factor moves it: FieldType\("O x C2", …, space="volume"\)'):
        Conv(vectors, vectors, 3, rngs=nnx.Rngs(0))
    with pytest.raises(ValueError, match="do not commute"):
        FieldType("O x Td", "1 trivial")
