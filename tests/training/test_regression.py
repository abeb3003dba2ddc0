"""A task that is no classification: angles of arrows, with a data set, a network and a metric from outside."""

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import geomdl
from geomdl.audit import audit
from geomdl.cli.verbs.evaluate import measure
from geomdl.data import DATASETS, DataConfig, Dataset, Split, ValuesTarget
from geomdl.evaluators import EVALUATORS, Gathered, InvarianceError, evaluators_for, predictor
from geomdl.inference.exported import export_trained
from geomdl.layers import Conv, Dense, GlobalPool, Layer, Pointwise
from geomdl.models import MODELS, ModelConfig
from geomdl.representations import FieldType
from geomdl.tasks import OverImages, Regression
from geomdl.testing import SymmetryError, assert_equivariant
from geomdl.training import Result, RunConfig, load_trained, train, write_report

SIZE = 12
DIRECTION = FieldType("SO2", "1 irrep(1)")


@dataclass(frozen=True)
class ArrowsConfig(DataConfig):
    """Spots off the centre of the frame, at random angles; training images all point to the right, within ±15°."""

    name: ClassVar[str] = "arrows"
    spread: float = 15.0

    @property
    def label_kind(self) -> str:
        return "values"

    def load(self) -> Dataset:
        splits = {"train": self._draw(0, 64, self.spread), "validation": self._draw(1, 30, 180.0)}
        return Dataset(
            name="arrows", **splits, test=self._draw(2, 30, 180.0), image_shape=(SIZE, SIZE, 1), num_classes=2,
            classes=("cos", "sin"), provenance="drawn", target_kinds={"label": ValuesTarget(DIRECTION)},
        )  # fmt: skip

    def _draw(self, seed: int, count: int, spread: float) -> Split:
        angles = np.deg2rad(np.random.default_rng(seed).uniform(-spread, spread, count))
        axis = np.arange(SIZE) - (SIZE - 1) / 2
        vectors = np.stack([np.cos(angles), np.sin(angles)], -1)
        along = (
            axis[None, None, :] - 3 * vectors[:, 0, None, None],
            -axis[None, :, None] - 3 * vectors[:, 1, None, None],
        )
        images = np.exp(-(along[0] ** 2 + along[1] ** 2) / 4)[..., None]
        return Split(images.astype(np.float32), vectors.astype(np.float32))


@dataclass(frozen=True)
class ArrowNetConfig(ModelConfig):
    """f(ρ(g) x) = ρ₁(g) f(x) for quarter turns g: regular fields of C4, their mean, and one vector."""

    fields: int = 3

    def layers(self, image_shape, num_classes, rngs: nnx.Rngs) -> list[Layer]:
        pixels, hidden = FieldType("C4", "1 trivial"), FieldType("C4", f"{self.fields} regular")
        return [
            Conv(pixels, hidden, 5, padding="same", rngs=rngs),
            Pointwise(hidden, "relu"),
            Conv(hidden, hidden, 5, padding="same", rngs=rngs),
            Pointwise(hidden, "relu"),
            GlobalPool(hidden),
            Dense(hidden, FieldType("C4", "1 irrep(1)"), use_bias=False, rngs=rngs),
        ]


def degrees_off(outputs: jax.Array, batch: dict[str, jax.Array]) -> jax.Array:
    z, y = outputs, batch["label"]
    cos = (z * y).sum(-1) / jnp.linalg.norm(z, axis=-1) / jnp.linalg.norm(y, axis=-1)
    return jnp.rad2deg(jnp.arccos(jnp.clip(cos, -1, 1)))


def ninetieth(values: np.ndarray) -> float:
    return float(np.quantile(values, 0.9))


WORST_TENTH = OverImages("angle/90%", degrees_off, ninetieth)
SECTIONS = {
    "data": {"name": "arrows"},
    "model": {"name": "arrow_net"},
    "task": {"loss": "cosine"},
    "augmentation": {"rotation": 180.0},
    "optimizer": {"learning_rate": 0.02},
    "training": {
        "batch_size": 16, "steps": 60, "eval_every": 30, "monitor": "headline", "eval_batch_size": 16,
        "evaluators": ("metrics", "worst_tenth"),
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def registered():
    DATASETS.register("arrows", ArrowsConfig)
    MODELS.register("arrow_net", ArrowNetConfig)
    EVALUATORS.register("worst_tenth", functools.partial(Gathered, (WORST_TENTH,)))
    yield
    for registry, name in ((DATASETS, "arrows"), (MODELS, "arrow_net"), (EVALUATORS, "worst_tenth")):
        registry.unregister(name)


@pytest.fixture(scope="module")
def result(registered, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return train(RunConfig.from_config_dict(SECTIONS), tmp_path_factory.mktemp("arrows") / "run")


@pytest.fixture(scope="module")
def begun(registered, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A run that has learnt next to nothing."""
    training = {**SECTIONS["training"], "steps": 4, "eval_every": 2}
    sections = {**SECTIONS, "training": training}
    return train(RunConfig.from_config_dict(sections), tmp_path_factory.mktemp("arrows") / "begun")


@pytest.mark.compiled
def test_angles_are_learnt_since_augmentation_moves_them(result: Result) -> None:
    """Training images point to the right; only images that were turned, together with their angles, teach the rest."""
    assert result.best["angular_error"] < 12
    assert result.best["median_angular_error"] <= result.best["angle/90%"] < 30
    assert set(result.best) == {
        "step", "split", "loss", "mae", "angular_error", "median_angular_error", "angle/90%"
    }  # fmt: skip
    best = min((r for r in result.records if r["split"] == "validation"), key=lambda r: r["angular_error"])
    assert result.best_step == best["step"]
    numbers, _, _ = measure(str(result.workdir), "best", "test", ("rotation",))
    assert numbers["rotation/worst"] < 40


def test_statistics_over_images_are_those_of_all_images_together(begun: Result) -> None:
    """Thirty images in batches of fifteen, of sixteen with padding, or of seven: the same median."""
    trained = load_trained(begun.workdir)
    predict, split = predictor(trained.model), trained.dataset.validation
    errors = np.asarray(degrees_off(predict(jnp.asarray(split.images)), {"label": jnp.asarray(split.labels)}))
    assert begun.best["median_angular_error"] == pytest.approx(np.median(errors), rel=1e-4)
    assert begun.best["angle/90%"] == pytest.approx(np.quantile(errors, 0.9), rel=1e-4)
    for size in (7, 16):
        again = Gathered((WORST_TENTH,), batch_size=size)(predict, split, trained.task)
        assert again["angle/90%"] == pytest.approx(np.quantile(errors, 0.9), rel=1e-4)


@pytest.mark.compiled
def test_outputs_are_compared_with_the_moved_outputs(result: Result) -> None:
    trained = load_trained(result.workdir)
    predict, task = predictor(trained.model), trained.task
    errors = InvarianceError(images=8)(predict, trained.dataset.test, task)
    assert set(errors) == {"equivariance/quarter_turns", "equivariance/shifts"}  # SO(2) has no reflections
    assert errors["equivariance/quarter_turns"] < 1e-4
    images = trained.dataset.test.images[:4]
    assert_equivariant(trained.model, images, "C4", output=task.law, tolerance=1e-4)
    with pytest.raises(SymmetryError, match=r"equivariant \(output: 1 irrep\(1\)\) to C4"):
        assert_equivariant(lambda x: predict(x)[:, ::-1], images, "C4", output=task.law, tolerance=1e-4)
    with pytest.raises(ValueError, match="invalid group 'D4'; allowed: a subgroup of SO2"):
        assert_equivariant(predict, images, "D4", output=task.law)
    report = audit(predict, images=images, group="C4", output=task.law)
    assert report["C4"].level == "exact"
    assert audit(predict, images=images, group="C4", output="invariant")["C4"].level == "broken"


def test_predictions_are_averaged_by_the_law_of_the_task(begun: Result, tmp_path: Path) -> None:
    """The averaged vectors turn with the image, of the run and of its export; those of the network alone do not."""
    trained = load_trained(begun.workdir)
    export_trained(trained, tmp_path)
    images = np.asarray(trained.dataset.test.images[:4])
    turned, quarter = np.rot90(images, axes=(1, 2)).copy(), np.array([[0, -1], [1, 0]])
    shade = jnp.linspace(0.5, 1, SIZE)[:, None]  # breaks the symmetry that the network has
    for loaded in (geomdl.load(begun.workdir), geomdl.load(tmp_path)):
        network = replace(loaded, network=lambda x, f=loaded.network: f(x * shade))
        plain, averaged = (
            [np.stack(network.predict(x, average=group).outputs) for x in (images, turned)] for group in (None, "C4")
        )
        np.testing.assert_allclose(averaged[1], averaged[0] @ quarter.T, atol=1e-5)
        assert np.abs(plain[1] - plain[0] @ quarter.T).max() > 1e-3
        assert list(next(network.predict(images).rows())) == ["image", "cos", "sin"]
    with pytest.raises(ValueError, match="invalid average 'D4'; allowed: None: it is not known how it moves"):
        network.predict(images, average="D4")


def test_the_command_line_measures_it(begun: Result) -> None:
    numbers, _, _ = measure(str(begun.workdir), "best", "test", ("metrics", "rotation", "worst_tenth"))
    assert numbers["rotation/worst"] >= numbers["rotation/mean"]  # of errors the greatest is the worst
    assert (begun.workdir / "evaluation" / "test_rotation.csv").read_text().startswith("angle,loss,mae,angular_error")
    facts = json.loads((begun.workdir / "run.json").read_text())
    assert (facts["headline"], facts["monitor"]) == ("angular_error", "angular_error")
    assert "median_angular_error" in facts["least_is_best"]
    assert "median_angular_error" in write_report(begun.workdir)[0].read_text()
    assert "consistency" not in evaluators_for(Regression(DIRECTION))


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        ({"task": {"name": "classification"}}, "task.name 'classification'; .*values of .* of arrows; try regression"),
        ({"data": {"name": "xo"}}, "task.loss 'cosine'"),
        ({"data": {"name": "xo"}, "task": {"name": "regression"}}, "for the classes of xo; try classification"),
        ({"training": {"steps": 1, "monitor": "median_angle"}}, "did you mean 'median_angular_error'"),
        ({"training": {"steps": 1, "monitor": "iou/cell"}}, "unknown training.monitor 'iou/cell'; allowed: loss, mae"),
    ],
)
def test_what_does_not_fit_is_refused(registered, sections, message, tmp_path: Path) -> None:
    usual = {**SECTIONS, "training": {"steps": 1, "batch_size": 4}}
    with pytest.raises(ValueError, match=message):
        train(RunConfig.from_config_dict({**usual, **sections}), tmp_path / "run")
