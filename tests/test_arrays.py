"""What users give for arrays and numbers: converted where the meaning is certain, refused with advice otherwise."""

from fractions import Fraction
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.arrays import as_array, as_floating, wide_dtype
from geomdl.errors import misshapen
from geomdl.numbers import checker, whole_number

PLANE = ("batch", "height", "width", "channels")


class _Tensor:
    """As much of a PyTorch tensor as is asked of one."""

    __module__ = "torch"

    def __init__(self, values, dtype="torch.float32"):
        self.values, self.dtype, self.known = np.asarray(values, np.float32), dtype, dtype != "torch.bfloat16"

    def detach(self):
        return self

    def cpu(self):
        return self

    resolve_conj = resolve_neg = cpu

    def float(self):
        return _Tensor(self.values)

    def numpy(self):
        if not self.known:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float32, np.float64])
def test_floating_numbers_keep_their_precision(dtype):
    x = np.ones((2, 3), dtype)
    assert as_floating(x) is x


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "uint64"])
def test_whole_numbers_are_refused_or_converted(dtype):
    x = np.full((2, 3), 100, dtype)
    with pytest.raises(ValueError, match=rf"images '{dtype}'.*divide images by the largest value.*unit_interval"):
        as_floating(x, "images")
    converted = as_floating(x, integers="converted")
    assert converted.dtype == np.float32
    assert (np.asarray(converted) == 100).all()


def test_the_advice_names_the_largest_value():
    with pytest.raises(ValueError, match="/ 65535"):
        as_floating(np.zeros(2, np.uint16))


def test_what_is_true_or_false_is_1_or_0_also_when_traced():
    np.testing.assert_array_equal(as_floating(np.array([True, False])), np.array([1, 0], np.float32))
    assert jax.eval_shape(as_floating, jax.ShapeDtypeStruct((2,), bool)).dtype == np.float32


def test_lists_and_tensors_of_pytorch():
    np.testing.assert_array_equal(as_floating([[0.5, 1], [2, 3]]), [[0.5, 1], [2, 3]])
    np.testing.assert_array_equal(as_floating([np.ones(2), jnp.zeros(2)]), [[1, 1], [0, 0]])
    np.testing.assert_array_equal(as_floating(_Tensor([1.5])), [1.5])
    assert as_floating(_Tensor([1.5], "torch.bfloat16")).dtype == jnp.bfloat16
    np.testing.assert_array_equal(as_floating([_Tensor([1.5]), _Tensor([2.5])]), [[1.5], [2.5]])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros(2, complex), "real and imaginary part"),
        (None, "an array of numbers"),
        ("text", "numbers"),
        ([[1.0, 2.0], [3.0]], "rows are of one length"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), "without mask"),
        (np.array([object()]), "numbers"),
        (jnp.zeros(2, jnp.float8_e4m3fn), "bfloat16"),
        (jax.random.key(0), "numbers"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused(x, message):
    with pytest.raises(ValueError, match=message):
        as_floating(x)


def test_any_numbers_can_be_moved():
    assert as_array(np.zeros(2, complex)).dtype == complex
    assert as_array([1, 2]).dtype == np.int64


def test_coordinates_are_of_float32_at_least():
    assert [wide_dtype(d) for d in (np.float16, jnp.bfloat16, np.float32, np.uint8)] == [np.dtype(np.float32)] * 4


@pytest.mark.parametrize(
    ("shape", "channels", "guess"),
    [
        ((32, 32, 3), 3, r"x\[None\]"),
        ((10, 32, 32), 1, r"x\[\.\.\., None\]"),
        ((10, 3, 32, 32), 3, r"moveaxis\(x, 1, -1\)"),
        ((3, 32, 32), 3, r"moveaxis\(x, 0, -1\)\[None\]"),
        ((28, 28), 1, r"x\[None, \.\.\., None\]"),
        ((1, 2, 28, 28, 1), 1, r"x\[0\]"),
        ((10, 3, 32, 32), None, r"moveaxis\(x, 1, -1\)"),
    ],
)
def test_a_wrong_shape_comes_with_a_guess(shape, channels, guess):
    with pytest.raises(ValueError, match=guess):
        raise misshapen("images", shape, PLANE, channels)


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_whole_numbers_are_those_of_python_and_numpy(value):
    assert type(whole_number("n", value)) is int


@pytest.mark.parametrize("value", [3.0, 2.5, np.float64(3), True, "3", None, float("nan"), float("inf"), 0, [3]])
def test_other_numbers_are_not_whole(value):
    with pytest.raises(ValueError, match=r"invalid n .*a whole number, at least 1"):
        whole_number("n", value)


def test_annotations_say_what_is_checked():
    assert checker(str) is None
    assert checker(int | str | None)("n", "auto") == "auto"
    padding = checker(int | tuple[int, ...] | Literal["same"])
    assert [padding("padding", v) for v in ("same", np.int64(1), [1, np.int64(2)])] == ["same", 1, (1, 2)]
    assert checker(int | Fraction)("factor", Fraction(1, 2)) == Fraction(1, 2)
    for hint, value in ((int | None, 2.5), (tuple[int, int], (1, 2, 3)), (float, float("nan")), (tuple[int, int], 3)):
        with pytest.raises(ValueError, match="invalid size"):
            checker(hint)("size", value)


def test_coordinates_are_as_wide_as_the_array_and_float32_at_least() -> None:
    assert [wide_dtype(kind) for kind in (np.float16, jnp.bfloat16, np.float32, np.uint8)] == [np.float32] * 4
    with jax.enable_x64(True):
        assert wide_dtype(np.float64) == np.float64
