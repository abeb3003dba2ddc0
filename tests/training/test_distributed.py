"""Several real processes on this machine train one network; each is given a limited time, and none is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx

from geomdl.data import Split, make_loader
from geomdl.training import DistributedError, Result, RunConfig, read_metrics, train
from geomdl.training.distributed.rendezvous import Address, roll_call
from geomdl.training.loop import stepping
from geomdl.training.workdir.same_inputs import different

SECTIONS = {
    "seed": 3,
    "data": {"name": "digits", "size": 12, "train_size": 200, "test_size": 100, "validation_size": 90},
    "augmentation": {"flip": True, "shift": 1},
    "model": {"name": "cnn", "width": 2, "depth": 1, "kernel_size": 3, "dropout": 0.3},
    "optimizer": {"name": "adam", "learning_rate": 0.01},
    "training": {"batch_size": 16, "steps": 8, "eval_every": 4, "log_every": 3, "keep_checkpoints": 2}
    | {"checkpoint_seconds": 0},
}
TOLERANCE = 1e-4
"""Relative, of losses and parameters: sums over the batch are taken in another order, then eight steps of Adam."""

# A process ends when this one is killed. Streams, so that each process reads its own part of every batch.
_WORKER = """
import ctypes, functools, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from geomdl.training.loop import stepping
if sys.argv[1] != "resident":
    stepping.make_loader = functools.partial(stepping.make_loader, device_limit_bytes=0)
if sys.argv[1] == "failing" and any(text.endswith(",1,2") for text in sys.argv):
    from geomdl.data.loading.loaders import StreamLoader
    fetch = StreamLoader.fetch
    def failing(self, step):
        if step == 5:
            raise OSError(5, "Input/output error")
        return fetch(self, step)
    StreamLoader.fetch = failing
from geomdl.cli.main import main
sys.exit(main(sys.argv[2:]))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Processes:
    """`geomdl train` in several processes; leaving the block ends what is left of them."""

    def __init__(self, count: int, devices: int, folder: Path, name: str, *extra: str, data: str = "resident") -> None:
        config = folder / "config.py"
        config.write_text(f"import ml_collections\ndef get_config(): return ml_collections.ConfigDict({SECTIONS!r})\n")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("JAX_")}
        environment |= {
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        port = free_port()
        self.logs = [folder / f"{name}.{p}.log" for p in range(count)]
        self._children = []
        for process, log in enumerate(self.logs):
            command = [sys.executable, "-c", _WORKER, data, "train", f"--config={config}"]
            command += [f"--workdir={folder / name}", "--quiet", f"--compilation_cache={folder / 'cache'}"]
            command += [f"--distributed=127.0.0.1:{port},{process},{count}", "--distributed_timeout=60"]
            command += [text.format(process=process) for text in extra]
            with log.open("wb") as output:
                child = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
            self._children.append(child)

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.kill()
            child.wait()

    def wait(self, limit: float) -> tuple[list[int], str]:
        """The exit statuses, and what was printed. Fails when the time is over."""
        deadline = time.monotonic() + limit
        statuses = [child.wait(max(0.1, deadline - time.monotonic())) for child in self._children]
        return statuses, "\n".join(log.read_text() for log in self.logs)

    def until(self, path: Path, limit: float) -> None:
        """Waits for something to be there. Fails when the time is over, or the processes have ended."""
        deadline = time.monotonic() + limit
        while not path.exists():
            assert time.monotonic() < deadline
            assert [child.poll() for child in self._children] == [None] * len(self._children)
            time.sleep(0.05)

    def signal(self, process: int, number: int) -> None:
        self._children[process].send_signal(number)


def config(**training: object) -> RunConfig:
    return RunConfig.from_config_dict({**SECTIONS, "training": {**SECTIONS["training"], **training}})


def require_same_numbers(one: Sequence[dict], other: Sequence[dict]) -> None:
    assert [(r["step"], r["split"]) for r in one] == [(r["step"], r["split"]) for r in other]
    for a, b in zip(one, other, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=TOLERANCE)
        assert a["accuracy"] == pytest.approx(b["accuracy"])


def require_same_model(one: Result, other: Result) -> None:
    for a, b in zip(jax.tree.leaves(nnx.state(one.model)), jax.tree.leaves(nnx.state(other.model)), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=TOLERANCE, atol=TOLERANCE)


def streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        stepping, "make_loader", lambda *args, **options: make_loader(*args, **options, device_limit_bytes=0)
    )


def forget(workdir: Path, step: int) -> None:
    """A run as it was before it saved this step."""
    (workdir / "checkpoints" / str(step)).rename(workdir / f"forgotten-{step}")


def test_two_processes_train_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Processes(2, 2, tmp_path, "two", data="stream") as both:
        streamed(monkeypatch)
        one = train(config(), tmp_path / "one")
        statuses, printed = both.wait(100)
    assert statuses == [0, 0], printed
    assert printed.count("best validation at step 8") == 1  # said by process 0 alone
    require_same_numbers(read_metrics(tmp_path / "two" / "metrics.jsonl"), one.records)
    assert json.loads((tmp_path / "two" / "config.json").read_text())["hardware"]["devices"] == 4
    assert len(list((tmp_path / "two" / "tensorboard").iterdir())) == 1
    assert {p.name for p in (tmp_path / "two" / "checkpoints").iterdir()} == {"4", "8"}
    assert len(list((tmp_path / "two" / "checkpoints" / "8" / "state").glob("ocdbt.process_*"))) == 2

    forget(tmp_path / "two", 8)
    resumed = train(config(), tmp_path / "two")  # by one process, from what two have saved
    assert resumed.step == 8
    require_same_numbers(resumed.records, one.records)
    require_same_model(resumed, one)


@pytest.mark.long
@pytest.mark.parametrize("strategy", ["jit", "shard_map"])
@pytest.mark.parametrize("stream", [False, True], ids=["resident", "stream"])
def test_four_processes_and_every_number_goes_on(
    strategy: str, stream: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if stream:
        streamed(monkeypatch)
    one = train(config(), tmp_path / "one")
    extra = f"--config.parallel.strategy={strategy}"
    same = RunConfig.from_config_dict({**SECTIONS, "parallel": {"strategy": strategy}})
    data = "stream" if stream else "resident"
    with Processes(4, 1, tmp_path, "run", extra, data=data) as four:
        statuses, printed = four.wait(240)
    assert statuses == [0] * 4, printed
    require_same_numbers(read_metrics(tmp_path / "run" / "metrics.jsonl"), one.records)
    for count in (2, 4):
        forget(tmp_path / "run", 8)
        with Processes(count, 2, tmp_path, "run", extra, data=data) as some:
            statuses, printed = some.wait(240)
        assert statuses == [0] * count, printed
        require_same_numbers(read_metrics(tmp_path / "run" / "metrics.jsonl"), one.records)
        (tmp_path / "run" / "forgotten-8").rename(tmp_path / f"kept-{count}")
    forget(tmp_path / "run", 8)
    require_same_model(train(same, tmp_path / "run"), one)


@pytest.mark.long
def test_one_signal_stops_all_and_they_go_on(tmp_path: Path) -> None:
    one = train(config(steps=300, eval_every=100, checkpoint_every=20), tmp_path / "one")
    extra = [f"--config.training.{k}" for k in ("steps=300", "eval_every=100", "checkpoint_every=20")]
    with Processes(2, 1, tmp_path, "two", *extra) as both:
        both.until(tmp_path / "two" / "checkpoints" / "20", 120)
        both.signal(1, signal.SIGTERM)
        statuses, printed = both.wait(60)
    assert statuses == [75, 75], printed
    with Processes(2, 1, tmp_path, "two", *extra) as both:
        statuses, printed = both.wait(120)
    assert statuses == [0, 0], printed
    records = read_metrics(tmp_path / "two" / "metrics.jsonl")
    last = records[-1]
    assert last["step"] == 300
    assert last["loss"] == pytest.approx(one.records[-1]["loss"], rel=0.05)  # rounding grows over 300 steps


@pytest.mark.long
def test_the_others_end_when_one_is_killed(tmp_path: Path) -> None:
    with Processes(2, 1, tmp_path, "two", "--config.training.steps=100000", "--config.training.eval_every=100") as both:
        both.until(tmp_path / "two" / "checkpoints" / "100", 120)
        both.signal(1, signal.SIGKILL)
        statuses, _ = both.wait(180)
    assert statuses[1] == -signal.SIGKILL
    assert statuses[0] not in (0, 75)


@pytest.mark.long
def test_the_others_end_when_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streamed(monkeypatch)
    one = train(config(), tmp_path / "one")
    with Processes(2, 1, tmp_path, "two", data="failing") as both:
        both.until(tmp_path / "two" / "checkpoints" / "4", 60)
        statuses, printed = both.wait(30)  # process 0 stands in a computation with process 1
    reason = "cannot read the training images of step 6 (OSError: [Errno 5] Input/output error)"
    assert statuses[0] == 1, printed
    assert statuses[1] in (1, -signal.SIGABRT), (
        printed
    )  # JAX ends it so when it still waits for a coordinator that left
    assert f"geomdl: error: InputFailed: {reason}; the checkpoint of step 4 is kept" in printed
    assert f"geomdl: error: process 1 has failed ({reason}; the checkpoint of step 4 is kept" in printed
    with Processes(2, 1, tmp_path, "two", data="stream") as both:
        statuses, printed = both.wait(100)
    assert statuses == [0, 0], printed
    require_same_numbers(read_metrics(tmp_path / "two" / "metrics.jsonl"), one.records)


@pytest.mark.long
@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("--config.seed={process}", "process 0 and process 1 have different config (seed: 0 and 1)"),
        ("--config.training.batch_size=15", "invalid training.batch_size 15; allowed: a multiple of the 2 devices"),
        ("--config.parallel.strategy=pmap", "unknown parallel.strategy 'pmap'; allowed: jit, shard_map"),
    ],
)
def test_what_does_not_fit_ends_all(extra: str, message: str, tmp_path: Path) -> None:
    with Processes(2, 1, tmp_path, "run", extra) as both:
        statuses, printed = both.wait(100)
    assert statuses == [2, 2], printed
    assert printed.count(message) == 2
    assert not (tmp_path / "run").exists()


def test_who_is_missing_is_named() -> None:
    with pytest.raises(DistributedError, match=r"process 1, 2 of 3 did not come within 0.2 s"):
        roll_call(Address("127.0.0.1", free_port(), 0, 3), 0.2)


def test_unreachable_coordinator() -> None:
    port = free_port()
    with pytest.raises(DistributedError, match=rf"process 1 found no process 0 at 127.0.0.1:{port} within 0.3 s"):
        roll_call(Address("127.0.0.1", port, 1, 2), 0.3)


def test_port_in_use() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(DistributedError, match="cannot listen on port"):
        roll_call(Address("127.0.0.1", server.getsockname()[1], 0, 2), 1)


def test_what_differs_is_named() -> None:
    message = different([{"seed": 0}, {"seed": 0, "model": {"width": 3}}], "config")
    assert message == (
        "process 0 and process 1 have different config (model: nothing and {'width': 3}); "
        "start all of them with the same command"
    )


def test_parts_of_a_stream_make_the_batches_of_one_process() -> None:
    split = Split(np.zeros((23, 2, 2, 1), np.float32), np.arange(23, dtype=np.int32))
    whole = make_loader(split, 4, 7, device_limit_bytes=0)
    parts = [make_loader(split, 4, 7, device_limit_bytes=0, start_step=3, part=(i, 2)) for i in range(2)]
    for step in range(12):  # two epochs and more
        joined = np.concatenate([part.fetch(step)["label"] for part in parts])
        np.testing.assert_array_equal(joined, whole.fetch(step)["label"])
    for loader in (whole, *parts):
        loader.close()
