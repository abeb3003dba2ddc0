"""The linear map from free weights to the coefficients of a kernel in irrep coordinates, stored sparsely."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Coefficients:
    """The coefficients of a kernel in irrep coordinates, linear in the weights and mostly zero:

      C[s, i, o] = Σ_t [column[s, o, t] = i] · value[s, o, t] · w[weight[s, o, t]].

    Args:
      dimension: how many weights there are.
      size_in: how many input components i there are.
      weight: ``[functions, size_out, terms]``; where there are fewer terms, the value is 0.
      column: input components, of the same shape.
      value: of the same shape, float64.
    """

    dimension: int
    size_in: int
    weight: np.ndarray
    column: np.ndarray
    value: np.ndarray

    @classmethod
    def from_entries(
        cls,
        shape: tuple[int, int, int],
        dimension: int,
        function: np.ndarray,
        column: np.ndarray,
        row: np.ndarray,
        weight: np.ndarray,
        value: np.ndarray,
    ) -> "Coefficients":
        """Of a list of terms value · w[weight] of C[function, column, row], shape (functions, size_in, size_out)."""
        functions, size_in, size_out = shape
        place = function * size_out + row
        order = np.argsort(place, kind="stable")
        place, column, weight, value = place[order], column[order], weight[order], value[order]
        counts = np.bincount(place, minlength=functions * size_out)
        term = np.arange(len(place)) - (np.cumsum(counts) - counts)[place]
        terms = counts.max(initial=0)
        weights = np.zeros((functions * size_out, terms), np.uint16 if dimension < 1 << 16 else np.uint32)
        columns, values = np.zeros((functions * size_out, terms), np.uint16), np.zeros((functions * size_out, terms))
        weights[place, term], columns[place, term], values[place, term] = weight, column, value
        split = (functions, size_out, terms)
        return cls(dimension, size_in, weights.reshape(split), columns.reshape(split), values.reshape(split))

    @property
    def constant_bytes(self) -> int:
        """The memory of indices and float32 values."""
        return self.weight.nbytes + self.column.nbytes + 4 * self.value.size

    def kernels(self) -> np.ndarray:
        """C of each weight alone: ``[dimension, functions, size_in, size_out]``."""
        functions, size_out, _ = self.weight.shape
        kernels = np.zeros((self.dimension, functions, self.size_in, size_out))
        function, row = np.ogrid[:functions, :size_out]
        np.add.at(kernels, (self.weight, function[..., None], self.column, row[..., None]), self.value)
        return kernels

    def project(self, function: int, matrix: np.ndarray) -> np.ndarray:
        """The weights of a matrix ``[size_in, size_out, ...]`` that C[function] can be, as far as they act on it."""
        weight, column, value = self.weight[function], self.column[function], self.value[function]
        norms = np.bincount(weight.ravel(), value.ravel() ** 2, self.dimension)  # elements of one function: orthogonal
        share = value / np.where(norms, norms, 1)[weight]
        rows = np.arange(len(weight))[:, None]
        weights = np.zeros((self.dimension, *matrix.shape[2:]))
        np.add.at(weights, weight, share[..., None, None] * matrix[column, rows])
        return weights

    def __call__(self, weights: jax.Array, left: np.ndarray) -> jax.Array:
        """Σ_i left[p, i] C[s, i, o]. Zeros are skipped: most of the work of the change of basis.

        Args:
          weights: ``[dimension, n]``.
          left: ``[size, size_in]``.

        Returns:
          ``[functions, size_out, size, n]``.
        """
        mixing = jnp.asarray(left.T, weights.dtype)[jnp.asarray(self.column)]  # [functions, size_out, terms, size]
        mixing = mixing * jnp.asarray(self.value, weights.dtype)[..., None]
        return jnp.einsum("sotp,sotn->sopn", mixing, weights[jnp.asarray(self.weight)], precision="highest")
