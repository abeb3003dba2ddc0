"""Of conftest.py: quick compilation changes no values, gradients compile as for users, shapes are checked."""

import importlib
import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError

from geomdl.equivariance import tolerance
from geomdl.layers.contract_table.entries import LAYERS
from geomdl.models.contract_table import ENTRIES
from geomdl.tasks.classification import softmax_cross_entropy

ROWS = [entry for entry in (*LAYERS[::9], *ENTRIES[::6]) if "C4" in entry.groups]


def overrides() -> dict[str, object]:
    compiler = importlib.import_module("jax._src.compiler")
    return dict(compiler.get_compile_options(1, 1).env_option_overrides)


def test_tests_of_values_compile_quickly(quick: dict) -> None:
    assert overrides() == quick


@pytest.mark.compiled
def test_tests_of_gradients_compile_as_users_do() -> None:
    assert overrides() == {}
    assert not [flag for flag in os.environ["XLA_FLAGS"].split() if "device_count" not in flag]


def test_shapes_that_signatures_name_are_checked() -> None:
    with pytest.raises(TypeCheckError, match="targets"):
        softmax_cross_entropy(jnp.zeros((2, 3)), jnp.zeros(3))


@pytest.mark.compiled
@pytest.mark.parametrize("entry", ROWS, ids=[entry.name for entry in ROWS])
def test_values_do_not_depend_on_it(entry, quick: dict) -> None:
    layer = entry.build("C4")
    size = entry.even if entry.exact != "odd" else entry.odd
    x = jax.random.normal(jax.random.key(0), (2, *size, layer.in_type.size))
    lowered = jax.jit(lambda x: layer(x)).lower(x)
    known, found = (jnp.concatenate([leaf.ravel() for leaf in jax.tree.leaves(lowered.compile(options)(x))])
                    for options in ({}, quick))  # fmt: skip
    assert np.linalg.norm(found - known) < tolerance(jnp.float32, layer.contract.depth) * np.linalg.norm(known)
