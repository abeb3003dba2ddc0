"""A constant sparse matrix as a gather."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class SparseMap:
    """A linear map of few entries per row, on the first axis of an array: y_r = Σ_t value[r, t] · x[index[r, t]].

    Args:
      inputs: how many entries x has.
      index: ``[outputs, terms]``; rows of fewer terms are padded with value 0.
      value: ``[outputs, terms]``, float64.
    """

    inputs: int
    index: np.ndarray
    value: np.ndarray

    @classmethod
    def from_entries(
        cls, inputs: int, outputs: int, row: np.ndarray, column: np.ndarray, value: np.ndarray
    ) -> "SparseMap":
        """The map of entries (row, column, value), each place at most once.

        >>> SparseMap.from_entries(2, 3, np.array([2, 0, 2]), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0])).index
        array([[1, 0],
               [0, 0],
               [0, 1]], dtype=uint16)
        """
        order = np.lexsort((column, row))
        row, column, value = row[order], column[order], value[order]
        counts = np.bincount(row, minlength=outputs)
        term = np.arange(len(row)) - (np.cumsum(counts) - counts)[row]
        index = np.zeros((outputs, counts.max(initial=0)), np.uint16 if inputs < 1 << 16 else np.uint32)
        values = np.zeros(index.shape)
        index[row, term], values[row, term] = column, value
        return cls(inputs, index, values)

    @property
    def constant_bytes(self) -> int:
        """The memory of indices and float32 values."""
        return self.index.nbytes + 4 * self.value.size

    def dense(self) -> np.ndarray:
        """The matrix ``[outputs, inputs]``."""
        matrix = np.zeros((len(self.index), self.inputs))
        np.add.at(matrix, (np.arange(len(self.index))[:, None], self.index), self.value)
        return matrix

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[inputs, ...]`` to ``[outputs, ...]``."""
        value = jnp.asarray(self.value, x.dtype).reshape(*self.value.shape, *[1] * (x.ndim - 1))
        return sum(
            (x[jnp.asarray(self.index[:, t])] * value[:, t] for t in range(1, self.index.shape[1])),
            x[jnp.asarray(self.index[:, 0])] * value[:, 0],
        )
