"""Lie derivatives of networks: how much each layer adds to the error under each infinitesimal transformation.

    geomdl reproduce lie [--preset=fast|full]

Claim: equivariance is lost where a network aliases: under translations the cumulative Lie derivative of the CNN rises
in steps at nonlinearities and at strides (pooling; patches in the transformer); the first convolution adds next to
nothing and normalisations nothing. (Convolutions add some where strokes come near the border, at which zeros come in:
on the coarser maps, and under vertical translations, as the digits are higher than wide.) Blurring before the
subsampling makes the translation derivative of a CNN smaller, and the SO(2) network, once trained, has the smallest
rotation derivative of all. Nothing here has scale, shear or stretch built in. Any model can be measured: the last is a
vision transformer. Writes

* ``layers.csv``: for the layers f = f_n ∘ … ∘ f_1, what layer k adds, ‖d(f_n ∘ … ∘ f_{k+1}) ℓ_k‖, and the sum over
  the layers up to k, per network, seed, state (untrained, trained) and generator X of a motion of the plane. Here ℓ_k
  is the Lie derivative of layer k alone, d/dt ρ_k(e^{−tX}) f_k(ρ_{k−1}(e^{tX}) y) at t = 0, carried to the class
  scores by the layers after it. The contributions add up, as vectors, to the Lie derivative of the network.
* ``total.csv``: the Lie derivative of the class scores, end to end, also along contrast and brightness.
* ``summary.csv``: parameters, accuracy, config, versions and hardware.

Norms are root mean squares over test digits and scores, divided by that of the scores about their mean over the digits
(the spread between inputs, without which a constant function would be best), for motions by one pixel, 7 pixels from
the centre, where the strokes end; contrast by a factor of e^0.1, brightness by 0.1. The feature maps of a layer move as
scalars, their own mirror images coming in at the border; rotations turn the fields of the SO(2) network too. The layer
that lays all positions in one vector is measured with the dense layer after it. The C8 network is measured end to end
only: C8 is finite, and its regular fields have no infinitesimal rotation. All networks have about 8,000 parameters and
are trained on upright digits: seed 0 for 8 epochs (fast), or seeds 0–2 for 20 epochs (full). After Gruver, Finzi,
Goldblum & Wilson, The Lie derivative for measuring learned equivariance, ICLR 2023.
"""

import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.trained_networks import described, layer_name, study
from geomdl.actions import GENERATORS, representation_matrix, warp_projective
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.equivariance import lie_derivative
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, predictor
from geomdl.layers import Flatten, Layer, Sequential
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, mean_over, read_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig, build_model

COMMAND = "geomdl reproduce lie"
RUNS = ("CNN", "CNN, blurred", "C8", "SO(2)", "ViT")
END_TO_END_ONLY = ("C8",)
PRESETS: dict[str, tuple[range, int, int]] = {"fast": (range(1), 8, 32), "full": (range(3), 20, 64)}
"""Seeds, epochs, test images."""

EDGE = 7.0
"""Pixels from the centre to where the strokes end: 8 × 20 / (8 √2) / 2."""
UNITS = {
    "translate_x": 1.0,
    "translate_y": 1.0,
    "rotate": 1 / EDGE,
    "scale": 1 / EDGE,
    "shear": 1 / EDGE,
    "stretch": 1 / EDGE,
    "contrast": 0.1,
    "brightness": 0.1,
}
"""How far e^{tX} goes: t, by generator."""
MOTIONS = tuple(name for name in UNITS if GENERATORS[name].matrix is not None)


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    seeds, epochs, images = PRESETS[preset]

    def rows(name: str, config: RunConfig, dataset: Dataset, trained: nnx.Module) -> dict[str, list[Row]]:
        return measure(name, config, dataset, build_model(config, dataset), trained, images)

    study("lie", RUNS, seeds, rows, f"lie-{images}", out, epochs=epochs)


def measure(
    name: str, config: RunConfig, dataset: Dataset, untrained: nnx.Module, trained: nnx.Module, images: int
) -> dict[str, list[Row]]:
    """The rows of the tables for one network, on the first test images."""
    x = jnp.asarray(dataset.test.images[:images])
    layers: list[Row] = []
    total: list[Row] = []
    for state, model in (("untrained", untrained), ("trained", trained)):
        about = {"model": name, "seed": config.seed, "state": state}
        derivative = lie_derivative(model, x, tuple(UNITS))
        for generator, norm, spread in zip(derivative.generators, derivative.norms, derivative.spreads, strict=True):
            total.append({**about, "generator": generator, "error": _rounded(UNITS[generator] * norm / spread)})
        if name not in END_TO_END_ONLY and isinstance(model, Sequential):
            layers += [{**about, **row} for row in contributions(model, x)]
    task = config.task.for_dataset(dataset)
    summary = {
        "model": name,
        "seed": config.seed,
        "config": described(name),
        "epochs": config.training.epochs or 0,
        "parameters": count_parameters(trained),
        "accuracy": Metrics()(predictor(trained), dataset.test, task)["accuracy"],
        "images": images,
        **circumstances(),
    }
    return {"layers": layers, "total": total, "summary": [summary]}


def contributions(model: Sequential, x: jax.Array) -> list[Row]:
    """What each layer adds to the Lie derivative of the class scores along each motion of the plane; see above.

    Returns:
      Rows with position, layer, generator, the contribution, their sum so far, and ``partial``: the norm of the vector
      sum so far, which at the last layer is the Lie derivative of the network.
    """
    structure, variables = nnx.split(model)
    variables = jax.tree.map(np.asarray, variables)  # on no device, so that trained and untrained share one program
    alone, partial = (np.asarray(v) for v in _added(structure, variables, x))
    rows: list[Row] = []
    for g, generator in enumerate(MOTIONS):
        for k, (name, _) in enumerate(stages(model)):
            row = {"position": k + 1, "layer": name, "generator": generator, "added": _rounded(alone[k, g])}
            rows.append({**row, "cumulative": _rounded(alone[: k + 1, g].sum()), "partial": _rounded(partial[k, g])})
    return rows


@functools.partial(jax.jit, static_argnums=0)
def _added(structure: Any, variables: nnx.State, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The norms of the contributions, and of their vector sums so far, ``[layers, generators]``."""
    size = (x.shape[1], x.shape[2])
    moving = _velocities(x, None, size)  # of the layer's input, when the network's input moves: [generators, ...]
    erring = jnp.zeros_like(moving)[None]  # what the layers so far have added: [layers, generators, ...]
    for _, stage in stages(nnx.merge(structure, variables)):
        y, push = jax.linearize(stage, x)
        moving, erring = jax.vmap(push)(moving), jax.vmap(jax.vmap(push))(erring)
        own = moving - _velocities(y, stage.layers[-1].out_type, size) - erring.sum(0)
        erring, x = jnp.concatenate([erring, own[None]]), y
    spread = jnp.sqrt(jnp.mean((x - x.mean(0)) ** 2))
    erring = erring[1:] * jnp.asarray([UNITS[name] for name in MOTIONS])[:, None, None] / spread
    alone, partial = (jnp.sqrt(jnp.mean(e**2, axis=(2, 3))) for e in (erring, jnp.cumsum(erring, axis=0)))
    return alone, partial


def stages(model: Sequential) -> list[tuple[str, Sequential]]:
    """The layers with their names; the one that flattens is taken together with the next."""
    found: list[tuple[str, Sequential]] = []
    waiting: list[Layer] = []
    for layer in model.layers:
        waiting.append(layer)
        if not isinstance(layer, Flatten):
            found.append((layer_name(layer), Sequential(waiting)))
            waiting = []
    return found


def _velocities(y: jax.Array, field_type: FieldType | None, size: tuple[int, int]) -> jax.Array:
    """d/dt at 0 of ρ(e^{tX}) y for each motion: pixels move, and under rotations the fibres turn too; a vector stays.

    Args:
      y: ``[batch, height, width, channels]`` or ``[batch, channels]``.
      field_type: of y; None for scalars.
      size: of the network's input: on a coarser grid fields move by as many pixels less.
    """
    if y.ndim != 4:
        return jnp.zeros((len(MOTIONS), *y.shape), y.dtype)
    resize = np.diag([y.shape[2] / size[1], y.shape[1] / size[0], 1.0])
    matrices = [resize @ GENERATORS[name].pixel_matrix(size) @ np.linalg.inv(resize) for name in MOTIONS]

    def velocity(matrix: jax.Array) -> jax.Array:
        def move(t: jax.Array) -> jax.Array:
            return warp_projective(y, jnp.eye(3) + t * matrix, padding="mirror")

        return jax.jvp(move, (jnp.zeros(()),), (jnp.ones(()),))[1]

    moved = jax.vmap(velocity)(jnp.asarray(np.stack(matrices), y.dtype))
    if field_type is None or field_type.is_trivial:
        return moved
    turned = jax.jvp(lambda r: turned_fibres(r, y, field_type), (jnp.zeros(()),), (jnp.ones(()),))[1]
    return moved.at[MOTIONS.index("rotate")].add(turned)


def turned_fibres(angle: jax.Array, y: jax.Array, field_type: FieldType) -> jax.Array:
    """ρ(r) y at every pixel, for a rotation r by a traced angle and fields of SO(2) or O(2)."""
    g = jnp.stack([jnp.zeros(()), angle])
    parts = []
    for block in field_type.blocks:
        fields = y[..., block.channels].reshape(*y.shape[:-1], block.multiplicity, block.representation.size)
        matrix = representation_matrix(g, block.representation)
        parts.append(jnp.einsum("ij,...j->...i", matrix, fields, precision="highest").reshape(*y.shape[:-1], -1))
    return jnp.concatenate(parts, -1)


def _rounded(value: float | np.ndarray) -> float:
    return float(f"{float(value):.5g}")


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    layers = read_csv(
        out / "layers.csv", ("model", "seed", "state", "position", "layer", "generator", "added"), COMMAND
    )
    total = read_csv(out / "total.csv", ("model", "seed", "state", "generator", "error"), COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", "parameters", "images"), COMMAND)
    seeds = len(distinct(summary, "seed"))
    names = [str(n) for n in distinct(total, "model")]
    error = {
        state: {n: (translation(total, n, state), at(total, n, state, "rotate")) for n in names} for state in STATES
    }

    def each(which: int, form: str) -> str:
        return "; ".join(
            f"{n} {form.format(error['untrained'][n][which])}, {form.format(error['trained'][n][which])}" for n in names
        )

    shares = {str(n): kinds(layers, str(n), "trained") for n in distinct(layers, "model")}
    return [
        f"About {np.mean([float(r['parameters']) for r in summary]):,.0f} parameters each; {summary[0]['images']} test"
        f" digits, {'one seed' if seeds == 1 else f'means of {seeds} seeds'}; changes of the scores for a motion by one"
        " pixel, relative to the spread between digits.",
        f"Translations, untrained and trained: {each(0, '{:.2f}')}.",
        f"Rotations, untrained and trained: {each(1, '{:.3f}')}.",
        "Of what the layers of the trained networks add under translations, nonlinearities and strides add: "
        + "; ".join(f"{n} {share['nonlinearities'] + share['strides']:.0%}" for n, share in shares.items())
        + "; normalisations: "
        + "; ".join(f"{n} {share['normalisations']:.1%}" for n, share in shares.items())
        + ".",
    ]


STATES = ("untrained", "trained")


def at(total: Sequence[Row], model: str, state: str, generator: str) -> float:
    """The mean over seeds of the error in ``total.csv``."""
    rows = [r for r in total if (r["model"], r["state"], r["generator"]) == (model, state, generator)]
    return float(np.mean([float(r["error"]) for r in rows]))


def translation(total: Sequence[Row], model: str, state: str) -> float:
    """The root mean square of the errors of both translations, of the means over seeds."""
    return float(np.hypot(at(total, model, state, "translate_x"), at(total, model, state, "translate_y")) / np.sqrt(2))


def kind(layer: str) -> str:
    """What a layer of a figure is.

    >>> [kind(name) for name in ("conv 5", "conv 4 ↓4", "max pool ↓2", "relu", "norm")]
    ['convolutions', 'strides', 'strides', 'nonlinearities', 'normalisations']
    """
    if "↓" in layer:
        return "strides"
    if layer.startswith("conv"):
        return "convolutions"
    return {"relu": "nonlinearities", "elu": "nonlinearities", "norm": "normalisations"}.get(layer, "others")


def kinds(layers: Sequence[Row], model: str, state: str) -> dict[str, float]:
    """The share of each kind of layer in what all layers add under translations, over all seeds."""
    names = ("convolutions", "nonlinearities", "strides", "normalisations", "others")
    shares: dict[str, float] = dict.fromkeys(names, 0.0)
    for r in layers:
        if (r["model"], r["state"]) == (model, state) and str(r["generator"]).startswith("translate"):
            shares[kind(str(r["layer"]))] += float(r["added"])
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def added(layers: Sequence[Row], model: str, state: str, generators: Sequence[str]) -> list[tuple[str, float]]:
    """What each layer adds, in order: name, and root mean square over some generators (of the means over seeds)."""
    found: dict[tuple[int, str], list[float]] = {}
    own = [r for r in layers if (r["model"], r["state"]) == (model, state) and r["generator"] in generators]
    for r in mean_over(own, over="seed", by=["position", "generator"]):
        found.setdefault((int(r["position"]), str(r["layer"])), []).append(float(r["added"]))
    return [(name, float(np.sqrt(np.mean(np.square(v))))) for (_, name), v in sorted(found.items())]


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


CONVOLUTIONAL = ("CNN", "CNN, blurred", "SO(2)")
NOTHING = 1e-5
"""What rounding leaves, in a dozen layers, of a map of each pixel by itself that is affine, and so commutes."""


def _claims(out: Path) -> Iterator[Claim]:
    """Orderings and shares: "next to nothing" is a tenth, "most" is more than half.

    The tenth is asked of horizontal translations only: the digits are as high as their frame, so that a kernel of 5 × 5
    carries them to the border of the image under vertical ones.
    """
    columns = ("model", "seed", "state", "position", "layer", "generator", "added", "partial")
    layers = read_csv(out / "layers.csv", columns, COMMAND)
    total = read_csv(out / "total.csv", ("model", "seed", "state", "generator", "error"), COMMAND)
    yield from numbers(layers, ("model", "seed", "state", "layer", "generator"), "added", "partial")
    yield from numbers(total, ("model", "seed", "state", "generator"), "error")
    for state in STATES:
        for model in ("CNN", "CNN, blurred"):
            for generator, share in (("translate_x", 0.1), ("translate_y", 1.0)):
                (_, first), _, (_, relu) = added(layers, model, state, (generator,))[:3]
                found = f"the first convolution of {model} ({state}) adds {first:.2g}, its ReLU {relu:.2g}"
                yield first < share * relu, f"{found} ({generator})"
        for model, generator in itertools.product(CONVOLUTIONAL, MOTIONS):
            for name, value in added(layers, model, state, (generator,)):
                if name == "norm":
                    yield value < NOTHING, f"a norm of {model} ({state}) adds {value:.1e} under {generator}"
        share = kinds(layers, "CNN", state)
        most = share["nonlinearities"] + share["strides"]
        yield most > 0.5, f"nonlinearities and strides of the {state} CNN add {most:.0%} only"
        found = f"strides of the {state} CNN add {share['strides']:.0%}, convolutions {share['convolutions']:.0%}"
        yield share["strides"] > share["convolutions"] / 2, found
        (_, patches), *others = added(layers, "ViT", state, ("translate_x", "translate_y"))
        name, most = max(others, key=lambda other: other[1])
        yield patches > most, f"the patches of the {state} ViT add {patches:.2g}, its layer {name} {most:.2g}"
        blurred, plain = (translation(total, model, state) for model in ("CNN, blurred", "CNN"))
        yield blurred < plain, f"the translation derivative is {blurred:.2g} blurred, {plain:.2g} not ({state})"
    for state, equivariant in (("untrained", ("SO(2)", "C8")), ("trained", ("SO(2)",))):
        error = {model: at(total, model, state, "rotate") for model in RUNS}
        for model, other in itertools.product(equivariant, (m for m in RUNS if m not in equivariant)):
            found = f"the rotation derivative of {model} is {error[model]:.2g}, that of {other} {error[other]:.2g}"
            yield error[model] < error[other], f"{found} ({state})"
    keys = ("model", "state", "seed", "generator")
    last = {tuple(r[key] for key in keys): float(r["partial"]) for r in layers}
    for r in total:  # up to what comes in at the border of the image: zeros there, mirrored pixels here
        error, add_up = float(r["error"]), last.get(tuple(r[key] for key in keys))
        if add_up is not None:
            found = f"the contributions of {named(r, *keys)} add up to {add_up:.3g}, not {error:.3g}"
            yield abs(add_up - error) <= 0.05 * error, found
