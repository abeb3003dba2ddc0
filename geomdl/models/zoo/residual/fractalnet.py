"""FractalNet."""

import dataclasses

from geomdl.errors import invalid
from geomdl.layers import Fractal, Layer
from geomdl.models.zoo.core.chain import Chain
from geomdl.models.zoo.core.config import ZooConfig, require_choice

CHANNELS = (64, 128, 256, 512, 512)
"""Of each block."""


@dataclasses.dataclass(frozen=True)
class FractalNetConfig(ZooConfig):
    """FractalNet: blocks of columns of 1, 2, 4, … convolutions, averaged where columns meet, without shortcuts.

    A unit is a 3 × 3 convolution, dropout, batch norm and the nonlinearity. Each of the five blocks, of 64, 128, 256,
    512 and 512 channels, ends with the maximum over 2 × 2 of each column, then the mean of the columns; mean over all
    pixels, dense. With three columns the longest path has 20 convolutions. In training, columns are left out at random
    (`geomdl.layers.Fractal`).

    The twins are exact at multiples of 32 pixels, the usual 32 and 224 among them.

    Args:
      columns: of each block; the longest path has 5 · 2^(columns − 1) convolutions.
      normalization: ``"batch"`` as published, or ``"none"``, with biases in place of it.
      dropout: in the last block; it grows linearly from none in the first: 0, 0.1, 0.2, 0.3, 0.4, as published.
      drop_path: the probability with which a join leaves a column out.
      global_drop_path: the share of images that go along one column alone; the rest have draws at every join.

    Raises:
      ValueError: for another normalisation, probabilities out of range, or images of less than 32 pixels.

    References:
      Larsson, Maire & Shakhnarovich, FractalNet: ultra-deep neural networks without residuals, ICLR 2017. Half of the
      batches have global draws there, here half of the images; the parameters are counted as those of the authors' code
      are laid out, 33.7 million, where the paper states 38.6.

    >>> FractalNetConfig().parameter_count((32, 32, 3), 10)
    33724618
    >>> small = FractalNetConfig(columns=2, group="C4", width=0.05)
    >>> small.build((32, 32, 3), 10, rngs=0).contract.points.at((32, 32))
    'exact'
    """

    columns: int = 3
    normalization: str = "batch"
    dropout: float = 0.4
    drop_path: float = 0.15
    global_drop_path: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice("normalization", self.normalization, ("batch", "none"))
        if not 1 <= self.columns <= 6:
            raise invalid("model.columns", self.columns, "1 to 6", min(max(1, self.columns), 6))
        for name in ("drop_path", "global_drop_path"):
            if not 0 <= getattr(self, name) <= 1:
                raise invalid(f"model.{name}", getattr(self, name), "a probability in [0, 1]", 0.15)

    def network(self, net: Chain, num_classes: int) -> None:
        """Five blocks, mean, class scores."""
        start, blocks = net.fork(), []
        for number, channels in enumerate(CHANNELS):
            rate = self.dropout * number / (len(CHANNELS) - 1)
            columns = [start.fork() for _ in range(self.columns)]
            counts = [2 ** (self.columns - 1 - c) for c in range(self.columns)]
            blocks.append([self._units(c, channels, rate, n) for c, n in zip(columns, counts, strict=True)])
            start = columns[-1]
        net.add(Fractal(blocks, drop_path=self.drop_path, global_share=self.global_drop_path))
        net.global_mean().scores(num_classes)

    def _units(self, column: Chain, channels: int, rate: float, count: int) -> list[Layer]:
        """Adds units to a column and gives them; the last one ends with a maximum over 2 × 2."""
        found = []
        for number in range(count):
            unit = column.fork()
            unit.conv(channels, 3, bias=self.normalization == "none").dropout(rate)
            if self.normalization == "batch":
                unit.norm()
            unit.act()
            if number == count - 1:
                unit.max_pool(2)
            found.append(unit.layer())
            column.add(found[-1])
        return found
