"""The image sizes at which a network is exactly equivariant, and a warning when it is built for another."""

import itertools
import warnings

from geomdl.equivariance.contracts.contract import Contract, Size

_SEARCHED = 24
"""How many pixels to each side are searched for a size that is exact."""
_NAMED = 2
"""How many conditions a warning spells out."""


class InexactSizeWarning(UserWarning):
    """A network was built for images whose size breaks the symmetry that it promises for others."""


def is_exact(contract: Contract, size: Size) -> bool:
    """Whether images of a size fit and an exact promise about the point group holds for them.

    >>> from geomdl.layers import Pool
    >>> from geomdl.representations import FieldType
    >>> contract = Pool(FieldType("C4", "1 regular"), 2, remainder="drop").contract
    >>> is_exact(contract, (8, 8)), is_exact(contract, (9, 9)), is_exact(contract, (8, 6))
    (True, False, False)
    """
    try:
        contract.output_size(size)
        return contract.points.at(size) == "exact"
    except ValueError:  # a window does not fit
        return False


def exact_sizes_near(contract: Contract, size: Size, count: int = 3) -> list[Size]:
    """The sizes nearest to a size for which a promise about the point group is exact, in increasing order.

    Args:
      contract: of a network.
      size: (height, width), or (depth, height, width). Near a square or cube, squares or cubes are looked for; else
        all sides change independently.
      count: how many.

    >>> from geomdl.layers import Pool
    >>> from geomdl.representations import FieldType
    >>> exact_sizes_near(Pool(FieldType("C4", "1 regular"), 4, remainder="drop").contract, (11, 11), 2)
    [(8, 8), (12, 12)]
    >>> exact_sizes_near(Pool(FieldType("C2", "1 regular"), 2, remainder="drop").contract, (5, 8), 2)
    [(4, 8), (6, 8)]
    """
    squares = [(size[0] + a,) * len(size) for a in range(-_SEARCHED, _SEARCHED + 1)]
    changes = itertools.product(range(-4, 5), repeat=len(size))
    oblong = [tuple(n + a for n, a in zip(size, change, strict=True)) for change in changes]
    candidates = squares if len(set(size)) == 1 else oblong + squares
    found = [s for s in dict.fromkeys(candidates) if min(s) > 0]
    found.sort(key=lambda s: (sum(abs(a - n) for a, n in zip(s, size, strict=True)), s))
    return sorted(itertools.islice((s for s in found if is_exact(contract, s)), count))


def warn_if_inexact(contract: Contract, size: Size) -> None:
    """Warns when a promise of exactness does not hold for a size, and names the nearest sizes for which it does.

    Networks that promise nothing (a standard CNN), the identity only (C1) or approximate symmetry only are silent.
    """
    if contract.group.order == 1 or contract.points.level != "exact" or is_exact(contract, size):
        return
    violated = list(dict.fromkeys(contract.points.violated(size)))
    reasons = "; ".join(violated[:_NAMED]) + (f"; and {len(violated) - _NAMED} more" if violated[_NAMED:] else "")
    near = exact_sizes_near(contract, size, 2)
    sizes = " and ".join("x".join(map(str, s)) for s in near) or f"none within {_SEARCHED} pixels"
    warnings.warn(
        f"for {contract.in_type.space.fields} of {'x'.join(map(str, size))} pixels this network is not exactly"
        f" equivariant to {contract.group} on the pixel grid: it needs {reasons}; nearest exact sizes: {sizes}",
        InexactSizeWarning,
        stacklevel=3,
    )
