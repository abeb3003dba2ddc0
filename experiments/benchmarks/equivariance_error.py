"""Equivariance error of untrained networks at 22.5°, 45° and 90°: geomdl and escnn, same architecture, same images.

    python -m experiments.benchmarks.equivariance_error [--escnn-python=PATH] [--seeds=16]

Target: at 22.5° and 45° on band-limited images at most escnn's error; at 90° at most 1e-5 (float32) and 1e-12 (float64)
on images that fill the frame.

The network is escnn's C8 example (for C8 and C16, 2 to 12 regular fields, [1 2 1]/4 blurs before its two strides;
escnn's Gaussian blur has the same variance), in evaluation mode. The error is that of the invariant features,
‖f(R x) − f(x)‖ / ‖f(x)‖. Images are sums of Gaussian blobs, whose rotation is known exactly: nothing is resampled. Two
comparisons, each over several seeds:

* "same weights": geomdl's network gets the weights whose kernels are escnn's (they are in its span), so both compute
  one function, up to the blur; ratios are taken seed by seed, and their median and quartiles given;
* "own weights": each library's own generalized He initialisation. Seeds are then separate draws; the ratio is of the
  two medians, with the 5 % and 95 % points of 2,000 bootstrap samples.

Writes experiments/results/benchmarks/equivariance_error.csv.
"""

import argparse
import functools
import math
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.benchmarks.networks import IMAGE, body
from experiments.benchmarks.worker import start
from geomdl.environment import circumstances
from geomdl.layers import Conv, Sequential
from geomdl.plots import Row, write_csv

ANGLES = (22.5, 45.0)
GROUPS = {"C8": (3, 6, 6, 12, 12, 8), "C16": (2, 3, 3, 6, 6, 4)}
RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"
LIMITS = {"float32": 1e-5, "float64": 1e-12}
BLUR = math.sqrt(0.5)  # standard deviation of [1 2 1]/4


def blobs(degrees: float, *, count: int = 8, width: float = 2.0, seed: int = 0) -> np.ndarray:
    """Images ``[count, 29, 29, 1]`` of twelve Gaussians each, turned about the centre; zero towards the frame."""
    rng = np.random.default_rng(seed)
    radius, angle = 8.0 * np.sqrt(rng.uniform(size=(2, count, 12))[0]), rng.uniform(0, 2 * np.pi, (count, 12))
    heights, angle = rng.normal(size=(count, 12)), angle + np.deg2rad(degrees)
    axis = np.arange(IMAGE) - (IMAGE - 1) / 2
    x = axis[None, None, None, :] - (radius * np.cos(angle))[:, :, None, None]
    y = -axis[None, None, :, None] - (radius * np.sin(angle))[:, :, None, None]
    values = heights[:, :, None, None] * np.exp(-(x**2 + y**2) / (2 * width**2))
    return values.sum(1)[..., None]


@functools.partial(jax.jit, static_argnames="structure")
def _apply(structure: Any, variables: Any, images: jax.Array) -> jax.Array:
    return nnx.merge(structure, variables)(images)


def errors(network: Sequential, images: list[np.ndarray], dtype: Any) -> list[float]:
    """The relative change of the features from the first images to each of the others."""
    structure, variables = nnx.split(network)
    variables = jax.tree.map(lambda a: a.astype(dtype) if jnp.issubdtype(a.dtype, jnp.floating) else a, variables)
    first, *others = (np.asarray(_apply(structure, variables, jnp.asarray(x, dtype))) for x in images)
    return [float(np.linalg.norm(f - first) / np.linalg.norm(first)) for f in others]


def ratio(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """The ratio of the medians, and the 5 % and 95 % points of its bootstrap distribution."""
    rng = np.random.default_rng(0)
    a = np.median(rng.choice(ours, (2000, len(ours))), axis=1)
    b = np.median(rng.choice(theirs, (2000, len(theirs))), axis=1)
    low, high = np.quantile(a / b, (0.05, 0.95))
    return float(np.median(ours) / np.median(theirs)), float(low), float(high)


def give_kernels(network: Sequential, kernels: dict[str, np.ndarray]) -> None:
    """Sets the weights of all convolutions such that their dense kernels ``[k, k, in, out]`` are the given ones.

    Raises:
      ValueError: for a kernel outside the span of the layer's basis.
    """
    convolutions = [layer for layer in network.layers if isinstance(layer, Conv)]
    for number, conv in enumerate(convolutions):
        wanted, space = kernels[str(number)], conv.spaces[0][0]
        inverse = _inverse(space)
        k, size_in, size_out = space.shape[0], space.in_representation.size, space.out_representation.size
        parts = wanted.reshape(k, k, -1, size_in, wanted.shape[3] // size_out, size_out)
        parts = parts.transpose(0, 1, 3, 5, 2, 4)
        weights = np.einsum("nz,zab->nab", inverse, parts.reshape(-1, *parts.shape[4:]), optimize=True)
        conv.kernel[0][...] = jnp.asarray(weights, jnp.float32)
        off = float(np.abs(np.asarray(conv.dense_kernel()) - wanted).max() / np.abs(wanted).max())
        if off > 1e-4:
            raise ValueError(f"the kernel of convolution {number} is not in the span of its basis: {off:.1e} of it")


@functools.lru_cache(maxsize=32)
def _inverse(space: Any) -> np.ndarray:
    return np.linalg.pinv(space.basis().reshape(space.dimension, -1).T)


def measure(group: str, seeds: int, worker: Any) -> list[Row]:
    """The rows of one group: off the grid by angle, then at 90° by precision."""
    fields = GROUPS[group]
    noise = np.random.default_rng(1).normal(size=(4, IMAGE, IMAGE, 1))
    sets = {"smooth": [blobs(a) for a in (0.0, *ANGLES)], "full": [np.rot90(noise, t, (1, 2)) for t in range(4)]}
    found: dict[tuple[str, str], list[list[float]]] = {}

    def note(side: str, what: str, values: list[float]) -> None:
        found.setdefault((side, what), []).append(values)

    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(Path(folder) / f"{name}.npz") for name in sets}
        for name, images in sets.items():
            np.savez(files[name], images=np.stack(images).transpose(0, 1, 4, 2, 3))
        for seed in range(seeds):
            network = body(group, fields, blur=True, rngs=nnx.Rngs(seed))
            note("geomdl", "smooth", errors(network, sets["smooth"], jnp.float32))
            if seed < 3:
                note("geomdl", "float32", errors(network, sets["full"], jnp.float32))
                with jax.enable_x64(True):
                    note("geomdl", "float64", errors(network, sets["full"], jnp.float64))
            if worker:
                worker.ask("build", group=group, fields=fields, seed=seed, batch=1, size=IMAGE, blur=BLUR)
                note("escnn", "smooth", worker.ask("errors", images=files["smooth"])["errors"])
                worker.ask("kernels", file=str(Path(folder) / "kernels.npz"))
                give_kernels(network, dict(np.load(Path(folder) / "kernels.npz")))
                note("matched", "smooth", errors(network, sets["smooth"], jnp.float32))
                for dtype in LIMITS if seed < 3 else ():
                    asked = worker.ask("errors", images=files["full"], double=dtype == "float64")
                    note("escnn", dtype, asked["errors"])
    return rows_of(group, seeds, {key: np.array(values) for key, values in found.items()})


def rows_of(group: str, seeds: int, found: dict[tuple[str, str], np.ndarray]) -> list[Row]:
    """The rows of the table from the errors ``[seed, image set]`` of each side."""
    beside = ("escnn", "smooth") in found
    rows: list[Row] = []

    def add(degrees: float, dtype: str, images: str, weights: str, ours: float, theirs: Any, spread: Any) -> None:
        rows.append({
            "group": group, "degrees": degrees, "dtype": dtype, "images": images, "weights": weights, "seeds": seeds,
            "geomdl": ours, "escnn": theirs, "ratio": spread[0], "ratio_low": spread[1], "ratio_high": spread[2],
        })  # fmt: skip

    for number, angle in enumerate(ANGLES):
        ours = found["geomdl", "smooth"][:, number]
        theirs = found["escnn", "smooth"][:, number] if beside else None
        middle = "" if theirs is None else float(np.median(theirs))
        spread = ("", "", "") if theirs is None else ratio(ours, theirs)
        add(angle, "float32", "band-limited", "own weights", float(np.median(ours)), middle, spread)
        if theirs is not None:
            same = found["matched", "smooth"][:, number]
            low, middle_ratio, high = (float(q) for q in np.quantile(same / theirs, (0.25, 0.5, 0.75)))
            spread = (middle_ratio, low, high)
            add(angle, "float32", "band-limited", "same weights", float(np.median(same)), middle, spread)
    for dtype in LIMITS:
        theirs = float(found["escnn", dtype].max()) if beside else ""
        largest = float(found["geomdl", dtype].max())
        add(90.0, dtype, "noise, full frame", "own weights", largest, theirs, ("", "", ""))
    return rows


def sentence(row: Row) -> str:
    """A row in words."""
    text = f"{row['group']}, {row['degrees']}°, {row['dtype']}, {row['images']}, {row['weights']}: "
    text += f"geomdl {row['geomdl']:.2e}"
    if row["escnn"] != "":
        text += f", escnn {row['escnn']:.2e}"
    if row["ratio"] != "":
        text += f"; ratio {row['ratio']:.3f} [{row['ratio_low']:.3f}, {row['ratio_high']:.3f}]"
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--escnn-python", help="the Python of an environment with escnn")
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--out", type=Path, default=RESULTS / "equivariance_error.csv")
    given = parser.parse_args()
    worker = start(given.escnn_python)
    about = circumstances(worker.versions if worker else None)
    rows = []
    for group in GROUPS:
        for row in measure(group, given.seeds, worker):
            rows.append({**row, "fields": " ".join(map(str, GROUPS[group])), **about})
            print(sentence(row), flush=True)
    write_csv(given.out, rows)
    if worker:
        worker.close()
    print(f"limits at 90°: {LIMITS}; written to {given.out}")


if __name__ == "__main__":
    main()
