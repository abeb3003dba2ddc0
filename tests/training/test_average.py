"""The exponential moving average of the parameters: its recurrence, its use, and that it goes on after a stop."""

from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Dataset
from geomdl.evaluators import Metrics, predictor
from geomdl.training import Checkpoints, Interrupted, RunConfig, build_model, load_trained, train

DECAY, STEPS = 0.4, 6
SECTIONS = {
    "seed": 3,
    "data": {"name": "digits", "size": 12, "train_size": 40, "test_size": 20, "validation_size": 20},
    "model": {"name": "linear"},
    "optimizer": {"name": "adam", "learning_rate": 0.05},
    "training": {"batch_size": 8, "steps": STEPS, "checkpoint_every": 1, "ema": DECAY},
}
CONFIG = RunConfig.from_config_dict(SECTIONS)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return CONFIG.data.load()


def numbers(tree: object) -> list[np.ndarray]:
    return [np.array(a, np.float64) for a in jax.tree.leaves(tree)]


def trajectory(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Gets the state of every checkpoint, one at every step."""
    states: list[dict] = []
    save = Checkpoints.save

    def noting(self: Checkpoints, step: int, state: dict, **options) -> None:
        states.append(jax.tree.map(np.array, state["state"]))
        save(self, step, state, **options)

    monkeypatch.setattr(Checkpoints, "save", noting)
    return states


def test_the_average_is_its_recurrence_and_the_trained_model(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = trajectory(monkeypatch)
    result = train(CONFIG, tmp_path / "run", dataset=dataset)
    assert [int(s["step"]) for s in states] == list(range(1, STEPS + 1))
    average = numbers(nnx.state(build_model(CONFIG, dataset), nnx.Param))
    for t, state in enumerate(states):
        d = min(DECAY, (1 + t) / (10 + t))
        average = [d * a + (1 - d) * w for a, w in zip(average, numbers(state["params"]), strict=True)]
        for ours, by_hand in zip(numbers(state["average"]), average, strict=True):
            np.testing.assert_allclose(ours, by_hand, rtol=1e-5, atol=1e-6)
    assert 0.1 < min((1 + t) / (10 + t) for t in range(STEPS)) + 0.05 < DECAY  # the warm-up is in it

    parameters = numbers(states[-1]["params"])
    for model in (result.model, load_trained(tmp_path / "run", dataset=dataset).model):
        for ours, a, w in zip(numbers(nnx.state(model, nnx.Param)), average, parameters, strict=True):
            np.testing.assert_allclose(ours, a, rtol=1e-5, atol=1e-6)
            assert np.abs(ours - w).max() > 1e-3
    measured = Metrics()(predictor(result.model), dataset.validation, CONFIG.task.for_dataset(dataset))
    assert result.best["loss"] == pytest.approx(measured["loss"], rel=1e-5)  # evaluations use it too


def test_the_average_goes_on_bit_by_bit(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = trajectory(monkeypatch)
    train(CONFIG, tmp_path / "straight", dataset=dataset)
    straight = states[-1]
    asked = iter([False] * 5)
    with pytest.raises(Interrupted, match="after step 3"):
        train(CONFIG, tmp_path / "run", dataset=dataset, stop=lambda: next(asked, True))
    train(CONFIG, tmp_path / "run", dataset=dataset)
    assert int(states[-1]["step"]) == STEPS
    for new, old in zip(jax.tree.leaves(states[-1]), jax.tree.leaves(straight), strict=True):
        np.testing.assert_array_equal(new, old)
