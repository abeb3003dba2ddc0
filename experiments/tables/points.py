"""The tables of docs/three_dimensions.md, made from the committed CSV files; see experiments/tables/pages.py."""

from pathlib import Path

from geomdl.plots import Column, mean_over, read_csv, to_markdown

RESULTS = Path(__file__).parents[1] / "results"


def tetris() -> str:
    """Accuracy on the pieces of Tetris, mean over the seeds."""
    from experiments.tetris import COLUMNS, COMMAND

    rows = read_csv(RESULTS / "tetris" / "tetris.csv", COLUMNS, f"{COMMAND} --preset=full")
    columns = (
        Column("symmetry", "Symmetry"),
        Column("train", "pieces as trained on", "{:.1%}"),
        Column("turned", "turned and shifted", "{:.1%}"),
        Column("screws", "scores of the two screws, apart", "{:.1g}"),
        Column("error", "change by a rotation", "{:.0e}"),
        Column("seconds", "built and trained in, s", "{:.0f}"),
    )
    return to_markdown(mean_over(rows, over="seed", by=["symmetry"]), columns)


def tetris_command() -> str:
    """How long the command takes."""
    command = "python -m experiments.benchmarks.tetris_command"
    rows = read_csv(RESULTS / "benchmarks" / "tetris_command.csv", ("accuracy", "cpu_seconds"), command)
    columns = (
        Column("steps", "Steps"),
        Column("test_pieces", "test pieces"),
        Column("accuracy", "right", "{:.0%}"),
        Column("cpu_seconds", "seconds of processors, compiling included", "{:.0f}"),
        Column("seconds", "by the clock", "{:.0f}"),
        Column("load_of_the_machine", "load average meanwhile", "{:.0f}"),
    )
    return to_markdown(rows, columns)


def chirality() -> str:
    """Accuracy on left and right screws, mean over the seeds."""
    from experiments.chirality import COLUMNS, COMMAND

    rows = read_csv(RESULTS / "chirality" / "chirality.csv", COLUMNS, f"{COMMAND} --preset=full")
    columns = (
        Column("network", "Network"),
        Column("upright", "upright screws", "{:.1%}"),
        Column("turned", "turned screws", "{:.1%}"),
        Column("pairs", "mirror images told apart", "{:.1%}"),
    )
    return to_markdown(mean_over(rows, over="seed", by=["network"]), columns)
