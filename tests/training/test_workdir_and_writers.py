"""Work directories and metric writers: who may use them, and what they hold after a crash."""

import io
import json
import struct
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event

from geomdl.training import (
    JsonlWriter,
    ProgressBar,
    RunConfig,
    TensorBoardWriter,
    Workdir,
    WorkdirError,
    read_config,
    read_metrics,
)


def config(**sections) -> RunConfig:
    plain = {"data": {"name": "digits"}, "model": {"name": "linear"}, "training": {"steps": 2}}
    return RunConfig.from_config_dict({**plain, **sections})


def begin(path: Path, config: RunConfig) -> None:
    with Workdir(path, config) as workdir:
        workdir.metrics.write_text('{"step": 1, "split": "train"}\n')


def test_config_json_says_what_was_run_with_what(tmp_path: Path) -> None:
    with Workdir(tmp_path / "a" / "b", config(seed=3)):
        pass
    written = json.loads((tmp_path / "a" / "b" / "config.json").read_text())
    assert written["config"]["seed"] == 3
    assert written["versions"]["jax"]
    assert written["hardware"]["platform"] == "cpu"
    assert read_config(tmp_path / "a" / "b") == config(seed=3)


def test_the_same_config_may_go_on_and_another_may_not(tmp_path: Path) -> None:
    begin(tmp_path, config(optimizer={"name": "sgd", "learning_rate": 0.1}))
    with Workdir(tmp_path, config(optimizer={"name": "sgd", "learning_rate": 0.1})):
        pass
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(WorkdirError, match=r"\(seed: 0 there, 1 here; optimizer.learning_rate: 0.1 there, 0.2 here\)"):
        Workdir(tmp_path, config(seed=1, optimizer={"name": "sgd", "learning_rate": 0.2}))
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_where_the_data_lies_is_no_part_of_a_run(tmp_path: Path) -> None:
    begin(tmp_path, config(data={"name": "tfds:mnist", "data_dir": "/here"}))
    with Workdir(tmp_path, config(data={"name": "tfds:mnist", "data_dir": "/there"})):
        pass


def test_a_run_that_failed_before_its_first_record_may_be_corrected(tmp_path: Path) -> None:
    with Workdir(tmp_path, config(seed=1)):
        pass
    with Workdir(tmp_path, config(seed=2)):
        assert read_config(tmp_path) == config(seed=2)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with Workdir(tmp_path, config()), pytest.raises(WorkdirError, match="in use by another process"):
        Workdir(tmp_path, config())
    with Workdir(tmp_path, config()):
        pass


def test_directories_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(WorkdirError, match="is not empty and belongs to no run"):
        Workdir(tmp_path, config())
    with pytest.raises(WorkdirError, match="is a file"):
        Workdir(tmp_path / "thesis.tex", config())
    with pytest.raises(WorkdirError, match=r"is no work directory of a run: it has no config.json"):
        read_config(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("text", ['{"precious": 1}', "[1]", '{"config": 3}', '{"config": {"lr": 1}}', "precious"])
@pytest.mark.parametrize("begun", [False, True])
def test_the_config_json_of_something_else_is_left_alone(text: str, begun: bool, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(text)
    (tmp_path / "notes.txt").write_text("…")
    if begun:
        (tmp_path / "metrics.jsonl").write_text("{}\n")
    before = {p: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(WorkdirError, match=r"cannot read .*config.json .*nothing was changed"):
        Workdir(tmp_path, config())
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkdirError, match=r"cannot make or use work directory .*file/run .*choose a place"):
        Workdir(tmp_path / "file" / "run", config())
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_damaged_config_json(tmp_path: Path) -> None:
    begin(tmp_path, config())
    (tmp_path / "config.json").write_text('{"config": ')
    for use in (lambda: Workdir(tmp_path, config()), lambda: read_config(tmp_path)):
        with pytest.raises(WorkdirError, match=r"cannot read .*config.json .*nothing was changed"):
            use()
    assert (tmp_path / "config.json").read_text() == '{"config": '


def test_records_after_the_restored_step_and_a_torn_line_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    records = [{"step": s, "split": "train", "loss": 1 / s} for s in (10, 20, 30)]
    path.write_text("".join(json.dumps(r) + "\n" for r in records) + '{"step": 40, "spl')
    assert read_metrics(path) == records
    writer = JsonlWriter(path, step=20)
    writer.write({"step": 30, "split": "train", "loss": float("nan")})
    assert read_metrics(path) == [*records[:2], {"step": 30, "split": "train", "loss": None}]  # on disk at once
    writer.close()
    JsonlWriter(path).close()
    assert path.read_text() == ""


def test_a_damaged_line_in_the_middle_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "split": "train"}\n[]\n{"step": 2, "split": "train"}\n')
    with pytest.raises(WorkdirError, match=r"line 2 of .*metrics.jsonl is not a record"):
        JsonlWriter(path, step=2)
    assert path.read_text().count("\n") == 3


def test_tensorboard_events(tmp_path: Path) -> None:
    writer = TensorBoardWriter(tmp_path, step=4)
    writer.write({"step": 5, "split": "validation", "loss": 0.5, "accuracy": 0.75})
    writer.close()
    data, place, events = next(tmp_path.glob("events*")).read_bytes(), 0, []
    while place < len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        events.append(Event.FromString(data[place + 12 : place + 12 + length]))
        place += 16 + length
    values = {v.tag: (e.step, v.simple_value) for e in events for v in e.summary.value}
    assert values == {"validation/loss": (5, 0.5), "validation/accuracy": (5, 0.75)}
    assert any(e.session_log.status == 1 and e.step == 5 for e in events)  # forget steps from 5 on


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_bar_shows_images_per_second_and_time_left() -> None:
    terminal = _Terminal()
    bar = ProgressBar(terminal)
    bar.start(0, 4, batch_size=50)
    for step in range(1, 4):
        bar.step()
        bar.write({"step": step, "split": "train", "loss": 0.5})
    bar.write({"step": 3, "split": "validation", "loss": 0.25, "accuracy": 0.9})
    bar.close()
    shown = terminal.getvalue()
    assert "img/s" in shown
    assert " left" in shown
    assert "step 3/4  validation loss 0.2500, accuracy 0.9000" in shown


def test_no_bar_where_there_is_no_terminal() -> None:
    log = io.StringIO()
    bar = ProgressBar(log)
    bar.start(0, 4, batch_size=50)
    bar.step()
    bar.write({"step": 1, "split": "validation", "loss": 0.25})
    bar.close()
    assert log.getvalue() == "step 1/4  validation loss 0.2500\n"
