"""Which evaluations leave a checkpoint depends on the clock; what comes of a run does not."""

import json
from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from geomdl.data import Dataset
from geomdl.training import Checkpoints, Interrupted, Result, RunConfig, TrainingConfig, load_trained, train
from geomdl.training.checkpoints import checkpoint_interval as pace
from geomdl.training.checkpoints.recent_evaluations import Evaluated, RecentEvaluations

SCORES = (0.1, 0.5, 0.9, 0.3, 0.7, 0.2)
SECTIONS = {
    "seed": 3,
    "data": {"name": "digits", "size": 12, "train_size": 40, "test_size": 20, "validation_size": 20},
    "model": {"name": "linear"},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
}


def config(seconds: float, **training) -> RunConfig:
    options = {"batch_size": 8, "steps": 6, "eval_every": 1, "monitor": "accuracy", "checkpoint_seconds": seconds}
    return RunConfig.from_config_dict(SECTIONS | {"training": options | training})


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return config(0).data.load()


class _Scores:
    """An evaluator with a given accuracy at every step, one step after the other from the step it begins with."""

    begin = 0

    def __init__(self) -> None:
        self.left = list(SCORES)[self.begin :]

    def __call__(self, *_: object) -> dict[str, float]:
        return {"loss": 1.0, "accuracy": self.left.pop(0)}


@pytest.fixture(autouse=True)
def scores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("geomdl.training.loop.evaluating.with_batch_size", lambda evaluator, size: _Scores())
    yield
    _Scores.begin = 0


class Killed:
    """A progress that ends a run at once after so many steps; nothing can be written any more."""

    def __init__(self, after: int) -> None:
        self.after, self.taken = after, 0

    def start(self, done: int, total: int, batch_size: int) -> None:
        self.taken = done

    def step(self) -> None:
        self.taken += 1
        if self.taken == self.after:
            raise KeyboardInterrupt

    def write(self, record: dict) -> None: ...

    def close(self) -> None: ...


def checkpoints(workdir: Path) -> dict[int, float | None]:
    opened = Checkpoints(workdir / "checkpoints")
    found = dict(opened._scores)
    opened.close()
    return found


def require_equal(one: Result, other: Result, dataset: Dataset) -> None:
    def plain(records: list[dict]) -> list[dict]:
        return [{k: v for k, v in r.items() if k != "images_per_second"} for r in records]

    assert plain(one.records) == plain(other.records)
    assert one.best_step == other.best_step
    for which in ("latest", "best"):
        models = [load_trained(r.workdir, which, dataset=dataset).model for r in (one, other)]
        for new, old in zip(*map(jax.tree.leaves, models), strict=True):
            np.testing.assert_array_equal(np.asarray(new), np.asarray(old))


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory, dataset: Dataset) -> Result:
    """The run that saves every evaluation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("geomdl.training.loop.evaluating.with_batch_size", lambda evaluator, size: _Scores())
        return train(config(0, keep_checkpoints=2), tmp_path_factory.mktemp("every") / "run", dataset=dataset)


@pytest.mark.parametrize("keep", [1, 2])
def test_the_best_between_checkpoints_is_there_at_the_end(
    keep: int, every: Result, dataset: Dataset, tmp_path: Path
) -> None:
    result = train(config(1e6, keep_checkpoints=keep), tmp_path / "run", dataset=dataset)
    require_equal(result, every, dataset)
    assert result.best_step == 3
    assert checkpoints(result.workdir) == {3: 0.9, 5: 0.7, 6: 0.2} if keep == 2 else {3: 0.9, 6: 0.2}
    assert checkpoints(every.workdir) == {3: 0.9, 5: 0.7, 6: 0.2}
    for new, old in zip(
        *(jax.tree.leaves(load_trained(r.workdir, 3, dataset=dataset).model) for r in (result, every)), strict=True
    ):
        np.testing.assert_array_equal(np.asarray(new), np.asarray(old))


def test_killed_between_checkpoints(every: Result, dataset: Dataset, tmp_path: Path) -> None:
    slow = config(1e6, checkpoint_every=2)
    with pytest.raises(KeyboardInterrupt):
        train(slow, tmp_path / "run", dataset=dataset, progress=Killed(after=4))  # step 3, the best, is in memory
    assert checkpoints(tmp_path / "run") == {2: 0.5}
    written = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [r["step"] for r in written if r["split"] == "validation"] == [1, 2, 3]
    _Scores.begin = 2
    require_equal(train(slow, tmp_path / "run", dataset=dataset), every, dataset)


def test_killed_before_the_first_checkpoint(every: Result, dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(config(1e6), tmp_path / "run", dataset=dataset, progress=Killed(after=5))
    assert checkpoints(tmp_path / "run") == {}
    require_equal(train(config(1e6), tmp_path / "run", dataset=dataset), every, dataset)


def test_a_request_to_stop_after_an_evaluation_leaves_a_checkpoint(
    every: Result, dataset: Dataset, tmp_path: Path
) -> None:
    asked = iter([False] * 7)  # after each of 4 steps, and after each of 3 evaluations

    with pytest.raises(Interrupted, match="stopped after step 4"):
        train(config(1e6), tmp_path / "run", dataset=dataset, stop=lambda: next(asked, True))
    there = checkpoints(tmp_path / "run")
    assert max(there) == 4
    assert there[3] == 0.9
    _Scores.begin = 4
    require_equal(train(config(1e6), tmp_path / "run", dataset=dataset), every, dataset)


def test_the_clock_says_when_one_is_due(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 4.0, 9.0, 10.0, 10.0, 19.0, 20.0, 20.0, 24.0])  # begins, is asked three times, …
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(times))
    clock = pace.CheckpointInterval(10.0)
    assert [clock.due() for _ in range(3)] == [False, False, True]
    clock.written()
    assert [clock.due() for _ in range(2)] == [False, True]
    clock.written()
    assert not clock.due()
    monkeypatch.undo()
    assert pace.CheckpointInterval(0.0).due()


def test_one_checkpoint_at_a_time(
    every: Result, dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is due lets the best before it go first, and comes after the next evaluation."""
    saved, save = [], Checkpoints._save

    def noting(self: Checkpoints, step: int, *rest) -> None:
        saved.append(step)
        save(self, step, *rest)

    monkeypatch.setattr(Checkpoints, "_save", noting)
    monkeypatch.setattr(pace.CheckpointInterval, "due", lambda self: next(due))
    cases = (
        ([False, False, False, True, True, False], 1, [3, 5, 6]),  # 3 is the best; 4 is put off to 5
        ([False, True, True, False, False, False], 1, [2, 3, 6]),  # each is the best itself
        ([False, False, True, True, True, True], 2, [2, 3, 4, 5, 6]),
    )
    for number, (answers, keep, wanted) in enumerate(cases):
        due = iter(answers)
        result = train(config(1.0, keep_checkpoints=keep), tmp_path / f"run-{number}", dataset=dataset)
        require_equal(result, every, dataset)
        assert saved == wanted
        saved.clear()


def test_only_the_best_are_held() -> None:
    held = RecentEvaluations(keep=2)
    scores: dict[int, float | None] = {1: 0.6, 2: None}
    for step, score in ((3, 0.5), (4, 0.4), (5, 0.9), (6, 0.6)):
        held.offer(Evaluated(step, {"x": jnp.float32(step)}, score, {}), scores)
    assert [e.step for e in held.take({**scores, 7: 0.1})] == [5]  # with step 1, the earlier of two equals
    assert held.take(scores) == []


def test_what_is_held_is_a_copy() -> None:
    step = jax.jit(lambda x: x + 1, donate_argnums=0)
    held, x = RecentEvaluations(keep=1), jnp.zeros(300)
    held.offer(Evaluated(1, {"x": x, "n": 3}, 0.5, {}), {})
    assert float(step(x)[0]) == 1
    assert x.is_deleted()
    (kept,) = held.take({})
    assert (float(kept.state["x"].max()), kept.state["n"]) == (0, 3)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_bad_input(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"training.checkpoint_seconds .*; allowed: a number of seconds from 0"):
        TrainingConfig(steps=1, checkpoint_seconds=seconds)


def test_a_work_directory_of_before_goes_on(every: Result, dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(config(10.0), tmp_path / "run", dataset=dataset, progress=Killed(after=3))
    file = tmp_path / "run" / "config.json"
    written = json.loads(file.read_text())
    del written["config"]["training"]["checkpoint_seconds"]
    file.write_text(json.dumps(written))
    require_equal(train(config(10.0), tmp_path / "run", dataset=dataset), every, dataset)
