"""Every layer that works pixel by pixel commutes with every element of many groups, and with samples of SO(2) and O(2).

All elements are tried at once, as one batch; all layers of a group share one compilation.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import tolerance
from geomdl.groups import Subgroup
from geomdl.layers import (
    BatchNorm,
    Branch,
    CReLU,
    Disentangle,
    FieldNorm,
    FourierPointwise,
    FromIrreps,
    Gated,
    GroupNorm,
    Identity,
    InducedNormPool,
    Layer,
    LayerNorm,
    NormActivation,
    NormPool,
    Parallel,
    Pointwise,
    Reshuffle,
    Residual,
    Restrict,
    SubgroupPool,
    TensorProduct,
    ToIrreps,
    VectorField,
)
from geomdl.representations import FieldType, irreps

FINITE = ["C1", "C2", "C3", "C4", "C8", "C16", "D1", "D2", "D3", "D4", "D8"]
CONTINUOUS = ["SO2", "O2"]


def _mixed(group: str) -> FieldType:
    """Scalars, every irrep (of low frequency), and a regular or band-limited field."""
    trivial = FieldType(group, "2 trivial")
    labels = irreps(trivial.group, 2 if group in CONTINUOUS else None)[-3:]
    whole = "2 band_limited(2)" if group in CONTINUOUS else "2 regular"
    return trivial + FieldType(trivial.group, [(2, psi) for psi in labels]) + FieldType(group, whole)


def _with_parameters(layer: Layer) -> Layer:
    """Parameters and statistics that are not those of the start, so that they take part."""
    rng = np.random.default_rng(0)
    state = nnx.state(layer)
    nnx.update(layer, jax.tree.map(lambda v: jnp.asarray(rng.uniform(0.2, 1.5, v.shape), v.dtype), state))
    return layer


def _layers(group: str) -> dict[str, Layer]:
    t = _mixed(group)
    layers: dict[str, Callable[[], Layer]] = {
        **{f"norm {a}": lambda a=a: NormActivation(t, a) for a in ("relu", "sigmoid", "squash")},
        "gated": lambda: Gated(t),
        "gated, shared": lambda: Gated(t, "relu", "tanh", shared=True),
        "tensor product": lambda: TensorProduct(_mixed(group)),
        "batch norm": lambda: BatchNorm(t),
        "layer norm": lambda: LayerNorm(t),
        "group norm": lambda: GroupNorm(t, 2),
        "norm pool": lambda: NormPool(t),
        "identity": lambda: Identity(t),
        "reshuffle": lambda: Reshuffle(t, list(range(len(t.blocks)))[::-1]),
        "disentangle": lambda: Disentangle(t),
        "to irreps": lambda: ToIrreps(t),
        "from irreps": lambda: FromIrreps(t),
        "branch": lambda: Branch([NormPool(t), NormActivation(t, "elu")]),
        "parallel": lambda: Parallel([NormActivation(t, "elu"), LayerNorm(t)]),
        "residual": lambda: Residual(NormActivation(t, "squash")),
    }
    if group not in CONTINUOUS:
        regular = FieldType(group, "2 regular + 1 trivial")
        signs = [psi for psi in irreps(t.group) if psi.is_signed_permutation]
        layers |= {
            "pointwise": lambda: Pointwise(regular, "elu"),
            "pointwise tanh of signs": lambda: Pointwise(FieldType(group, [(2, s) for s in signs]), "tanh"),
            "concatenated": lambda: CReLU(FieldType(group, [(2, s) for s in signs]) + regular),
            "fourier": lambda: FourierPointwise(FieldType(group, "2 regular"), "relu"),
            "fourier, band-limited": lambda: (
                FourierPointwise(FieldType(group, "2 band_limited(1)"), "elu")
                if t.group.rotation_order > 1
                else Identity(t)
            ),
        }
        if t.group.order > 1:
            layers["field norm"] = lambda: FieldNorm(FieldType(group, "2 regular"))
        if t.group.rotation_order > 2:
            layers["vector field"] = lambda: VectorField(FieldType(group, "2 regular"))
        for n in (n for n in (1, 2, 3, 4, 8) if t.group.rotation_order % n == 0):
            layers[f"subgroup pool C{n}"] = lambda n=n: SubgroupPool(FieldType(group, "2 regular"), f"C{n}")
            layers[f"restrict C{n}"] = lambda n=n: Restrict(t, f"C{n}")
            if t.group.reflections:
                layers[f"subgroup pool D{n}"] = lambda n=n: SubgroupPool(FieldType(group, "2 regular"), f"D{n}", "mean")
                layers[f"restrict D{n}"] = lambda n=n: Restrict(t, f"D{n}", disentangle=False)
        if t.group.reflections and t.group.rotation_order > 2:
            turns = f"C{t.group.rotation_order}"
            induced = FieldType(group, f"2 induced({turns},irrep(1)) + 1 quotient({turns})")
            layers["induced norm"] = lambda: NormActivation(induced, "sigmoid", induced_from=turns)
            layers["induced norm pool"] = lambda: InducedNormPool(induced, turns)
        if t.group.reflections and t.group.rotation_order % 2 == 0:
            layers["subgroup pool, other axis"] = lambda: SubgroupPool(FieldType(group, "2 regular"), "D1", axis=1)
    else:
        layers |= {
            "restrict C6": lambda: Restrict(t, "C6"),
            "pointwise": lambda: Pointwise(FieldType(group, "3 trivial")),
        }
    return {name: _with_parameters(make()) for name, make in layers.items()}


def _errors(layers: dict[str, Layer], dtype=jnp.float32) -> dict[str, float]:
    """For each layer ‖f(ρ(g)x) − ρ(g)f(x)‖ / ‖f(x)‖, over all elements (or 12 random ones) and three inputs."""
    rng = np.random.default_rng(1)
    inputs, actions = {}, {}
    for name, layer in layers.items():
        contract = layer.contract
        assert contract.points.at(()) == "exact"
        group = contract.exact_group
        elements = group.elements() if group.is_finite else group.sample(rng, 12)
        if contract.group != group:
            elements = Subgroup(contract.group, group).embed(elements)
        x = rng.normal(size=(3, layer.in_type.size))
        rho = layer.in_type.matrix(Subgroup(contract.in_type.group, contract.group).embed(elements))
        moved = np.einsum("gij,bj->gbi", rho, x).reshape(-1, x.shape[1])
        inputs[name] = jnp.asarray(np.concatenate([x, moved]), dtype)
        actions[name] = layer.out_type.matrix(elements)
    graph, state = nnx.split(nnx.Dict(layers))

    def outputs(state, inputs):
        merged = nnx.merge(graph, state)
        return {name: merged[name](x) for name, x in inputs.items()}

    errors = {}
    for name, y in jax.jit(outputs)(state, inputs).items():
        y = np.asarray(y, np.float64)
        expected = np.einsum("gij,bj->gbi", actions[name], y[:3]).reshape(-1, y.shape[1])
        assert np.linalg.norm(y[0] - y[1]) > 1e-3 * np.linalg.norm(y[0]), f"{name} does not depend on its input"
        errors[name] = float(np.linalg.norm(y[3:] - expected) / np.linalg.norm(expected))
    return errors


@pytest.mark.parametrize("group", [*FINITE, *CONTINUOUS])
def test_layers_commute_with_every_element(group: str):
    broken = {name: error for name, error in _errors(_layers(group)).items() if error > tolerance(jnp.float32)}
    assert not broken


@pytest.mark.parametrize("group", ["D6", "O2"])
def test_layers_commute_in_double_precision(group: str):
    with jax.enable_x64(True):
        errors = _errors(_layers(group), jnp.float64)
    assert max(errors.values()) < 1e-13, errors


@pytest.mark.parametrize("group", ["D4", "SO2"])
def test_low_precision_in_low_precision_out(group: str):
    for name, layer in _layers(group).items():
        y = jax.eval_shape(layer, jax.ShapeDtypeStruct((2, layer.in_type.size), jnp.bfloat16))
        assert y.dtype == jnp.bfloat16, name


def test_a_broken_layer_is_noticed():
    """The same measurement, on layers that break the symmetry: a pointwise function of vectors, a bias on irreps."""

    class Broken(Identity):
        def __call__(self, x, *, train=False, key=None):
            return jax.nn.relu(x)

    class Biased(Identity):
        def __call__(self, x, *, train=False, key=None):
            return x + 0.01

    t = FieldType("C8", "2 irrep(1)")
    errors = _errors({"pointwise": Broken(t), "bias": Biased(t)})
    assert errors["pointwise"] > 0.1
    assert errors["bias"] > 1e-3
