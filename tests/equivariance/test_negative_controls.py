"""What must fail the check, by a stated margin: a check that passes these is no check."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.equivariance import Contract, Promise, check_contract, exact_everywhere
from geomdl.layers import BatchNorm, Conv, Dropout, GlobalPool, GroupPool, Pointwise, Pool, Sequential
from geomdl.representations import FieldType

C4_IMAGE = FieldType("C4", "2 trivial")
C4_FIELD = FieldType("C4", "2 regular")


class Claims(nnx.Module):
    """A function that claims a contract which is not its own."""

    def __init__(self, function: Callable[[jax.Array], jax.Array], contract: Contract):
        self.function, self.contract = function, contract

    def __call__(self, x: jax.Array, *, train: bool = False, key: jax.Array | None = None) -> jax.Array:
        return self.function(x)


def _claimed(module: nnx.Module) -> Claims:
    """The module, claiming to be exact at every size."""
    exact = dataclasses.replace(module.contract, points=Promise("exact"), shifts=Promise("exact"))  # type: ignore
    return Claims(module, exact)  # type: ignore[arg-type]


def _broken_margin(module: nnx.Module, symmetry: str, margin: float, size: tuple[int, int] = (8, 8), **options) -> None:
    report = check_contract(module, jax.random.key(0), size=size, max_shifts=8, **options)  # type: ignore[arg-type]
    assert not report.passed
    assert report.worst(symmetry) > margin, str(report)
    identity = report.rows[0]
    assert identity.error < 1e-6, "even a broken map commutes with the identity"


def test_a_plain_convolution_is_not_equivariant_to_rotations():
    plain = Conv(FieldType("C1", "2 trivial"), FieldType("C1", "2 trivial"), 3, padding=1, rngs=nnx.Rngs(0))
    _broken_margin(Claims(plain, exact_everywhere(C4_IMAGE)), "points", 0.5)


def test_a_plain_convolution_with_regular_channels_is_not_equivariant():
    plain = Conv(FieldType("C1", "8 trivial"), FieldType("C1", "8 trivial"), 3, padding=1, rngs=nnx.Rngs(0))
    _broken_margin(Claims(plain, exact_everywhere(C4_FIELD)), "points", 0.5)


def test_stride_two_on_an_even_size_breaks_rotations():
    layer = Conv(C4_IMAGE, C4_FIELD, 3, stride=2, padding=1, remainder="drop", rngs=nnx.Rngs(0))
    own = check_contract(layer, jax.random.key(0), size=(8, 8))
    assert own.passed
    assert {row.symmetry for row in own.promised} == {"cropped"}, "its own contract promises only crops at this size"
    assert own.worst("points") > 0.3, "and rightly so"
    assert "(n + 2 - 3) mod 2 = 0" in own.reasons[0]
    _broken_margin(_claimed(layer), "points", 0.3)


def test_zero_padding_breaks_circular_shifts():
    layer = Conv(C4_IMAGE, C4_FIELD, 3, padding=1, rngs=nnx.Rngs(0))
    _broken_margin(_claimed(layer), "shifts", 0.1)


def test_pooling_breaks_shifts_that_are_not_multiples_of_its_stride():
    layer = Pool(C4_FIELD, 2)
    contract = dataclasses.replace(layer.contract, step=1)
    report = check_contract(Claims(layer, contract), jax.random.key(0), size=(6, 6), max_shifts=36)
    odd = [row for row in report.rows if row.symmetry == "shifts" and (row.element[0] % 2 or row.element[1] % 2)]
    even = [row for row in report.rows if row.symmetry == "shifts" and row not in odd]
    assert min(row.error for row in odd) > 0.1
    assert max(row.error for row in even) == 0


@pytest.mark.parametrize("damage", ["transposed fields", "scaled channel", "shuffled kernel"])
def test_a_broken_group_convolution_is_caught(damage: str):
    """A group convolution with one bug of the kind that people write."""
    layer = Conv(C4_FIELD, C4_FIELD, 3, padding=1, rngs=nnx.Rngs(0))
    kernel = np.asarray(layer.dense_kernel())
    if damage == "transposed fields":  # (group, multiplicity) where (multiplicity, group) is meant
        kernel = kernel.reshape(3, 3, 2, 4, 8).swapaxes(2, 3).reshape(3, 3, 8, 8)
    elif damage == "scaled channel":
        kernel = kernel * np.array([1.01] + [1] * 7)
    else:
        kernel = np.rot90(kernel, axes=(0, 1)).copy()
        kernel[..., 0] = np.asarray(layer.dense_kernel())[..., 0]
    plain = Conv(FieldType("C1", "8 trivial"), FieldType("C1", "8 trivial"), 3, padding=1, rngs=nnx.Rngs(0))
    plain.kernel[0][...] = jnp.asarray(kernel, jnp.float32).reshape(9, 8, 8)
    np.testing.assert_allclose(plain.dense_kernel(), kernel, atol=1e-7)
    _broken_margin(Claims(plain, exact_everywhere(C4_FIELD)), "points", 1e-3)


def test_batch_norm_per_channel_breaks_regular_fields():
    per_channel = BatchNorm(FieldType("C1", "8 trivial"))
    per_channel.mean[...] = jnp.arange(8.0) / 8
    _broken_margin(Claims(per_channel, exact_everywhere(C4_FIELD)), "points", 0.1)


def test_dropout_of_single_numbers_is_not_exact_in_training():
    layer = Dropout(C4_FIELD, 0.5, whole_fields=False)
    contract = dataclasses.replace(layer.contract, random_in_training=False)

    class Drops(Claims):
        def __call__(self, x, *, train: bool = False, key=None):
            return layer(x, train=train, key=key)

    report = check_contract(Drops(lambda x: x, contract), jax.random.key(0), size=(6, 6), train=True)
    assert report.worst("points") > 0.5


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_a_constant_function_does_not_pass_for_invariant(constant: float):
    contract = exact_everywhere(C4_IMAGE, output_size=lambda size: ())
    module = Claims(lambda x: jnp.full((x.shape[0], 2), constant, x.dtype), contract)
    report = check_contract(module, jax.random.key(0), size=(6, 6))
    assert not report.failures, "every error is 0 …"
    assert not report.alive, "… but the output does not depend on the input"
    assert not report.passed


def test_not_a_number_fails():
    module = Claims(lambda x: x * jnp.nan, exact_everywhere(C4_IMAGE))
    report = check_contract(module, jax.random.key(0), size=(6, 6))
    assert not report.passed
    assert len(report.failures) == len(report.promised) > 30


def test_a_planted_violation_is_measured_at_its_size():
    """f(x) = x + δ ‖x‖ u with a fixed unit field u: ‖f(gx) − g f(x)‖ = δ ‖x‖ ‖u − gu‖."""
    size, delta = (6, 6), 1e-3
    u = np.random.default_rng(0).normal(size=(2, *size, 2))
    u = jnp.asarray(u / np.linalg.norm(u), jnp.float32)
    module = Claims(lambda x: x + delta * jnp.linalg.norm(x) * u, exact_everywhere(C4_IMAGE))
    report = check_contract(module, jax.random.key(0), size=size, max_shifts=2)
    for row in report.rows[1:4]:
        moved = jnp.rot90(u, int(row.element[1]), (1, 2))
        assert row.error == pytest.approx(delta * float(jnp.linalg.norm(u - moved)), rel=0.05)


def test_a_model_is_only_as_good_as_its_worst_layer():
    good = [Conv(C4_IMAGE, C4_FIELD, 3, padding="same", rngs=nnx.Rngs(0)), Pointwise(C4_FIELD)]
    net = Sequential([*good, Pool(C4_FIELD, 2, remainder="drop"), GlobalPool(C4_FIELD), GroupPool(C4_FIELD)])
    assert net.contract.points.at((8, 8)) == "exact"
    assert net.contract.points.at((7, 7)) == "none"
    odd = check_contract(net, jax.random.key(0), size=(7, 7))
    assert odd.worst("points") > 0.01
    assert "module 2" in " ".join(odd.reasons)


def test_a_promise_that_cannot_be_measured_is_not_kept():
    contract = dataclasses.replace(exact_everywhere(C4_IMAGE), step=4)
    report = check_contract(Claims(lambda x: x, contract), jax.random.key(0), size=(9, 9))
    assert not report.passed
    assert "multiples of 4 pixels are promised" in str(report)


def test_an_output_of_another_size_than_promised_fails():
    contract = exact_everywhere(C4_IMAGE, output_size=lambda size: (1, 1))
    report = check_contract(Claims(lambda x: x, contract), jax.random.key(0), size=(8, 8))
    assert not report.passed
    assert "(8, 8), but (1, 1) is promised" in str(report)


def test_reports_show_what_is_held_and_what_is_only_measured():
    layer = Conv(FieldType("C8", "1 trivial"), FieldType("C8", "1 regular"), 5, padding="same", rngs=nnx.Rngs(0))
    report = check_contract(layer, jax.random.key(0), size=[8, 8])  # type: ignore[arg-type]
    assert report.passed
    assert "4 elements" in str(report)
    assert "(tolerance 2.9e-06)" in str(report)
    assert "(approximate, not judged)" in str(report)


@pytest.mark.parametrize("options", [{"size": 8.5}, {"size": (8, 8, 8)}, {"batch": 0}, {"max_shifts": -1}])
def test_impossible_checks_are_refused(options: dict):
    layer = Pool(C4_FIELD, 2)
    with pytest.raises(ValueError, match="invalid"):
        check_contract(layer, jax.random.key(0), **options)
    for few in (0, 1):
        shifts = check_contract(layer, jax.random.key(0), size=(8, 8), max_shifts=few).rows
        assert len([row for row in shifts if row.symmetry == "shifts"]) == few
