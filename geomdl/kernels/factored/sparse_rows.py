"""Sparse matrices with a few entries in every row, as tables."""

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class SparseRows:
    """The matrix that maps x to y[r] = Σ_s value[r, s] x[index[r, s]].

    Args:
      index: ``[rows, terms]``; `columns` where a row has fewer terms.
      value: ``[rows, terms]``, or None where all of them are 1.
      columns: the length of x.

    >>> table = SparseRows.of([[(2, 1.0)], [], [(0, 0.5), (2, -1.0)]], columns=4)
    >>> table.index.tolist(), table.value.tolist()
    ([[2, 4], [4, 4], [0, 2]], [[1.0, 0.0], [0.0, 0.0], [0.5, -1.0]])
    >>> table.transposed.value.tolist()
    [[0.5, 0.0], [0.0, 0.0], [1.0, -1.0], [0.0, 0.0]]
    """

    index: np.ndarray
    value: np.ndarray | None
    columns: int

    @classmethod
    def of(cls, rows: Sequence[Sequence[tuple[int, float]]], columns: int) -> "SparseRows":
        """From the terms of every row: pairs of a column and a value."""
        terms = [(r, column, number) for r, row in enumerate(rows) for column, number in row]
        found = np.array(terms, float).reshape(-1, 3)
        return _table(found[:, 0].astype(int), found[:, 1].astype(int), found[:, 2], len(rows), columns)

    @classmethod
    def choosing(cls, index: np.ndarray, columns: int) -> "SparseRows":
        """y[r] = x[index[r]], and 0 where the index is `columns`."""
        return cls(index.reshape(-1, 1).astype(np.int32), None, columns)

    @classmethod
    def selecting(cls, matrix: np.ndarray) -> "SparseRows | None":
        """A matrix ``[rows, columns]`` as a table when its rows choose one entry of x each, or none; else None."""
        if not (((matrix == 0) | (matrix == 1)).all() and (matrix.sum(1) <= 1).all()):
            return None
        columns = matrix.shape[1]
        return cls.choosing(np.where(matrix.any(1), matrix @ np.arange(columns), columns), columns)

    @functools.cached_property
    def is_identity(self) -> bool:
        """Whether y = x."""
        return self.value is None and np.array_equal(self.index, np.arange(self.columns)[:, None])

    def dense(self) -> np.ndarray:
        """The matrix as an array ``[rows, columns]``."""
        row, s = np.nonzero(self.index < self.columns)
        matrix = np.zeros((len(self.index), self.columns))
        matrix[row, self.index[row, s]] = 1.0 if self.value is None else self.value[row, s]
        return matrix

    @functools.cached_property
    def transposed(self) -> "SparseRows":
        """The transposed matrix."""
        row, s = np.nonzero(self.index < self.columns)
        value = np.ones(len(row)) if self.value is None else self.value[row, s]
        order = np.argsort(self.index[row, s], kind="stable")
        back = _table(self.index[row, s][order], row[order], value[order], self.columns, len(self.index))
        back.__dict__["transposed"] = self
        return back


def _table(row: np.ndarray, column: np.ndarray, value: np.ndarray, rows: int, columns: int) -> SparseRows:
    """Of entries ordered by rows."""
    counts = np.bincount(row, minlength=rows)
    term = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    shape = rows, int(counts.max(initial=0))
    index, values = np.full(shape, columns, np.int32), np.zeros(shape)
    index[row, term], values[row, term] = column, value
    return SparseRows(index, None if (value == 1).all() else values, columns)
