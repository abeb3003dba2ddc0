"""Pooling and resampling against loops in NumPy, and what they refuse."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.layers import (
    AdaptivePool,
    BlurPool,
    GroupPool,
    NormMaxPool,
    NormPool,
    Pool,
    SubgroupPool,
    Upsample,
    antialiased_max_pool,
    correlate,
    pool,
)
from geomdl.representations import FieldType

RNG = np.random.default_rng(4)
IMAGE = FieldType("C1", "2 trivial")


def _close(a, b) -> None:
    np.testing.assert_allclose(np.asarray(a), b, atol=2e-6, rtol=2e-6)


def _array(x: np.ndarray) -> jax.Array:
    return jnp.asarray(x, jnp.float32)


@pytest.mark.parametrize(
    ("window", "stride", "padding", "mode", "remainder", "n"),
    [
        (2, 2, 0, "zeros", "error", 6),
        (3, 2, 1, "zeros", "error", 7),
        (3, 1, 1, "circular", "error", 4),
        (2, 2, 0, "zeros", "drop", 5),
        (2, 2, 0, "zeros", "keep", 5),
        (3, 2, 1, "replicate", "error", 5),
    ],
)
def test_norm_max_pool_by_hand(window, stride, padding, mode, remainder, n):
    t = FieldType("C8", "1 trivial + 1 irrep(1)")
    layer = NormMaxPool(t, window, stride=stride, padding=padding, padding_mode=mode, remainder=remainder)
    x = RNG.normal(size=(2, n, n, 3))
    out = layer.window.output_size((n, n))[0]
    expected = np.zeros((2, out, out, 3))
    for b, i, j in np.ndindex(2, out, out):
        for channels in (slice(0, 1), slice(1, 3)):
            candidates = []
            for r in range(i * stride - padding, i * stride - padding + window):
                for c in range(j * stride - padding, j * stride - padding + window):
                    inside = 0 <= r < n and 0 <= c < n
                    if mode == "circular":
                        candidates.append(x[b, r % n, c % n, channels])
                    elif inside or mode == "replicate":
                        candidates.append(x[b, np.clip(r, 0, n - 1), np.clip(c, 0, n - 1), channels])
            expected[b, i, j, channels] = max(candidates, key=lambda f: float(f @ f))
    _close(jax.jit(layer)(_array(x)), expected)


@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize(
    ("n", "window", "stride", "padding", "windows"),
    [(3, 1, 3, 0, 1), (5, 3, 5, 2, 2), (5, 2, 3, 0, 2), (4, 2, 3, 0, 2), (3, 2, 4, 1, 1)],
)
def test_kept_windows_start_inside(reduce, n, window, stride, padding, windows):
    """Every window that is kept holds pixels, so their maxima and means are finite numbers."""
    x = RNG.normal(size=(1, n, n, 1))
    y = pool(_array(x), window, stride=stride, padding=padding, reduce=reduce, remainder="keep")
    starts = [i * stride - padding for i in range(windows)]
    parts = [[x[0, max(r, 0) : r + window, max(c, 0) : c + window, 0] for c in starts] for r in starts]
    _close(y[0, :, :, 0], [[getattr(part, reduce)() for part in row] for row in parts])
    layer = Pool(FieldType("C1", "1 trivial"), window, reduce=reduce, stride=stride, padding=padding, remainder="keep")
    assert layer.contract.output_size((n, n)) == (windows, windows)
    filtered = correlate(_array(x), jnp.ones((window, window, 1, 1)), stride=stride, padding=padding, remainder="keep")
    _close(filtered[0, :, :, 0], [[part.sum() for part in row] for row in parts])


@pytest.mark.parametrize("padding", [2, 3])
def test_windows_of_nothing_are_refused(padding):
    x = jnp.ones((1, 5, 5, 1))
    with pytest.raises(
        ValueError, match=f"padding of a pooling with zeros {padding}; allowed: less than its window, 2"
    ):
        pool(x, 2, stride=1, padding=padding)
    with pytest.raises(ValueError, match="less than its window"):
        Pool(IMAGE, 2, stride=1, padding=padding)
    assert bool((pool(x, 2, stride=1, padding=padding, padding_mode="circular") == 1).all())
    assert bool((pool(x, 2, stride=1, padding="full") == 1).all())


def test_strides_are_numpy_integers_but_not_zero():
    assert Pool(IMAGE, 2, stride=np.int64(2)).contract.output_size((6, 4)) == (3, 2)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="invalid stride 0"):
        Pool(IMAGE, 2, stride=0)


def test_norm_max_pool_of_nothing_is_nothing():
    y = jax.jit(NormMaxPool(FieldType("C8", "1 irrep(1)"), 3, stride=2, padding=1))(jnp.zeros((1, 5, 5, 2)))
    assert bool((y == 0).all())
    low = jax.jit(NormMaxPool(FieldType("C8", "1 irrep(1)"), 2))(jnp.ones((1, 4, 4, 2), jnp.bfloat16))
    assert low.dtype == jnp.bfloat16
    assert bool((low == 1).all()), "equal vectors: their mean"


@pytest.mark.parametrize("reduce", ["max", "mean"])
@pytest.mark.parametrize(("n", "m"), [(7, 3), (8, 4), (5, 5), (6, 1), (9, 4)])
def test_adaptive_pool_by_hand(n, m, reduce):
    x = RNG.normal(size=(2, n, n + 1, 2))
    got = AdaptivePool(IMAGE, (m, m), reduce)(_array(x))
    expected = np.empty((2, m, m, 2))
    for i, j in np.ndindex(m, m):
        rows = [r for r in range(n) if r + 1 > i * n / m and r < (i + 1) * n / m]  # pixels that overlap the bin
        columns = [c for c in range(n + 1) if c + 1 > j * (n + 1) / m and c < (j + 1) * (n + 1) / m]
        window = x[:, rows][:, :, columns]
        expected[:, i, j] = window.max((1, 2)) if reduce == "max" else window.mean(1).mean(1)
    _close(got, expected)


def test_antialiased_max_pool_is_a_maximum_and_a_blur():
    t = FieldType("C4", "1 regular")
    x = _array(RNG.normal(size=(1, 8, 8, 4)))
    layer = antialiased_max_pool(t)
    _close(layer(x), np.asarray(BlurPool(t, 3, padding=1)(Pool(t, 2, stride=1)(x))))
    assert layer.contract.points.at((8, 8)) == "exact"
    vectors = FieldType("C8", "1 irrep(1)")
    assert isinstance(antialiased_max_pool(vectors).layers[0], NormMaxPool)


@pytest.mark.parametrize(
    ("group", "subgroup", "axis"), [("C8", "C2", 0), ("C6", "C3", 0), ("D4", "C4", 0), ("D4", "D1", 0), ("D4", "D2", 1)]
)
def test_subgroup_pool_by_hand(group, subgroup, axis):
    for reduce, combine in (("max", max), ("mean", np.mean)):
        layer = SubgroupPool(FieldType(group, "2 regular"), subgroup, reduce, axis=axis)
        whole = layer.in_type.group
        order, x = int(whole.order), RNG.normal(size=(3, layer.in_type.size))
        members = layer.subgroup.embed(layer.subgroup.subgroup.elements())
        expected = []
        for row in x:
            for f in range(2):
                for t in layer.subgroup.representatives():
                    expected.append(combine([row[f * order + whole.index(whole.product(t, h))] for h in members]))
        _close(layer(_array(x)).ravel(), expected)


def test_subgroup_pool_between_identity_and_group_pool():
    t = FieldType("D3", "2 regular")
    x = _array(RNG.normal(size=(3, 12)))
    _close(SubgroupPool(t, "C1")(x), np.asarray(x))
    _close(SubgroupPool(t, "D3")(x), np.asarray(GroupPool(t)(x)))


@pytest.mark.compiled
def test_norm_pool_by_hand():
    x = RNG.normal(size=(5, 4))
    expected = np.stack([np.sqrt(x[:, 0] ** 2 + x[:, 1] ** 2), np.sqrt(x[:, 2] ** 2 + x[:, 3] ** 2)], -1)
    layer = NormPool(FieldType("O2", "2 irrep(1,3)"))
    _close(layer(_array(x)), expected)
    assert bool(jnp.isfinite(jax.grad(lambda x: layer(x).sum())(jnp.zeros((1, 4)))).all())


def _kernel(method: str, t: float) -> float:
    t = abs(t)
    if method == "bilinear":
        return max(0.0, 1 - t)
    if t <= 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


@pytest.mark.parametrize("mode", ["replicate", "circular"])
@pytest.mark.parametrize("method", ["nearest", "bilinear", "cubic"])
@pytest.mark.parametrize(("n", "m"), [(4, 8), (3, 9), (5, 7), (4, 6), (3, 3)])
def test_upsampling_by_hand(n, m, method, mode):
    layer = Upsample(IMAGE, size=(m, n), method=method, padding_mode=mode)
    x = RNG.normal(size=(2, n, n, 2))
    expected = np.zeros((2, m, n, 2))
    for i in range(m):
        p = (i + 0.5) * n / m - 0.5
        if method == "nearest":
            best = min(abs(p - j) for j in range(-1, n + 1))
            weights = {j: 1.0 for j in range(-1, n + 1) if abs(abs(p - j) - best) < 1e-9}
            weights = {j: 1 / len(weights) for j in weights}
        else:
            weights = {j: _kernel(method, p - j) for j in range(-3, n + 3)}
        for j, w in weights.items():
            expected[:, i] += w * x[:, j % n if mode == "circular" else min(max(j, 0), n - 1)]
    _close(layer(_array(x)), expected)


def test_upsampling_interpolates_polynomials():
    """Away from the border, bilinear weights reproduce lines, Keys' cubic ones parabolas."""
    rows = np.arange(12.0)[:, None] * np.ones((1, 12))
    for method, power in (("bilinear", 1), ("cubic", 2)):
        y = Upsample(FieldType("C1", "1 trivial"), 2, method=method)(_array((rows**power)[None, ..., None]))
        fine = ((np.arange(24) + 0.5) / 2 - 0.5) ** power
        assert np.allclose(y[0, 6:-6, 5, 0], fine[6:-6], atol=1e-4)


def test_promises_of_resampling():
    t = FieldType("C4", "1 regular")
    assert Upsample(t, 2, padding_mode="circular").contract.stride == Fraction(1, 2)
    assert Upsample(t, 2).contract.shifts.level == "none"
    assert Upsample(t, 2, method="nearest").contract.shifts.level == "exact"
    assert Upsample(t, size=(8, 6)).contract.points.level == "none", "quarter turns exchange the sides"
    assert Upsample(FieldType("D2", "1 regular"), size=(8, 6)).contract.points.level == "exact"
    assert Upsample(t, size=9).contract.points.at((4, 5)) == "none"
    assert AdaptivePool(t, 3).contract.output_size((8, 8)) == (3, 3)
    assert Upsample(t, 3).multiply_adds((2, 2)) == 4 * 2 * (6 * 2 + 6 * 6)


REFUSED = [
    (lambda: Upsample(IMAGE), "one of them"),
    (lambda: Upsample(IMAGE, 2, size=4), "one of them"),
    (lambda: Upsample(IMAGE, 0), "a positive integer"),
    (lambda: Upsample(IMAGE, 2, method="bicubic"), "allowed: nearest, bilinear, cubic"),
    (lambda: Upsample(IMAGE, 2, padding_mode="zeros"), "allowed: replicate, circular"),
    (lambda: Upsample(IMAGE, size=4)(jnp.ones((1, 6, 6, 2))), "or AdaptivePool"),
    (lambda: AdaptivePool(IMAGE, 4)(jnp.ones((1, 3, 3, 2))), "or Upsample"),
    (lambda: AdaptivePool(IMAGE, 0), "a positive integer"),
    (lambda: AdaptivePool(FieldType("C8", "1 irrep(1)"), 2, "max"), "permutes"),
    (lambda: SubgroupPool(FieldType("C8", "1 irrep(1)"), "C2"), "NormPool"),
    (lambda: SubgroupPool(FieldType("C8", "1 regular"), "C3"), "a subgroup of C8"),
    (lambda: SubgroupPool(FieldType("SO2", "1 irrep(1)"), "C3"), "finite group"),
    (lambda: SubgroupPool(FieldType("C8", "1 regular"), "C2", "sum"), "allowed: max, mean"),
    (lambda: NormMaxPool(IMAGE, 0), "a positive integer"),
    (lambda: Pool(FieldType("C8", "1 irrep(1)"), 2), "allowed there: reduce='mean', NormMaxPool"),
    (lambda: GroupPool(FieldType("C8", "1 irrep(1)")), "allowed there: NormPool"),
]


@pytest.mark.parametrize(("make", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
