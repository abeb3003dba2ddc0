"""The report of a run: report.md in its work directory, with the learning curves beside it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from geomdl.errors import invalid
from geomdl.plots.learning_curves import learning_curves
from geomdl.plots.style import save
from geomdl.plots.tables import Column, Row, Value, to_markdown
from geomdl.training.reporting.runs import Run, read_run
from geomdl.training.workdir.json_file import write_whole
from geomdl.training.workdir.run_facts import kept_advice

_NO_METRICS = ("step", "split", "checkpoint", "images", "evaluators", "learning_rate", "images_per_second")


def write_report(workdir: Path | str) -> list[Path]:
    """Writes report.md and the learning curves of a run, in whatever state it is.

    Args:
      workdir: of the run.

    Returns:
      The report, and the figure as PNG and PDF.

    Raises:
      ValueError: when it is no work directory, or its config or records cannot be read.
    """
    run = read_run(workdir)
    if not run.config or ("metrics.jsonl" in run.problem and not run.records):
        raise invalid("work directory", str(workdir), f"one that can be read, but damaged is {run.problem}")
    metric = run.facts.get("headline", "iou" if any("iou" in record for record in run.records) else "accuracy")
    figures = save(learning_curves(run.records, best_step=run.best_step, metric=metric), run.path, "learning_curves")
    report = run.path / "report.md"
    write_whole(report, report_text(run, figures[0].name))
    return [report, *figures]


def report_text(run: Run, curves: str) -> str:
    """Returns the report as Markdown.

    Args:
      run: what was found in a work directory.
      curves: the picture of the learning curves, relative to the report.
    """
    model, data = run.config["model"], run.config["data"]
    name = run.path.resolve().name
    parts = [
        f"# {name}",
        f"Model `{model.get('name')}` on `{data.get('name')}`, seed {run.config.get('seed', 0)}: {_ending(run)}",
        "\n".join(f"- **Note:** {line}." for line in kept_advice(run.facts)),
        f"![Loss and accuracy over the steps of the run]({curves})",
        "## Metrics",
        _metrics(run),
        *_speed(run),
        "## Data",
        _data(run),
        "## Parameters",
        _parameters(run),
        "## Environment",
        _pairs({**run.hardware, **run.versions}),
        "## Config",
        f"```yaml\n{_sections(run.config)}\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _ending(run: Run) -> str:
    total = "" if run.total_steps is None else f" of {run.total_steps:,}"
    steps = f"{run.step:,}{total} steps"
    best = f"; the best evaluation was at step {run.best_step:,}" if run.best_step is not None else ""
    if run.state == "finished":
        early = f", stopped early since {_monitored(run)} no longer improved"
        return f"finished, {steps}{early if run.facts.get('stopped_early') else ''}{best}."
    return f"**{run.status}**{best}."


def _monitored(run: Run) -> str:
    return run.facts.get("monitor", run.config.get("training", {}).get("monitor", "loss"))


def _metrics(run: Run) -> str:
    training = next((r for r in reversed(run.records) if r["split"] == "train"), {})
    columns: dict[str, Mapping[str, Any]] = {
        f"validation, best (step {run.best_step})": run.best,
        "validation, last": run.last,
        f"training, up to step {training.get('step')}": training,
    }
    for split, found in run.evaluations.items():
        columns[f"{split} (step {found.get('checkpoint')}, {found.get('images')} images)"] = found
    columns = {heading: values for heading, values in columns.items() if values}
    names = [n for n in dict.fromkeys(n for values in columns.values() for n in values) if n not in _NO_METRICS]
    if not names:
        return "Nothing has been measured yet."
    rows: list[Row] = [
        {"metric": name, **{heading: _number(values.get(name)) for heading, values in columns.items()}}
        for name in names
    ]
    return to_markdown(rows, [Column("metric"), *(Column(heading) for heading in columns)])


def _number(value: Any) -> str:
    if value is None or isinstance(value, str):
        return ""
    return f"{value:.4f}" if abs(value) >= 0.01 or value == 0 else f"{value:.2e}"


def _speed(run: Run) -> list[str]:
    speeds = [r["images_per_second"] for r in run.records if r.get("images_per_second")]
    return [f"Training took {median(speeds):,.0f} images per second (median)."] if speeds else []


def _data(run: Run) -> str:
    images, shape = run.facts.get("images"), run.facts.get("image_shape")
    if not images or not shape:
        return "Unknown: the run has no run.json."
    counts = ", ".join(f"{count:,} {split}" for split, count in images.items())
    classes = run.facts.get("classes", [])
    shown = ", ".join(classes[:12]) + (", …" if len(classes) > 12 else "")
    text = f"Images {' × '.join(map(str, shape))}: {counts}. {len(classes)} classes: {shown}."
    return f"{text}\n\n{run.facts.get('provenance', '')}".strip()


def _parameters(run: Run) -> str:
    shapes: dict[str, Sequence[int]] = run.facts.get("parameter_shapes", {})
    if not shapes:
        return "Unknown: the run has no run.json."
    rows: list[dict[str, Value]] = []
    for name, shape in shapes.items():
        count = 1
        for size in shape:
            count *= size
        rows.append({"parameter": f"`{name}`", "shape": " × ".join(map(str, shape)) or "one number", "count": count})
    table = to_markdown(rows, [Column("parameter"), Column("shape"), Column("count", form="{:,}")])
    return f"{run.facts['parameters']:,} trainable parameters in {len(rows)} arrays.\n\n{table}"


def _pairs(values: Mapping[str, Any]) -> str:
    rows: list[Row] = [{"": key.replace("_", " "), "value": str(value)} for key, value in values.items()]
    return to_markdown(rows, [Column(""), Column("value", "value")]) if rows else "Unknown."


def _sections(config: Mapping[str, Any], indent: str = "") -> str:
    lines: list[str] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", _sections(value, indent + "  ")] if value else [f"{indent}{key}: {{}}"]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}")  # JSON is YAML
    return "\n".join(lines)
