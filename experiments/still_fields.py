"""Feature fields in the stabilised view: the image turns, the features are moved back, and ought to stand still.

    geomdl reproduce still_fields [--preset=fast|full]

Claim: what comes out of C8 and SO(2) networks, moved back, stands still: to rounding at quarter turns, to a few per
cent elsewhere (the pixel grid does not have those angles). What comes out of a plain network does not.

A network maps an image to a field of vectors. Its input is turned by θ, x_θ = ρ_in(θ) x, and what comes out is moved
back by the same element, s_θ = ρ_out(θ)⁻¹ f(x_θ): pixels and vectors. For an equivariant network s_θ = s_0 for every θ
of its group: the field stands still, while that of a plain network flickers. Three networks of four convolutions with
random weights and circular windows of 5 × 5 pixels: channels (CNN), regular fields of C8 with ReLU, and irreps of
SO(2) with gates; the output is a vector of the plane at each pixel. Writes

* ``errors.csv``: per network, seed and angle ‖s_θ − s_0‖ / ‖s_0‖ over the pixels of the inscribed disc;
* ``fields.npz``: the fields of seed 0 and the image, at the angles of the figure and the animation, as float16.

Images are handwritten digits of the built-in set, enlarged; each seed has its own digit and weights. fast: 3 seeds and
every 15°; full: 10 seeds and every 5°.
"""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.actions import act, disc, rotate
from geomdl.data import data_config, unit_interval
from geomdl.errors import unknown
from geomdl.layers import Conv, Gated, Pointwise, Sequential
from geomdl.plots import Row, distinct, mean_over, read_csv, write_csv
from geomdl.representations import FieldType

COMMAND = "geomdl reproduce still_fields"
PRESETS = {"fast": (3, 15), "full": (10, 5)}
SIDE, KERNEL, LAYERS = 57, 5, 4
NETWORKS = {
    "CNN": ("C1", "64 trivial", "2 trivial"),
    "C8": ("C8", "8 regular", "1 irrep(1)"),
    "SO(2)": ("SO2", "16 trivial + 12 irrep(1) + 8 irrep(2)", "1 irrep(1)"),
}
"""Group, hidden fields and output."""
STILL = {"C8": 0.25, "SO(2)": 0.06}
"""By how much a field may change that stands still, at angles that the pixel grid does not have."""
VECTOR = FieldType("SO2", "1 irrep(1)")


def network(name: str, seed: int) -> Sequential:
    """One of the networks, with random weights."""
    group, fields, output = NETWORKS[name]
    hidden, rngs = FieldType(group, fields), nnx.Rngs(seed)
    layers: list = []
    before = FieldType(group, "1 trivial")
    for _ in range(LAYERS - 1):
        after = Gated(hidden) if group == "SO2" else Pointwise(hidden, "relu")
        conv = Conv(before, after.in_type, KERNEL, padding="same", padding_mode="circular", rngs=rngs)
        layers, before = [*layers, conv, after], after.out_type
    last = Conv(before, FieldType(group, output), KERNEL, padding="same", padding_mode="circular", rngs=rngs)
    return Sequential([*layers, last])


def images(count: int) -> np.ndarray:
    """Digits of different classes, ``[count, side, side, 1]``, with a margin to be turned in."""
    split = data_config("digits", size=SIDE).load().test
    labels = np.asarray(split.labels)
    chosen = [int(np.flatnonzero(labels == digit % 10)[digit // 10]) for digit in (4, 7, 2, 5, 3, 6, 9, 1, 8, 0)]
    return np.asarray(unit_interval(np.asarray(split.images)[chosen[:count]]))


def stabilised(name: str, seed: int, image: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    """The field of vectors at each angle, moved back: ``[angles, side, side, 2]``."""
    apply = jax.jit(network(name, seed).__call__)

    def one(angle: float) -> np.ndarray:
        field = apply(rotate(jnp.asarray(image)[None], angle))
        back = np.array([0.0, np.deg2rad(-angle % 360)])
        return np.asarray(act(back, field, VECTOR)[0])

    return np.stack([one(float(angle)) for angle in degrees])


def errors(fields: np.ndarray) -> np.ndarray:
    """‖s_θ − s_0‖ / ‖s_0‖ in the disc, for each angle."""
    inside = np.asarray(disc((SIDE, SIDE)))[..., None]
    change = np.sqrt((((fields - fields[0]) * inside) ** 2).sum((1, 2, 3)))
    return change / np.sqrt(((fields[0] * inside) ** 2).sum())


def run(preset: str, out: Path) -> None:
    """Measures, and writes the table and the fields."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, step = PRESETS[preset]
    degrees = np.arange(0, 360, step).astype(float)
    rows: list[Row] = []
    kept: dict[str, np.ndarray] = {"degrees": degrees}
    for seed, image in enumerate(images(seeds)):
        for name in NETWORKS:
            fields = stabilised(name, seed, image, degrees)
            found = errors(fields)
            rows += [
                {"network": name, "seed": seed, "angle": a, "error": float(f"{e:.3g}")}
                for a, e in zip(degrees.tolist(), found, strict=True)
            ]
            if seed == 0:
                kept |= {name: fields.astype(np.float16)}
        if seed == 0:
            turned = [np.asarray(rotate(jnp.asarray(image)[None], float(a)))[0, ..., 0] for a in degrees]
            kept |= {"image": np.stack(turned).astype(np.float16)}
    write_csv(out / "errors.csv", rows)
    np.savez_compressed(out / "fields.npz", allow_pickle=False, **kept)


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the table."""
    rows = read_csv(out / "errors.csv", ("network", "seed", "angle", "error"), COMMAND)
    means = mean_over(rows, over="seed", by=["network", "angle"])
    sentences = [f"Random weights, {len(distinct(rows, 'seed'))} digits; change of the field that is moved back:"]
    for name in NETWORKS:
        at = {float(r["angle"]): float(r["error"]) for r in means if r["network"] == name}
        turns = max(value for angle, value in at.items() if angle % 90 == 0)
        others = [value for angle, value in at.items() if angle % 90]
        sentences.append(
            f"{name}: at most {turns:.1e} at quarter turns, {min(others):.1%} to {max(others):.1%} at other angles."
        )
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts: fields of C8 and SO(2) stand still, that of the CNN does not."""
    found = []
    for row in read_csv(out / "errors.csv", ("network", "seed", "angle", "error"), COMMAND):
        name, angle, error = str(row["network"]), float(row["angle"]), float(row["error"])
        if not angle:
            continue
        still = 1e-5 if angle % 90 == 0 else STILL.get(name, 0.0)
        if name == "CNN":
            if not error >= (0.3 if 30 < angle < 330 else 0.05):
                found.append(f"the field of the CNN changes by {error:.1%} only at {angle:g}° (seed {row['seed']})")
        elif not error < still:  # and where it is no number
            found.append(f"the field of {name} changes by {error:.1%} at {angle:g}° (seed {row['seed']})")
    return found
