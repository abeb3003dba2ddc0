"""Spaces and outputs equal escnn's, from the arrays that make_goldens.py wrote."""

import ast
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.groups import group
from geomdl.kernels import SteerableKernelSpace
from geomdl.layers import Conv
from geomdl.representations import FieldType, representation

GOLDENS = np.load(pathlib.Path(__file__).parent / "goldens" / "escnn.npz")


@pytest.mark.parametrize("number", range(len(GOLDENS["cases"])), ids=lambda n: str(GOLDENS["cases"][n]))
def test_spans_and_outputs_equal_escnn(number):
    """A generic kernel of escnn's space lies in ours, of the same dimension; and with its weights outputs are equal."""
    name, field_in, field_out, size, options = str(GOLDENS["cases"][number]).split("|")
    g = group(name)
    rho_in, rho_out = representation(g, field_in), representation(g, field_out)
    space = SteerableKernelSpace(rho_in, rho_out, int(size), **ast.literal_eval(options))
    assert space.dimension == GOLDENS[f"{number}_dimension"]
    if not space.dimension:
        return
    for rho, key in ((rho_in, f"{number}_rho_in"), (rho_out, f"{number}_rho_out")):
        if key in GOLDENS and g.rotation_order > 1:
            assert np.abs(rho(g.generators()) - GOLDENS[key]).max() < 1e-6
    wanted = GOLDENS[f"{number}_kernel"].transpose(2, 3, 1, 0).astype(float)
    basis = space.basis()
    weights, _, rank, _ = np.linalg.lstsq(basis.reshape(space.dimension, -1).T, wanted.ravel(), rcond=None)
    assert rank == space.dimension
    kernel = np.einsum("n,nxyio->xyio", weights, basis)
    assert np.abs(kernel - wanted).max() < 2e-6 * np.abs(wanted).max()
    windows = np.lib.stride_tricks.sliding_window_view(
        GOLDENS[f"{number}_x"][0].astype(float), kernel.shape[:2], (1, 2)
    )
    y = np.einsum("irczs,zsio->rco", windows, kernel, optimize=True)[None]
    expected = GOLDENS[f"{number}_y"].transpose(0, 2, 3, 1)
    assert np.abs(y - expected).max() < 3e-6 * max(1, np.abs(expected).max())


LAYERS = [
    "SO2|irrep(1)|irrep(2)|7|{}",
    "O2|irrep(1,1)|irrep(1,2)|5|{}",
    "C4|regular|regular|3|{}",
    "C8|regular|regular|5|{}",
    "C8|quotient(C2)|regular|5|{}",
    "D4|regular|regular|5|{}",
]


@pytest.mark.parametrize("case", LAYERS)
def test_layers_of_matched_weights_have_equal_outputs(case):
    """Conv with the weights that give escnn's kernel gives R2Conv's output, in float32."""
    number = [str(c) for c in GOLDENS["cases"]].index(case)
    name, field_in, field_out, size, _ = case.split("|")
    in_type, out_type = FieldType(name, f"1 {field_in}"), FieldType(name, f"1 {field_out}")
    conv = Conv(in_type, out_type, int(size), basis="steerable", use_bias=False, rngs=nnx.Rngs(0))
    space = conv.spaces[0][0]
    wanted = GOLDENS[f"{number}_kernel"].transpose(2, 3, 1, 0).ravel()
    weights = np.linalg.lstsq(space.basis().reshape(space.dimension, -1).T, wanted, rcond=None)[0]
    conv.kernel[0][...] = jnp.asarray(weights[:, None, None], jnp.float32)
    y = conv(jnp.asarray(GOLDENS[f"{number}_x"].transpose(0, 2, 3, 1)))
    expected = GOLDENS[f"{number}_y"].transpose(0, 2, 3, 1)
    assert np.abs(y - expected).max() < 1e-5 * max(1, np.abs(expected).max())
