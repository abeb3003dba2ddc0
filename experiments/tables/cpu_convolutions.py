"""The tables of convolutions on CPUs in docs/benchmarks.md."""

from pathlib import Path

from geomdl.plots import Column, Row, read_csv, to_markdown

RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"


def kernel_gradient() -> str:
    """Gradients of convolutions, summed in parts, beside XLA's."""
    columns = ("images", "side", "channels", "kernel_size", "out_channels", "forward_ms", "ratio")
    rows = read_csv(RESULTS / "kernel_gradient.csv", columns, "python -m experiments.benchmarks.kernel_gradient")
    shown = [
        {
            "shape": f"{row['images']} × {row['side']} × {row['side']} × {row['channels']}",
            "kernel": f"{row['kernel_size']} × {row['kernel_size']}, {row['out_channels']}",
            "cores": _cores(row),
            **{f"{name}_ms": row[f"{name}_ms"] for name in ("forward", "xla", "parts")},
            "ratio": "{:.2f} [{:.2f}, {:.2f}]".format(*(float(row[f"ratio{end}"]) for end in ("", "_low", "_high"))),
        }
        for row in rows
    ]
    return to_markdown(
        shown,
        (
            Column("cores", "Cores"),
            Column("shape", "Images"),
            Column("kernel", "kernel, channels"),
            Column("forward_ms", "forward, ms", "{:.3g}"),
            Column("xla_ms", "gradients by XLA, ms", "{:.3g}"),
            Column("parts_ms", "by geomdl, ms", "{:.3g}"),
            Column("ratio", "ratio"),
        ),
    )


def grouped() -> str:
    """Depthwise and grouped convolutions beside XLA's."""
    columns = ("images", "side", "channels", "kernel_size", "stride", "groups", "forward_times", "gradients_times")
    rows = read_csv(RESULTS / "grouped.csv", columns, "python -m experiments.benchmarks.grouped")
    shown = [
        {
            "shape": f"{row['images']} × {row['side']} × {row['side']} × {row['channels']}",
            "kernel": f"{row['kernel_size']} × {row['kernel_size']}, stride {row['stride']}",
            "groups": "depthwise" if row["groups"] == row["channels"] else str(row["groups"]),
            **{
                what: "{:.1f} [{:.1f}, {:.1f}]".format(
                    *(float(row[f"{what}_{end}"]) for end in ("times", "low", "high"))
                )
                for what in ("forward", "gradients")
            },
            "compile": float(row["geomdl_compile_s"]) / float(row["xla_compile_s"]),
        }
        for row in rows
    ]
    return to_markdown(
        shown,
        (
            Column("shape", "Images"),
            Column("kernel", "kernel"),
            Column("groups", "groups"),
            Column("forward", "XLA / geomdl, forward"),
            Column("gradients", "XLA / geomdl, gradients"),
            Column("compile", "compilation, geomdl / XLA", "{:.1f}"),
        ),
    )


def _cores(row: Row) -> int:
    """How many cores a row was measured on."""
    return int(str(row["hardware"]).split("cpu_cores ")[1].split(",")[0])
