"""Strategies give what they say, the same in every run, and shrink to the identity, small sizes and plain types."""

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import geomdl.testing as gt
from geomdl.actions import FAMILIES
from geomdl.groups import C4, C8, D4, O2, SO2, C, D, DirectProduct, GridTranslations, Group, wallpaper
from geomdl.testing import random_images
from geomdl.testing.smallest import smallest_failing

ALL = [C4, D4, SO2, O2, GridTranslations(6, 8, step=2), DirectProduct(C4, D(1)), wallpaper("p4m", 4)]


def examples(strategy: st.SearchStrategy, count: int) -> list:
    """Values of a strategy, the same in every run."""
    drawn = []

    @settings(max_examples=count)
    @given(strategy)
    def keep(value: object) -> None:
        drawn.append(value)

    keep()
    return drawn


@pytest.mark.parametrize("group", ALL, ids=str)
@pytest.mark.parametrize("kind", ["any", "identity", "generator", "random", "word"])
def test_elements_are_of_the_group_and_shrink_towards_the_identity(group: Group, kind: str):
    for g in examples(gt.elements(group, kind), 20):
        assert g.shape == (group.element_size,)
        assert group.is_close(group.product(g, group.inverse(g)), group.identity)
        if group.is_finite:
            assert np.array_equal(group.elements()[group.index(g)], g)
    smallest = find(gt.elements(group, kind), lambda g: True)
    if kind == "generator":
        assert any(np.array_equal(smallest, s) for s in group.generators())
    else:
        assert group.is_close(smallest, group.identity)


def test_smallest_counterexamples_are_near_the_identity():
    assert find(gt.elements(C(12), "random"), lambda g: g[1] not in (0, 1, 11)).tolist() == [0, 2]
    assert find(gt.elements(D4, "random"), lambda g: bool(g[0])).tolist() == [1, 0]
    assert find(gt.elements(GridTranslations(9, 9), "random"), lambda g: bool(g.any())).sum() == 1
    assert find(gt.elements(SO2), lambda g: 1 < g[1] < 3).tolist() == [0.0, 2.0]


def test_every_element_of_a_small_group_is_drawn():
    seen = {tuple(g.tolist()) for g in examples(gt.elements("D4", "word", max_length=6), 100)}
    assert len(seen) == 8


def test_elements_of_families_stay_within_their_strengths():
    for name in ("similarity", "brightness"):
        family = FAMILIES[name]

        drawn = examples(gt.elements(name, "random"), 20)
        parameters = np.array(drawn)[:, 1:] if family.reflections else np.array(drawn)
        assert np.all(np.abs(parameters) <= family.strengths)
        assert not family.reflections or {g[0] for g in drawn} == {0, 1}
        np.testing.assert_array_equal(find(gt.elements(name), lambda g: True), family.identity)
        assert np.count_nonzero(find(gt.elements(name, "generator"), lambda g: True)) == 1


def test_groups_sizes_types():
    assert find(gt.groups(), lambda group: True) == C(2)
    assert find(gt.groups(on_grid=True), lambda group: group.order > 4) == D4
    assert find(gt.groups(reflections=False, max_order=1), lambda group: True) == SO2
    assert find(gt.sizes(3, 20, parity="odd", multiple_of=3), lambda size: size[0] > 3) == (9, 9)
    assert find(gt.sizes(square=False), lambda size: size[0] != size[1]) in ((4, 5), (5, 4))
    assert find(gt.dtypes(double=True, half=True), lambda d: True) == np.float32
    assert {d.itemsize for d in (find(gt.dtypes(half=True), lambda d, n=n: d.itemsize == n) for n in (2, 4))} == {2, 4}
    assert find(gt.field_types(D4), lambda t: True).fields == "1 trivial"
    assert find(gt.field_types("SO2"), lambda t: not t.is_trivial).fields == "1 irrep(1)"
    words = ("regular", "quotient", "irrep")
    assert {word for t in examples(gt.field_types(C8), 40) for word in words if word in t.fields} == set(words)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: gt.elements(C4, "generators"), "did you mean 'generator'"),
        (lambda: gt.elements("similarity", "word"), "kind of element"),
        (lambda: gt.elements("similarty"), "did you mean 'similarity'"),
        (lambda: gt.sizes(5, 5, parity="even"), "invalid sizes"),
        (lambda: gt.sizes(parity="uneven"), "unknown parity"),
        (lambda: gt.groups(max_order=1, continuous=False), "invalid max_order"),
        (lambda: find(gt.images(kind="wite"), lambda x: True), "did you mean 'white'"),
    ],
)
def test_wrong_arguments(call: object, match: str):
    with pytest.raises(ValueError, match=match):
        call()


def test_images_are_small_and_reproducible():
    drawn = [examples(gt.images(gt.sizes(5, 8), st.integers(1, 3)), 6) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*drawn, strict=True))
    assert all(x.dtype == np.float32 and np.isfinite(x).all() for x in drawn[0])
    assert find(gt.images(gt.sizes(5, 8), st.integers(1, 3)), lambda x: True).shape == (2, 5, 5, 1)
    assert find(gt.images(7, 2, "natural", batch=1, dtype=gt.dtypes()), lambda x: True).shape == (1, 7, 7, 2)


def test_images_have_the_spectra_they_are_named_for():
    rng, size = np.random.default_rng(0), (64, 64)
    frequency = np.hypot(np.fft.fftfreq(64)[:, None], np.fft.fftfreq(64)[None])

    def amplitude(x: np.ndarray, low: float, high: float) -> float:
        ring = (frequency >= low) & (frequency < high)
        return float(np.sqrt((np.abs(np.fft.fft2(x, axes=(1, 2))) ** 2).mean((0, 3))[ring].mean()))

    def fall(x: np.ndarray) -> float:
        """The slope −α of the amplitude f^−α between 1/32 and 1/4 cycles per pixel."""
        return np.log(amplitude(x, 0.03, 0.05) / amplitude(x, 0.2, 0.3)) / np.log(0.25 / 0.04)

    assert abs(fall(random_images.white_noise(rng, size, batch=8))) < 0.1
    assert 0.8 < fall(random_images.natural_like(rng, size, batch=8)) < 1.5
    smooth = random_images.low_pass_noise(rng, size, batch=2)
    assert amplitude(smooth, 0.13, 1) < 1e-9 < amplitude(smooth, 0.05, 0.1)
    spots = random_images.blobs(rng, size, batch=2)
    assert amplitude(spots, 0.3, 1) < 1e-3 * amplitude(spots, 0.02, 0.05)
    assert np.abs(spots[:, [0, -1]]).max() < 0.05 * np.abs(spots).max()
    natural = random_images.natural_like(rng, size, batch=4)
    steps = np.abs(np.diff(natural, axis=1)).ravel()
    assert np.quantile(steps, 0.99) > 4 * np.median(steps)  # edges: a few large steps among small ones
    with pytest.raises(ValueError, match="cutoff"):
        random_images.low_pass_noise(rng, size, cutoff=0.6)


def test_smallest_failing_size_of_a_strategy_is_shrunk():
    tried = []

    def fails(size: tuple[int, int]) -> bool:
        tried.append(size)
        return size[0] >= 6

    assert smallest_failing(gt.sizes(4, 30), fails) == (6, 6)
    assert len(tried) == len(set(tried))
    assert smallest_failing(gt.sizes(4, 5), fails) is None
