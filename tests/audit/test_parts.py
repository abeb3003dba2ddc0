"""The parts of an audit: requirements, images, targets, levels."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from geomdl.actions import act
from geomdl.audit import Images, Verdict, read_images, requirement, symmetry_names
from geomdl.audit.measuring.loading import load_target
from geomdl.audit.measuring.measurement import measure
from geomdl.audit.measuring.stream import Stream
from geomdl.audit.probes.images import band_limited
from geomdl.audit.probes.output import output_of
from geomdl.audit.probes.transformations import (
    circular_shifts,
    fourier_shift,
    fractional_shift,
    in_group,
    point_transformation,
)
from geomdl.audit.report.report import number
from geomdl.audit.results.verdict import judge
from geomdl.equivariance import as_function
from geomdl.equivariance.adapters.onnx_files import TakenImages
from geomdl.groups import C8, D1, D4, O2
from geomdl.representations import FieldType

NAMES = symmetry_names(D4)


def verdict(level, error) -> Verdict:
    return Verdict("C4", "", level, error, error, "90°", 3, 1e-5, 0.0, 0.0, 1.0)


@pytest.mark.parametrize(
    ("text", "level", "error", "holds"),
    [
        ("C4 exact", "exact", 1e-7, True),
        ("c4  EXACT", "exact", 1e-7, True),
        ("C4 exact", "approximate", 1e-3, False),
        ("C4 exact", "dead", math.nan, False),
        ("C4 approximate", "exact", 1e-7, True),
        ("C4 approximate", "broken", 0.5, False),
        ("C4 approximate<0.1", "approximate", 0.05, True),
        ("C4 approximate < 0.1", "approximate", 0.15, False),
        ("C4 approximate<=1e-2", "approximate", 0.015, False),
        ("C4 approximate", "not measured", math.nan, False),
        ("C4 broken", "broken", 0.5, True),
        ("C4 broken", "exact", 0.0, False),
    ],
)
def test_requirements(text, level, error, holds) -> None:
    assert requirement(text, NAMES).holds(verdict(level, error)) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C8 exact", "unknown symmetry in requirement 'C8 exact': 'C8'; allowed: C2, C4"),
        ("shift exact", "did you mean 'shifts'"),
        ("C4 exakt", "unknown level in requirement 'C4 exakt': 'exakt'; .*did you mean 'exact'"),
        ("C4", "invalid requirement 'C4'; allowed: 'SYMMETRY LEVEL'"),
        ("C4 exact<small", "invalid bound in requirement"),
        ("C4 exact<-1", "invalid bound in requirement"),
    ],
)
def test_requirements_that_mean_nothing(text, message) -> None:
    with pytest.raises(ValueError, match=message):
        requirement(text, NAMES)


def test_names_of_symmetries() -> None:
    assert symmetry_names(C8)[:4] == ("C2", "C4", "C8", "shifts")
    assert {"D1", "left-right"} <= set(symmetry_names(D1))
    assert {"C4", "SO2", "D4", "O2"} <= set(symmetry_names(O2))
    assert all(len(set(symmetry_names(g))) == len(symmetry_names(g)) for g in (C8, D1, D4, O2))


def test_levels_follow_the_spread_and_the_resampling() -> None:
    assert judge(0.2, tolerance=1e-5, spread=1.0, through=0.0) == "broken"
    assert judge(0.2, tolerance=1e-5, spread=1.0, through=1e-3) == "approximate"
    assert judge(0.3, tolerance=1e-5, spread=1.0, through=0.2) == "approximate"
    assert judge(math.inf, tolerance=1e-5, spread=1.0, through=0.2) == "broken"


def test_band_limited_images_survive_half_a_pixel() -> None:
    x = band_limited(np.random.default_rng(0), 2, (16, 16, 1), np.float64)
    there_and_back = fourier_shift(fourier_shift(x, (0.5, 0.25)), (-0.5, -0.25))
    np.testing.assert_allclose(there_and_back, x, atol=1e-12)
    np.testing.assert_allclose(
        fourier_shift(fourier_shift(x, (0.5, 0.5)), (0.5, 0.5)), np.roll(x, (1, 1), (1, 2)), atol=1e-12
    )


def test_images_from_files(tmp_path: Path) -> None:
    whole = np.arange(3 * 4 * 4).reshape(3, 4, 4, 1).astype(np.uint8)
    np.savez(tmp_path / "data.npz", images=whole, labels=np.arange(3))
    found = read_images(str(tmp_path / "data.npz"), count=2)
    assert (found.pixels.shape, found.pixels.dtype, found.pixels.max()) == (
        (2, 4, 4, 1),
        np.float32,
        np.float32(31 / 255),
    )
    assert found.labels is not None
    assert found.labels.tolist() == [0, 1]
    np.save(tmp_path / "grey.npy", whole[..., 0] / 2)
    assert read_images(str(tmp_path / "grey.npy"), count=9).pixels.shape == (3, 4, 4, 1)
    np.savez(tmp_path / "wrong.npz", pictures=whole)
    (tmp_path / "broken.npz").write_text("no")
    for name, message in [
        ("wrong.npz", "cannot read .*no array 'images'; there are: pictures"),
        ("broken.npz", "cannot read .*it is text"),
        ("absent.npy", "invalid data"),
        ("digit", "unknown data.name 'digit'.*did you mean 'digits'"),
    ]:
        with pytest.raises(ValueError, match=message):
            read_images(str(tmp_path / name) if "." in name else name, count=2)


MODELS = """
import numpy as np

class Net:
    def __call__(self, x):
        return x

def build():
    return Net()

def itself(x):
    return 2 * x

def fails():
    raise RuntimeError("no weights here")

def nothing():
    pass

ready = Net()
"""


def test_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    file = tmp_path / "audited_models.py"
    file.write_text(MODELS)
    assert type(load_target(f"{file}:build")).__name__ == "Net"
    assert type(load_target(f"{file}:Net")).__name__ == "Net"
    assert type(load_target(f"{file}:ready")).__name__ == "Net"
    assert load_target(f"{file}:itself")(3) == 6
    assert load_target(f"{file}:np.square")(3) == 9
    monkeypatch.chdir(tmp_path)
    assert load_target("audited_models:itself")(3) == 6
    (tmp_path / "sick.py").write_text("import surely_not_installed")
    for target, message in [
        ("audited_models", "invalid model 'audited_models'; allowed: package.module:Name or path/file.py:Name"),
        (f"{file}:biuld", "unknown name in .*'biuld'; .*did you mean 'build'"),
        (f"{file}:fails", "was called without arguments and raised RuntimeError: no weights here"),
        (f"{file}:nothing", "returned None; it must return a model"),
        ("absent.py:build", "invalid model 'absent.py:build'; allowed: a Python file that exists"),
        (
            "sick:build",
            r"cannot import .*sick.py: ModuleNotFoundError: .*'surely_not_installed' \(.*sick.py, line 1\)",
        ),
        ("no_such_package.models:build", "cannot find the module no_such_package.models of model"),
    ]:
        with pytest.raises(ValueError, match=message):
            load_target(target)


def test_numbers_are_short() -> None:
    assert [number(v) for v in (0.0, 1e-7, 0.12345, 12.0, 1e5)] == ["0", "1.0e-07", "0.123", "12", "1.0e+05"]


def test_what_resampling_alone_changes_counts_the_way_through_the_model_and_that_of_its_output() -> None:
    """Of the identity both are the loss of the images themselves, on the part of the frame where outputs count."""
    images = Images("noise", band_limited(np.random.default_rng(0), 3, (12, 12, 1)))
    output = output_of(images.pixels.shape, (12, 12))
    stream = Stream(as_function(lambda x: x, numpy=True), batch=3)
    turns = [point_transformation((0, degrees), output) for degrees in (90.0, 30.0)]
    (exact, resampled), pictures = measure(stream, turns, images, output)
    assert (exact.frame, exact.error, exact.baseline, exact.through) == ("full", 0.0, 0.0, 0.0)
    assert (resampled.frame, resampled.error, resampled.interior) == ("disc", 0.0, None)
    assert 0 < resampled.baseline < 0.1
    assert resampled.through == pytest.approx(
        2 * resampled.baseline, rel=0.15
    )  # outputs count a little less at the rim
    assert [picture.measurement for picture in pictures] == [exact, resampled]


def test_images_move_alike_in_either_order_of_memory_and_stay_in_theirs() -> None:
    """As ONNX models of NCHW read them, images are no other images: to the last bit, and no move changes the order."""
    x = np.random.default_rng(0).normal(size=(3, 8, 8, 2)).astype(np.float32)
    first = TakenImages("NCHW", (8, 8, 2), None, np.dtype(np.float32)).arranged(x)
    output = output_of((3, 2), (8, 8))
    points = [point_transformation((f, 90.0 * k), output) for f in (0, 1) for k in range(4)]
    shifts = [*circular_shifts([(1, 0), (-3, 11)], output), fractional_shift((0.5, -0.25), output)]
    assert first.transpose(0, 3, 1, 2).flags.c_contiguous
    for transformation in (*points, *shifts):
        assert transformation is not None
        moved = np.concatenate([transformation.move(first)])
        np.testing.assert_array_equal(moved, transformation.move(x))
        assert transformation.family == "points" or moved.transpose(0, 3, 1, 2).flags.c_contiguous
    for transformation in points:
        g = in_group((int(transformation.value[0]), transformation.value[1]), D4)
        np.testing.assert_array_equal(transformation.move(first), act(g, x, FieldType(D4, "2 trivial")))
