"""The style of figures: lines of models, sizes, and files that are equal when figures are."""

import itertools

import matplotlib
import pytest

from geomdl.plots import figure, line, save, style

QUICKSTART = ["MLP", "CNN", "CNN + augmentation", "TI-CNN", "C4", "D4"]


@pytest.mark.parametrize(
    "names",
    [
        ("C4", "c4", "C4 G-CNN", "c4_gcnn", "C4-CNN"),
        ("TI-CNN", "ti_cnn", "translation-invariant CNN"),
        ("CNN + augmentation", "cnn_aug", "CNN with rotation augmentation", "cnn+aug"),
        ("SO(2)", "SO2", "so2"),
    ],
    ids=lambda names: names[0],
)
def test_one_family_has_one_look_however_it_is_written(names):
    assert len({line(n) for n in names}) == 1
    assert line(names[0], 0) == line(names[0], 3)  # a look of its own, not a spare one


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(QUICKSTART, 2)))
def test_families_differ_in_colour_and_in_marker(one, other):
    assert line(one).colour != line(other).colour
    assert line(one).marker != line(other).marker


def test_unknown_families_get_spare_looks_by_position():
    assert line("something new", 0) != line("something new", 1)


def test_style_is_undone_after_the_block():
    before = matplotlib.rcParams["font.size"]
    with style():
        assert matplotlib.rcParams["font.size"] == 7.5
    assert matplotlib.rcParams["font.size"] == before


def test_figure_names_the_widths_it_knows():
    with pytest.raises(
        ValueError, match="unknown figure width 'dubble'; allowed: single, double; did you mean 'double'"
    ):
        figure("dubble")


def test_saving_twice_gives_equal_files(tmp_path):
    def written(folder):
        with style():
            fig = figure("single", height=1.5)
            fig.subplots().plot([0, 1], [1, 0], label="a")
            return [p.read_bytes() for p in save(fig, tmp_path / folder, "plot")]

    first = written("first/nested")
    assert first == written("second")
    assert first[0].startswith(b"\x89PNG")
    assert first[1].startswith(b"%PDF")
