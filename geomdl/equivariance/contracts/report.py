"""What a check of a contract found."""

import dataclasses

import numpy as np

from geomdl.equivariance.contracts.promise import Level


@dataclasses.dataclass(frozen=True)
class Row:
    """One measured element: its error, and the tolerance it was held to (None where nothing is promised)."""

    symmetry: str
    element: tuple[float, ...]
    level: Level
    error: float
    tolerance: float | None

    @property
    def passed(self) -> bool:
        """Whether the promise, if there is one, was kept."""
        return self.tolerance is None or self.error <= self.tolerance

    def __bool__(self) -> bool:
        return self.passed


@dataclasses.dataclass(frozen=True)
class Report:
    """What `check_contract` found; true, as in ``assert report``, when the contract is kept (`passed`).

    Attributes:
      rows: one per element.
      spread: ‖f(x) − f(x')‖/‖f(x)‖ between independent inputs. A constant function is invariant in no useful sense: a
        spread of zero fails.
      reasons: the conditions that the input size does not meet, in words: nothing is promised there.
      problems: promises that could not be measured, and an output of another size than promised; each fails the check.
    """

    rows: tuple[Row, ...]
    spread: float
    reasons: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the output depends on the input at all."""
        return np.isfinite(self.spread) and self.spread > 1e-6

    @property
    def passed(self) -> bool:
        """Whether every promise was kept, by a function that is not constant."""
        return bool(self.alive and not self.problems and all(row.passed for row in self.rows))

    def __bool__(self) -> bool:
        return self.passed

    @property
    def failures(self) -> tuple[Row, ...]:
        """The broken promises."""
        return tuple(row for row in self.rows if not row.passed)

    @property
    def promised(self) -> tuple[Row, ...]:
        """The rows that were held to a tolerance."""
        return tuple(row for row in self.rows if row.tolerance is not None)

    def worst(self, symmetry: str) -> float:
        """The largest error over the elements of a symmetry; 0 if none was measured. The symmetries are ``"points"``,
        ``"shifts"``, ``"up to a shift"``, ``"fractional"`` and ``"cropped"``."""
        return max((row.error for row in self.rows if row.symmetry == symmetry), default=0.0)

    def __str__(self) -> str:
        lines = [f"{'kept' if self.passed else 'BROKEN'}; spread between inputs {self.spread:.1e}"]
        lines += [f"not promised at this size: needs {reason}" for reason in self.reasons]
        lines += self.problems
        for symmetry, level in dict.fromkeys((row.symmetry, row.level) for row in self.rows):
            rows = [row for row in self.rows if (row.symmetry, row.level) == (symmetry, level)]
            worst = max(rows, key=lambda row: row.error)
            held = {"approximate": "approximate, not judged", "none": "not promised"}.get(level)
            held = held or f"tolerance {worst.tolerance:.1e}"
            lines.append(f"{symmetry}: {len(rows)} elements, worst error {worst.error:.1e} at {worst.element} ({held})")
        return "\n".join(lines)
