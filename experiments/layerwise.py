"""Where a network loses rotations: relative equivariance error, layer by rotation, before and after training.

    geomdl reproduce layerwise [--preset=fast|full]

Claim: the C8 network is exactly equivariant to quarter turns at every layer, up to rounding, and approximately at 45°,
where the pixel grid is not mapped to itself (error 0.01 to 0.1 in the first layers). The same network with one
convolution of stride 2 on an even size instead of a blur, whose windows are not centred, loses the quarter turns at
that layer, and only there: the error jumps from rounding by orders of magnitude. Training on upright digits makes the
error off the grid larger. A plain CNN is broken from its first layer. Writes

* ``errors.csv``: ‖f_k(g x) − g f_k(x)‖ / ‖g f_k(x)‖ after each layer k, for the seven rotations of C8 but the identity,
  per network, seed and state (untrained, trained); position 0 is the input turned there and back, without a network,
  ‖g⁻¹(g x) − x‖ / ‖x‖;
* ``summary.csv``: parameters, accuracy, config, versions and hardware.

All networks have about 8,000 parameters. The layer that lays all positions in one vector is left out: nothing acts on
its output. Seed 0 for 8 epochs (fast), or seeds 0–2 for 20 epochs (full); finished runs in the output directory are not
repeated.
"""

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.trained_networks import described, layer_name, study
from geomdl.actions import rotate
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.equivariance import layer_errors, relative_error, tolerance
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, predictor
from geomdl.groups import C8
from geomdl.layers import Flatten, Layer, Sequential
from geomdl.models import InexactSizeWarning, count_parameters
from geomdl.plots import Row, distinct, read_csv
from geomdl.training import RunConfig, build_model

COMMAND = "geomdl reproduce layerwise"
RUNS = ("C8", "C8, stride 2", "CNN")
PRESETS: dict[str, tuple[range, int, int]] = {"fast": (range(1), 8, 32), "full": (range(3), 20, 100)}
"""Seeds, epochs, test images."""


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, epochs, images = PRESETS[preset]

    def rows(name: str, config: RunConfig, dataset: Dataset, trained: nnx.Module) -> dict[str, list[Row]]:
        return measure(name, config, dataset, build_model(config, dataset), trained, images)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InexactSizeWarning)  # the stride is there to break exactness
        study("layerwise", RUNS, seeds, rows, f"layerwise-{images}", out, epochs=epochs)


def measure(
    name: str, config: RunConfig, dataset: Dataset, untrained: nnx.Module, trained: nnx.Module, images: int
) -> dict[str, list[Row]]:
    """The rows of the tables for one network, on the first test images."""
    x = jnp.asarray(dataset.test.images[:images])
    about = {"model": name, "seed": config.seed}
    rows: list[Row] = []
    for state, model in (("untrained", untrained), ("trained", trained)):
        rows += [{**about, "state": state, **row} for row in errors(model, x)]
    task = config.task.for_dataset(dataset)
    summary = {
        **about,
        "config": described(name),
        "parameters": count_parameters(trained),
        "accuracy": Metrics()(predictor(trained), dataset.test, task)["accuracy"],
        "images": images,
        "tolerance": tolerance(jnp.float32, max(int(r["position"]) for r in rows)),
        **circumstances(),
    }
    return {"errors": rows, "summary": [summary]}


def errors(model: nnx.Module, x: jnp.ndarray) -> list[Row]:
    """The error after each layer of a sequence, and of the input turned there and back, by angle in degrees."""
    if not isinstance(model, Sequential):
        raise TypeError(f"a sequence of layers is needed, not {type(model).__name__}")
    elements = C8.elements()[1:]
    angles = [45.0 * int(g[1]) for g in elements]
    rows: list[Row] = [_row(0, "resampled", a, float(relative_error(rotate(rotate(x, a), -a), x))) for a in angles]
    found = {row.layer: row.errors for row in layer_errors(model, x, C8, elements=elements).layers}
    for position, (name, layer) in enumerate(shown_layers(model), start=1):
        rows += [_row(position, name, a, e) for a, e in zip(angles, found[f"layers.{layer}"], strict=True)]
    return rows


def shown_layers(model: Sequential) -> list[tuple[str, int]]:
    """The names and places of the layers, with the side of the feature maps where it changes."""
    size: tuple[int, ...] = (20, 20)
    shown = []
    layer: Layer
    for place, layer in enumerate(model.layers):
        before, size = size, layer.contract.output_size(size)
        if not isinstance(layer, Flatten):
            changed = f" {size[0]}" if size and size != before else ""
            shown.append((layer_name(layer) + changed, place))
    return shown


def _row(position: int, layer: str, angle: float, error: float) -> Row:
    return {"position": position, "layer": layer, "angle": angle, "error": float(f"{error:.5g}")}


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "errors.csv", ("model", "state", "seed", "position", "angle", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", "parameters", "images"), COMMAND)
    seeds = len(distinct(summary, "seed"))

    def span(model: str, state: str, turn: int) -> str:
        worst = worst_by_layer(table, model, state, turn).values()
        return f"{min(worst):.0e} to {max(worst):.0e}"

    before, after = (jump(table, "C8, stride 2", state) for state in ("untrained", "trained"))
    grown = growth(table, "C8")
    resampled = max(worst_by_layer(table, "C8", "trained", 45, resampled=True).values())
    return [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each; {summary[0]['images']} test"
        f" digits, {'one seed' if seeds == 1 else f'{seeds} seeds'}; the worst over seeds and angles is meant.",
        f"C8, over its layers: at quarter turns {span('C8', 'untrained', 90)} untrained, {span('C8', 'trained', 90)}"
        f" trained; at odd multiples of 45° {span('C8', 'untrained', 45)} and {span('C8', 'trained', 45)}; turning the"
        f" images there and back has an error of {resampled:.0e}.",
        f"With a stride of 2 on 20 × 20 pixels the error at quarter turns is at most {before[0]:.0e} before that layer"
        f" and at least {before[1]:.0e} from there to the mean over the pixels (trained: {after[0]:.0e} and"
        f" {after[1]:.0e}).",
        f"In training on upright digits the error of C8 off the grid {'grows' if grown > 1 else 'falls'} by a factor of"
        f" {grown:.2g} (geometric mean over layers, angles and seeds); that of its scores"
        f" {'grows' if growth(table, 'C8', last=True) > 1 else 'falls'} by {growth(table, 'C8', last=True):.2g}.",
        f"The CNN is broken from its first layer: {span('CNN', 'untrained', 90)} untrained,"
        f" {span('CNN', 'trained', 90)} trained at quarter turns.",
    ]


def worst_by_layer(
    table: Sequence[Row], model: str, state: str, turn: int, *, resampled: bool = False
) -> dict[tuple[int, str], float]:
    """The worst error over seeds and angles by (position, layer).

    Args:
      table: rows of ``errors.csv``.
      model: which network.
      state: ``"untrained"`` or ``"trained"``.
      turn: 90 for the quarter turns, 45 for the odd multiples of 45°.
      resampled: the row without a network instead of the layers.
    """
    worst: dict[tuple[int, str], float] = {}
    for r in table:
        if (r["model"], r["state"]) == (model, state) and is_quarter(r) == (turn == 90):
            key = (int(r["position"]), str(r["layer"]))
            if (key[0] == 0) == resampled:
                worst[key] = max(worst.get(key, 0.0), float(r["error"]))
    return dict(sorted(worst.items()))


def is_quarter(row: Row) -> bool:
    """Whether a row is about a multiple of 90°."""
    return float(row["angle"]) % 90 == 0


def jump(table: Sequence[Row], model: str, state: str) -> tuple[float, float]:
    """The largest error at quarter turns before the layer with a stride, and the smallest from there on."""
    rows = [r for r in table if (r["model"], r["state"]) == (model, state) and is_quarter(r)]
    at = min(int(r["position"]) for r in rows if "↓" in str(r["layer"]))
    return (
        max(float(r["error"]) for r in rows if 0 < int(r["position"]) < at),
        min(float(r["error"]) for r in rows if int(r["position"]) >= at),
    )


def growth(table: Sequence[Row], model: str, *, last: bool = False) -> float:
    """How many times larger the error off the grid is after training: the geometric mean over all layers, or the last.

    Args:
      table: rows of ``errors.csv``.
      model: which network.
      last: of the class scores only.
    """
    rows = [r for r in table if r["model"] == model and not is_quarter(r) and int(r["position"]) > 0]
    end = max(int(r["position"]) for r in rows)
    logs = {"untrained": [], "trained": []}
    for r in rows:
        if not last or int(r["position"]) == end:
            logs[str(r["state"])].append(np.log(float(r["error"])))
    return float(np.exp(np.mean(logs["trained"]) - np.mean(logs["untrained"])))


def contradicted(out: Path) -> list[str]:
    """What of the claim the table contradicts."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """Thresholds of the CNN and of the jump are orders of magnitude; rounding is judged by `tolerance`."""
    table = read_csv(out / "errors.csv", ("model", "state", "seed", "position", "layer", "angle", "error"), COMMAND)
    about = ("model", "state", "seed", "layer", "angle")
    yield from numbers(table, about, "error")
    for r in table:
        error, place = float(r["error"]), int(r["position"])
        if r["model"] == "C8" and place and is_quarter(r):
            yield 0 < error <= tolerance(jnp.float32, place), f"the error of {named(r, *about)} is {error:.1e}"
        if not place and is_quarter(r):
            yield error == 0, f"turning the images there and back at {r['angle']:g}° has an error of {error:.1e}"
        elif not place:
            yield 0 < error < 0.1, f"turning the images there and back at {r['angle']:g}° has an error of {error:.1e}"
    untrained, trained = (worst_by_layer(table, "C8", state, 45) for state in ("untrained", "trained"))
    middle, least = float(np.exp(np.mean(np.log([*untrained.values()])))), min(untrained.values())
    found = f"the untrained C8 network is off by {middle:.2g} at 45° (mean of the layers), by at least {least:.2g}"
    yield 1e-2 <= middle <= 1e-1, found
    yield least > 1e-3, found
    for layer, error in untrained.items():
        found = f"the error of C8 at 45° after {layer[1]} is {error:.2g} untrained, {trained[layer]:.2g} trained"
        yield trained[layer] > error, found
    for what, grown in (("layers", growth(table, "C8")), ("scores", growth(table, "C8", last=True))):
        yield grown > 1, f"in training the error of the {what} of C8 at 45° is multiplied by {grown:.2g}"
    for state in ("untrained", "trained"):
        before, after = jump(table, "C8, stride 2", state)
        blurred = max(worst_by_layer(table, "C8", state, 90).values())
        found = f"the error at quarter turns is {before:.1e} before the stride of 2, {after:.1e} from there on"
        yield before <= tolerance(jnp.float32, 3), f"{found} ({state})"
        yield after > 1000 * max(before, blurred), f"{found}, and {blurred:.1e} with a blur ({state})"
        for turn in (45, 90):
            resampled = max(worst_by_layer(table, "CNN", state, turn, resampled=True).values())
            for (_, layer), error in worst_by_layer(table, "CNN", state, turn).items():
                found = f"the error of the {state} CNN after {layer} is {error:.2g} at {turn}°"
                yield error > max(0.1, 3 * resampled), f"{found}, that of the images there and back {resampled:.2g}"
