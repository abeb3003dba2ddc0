"""Segmentation of images too large for one pass: overlapping windows, with the outputs of the whole image."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions.warp import PLANE_AXES
from geomdl.arrays import as_floating
from geomdl.equivariance.contracts.contract import Contract
from geomdl.errors import invalid, misshapen
from geomdl.evaluators.predict import Predict
from geomdl.groups import along
from geomdl.numbers import whole_number


@dataclass(frozen=True)
class FieldOfView:
    """What sliding windows need to know of a network.

    Args:
      step: windows that start at multiples of so many pixels give the same outputs.
      reach: how far from its place an output pixel sees, in pixels.
      stride: input pixels per output pixel.
      offset: output pixel i lies at i · stride + offset in pixels of the input.
      output_size: pixels along an axis of the output, for pixels of the input.
    """

    step: int
    reach: Fraction | int
    stride: Fraction | int = 1
    offset: Fraction | int = 0
    output_size: Callable[[int], int] = lambda extent: extent


@dataclass(frozen=True)
class _Window:
    """A window along one axis: the pixels that go in, and which of the whole output's pixels are taken from it."""

    start: int
    stop: int
    first_output: int  # of the window, as a pixel of the whole output
    taken: tuple[int, int]


def sliding_window(
    predict: Predict, images: ArrayLike, contract: Contract | tuple[int, int], *, window: int
) -> jax.Array:
    """The outputs of a network for large images, from windows of ``window`` pixels a side.

    Windows overlap by the network's field of view, and of each only those output pixels are kept that see nothing of
    its cuts. So the result equals that for the whole images to rounding, at the borders too, where a window has the
    border of the image. The exception is padding that looks elsewhere in the image (circular): within ``reach`` of the
    borders the result differs. Windows start at multiples of ``step``, and are larger by less than a step where else
    they would leave another remainder than the image: networks may halve even and odd sides differently.

    Args:
      predict: images → outputs ``[batch, height, width, channels]``; compiled for up to four sizes of windows.
      images: ``[batch, height, width, channels]``.
      contract: of the network, or (step, reach) of one whose outputs have the size of its inputs.
      window: pixels a side; must be larger than the field of view, 2 · reach + 1.

    Raises:
      ValueError: for a network whose field of view is the whole image, or a window that is smaller than it.

    >>> blur = lambda x: (jnp.roll(x, 1, 2) + x) / 2  # sees one pixel to the left
    >>> image = jnp.arange(20.0).reshape(1, 2, 10, 1)
    >>> bool((sliding_window(blur, image, (1, 1), window=4) == blur(image))[:, :, 1:-1].all())
    True
    """
    images, window = jnp.asarray(as_floating(images, "images")), whole_number("window", window)
    if images.ndim != 4:
        raise misshapen("images", images.shape, PLANE_AXES)
    height, width = images.shape[1:3]
    rows = _windows(height, window, _view(contract, 0, (height, width)))
    columns = _windows(width, window, _view(contract, 1, (height, width)))
    strips = []
    for row in rows:
        cells = [_taken(predict(images[:, row.start : row.stop, c.start : c.stop]), row, c) for c in columns]
        strips.append(jnp.concatenate(cells, axis=2))
    return jnp.concatenate(strips, axis=1)


def _taken(output: jax.Array, row: _Window, column: _Window) -> jax.Array:
    (top, bottom), (left, right) = row.taken, column.taken
    top, bottom = top - row.first_output, bottom - row.first_output
    left, right = left - column.first_output, right - column.first_output
    if bottom > output.shape[1] or right > output.shape[2]:
        size = (row.stop - row.start, column.stop - column.start)
        raise invalid("output", f"{output.shape[1:3]} for windows of {size}", f"at least {(bottom, right)} as promised")
    return output[:, top:bottom, left:right]


def _view(contract: Contract | tuple[int, int], axis: int, size: tuple[int, int]) -> FieldOfView:
    """What is known along one axis."""
    if isinstance(contract, tuple):
        return FieldOfView(*contract)
    if contract.reach is None or not contract.has_base_space:
        raise invalid(
            "contract", f"of a network without crops ({contract.cropped.why})",
            "a network of local layers, whose field of view is smaller than the image; "
            "use the whole image, or take out layers with spatial statistics, attention, polyphase or global pooling",
        )  # fmt: skip

    def output_size(extent: int) -> int:
        return contract.output_size((extent, size[1]) if axis == 0 else (size[0], extent))[axis]

    numbers = (contract.step, contract.reach, contract.stride, contract.offset)
    step, reach, stride, offset = (along(number, len(size))[axis] for number in numbers)
    return FieldOfView(step, reach, stride, offset, output_size)


def _windows(extent: int, window: int, view: FieldOfView) -> list[_Window]:
    """The windows along an axis, and the parts of the whole output that they give; together all of it."""
    stride, offset, reach = Fraction(view.stride), Fraction(view.offset), Fraction(view.reach)
    total = view.output_size(extent)
    window += (extent - window) % view.step  # layers may halve even and odd sides differently: leave no other remainder
    if window >= extent:
        return [_Window(0, extent, 0, (0, total))]
    windows: list[_Window] = []
    start, done = 0, 0
    while True:
        last = start + window + view.step > extent
        if last:  # as far back as a multiple of the step allows
            start = (extent - window) // view.step * view.step
        stop = extent if last else start + window
        first = Fraction(start) / stride
        if first.denominator != 1:
            raise invalid("step", view.step, f"a multiple of the stride, {view.stride}")
        first = int(first)
        # Pixel i of a window's output sees i · stride + offset ± reach.
        end = total if last else first + math.floor((stop - start - 1 - reach - offset) / stride) + 1
        begin = 0 if start == 0 else first + math.ceil((reach - offset) / stride)
        if begin > done or end <= done:
            raise _too_small(window, view)
        windows.append(_Window(start, stop, first, (done, end)))
        if last:
            return windows
        done = end
        # The next window starts as far on as its first good pixel allows.
        ahead = (done - math.ceil((reach - offset) / stride)) * stride
        moved = math.floor(ahead / view.step) * view.step
        if moved <= start:
            raise _too_small(window, view)
        start = moved


def _too_small(window: int, view: FieldOfView) -> ValueError:
    least = math.ceil(2 * Fraction(view.reach)) + view.step + math.ceil(view.stride)
    allowed = f"more pixels than the field of view of ±{view.reach} pixels and a step of {view.step} need"
    return invalid("window", window, allowed, -(-least // view.step) * view.step)
