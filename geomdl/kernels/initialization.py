"""Initial weights of a layer's kernels, and the check that every output field gets some."""

import functools
import math
from collections.abc import Hashable, Sequence

import numpy as np

from geomdl.kernels.power import INDEPENDENT, Power, bands, labels, power
from geomdl.kernels.select import KernelSpace
from geomdl.kernels.steerable import SteerableKernelSpace
from geomdl.representations import FieldType
from geomdl.representations.representation import Label, irrep_size

EVENNESS = 5e-4
"""λ in `initial_variances`. Flatter spectra (smaller λ) have more of the kernel's energy on the centre pixel."""
_LEAST = 0.002  # of its equal share each class has at least, so that no weight starts at 0
_FEWEST = 8  # copies of an irrep, below which the correction for few of them stays what it is
_EXACT = 1e3  # the weight of what is to hold exactly, beside 1 for flatness


def initial_variances(
    in_type: FieldType,
    out_type: FieldType,
    spaces: Sequence[Sequence[KernelSpace]],
    gain: float | Sequence[float] = 2.0,
    *,
    flat: bool = True,
) -> list[np.ndarray]:
    """He initialisation of equivariant layers, with spectra as flat as kernels allow: the variance of each weight.

    For independent weights of these variances and white inputs of second moment m, outputs have the second moment
    gain · m in every irrep of every field that any kernel reaches (of pixel kernels: in every channel). Of pixel
    kernels to regular fields every weight has the variance gain / fan-in; and if all fields are regular, *every* signal
    keeps its mean square, smooth ones too:

      Λ_j(ξ) = E Σ_o ‖K̂_o(ξ) u‖² / ‖u‖² = gain · out_channels / in_channels  for every irrep j of the input, unit
      vector u in it and frequency ξ of the pixel grid.

    Steerable kernels are smooth: with equal variances Λ is several times larger at low frequencies than at high ones,
    and as nonlinearities and depth bring signals to low frequencies, they grow from layer to layer. So the energies s_c
    of the classes c of weights (one pair of irreps, ring and frequency each) solve, for each layer,

      min Σ_j q_j ∫ (Λ_j(ξ) / Λ − 1)² dν(ξ) + λ Σ_c (s_c − s⁰_c)² / s⁰_c,   s ≥ s⁰ / 500,   Σ_{c to k} s_c = π_k,

    where q and π are the shares of the irreps in the channels of input and output, the measure ν is half of it white
    and half at ξ = 0 (what constant images and the means behind ReLUs are), and s⁰ gives every input channel and every
    class an equal part. The last condition is the law for white inputs, which holds exactly. At ξ = 0 the target is not
    1 but exp(β_j / N_j), β_j = ((1 + 2 / d_j) κ − 1) / 2, for N_j copies (at least 8) of an irrep of dimension d_j, and
    κ = 2 before ReLUs, else 1: there a layer is a random matrix of few entries, which makes most signals smaller by as
    much, though not the mean over all weights. docs/initialization.md has the derivation and what it does to deep
    networks.

    Args:
      in_type: what comes in.
      out_type: what goes out.
      spaces: ``spaces[i][o]`` maps block i of ``in_type`` to block o of ``out_type``.
      gain: 2 before a ReLU, 1 before nothing; or one for each block of ``out_type``. See `geomdl.layers.gain_of`.
      flat: whether to flatten; otherwise s = s⁰, for transposed convolutions, whose inputs are not on each pixel.

    Returns:
      One array ``[dimension]`` for each space, row by row.

    References:
      He et al., Delving deep into rectifiers, 2015. Weiler, Hamprecht & Storath, Learning steerable filters for
      rotation equivariant CNNs, CVPR 2018, section 3, which has an equal share for each of the weights.

    >>> from geomdl.groups import C4
    >>> from geomdl.kernels import kernel_space
    >>> image, features = FieldType(C4, "1 trivial"), FieldType(C4, "8 regular")
    >>> space = kernel_space(image.blocks[0].representation, features.blocks[0].representation, 5)
    >>> initial_variances(image, features, [[space]])[0][:2]  # 2 over 25 pixels
    array([0.08, 0.08])
    """
    gains = tuple(np.broadcast_to(np.asarray(gain, float), len(out_type.blocks)).tolist())
    found = _variances(in_type, out_type, tuple(map(tuple, spaces)), gains if flat else None)
    return [g * variances for row in found for g, variances in zip(gains, row, strict=True)]


def default_gain(out_type: FieldType) -> float:
    """2 where every field is a function on the group, 1 elsewhere.

    Functions on the group or on a quotient of it (trivial, regular, quotient and band-limited fields) have values, and
    a ReLU of the values passes half of the mean square. Where some field is none, such as an irrep that is not
    trivial, what follows scales fields: a `geomdl.layers.NormActivation` passes all of it as it starts, with bias 0.

    >>> default_gain(FieldType("C8", "2 trivial + 3 regular")), default_gain(FieldType("SO2", "3 band_limited(2)"))
    (2.0, 2.0)
    >>> default_gain(FieldType("SO2", "4 trivial + 2 irrep(1)"))
    1.0
    """
    functions = (any(not any(label) for label in block.representation.labels) for block in out_type.blocks)
    return 2.0 if out_type.is_permutation or all(functions) else 1.0


@functools.lru_cache(maxsize=512)
def _variances(
    in_type: FieldType,
    out_type: FieldType,
    spaces: tuple[tuple[KernelSpace, ...], ...],
    gains: tuple[float, ...] | None,
) -> tuple[tuple[np.ndarray, ...], ...]:
    """The variances for gain 1, flat for what passes the gains on; None leaves energies equal."""
    known = all(_has_power(s) for row in spaces for s in row)
    powers = [[power(s) for s in row] for row in spaces] if known else []
    if known and any(p.keys != INDEPENDENT for row in powers for p in row):
        return _Energies(in_type, out_type, spaces, powers, gains).variances()
    fan_in = sum(
        math.prod(row[0].shape) * i.multiplicity * i.representation.size
        for i, row in zip(in_type.blocks, spaces, strict=True)
    )
    return tuple(tuple(np.full(s.dimension, 1 / fan_in) for s in row) for row in spaces)


def _has_power(space: KernelSpace) -> bool:
    """Whether `power` knows the spectra: of squares of pixels, and of steerable kernels on cubes."""
    if len(set(space.shape)) != 1:
        return False
    return len(space.shape) == 2 or (len(space.shape) == 3 and isinstance(space, SteerableKernelSpace))


class _Energies:
    """The energies of the classes of weights of a layer, where they go to and where they come from.

    Irreps of a type are one unit, whichever field they are in; but those of a block with any pixel kernels, which map
    several irreps at once, are a unit of their own. Output blocks of gain below 1 (gates) count by their gain: what
    they get hardly goes on.

    Attributes:
      place: the class of the layer for each class of each space.
      total: ``[classes]``: the expected energy of all outputs of a white input, for weights of variance 1.
      to: ``[units out, classes]``: the share of each unit in it.
      of: ``[classes, units in, 2, bands]``: what the input units contribute, by component and frequency.
      share_in: q ``[units in]``.
      share_out: π ``[units out]``.
      channels: of the output, those that any kernel reaches.
    """

    def __init__(
        self,
        in_type: FieldType,
        out_type: FieldType,
        spaces: tuple[tuple[KernelSpace, ...], ...],
        powers: Sequence[Sequence[Power]],
        gains: tuple[float, ...] | None,
    ) -> None:
        self.powers, self.gains, self.usual = powers, gains, default_gain(out_type)
        counts = np.minimum(1.0, gains or 1.0) * np.ones(len(out_type.blocks))
        self.into = into = _Units(in_type, spaces)
        self.bands = bands(len(spaces[0][0].shape))[2]
        out = _Units(out_type, tuple(zip(*spaces, strict=True)), counts.tolist())
        names: dict[Hashable, int] = {}
        self.place = [
            [
                np.array([names.setdefault((into.block[i], out.block[o], key), len(names)) for key in p.keys], int)
                for o, p in enumerate(row)
            ]
            for i, row in enumerate(powers)
        ]
        to = np.zeros((len(out.size), len(names)))
        of = np.zeros((len(names), len(into.size), 2, len(self.bands)))
        for i, row in enumerate(powers):
            for o, p in enumerate(row):
                pairs, place = in_type.blocks[i].multiplicity * out_type.blocks[o].multiplicity, self.place[i][o]
                np.add.at(to, (np.array(out.unit[o])[:, None], place), pairs * p.energy.T)
                np.add.at(of, (place[:, None], np.array(into.unit[i])), pairs * p.spectrum)
        self.total = to.sum(0)
        self.to, self.of = to / self.total, of / self.total[:, None, None, None] * into.size[:, None, None]
        reached = self.to.any(1)
        self.count = out.count
        self.channels = out.channels[reached].sum()
        self.share_out = np.where(reached, out.channels, 0) / self.channels
        share = np.where(self.of.any((0, 2, 3)), into.channels, 0)
        self.share_in = share / share.sum()

    def variances(self) -> tuple[tuple[np.ndarray, ...], ...]:
        """Of the weights of each space."""
        equal = self._equal()
        of_class = (
            self._scaled(equal if self.gains is None else self._flattened(equal, self.gains))
            * self.channels
            / self.total
        )
        return tuple(
            tuple(of_class[place][p.number] / p.scale**2 for place, p in zip(places, row, strict=True))
            for places, row in zip(self.place, self.powers, strict=True)
        )

    def _equal(self) -> np.ndarray:
        """s⁰ ``[classes]``: equal parts for the channels of the input, and for the classes of a pair of units."""
        inputs = self.of.any((2, 3))
        pairs: dict[bytes, int] = {}
        pair = [
            pairs.setdefault(a.tobytes() + b.tobytes(), len(pairs)) for a, b in zip(inputs, self.to.T > 0, strict=True)
        ]
        return self._scaled(inputs @ self.share_in / np.bincount(pair)[pair])

    def _flattened(self, equal: np.ndarray, gains: tuple[float, ...]) -> np.ndarray:
        """s: a quadratic problem in as many unknowns as there are classes."""
        typical = self.into.typical(min(max(float(np.mean(gains)), 1.0), self.usual))
        counted = self.of * (self.count @ self.to / (self.count @ self.share_out))[:, None, None, None]
        attention = self.bands / 2
        attention[0] += 0.5
        least = _LEAST * equal
        inputs, parts = self.of.any((2, 3)), []
        for classes in _connected(inputs):
            units = np.flatnonzero(inputs[classes].any(0))
            share = self.share_in[units, None]
            weight = np.tile(np.sqrt(share * attention / 2), 2)  # [units, 2 · bands]
            found = counted[np.ix_(classes, units)].reshape(len(classes), len(units), -1) / share * weight
            found = found.reshape(len(classes), -1)
            wanted = np.ones((len(units), 2, len(attention)))
            wanted[:, :, 0] = typical[units, None]
            matrix = found @ found.T + np.diag(EVENNESS / equal[classes])
            linear = found @ (wanted.reshape(weight.shape) * weight).ravel() + EVENNESS
            parts.append((classes, matrix, linear - matrix @ least[classes]))
        kept = np.sqrt(self.share_out[self.share_out > 0])
        exact = self.to[self.share_out > 0] / kept[:, None]
        return least + _nonnegative(parts, exact, kept - exact @ least)

    def _scaled(self, energies: np.ndarray) -> np.ndarray:
        """Energies whose sums are the shares of the output: of those units that pixel kernels give alone, together."""
        wanted = self.share_out / np.maximum(self.to @ energies, 1e-300)
        return energies * wanted[np.argmax(self.to, 0)]


class _Units:
    """The units of a field type: their channels and dimensions, and those of each block."""

    def __init__(
        self, field_type: FieldType, spaces: Sequence[Sequence[KernelSpace]], counts: Sequence[float] | None = None
    ) -> None:
        steerable = [all(isinstance(s, SteerableKernelSpace) for s in of_block) for of_block in spaces]
        counts = [1.0] * len(steerable) if counts is None else counts
        self.block = [
            (None if together else number, count)
            for number, (together, count) in enumerate(zip(steerable, counts, strict=True))
        ]
        names: dict[tuple[tuple[int | None, float], Label], int] = {}
        channels: list[int] = []
        self.unit: list[list[int]] = []
        for block, own in zip(field_type.blocks, self.block, strict=True):
            rho = block.representation
            self.unit.append([names.setdefault((own, label), len(names)) for label in labels(rho)])
            for unit, label in zip(self.unit[-1], labels(rho), strict=True):
                channels += [0] * (unit == len(channels))
                channels[unit] += block.multiplicity * rho.labels.count(label) * irrep_size(rho.group, label)
        self.channels = np.array(channels)
        self.size = np.array([irrep_size(field_type.group, label) for _, label in names])
        self.count = np.array([count for (_, count), _ in names])

    def typical(self, sparsity: float) -> np.ndarray:
        """exp(β_j / N_j) of each unit: by how much the mean power of a layer exceeds the typical one at frequency 0."""
        excess = ((1 + 2 / self.size) * sparsity - 1) / 2
        return np.exp(excess / np.maximum(self.channels / self.size, _FEWEST))


def _connected(inputs: np.ndarray) -> list[np.ndarray]:
    """The classes that share input units, directly or by others: ``[classes, units]`` says which has which."""
    part = np.arange(inputs.shape[1])
    for units in inputs[inputs.sum(1) > 1]:
        part[np.isin(part, part[units])] = part[units].min()
    return [np.flatnonzero(inputs[:, part == number].any(1)) for number in np.unique(part[inputs.any(0)])]


def _nonnegative(
    parts: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]], exact: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """The s ≥ 0 with the least Σ_p (½ s_p·H_p s_p − c_p·s_p) + ½ W ‖E s − e‖², for large W.

    Block principal pivoting (Portugal, Júdice & Vicente, A comparison of block pivoting and interior-point algorithms
    for linear least squares problems with nonnegative variables, 1994): the equations for the s that are not zero are
    solved a few times. They are small: those of each part, s_p = H_p⁻¹ (c_p + Eᵀμ), and those of μ = W (e − E s).

    Args:
      parts: of each part the numbers of its unknowns, H_p (positive definite) and c_p.
      exact: E.
      wanted: e.
    """
    count = exact.shape[1]
    free, found, slope = np.ones(count, bool), np.zeros(count), np.zeros(count)
    least, patience = count + 1, 3
    for _ in range(10 * count):
        solved = []
        for numbers, matrix, linear in parts:
            inside = free[numbers]
            right = np.concatenate([linear[inside, None], exact[:, numbers[inside]].T], 1)
            solved.append((numbers[inside], np.linalg.solve(matrix[np.ix_(inside, inside)], right)))
        gram = np.eye(len(wanted)) / _EXACT**2 + sum(exact[:, n] @ x[:, 1:] for n, x in solved)
        pull = np.linalg.solve(gram, wanted - sum(exact[:, n] @ x[:, 0] for n, x in solved))
        found[:] = 0
        for numbers, x in solved:
            found[numbers] = x[:, 0] + x[:, 1:] @ pull
        for numbers, matrix, linear in parts:
            slope[numbers] = matrix @ found[numbers] - linear - exact[:, numbers].T @ pull
        wrong = np.where(free, found < 0, slope < -1e-9)
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
