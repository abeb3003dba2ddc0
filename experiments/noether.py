r"""Noether's theorem in training: what the symmetries of a loss conserve, and how finite steps break it.

    geomdl reproduce noether [--preset=fast|full]

A loss that does not change under θ ↦ exp(sA)θ has ⟨g, Aθ⟩ = 0 for its gradient g, at every θ and on any batch. The flow
θ' = −g − λθ, gradient descent with weight decay λ and steps that vanish, then fulfils a conservation law for each such
symmetry (Kunin, Sagastuy-Brena, Ganguli, Yamins & Tanaka, Neural mechanics, ICLR 2021):

* *translation*: the softmax does not see a number that is added to all scores, so that the sum over the classes of the
  last layer's weights of a feature, Q = Σ_c w_c, has Q' = −λQ;
* *scale*: batch norm does not see the length of the weights w before it: Q = ‖w‖² of each channel has Q' = −2λQ;
* *rescaling*: a ReLU (behind a layer, or behind batch norm) passes factors on, so that the weights into a unit can be
  multiplied by any a > 0 and those out of it divided by it: Q = ‖w_in‖² − ‖w_out‖² of each unit has Q' = −2λQ.

Without weight decay all three are conserved. With steps of size η and momentum β, v' = βv + g + λθ and θ' = θ − ηv',
the symmetry (⟨g, Aθ⟩ = 0 at each step) leaves exactly

* for linear Q:    Q_{k+1} = (1 + β − ηλ) Q_k − β Q_{k−1}, that is (1 − ηλ)^k Q_0 without momentum;
* for quadratic Q, with P = ⟨θ, Av⟩ and R = ⟨v, Av⟩:    Q' = Q − 2η(βP + λQ) + η²R',    P' = βP + λQ − ηR'.

Without decay and momentum the latter is Q_K = Q_0 + η² Σ_k ⟨g_k, Ag_k⟩. With v ≈ (g + λθ) / (1 − β) and ⟨g, Ag⟩ taken
from the flow, at the times k η/(1 − β), the same recursion *predicts* a run before it is made, up to a share of the
drift of the order of the step. To first order the drift up to the time t = K η/(1 − β) is

    Q(t) − e^{−2λt} Q(0) ≈ η/(1 − β) · (1 + β)/(1 − β) · ∫ e^{−2λ(t−s)} ⟨g(s), Ag(s)⟩ ds + O(ηλ²Q):

of first order in the step, and at one effective step η/(1 − β) larger with momentum by (1 + β)/(1 − β), 19 for β = 0.9.

Claims: drifts vanish with the first power of the step; predictions agree with the measured drift within a few per cent;
the recursions, and the sums over classes without decay, hold to the rounding of float64. Writes

* ``drifts.csv``: for each seed, momentum, decay, effective step and charge the norm over the units of the drift, of the
  prediction and of their difference, and the residual of the exact recursion, all relative to the norm of Q(0); also
  for a control, ‖w_out‖² by itself, and for the flow by Runge and Kutta's method;
* ``paths.csv``: through the training of seed 0 the mean of Q sign(Q(0)) over the units, relative to that of |Q(0)|, and
  the norms of the drift and of its prediction;
* ``linear.csv``: W₂ᵀW₂ − W₁W₁ᵀ of a linear network of two layers: gradient descent, the method of Runge and Kutta
  (order 4), and the implicit midpoint rule, which conserves every quadratic charge exactly, at any step;
* ``summary.csv``: losses and accuracies on the training digits before and after, versions and hardware.

A convolution of 3 × 3 pixels to 8 channels with stride 2, batch norm (with ε = 0: another ε breaks the symmetry), ReLU,
32 hidden units with ReLU and a softmax learn 256 of scikit-learn's digits from all of them at once, in float64.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments.parts.claims import Claim, named, unmet
from geomdl.data import data_config, unit_interval
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.plots import Row, distinct, read_csv, write_csv

COMMAND = "geomdl reproduce noether"
PRESETS = {"fast": 1, "full": 3}  # seeds
TIME = 8.0
"""Training lasts until η/(1 − β) times the number of steps is this."""
STEPS = (0.08, 0.04, 0.02, 0.01, 0.005)
"""Effective step sizes, η/(1 − β)."""
MOMENTA = (0.0, 0.9)
DECAYS = (0.0, 0.05)
CHARGES = ("scale", "rescaling", "translation")
CONTROL = "outgoing"
"""‖w_out‖² of each hidden unit by itself, which no symmetry conserves."""
CHECKPOINTS = 50
FLOW_STEP = 0.01
SHOWN = (0.02, 0.005)
IMAGES, CHANNELS, HIDDEN = 256, 8, 32
LINEAR_STEPS = (0.2, 0.1, 0.05, 0.025, 0.0125)
LINEAR_TIME = 4.0

Tree = dict[str, jax.Array]
Charges = dict[str, jax.Array]


# The network


@functools.lru_cache
def digits() -> tuple[np.ndarray, np.ndarray]:
    """Windows of 3 × 3 pixels, [image, place, 9], and labels."""
    split = data_config("digits", size=11).load().train
    images = np.asarray(unit_interval(np.asarray(split.images[:IMAGES])), np.float64)[..., 0]
    windows = np.lib.stride_tricks.sliding_window_view(images, (3, 3), (1, 2))[:, ::2, ::2]
    return windows.reshape(len(images), -1, 9), np.asarray(split.labels[:IMAGES], np.int64)


def initial(seed: int) -> Tree:
    """Weights by He's rule, float64."""
    rng = np.random.default_rng(seed)
    places = digits()[0].shape[1]

    def normal(*shape: int, fan: int) -> jax.Array:
        return jnp.asarray(rng.normal(size=shape) * np.sqrt(2 / fan))

    return {
        "kernel": normal(9, CHANNELS, fan=9),
        "scale": jnp.ones(CHANNELS),
        "shift": jnp.zeros(CHANNELS),
        "hidden": normal(places, CHANNELS, HIDDEN, fan=places * CHANNELS),
        "hidden_bias": jnp.zeros(HIDDEN),
        "out": normal(HIDDEN, 10, fan=HIDDEN),
        "out_bias": jnp.zeros(10),
    }


def scores(weights: Tree, windows: jax.Array) -> jax.Array:
    """The scores of ten classes, [image, 10]; batch norm over the images and places, with ε = 0."""
    z = windows @ weights["kernel"]
    z = (z - z.mean((0, 1))) / z.std((0, 1))
    z = jax.nn.relu(z * weights["scale"] + weights["shift"])
    h = jax.nn.relu(jnp.einsum("npc,pch->nh", z, weights["hidden"]) + weights["hidden_bias"])
    return h @ weights["out"] + weights["out_bias"]


def loss(weights: Tree, windows: jax.Array, labels: jax.Array) -> jax.Array:
    """Mean cross-entropy."""
    logarithms = jax.nn.log_softmax(scores(weights, windows))
    return -jnp.take_along_axis(logarithms, labels[:, None], 1).mean()


def quadratic(a: Tree, b: Tree) -> Charges:
    """The bilinear forms ⟨a, A b⟩ of the quadratic charges, one for each channel or unit."""
    products = {name: a[name] * b[name] for name in a}
    behind_norm = products["scale"] + products["shift"] - products["hidden"].sum((0, 2))
    behind_dense = products["hidden"].sum((0, 1)) + products["hidden_bias"] - products["out"].sum(1)
    return {"scale": products["kernel"].sum(0), "rescaling": jnp.concatenate([behind_norm, behind_dense])}


def linear(a: Tree) -> Charges:
    """The linear charge, for each feature and the bias: sums over the classes."""
    return {"translation": jnp.append(a["out"].sum(1), a["out_bias"].sum())}


def charges(a: Tree) -> Charges:
    """All charges of some weights, and the control."""
    return {**quadratic(a, a), **linear(a), CONTROL: (a["out"] ** 2).sum(1)}


# Training


class Run(NamedTuple):
    """What is kept of a run at the checkpoints: charges, those of the exact recursion, and the last weights."""

    charges: Charges
    recursion: Charges
    weights: Tree


@jax.jit
def descend(
    start: Tree, windows: jax.Array, labels: jax.Array, step: float, momentum: float, decay: float, between: int
) -> Run:
    """Gradient descent with momentum and weight decay, with so many steps between the checkpoints."""
    tree = jax.tree.map

    def one(_: int, state: tuple) -> tuple:
        weights, velocity, q, p, last = state
        gradient = jax.grad(loss)(weights, windows, labels)
        velocity = tree(lambda v, g, w: momentum * v + g + decay * w, velocity, gradient, weights)
        weights = tree(lambda w, v: w - step * v, weights, velocity)
        r = quadratic(velocity, velocity)
        moved = {name: advance(q[name], p[name], r[name], step, momentum, decay) for name in r}
        q, p = ({name: pair[i] for name, pair in moved.items()} for i in (0, 1))
        following = (1 + momentum - step * decay) * last[0] - momentum * last[1]
        return weights, velocity, q, p, (following, last[0])

    def checkpoint(state: tuple, _: None) -> tuple:
        state = jax.lax.fori_loop(0, between, one, state)
        return state, (charges(state[0]), {**state[2], "translation": state[4][0]})

    still = tree(jnp.zeros_like, start)
    sums = linear(start)["translation"]
    state = (start, still, quadratic(start, start), quadratic(start, still), (sums, sums))
    state, (found, recursion) = jax.lax.scan(checkpoint, state, None, CHECKPOINTS)
    return Run(found, recursion, state[0])


def advance(q, p, r, step: float, momentum: float, decay: float):
    """The exact recursion of a quadratic charge Q and of P = ⟨θ, Av⟩, given R of the new velocity."""
    pushed = momentum * p + decay * q
    return q - 2 * step * pushed + step**2 * r, pushed - step * r


@jax.jit
def flow(start: Tree, windows: jax.Array, labels: jax.Array, decay: float) -> tuple[Charges, Charges]:
    """The flow by Runge and Kutta's method: charges, and ⟨g, Ag⟩, at times 0, FLOW_STEP, …, TIME."""

    def field(weights: Tree) -> Tree:
        return jax.tree.map(lambda g, w: -g - decay * w, jax.grad(loss)(weights, windows, labels), weights)

    def one(weights: Tree, _: None) -> tuple[Tree, tuple[Charges, Charges]]:
        slope = field(weights)
        gradient = jax.tree.map(lambda s, w: -s - decay * w, slope, weights)
        return runge_kutta(field, weights, FLOW_STEP, slope), (charges(weights), quadratic(gradient, gradient))

    return jax.lax.scan(one, start, None, round(TIME / FLOW_STEP) + 1)[1]


def runge_kutta(field: Callable[[Tree], Tree], at: Tree, step: float, slope: Tree | None = None) -> Tree:
    """One step of the classical method of order 4."""

    def moved(by: float, along: Tree) -> Tree:
        return jax.tree.map(lambda a, b: a + by * b, at, along)

    k1 = field(at) if slope is None else slope
    k2 = field(moved(step / 2, k1))
    k3 = field(moved(step / 2, k2))
    k4 = field(moved(step, k3))
    return jax.tree.map(lambda a, p, q, r, s: a + step / 6 * (p + 2 * q + 2 * r + s), at, k1, k2, k3, k4)


def predicted(
    name: str, at_start: np.ndarray, forms: np.ndarray | None, effective: float, momentum: float, decay: float
) -> np.ndarray:
    """The charge before training and at the checkpoints, [checkpoint, unit].

    Args:
      name: of the charge.
      at_start: its values before training, [unit].
      forms: ⟨g, Ag⟩ along the flow at times 0, FLOW_STEP, …, [time, unit]; None for the linear charge.
      effective: the step η/(1 − β).
      momentum: β.
      decay: λ.
    """
    step, between = effective * (1 - momentum), round(TIME / CHECKPOINTS / effective)
    q, before, p, found = at_start, at_start, np.zeros_like(at_start), [at_start]
    grid = effective * np.arange(CHECKPOINTS * between)
    times = np.arange(len(forms) if forms is not None else 0) * FLOW_STEP
    along = [] if forms is None else np.stack([np.interp(grid, times, column) for column in forms.T], 1)
    for k in range(len(grid)):
        if forms is None:
            q, before = (1 + momentum - step * decay) * q - momentum * before, q
        else:
            q, p = advance(q, p, (along[k] + decay**2 * q) / (1 - momentum) ** 2, step, momentum, decay)
        if (k + 1) % between == 0:
            found.append(q)
    return np.stack(found)


# The study


def run(preset: str, out: Path) -> None:
    """Trains, compares with the laws, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    study(out, PRESETS[preset], STEPS)


def study(out: Path, seeds: int, steps: tuple[float, ...]) -> None:
    """The tables for some seeds and effective steps."""
    with jax.enable_x64(True):
        write_csv(out / "linear.csv", linear_network())
        drifts: list[Row] = []
        paths: list[Row] = []
        summary: list[Row] = []
        for seed in range(seeds):
            for decay in DECAYS:
                rows, more, about = trained(seed, decay, steps)
                drifts, paths, summary = drifts + rows, paths + (more if seed == 0 else []), [*summary, *about]
        for name, table in (("drifts", drifts), ("paths", paths), ("summary", summary)):
            write_csv(out / f"{name}.csv", table)


def trained(seed: int, decay: float, steps: tuple[float, ...]) -> tuple[list[Row], list[Row], list[Row]]:
    """Rows of all tables but the linear network's, for every momentum and step."""
    windows, labels = map(jnp.asarray, digits())
    start = initial(seed)
    flowing, forms = jax.tree.map(np.asarray, flow(start, windows, labels, decay))
    at_start = jax.tree.map(np.asarray, charges(start))
    times = TIME / CHECKPOINTS * np.arange(CHECKPOINTS + 1)
    rests = {name: np.exp(-rate(name) * decay * times)[:, None] * at_start[name] for name in at_start}

    def size(name: str, values: np.ndarray) -> np.ndarray:
        return np.linalg.norm(values, axis=-1) / np.linalg.norm(at_start[name])

    drifts: list[Row] = []
    paths: list[Row] = []
    summary: list[Row] = []
    for name in at_start:
        case = {"seed": seed, "method": "flow", "momentum": 0.0, "decay": decay, "step": FLOW_STEP, "charge": name}
        drift = number(size(name, flowing[name][-1] - rests[name][-1]))
        drifts.append({**case, "drift": drift, "predicted": "", "difference": "", "residual": ""})
    for momentum in MOMENTA:
        for effective in steps:
            between = round(TIME / CHECKPOINTS / effective)
            found = jax.tree.map(
                np.asarray, descend(start, windows, labels, effective * (1 - momentum), momentum, decay, between)
            )
            case = {"seed": seed, "method": "descent", "momentum": momentum, "decay": decay, "step": effective}
            summary.append({**case, **_fit(found.weights, windows, labels), **circumstances()})
            for name in at_start:
                values = np.concatenate([at_start[name][None], found.charges[name]])
                law = np.full_like(values, np.nan)
                residual = np.nan
                if name != CONTROL:
                    law = predicted(name, at_start[name], forms.get(name), effective, momentum, decay)
                    residual = size(name, found.charges[name][-1] - found.recursion[name][-1])
                norms = {
                    "drift": size(name, values - rests[name]),
                    "predicted": size(name, law - rests[name]),
                    "difference": size(name, values - law),
                }
                ends = {key: _or_nothing(norm[-1]) for key, norm in norms.items()}
                drifts.append({**case, "charge": name, **ends, "residual": _or_nothing(residual)})
                signs = np.sign(at_start[name]) / np.abs(at_start[name]).sum()
                if effective in SHOWN:
                    paths += [
                        {
                            **case,
                            "charge": name,
                            "time": round(float(times[k]), 4),
                            "value": number(values[k] @ signs, 6),
                            "drift": number(norms["drift"][k]),
                            "predicted": _or_nothing(norms["predicted"][k]),
                        }
                        for k in range(0, len(times), 2)
                    ]
    return drifts, paths, summary


def rate(name: str) -> int:
    """How many times λ the charge decays by in the flow."""
    return 1 if name == "translation" else 2


def _or_nothing(value: float | np.ndarray) -> float | str:
    return "" if np.isnan(value) else number(value)


def _fit(weights: Tree, windows: jax.Array, labels: jax.Array) -> Row:
    right = (scores(weights, windows).argmax(1) == labels).mean()
    return {"loss": number(loss(weights, windows, labels)), "accuracy": number(right)}


def number(value: Any, digits: int = 4) -> float:
    """A float of so many significant digits."""
    return float(f"{float(value):.{digits}g}")


# A linear network of two layers


def linear_network() -> list[Row]:
    """Rows of ``linear.csv``: ‖C(T) − C(0)‖ / ‖C(0)‖ of C = W₂ᵀW₂ − W₁W₁ᵀ at T = 4, by integrator and step."""
    rng = np.random.default_rng(0)
    x, y = jnp.asarray(0.7 * rng.normal(size=(6, 40))), jnp.asarray(0.7 * rng.normal(size=(4, 40)))
    start = {"first": jnp.asarray(0.6 * rng.normal(size=(5, 6))), "second": jnp.asarray(0.6 * rng.normal(size=(4, 5)))}

    def field(w: Tree) -> Tree:
        error = (w["second"] @ w["first"] @ x - y) @ x.T / x.shape[1]
        return {"first": -w["second"].T @ error, "second": -error @ w["first"].T}

    def euler(w: Tree, step: float) -> Tree:
        return jax.tree.map(lambda a, b: a + step * b, w, field(w))

    def midpoint(w: Tree, step: float) -> Tree:
        def better(_: int, after: Tree) -> Tree:
            middle = jax.tree.map(lambda a, b: (a + b) / 2, w, after)
            return jax.tree.map(lambda a, b: a + step * b, w, field(middle))

        return jax.lax.fori_loop(0, 100, better, euler(w, step))  # fixed point, to rounding

    methods = {
        "gradient descent": euler,
        "Runge–Kutta": lambda w, step: runge_kutta(field, w, step),
        "implicit midpoint": midpoint,
    }
    rows: list[Row] = []
    for name, method in methods.items():
        advanced = jax.jit(lambda w, step, many, m=method: jax.lax.fori_loop(0, many, lambda _, v: m(v, step), w))
        for step in LINEAR_STEPS:
            end, before = advanced(start, step, round(LINEAR_TIME / step)), balance(start)
            drift = np.linalg.norm(balance(end) - before) / np.linalg.norm(before)
            moved = np.linalg.norm(end["first"] - start["first"]) / np.linalg.norm(start["first"])
            rows.append({"method": name, "step": step, "drift": number(drift), "moved": number(moved)})
    return rows


def balance(weights: Tree) -> np.ndarray:
    """W₂ᵀW₂ − W₁W₁ᵀ."""
    first, second = np.asarray(weights["first"]), np.asarray(weights["second"])
    return second.T @ second - first @ first.T


# What was seen


def order(steps: list[float], drifts: list[float]) -> float:
    """The slope of the drift against the step, both as logarithms, by least squares."""
    return float(np.polyfit(np.log(steps), np.log(drifts), 1)[0])


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    drifts = read_csv(out / "drifts.csv", ("seed", "momentum", "decay", "step", "charge", "drift"), COMMAND)
    table = read_csv(out / "linear.csv", ("method", "step", "drift"), COMMAND)
    summary = read_csv(out / "summary.csv", ("seed", "loss", "accuracy"), COMMAND)
    runs = [r for r in drifts if r["method"] == "descent"]
    least = min(float(r["step"]) for r in runs)
    accuracies = [float(r["accuracy"]) for r in summary]
    sentences = [
        f"{len(summary)} runs, {len(distinct(summary, 'seed'))} seed(s); {min(accuracies):.1%} to"
        f" {max(accuracies):.1%} of the training digits are right in the end."
    ]
    for name in (*CHARGES, CONTROL):
        for decay in map(float, distinct(runs, "decay")):
            own = [r for r in runs if r["charge"] == name and r["decay"] == decay]
            if name == "translation" and decay == 0:
                worst = max(float(r["drift"]) for r in own)
                sentences.append(f"translation, no decay: conserved to {worst:.0e}, whatever the step.")
                continue
            parts = []
            for momentum in map(float, distinct(own, "momentum")):
                found = orders([r for r in own if r["momentum"] == momentum])
                parts.append(f"{min(found):.2f} to {max(found):.2f} with momentum {momentum:g}")
            words = f"{name}, decay {decay:g}: the drift is of order {', '.join(parts)}"
            if name != CONTROL:
                error = max(float(r["difference"]) / float(r["predicted"]) for r in own if r["step"] == least)
                words += f"; at a step of {least:g} the prediction is wrong by {error:.1%} at most"
            sentences.append(words + ".")
    residual = max(float(r["residual"]) for r in runs if r["charge"] != CONTROL)
    sentences.append(f"The exact recursions hold to {residual:.0e}.")
    for method in map(str, distinct(table, "method")):
        own = [r for r in table if r["method"] == method]
        steps, found = ([float(r[key]) for r in own] for key in ("step", "drift"))
        last = order(steps[-3:], found[-3:])
        kept = f"conserved to {max(found):.0e}" if max(found) < 1e-12 else f"order {last:.2f}"
        sentences.append(f"Linear network, {method}: {kept}.")
    return sentences


def orders(rows: Sequence[Row]) -> list[float]:
    """The order of the drift of each seed."""
    seeds = [[r for r in rows if r["seed"] == seed] for seed in distinct(rows, "seed")]
    return [order([float(r["step"]) for r in own], [float(r["drift"]) for r in own]) for own in seeds]


def contradicted(out: Path) -> list[str]:
    """What of the claims the tables contradict."""
    return unmet(_claims(out))


def _claims(out: Path) -> Iterator[Claim]:
    """Of first order is an order of 0.9 to 1.15; a few per cent are 4 at the least step."""
    columns = ("drift", "predicted", "difference", "residual")
    drifts = read_csv(out / "drifts.csv", ("method", "seed", "momentum", "decay", "step", "charge", *columns), COMMAND)
    runs = [r for r in drifts if r["method"] == "descent"]
    least = min(float(r["step"]) for r in runs)
    series: dict[tuple, list[Row]] = {}
    for row in runs:
        series.setdefault(tuple(row[key] for key in ("seed", "momentum", "decay", "charge")), []).append(row)
        if row["residual"] != "":
            found = (
                f"{named(row, 'charge', 'seed', 'momentum', 'decay', 'step')}: off the recursion by {row['residual']}"
            )
            yield float(row["residual"]) < (1e-13 if row["momentum"] == 0 else 1e-11), found
    for (_, _, decay, charge), rows in series.items():
        about = named(rows[0], "charge", "seed", "momentum", "decay")
        steps, found = ([float(r[key]) for r in rows] for key in ("step", "drift"))
        if charge == "translation" and decay == 0:
            yield max(found) < 1e-13, f"{about}: a drift of {max(found):.1e}, and no step makes one"
            continue
        power = order(steps, found)
        expected = abs(power) < 0.1 if charge == CONTROL else 0.9 < power < 1.15
        yield expected, f"{about}: the drift is of order {power:.2f} in the step"
        if charge != CONTROL:
            row = rows[steps.index(least)]
            wrong = float(row["difference"]) / float(row["predicted"])
            yield wrong < 0.04, f"{about}: at a step of {least:g} the prediction is wrong by {wrong:.1%}"
    linear = read_csv(out / "linear.csv", ("method", "step", "drift"), COMMAND)
    for method, expected in (("gradient descent", 1.0), ("Runge–Kutta", 4.0)):
        own = [r for r in linear if r["method"] == method][-3:]
        power = order([float(r["step"]) for r in own], [float(r["drift"]) for r in own])
        yield abs(power - expected) < 0.3, f"linear network, {method}: the drift is of order {power:.2f}"
    kept = max(float(r["drift"]) for r in linear if r["method"] == "implicit midpoint")
    yield kept < 1e-12, f"linear network, implicit midpoint: a drift of {kept:.1e}"
    for row in read_csv(out / "summary.csv", ("seed", "momentum", "accuracy"), COMMAND):
        accuracy = float(row["accuracy"])
        yield accuracy > 0.9, f"{named(row, 'seed', 'momentum')}: has learnt {accuracy:.1%} of the digits only"
