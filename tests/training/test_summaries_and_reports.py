"""Pictures for TensorBoard, profiles and reports of one small run."""

import gzip
import io
import json
import math
import struct
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from jaxtyping import Array
from matplotlib.figure import Figure
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from geomdl.cli.main import main
from geomdl.data import Dataset, Split
from geomdl.evaluators import confusion_matrix
from geomdl.layers import Conv, Dense, Sequential
from geomdl.plots.mosaic import RIGHT, WRONG
from geomdl.representations import FieldType
from geomdl.tasks import Classification, Segmentation
from geomdl.training import (
    Profiler,
    Result,
    RunConfig,
    Workdir,
    WorkdirError,
    initial_state,
    read_run,
    split_model,
    train,
    write_json,
    write_report,
)
from geomdl.training.reporting.image_summaries import DEGREES, ImageSummaries, first_filters, turned

SECTIONS = {
    "data": {"name": "digits", "size": 8, "train_size": 64, "test_size": 20, "validation_size": 30},
    "model": {"name": "linear"},
    "training": {"batch_size": 16, "steps": 6, "eval_every": 3, "log_every": 2, "images": True},
}


@pytest.fixture(scope="module")
def profiler(tmp_path_factory: pytest.TempPathFactory) -> Profiler:
    return Profiler(None, tmp_path_factory.mktemp("profile"), steps=2, skip=1)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, profiler: Profiler) -> Result:
    return train(RunConfig.from_config_dict(SECTIONS), tmp_path_factory.mktemp("seeing") / "run", progress=profiler)


def events(folder: Path) -> list[Event]:
    data, place, found = next(folder.glob("events*")).read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        found.append(Event.FromString(data[place + 12 : place + 12 + length]))
        place += 16 + length
    return found


def test_pictures_at_every_evaluation(run: Result) -> None:
    values = [(e.step, v) for e in events(run.workdir / "tensorboard") for v in e.summary.value]
    pictures = {(v.tag, step): v.image for step, v in values if v.HasField("image")}
    assert set(pictures) == {(tag, step) for tag in ("filters", "confusion", "rotated") for step in (3, 6)}
    for picture in pictures.values():
        pixels = np.asarray(Image.open(io.BytesIO(picture.encoded_image_string)))
        assert pixels.shape == (picture.height, picture.width, 3)
        assert pixels.std() > 10  # something is on it
    assert any(v.tag == "validation/loss" for _, v in values)


def test_pictures_may_be_turned_on_and_off_between_two_starts(run: Result) -> None:
    training = {**SECTIONS["training"], "images": False}
    Workdir(run.workdir, RunConfig.from_config_dict({**SECTIONS, "training": training})).__exit__(None, None, None)
    with pytest.raises(WorkdirError, match="seed: 0 there, 1 here"):
        Workdir(run.workdir, RunConfig.from_config_dict({**SECTIONS, "training": training, "seed": 1}))


def test_filters_of_a_group_convolution_are_in_rows_of_poses() -> None:
    image, features = FieldType("C4", "1 trivial"), FieldType("C4", "3 regular")
    found = first_filters(Sequential([Conv(image, features, 5, rngs=nnx.Rngs(0))]), (9, 9, 1))
    assert found is not None
    kernel, columns = found
    assert (kernel.shape, columns) == ((5, 5, 1, 12), 4)
    for pose in range(4):
        turned_filter = np.rot90(kernel[:, :, 0, columns], pose)
        np.testing.assert_allclose(kernel[:, :, 0, columns + pose], turned_filter, atol=1e-6)


def test_filters_of_a_dense_layer_are_images_where_it_sees_the_pixels() -> None:
    flat, scores = FieldType("C1", "32 trivial"), FieldType("C1", "3 trivial")
    dense = Dense(flat, scores, rngs=nnx.Rngs(0))
    found = first_filters(Sequential([dense]), (4, 4, 2))
    assert found is not None
    assert found[0].shape == (4, 4, 2, 3)
    np.testing.assert_array_equal(found[0][1, 2, 1], dense.dense_kernel()[1 * 8 + 2 * 2 + 1])
    assert first_filters(Sequential([dense]), (5, 5, 1)) is None


def test_confusion_counts_every_image_once() -> None:
    labels = np.array([0, 2, 1, 2, 2, 0, 1], np.int32)
    images = np.array([0, 2, 1, 0, 2, 0, 0], np.float32).reshape(7, 1, 1, 1)  # what is to be predicted
    predict = lambda x: jnp.eye(3)[x[:, 0, 0, 0].astype(int)]  # noqa: E731
    counts = confusion_matrix(predict, Split(images / 2, labels), Classification(3), 3, batch_size=4)
    assert counts.sum() == 7
    halves = confusion_matrix(lambda x: predict(2 * x), Split(images / 2, labels), Classification(3), 3, batch_size=4)
    assert halves.tolist() == [[2, 0, 0], [1, 1, 0], [1, 0, 2]]


def dataset(labels: np.ndarray, **kind) -> Dataset:
    images = np.random.default_rng(0).random((len(labels), 8, 8, 1), dtype=np.float32)
    split = Split(images, labels)
    return Dataset("noise", split, split, split, (8, 8, 1), 2, ("no", "yes"), "", **kind)


def test_predictions_on_turned_images() -> None:
    data = dataset(np.array([1, 0], np.int32))
    corner = lambda x: jnp.stack([jnp.zeros(len(x)), x[:, :4, :4, 0].mean((1, 2)) - 0.4], axis=1)  # noqa: E731
    figure = turned(corner, data.validation, data, Classification(2))
    texts = [(t.get_text(), t.get_color()) for t in figure.axes[0].texts]
    assert [text for text, _ in texts[:8]] == [f"{d}°" for d in DEGREES]
    for label, row in zip((1, 0), (texts[8:16], texts[16:]), strict=True):
        image = data.validation.images[1 - label, :, :, 0]
        for degrees, (text, colour) in zip(DEGREES, row, strict=True):
            if degrees % 90 == 0:
                expected = int(np.rot90(image, degrees // 90)[:4, :4].mean() > 0.4)
                assert text == data.classes[expected]
                assert colour == (RIGHT if expected == label else WRONG)


def test_images_that_are_not_square_are_not_turned_by_90_degrees() -> None:
    split = Split(np.zeros((1, 6, 8, 1), np.float32), np.array([0], np.int32))
    data = Dataset("noise", split, split, split, (6, 8, 1), 2, ("no", "yes"), "")
    figure = turned(lambda x: jnp.zeros((len(x), 2)), split, data, Classification(2))
    assert [t.get_text() for t in figure.axes[0].texts][:6] == ["0°", "45°", "135°", "180°", "225°", "315°"]


def test_what_cannot_be_drawn_does_not_stop_the_run(run: Result) -> None:
    config = RunConfig.from_config_dict(SECTIONS)
    structure, params, rest = split_model(run.model)
    state = initial_state(params, rest, optax.identity(), Classification(10))
    pictures = ImageSummaries(lambda *_: None, structure, config.data.load(), Classification(10), 8)

    def predict(images: Array) -> Array:
        raise RuntimeError("out of memory")

    with pytest.warns(UserWarning, match=r"cannot draw pictures at step 7 \(RuntimeError: out of memory\)"):
        pictures.draw(7, state, predict)


def test_predicted_label_maps_of_turned_images_also_where_they_are_smaller() -> None:
    data = dataset(np.zeros((1, 8, 8), np.int32), label_kind="map")
    predict = lambda x: jnp.stack([jnp.zeros((len(x), 4, 4)), x[:, 2:6, 2:6, 0] - 0.5], axis=-1)  # noqa: E731
    figure = turned(predict, data.validation, data, Segmentation(("no", "yes")))
    pixels = np.asarray(figure.axes[0].get_images()[0].get_array())
    assert pixels.shape == (2 * 8 + 1, 8 * 8 + 7, 3)
    assert (pixels[9:11] == 1).all()  # the frame


def test_the_trace_has_the_steps_that_were_recorded(run: Result, profiler: Profiler) -> None:
    assert run.step == 6
    assert profiler.trace is not None
    with gzip.open(profiler.trace) as file:
        names = [event.get("name", "") for event in json.load(file)["traceEvents"]]
    assert 2 <= sum(name == "PjitFunction(step)" for name in names) <= 4  # one or two events for each call


def test_a_trace_ends_with_the_run(tmp_path: Path) -> None:
    profiler = Profiler(None, tmp_path)
    profiler.start(0, 2, 16)
    profiler.step()
    profiler.step()
    profiler.close()
    assert profiler.trace is not None
    assert Profiler(None, tmp_path).trace is None


def test_report(run: Result, capsys: pytest.CaptureFixture[str]) -> None:
    (run.workdir / "evaluation").mkdir()
    found = {"checkpoint": 6, "images": 20, "accuracy": 0.625, "evaluators": ["metrics"]}
    (run.workdir / "evaluation" / "test.json").write_text(json.dumps(found))
    assert main(["report", str(run.workdir)]) == 0
    assert capsys.readouterr().out == f"{run.workdir}/report.md\n"
    text = (run.workdir / "report.md").read_text()
    assert (
        f"Model `linear` on `digits`, seed 0: finished, 6 of 6 steps; the best evaluation was at step {run.best_step}."
    )
    assert "](learning_curves.png)" in text
    assert (run.workdir / "learning_curves.png").is_file()
    lines = text.splitlines()
    loss = next(line for line in lines if line.startswith("| loss"))
    assert f"{run.best['loss']:.4f}" in loss
    assert "0.6250" in next(line for line in lines if line.startswith("| accuracy"))
    parameters = math.prod((8, 8, 10)) + 10
    assert f"{parameters} trainable parameters in 2 arrays." in lines
    assert "Images 8 × 8 × 1: 64 train, 30 validation, 20 test. 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9." in lines
    assert {"  batch_size: 16", '  name: "linear"', "  epochs: null"} <= set(lines)
    assert any(line.startswith("| jax ") for line in lines)


def test_report_of_a_run_that_was_stopped_or_is_damaged(run: Result, tmp_path: Path) -> None:
    for name in ("config.json", "run.json", "metrics.jsonl"):
        (tmp_path / name).write_text((run.workdir / name).read_text())
    facts = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({k: v for k, v in facts.items() if k != "finished"}))
    assert read_run(tmp_path).status == "damaged: it has no checkpoint; geomdl train begins anew"
    assert "**damaged: it has no checkpoint; geomdl train begins anew**" in write_report(tmp_path)[0].read_text()
    (tmp_path / "metrics.jsonl").write_text("?\n?\n")
    with pytest.raises(ValueError, match=r"damaged is metrics.jsonl"):
        write_report(tmp_path)
    with pytest.raises(WorkdirError, match="is no work directory"):
        write_report(tmp_path / "nowhere")


def test_the_curves_of_a_segmentation_are_of_its_iou(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {"config": {"data": {"name": "shapes"}, "model": {"name": "unet"}}})
    record = {"step": 1, "split": "validation", "loss": 0.5, "accuracy": 0.9, "iou": 0.25}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(record) + "\n")
    shown: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "geomdl.training.reporting.run_report.save", lambda figure, out, name: [shown.append(figure), out][1:]
        )
        text = write_report(tmp_path)[0].read_text()
    assert [axes.get_ylabel() for axes in shown[0].axes] == ["loss", "IoU"]
    assert "| iou " in text
