"""What a stride means where none, or a wrong one, is given."""

from collections.abc import Callable

import pytest

from geomdl.layers import BlurPool, NormMaxPool, Pool
from geomdl.representations import FieldType


@pytest.mark.parametrize("layer", [Pool, NormMaxPool])
def test_a_stride_that_is_not_given_is_the_window(layer: Callable):
    t = FieldType("C4", "1 regular")
    assert layer(t, 3).window.stride == layer(t, 3, stride=None).window.stride == 3
    assert layer(t, 3, stride=1).window.stride == 1


@pytest.mark.parametrize("layer", [Pool, NormMaxPool, BlurPool])
@pytest.mark.parametrize("stride", [0, -1, 1.5])
def test_a_stride_that_is_no_positive_integer_is_refused(layer: Callable, stride: float):
    with pytest.raises(ValueError, match=rf"invalid stride {stride}; allowed: (a positive integer|a whole number)"):
        layer(FieldType("C4", "1 regular"), 3, stride=stride)
