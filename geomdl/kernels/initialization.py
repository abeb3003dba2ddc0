"""Initial weights of a layer's kernels, and the check that every output field gets some."""

import functools
import math
from collections.abc import Hashable, Sequence

import numpy as np

from geomdl.kernels.pixel import PixelKernelSpace
from geomdl.kernels.power import bands, labels, power
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.representations import FieldType
from geomdl.representations.representation import irrep_size


EVENNESS = 1e-3
"""λ in `initial_variances`: how much weights are held to equal shares where that costs flatness."""
_EXACT = 1e3


def initial_variances(
    in_type: FieldType,
    out_type: FieldType,
    spaces: Sequence[Sequence[KernelSpace]],
    gain: float | Sequence[float] = 2.0,
    *,
    flat: bool = True,
) -> list[np.ndarray]:
    """Generalised He initialisation with flat spectra: the variance of every weight of a layer.

    TODO
    """
    gains = [float(g) for g in np.broadcast_to(np.asarray(gain, float), len(out_type.blocks))]
    found = _variances(in_type, out_type, tuple(map(tuple, spaces)), flat)
    return [g * variances for row in found for g, variances in zip(gains, row, strict=True)]


@functools.lru_cache(maxsize=512)
def _variances(
    in_type: FieldType, out_type: FieldType, spaces: tuple[tuple[KernelSpace, ...], ...], flat: bool
) -> tuple[tuple[np.ndarray, ...], ...]:
    """The variances for gain 1."""
    fan_in = [
        np.maximum(
            sum(
                math.prod(s.shape) * i.multiplicity * i.representation.size * s.reached
                for i, s in zip(in_type.blocks, column, strict=True)
            ),
            1,
        )
        for column in zip(*spaces, strict=True)
    ]
    independent = tuple(
        tuple(1 / fan[s.target] if isinstance(s, PixelKernelSpace) else np.zeros(0) for fan, s in zip(fan_in, row, strict=True))
        for row in spaces
    )
    if any(len(s.shape) != 2 or s.shape[0] != s.shape[1] for row in spaces for s in row):
        return independent  # pixel kernels on another base space
    powers = [[power(s) for s in row] for row in spaces]
    if all(p.keys == (0,) for row in powers for p in row):
        return independent
    return _solved(in_type, out_type, spaces, powers, flat)


def _solved(in_type, out_type, spaces, powers, flat):
    into, out = _Units(in_type, spaces), _Units(out_type, tuple(zip(*spaces, strict=True)))
    # Energies of a layer's output and its spectrum, by classes of weights.
    names: dict[Hashable, int] = {}
    places = []  # of each space the number of each of its classes
    for i, row in enumerate(powers):
        for o, p in enumerate(row):
            steerable = isinstance(spaces[i][o], SteerableKernelSpace)
            where = (into.signature[i], out.signature[o]) if steerable else (i, o)
            places.append([names.setdefault((where, key), len(names)) for key in p.keys])
    count = (in_type.num_fields and len(names))
    energy = np.zeros((len(out.share), count))
    spectrum = np.zeros((count, len(into.share), *_bands()))
    for place, (i, row, o, p) in zip(places, ((i, row, o, p) for i, row in enumerate(powers) for o, p in enumerate(row)), strict=True):
        fields = in_type.blocks[i].multiplicity * out_type.blocks[o].multiplicity
        if place:
            np.add.at(energy, (np.array(out.number[o])[:, None], place), fields * p.energy.T)
            np.add.at(spectrum, (np.array(place)[:, None], np.array(into.number[i])), out_type.blocks[o].multiplicity * _multiplicity(in_type.blocks[i].multiplicity) * p.spectrum)
    total = energy.sum(0)
    energy, spectrum = energy / total, spectrum / total[:, None, None, None]
    reached_in, reached_out = spectrum.any((0, 2, 3)), energy.any(1)
    q = np.where(reached_in, into.share, 0) / into.share[reached_in].sum()
    pi = np.where(reached_out, out.share, 0) / out.share[reached_out].sum()
    shares = _shares(energy, spectrum * into.size[:, None, None], q, pi, flat)
    # of energy back to variances
    reached_channels = out.share[reached_out].sum() * out_type.size
    variance = shares * reached_channels / total
    result, at = [], iter(places)
    for row_spaces, row in zip(spaces, powers, strict=True):
        result.append(tuple(variance[np.array(next(at), int)][p.number] / p.scale**2 for p in row))
    return tuple(result)


def _multiplicity(m):
    return m


def _bands():
    return 2, len(bands()[2])


class _Units:
    """The types of irreps of a field type, apart where kernels to the other blocks are of another kind."""

    def __init__(self, field_type, spaces):
        kinds = [
            None if all(isinstance(s, SteerableKernelSpace) for s in of_block) else number
            for number, of_block in enumerate(spaces)
        ]
        self.signature = kinds
        found: dict = {}
        share, size, self.number = [], [], []
        for block, kind in zip(field_type.blocks, kinds, strict=True):
            rho, numbers = block.representation, []
            for label in labels(rho):
                unit = found.setdefault((label, kind), len(found))
                numbers.append(unit)
                if unit == len(share):
                    share.append(0.0)
                    size.append(irrep_size(rho.group, label))
                share[unit] += block.multiplicity * rho.labels.count(label) * size[unit] / field_type.size
            self.number.append(numbers)
        self.share, self.size = np.array(share), np.array(size)


def _shares(energy, spectrum, q, pi, flat):
    """s ≥ 0 with Σ_c energy[k, c] s_c = pi_k and Σ_c spectrum[c, j] s_c ≈ q_j."""
    reached = energy > 0
    taken = np.einsum("kc,cj->kj", energy, spectrum.mean((2, 3)) > 0)  # how many classes
    inputs = spectrum.any((2, 3))  # [classes, j]
    # prior: of every output irrep, inputs in proportion to their channels, classes equal
    weight = np.zeros(len(spectrum))
    per = {}
    for c in range(len(spectrum)):
        key = (reached[:, c].tobytes(), inputs[c].tobytes())
        per.setdefault(key, []).append(c)
    for members in per.values():
        weight[members] = (q @ inputs[members[0]]) / len(members)
    prior = weight / np.maximum((energy @ weight / np.maximum(pi, 1e-300)), 1e-300)[np.argmax(energy, 0)]
    used = q > 0
    share = bands()[2]
    attention = share / 2
    attention[0] += 0.5
    wanted = np.sqrt(q[used, None, None] * attention / 2) * np.ones((1, 2, 1))
    rows = (spectrum[:, used] / q[used, None, None] * wanted).reshape(len(spectrum), -1)
    kept = pi > 0
    exact = _EXACT * energy[kept] / np.sqrt(pi[kept])[:, None]
    hessian = rows @ rows.T + exact.T @ exact + np.diag(EVENNESS / prior)
    linear = rows @ wanted.ravel() + exact.T @ (_EXACT * np.sqrt(pi[kept])) + EVENNESS
    shares = _nonnegative(hessian, linear) if flat else prior
    return shares / (energy @ shares / np.where(kept, pi, 1))[np.argmax(energy, 0)]


def _nonnegative(hessian: np.ndarray, linear: np.ndarray) -> np.ndarray:
    """The minimum of ½ s·Hs − c·s over s ≥ 0 for a positive definite H, by block pivoting."""
    free, least, patience = np.ones(len(linear), bool), len(linear) + 1, 3
    found = np.zeros(len(linear))
    for _ in range(10 * len(linear)):
        found = np.zeros(len(linear))
        found[free] = np.linalg.solve(hessian[np.ix_(free, free)], linear[free])
        slope = hessian @ found - linear
        wrong = np.where(free, found < -1e-12, slope < -1e-9)
        if not wrong.any():
            break
        if wrong.sum() < least:
            least, patience = wrong.sum(), 3
        elif patience:
            patience -= 1
        else:
            wrong[: np.flatnonzero(wrong)[-1]] = False
        free ^= wrong
    return np.maximum(found, 0)


def require_kernels(in_type: FieldType, out_type: FieldType, spaces: Sequence[Sequence[KernelSpace]]) -> None:
    """Refuses a layer some of whose output fields no kernel maps to: they would always be zero.

    Args:
      in_type: of the layer.
      out_type: of the layer.
      spaces: the kernel space of each pair of an output and an input block.

    Raises:
      ValueError: names the pair, the frequency it needs and what the rings carry.

    >>> from geomdl.groups import SO2
    >>> from geomdl.kernels import kernel_space
    >>> image, features = FieldType(SO2, "1 trivial"), FieldType(SO2, "4 irrep(3)")
    >>> space = kernel_space(image.blocks[0].representation, features.blocks[0].representation, 3)
    >>> require_kernels(image, features, [[space]])
    Traceback (most recent call last):
    ...
    ValueError: no kernel maps FieldType(SO2, "1 trivial") to 4 irrep(3), which would always be zero: kernels from
    trivial to irrep(3) need frequency 3 or more, but the rings of a 3 × 3 window carry up to 2; allowed: a larger
    kernel_size, a higher frequencies_cutoff, or other fields
    """
    for o, column in zip(out_type.blocks, zip(*spaces, strict=True), strict=True):
        if all(s.dimension == 0 for s in column):
            reasons = "; ".join(s.why_empty() for s in column)
            raise ValueError(
                f"no kernel maps {in_type} to {o}, which would always be zero: {reasons}; allowed: a larger"
                " kernel_size, a higher frequencies_cutoff, or other fields"
            )
