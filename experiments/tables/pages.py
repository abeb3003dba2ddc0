"""Every table of the README and of docs/, made from the committed CSV files.

    python -m experiments.tables.pages     # rewrites them

tests/test_tables.py checks that the pages hold what this writes.
"""

import re
from pathlib import Path

from experiments.tables.benchmarks import (
    audit,
    basis_memory,
    construction,
    cost_model,
    downsampling,
    equivariance_error,
    factored,
    factored_network,
    measures,
    train_step,
)
from experiments.tables.cpu_convolutions import grouped, kernel_gradient
from experiments.tables.detection import box_angles, box_square, decoding_costs, trained_detectors
from experiments.tables.points import chirality, tetris, tetris_command
from experiments.tables.studies import (
    alexnet_ablation,
    depth_width_costs,
    depth_width_symmetry,
    hard_cases,
    kernel_spectra,
    learnt_shifts,
    noether,
    nuclei,
    nuclei_costs,
    pretrained,
    retrieval_costs,
    retrieval_under_rotation,
    signal_propagation,
    transfer,
)
from experiments.tables.volumes import (
    cube_errors,
    fourier_samples,
    screws,
    segmentation,
    volume_signals,
    volumes,
    volumes_escnn,
)
from experiments.tables.why_symmetry import (
    augmentation,
    known_gains,
    mnist_rot,
    mnist_rot_published,
    mnist_rot_speed,
    sample_efficiency,
    worst_cases,
)

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "experiments" / "results"


def quickstart() -> str:
    """The summary of the quickstart, mean over seeds."""
    from geomdl.plots import mean_over, read_csv, to_markdown
    from paper_figures.quickstart import TABLE

    rows = read_csv(RESULTS / "quickstart" / "summary.csv", ("seed", *(c.key for c in TABLE)), "the full preset")
    return to_markdown(mean_over(rows, over="seed", by=["model"]), TABLE)


def commands() -> str:
    """What the main commands do, with measured times."""
    from geomdl.plots import Column, read_csv, to_markdown

    rows = read_csv(RESULTS / "timings.csv", ("command", "what", "seconds", "expect"), "the commands by hand")
    columns = (
        Column("command", "Command", lambda command: f"`{command}`"),
        Column("what", "What it does"),
        Column("seconds", "Time, 2 CPU cores", _duration),
        Column("expect", "What to expect"),
    )
    return to_markdown(rows, columns)


def _duration(seconds: float | str) -> str:
    if isinstance(seconds, str):
        return seconds
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


TABLES = {
    "README.md": (quickstart, commands),
    "docs/benchmarks.md": (
        construction,
        train_step,
        equivariance_error,
        basis_memory,
        measures,
        audit,
        downsampling,
        factored,
        cost_model,
        factored_network,
        kernel_gradient,
        grouped,
        volumes_escnn,
    ),
    "docs/nuclei.md": (nuclei, nuclei_costs),
    "docs/depth_width_symmetry.md": (depth_width_symmetry, depth_width_costs, alexnet_ablation),
    "docs/noether.md": (noether,),
    "docs/detection.md": (box_square, box_angles, trained_detectors, decoding_costs),
    "docs/why_symmetry.md": (
        sample_efficiency,
        known_gains,
        augmentation,
        worst_cases,
        mnist_rot,
        mnist_rot_published,
        mnist_rot_speed,
    ),
    "docs/dimensions_and_perceptrons.md": (hard_cases, learnt_shifts),
    "docs/features.md": (retrieval_costs, retrieval_under_rotation),
    "docs/pretrained.md": (pretrained,),
    "docs/fine_tuning.md": (transfer,),
    "docs/three_dimensions.md": (
        tetris_command,
        tetris,
        chirality,
        fourier_samples,
        segmentation,
        cube_errors,
        screws,
        volumes,
    ),
    "docs/initialization.md": (signal_propagation, volume_signals, kernel_spectra),
}


def filled(file: str) -> str:
    """A page with every table made anew between its markers."""
    text = (ROOT / file).read_text(encoding="utf-8")
    for make in TABLES[file]:
        name = make.__name__
        if f"<!-- {name} -->" not in text:
            raise ValueError(f"{file} has no place for the table {name}: <!-- {name} --> … <!-- /{name} -->")
        block = f"<!-- {name} -->\n{make()}\n<!-- /{name} -->"
        text = re.sub(rf"<!-- {name} -->\n.*?<!-- /{name} -->", lambda _, b=block: b, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    for page in TABLES:
        (ROOT / page).write_text(filled(page), encoding="utf-8")
