"""Whether reading images ever holds up training: images per second of both loaders beside those of the training step.

    python -m experiments.benchmarks.input [--configs=digits_cnn,…] [--workers=0,2]
        [--nuclei=nuclei.npz] [--seconds=3] [--most=120]

For every shipped config whose data is here (``TFDS_DATA_DIR`` for data of TensorFlow Datasets): its training split
through the loader that keeps it on the device and through the one that streams it, each by itself; its training step by
itself, on one batch; and training, with the loader that the config gets, in which the share of the time spent waiting
for images is measured. Ratios are of loader to step: above 1 the loader is not what limits. Data that is read and
decoded on demand (``in_memory=False``) is streamed too, by threads or by ``--workers`` processes, into the network of
``--on-demand``.

A reader process is a fresh interpreter that imports JAX: two take some seconds to start, far more on a machine that is
busy, and each loader starts its own; with a small ``--most`` their rows are left out.

A config whose step does not compile within ``--most`` seconds is left out and named. Writes
experiments/results/benchmarks/input.csv.
"""

import argparse
import multiprocessing
import os
import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import optax

from geomdl.cli.support.config_file import load_config
from geomdl.data import Dataset, DeviceLoader, Loader, StreamLoader, make_loader
from geomdl.environment import circumstances
from geomdl.plots import Row, write_csv
from geomdl.training import RunConfig, TrainState, TrainStep, build_model, initial_state, make_train_step, split_model

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results" / "benchmarks"
ON_DEMAND = ("tfds:mnist", "tfds:fashion_mnist", "tfds:eurosat")


def rate(batch: int, action: Callable[[int], object], seconds: float) -> float:
    """Images per second of an action on a batch, after three of them, for so many seconds."""
    for step in range(3):
        action(step)
    started, step = time.perf_counter(), 3
    while time.perf_counter() - started < seconds or step < 6:
        action(step)
        step += 1
    return (step - 3) * batch / (time.perf_counter() - started)


def loading(loader: Loader, seconds: float) -> float:
    """Images per second that a loader gives, on the device and scaled, with nothing else to do."""
    select = jax.jit(loader.select)
    return rate(loader.batch_size, lambda step: jax.block_until_ready(select(loader.fetch(step), step)), seconds)


class Training:
    """The training step of a config."""

    def __init__(self, config: RunConfig, dataset: Dataset, loader: Loader) -> None:
        self.loader = loader
        task, schedule = config.task.for_dataset(dataset), optax.constant_schedule(1e-6)
        optimizer = config.optimizer.build(schedule)
        structure, params, rest = split_model(build_model(config, dataset))
        self.state: TrainState = initial_state(params, rest, optimizer, task)
        self.key, self.steps = jax.random.key(0), 0
        self.step: TrainStep = make_train_step(
            structure,
            task=task,
            optimizer=optimizer,
            select=loader.select,
            augment=config.augmentation,
            compute=config.training.compute,
        )

    def take(self, fetched: Any) -> None:
        """One step, to its end."""
        self.state = jax.block_until_ready(self.step(self.state, fetched, self.key))

    def alone(self, seconds: float) -> float:
        """Images per second on one batch that is at hand."""
        fetched = jax.device_put(self.loader.fetch(0))
        return rate(self.loader.batch_size, lambda step: self.take(fetched), seconds)

    def waiting(self, seconds: float) -> float:
        """The share of the time of training that goes by in waiting for the loader."""
        spent = 0.0
        for step in range(1, 4):  # 0 has been fetched: to ask for it again would start another reader
            self.take(self.loader.fetch(step))
        started, step = time.perf_counter(), 4
        while time.perf_counter() - started < seconds or step < 7:
            asked = time.perf_counter()
            fetched = self.loader.fetch(step)
            spent += time.perf_counter() - asked
            self.take(fetched)
            step += 1
        self.steps = step
        return spent / (time.perf_counter() - started)


def measured(config: RunConfig, dataset: Dataset, seconds: float, workers: int) -> Row:
    """The row of a config and its data."""
    size = config.training.batch_size
    found: dict[str, Any] = {
        "images": len(dataset.train),
        "shape": "×".join(map(str, dataset.image_shape)),
        "batch": size,
    }
    stream = StreamLoader(dataset.train, size, 0, worker_count=workers)
    found["stream_per_s"] = loading(stream, seconds)
    stream.close()
    if dataset.train.in_memory:
        device = DeviceLoader(dataset.train, size, 0)
        found["device_per_s"] = loading(device, seconds)
        device.close()
    loader = make_loader(dataset.train, size, 0, worker_count=workers)
    training = Training(config, dataset, loader)
    found["step_per_s"] = step = training.alone(seconds)
    found["waiting"] = round(training.waiting(seconds), 4)
    loader.close()
    found["stream_to_step"] = round(found["stream_per_s"] / step, 2)
    found["device_to_step"] = round(found["device_per_s"] / step, 2) if "device_per_s" in found else ""
    return {k: round(v) if k.endswith("_per_s") else v for k, v in found.items()}


def one(name: str, data: str, path: str, seconds: float, workers: int, results: "multiprocessing.Queue[Row]") -> None:
    """Measures a config in a process of its own; ``data`` replaces its data, on demand."""
    try:
        values = load_config(name, [f"--config.data.path={path}"] if path and name.startswith("nuclei") else [])
        if data:
            values = {**values, "data": {"name": data, "in_memory": False}}
        config = RunConfig.from_config_dict(values)
        results.put(measured(config, config.data.load(), seconds, workers))
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        for named, folder in (("$TFDS_DATA_DIR", os.environ.get("TFDS_DATA_DIR")), ("the checkout", str(ROOT))):
            reason = reason.replace(folder, named) if folder else reason
        results.put({"left_out": reason[:200]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", default=",".join(sorted(p.stem for p in (ROOT / "configs").glob("*.py"))))
    parser.add_argument("--on-demand", default="digits_cnn", help="the config whose network reads data on demand")
    parser.add_argument("--workers", default="0", help="processes that read on demand: 0,2; 0: threads; empty: none")
    parser.add_argument("--nuclei", default="", help="the .npz file of the nuclei configs (data.path)")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each measurement")
    parser.add_argument("--most", type=float, default=120.0, help="seconds for a config, after which it is left out")
    parser.add_argument("--out", type=Path, default=RESULTS / "input.csv")
    given = parser.parse_args()
    workers = [int(count) for count in given.workers.split(",") if count]
    jobs = [(name, "", 0) for name in given.configs.split(",")]
    jobs += [(given.on_demand, data, count) for data in ON_DEMAND for count in workers]
    about = circumstances()
    context = multiprocessing.get_context("spawn")
    rows: list[Row] = []
    for name, data, count in jobs:
        results: multiprocessing.Queue[Row] = context.Queue()
        process = context.Process(target=one, args=(name, data, given.nuclei, given.seconds, count, results))
        process.start()
        found: Row = {"left_out": f"not done in {given.most:g} s"}
        deadline = time.monotonic() + given.most
        while time.monotonic() < deadline:
            try:
                found = results.get(timeout=1)
                break
            except queue.Empty:
                if process.exitcode is not None:
                    found = {"left_out": f"ended with status {process.exitcode}"}
                    break
        process.join(5)
        process.kill()
        print(name, data, count, found, flush=True)
        columns = ("images", "shape", "batch", "device_per_s", "stream_per_s", "step_per_s")
        columns += ("device_to_step", "stream_to_step", "waiting", "left_out")
        row: Row = {"config": name, "data": data or "its own", "workers": count}
        rows.append({**row, **{c: found.get(c, "") for c in columns}, **about})
        write_csv(given.out, rows)


if __name__ == "__main__":
    main()
