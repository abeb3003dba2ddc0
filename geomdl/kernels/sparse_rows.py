"""Sparse matrices with a few entries in every row, as tables."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class SparseRows:
    """The matrix that maps x to y[r] = Σ_s value[r, s] x[index[r, s]].

    Args:
      index: ``[rows, terms]``.
      value: ``[rows, terms]``, 0 where a row has fewer terms.
      columns: the length of x.

    >>> table = SparseRows.of([[(2, 1.0)], [], [(0, 0.5), (2, -1.0)]], columns=4)
    >>> table.index.tolist(), table.value.tolist()
    ([[2, 0], [0, 0], [0, 2]], [[1.0, 0.0], [0.0, 0.0], [0.5, -1.0]])
    >>> table.transposed.value.tolist()
    [[0.5, 0.0], [0.0, 0.0], [1.0, -1.0], [0.0, 0.0]]
    """

    index: np.ndarray
    value: np.ndarray
    columns: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[tuple[int, float]]], columns: int) -> "SparseRows":
        """From the terms of every row: pairs of a column and a value."""
        most = max(map(len, rows), default=0)
        index, value = np.zeros((len(rows), most), np.int32), np.zeros((len(rows), most))
        for r, terms in enumerate(rows):
            for s, (column, number) in enumerate(terms):
                index[r, s], value[r, s] = column, number
        return cls(index, value, columns)

    @classmethod
    def chosen(cls, index: np.ndarray, columns: int) -> "SparseRows":
        """y[r] = x[index[r]]."""
        return cls(index.reshape(-1, 1).astype(np.int32), np.ones((len(index), 1)), columns)

    @classmethod
    def selecting(cls, matrix: np.ndarray) -> "SparseRows | None":
        """A matrix ``[rows, columns]`` as a table when its rows choose one entry of x each, or none; else None."""
        if not (((matrix == 0) | (matrix == 1)).all() and (matrix.sum(1) <= 1).all()):
            return None
        return cls.of([[(int(c), 1.0) for c in np.flatnonzero(row)] for row in matrix], matrix.shape[1])

    @functools.cached_property
    def transposed(self) -> "SparseRows":
        """The transposed matrix."""
        rows: list[list[tuple[int, float]]] = [[] for _ in range(self.columns)]
        for r, s in zip(*np.nonzero(self.value), strict=True):
            rows[self.index[r, s]].append((int(r), float(self.value[r, s])))
        back = SparseRows.of(rows, len(self.index))
        back.__dict__["transposed"] = self
        return back
