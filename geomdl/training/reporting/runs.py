"""Reads work directories without changing them: config, progress and results of a run."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geomdl.paths import local_path
from geomdl.training.checkpoints.files import checkpoint_steps, damage_of
from geomdl.training.reporting.outside import missing_records, plausible_evaluation, plausible_facts
from geomdl.training.reporting.writers import Record, read_metrics
from geomdl.training.workdir.lock import in_use
from geomdl.training.workdir.run_facts import read_facts
from geomdl.training.workdir.workdir import WorkdirError, read_written

FINISHED, RUNNING, STOPPED, DAMAGED = "finished", "running", "stopped", "damaged"


@dataclass(frozen=True)
class Run:
    """A work directory.

    Attributes:
      path: of the directory.
      state: ``"finished"``, ``"running"`` (a process holds it), ``"stopped"`` (the same command goes on with it) or
        ``"damaged"``.
      problem: what is damaged; empty otherwise.
      config: nested sections of plain values, as they were written; not validated, so old ones are read too.
      versions, hardware: what it was begun with.
      facts: what is in run.json.
      records: what is in metrics.jsonl.
      step: the latest checkpoint; of a run in progress, the latest record.
      total_steps: None where it is not known.
      best_step: of the best evaluation; None before the first.
      evaluations: what ``geomdl evaluate`` found, by split.
    """

    path: Path
    state: str
    problem: str
    config: dict[str, Any]
    versions: dict[str, Any]
    hardware: dict[str, Any]
    facts: dict[str, Any]
    records: tuple[Record, ...]
    step: int
    total_steps: int | None
    best_step: int | None
    evaluations: dict[str, dict[str, Any]]

    @property
    def best(self) -> dict[str, float]:
        """The validation metrics of the best evaluation; empty before the first."""
        return self._validation(self.best_step)

    @property
    def last(self) -> dict[str, float]:
        """The validation metrics of the last evaluation; empty before the first."""
        steps = [r["step"] for r in self.records if r["split"] == "validation"]
        return self._validation(steps[-1] if steps else None)

    @property
    def status(self) -> str:
        """The state in words, with the step.

        It reads ``finished``, ``stopped at 120 of 500``, ``running, 120 of 500`` or ``damaged: …``.
        """
        if self.state == DAMAGED:
            return f"damaged: {self.problem}"
        if self.state == FINISHED:
            return "finished early" if self.facts.get("stopped_early") else "finished"
        of = f"{self.step} of {'?' if self.total_steps is None else self.total_steps}"
        return f"running, {of}" if self.state == RUNNING else f"stopped at {of}"

    def _validation(self, step: int | None) -> dict[str, float]:
        for record in self.records:
            if record["step"] == step and record["split"] == "validation":
                return {k: v for k, v in record.items() if k not in ("step", "split") and v is not None}
        return {}


def read_run(path: Path | str, *, arrays: bool = False) -> Run:
    """Reads a work directory, whatever state it is in.

    Args:
      path: of the directory.
      arrays: looks for damage in the arrays of its checkpoints too; this reads all of them.

    Raises:
      WorkdirError: when it is no work directory of a run.
    """
    path = local_path(path, "work directory")
    if not (path / "config.json").is_file():
        raise WorkdirError(f"{path} is no work directory of a run: it has no config.json")
    problems: list[str] = []
    written: dict[str, Any] = {}
    records: list[Record] = []
    steps = checkpoint_steps(path / "checkpoints")
    try:
        written = read_written(path / "config.json")
    except (ValueError, OSError):
        problems.append("config.json")
    if steps or (path / "metrics.jsonl").exists():
        try:
            records = read_metrics(path / "metrics.jsonl")
        except (ValueError, OSError) as error:
            problems.append(f"metrics.jsonl ({' '.join(str(error).split())})" if arrays else "metrics.jsonl")
    for step in steps:
        damage = damage_of(path / "checkpoints" / str(step), arrays=arrays)
        if damage:
            problems.append(f"checkpoint {step} ({damage})")
    config = written.get("config", {})
    facts, wrong = plausible_facts(read_facts(path / "run.json"))
    problems += [f"run.json ({fault})" for fault in wrong]
    evaluations: dict[str, dict[str, Any]] = {}
    for file in sorted((path / "evaluation").glob("*.json")):
        found, wrong = plausible_evaluation(read_facts(file))
        problems += [f"evaluation/{file.name} ({fault})" for fault in wrong]
        evaluations |= {file.stem: found} if found else {}
    total = facts.get("total_steps", config.get("training", {}).get("steps"))
    total = total if isinstance(total, int) else None
    monitor = facts.get("monitor", config.get("training", {}).get("monitor", "loss"))
    running = in_use(path / ".lock")
    if not running and not steps and (records or facts.get("finished")):
        problems.append("it has no checkpoint; geomdl train begins anew")
    if not running and steps and records and not written.get("history"):
        gap = missing_records(records, config, steps[-1])
        problems += [f"metrics.jsonl ({gap})"] if gap else []
    step = records[-1]["step"] if running and records else steps[-1] if steps else 0
    finished = bool(facts.get("finished")) or (total is not None and bool(steps) and step >= total)
    state = DAMAGED if problems else RUNNING if running else FINISHED if finished else STOPPED
    return Run(
        path=path,
        state=state,
        problem=", ".join(problems),
        config=config,
        versions=_section(written, "versions"),
        hardware=_section(written, "hardware"),
        facts=facts,
        records=tuple(records),
        step=step,
        total_steps=total,
        best_step=facts.get("best_step")
        or _best_step(
            (r for r in records if r["step"] > facts.get("comparable_from", 0)),
            monitor,
            monitor not in facts.get("least_is_best", ("loss",)),
        ),
        evaluations=evaluations,
    )


def find_runs(roots: Iterable[Path | str]) -> list[Path]:
    """Returns the work directories among these directories, and below them, each once and in alphabetical order.

    Args:
      roots: directories to look in.

    Raises:
      WorkdirError: for a directory that is not there.
    """
    found: dict[Path, Path] = {}
    for root in (local_path(root, "directory of runs") for root in roots):
        if not root.is_dir():
            raise WorkdirError(f"{root} is no directory")
        for path in _below(root):
            found.setdefault(path.resolve(), path)
    return sorted(found.values())


def _below(path: Path) -> Iterator[Path]:
    if _looks_like_run(path):
        yield path
        return
    for inner in path.iterdir():
        if inner.is_dir() and not inner.is_symlink() and not inner.name.startswith("."):
            yield from _below(inner)


def _looks_like_run(path: Path) -> bool:
    return (path / "config.json").is_file() and any((path / n).exists() for n in (".lock", "metrics.jsonl"))


def _section(written: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = written.get(name)
    return value if isinstance(value, dict) else {}


def _best_step(records: Iterable[Record], monitor: str, greater_is_better: bool) -> int | None:
    """The first step with the best value."""
    sign = -1 if greater_is_better else 1
    found = [
        (sign * r[monitor], r["step"]) for r in records if r["split"] == "validation" and r.get(monitor) is not None
    ]
    return min(found)[1] if found else None
