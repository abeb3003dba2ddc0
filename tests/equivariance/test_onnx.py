"""ONNX files as models: what they say they take, and what is refused. The files are written here."""

from pathlib import Path

import numpy as np
import pytest

from geomdl.audit import audit
from geomdl.cli.main import main
from geomdl.equivariance import as_function, orbit_errors
from geomdl.equivariance.adapters import onnx_files

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

FLOAT, HALF, DOUBLE, UINT8 = 1, 10, 11, 2  # onnx.TensorProto
CORNERS = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)


def write(path: Path, shape=("n", 1, 6, 6), kind=FLOAT, *, inputs=1, outputs=("y",), weights=None) -> str:
    """y_k = mean over pixels of x · (the weights turned by k quarter turns): C4 permutes the four numbers."""
    make = onnx.helper
    weights = np.stack([np.rot90(CORNERS, k) for k in range(4)]) if weights is None else weights
    axis = 1 if shape[1] == 1 else 3
    tables = np.expand_dims(weights[None], axis + 1)  # [1, 4, 1, 6, 6] or [1, 4, 6, 6, 1]
    axes = [2, 3, 4]
    nodes = [
        make.make_node("Cast", ["x0"], ["real"], to=FLOAT),
        make.make_node("Unsqueeze", ["real", "one"], ["wide"]),
        make.make_node("Mul", ["wide", "w"], ["products"]),
        make.make_node("ReduceMean", ["products", "axes"], [outputs[0]], keepdims=0),
        *(make.make_node("Neg", [outputs[0]], [name]) for name in outputs[1:]),
    ]
    constants = {"one": np.array([1]), "w": tables.astype(np.float32), "axes": np.array(axes)}
    graph = make.make_graph(
        nodes, "corners",
        [make.make_tensor_value_info(f"x{i}", kind, list(shape)) for i in range(inputs)],
        [make.make_tensor_value_info(name, FLOAT, [shape[0], 4]) for name in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return str(path)


def expected(x: np.ndarray) -> np.ndarray:
    return np.stack([(x[..., 0] * np.rot90(CORNERS, k)).mean((1, 2)) for k in range(4)], -1)


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        (("n", 1, 6, 6), FLOAT), (("n", 6, 6, 1), FLOAT), (("n", 1, "h", "w"), FLOAT), ((3, 1, 6, 6), FLOAT),
        ((1, 6, 6, 1), HALF), ((8, 1, 6, 6), DOUBLE),
    ],
)  # fmt: skip
def test_layout_size_batch_and_precision_are_those_of_the_file(shape, kind, tmp_path: Path) -> None:
    f = as_function(write(tmp_path / "m.onnx", shape, kind))
    assert (f.kind, f.name, f.differentiable) == ("onnx", "m.onnx", False)
    x = np.random.default_rng(1).normal(size=(5, 6, 6, 1)).astype(np.float32)
    np.testing.assert_allclose(f(x), expected(x), atol=2e-3 if kind == HALF else 1e-6)
    assert orbit_errors(f, x, "C4", "1 regular").worst < (2e-3 if kind == HALF else 1e-6)


def test_an_audit_of_a_file_needs_no_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "m.onnx", (4, 1, 6, 6))
    options = ["--group=C4", "--images=4", "--require=C4 exact"]
    assert main(["audit", path, *options, "--output=1 regular"]) == 0
    assert "m.onnx (onnx), 6×6×1 float32 → 4 treated as 1 regular of C4" in capsys.readouterr().out.splitlines()[0]
    assert main(["audit", path, *options]) == 1  # not invariant
    first = capsys.readouterr().out.splitlines()[0]
    assert "treated as invariant (assumed" in first
    assert "--output=" in first
    wrong = write(tmp_path / "wrong.onnx", weights=np.stack([np.rot90(CORNERS, k * k) for k in range(4)]))
    assert main(["audit", wrong, *options, "--output=1 regular"]) == 1


def test_measures_at_other_sizes_are_left_out(tmp_path: Path) -> None:
    """A file of one size, and a function that says so as PyTorch does."""
    weights = np.random.default_rng(2).normal(size=(4, 12, 12)).astype(np.float32)
    file = write(tmp_path / "m.onnx", ("n", 1, 12, 12), weights=weights)

    def function(x):
        if x.shape[1:] != (12, 12, 1):
            raise RuntimeError("shapes cannot be multiplied")
        return np.einsum("bijc,kij->bk", x, weights)

    for model in (file, as_function(function, numpy=True)):
        report = audit(model, group="C2", size=(12, 12, 1), count=4, measures=True)
        assert len(report.measures) > 3
        assert any(note.startswith("crop consistency left out: ") for note in report.notes), report.notes


def test_whole_numbers_are_rounded_pixels(tmp_path: Path) -> None:
    path = write(tmp_path / "bytes.onnx", kind=UINT8)
    report = audit(path, group="C4", count=4, output="1 regular")
    assert report["C4"].level == "exact"
    assert any("takes uint8: noise of mean 128" in note for note in report.notes)
    images = np.random.default_rng(0).uniform(size=(4, 6, 6, 1)).astype(np.float32)
    report = audit(path, group="C4", images=images, output="1 regular")
    assert any("takes uint8: the images times 255" in note for note in report.notes)
    assert report["C4"].level == "exact"


def test_one_output_of_several(tmp_path: Path) -> None:
    path = write(tmp_path / "m.onnx", outputs=("scores", "negative"))
    x = np.ones((2, 6, 6, 1), np.float32)
    np.testing.assert_allclose(as_function(f"{path}:negative")(x), -expected(x), atol=1e-6)
    with pytest.raises(ValueError, match=r"m.onnx has 2 outputs \(scores \[n, 4\], .*m.onnx:scores"):
        as_function(path)
    with pytest.raises(ValueError, match=r"unknown output of m.onnx 'score'; .*did you mean 'scores'"):
        as_function(f"{path}:score")


def test_a_session_is_a_model(tmp_path: Path) -> None:
    import onnxruntime

    session = onnxruntime.InferenceSession(write(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    assert as_function(session)(np.ones((2, 6, 6, 1), np.float32)).shape == (2, 4)


def test_bad_files(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "two.onnx", inputs=2)
    write(tmp_path / "odd.onnx", ("n", "c", "h", "w"))
    onnx.save(_vector_model(), tmp_path / "vector.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name, message in (
        ("no.onnx", "unknown ONNX file in .*'no.onnx'; allowed: empty.onnx, odd.onnx"),
        ("text.onnx", "text.onnx cannot be read as an ONNX model"),
        ("empty.onnx", "empty.onnx cannot be read as an ONNX model"),
        ("two.onnx", r"takes 2 inputs \(x0 \[n, 1, 6, 6\], x1 .*one, images"),
        ("odd.onnx", r"x0 \[n, c, h, w\]: it cannot be seen where the channels are; say layout='NCHW' or 'NHWC'"),
        ("vector.onnx", r"invalid input of vector.onnx 'v \[n, 7\] of tensor\(float\)'; allowed: images"),
    ):
        with pytest.raises(ValueError, match=message):
            as_function(tmp_path / name)
        assert main(["audit", str(tmp_path / name)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert as_function(tmp_path / "odd.onnx", layout="NCHW").takes is not None
    with pytest.raises(ValueError, match="an ONNX file that exists"):
        as_function(tmp_path / "nowhere" / "m.onnx")

    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(onnx_files.importlib, "import_module", missing)
    with pytest.raises(ValueError, match=r"onnxruntime is needed: pip install 'geomdl\[onnx\]'"):
        as_function(tmp_path / "odd.onnx")


def _vector_model():
    make = onnx.helper
    values = [make.make_tensor_value_info(name, FLOAT, ["n", 7]) for name in ("v", "y")]
    graph = make.make_graph([make.make_node("Neg", ["v"], ["y"])], "vector", values[:1], values[1:])
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 18)], ir_version=9)
