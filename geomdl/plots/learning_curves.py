"""Training and validation loss, and accuracy, over the steps of a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from geomdl.plots.style import MUTED, figure, style

TRAINING, VALIDATION = "#4477AA", "#EE6677"


def learning_curves(
    records: Sequence[Mapping[str, Any]], *, best_step: int | None = None, metric: str = "accuracy"
) -> Figure:
    """Draws the records of a run: loss on the left, accuracy or another metric on the right.

    Args:
      records: as in metrics.jsonl: ``step``, ``split`` (``"train"`` or ``"validation"``), ``loss``, ``accuracy``.
      best_step: the step whose checkpoint is the best, marked by a line.
      metric: what is on the right.

    >>> record = {"step": 1, "split": "validation", "loss": 0.5, "accuracy": 0.9}
    >>> [axes.get_ylabel() for axes in learning_curves([record]).axes]
    ['loss', 'accuracy']
    """
    with style():
        fig = figure("double", 2.4)
        for axes, name in zip(fig.subplots(1, 2), ("loss", metric), strict=True):
            for split, colour in (("train", TRAINING), ("validation", VALIDATION)):
                points = [(r["step"], r[name]) for r in records if r["split"] == split and r.get(name) is not None]
                if points:
                    steps, values = zip(*points, strict=True)
                    marker = "o" if split == "validation" and len(points) < 30 else ""
                    axes.plot(steps, values, color=colour, marker=marker, markersize=3, label=split)
            if best_step is not None:
                axes.axvline(best_step, color=MUTED, linewidth=0.6, linestyle=(0, (4, 3)), label="best checkpoint")
            axes.set(xlabel="step", ylabel="IoU" if name == "iou" else name)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        losses = [r["loss"] for r in records if r.get("loss") is not None]
        if losses and min(losses) > 0 and max(losses) / min(losses) > 30:
            fig.axes[0].set_yscale("log")
        if records:
            fig.axes[0].legend(frameon=False)
    return fig
