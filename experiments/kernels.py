"""The steerable kernels between the irreps of C4, C8, D4, SO(2) and O(2): how many there are, and what they look like.

    geomdl reproduce kernels

Claim: one null-space solver finds, for every group and every pair of irreps, exactly as many kernels as the characters
count, and each satisfies the constraint K(gx) = ρ_out(g) K(x) ρ_in(g)⁻¹. Writes

* ``dimensions.csv``: for every pair of irreps (frequencies up to 8) the number of kernels on a circle with angular
  frequency up to 8, the number by the character formula, and the largest violation of the constraint at elements that
  are not the solver's generators; for all C_N and D_N with N ≤ 8 (full: 16), SO(2) and O(2);
* ``sampled.csv``: for the same groups, the constraint on kernels sampled on 7 × 7 pixels, for the elements that map the
  grid to itself;
* ``gallery.csv``: the coefficients (A, B) of K(φ) = A cos μφ + B sin μφ that the figure draws.

Needs no training; seconds on 2 CPU cores.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from experiments.parts.claims import Claim, unmet
from geomdl.errors import unknown
from geomdl.groups import C8, D4, O2, SO2, C, D, PlanarGroup, require_planar
from geomdl.kernels import SteerableKernelSpace, solutions
from geomdl.plots import Row, distinct, read_csv, write_csv
from geomdl.representations import Representation, irreps

COMMAND = "geomdl reproduce kernels"
PRESETS = {"fast": 8, "full": 16}  # the largest N
MAX_FREQUENCY = 8
GALLERY: dict[PlanarGroup, int] = {C8: 3, D4: 2, SO2: 3, O2: 2}  # irreps up to this frequency are drawn
SIZE = 7
LIMIT = 1e-6


def run(preset: str, out: Path) -> None:
    """Solves, counts, checks, and writes the three tables."""
    if preset not in PRESETS:
        raise unknown("preset", preset, list(PRESETS))
    orders = range(1, PRESETS[preset] + 1)
    groups = [*map(C, orders), *map(D, orders), SO2, O2]
    write_csv(out / "dimensions.csv", [row for group in groups for row in dimensions(group)])
    write_csv(out / "sampled.csv", [sampled(group) for group in groups])
    write_csv(out / "gallery.csv", [row for group, highest in GALLERY.items() for row in gallery(group, highest)])


def all_irreps(group: PlanarGroup, highest: int = MAX_FREQUENCY) -> list[Representation]:
    return irreps(group) if group.is_finite else irreps(group, highest)


def dimensions(group: PlanarGroup) -> list[Row]:
    """For each pair of irreps: kernels found, kernels counted by characters, violation of the constraint."""
    rng = np.random.default_rng(0)
    g, angles = group.sample(rng, 8), rng.uniform(0, 2 * math.pi, 16)
    rows: list[Row] = []
    for rho_in in all_irreps(group):
        for rho_out in all_irreps(group):
            bases = [solutions(group, rho_in.labels[0], rho_out.labels[0], m) for m in range(MAX_FREQUENCY + 1)]
            rows.append({
                "group": str(group),
                "in": str(rho_in),
                "out": str(rho_out),
                "dimension": sum(map(len, bases)),
                "characters": sum(by_characters(rho_in, rho_out, m) for m in range(MAX_FREQUENCY + 1)),
                "residual": max(residual(rho_in, rho_out, m, b, g, angles) for m, b in enumerate(bases)),
            })  # fmt: skip
    return rows


def by_characters(rho_in: Representation, rho_out: Representation, frequency: int) -> int:
    """The dimension of the space of kernels of angular frequency μ: ∫ χ_out(g) χ_in(g) χ_μ(g) dg, all of them real.

    χ_μ is the character of the functions cos μφ and sin μφ: 2 cos μθ at a rotation by θ and 0 at reflections.
    """
    group = require_planar(rho_in.group, "a kernel on the plane")
    if group.is_finite:
        g = group.elements()
    else:  # enough angles to integrate trigonometric polynomials of degree 3 · 8 exactly
        angles = np.arange(32) * 2 * math.pi / 32
        g = np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])
    waves = 2 * np.cos(frequency * group.angle(g)) * (g[:, 0] == 0) if frequency else np.ones(len(g))
    count = float(np.mean(rho_in.character(g) * rho_out.character(g) * waves))
    if abs(count - round(count)) > 1e-9:
        raise ArithmeticError(f"the character formula gives {count} for {rho_in} to {rho_out} of {group}")
    return round(count)


def residual(
    rho_in: Representation, rho_out: Representation, frequency: int, basis: np.ndarray, g: np.ndarray, phi: np.ndarray
) -> float:
    """max |K(gφ) − ρ_out(g) K(φ) ρ_in(g)⁻¹| over kernels of norm 1, elements g and angles φ."""
    turned = require_planar(rho_in.group, "a kernel on the plane").plane_angle(g)
    moved = (1 - 2 * g[:, :1]) * phi + turned[:, None]

    def kernels(angles: np.ndarray) -> np.ndarray:
        waves = np.stack([np.cos(frequency * angles), np.sin(frequency * angles)])
        return np.einsum("npoi,p...->n...oi", basis, waves)

    right = np.einsum("gab,nxbc,gdc->ngxad", rho_out(g), kernels(phi), rho_in(g))
    return float(np.abs(kernels(moved) - right).max(initial=0))


def sampled(group: PlanarGroup) -> Row:
    """The largest violation on a grid of pixels over all pairs of irreps, for quarter turns and reflections."""
    angles = np.arange(4) * math.pi / 2
    if group.is_finite:
        g = group.elements()
        g = g[group.is_grid_symmetry(g)]
    else:
        g = np.array([[f, a] for f in range(2 if group.reflections else 1) for a in angles])
    worst, spaces, weights = 0.0, 0, 0
    for rho_in in all_irreps(group, 4):
        for rho_out in all_irreps(group, 4):
            space = SteerableKernelSpace(rho_in, rho_out, SIZE)
            if not space.dimension:
                continue
            basis = space.basis()  # [weights, rows, columns, in, out]
            spaces, weights = spaces + 1, weights + space.dimension
            for element, a, b in zip(g, rho_in(g), rho_out(g), strict=True):
                moved = _moved(basis, group, element)
                worst = max(worst, float(np.abs(moved - np.einsum("nxyio,ji,po->nxyjp", basis, a, b)).max()))
    return {"group": str(group), "size": SIZE, "spaces": spaces, "weights": weights, "residual": worst}


def _moved(basis: np.ndarray, group: PlanarGroup, element: np.ndarray) -> np.ndarray:
    """K(gy) at the pixel of y, for a g that maps pixels to pixels."""
    axis = np.arange(SIZE) - (SIZE - 1) / 2
    x, y = np.meshgrid(axis, -axis)
    matrix = group.matrix(element)
    x, y = matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y
    centre = (SIZE - 1) / 2
    return basis[:, np.rint(centre - y).astype(int), np.rint(x + centre).astype(int)]


def gallery(group: PlanarGroup, highest: int) -> list[Row]:
    """The kernels of the lowest frequencies between the irreps up to a frequency."""
    rows: list[Row] = []
    chosen = [rho for rho in all_irreps(group, highest) if rho.labels[0][1] <= highest]
    for rho_in in chosen:
        for rho_out in chosen:
            for frequency in range(MAX_FREQUENCY + 1):
                basis = solutions(group, rho_in.labels[0], rho_out.labels[0], frequency)
                for element, row, column in np.ndindex(len(basis), rho_out.size, rho_in.size):
                    cos, sin = basis[element, :, row, column]
                    rows.append({
                        "group": str(group), "in": str(rho_in), "out": str(rho_out), "frequency": frequency,
                        "element": element, "row": row, "column": column, "cos": float(cos), "sin": float(sin),
                    })  # fmt: skip
    return rows


def conclusions(out: Path) -> list[str]:
    """What was seen, in plain sentences computed from the tables."""
    table = read_csv(out / "dimensions.csv", ("group", "dimension", "characters", "residual"), COMMAND)
    grid = read_csv(out / "sampled.csv", ("group", "spaces", "residual"), COMMAND)
    agree = sum(row["dimension"] == row["characters"] for row in table)
    worst = max(float(row["residual"]) for row in table)
    groups = len({row["group"] for row in table})
    return [
        f"{agree:,} of {len(table):,} pairs of irreps of {groups} groups have as many kernels as the characters count.",
        f"The constraint holds to {worst:.0e} at elements that the solver did not see"
        f" ({'below' if worst < LIMIT else 'not below'} {LIMIT:.0e}).",
        f"Sampled on {SIZE} × {SIZE} pixels, {sum(int(r['spaces']) for r in grid):,} spaces satisfy it to"
        f" {max(float(r['residual']) for r in grid):.0e} for quarter turns and reflections of the grid.",
    ]


def contradicted(out: Path) -> list[str]:
    """What of the claim the tables contradict."""
    return unmet(_claims(out))


def drawn(table: Sequence[Row], rho_in: Representation, rho_out: Representation) -> dict[int, np.ndarray]:
    """The kernels of ``gallery.csv`` by frequency, as `geomdl.kernels.solutions` gives them."""
    wanted = (str(rho_in.group), str(rho_in), str(rho_out))
    found: dict[int, np.ndarray] = {}
    rows = [r for r in table if (r["group"], r["in"], r["out"]) == wanted]
    for frequency in map(int, distinct(rows, "frequency")):
        shown = [r for r in rows if r["frequency"] == frequency]
        basis = np.zeros((1 + max(int(r["element"]) for r in shown), 2, rho_out.size, rho_in.size))
        for r in shown:
            basis[int(r["element"]), :, int(r["row"]), int(r["column"])] = r["cos"], r["sin"]
        found[frequency] = basis
    return found


def _claims(out: Path) -> Iterator[Claim]:
    table = read_csv(out / "dimensions.csv", ("group", "in", "out", "dimension", "characters", "residual"), COMMAND)
    grid = read_csv(out / "sampled.csv", ("group", "spaces", "weights", "residual"), COMMAND)
    shown = read_csv(out / "gallery.csv", ("group", "in", "out", "frequency", "element", "cos", "sin"), COMMAND)
    for r in table:
        pair = f"{r['in']} to {r['out']} of {r['group']}"
        yield r["dimension"] == r["characters"], f"{pair}: {r['dimension']} kernels, by characters {r['characters']}"
        yield float(r["residual"]) < LIMIT, f"kernels from {pair} violate the constraint by {float(r['residual']):.1e}"
    for r in grid:
        found = f"sampled kernels of {r['group']} violate the constraint by {float(r['residual']):.1e}"
        yield float(r["residual"]) < LIMIT, found
        yield int(r["weights"]) >= int(r["spaces"]) > 0, f"{r['group']}: {r['weights']} weights in {r['spaces']} spaces"
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * math.pi, 5)
    for group, highest in GALLERY.items():
        chosen = [rho for rho in all_irreps(group, highest) if rho.labels[0][1] <= highest]
        g = group.sample(rng, 4)
        for rho_in, rho_out in itertools.product(chosen, chosen):
            for frequency, basis in drawn(shown, rho_in, rho_out).items():
                off = residual(rho_in, rho_out, frequency, basis, g, angles)
                found = f"a kernel of the gallery, {rho_in} to {rho_out} of {group}, frequency {frequency}"
                yield off < 1e-9, f"{found}, violates the constraint by {off:.1e}"
