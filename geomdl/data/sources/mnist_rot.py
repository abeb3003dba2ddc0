"""Rotated MNIST, regenerated: each digit turned once by a uniform angle, with the customary 10k / 2k / 50k split."""

from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from geomdl.actions.warp import rotate
from geomdl.data.draws import uniforms
from geomdl.data.sources.splits import stratified_split
from geomdl.data.sources.tfds import TFDSConfig
from geomdl.data.types import DataConfig, Dataset, Split
from geomdl.errors import invalid
from geomdl.numbers import whole_number

_CHUNK = 1000
_turn = jax.jit(rotate)


def random_angles(count: int, seed: int) -> Float[np.ndarray, " count"]:
    """Angles in degrees, uniform in [0, 360), one per digit of the pool: a function of (seed, place in the pool)."""
    return 360.0 * uniforms(seed, "mnist_rot/angle", (count,))


def rotate_each(images: UInt8[np.ndarray, "n h w c"], degrees: Float[np.ndarray, " n"]) -> UInt8[np.ndarray, "n h w c"]:
    """Turns image i counter-clockwise by ``degrees[i]``: cubic B-spline, zeros outside, rounded to 8 bits again.

    Args:
      images: ``[n, height, width, channels]``.
      degrees: ``[n]``.

    >>> image = np.zeros((1, 5, 5, 1), np.uint8)
    >>> image[0, 2, 3, 0] = 255  # one pixel to the right of the centre
    >>> int(rotate_each(image, np.array([90.0]))[0, 1, 2, 0])  # now above it
    255
    """
    count, chunk = len(images), min(_CHUNK, len(images))
    turned = np.empty_like(images)
    for start in range(0, count, chunk):
        here = np.arange(start, start + chunk) % count  # a full last chunk, so that one program serves all
        result = np.asarray(_turn(images[here].astype(np.float32), degrees[here].astype(np.float32)))
        stop = min(start + chunk, count)
        turned[start:stop] = np.rint(np.clip(result, 0, 255))[: stop - start].astype(np.uint8)
    return turned


def make_splits(
    images: UInt8[np.ndarray, "n h w c"], labels: Int[np.ndarray, " n"], sizes: tuple[int, int, int], seed: int
) -> tuple[Split, Split, Split]:
    """Stratified (train, validation, test) splits of the given sizes from a pool of upright digits, each digit turned.

    Which digits are chosen and the angle of each are functions of the seed and the digit's place in the pool; the sizes
    of the other splits and the order of work do not change them.
    """
    train_size, validation_size, test_size = sizes
    test, validation, train = stratified_split(labels, (test_size, validation_size, train_size), seed)
    angles = random_angles(len(images), seed)

    def turned(part: np.ndarray) -> Split:
        return Split(rotate_each(images[part], angles[part]), labels[part].astype(np.int32))

    return turned(train), turned(validation), turned(test)


@dataclass(frozen=True)
class MNISTRotConfig(DataConfig):
    """MNIST-rot after Larochelle et al. 2007, regenerated from MNIST: not the published files, whose angles are
    unknown.

    The 60,000 + 10,000 digits of MNIST are pooled and split, stratified by class, into disjoint sets; each digit is
    turned once by its own angle, uniform in [0°, 360°). Say "regenerated" beside numbers on it.

    Attributes:
      data_dir: TFDS folder with ``mnist`` prepared; None: $TFDS_DATA_DIR, else ~/tensorflow_datasets.
      train_size: 10,000 in the protocol.
      validation_size: 2,000 in the protocol.
      test_size: 50,000 in the protocol.
      seed: of the choice of digits and of their angles.

    Raises:
      ValueError: sizes out of range (at construction), or MNIST is not prepared (when loading).

    References:
      Larochelle, Erhan, Courville, Bergstra and Bengio, An empirical evaluation of deep architectures on problems with
      many factors of variation, ICML 2007. Departs from it in the interpolation (cubic B-spline) and in the seed.
    """

    name: ClassVar[str] = "mnist_rot"  # pyright: ignore[reportIncompatibleVariableOverride]
    data_dir: str | None = None
    train_size: int = 10_000
    validation_size: int = 2_000
    test_size: int = 50_000
    seed: int = 0

    def __post_init__(self):
        sizes = {key: getattr(self, key) for key in ("train_size", "validation_size", "test_size")}
        for key, value in sizes.items():
            whole_number(f"data.{key}", value)
        if sum(sizes.values()) > 70_000:
            raise invalid("data." + " + ".join(sizes), sum(sizes.values()), "at most the 70,000 digits of MNIST")
        whole_number("data.seed", self.seed, least=0)

    def load(self) -> Dataset:
        """Reads MNIST and turns its digits: about ten seconds on two CPU cores."""
        upright = TFDSConfig(name="tfds:mnist", data_dir=self.data_dir).load_published()
        images = np.concatenate([upright[key].images for key in ("train", "test")])
        labels = np.concatenate([upright[key].labels[:] for key in ("train", "test")])
        sizes = (self.train_size, self.validation_size, self.test_size)
        train, validation, test = make_splits(images, labels, sizes, self.seed)
        return Dataset(
            name=self.name,
            train=train,
            validation=validation,
            test=test,
            image_shape=(images.shape[1], images.shape[2], 1),
            num_classes=10,
            classes=tuple(str(digit) for digit in range(10)),
            provenance=(
                "MNIST-rot, regenerated: the 70,000 digits of MNIST (LeCun, Cortes and Burges) pooled, split "
                f"stratified by class into {self.train_size} training, {self.validation_size} validation and "
                f"{self.test_size} test digits, each turned by an angle uniform in [0°, 360°) "
                f"(cubic B-spline, zeros outside, 8 bits); seed {self.seed}"
            ),
        )
