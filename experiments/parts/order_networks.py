"""The networks and data of the study of group orders: one architecture for every C_N and D_N, digits all turned."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from flax import nnx

from experiments.parts.trained_networks import file_name
from geomdl.data import Dataset, Split, rotate_each, uniforms
from geomdl.equivariance import Size
from geomdl.layers import Conv, GroupPool, Layer, Pool, Sequential
from geomdl.layers.convolution.algorithms import possible
from geomdl.models import MODELS, ImageShape, SteerableConfig, convolution_block, invariant_head
from geomdl.representations import FieldType
from geomdl.training import RunConfig

GROUPS = ("C1", "C2", "C4", "C8", "C12", "C16", "D1", "D2", "D4", "D8")
MODES = ("width", "parameters")
"""What is equal in all groups: the number of regular fields, or the number of parameters (that of `ANCHOR`)."""
ANCHOR = "C8"


@dataclasses.dataclass(frozen=True)
class OrderNetworkConfig(SteerableConfig):
    """A smaller benchmark network of Weiler & Cesa, steerable kernels for every finite group: f(ρ(g) x) = f(x).

    Convolutions of 7, 5, 5, 5 taps to w, 3w/2, 2w, 3w regular fields, each with batch norm and ELU; maximum of 2 × 2
    pixels after the second; maximum over the group and the remaining pixels; dense 64–classes.

    Args:
      group: finite, e.g. ``"C8"``.
    """

    width: float = 4
    activation: str = "elu"
    group: str = "C8"

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Four convolutions with one pooling, maximum over the group and the pixels, dense."""
        current = FieldType(self.group, f"{image_shape[2]} trivial")
        layers: list[Layer] = []
        for i, (multiplier, taps, padding) in enumerate(((1, 7, 1), (1.5, 5, 2), (2, 5, 2), (3, 5, 0))):
            fields = FieldType(self.group, f"{self.fields(multiplier)} regular")
            options: dict[str, Any] = {"padding": padding, "basis": "steerable"}
            layers += convolution_block(current, fields, taps, activation=self.activation, rngs=rngs, **options)
            if i == 1:
                layers.append(Pool(fields, 2, remainder="drop"))
            current = fields
        layers.append(GroupPool(current))
        return layers + invariant_head(layers[-1].out_type, (64,), num_classes, activation=self.activation, rngs=rngs)


if "order_network" not in MODELS:  # this module may be read twice, under two names
    MODELS.register("order_network", OrderNetworkConfig)


@dataclasses.dataclass(frozen=True)
class Setting:
    """Data, fixed width and length of training.

    Attributes:
      data: the config's section.
      load: the data set, if not what the section stands for.
      width: of all networks of fixed width, and of the `ANCHOR`, whose parameters the others are matched to.
      epochs: of training; the last weights are tested.
      title: for figures.
    """

    data: dict[str, Any]
    width: float
    epochs: float
    title: str
    load: Callable[[RunConfig], Dataset] = lambda config: config.data.load()


def turned_digits(upright: Dataset) -> Dataset:
    """The images of a data set, every one turned by its own angle, uniform in [0°, 360°)."""

    def turned(name: str, split: Split) -> Split:
        images = np.rint(255 * np.asarray(split.images)).astype(np.uint8)
        angles = 360 * uniforms(0, f"orders/angle/{name}", (len(split),))
        return Split(rotate_each(images, angles), split.labels)

    return dataclasses.replace(
        upright,
        train=turned("train", upright.train),
        validation=turned("validation", upright.validation),
        test=turned("test", upright.test),
        provenance=f"{upright.provenance}; every image turned by its own angle (cubic B-spline, 8 bits)",
    )


SETTINGS = {
    "digits": Setting(
        {"name": "digits", "size": 16, "train_size": 1000, "validation_size": 97, "test_size": 700},
        width=3,
        epochs=10,
        title="turned digits",
        load=lambda config: turned_digits(config.data.load()),
    ),
    "mnist_rot": Setting({"name": "mnist_rot"}, width=3, epochs=10, title="MNIST-rot"),
    "mnist_rot_small": Setting(
        {"name": "mnist_rot", "train_size": 1000, "validation_size": 200, "test_size": 10_000},
        width=3,
        epochs=10,
        title="MNIST-rot, 1,000 images",
    ),
}
"""By the name in the tables. ``"mnist_rot_small"`` is not the protocol of the data set: fewer images."""


def run_config(setting: Setting, group: str, mode: str, seed: int, image_shape: ImageShape) -> RunConfig:
    """The config of a run: Adam, cosine schedule, batches of 32; evaluated at the end only."""
    steps = round(setting.epochs * _train_size(setting) // 32)
    config = RunConfig.from_config_dict(
        {
            "seed": seed,
            "data": setting.data,
            "model": {"name": "order_network", "group": group, "width": setting.width},
            "optimizer": {"name": "adam", "learning_rate": 0.01},
            "schedule": {"name": "cosine", "warmup_steps": steps // 10},
            "training": {"batch_size": 32, "steps": steps, "eval_every": steps, "log_every": steps},
        }
    )
    assert isinstance(config.model, OrderNetworkConfig)  # noqa: S101  (for the type checker)
    return dataclasses.replace(config, model=sized(config.model, mode, image_shape))


def _train_size(setting: Setting) -> int:
    return int(setting.data.get("train_size", 10_000))


@functools.cache
def sized(model: OrderNetworkConfig, mode: str, image_shape: ImageShape) -> OrderNetworkConfig:
    """The network with its fixed width, or as wide as has most nearly the parameters of the `ANCHOR`."""
    budget = dataclasses.replace(model, group=ANCHOR).parameter_count(image_shape, 10)
    if mode == "width" or model.parameter_count(image_shape, 10) == budget:
        return model
    return dataclasses.replace(model, match_parameters=budget).matched(image_shape, 10)


def multiply_adds(model: Sequential, size: Size) -> dict[str, int]:
    """Those of all convolutions for one image, by both methods.

    >>> network = OrderNetworkConfig(group="C16").build((16, 16, 1), 10, rngs=nnx.Rngs(0))
    >>> multiply_adds(network, (16, 16))["dense"]
    36086784
    """
    counted = {"dense": 0, "factored": 0}
    for layer in model.layers:
        if isinstance(layer, Conv):
            for algorithm in possible(layer.convolution):
                if algorithm.name in counted:
                    counted[algorithm.name] += algorithm.multiply_adds(layer.convolution, size)
        size = layer.contract.output_size(size)
    return counted


def label(group: str, model: OrderNetworkConfig, seed: int) -> str:
    """The folder of a run."""
    return f"{file_name(group)}-width{model.width:.4g}-seed{seed}"
