"""Numbers of whole images move by the representation of the map that moves the image."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.actions import OutputLaw, move_values
from geomdl.groups import C4, C8, D4, D8, O2, SO2, D, GridTranslations
from geomdl.representations import FieldType

TYPES = [
    FieldType(D8, "1 regular + 1 irrep(1,3)"),
    FieldType(O2, "2 trivial + 1 irrep(1,1) + 1 irrep(1,2)"),
    FieldType(D(4, mirror=30), "1 regular"),
]


@pytest.mark.parametrize("field_type", TYPES, ids=str)
def test_every_element_acts_through_its_matrix(field_type: FieldType) -> None:
    """Scaled or not: the representation of s R(φ) F^f is ρ(f, φ)."""
    group = field_type.group
    elements = group.elements() if group.is_finite else group.sample(np.random.default_rng(0), 12)
    values = np.random.default_rng(1).normal(size=(len(elements), field_type.size)).astype(np.float32)
    expected = np.einsum("nij,nj->ni", field_type.matrix(elements), values)
    linear = 1.3 * group.matrix(elements)
    moved = jax.jit(lambda values, linear: move_values(values, linear, field_type, group))
    np.testing.assert_allclose(moved(values, np.float32(linear)), expected, atol=2e-5)


def test_a_law_is_restricted_to_the_group_that_is_tried() -> None:
    law = OutputLaw("field", FieldType(D8, "1 irrep(1,1)"))
    y = jnp.array([[1.0, 2.0]])
    for group in (C4, D4, C8, D8):
        action = law.action(group, size=(5, 5))
        for g in group.elements():
            np.testing.assert_allclose(action(g, y)[0], group.matrix(g) @ y[0], atol=1e-6)
    assert not law.covers(SO2)
    shifted = law.action(GridTranslations(5, 5), size=(5, 5))(np.array([1, 2]), y)
    np.testing.assert_array_equal(shifted, y)
    assert (OutputLaw("field", FieldType(C4, "2 trivial")).moves, OutputLaw().moves) == (True, False)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: OutputLaw("feild"), "unknown output 'feild'; .*did you mean 'field'"),
        (lambda: OutputLaw("invariant", TYPES[0]), "only fields have one"),
        (lambda: OutputLaw("field", TYPES[0]).action(SO2, size=(4, 4)), "invalid group 'SO2'; allowed: one that moves"),
        (lambda: move_values(jnp.ones((1, 3)), jnp.eye(2), TYPES[0], C4), r"invalid shape of the values \(1, 3\)"),
        (lambda: move_values(jnp.ones((1, 18)), jnp.eye(2), TYPES[0], SO2), "allowed: subgroups of D8"),
    ],
)
def test_bad_input(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
