"""The memory of the kernel basis of one convolution, for regular fields of C_N and D_N up to D16 and k = 3, 5, 7, 9.

    python -m experiments.benchmarks.basis_memory

Target: at most 1 MB per layer. Two numbers: what the kernel space says it keeps, and the bytes of all constants in the
program that expands the kernel (jaxpr of `expand`), which is what every compiled step carries. Beside them the bytes of
the basis as one array ``[weights, k, k, in, out]``, which is not kept. Writes
experiments/results/benchmarks/basis_memory.csv; a minute on 2 CPU cores.
"""

import argparse
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.environment import circumstances
from geomdl.groups import group
from geomdl.kernels import SteerableKernelSpace, kernel_space
from geomdl.plots import Row, write_csv
from geomdl.representations import regular

GROUPS = ("C4", "C8", "C16", "D4", "D8", "D16")
SIZES = (3, 5, 7, 9)
LIMIT = 1e6
RESULTS = Path(__file__).parents[1] / "results" / "benchmarks"


def program_bytes(jaxpr: Any) -> int:
    """The bytes of all constants of a program, those of the programs it calls included; each counted once."""
    seen: dict[int, int] = {}

    def visit(closed: Any) -> None:
        for constant in closed.consts:
            seen[id(constant)] = int(getattr(constant, "nbytes", 8))
        inside(closed.jaxpr)

    def inside(program: Any) -> None:
        for equation in program.eqns:
            for atom in equation.invars:
                value = getattr(atom, "val", None)
                if isinstance(value, np.ndarray | jax.Array):
                    seen[id(value)] = value.nbytes
            for parameter in equation.params.values():
                for part in parameter if isinstance(parameter, tuple | list) else (parameter,):
                    if hasattr(part, "consts") and hasattr(part, "jaxpr"):
                        visit(part)
                    elif hasattr(part, "eqns"):
                        inside(part)

    visit(jaxpr)
    return sum(seen.values())


def measure(name: str, size: int) -> Row:
    """One row: regular fields to regular fields."""
    rho = regular(group(name))
    space = kernel_space(rho, rho, size)
    weights = jnp.zeros((space.dimension, 2, 3))
    constants = program_bytes(jax.make_jaxpr(space.expand)(weights))
    return {
        "group": name,
        "size": size,
        "basis": "steerable" if isinstance(space, SteerableKernelSpace) else "pixel",
        "weights": space.dimension,
        "kept_bytes": space.constant_bytes if isinstance(space, SteerableKernelSpace) else constants,
        "program_bytes": constants,
        "array_bytes": 4 * space.dimension * size**2 * rho.size**2,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS / "basis_memory.csv")
    out = parser.parse_args().out
    rows = [measure(name, size) for name in GROUPS for size in SIZES]
    for row in rows:
        print(
            f"{row['group']}, k = {row['size']} ({row['basis']}): {row['kept_bytes']:,} bytes kept,"
            f" {row['program_bytes']:,} in the program; {row['array_bytes']:,} as an array"
        )
    write_csv(out, [{**row, "versions": circumstances()["versions"]} for row in rows])
    largest = max(max(row["kept_bytes"], row["program_bytes"]) for row in rows)
    print(f"largest {largest:,} bytes; target {LIMIT:,.0f}; written to {out}")


if __name__ == "__main__":
    main()
