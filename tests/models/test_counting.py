"""Counts of weights and multiplications of dense, locally connected and convolutional layers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geomdl.models import (
    conv_multiplications,
    conv_parameters,
    dense_multiplications,
    dense_parameters,
    local_multiplications,
    local_parameters,
)

sizes = st.integers(1, 40)


@given(rows=sizes, columns=sizes, inputs=sizes, outputs=sizes, bias=st.booleans())
def test_a_window_as_large_as_the_image_is_a_dense_layer(rows, columns, inputs, outputs, bias):
    dense = dense_parameters(rows * columns * inputs, outputs, bias)
    assert conv_parameters((rows, columns), inputs, outputs, bias) == dense
    assert local_parameters((rows, columns), inputs, outputs, 1, bias) == dense
    assert conv_multiplications((rows, columns), inputs, outputs, 1) == dense_multiplications(
        rows * columns * inputs, outputs
    )


@given(kernel=sizes, inputs=sizes, outputs=sizes, rows=sizes, columns=sizes, bias=st.booleans())
def test_sharing_saves_weights_but_no_multiplications(kernel, inputs, outputs, rows, columns, bias):
    places = rows * columns
    shared = conv_parameters(kernel, inputs, outputs, bias)
    assert local_parameters(kernel, inputs, outputs, (rows, columns), bias) == places * shared
    multiplications = conv_multiplications(kernel, inputs, outputs, (rows, columns))
    assert multiplications == local_multiplications(kernel, inputs, outputs, (rows, columns))
    assert multiplications == places * conv_parameters(kernel, inputs, outputs, bias=False)


@pytest.mark.parametrize("wrong", [0, -1, 2.5, "3"])
def test_sizes_that_make_no_sense_are_named(wrong):
    with pytest.raises(ValueError, match=r"invalid in_features .*a positive integer"):
        dense_parameters(wrong, 1)
    with pytest.raises(ValueError, match=r"invalid out_channels .*a positive integer"):
        conv_parameters(3, 1, wrong)
    with pytest.raises(ValueError, match=r"invalid kernel_size .*a positive integer"):
        conv_parameters((3, wrong), 1, 1)
    with pytest.raises(ValueError, match=r"invalid output_size .*a positive integer"):
        local_parameters(3, 1, 1, (4, wrong))
