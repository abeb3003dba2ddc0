"""Scikit-learn's 1,797 real handwritten digits, enlarged."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from geomdl.actions.disc import disc
from geomdl.data.checks import number
from geomdl.data.sources.splits import stratified_split
from geomdl.data.types import DataConfig, Dataset, Split
from geomdl.errors import invalid
from geomdl.memory import require_memory
from geomdl.numbers import whole_number

_SIDE = 8
_COUNT = 1797


def _sampling_matrix(size: int, scale: float) -> Float[np.ndarray, "size 8"]:
    """Row i: the weights of a row's 8 pixels in the cubic spline through them and zeros, at output pixel i."""
    from scipy.interpolate import make_interp_spline

    margin = 12  # the influence of a pixel falls by 0.27 with each step: 1e-7 at the ends
    knots = np.arange(-margin, _SIDE + margin)
    spline = make_interp_spline(knots, np.eye(len(knots))[:, margin : margin + _SIDE], k=3)
    places = (np.arange(size) - (size - 1) / 2) / scale + (_SIDE - 1) / 2
    inside = (places > -1) & (places < _SIDE)  # one pixel past the outermost samples the stroke has run out
    return np.where(inside[:, None], spline(np.clip(places, -1, _SIDE)), 0.0)


def enlarge(images: Float[np.ndarray, "n 8 8"], size: int, scale: float) -> Float[np.ndarray, "n size size"]:
    """Resamples 8×8 images about their centre: x'(p) = s(p / scale), with s the cubic spline through the pixels.

    s interpolates the pixels and the zeros around them. The result is clipped to [0, 1] and set to 0 outside the disc
    inscribed in the frame, |p| > (size − 1)/2. ``size`` may be odd or even: p is measured from the centre of the frame
    either way, so enlarging commutes with quarter turns and flips.

    Args:
      images: values in [0, 1].
      size: side of the resulting frame, in pixels.
      scale: output pixels to one input pixel.

    Returns:
      float32 images in [0, 1].

    >>> enlarge(np.ones((1, 8, 8)), size=12, scale=1.0)[0, 6]
    array([0., 0., 1., 1., 1., 1., 1., 1., 1., 1., 0., 0.], dtype=float32)
    """
    rows = _sampling_matrix(size, scale)
    enlarged = np.clip(np.einsum("ih,nhw,jw->nij", rows, images, rows), 0.0, 1.0)
    return (enlarged * disc((size, size), radius=(size - 1) / 2)).astype(np.float32)


@dataclass(frozen=True)
class DigitsConfig(DataConfig):
    """The UCI optical digits as scikit-learn ships them: 8×8 pixels, 17 grey levels, enlarged by :func:`enlarge`.

    Attributes:
      size: side of the frame in pixels, odd or even.
      scale: output pixels to one original pixel. None: the largest for which the 8×8 square lies within the disc
        inscribed in the frame, size / (8√2). What the spline adds outside the disc (0.05 % of the ink) is cleared, so
        that no rotation cuts a digit.
      train_size: training images; None: all that remain. Smaller sets are nested, validation and test stay the same.
      validation_size: validation images.
      test_size: test images.
      split_seed: which stratified split.

    Raises:
      ValueError: a size is out of range, or the digit would leave the disc.

    >>> DigitsConfig(size=20).load().train
    Split(1197 images 20×20×1 float32)
    """

    name: ClassVar[str] = "digits"  # pyright: ignore[reportIncompatibleVariableOverride]
    size: int = 28
    scale: float | None = None
    train_size: int | None = None
    validation_size: int = 200
    test_size: int = 400
    split_seed: int = 0

    def __post_init__(self):
        whole_number("data.size", self.size, least=8)
        whole_number("data.validation_size", self.validation_size)
        whole_number("data.test_size", self.test_size)
        remain = _COUNT - self.validation_size - self.test_size
        if remain < 1:
            raise invalid(
                "data.validation_size + data.test_size",
                self.validation_size + self.test_size,
                f"less than the {_COUNT} images there are",
            )
        if self.train_size is not None:
            whole_number("data.train_size", self.train_size, most=remain)
        whole_number("data.split_seed", self.split_seed, least=0)
        require_memory("data.size", self.size, (_COUNT, self.size, self.size), itemsize=8)
        if self.scale is not None:
            number("data.scale", self.scale)
            if not 0 < self.scale <= self.largest_scale * (1 + 1e-9):
                raise invalid(
                    "data.scale",
                    self.scale,
                    f"above 0, up to {self.largest_scale:.4g}, filling the disc of a frame of size {self.size}",
                    f"{np.floor(self.largest_scale * 1000) / 1000:g}, or leave it out",
                )

    @property
    def largest_scale(self) -> float:
        """The scale at which the corners of the original 8×8 square touch the inscribed disc."""
        return self.size / (_SIDE * np.sqrt(2.0))

    def load(self) -> Dataset:
        """Enlarges and splits the digits; nothing is downloaded."""
        from sklearn.datasets import load_digits

        source: Any = load_digits()
        scale = float(self.largest_scale if self.scale is None else self.scale)
        images = enlarge(source.images / 16.0, self.size, scale)[..., None]
        labels = source.target.astype(np.int32)
        remain = _COUNT - self.validation_size - self.test_size
        sizes = (self.test_size, self.validation_size, self.train_size or remain)
        test, validation, train = (
            Split(images[i], labels[i]) for i in stratified_split(labels, sizes, self.split_seed)
        )
        return Dataset(
            name=self.name,
            train=train,
            validation=validation,
            test=test,
            image_shape=(self.size, self.size, 1),
            num_classes=10,
            classes=tuple(str(digit) for digit in range(10)),
            provenance=(
                "scikit-learn load_digits: 1,797 digits of the test set of 'Optical Recognition of Handwritten Digits' "
                "(Alpaydin and Kaynak 1998, UCI, CC BY 4.0), 8×8 pixels, values 0..16 divided by 16; resampled at "
                f"{scale:.6g} pixels to one by the cubic spline through the pixels, clipped to [0, 1], centred in "
                f"{self.size}×{self.size} zeros, 0 outside the inscribed disc; stratified split with seed "
                f"{self.split_seed}: {len(train)} training, {len(validation)} validation and {len(test)} test images"
            ),
        )
