"""Measures which method computes the convolutions of a config's model fastest on this machine.

  geomdl autotune --config=configs/mnist_rot_example_c8.py
  geomdl autotune --config=digits_gcnn_c4 --config.model.name=off_grid --config.model.group=C8 --batch=32

Every convolution that has several methods, such as dense and factored, is timed by itself, with gradients, on images
as it sees them in the model (see geomdl summary); alike ones once. Prints times by the clock, what the cost model of
"auto" chooses, and the value of training.convolutions that fixes what was measured. Where the quartiles of a ratio lie
on either side of 1 neither method is called faster, and the choice of the cost model stands.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from geomdl.cli.support.data_dir import add_data_dir, use_data_dir
from geomdl.cli.support.parser import whole
from geomdl.cli.support.path_option import PathOption
from geomdl.errors import invalid

if TYPE_CHECKING:
    from geomdl.models.tools.autotune import Tuned


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument("--config", required=True, help="a config file, or the name of one in configs/")
    parser.add_argument(
        "--batch", type=whole(1, 10**9), help="images at once (default: those of a training step's microbatch)"
    )
    parser.add_argument("--rounds", type=whole(1, 10**6), default=5, help="turns of each method (default 5)")
    parser.add_argument("--out", metavar="FILE.csv", action=PathOption, help="also writes the table there")
    add_data_dir(parser)


def run(arguments: argparse.Namespace) -> None:
    """Measures, prints the table, and says what to put into the config."""
    use_data_dir(arguments)
    if arguments.out and not Path(arguments.out).absolute().parent.is_dir():
        raise invalid("--out", arguments.out, "a file in a folder that is there", Path(arguments.out).name)
    from geomdl.cli.support.config_file import load_config

    values = load_config(arguments.config, arguments.overrides)
    import jax

    from geomdl.models.tools.autotune import autotune
    from geomdl.training.configuration.config import RunConfig
    from geomdl.training.loop.loop import build_model

    jax.config.update("jax_enable_compilation_cache", False)  # compilation is timed, too
    config = RunConfig.from_config_dict(values)
    dataset = config.data.load()
    compute = config.training.compute
    batch = arguments.batch or max(1, config.training.batch_size // compute.accumulate)
    model = build_model(config, dataset)
    tuned = list(autotune(model, dataset.image_shape, batch, rounds=arguments.rounds, dtype=compute.dtype))
    if not tuned:
        print("no convolution of this model has another method; there is nothing to choose")
        return
    _print(tuned)
    if arguments.out:
        from geomdl.plots.tables import write_csv

        print(f"written to {write_csv(Path(arguments.out), [_row(t, _methods(tuned)) for t in tuned])}")
    print(advice(tuned))


def advice(tuned: "Sequence[Tuned]") -> str:
    """The config value that fixes what was measured."""
    if not any(t.disagrees for t in tuned):
        return "auto agrees everywhere"
    return "--config.training.convolutions=" + ",".join(f"{t.path}={t.chosen}" for t in tuned)


def _print(tuned: "Sequence[Tuned]") -> None:
    from geomdl.cli.support.console import print_table
    from geomdl.plots.tables import Column

    methods = _methods(tuned)
    first = methods[0]
    columns = (
        Column("path", "path"),
        Column("conv", "convolution"),
        Column("size", "input"),
        *(Column(f"{method}_ms", f"{method}, ms", "{:.2f}") for method in methods),
        *(Column(f"{method}_spread", f"{method} / {first}") for method in methods[1:]),
        *(Column(f"{method}_compile_ratio", "compilation, likewise", "{:.1f}") for method in methods[1:]),
        Column("auto", "auto takes"),
        Column("faster", "faster"),
        Column("disagrees", ""),
    )
    print_table([_row(t, methods) | _spreads(t, methods) for t in tuned], columns)
    totals = {method: sum(t.seconds(method) for t in tuned) for method in methods if _all_have(tuned, method)}
    totals |= {
        "auto": sum(t.seconds(t.auto) for t in tuned),
        "as measured": sum(t.seconds(t.chosen) for t in tuned),
    }
    print("all together: " + ", ".join(f"{name} {1e3 * seconds:.2f} ms" for name, seconds in totals.items()))


def _methods(tuned: "Sequence[Tuned]") -> list[str]:
    """All that were measured."""
    return list(dict.fromkeys(method for t in tuned for method in t.methods))


def _all_have(tuned: "Sequence[Tuned]", method: str) -> bool:
    return all(method in t.methods for t in tuned)


def _spreads(t: "Tuned", methods: "Sequence[str]") -> dict[str, str]:
    """The time of each method over that of the first, with quartiles."""
    ratios = {method: t.ratio(method, methods[0]) for method in methods[1:] if method in t.methods}
    return {
        f"{method}_spread": f"{middle:.2f} [{low:.2f}, {high:.2f}]" for method, (low, middle, high) in ratios.items()
    }


def _row(t: "Tuned", methods: "Sequence[str]") -> dict[str, str | int | float]:
    """A row of the table; nothing for methods that this convolution does not have."""
    from geomdl.environment import circumstances

    row: dict[str, str | int | float] = {
        "path": t.path, "conv": t.conv, "size": "x".join(map(str, t.size)), "batch": t.batch,
    }  # fmt: skip
    for method in methods:
        there = method in t.methods
        row |= {
            f"{method}_ms": 1e3 * t.seconds(method) if there else "",
            f"{method}_compile_s": t.compile_s[method] if there else "",
        }
        if method != methods[0]:
            ratio = t.ratio(method, methods[0]) if there else ("", "", "")
            names = (f"{method}_ratio_low", f"{method}_ratio", f"{method}_ratio_high")
            row |= dict(zip(names, ratio, strict=True))
            row[f"{method}_compile_ratio"] = t.compile_s[method] / t.compile_s[methods[0]] if there else ""
    return row | {
        "auto": t.auto, "faster": t.faster or "either",
        "disagrees": "auto takes the slower" if t.disagrees else "",
        **circumstances(),
    }  # fmt: skip
