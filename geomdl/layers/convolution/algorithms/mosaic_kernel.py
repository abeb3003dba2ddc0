"""The two kernels of `geomdl.layers.convolution.algorithms.pallas_kernel` for Pallas's Mosaic backend.

Pixels of all images stand in one row, and each tap of a kernel is a distance along it. A program computes 64 pixels of
one unit: column by column the sum over the taps of the column's kernel, a number times a block of the input each, and
of that the product with a block of the mixing matrix on the tensor cores. All of it is in registers; programs and warps
share nothing, so that none waits for another. Pixels whose windows would reach into the next row or image are computed
in vain and cut off.

Tensor cores multiply half precision. A float32 is the sum of three bfloat16 numbers to its last bit; of the products of
these parts the six largest are summed in float32, which leaves an error of about that of float32 itself.
"""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import mosaic_gpu as _mosaic_gpu

from geomdl.equivariance.contracts.contract import Size
from geomdl.kernels.factored.columns import Columns
from geomdl.layers.core.field_channels import wide

mosaic_gpu: Any = _mosaic_gpu  # some versions lack some of its functions: see `gpu_backend`

ROWS = 64
"""The most rows of a product: pixels of the output, or fields of the gradient of the mixing matrix."""

DEPTH = 16
"""What a product sums over at a time: fields, or pixels. More does not fit into the registers of a warp."""

OUTPUTS = 64
"""The most columns of a product."""

Role = Literal["MMA_LHS", "MMA_RHS", "MMA_ACC"]
"""What a matrix is in a product: Mosaic's name of the layout of its entries in registers."""


def expand_and_mix(
    z: jax.Array, matrix: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """``[units, stacked, images, *size, outputs]``.

    Of z ``[sources, components, images, height, width, fields]``, padded, and ``[units, height, fields, outputs]``.
    """
    units, stacked, height = columns.index.shape
    line, outputs, width = _Line.of(z, columns, stride, dilation), *_widths(matrix.shape[3], ROWS)
    fields = _multiple(z.shape[5], DEPTH)
    inputs = _enlarged(line.planes(z), {3: fields})  # [source, plane, pixel, field]
    turned = _enlarged(matrix.astype(z.dtype).swapaxes(2, 3), {2: outputs, 3: fields})  # [unit, height, output, field]

    def kernel(machine: Any, z_ref: Any, matrix_ref: Any, *refs: Any) -> None:
        *tables, y_ref = refs
        first, unit, output = machine.place(0) * ROWS, machine.place(1), machine.place(2) * width

        def step(h: Any, n: Any, sums: Any) -> Any:
            here = pl.ds(n * DEPTH, DEPTH)

            def window(source: Any, plane: Any, distance: Any) -> Any:
                return z_ref.at[source, plane, pl.ds(first + distance, ROWS), here]

            block = matrix_ref.at[lax.div(unit, np.int32(stacked)), h, pl.ds(output, width), here]
            return _add_product(machine, sums, _column(machine, window, tables, unit, h), machine.load_turned(block))

        sums = machine.zeros(width, "MMA_ACC")
        sums = _loop(height, lambda h, sums: _loop(fields // DEPTH, functools.partial(step, h), sums), sums)
        machine.store(y_ref.at[unit, pl.ds(first, ROWS), pl.ds(output, width)], sums)

    shape = units * stacked, line.pixels, outputs
    grid = line.pixels // ROWS, units * stacked, outputs // width
    y = _call(kernel, ROWS, shape, z.dtype, grid, inputs, turned, *line.tables(z.dtype))
    y = y[:, : line.used, : matrix.shape[3]].reshape(units, stacked, z.shape[2], *line.size, -1)
    return y[:, :, :, : size[0], : size[1]]


def gradient_of_matrix(
    z: jax.Array, matrix: jax.Array, dy: jax.Array, columns: Columns, stride: int, dilation: int, size: Size
) -> jax.Array:
    """That of the mixing matrices ``[units, height, fields, outputs]``, from that of the output.

    Entries that a register holds together are read together, for which they must stand at an even place, wherever a
    window begins. So pixels are read in the order 0, 8, 1, 9, …: of z, every pixel stands beside the eighth after it.
    """
    units, stacked, height = columns.index.shape
    rows = next(n for n in (16, 32, ROWS) if n >= min(z.shape[5], ROWS))
    line, outputs, width = _Line.of(z, columns, stride, dilation), *_widths(matrix.shape[3], rows)
    fields, half = _multiple(z.shape[5], rows), DEPTH // 2
    inputs = _enlarged(line.planes(z), {3: fields}).swapaxes(2, 3)  # [source, plane, field, pixel]
    later = jnp.pad(inputs[..., half:], [(0, 0)] * 3 + [(0, half)])
    paired = jnp.stack([inputs, later], -1).reshape(*inputs.shape[:3], -1)  # [source, plane, field, 2 · pixel]
    slopes = _enlarged(dy.reshape(-1, *dy.shape[2:]), {2: line.size[0], 3: line.size[1], 4: outputs})
    slopes = _enlarged(slopes.reshape(slopes.shape[0], -1, outputs), {1: line.pixels})
    slopes = slopes.reshape(slopes.shape[0], -1, 2, half, outputs).swapaxes(2, 3)
    slopes = slopes.reshape(slopes.shape[0], -1, outputs).swapaxes(1, 2)  # [unit, output, pixel in that order]

    def kernel(machine: Any, z_ref: Any, dy_ref: Any, *refs: Any) -> None:
        *tables, out_ref = refs
        block, field, output = machine.place(0), machine.place(1) * rows, machine.place(2) * width
        mixed, h = lax.div(block, np.int32(height)), lax.rem(block, np.int32(height))

        def step(n: Any, sums: Any) -> Any:
            first = n * DEPTH

            def window(source: Any, plane: Any, distance: Any) -> Any:
                return z_ref.at[source, plane, pl.ds(field, rows), pl.ds((first + distance) * 2, DEPTH)]

            for s in range(stacked):
                unit = mixed * stacked + s
                slope = machine.load_turned(dy_ref.at[unit, pl.ds(output, width), pl.ds(first, DEPTH)])
                sums = _add_product(machine, sums, _column(machine, window, tables, unit, h), slope)
            return sums

        sums = _loop(line.pixels // DEPTH, step, machine.zeros(width, "MMA_ACC"))
        machine.store(out_ref.at[block, pl.ds(field, rows), pl.ds(output, width)], sums)

    shape, grid = (units * height, fields, outputs), (units * height, fields // rows, outputs // width)
    found = _call(kernel, rows, shape, matrix.dtype, grid, paired, slopes.astype(z.dtype), *line.tables(z.dtype))
    return found[:, : matrix.shape[2], : matrix.shape[3]].reshape(matrix.shape)


@dataclasses.dataclass(frozen=True, eq=False)
class _Line:
    """The pixels of all images in a row, those of every phase of the stride by themselves, which is a plane.

    The output at p is the sum over taps (a, b) of the input at p + (dilation · a // stride) · width + dilation · b //
    stride, in the plane of the remainders.
    """

    columns: Columns
    stride: int
    dilation: int
    images: int
    size: Size

    @classmethod
    def of(cls, z: jax.Array, columns: Columns, stride: int, dilation: int) -> "_Line":
        """That of fields ``[sources, components, images, height, width, fields]``."""
        height, width = (-(-n // stride) for n in z.shape[3:5])
        return cls(columns, stride, dilation, z.shape[2], (height, width))

    @property
    def used(self) -> int:
        """How many pixels there are."""
        return self.images * self.size[0] * self.size[1]

    @property
    def pixels(self) -> int:
        """How many are computed."""
        return max(ROWS, _multiple(self.used, ROWS))

    @functools.cached_property
    def taps(self) -> np.ndarray:
        """Plane and distance of each tap, ``[2, components · taps²]``."""
        components, taps = self.columns.kernels.shape[2:4]
        c, a, b = np.indices((components, taps, taps)).reshape(3, -1)
        down, phase = np.divmod(a * self.dilation, self.stride)
        across, phase_across = np.divmod(b * self.dilation, self.stride)
        planes = (c * self.stride + phase) * self.stride + phase_across
        return np.stack([planes, down * self.size[1] + across])

    def planes(self, z: jax.Array) -> jax.Array:
        """``[sources, components · stride², pixels, fields]``, with zeros behind as far as the last window reaches."""
        s, (height, width) = self.stride, self.size
        z = _enlarged(z, {3: height * s, 4: width * s})
        z = z.reshape(*z.shape[:3], height, s, width, s, z.shape[5]).transpose(0, 1, 4, 6, 2, 3, 5, 7)
        z = z.reshape(z.shape[0], z.shape[1] * s * s, self.used, z.shape[7])
        return _enlarged(z, {2: self.pixels + int(self.taps[1].max())})

    def tables(self, dtype: Any) -> list[jax.Array]:
        """Numbers of each column, the last of zeros; plane and distance of each; number and source of each column."""
        columns = self.columns
        numbers = np.pad(columns.kernels.reshape(columns.none, -1), [(0, 1), (0, 0)])
        flat = [table.reshape(-1, columns.index.shape[-1]) for table in (columns.index, columns.source)]
        return [jnp.asarray(numbers, wide(dtype)), *(jnp.asarray(table, jnp.int32) for table in (*self.taps, *flat))]


def _column(machine: Any, window: Callable[..., Any], tables: Sequence[Any], unit: Any, h: Any) -> Any:
    """``[rows, depth]``: the sum over its taps of the windows that a column sees."""
    number_ref, plane_ref, distance_ref, column_ref, source_ref = tables
    column, source = column_ref[unit, h], source_ref[unit, h]

    def step(n: Any, total: Any) -> Any:
        seen = machine.load(window(source, plane_ref[n], distance_ref[n]), "MMA_LHS")
        return total + number_ref[column, n] * seen.astype(total.dtype)

    return _loop(number_ref.shape[1], step, machine.zeros(DEPTH, "MMA_LHS"))


def _add_product(machine: Any, sums: Any, a: Any, b: Any) -> Any:
    """sums + a b, of the parts of both that tensor cores multiply."""
    left, right = _parts(machine, a), _parts(machine, b)
    for i, part in enumerate(left):
        for other in right[: len(right) - i]:
            sums = machine.multiply_add(sums, part, other)
    return sums


def _parts(machine: Any, x: Any) -> list[Any]:
    """Numbers that tensor cores multiply, whose sum is x."""
    if machine.dtype != jnp.float32:
        return [x.astype(machine.dtype)]
    found = []
    for _ in range(3):
        found.append(machine.rounded(x))
        x = x - found[-1].astype(jnp.float32)
    return found


@dataclasses.dataclass(frozen=True)
class _Gpu:
    """What a program does on a GPU, with numbers of a dtype; each of its four warps has 16 or all rows."""

    dtype: Any
    rows: int

    def place(self, axis: int) -> Any:
        """The program's along an axis of the grid."""
        return lax.axis_index(AXES[axis])

    def zeros(self, columns: int, role: Role) -> Any:
        """In which is summed."""
        return mosaic_gpu.layout_cast(jnp.zeros((self.rows, columns), wide(self.dtype)), self._layout(role))

    def load(self, view: Any, role: Role) -> Any:
        """The entries of a view of an array."""
        return mosaic_gpu.load(view, layout=self._layout(role), optimized=False)

    def load_turned(self, view: Any) -> Any:
        """The right factor of a product, of which the array has the transpose: columns stand together."""
        return self.load(view.transpose((1, 0)), "MMA_RHS")

    def rounded(self, x: Any) -> Any:
        """To half precision."""
        return x.astype(jnp.bfloat16)

    def multiply_add(self, sums: Any, a: Any, b: Any) -> Any:
        """sums + a b."""
        return mosaic_gpu.mma(sums, a, b)

    def store(self, view: Any, x: Any) -> None:
        """Writes a view of an array."""
        mosaic_gpu.store(view, x.astype(view.dtype), optimized=False)

    def _layout(self, role: Role) -> Any:
        multiplied = jnp.bfloat16 if self.dtype == jnp.float32 else self.dtype
        return getattr(mosaic_gpu.Layout, role)(multiplied, m_warps=self.rows // 16)


@dataclasses.dataclass(frozen=True)
class _Interpreter:
    """The same on a CPU, in Pallas's interpreter."""

    dtype: Any
    rows: int

    def place(self, axis: int) -> Any:
        return pl.program_id(axis)

    def zeros(self, columns: int, role: Role) -> Any:
        del role
        return jnp.zeros((self.rows, columns), wide(self.dtype))

    def load(self, view: Any, role: Role) -> Any:
        del role
        return view[...]

    def load_turned(self, view: Any) -> Any:
        return view[...].T

    def rounded(self, x: Any) -> Any:
        # XLA may leave out a conversion there and back, but not this.
        return lax.reduce_precision(x, exponent_bits=8, mantissa_bits=7).astype(jnp.bfloat16)

    def multiply_add(self, sums: Any, a: Any, b: Any) -> Any:
        return sums + jnp.matmul(a, b, precision="highest", preferred_element_type=sums.dtype)

    def store(self, view: Any, x: Any) -> None:
        view[...] = x.astype(view.dtype)


AXES = ("rows", "middle", "outputs")
"""Of the grid of programs."""


def _call(
    kernel: Callable[..., None],
    rows: int,
    shape: tuple[int, ...],
    dtype: Any,
    grid: tuple[int, ...],
    *args: jax.Array,
) -> jax.Array:
    """The array, of a dtype, that the programs of a grid write, which multiply numbers of the first argument's."""
    out = jax.eval_shape(lambda x: jnp.broadcast_to(x.ravel()[0].astype(dtype), shape), args[0])
    compiled, interpreted = (functools.partial(kernel, on(args[0].dtype, rows)) for on in (_Gpu, _Interpreter))
    on_gpu = mosaic_gpu.kernel(compiled, out_type=out, grid=grid, grid_names=AXES)
    return lax.platform_dependent(
        *args, cpu=pl.pallas_call(interpreted, out, grid=grid, interpret=True), default=on_gpu
    )


def _loop(count: int, step: Callable[[Any, Any], Any], start: Any) -> Any:
    return lax.fori_loop(np.int32(0), np.int32(count), step, start)


def _multiple(n: int, of: int) -> int:
    """The least that is not less."""
    return -(-n // of) * of


def _widths(outputs: int, rows: int) -> tuple[int, int]:
    """How many outputs there are, added ones included, and how many a program computes."""
    width = min(OUTPUTS, _multiple(outputs, 8 * ROWS // rows))  # the fewer rows, the more warps stand side by side
    return _multiple(outputs, width), width


def _enlarged(x: jax.Array, lengths: dict[int, int]) -> jax.Array:
    """With zeros behind, such that axes have at least some length."""
    return jnp.pad(x, [(0, max(0, lengths.get(axis, n) - n)) for axis, n in enumerate(x.shape)])
