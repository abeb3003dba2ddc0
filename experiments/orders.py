"""Test error and cost against the order of the group, C1 … C16 and D1 … D8, at fixed width and at fixed parameters.

    geomdl reproduce orders [--preset=fast|full]
    python -m experiments.orders --data=mnist_rot_small --seeds=0,1,2 [--out=out/orders]

Claim: with every image turned by its own angle the test error falls with the order of the group, steeply up to about 8,
and little after; at the same number of parameters too. Multiply-adds of a dense convolution grow with the square of the
order at fixed width and in proportion to it at fixed parameters; those of the factored convolution with a lower power,
so from some order on it is the cheaper one. Writes

* ``errors.csv``: per data, group, mode and seed the test error, with parameters, config, versions and hardware;
* ``costs.csv``: per data, group and mode the multiply-adds of all convolutions, dense and factored, for one image;
* ``times.csv``: CPU time of a training step, see experiments/order_costs.py (the fast preset: of a few groups).

One architecture for all groups with steerable kernels, see experiments/parts/order_networks.py. Data: scikit-learn's
digits, 16 × 16 pixels, all turned; seed 0 without C12 and D2 (fast), or seeds 0–4 (full). The full preset also takes
regenerated MNIST-rot (10,000 training, 2,000 validation and 50,000 test images), seeds 0–2, where TFDS_DATA_DIR says
where MNIST is prepared; ``mnist_rot_small``, not in a preset, has 1,000 training and 10,000 test images of it. Learning
rate and length of training are the same for all networks, the first that were tried; the last weights are tested.
Finished runs in the output directory are not repeated.

After Weiler & Cesa, General E(2)-equivariant steerable CNNs, NeurIPS 2019, and Bekkers et al., Roto-translation
covariant convolutional networks for medical image analysis, MICCAI 2018.
"""

import argparse
import itertools
import json
import math
import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from experiments import order_costs
from experiments.parts.claims import Claim, named, numbers, unmet
from experiments.parts.order_networks import (
    ANCHOR,
    GROUPS,
    MODES,
    SETTINGS,
    OrderNetworkConfig,
    Setting,
    label,
    run_config,
)
from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.errors import unknown
from geomdl.evaluators import Metrics, predictor
from geomdl.groups import group as group_named
from geomdl.models import count_parameters
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.training import RunConfig, train

COMMAND = "geomdl reproduce orders"
PRESETS: dict[str, dict[str, range]] = {
    "fast": {"digits": range(1)},
    "full": {"digits": range(5), "mnist_rot": range(3)},
}
"""Data, and the seeds for each."""
FAST_GROUPS = tuple(g for g in GROUPS if g not in ("C12", "D2"))


def run(preset: str, out: Path) -> None:
    """Trains and measures what is not there yet, and writes the tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    for data, seeds in PRESETS[preset].items():
        if data.startswith("mnist") and "TFDS_DATA_DIR" not in os.environ:
            print(f"{data} is left out: TFDS_DATA_DIR does not say where MNIST is prepared")
            continue
        train_and_test(data, seeds, out, FAST_GROUPS if preset == "fast" else GROUPS)
    write_tables(out)
    order_costs.run(preset, out)


def train_and_test(data: str, seeds: Iterable[int], out: Path, groups: Sequence[str] = GROUPS) -> None:
    """Makes the runs that are not there yet; says after each how far it is."""
    setting, dataset = SETTINGS[data], None
    wanted = list(itertools.product(seeds, groups, MODES))
    started = time.perf_counter()
    for done, (seed, group, mode) in enumerate(wanted):
        dataset = dataset or setting.load(run_config(setting, group, mode, seed, (16, 16, 1)))
        config = run_config(setting, group, mode, seed, dataset.image_shape)
        row = one_run(data, setting, config, dataset, out)
        minutes = (time.perf_counter() - started) / 60
        print(
            f"{done + 1}/{len(wanted)} {data}, {group}, fixed {mode}, seed {seed}: error {row['error']:.2%},"
            f" {row['parameters']:,} parameters; {minutes:.1f} min so far",
            flush=True,
        )
        kept = out / "rows" / f"{data}-{group}-{mode}-{seed}.json"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps({"data": data, "group": group, "mode": mode, "seed": seed, **row}))


def one_run(data: str, setting: Setting, config: RunConfig, dataset: Dataset, out: Path) -> dict[str, float]:
    """Trains and tests, or reads what was found. A network may be both of fixed width and of fixed parameters."""
    assert isinstance(config.model, OrderNetworkConfig)  # noqa: S101  (for the type checker)
    workdir = out / "runs" / data / label(config.model.group, config.model, config.seed)
    found = workdir / "test.json"
    if not found.exists():
        result = train(config, workdir, dataset=dataset)
        accuracy = Metrics()(predictor(result.model), dataset.test, config.task.for_dataset(dataset))["accuracy"]
        row = {
            "error": float(f"{1 - accuracy:.5g}"),
            "width": round(config.model.width, 3),
            "parameters": count_parameters(result.model),
            "train_images": len(dataset.train),
            "test_images": len(dataset.test),
            "epochs": setting.epochs,
            "config": "experiments/parts/order_networks.py, run_config",
            **circumstances(),
        }
        found.write_text(json.dumps(row))
    return json.loads(found.read_text())


def write_tables(out: Path) -> None:
    """``errors.csv`` and ``costs.csv`` of what is there, in the order of the settings, modes, groups and seeds."""
    rows = [json.loads(path.read_text()) for path in (out / "rows").glob("*.json")]
    place = {name: i for names in (SETTINGS, MODES, GROUPS) for i, name in enumerate(names)}
    rows.sort(key=lambda r: (place[r["data"]], place[r["mode"]], place[r["group"]], r["seed"]))
    write_csv(out / "errors.csv", [_with_order(r) for r in rows])
    groups = sorted(map(str, distinct(rows, "group")), key=GROUPS.index)
    write_csv(out / "costs.csv", [r for data in distinct(rows, "data") for r in order_costs.counts(str(data), groups)])


def _with_order(row: Row) -> Row:
    group = group_named(str(row["group"]))
    before = {key: row[key] for key in ("data", "mode", "group")}
    return {**before, "order": int(group.order), **{k: v for k, v in row.items() if k not in before}}


def error(table: Sequence[Row], data: str, mode: str, group: str) -> tuple[float, float]:
    """Mean and standard deviation of the test error over the seeds (0 for one seed)."""
    found = [float(r["error"]) for r in table if (r["data"], r["mode"], r["group"]) == (data, mode, group)]
    return float(np.mean(found)), float(np.std(found, ddof=1)) if len(found) > 1 else 0.0


def slope(rows: Sequence[Row], column: str) -> float:
    """The exponent p of the power law cost ∝ order^p, by least squares on the logarithms."""
    x, y = (np.log([float(r[c]) for r in rows]) for c in ("order", column))
    return float(np.polyfit(x, y, 1)[0])


def cyclic(table: Sequence[Row], data: str, mode: str, least: int = 1) -> list[Row]:
    """The rows of C_N for one data set and mode, from an order on."""
    return [
        r
        for r in table
        if (r["data"], r["mode"]) == (data, mode) and str(r["group"])[0] == "C" and int(r["order"]) >= least
    ]


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    errors = read_csv(out / "errors.csv", ("data", "mode", "group", "order", "seed", "error"), COMMAND)
    costs = read_csv(out / "costs.csv", ("data", "mode", "group", "order", *_COUNTS), COMMAND)
    taken = read_csv(out / "times.csv", ("mode", "group", "order", "method", "relative"), COMMAND)
    sentences = []
    for data, mode in itertools.product(map(str, distinct(errors, "data")), MODES):
        own = [r for r in errors if (r["data"], r["mode"]) == (data, mode)]
        found = {str(g): error(own, data, mode, str(g)) for g in distinct(own, "group")}
        seeds = len(distinct(own, "seed"))
        words = ", ".join(f"{g} {mean:.1%}" + f" ± {spread:.1%}" * (seeds > 1) for g, (mean, spread) in found.items())
        sentences.append(
            f"{SETTINGS[data].title}, fixed {mode}, {own[0]['test_images']} test images,"
            f" {'one seed' if seeds == 1 else f'{seeds} seeds'}: test error {words}."
        )
    for mode in distinct(costs, "mode"):
        rows = cyclic(costs, str(costs[0]["data"]), str(mode))
        cheaper = [int(r["order"]) for r in rows if float(r[_COUNTS[1]]) <= float(r[_COUNTS[0]])]
        powers = [slope([r for r in rows if int(r["order"]) >= 4], column) for column in _COUNTS]
        sentences.append(
            f"Multiply-adds, {order_costs.WORDS[str(mode)]}: from C4 on dense grows as order^{powers[0]:.1f}, factored"
            f" as order^{powers[1]:.1f}; factored is cheaper from order {min(cheaper, default='–')} on."
        )
    for mode in distinct(taken, "mode"):
        time_of = {(r["group"], r["method"]): float(r["relative"]) for r in taken if r["mode"] == mode}
        last = max((r for r in taken if r["mode"] == mode and str(r["group"])[0] == "C"), key=lambda r: int(r["order"]))
        sentences.append(
            f"CPU time of a step, {order_costs.WORDS[str(mode)]}, {last['group']} over dense C1:"
            f" dense {time_of[last['group'], 'dense']:.1f}, factored {time_of[last['group'], 'factored']:.1f}."
        )
    return sentences


_COUNTS = ("dense_multiply_adds", "factored_multiply_adds")


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet([*_error_claims(out), *_cost_claims(out)])


def _error_claims(out: Path) -> Iterator[Claim]:
    """With fewer than three seeds, differences within two standard errors of a share of test images decide nothing."""
    errors = read_csv(
        out / "errors.csv", ("data", "mode", "group", "order", "seed", "error", "parameters", "test_images"), COMMAND
    )
    about = ("data", "mode", "group", "seed")
    yield from numbers(errors, about, "error")
    anchor = {r["data"]: float(r["parameters"]) for r in errors if (r["mode"], r["group"]) == ("width", ANCHOR)}
    for r in errors:
        if r["mode"] == "parameters":
            more = float(r["parameters"]) / anchor[r["data"]] - 1
            yield abs(more) < 0.03, f"{named(r, *about)} has {more:+.1%} parameters against {ANCHOR} of fixed width"
    for data, mode in itertools.product(map(str, distinct(errors, "data")), MODES):
        own = [r for r in errors if (r["data"], r["mode"]) == (data, mode)]
        by_seed = {(r["group"], r["seed"]): float(r["error"]) for r in own}
        here, seeds = f"{data}, fixed {mode}: the error", len(distinct(own, "seed"))
        for seed in distinct(own, "seed"):
            first, middle = by_seed["C1", seed], by_seed["C8", seed]
            yield middle < 0.5 * first, f"{here} of C8 is {middle:.1%}, that of C1 {first:.1%}, seed {seed}"
        found = {str(g): error(own, data, mode, str(g)) for g in distinct(own, "group")}
        mean = {group: value for group, (value, _) in found.items()}
        words = ", ".join(f"{g} {mean[g]:.1%}" for g in ("C1", "C2", "C4", "C8", "C16"))
        slack = 0.0 if seeds >= 3 else 2 * math.sqrt(2 * mean["C8"] * (1 - mean["C8"]) / float(own[0]["test_images"]))
        for before, after in itertools.pairwise(("C1", "C2", "C4", "C8")):
            yield mean[after] < mean[before] + slack, f"{here} does not fall from {before} to {after}: {words}"
        little = abs(mean["C16"] - mean["C8"]) < 0.15 * (mean["C1"] - mean["C8"]) + slack
        yield little, f"{here} changes after C8: {words}"
        if data != "digits":
            continue
        for group in ("C12", "C16"):  # at fixed width, with almost twice the parameters, C16 is a little better still
            if mode == "parameters" and group in found and seeds > 1:
                noise = float(np.hypot(found["C8"][1], found[group][1]))
                same = abs(mean[group] - mean["C8"]) < 1.5 * noise
                yield same, f"{here} of {group} is {mean[group]:.1%}, that of C8 {mean['C8']:.1%} ± {noise:.1%}"
        for n in (1, 2, 4, 8):
            dihedral, cyclic_ = f"D{n}", f"C{2 * n}"
            if dihedral in mean:
                found_ = f"{here} of {dihedral} is {mean[dihedral]:.1%}, that of {cyclic_} {mean[cyclic_]:.1%}"
                yield mean[dihedral] > mean[cyclic_] - slack, found_
        yield mean["D8"] < 0.5 * mean["D1"], f"{here} of D8 is {mean['D8']:.1%}, that of D1 {mean['D1']:.1%}"


def _cost_claims(out: Path) -> Iterator[Claim]:
    """Of times in wide networks: with 3 fields, which were trained, the expansion outweighs what is saved."""
    costs = read_csv(out / "costs.csv", ("data", "mode", "group", "order", *_COUNTS), COMMAND)
    taken = read_csv(out / "times.csv", ("mode", "group", "order", "method", "relative"), COMMAND)
    yield from numbers(taken, ("mode", "group", "method"), "relative")
    for data, mode in itertools.product(map(str, distinct(costs, "data")), order_costs.ALL_MODES):
        rows, power = cyclic(costs, data, mode, least=4), 1 if "parameters" in mode else 2
        dense, factored = (slope(rows, column) for column in _COUNTS)
        found = f"{data}, {mode}: multiply-adds grow as order^{dense:.2f} dense, order^{factored:.2f} factored"
        yield abs(dense - power) <= 0.1 and factored < 0.65 * dense, found
    for r in costs:
        order, share = int(r["order"]), float(r["factored_multiply_adds"]) / float(r["dense_multiply_adds"])
        found = f"factored takes {share:.2f} of the multiply-adds of dense: {named(r, 'data', 'mode', 'group')}"
        yield share < 1 or order < 8, found
        # with 3 fields the expansion, in tiles, takes what mixing saves up to order 8
        yield share < 0.75 or order < (8 if "wide" in str(r["mode"]) else 12), found
        yield share > 1 or r["mode"] != "width" or order > 1, f"{found}, where there is nothing to save"
    own = [r for r in taken if r["mode"] == "wide" and str(r["group"])[0] == "C"]
    time_of = {(str(r["group"]), r["method"]): float(r["relative"]) for r in own}
    dense, factored = (
        slope([r for r in own if r["method"] == method and int(r["order"]) >= 4], "relative")
        for method in order_costs.METHODS
    )
    found = f"in wide networks the time of a step grows as order^{dense:.2f} dense, order^{factored:.2f} factored"
    yield factored < dense - 0.4, found
    for group in ("C8", "C12", "C16"):
        if (group, "dense") in time_of:
            times = [time_of[group, method] for method in order_costs.METHODS]
            found = f"{group} in wide networks takes {times[0]:.2f} times the time of C1 dense, {times[1]:.2f} factored"
            yield times[1] < 0.7 * times[0], found
    yield time_of["C1", "dense"] == 1, f"C1 takes {time_of['C1', 'dense']} times its own time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", choices=list(SETTINGS))
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--out", type=Path, default=Path("out/orders"), help="folder of runs and tables")
    given = parser.parse_args()
    train_and_test(given.data, [int(s) for s in given.seeds.split(",")], given.out, given.groups.split(","))
    write_tables(given.out)


if __name__ == "__main__":
    main()
