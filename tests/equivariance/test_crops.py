"""Fields of view: what layers promise about crops is measured, and a wrong reach or offset is found."""

import dataclasses

import jax
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.layers import (
    Conv,
    GroupNorm,
    InstanceNorm,
    Pool,
    SelfAttention,
    Sequential,
    TransposedConv,
    Upsample,
)
from geomdl.representations import FieldType

T = FieldType("C1", "4 trivial")


def _conv(kernel_size: int, **options) -> Conv:
    return Conv(T, T, kernel_size, rngs=nnx.Rngs(0), **options)


LAYERS = {
    "zeros": lambda: _conv(5, padding="same"),
    "reflect": lambda: _conv(3, padding=1, padding_mode="reflect"),
    "valid, dilated": lambda: _conv(3, dilation=2),
    "full, even": lambda: _conv(4, padding="full"),
    "stride 3": lambda: _conv(3, stride=3, padding=1, remainder="drop"),
    "incomplete windows": lambda: Pool(T, 2, remainder="keep"),
    "transposed": lambda: TransposedConv(T, T, 4, stride=2, padding=1, rngs=nnx.Rngs(0)),
    "transposed, 5 by 3": lambda: TransposedConv(T, T, 5, stride=3, rngs=nnx.Rngs(0)),
    "upsampled, 3": lambda: Upsample(T, 3),
    "upsampled, cubic": lambda: Upsample(T, 2, method="cubic"),
    "nearest": lambda: Upsample(T, 2, method="nearest"),
    "there and back": lambda: Sequential([_conv(3), Pool(T, 2), _conv(3, padding=1), Upsample(T, 2), _conv(3)]),
}


class _Claims(nnx.Module):
    """A layer that claims something else."""

    def __init__(self, layer, **claims):
        self.layer, self.contract = layer, dataclasses.replace(layer.contract, **claims)

    def __call__(self, x, *, train: bool = False, key=None):
        return self.layer(x, train=train, key=key)


def _check(module, size=(20, 20)):
    return check_contract(module, jax.random.key(0), size=size, batch=1, max_shifts=3, approximate=False)


@pytest.mark.parametrize("name", LAYERS)
def test_the_field_of_view_is_as_promised(name):
    report = _check(LAYERS[name]())
    assert report.passed, str(report)
    assert len([row for row in report.promised if row.symmetry == "cropped"]) == 3


@pytest.mark.parametrize("name", ["zeros", "reflect", "full, even", "stride 3", "upsampled, cubic"])
def test_a_reach_that_is_too_small_is_found(name):
    layer = LAYERS[name]()
    assert _check(_Claims(layer, reach=max(0, layer.contract.reach - 1))).worst("cropped") > 1e-3


WHOLE = [InstanceNorm, lambda t: GroupNorm(t, 2), lambda t: SelfAttention(t, 2, rngs=nnx.Rngs(0))]


@pytest.mark.parametrize("layer", WHOLE, ids=["instance", "group", "attention"])
def test_layers_that_look_at_the_whole_image_say_so(layer):
    layer = layer(T)
    assert (layer.contract.reach, layer.contract.cropped.level) == (None, "none")
    report = _check(_Claims(layer, reach=0), (8, 8))
    assert report.worst("cropped") > 1e-2
    assert {row.symmetry for row in report.failures} == {"cropped"}


def test_a_wrong_offset_is_found():
    layer = _conv(3, padding=1)
    assert layer.contract.offset == 0
    assert _check(_Claims(layer, offset=1), (8, 8)).worst("cropped") > 1e-3


def test_images_smaller_than_the_field_of_view_are_named():
    report = _check(_conv(7, padding="same"), (6, 6))
    assert report.passed
    assert "crops" in " ".join(report.reasons)
