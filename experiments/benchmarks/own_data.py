"""Data of one's own that does not fit: a folder of JPEGs read while training, and arrays that are mapped into memory.

    python -m experiments.benchmarks.own_data [--jpegs=10000] [--gigabytes=5] [--seconds=20] [--folder=scratch]

JPEGs of 256×256 pixels, drawn at random, are streamed at 64×64 (``data.name="folder"``, ``in_memory=False``) into the
network of the config digits_gcnn_c4. ``busy`` is the share of the time of training that the step takes, that is, in
which nothing waits for images; ``cpu_of_step`` the processor time of the step alone, on one batch that is at hand,
beside that of training, per step: what is missing to 1 goes into reading and decoding. The same with the images in
memory. By the time it is measured, the loader has decoded a part of the images before, and keeps up to 256 MiB of them:
the row "streamed" is that of later epochs, and no measure of the first.

A folder of .npy files with images of 64×64×3 uint8 (``data.name="arrays"``) is trained on by a process of its own,
whose peak resident memory is written down, and beside it that of the same training on a hundredth of the images.

What is drawn is put into ``--folder`` and removed. Writes experiments/results/benchmarks/own_data.csv.

The committed file was put together from three calls, on 2 cores that other work kept busy (load averages of 9 to 16):
rates there are far below those of an idle machine, and ``cpu_of_step`` is uncertain by about a tenth (1.09 for what
cannot exceed 1). Its row "each decoded anew" is of the code before decoded images were kept, as a first epoch is; the
rows of arrays are of that code too, which reads arrays in the same way.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jax
import numpy as np
from PIL import Image

from experiments.benchmarks.input import RESULTS, Training, loading
from geomdl.data import make_loader
from geomdl.environment import circumstances
from geomdl.plots import Row, write_csv
from geomdl.training import RunConfig

NETWORK = {"model": {"name": "gcnn", "group": "C4", "match_parameters": 8000}}
"""That of digits_gcnn_c4."""

TRAINS = """
import sys
from experiments.benchmarks.own_data import NETWORK
from geomdl.training import RunConfig, train
data = {"name": "arrays", "path": sys.argv[1], "validation_fraction": 0.002, "test_fraction": 0.002}
training = {"batch_size": 32, "steps": int(sys.argv[3]), "eval_batch_size": 64}
train(RunConfig.from_config_dict({**NETWORK, "data": data, "training": training}), sys.argv[2])
peak = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]  # getrusage counts the parent, too
print(int(peak[0].split()[1]) / 2**20)
"""


def draw_jpegs(folder: Path, count: int) -> None:
    """Smooth colours with noise, of two classes, about 15 kB each."""

    def draw(index: int) -> None:
        rng = np.random.default_rng(index)
        smooth = Image.fromarray(rng.integers(0, 256, (12, 12, 3)).astype(np.uint8)).resize((256, 256))
        noisy = np.asarray(smooth).astype(np.int16) + rng.integers(-10, 11, (256, 256, 3), dtype=np.int16)
        place = folder / ("even" if index % 2 == 0 else "odd") / f"{index}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(place, quality=85)

    for name in ("even", "odd"):
        (folder / name).mkdir(parents=True)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draw, range(count)))


def draw_arrays(folder: Path, gigabytes: float) -> int:
    """Random images and labels as .npy files; returns how many."""
    folder.mkdir()
    count = int(gigabytes * 2**30 / (64 * 64 * 3))
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (count, 64, 64, 3))
    rng = np.random.default_rng(0)
    for start in range(0, count, 4096):
        stop = min(start + 4096, count)
        images[start:stop] = rng.integers(0, 256, (stop - start, 64, 64, 3), dtype=np.uint8)
    images.flush()
    np.save(folder / "labels.npy", rng.integers(0, 2, count))
    return count


def streamed(folder: Path, in_memory: bool, seconds: float) -> Row:
    """The row of a folder of JPEGs."""
    data = {"name": "folder", "path": str(folder), "size": 64, "in_memory": in_memory}
    training = {"batch_size": 32, "epochs": 1}
    config = RunConfig.from_config_dict({**NETWORK, "data": data, "training": training})
    dataset = config.data.load()
    loader = make_loader(dataset.train, config.training.batch_size, 0)
    load = loading(loader, seconds)
    steps = Training(config, dataset, loader)
    alone = steps.alone(seconds)
    waiting = steps.waiting(seconds)
    fetched = jax.device_put(loader.fetch(steps.steps))
    step_cpu = cpu_per_step(lambda _: steps.take(fetched), seconds)
    training_cpu = cpu_per_step(lambda step: steps.take(loader.fetch(steps.steps + 1 + step)), seconds)
    loader.close()
    return {
        "images": len(dataset.train),
        "loader_per_s": round(load),
        "step_per_s": round(alone),
        "busy": round(1 - waiting, 4),
        "cpu_of_step": round(step_cpu / training_cpu, 3),
    }


def cpu_per_step(action: Callable[[int], object], seconds: float) -> float:
    """Processor seconds, of all threads, of an action, which is repeated for so many seconds."""
    action(0)
    started, spent, step = time.perf_counter(), time.process_time(), 1
    while time.perf_counter() - started < seconds or step < 4:
        action(step)
        step += 1
    return (time.process_time() - spent) / (step - 1)


def memory(folder: Path, steps: int) -> float:
    """The peak resident memory, in GiB, of a process that trains on arrays."""
    with tempfile.TemporaryDirectory() as workdir:
        made = subprocess.run(
            [sys.executable, "-c", TRAINS, str(folder), f"{workdir}/run", str(steps)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    return float(made.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jpegs", type=int, default=10_000)
    parser.add_argument("--gigabytes", type=float, default=5.0, help="of the arrays")
    parser.add_argument("--steps", type=int, default=500, help="of training on the arrays")
    parser.add_argument("--seconds", type=float, default=20.0, help="for each measurement")
    parser.add_argument("--folder", type=Path, help="where the images are put for the time being")
    parser.add_argument("--out", type=Path, default=RESULTS / "own_data.csv")
    given = parser.parse_args()
    about, rows = circumstances(), []
    columns = (
        "images",
        "loader_per_s",
        "step_per_s",
        "busy",
        "cpu_of_step",
        "gib_of_data",
        "gib_of_memory",
    )

    def row(what: str, found: Row) -> None:
        rows.append({"what": what, **{c: found.get(c, "") for c in columns}, **about})
        print(what, found, flush=True)
        write_csv(given.out, rows)

    scratch = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        if given.jpegs:
            draw_jpegs(scratch / "jpegs", given.jpegs)
            for in_memory in (False, True):
                what = f"JPEGs of 256×256 at 64×64, {'in memory' if in_memory else 'streamed'}"
                row(what, streamed(scratch / "jpegs", in_memory, given.seconds))
            shutil.rmtree(scratch / "jpegs")
        for share in (0.01, 1.0) if given.gigabytes else ():
            count = draw_arrays(scratch / "arrays", share * given.gigabytes)
            peak = memory(scratch / "arrays", given.steps)
            data = round(count * 64 * 64 * 3 / 2**30, 2)
            row("arrays of 64×64×3", {"images": count, "gib_of_data": data, "gib_of_memory": round(peak, 2)})
            shutil.rmtree(scratch / "arrays")
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
