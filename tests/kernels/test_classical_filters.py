"""Classical filters: symmetries, sums, variances, and sizes that are refused."""

import numpy as np
import pytest

from geomdl.kernels import classical_filters as filters


@pytest.mark.parametrize(
    "symmetric",
    [filters.identity, filters.mean_blur, filters.sharpen, filters.binomial_blur, filters.diagonal, filters.cross],
    ids=lambda f: f.__name__,
)
@pytest.mark.parametrize("size", [1, 3, 5])
def test_these_filters_are_the_same_turned_by_180_degrees(symmetric, size):
    kernel = symmetric(size)
    assert kernel.shape == (size, size)
    np.testing.assert_array_equal(kernel, kernel[::-1, ::-1])


@pytest.mark.parametrize("turned", [filters.shift(0, 1), filters.vertical_edge(), filters.sobel()])
def test_these_filters_are_not(turned):
    assert (turned != turned[::-1, ::-1]).any()


@pytest.mark.parametrize("blur", [filters.mean_blur, filters.sharpen, filters.binomial_blur], ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [1, 3, 5, 7])
def test_blurs_and_sharpening_keep_a_constant_image(blur, size):
    np.testing.assert_allclose(blur(size).sum(), 1, rtol=1e-6)


@pytest.mark.parametrize("size", [3, 5, 7])
def test_binomial_blur_has_its_variance_and_removes_the_checkerboard(size):
    kernel = filters.binomial_blur(size).astype(float)
    position = np.arange(size) - size // 2
    np.testing.assert_allclose((kernel.sum(1) * position**2).sum(), (size - 1) / 4, rtol=1e-6)
    checkerboard = (-1.0) ** np.add.outer(position, position)
    np.testing.assert_allclose((kernel * checkerboard).sum(), 0, atol=1e-7)


def test_edges_of_a_constant_image_are_zero():
    assert filters.vertical_edge().sum() == 0
    assert filters.sobel().sum() == 0


def test_strokes():
    assert (filters.anti_diagonal() == filters.diagonal()[:, ::-1]).all()
    assert set(np.unique(filters.cross(5))) == {-1, 1}
    assert (filters.cross(5) == 1).sum() == 9


def test_bank_keeps_the_order_of_the_filters():
    kernel = filters.bank(filters.diagonal(), filters.cross())
    np.testing.assert_array_equal(kernel[:, :, 0, 0], filters.diagonal())
    np.testing.assert_array_equal(kernel[:, :, 0, 1], filters.cross())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: filters.mean_blur(4), "invalid size 4; allowed: an odd positive integer"),
        (lambda: filters.identity(0), "invalid size 0"),
        (lambda: filters.shift(2, 0), r"invalid size 3; allowed: at least 5 for a shift by \(2, 0\); try 5"),
        (lambda: filters.bank(), "invalid filters"),
        (lambda: filters.bank(filters.sobel(), filters.mean_blur(5)), "one or more filters of one size"),
    ],
    ids=["even", "zero", "shift too far", "empty bank", "mixed bank"],
)
def test_wrong_sizes_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
