"""How far FourierPointwise on SO(3) is from equivariance under rotations that its samples do not exchange.

    python -m experiments.benchmarks.fourier_samples

Fields of random features, functions on the sphere (each irrep once) or on SO(3) (irreps of degree l 2l + 1 times) up to
a degree, with ELU, in float64: the median over 16 random rotations g of ‖σ(ρ(g) x) − ρ(g) σ(x)‖ / ‖σ(x)‖ for 64 fields
x. Under the rotations of the cube the error is that of rounding. Writes
experiments/results/benchmarks/fourier_samples.csv.
"""

import jax
import numpy as np

from experiments.benchmarks.train_step import RESULTS
from geomdl.environment import circumstances
from geomdl.groups import SO3, Element, O
from geomdl.layers import FourierPointwise
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType, direct_sum, irrep

SAMPLES = (24, 48, 72, 120, 240)
FIELDS, ROTATIONS = 64, 16


def table() -> list[Row]:
    """A row for each kind of function, degree and number of samples that determines it."""
    rows: list[Row] = []
    for functions in ("the sphere", "SO(3)"):
        for degree in (1, 2):
            copies = {k: 1 if functions == "the sphere" else 2 * k + 1 for k in range(degree + 1)}
            rho = direct_sum([irrep(SO3, 0, k) for k, count in copies.items() for _ in range(count)])
            for samples in SAMPLES:
                try:
                    layer = FourierPointwise(FieldType(SO3, [(1, rho)]), "elu", samples=samples)
                except ValueError:  # so few samples do not determine a function
                    continue
                rng = np.random.default_rng(0)
                x = rng.normal(size=(FIELDS, rho.size))
                drawn = SO3.sample(rng, ROTATIONS)
                about: Row = {"functions": functions, "degree": degree, "samples": samples}
                cube = max(error(layer, x, g) for g in SO3.from_matrix(O.matrix(O.elements())))
                off = float(np.median([error(layer, x, g) for g in drawn]))
                rows.append({**about, "cube": float(f"{cube:.2g}"), "error": float(f"{off:.2g}"), **circumstances()})
    return rows


def error(layer: FourierPointwise, x: np.ndarray, g: Element) -> float:
    """‖σ(ρ(g) x) − ρ(g) σ(x)‖ / ‖σ(x)‖ for features ``[fields, channels]``."""
    matrix = layer.in_type.matrix(g)
    y, moved = np.asarray(layer(x)), np.asarray(layer(x @ matrix.T))
    return float(np.linalg.norm(moved - y @ matrix.T) / np.linalg.norm(y))


def main() -> None:
    with jax.enable_x64(True):
        write_csv(RESULTS / "fourier_samples.csv", table())


if __name__ == "__main__":
    main()
