"""How the mean square of a signal changes with depth, by the rule that initial weights are drawn by.

    geomdl reproduce signal_propagation [--preset=fast|full]

Claim: with flat spectra (`geomdl.kernels.initial_variances`) untrained networks of 20 layers without normalisation keep
the mean square of what comes in within [0.25, 4] (the geometric mean of five draws of the weights), on white and on
constant images, for every group; with equal shares of the irreps (the rule before, and escnn's) or equal variances (He)
steerable kernels let it grow beyond that by orders of magnitude. Delta-orthogonal weights keep it too, but do not look
at a pixel's neighbours; layer-sequential unit variance (LSUV) keeps it by construction, on the images that it has seen.
Writes

* ``ratios.csv``: for each network, rule, kind of images and depth the mean square of the last layer's outputs over that
  of the first layer's (before the nonlinearity): geometric mean, least and largest of the seeds;
* ``spectra.csv``: for each network and rule Λ(ξ) / Λ of one layer, the mean over the irreps of the input of the power
  that passes at radius |ξ|, and the share of the centre pixel in the kernel's energy.

Circular convolutions of 5 × 5 pixels on images of 12 × 12, 24 fields of each kind, biases 0. Nothing is trained.
"""

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from experiments.parts.claims import Claim, named, unmet
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.kernels import SteerableKernelSpace, delta_orthogonal, initial_variances
from geomdl.layers import Conv, Gated, Layer, NormActivation, Pointwise, gain_of
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.representations import FieldType, irrep

COMMAND = "geomdl reproduce signal_propagation"
PRESETS = {"fast": 1, "full": 5}  # seeds
SIZE, KERNEL, BATCH = 12, 5, 2
DEPTHS = (20, 50)
NETWORKS: dict[str, tuple[str, str, Callable[[FieldType], Layer]]] = {
    "C4, ReLU": ("C4", "24 regular", Pointwise),
    "C8, ReLU": ("C8", "24 regular", Pointwise),
    "D4, ReLU": ("D4", "24 regular", Pointwise),
    "SO(2), norms": ("SO2", "24 trivial + 24 irrep(1) + 24 irrep(2)", NormActivation),
    "SO(2), gated": ("SO2", "24 trivial + 24 irrep(1) + 24 irrep(2)", Gated),
    "O(2), norms": ("O2", "24 trivial + 24 irrep(1,0) + 24 irrep(1,1) + 24 irrep(1,2)", NormActivation),
}
"""Group, fields, and the nonlinearity behind each convolution."""
RULES = ("flat", "equal shares", "equal variances", "delta-orthogonal", "LSUV")
KEPT = (0.25, 4.0)
_RADII = (0.0, 0.5, 0.9, 1.3, 1.7, 2.1, 2.5, 2.9, 3.3, 3.8)  # where bands of |ξ| begin


def run(preset: str, out: Path) -> None:
    """Draws weights and measures, and writes the two tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    about = circumstances()
    spectra = [row for name in NETWORKS for row in spectrum(name)]
    write_csv(out / "spectra.csv", spectra)
    rows: list[Row] = []
    for name in NETWORKS:
        for rule in RULES:
            rows += [{**row, **about} for row in propagated(name, rule, PRESETS[preset])]
            write_csv(out / "ratios.csv", rows)


@functools.lru_cache
def network(name: str) -> tuple[Conv, Layer, tuple[float, ...]]:
    """A convolution, the nonlinearity behind it, and its gains."""
    group, fields, make = NETWORKS[name]
    nonlinearity = make(FieldType(group, fields))
    gains = gain_of(nonlinearity)
    conv = Conv(
        nonlinearity.out_type,
        nonlinearity.in_type,
        KERNEL,
        padding="same",
        padding_mode="circular",
        basis="steerable" if group == "D4" else "auto",
        gain=gains,
        rngs=nnx.Rngs(0),
    )
    return conv, nonlinearity, gains


def variances(rule: str, conv: Conv, gains: Sequence[float]) -> list[np.ndarray]:
    """The variance of every weight of a layer, space by space."""
    if rule in ("flat", "LSUV"):
        return initial_variances(conv.in_type, conv.out_type, conv.spaces, gains)
    fan_in = KERNEL**2 * conv.in_type.size
    columns = []
    for gain, column in zip(gains, zip(*conv.spaces, strict=True), strict=True):
        if rule == "equal variances" or not all(isinstance(s, SteerableKernelSpace) for s in column):
            columns.append([np.full(s.dimension, gain / fan_in) for s in column])
        else:
            columns.append([gain * v for v in equal_shares(conv.in_type, column)])
    return [v for row in zip(*columns, strict=True) for v in row]


def equal_shares(in_type: FieldType, column: Sequence[SteerableKernelSpace]) -> list[np.ndarray]:
    """Every type of input irrep contributes as much to an output irrep as any other, all its weights equally.

    escnn's rule, Weiler, Hamprecht & Storath (2018, section 3), with weights of one type counted together.
    """
    names = list(dict.fromkeys(a for block in in_type.blocks for a in block.representation.labels))
    size = len(column[0].out_representation.labels)
    moments, pairs = np.zeros((len(names), size)), []
    for block, space in zip(in_type.blocks, column, strict=True):
        source = np.array([names.index(a) for a in space.in_representation.labels], int)[space.source]
        pairs.append((source, space.target))
        np.add.at(moments, pairs[-1], block.multiplicity * space.norms**2)
    rho = column[0].out_representation
    dimensions = np.array([irrep(rho.group, *label).size for label in rho.labels])
    shares = dimensions / np.maximum((moments > 0).sum(0), 1)
    return [shares[target] / moments[source, target] for source, target in pairs]


def draw(rule: str, conv: Conv, gains: Sequence[float], seed: int) -> list[jax.Array]:
    """Weights of a layer."""
    if rule == "delta-orthogonal":
        weights = delta_orthogonal(jax.random.key(seed), conv.in_type, conv.out_type, conv.spaces)
        return [math.sqrt(g) * w for g, w in zip([*gains] * len(conv.spaces), weights, strict=True)]
    rng, found = np.random.default_rng(seed), []
    pairs = [(i, o) for i in conv.in_type.blocks for o in conv.out_type.blocks]
    for (i, o), v in zip(pairs, variances(rule, conv, gains), strict=True):
        noise = rng.normal(size=(len(v), i.multiplicity, o.multiplicity))
        found.append(jnp.asarray(noise * np.sqrt(v)[:, None, None], jnp.float32))
    return found


@functools.lru_cache
def _step(name: str) -> Callable[[list[jax.Array], jax.Array], tuple[jax.Array, jax.Array]]:
    """What a convolution of given weights gives, and the nonlinearity behind it; compiled once for all layers."""
    conv, nonlinearity, _ = network(name)
    structure, behind = nnx.graphdef(conv), nnx.split(nonlinearity)

    @jax.jit
    def compiled(state: nnx.State, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        y = nnx.merge(structure, state)(x)
        return y, nnx.merge(*behind)(y)

    def step(weights: list[jax.Array], x: jax.Array) -> tuple[jax.Array, jax.Array]:
        for kernel, weight in zip(conv.kernel, weights, strict=True):
            kernel[...] = weight
        return compiled(nnx.state(conv), x)

    return step


def propagated(name: str, rule: str, seeds: int) -> list[Row]:
    """Rows of ``ratios.csv``: white and constant images go through the same layers."""
    conv, _, gains = network(name)
    step, logarithms = _step(name), np.zeros((seeds, 2, len(DEPTHS)))
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        white = rng.normal(size=(BATCH, SIZE, SIZE, conv.in_type.size))
        constant = np.broadcast_to(white.mean((1, 2), keepdims=True) * SIZE, white.shape)
        x, first = jnp.asarray(np.concatenate([white, constant]), jnp.float32), np.zeros(2)
        for depth in range(1, max(DEPTHS) + 1):
            weights = draw(rule, conv, gains, 1000 * seed + depth)
            y, passed = step(weights, x)
            if rule == "LSUV":  # on the white images; the constant ones come as news
                scale = jnp.sqrt(jnp.mean(y[:BATCH] ** 2))
                y, passed = step([w / scale for w in weights], x)
            found = np.log(np.maximum(np.asarray(y, np.float64).reshape(2, -1) ** 2, 1e-300).mean(1))
            first = found if depth == 1 else first
            if depth in DEPTHS:
                logarithms[seed, :, DEPTHS.index(depth)] = found - first
            x = passed
    return [
        {
            "network": name,
            "rule": rule,
            "images": images,
            "depth": depth,
            "seeds": seeds,
            "ratio": float(f"{math.exp(logarithms[:, i, d].mean()):.3g}"),
            "least": float(f"{math.exp(logarithms[:, i, d].min()):.3g}"),
            "largest": float(f"{math.exp(logarithms[:, i, d].max()):.3g}"),
        }
        for i, images in enumerate(("white", "constant"))
        for d, depth in enumerate(DEPTHS)
    ]


def spectrum(name: str) -> list[Row]:
    """Rows of ``spectra.csv``: in closed form, from the variances and the basis."""
    conv, _, gains = network(name)
    axis = 2 * np.pi * np.fft.fftfreq(16)
    band = np.digitize(np.hypot(*np.meshgrid(axis, axis)).ravel(), (1e-9, *_RADII[1:]))
    rows: list[Row] = []
    for rule in RULES[:3]:
        each = iter(variances(rule, conv, gains))
        power, centre = np.zeros(16 * 16), 0.0
        for i, row in zip(conv.in_type.blocks, conv.spaces, strict=True):
            for o, gain, space in zip(conv.out_type.blocks, gains, row, strict=True):
                v, pairs = next(each) / gain, i.multiplicity * o.multiplicity
                if isinstance(space, SteerableKernelSpace):
                    kernels = space.basis()
                else:
                    kernels = (space.orbits == np.arange(space.dimension)[:, None, None, None, None]).astype(float)
                transformed = np.fft.fft2(kernels, (16, 16), axes=(1, 2))
                power += pairs * np.einsum("n,nxyio->xy", v, np.abs(transformed) ** 2).ravel()
                centre += pairs * np.einsum("n,nio->", v, kernels[:, KERNEL // 2, KERNEL // 2] ** 2)
        centre /= power.mean()
        power /= power.mean()
        for number, radius in enumerate(_RADII):
            found = {"radius": radius, "power": round(float(power[band == number].mean()), 3)}
            rows.append({"network": name, "rule": rule, **found, "centre": round(float(centre), 3)})
    return rows


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    rows = read_csv(out / "ratios.csv", ("network", "rule", "images", "depth", "ratio"), COMMAND)
    sentences = []
    for rule in distinct(rows, "rule"):
        for depth in DEPTHS:
            ratios = [float(r["ratio"]) for r in rows if r["rule"] == rule and r["depth"] == depth]
            inside = sum(KEPT[0] <= r <= KEPT[1] for r in ratios)
            sentences.append(
                f"{rule}, {depth} layers: {min(ratios):.2g} to {max(ratios):.2g} times the mean square of the first;"
                f" {inside} of {len(ratios)} within [{KEPT[0]:g}, {KEPT[1]:g}]."
            )
    return sentences


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """C4 has pixel kernels, flat by any rule; of the spectra, gates count little in those of the gated network.

    The mean of fewer seeds is less certain: the logarithms of its limits grow as its standard error does.
    """
    ratios = read_csv(out / "ratios.csv", ("network", "rule", "images", "depth", "seeds", "ratio"), COMMAND)
    spectra = read_csv(out / "spectra.csv", ("network", "rule", "radius", "power"), COMMAND)
    for r in ratios:
        found = f"{named(r, 'rule', 'network', 'images', 'depth')}: {r['ratio']} times the mean square"
        if r["depth"] == 20 and r["rule"] == "flat":
            low, high = (limit ** max(1.0, math.sqrt(PRESETS["full"] / int(r["seeds"]))) for limit in KEPT)
            yield low <= float(r["ratio"]) <= high, f"{found}, not within [{low:.2g}, {high:.2g}]"
        elif r["depth"] == 20 and r["rule"] in ("equal shares", "equal variances"):
            yield (float(r["ratio"]) > 1e4) == (r["network"] != "C4, ReLU"), found
    for r in spectra:
        found = f"flat spectrum of {r['network']}: {r['power']} of the mean power at radius {r['radius']}"
        if r["rule"] == "flat" and r["network"] != "SO(2), gated":
            yield 0.9 < float(r["power"]) < 1.1, found
    steep = [float(r["power"]) for r in spectra if r["rule"] == "equal shares" and r["network"] != "C4, ReLU"]
    found = f"equal shares: spectra from {min(steep):.2f} to {max(steep):.2f} of the mean power, nearly flat"
    yield max(steep) > 2.5 and min(steep) < 0.25, found
