"""The results of a sweep as two tables: one row per run, and means and standard deviations over the seeds."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from geomdl.cli.support.console import written
from geomdl.cli.sweep.members import Member
from geomdl.plots.tables import Row, Value
from geomdl.training.configuration.flat_config import flat
from geomdl.training.reporting.runs import FINISHED, Run

_NO_METRICS = ("checkpoint", "images")


def evaluated(run: Run, split: str, evaluators: Iterable[str]) -> bool:
    """Whether a run is finished and its best model has been measured on a split."""
    found = run.evaluations.get(split, {})
    measured = found.get("checkpoint") == run.best_step and set(evaluators) <= set(found.get("evaluators", ()))
    return run.state == FINISHED and measured


def metrics_of(run: Run, split: str) -> dict[str, float]:
    """The numbers that were measured on a split."""
    found = run.evaluations.get(split, {})
    return {k: v for k, v in found.items() if isinstance(v, int | float) and k not in _NO_METRICS}


def result_rows(runs: Sequence[tuple[Member, Run]], split: str) -> list[dict[str, Value]]:
    """One row per run: what varies, config, seed, metrics, versions, hardware; all rows with the same columns."""
    metrics = list(dict.fromkeys(name for _, run in runs for name in metrics_of(run, split)))
    rows: list[dict[str, Value]] = []
    for member, run in runs:
        values = flat(run.config)
        rows.append(
            {"run": member.name, "config": config_name(member)}
            | {key: written(values.get(key, "")) for key in _apart_from_seed(member)}
            | {"seed": written(values.get("seed", 0)), "steps": run.step, "best_step": run.best_step or ""}
            | {"parameters": run.facts.get("parameters", ""), "split": split}
            | {"images": run.evaluations[split].get("images", "")}
            | {name: metrics_of(run, split).get(name, "") for name in metrics}
            | {"versions": _words(run.versions), "hardware": _words(run.hardware)}
        )
    return rows


def summary_rows(runs: Sequence[tuple[Member, Run]], split: str) -> list[dict[str, Value]]:
    """One row per combination of what varies besides the seed.

    For every metric its mean and its standard deviation over the runs, √(Σ (x − mean)² / (n − 1)); the latter is empty
    for one run.
    """
    metrics = list(dict.fromkeys(name for _, run in runs for name in metrics_of(run, split)))
    groups: dict[tuple[Value, ...], list[Row]] = {}
    for row in result_rows(runs, split):
        keys = ("config", *_apart_from_seed(runs[0][0]))
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    rows: list[dict[str, Value]] = []
    for found in groups.values():
        first = found[0]
        row: dict[str, Value] = {key: first[key] for key in ("config", *_apart_from_seed(runs[0][0]))}
        row |= {"runs": len(found), "seeds": " ".join(str(r["seed"]) for r in found)}
        row |= {"parameters": first["parameters"], "split": split}
        for name in metrics:
            numbers = [float(value) for r in found if (value := r[name]) != ""]
            row[f"{name}_mean"] = fmean(numbers) if numbers else ""
            row[f"{name}_std"] = stdev(numbers) if len(numbers) > 1 else ""
        rows.append(row)
    return rows


def config_name(member: Member) -> str:
    """The config file of a member without its folder and ending."""
    path, colon, argument = member.config.partition(":")
    return Path(path).stem + colon + argument


def _apart_from_seed(member: Member) -> list[str]:
    return [key for key in member.varied if key != "seed"]


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())
