"""Half of the kernels to an irrep of complex type, from which a quarter turn makes the others."""

import dataclasses
import functools

import numpy as np

from geomdl.kernels.factored.units import QUARTER_TURN, is_complex
from geomdl.kernels.irrep_kernels import IrrepKernels
from geomdl.representations.representation import Label


@dataclasses.dataclass(frozen=True, eq=False)
class Halved:
    """Which kernels F_c from ψ_a to ψ_o are kept, and the others in terms of them:

    F_t = Σ_c plain[t, c] F_{chosen[c]} + turned[t, c] J F_{chosen[c]}.
    """

    chosen: list[int]
    plain: np.ndarray
    turned: np.ndarray


@functools.lru_cache(maxsize=1 << 12)
def halved(kernels: IrrepKernels, a: Label, o: Label) -> Halved:
    """The kernels from ψ_a to ψ_o; all of them where ψ_o is of real type.

    Whether they are independent is seen from their coefficients, whatever the samples.
    """
    dense = kernels.between(a, o)
    count = len(dense)
    if not count or not is_complex(kernels.group, o):
        return Halved(list(range(count)), np.eye(count), np.zeros((count, count)))
    flat = dense.reshape(count, -1)
    turned = np.einsum("rq,tqcs->trcs", QUARTER_TURN, dense).reshape(count, -1)
    chosen: list[int] = []
    basis = np.zeros((0, flat.shape[1]))
    for t in range(count):
        known = np.linalg.lstsq(basis.T, flat[t], rcond=None)[0] @ basis if len(basis) else 0.0
        if np.linalg.norm(flat[t] - known) > 1e-6 * np.linalg.norm(flat[t]):
            chosen.append(t)
            basis = np.concatenate([basis, flat[t : t + 1], turned[t : t + 1]])
    found = np.linalg.lstsq(basis.T, flat.T, rcond=None)[0].T
    found = np.where(np.abs(found) > 1e-12, found, 0.0)
    return Halved(chosen, found[:, 0::2], found[:, 1::2])
