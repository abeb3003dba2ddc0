"""The networks of about 8,000 parameters on digits that several studies train and measure.

Each is a config file of configs/, some with another model in it. They see upright digits only, save the augmented one.
"""

import dataclasses
import importlib
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from flax import nnx

from geomdl.data import Dataset
from geomdl.environment import circumstances
from geomdl.evaluators import Metrics, predictor
from geomdl.groups import group
from geomdl.layers import (
    BatchNorm,
    BlurPool,
    Conv,
    FourierPointwise,
    GlobalPool,
    GroupPool,
    InstanceNorm,
    Layer,
    LayerNorm,
    Pointwise,
    Pool,
    PositionEmbedding,
    Residual,
    SelfAttention,
    Sequential,
)
from geomdl.models import MODELS, CNNConfig, ImageShape, ScalableConfig, count_parameters
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType
from geomdl.training import RunConfig, RunProgress, train


@dataclasses.dataclass(frozen=True)
class NormalisedCNNConfig(ScalableConfig):
    """A CNN on images of mean 0 and variance 1: f(a x + b) = f(x) for a > 0, the symmetry of pixel normalisation.

    The ε of the normalisation is 1e-12, so that contrast is normalised to rounding.
    """

    def layers(self, image_shape: ImageShape, num_classes: int, rngs: nnx.Rngs) -> list[Layer]:
        """Instance norm of the image, then the layers of a CNN."""
        image = FieldType(group("C1"), f"{image_shape[2]} trivial")
        network = CNNConfig(width=self.width, activation=self.activation, dropout=self.dropout)
        return [InstanceNorm(image, epsilon=1e-12), *network.layers(image_shape, num_classes, rngs)]


if "normalised_cnn" not in MODELS:  # this module may be read twice, under two names
    MODELS.register("normalised_cnn", NormalisedCNNConfig)

NETWORKS = {
    "MLP": ("digits_mlp", {}),
    "CNN": ("digits_cnn", {}),
    "CNN + augmentation": ("digits_cnn_augmented", {}),
    "CNN, blurred": ("digits_cnn", {"name": "cnn", "downsampling": "blur"}),
    "CNN, normalised": ("digits_cnn", {"name": "normalised_cnn"}),
    "TI-CNN": ("digits_ti_cnn", {}),
    "C4": ("digits_gcnn_c4", {}),
    "D4": ("digits_gcnn_d4", {}),
    "C8": ("digits_gcnn_c4", {"name": "off_grid", "group": "C8"}),
    "C8, stride 2": ("digits_gcnn_c4", {"name": "off_grid", "group": "C8", "halving": "stride"}),
    "SO(2)": ("digits_gcnn_c4", {"name": "off_grid", "group": "SO2"}),
    "O(2)": ("digits_gcnn_c4", {"name": "off_grid", "group": "O2"}),
    "ViT": ("digits_cnn", {"name": "vision_transformer"}),
}
"""Config file, and what of its model is changed."""


def run_config(name: str, seed: int, **training: object) -> RunConfig:
    """The config of a network with its seed; further arguments replace values of its section ``training``."""
    file, changes = NETWORKS[name]
    values = importlib.import_module(f"configs.{file}").get_config()
    values.seed = seed
    values.training.update(training)
    if changes:
        values.model = {**changes, "match_parameters": values.model.match_parameters}
    return RunConfig.from_config_dict(values)


def described(name: str) -> str:
    """The config file of a network and what is changed in it, for a table."""
    file, changes = NETWORKS[name]
    return f"configs/{file}.py" + "".join(f" model.{k}={v}" for k, v in changes.items())


Measure = Callable[[str, RunConfig, Dataset, nnx.Module], dict[str, list[Row]]]
"""The rows by table of one trained network: ``(name, config, dataset, model)``."""


def study(
    title: str,
    networks: Sequence[str],
    seeds: Iterable[int],
    measure: Measure,
    label: str,
    out: Path,
    dataset: Dataset | None = None,
    **training: object,
) -> None:
    """Trains and measures networks, and writes a CSV file per table; what is there already is only read.

    Args:
      title: of the progress bar.
      networks: names among `NETWORKS`.
      seeds: each network is trained with each.
      measure: gives the rows.
      label: of the file of a run that keeps its rows; other settings of the measurement need another one.
      out: directory of the tables, and of the runs.
      dataset: what is trained on; that of the configs by default.
      **training: replace values of the configs' section ``training``.
    """
    measured = []
    with RunProgress([(name, seed) for seed in seeds for name in networks], title) as bar:
        for name, seed in bar:
            bar.note(f"{name}, seed {seed}")
            config = run_config(name, seed, **training)
            dataset = dataset or config.data.load()
            settings = "".join(f"-{value}" for value in training.values())
            workdir = out / "runs" / f"{file_name(name)}{settings}-seed{seed}"
            found = workdir / f"{label}.json"
            result = train(config, workdir, dataset=dataset)
            if not found.exists():
                found.write_text(json.dumps(measure(name, config, dataset, result.model)))
            measured.append(json.loads(found.read_text()))
    for table in measured[0]:
        write_csv(out / f"{table}.csv", [row for tables in measured for row in tables[table]])


def summary_row(about: Row, name: str, config: RunConfig, dataset: Dataset, model: nnx.Module, images: int) -> Row:
    """What a table says of one trained network: config, length of training, parameters, test accuracy, circumstances.

    Args:
      about: the columns that name the run.
      name: among `NETWORKS`.
      config: of the run.
      dataset: of the run.
      model: trained.
      images: how many were measured.
    """
    task = config.task.for_dataset(dataset)
    return {
        **about,
        "config": described(name),
        "epochs": config.training.epochs or 0,
        "parameters": count_parameters(model),
        "accuracy": Metrics()(predictor(model), dataset.test, task)["accuracy"],
        "images": images,
        **circumstances(),
    }


def file_name(name: str) -> str:
    """The name of a network in file names.

    >>> file_name("CNN + augmentation"), file_name("SO(2)"), file_name("C8, stride 2")
    ('cnn_augmentation', 'so2', 'c8_stride_2')
    """
    for old, new in ((" + ", "_"), (", ", "_"), (" ", "_"), ("(", ""), (")", "")):
        name = name.replace(old, new)
    return name.lower()


def layer_name(layer: Layer) -> str:
    """What a layer is, in a word or two, for the axis of a figure.

    >>> from geomdl.layers import BlurPool, Conv
    >>> image = FieldType("C1", "1 trivial")
    >>> layer_name(Conv(image, image, 5, stride=2, rngs=nnx.Rngs(0))), layer_name(BlurPool(image, 4))
    ('conv 5 ↓2', 'blur ↓2')
    """
    window = getattr(layer, "window", None)
    down = f" ↓{window.stride}" if window is not None and window.stride > 1 else ""
    match layer:
        case Conv():
            return f"conv {layer.window.size}{down}"
        case Pool():
            return f"{layer.reduce} pool{down}"
        case Pointwise() | FourierPointwise():
            return layer.activation
        case Residual(body=Sequential(layers=inner)):
            return "attention" if any(isinstance(part, SelfAttention) for part in inner) else "dense layers"
        case _:
            return _NAMES.get(type(layer), type(layer).__name__.lower()) + down


_NAMES: dict[type[Layer], str] = {
    BatchNorm: "norm",
    LayerNorm: "norm",
    InstanceNorm: "normalise",
    BlurPool: "blur",
    GlobalPool: "mean",
    GroupPool: "max over group",
    PositionEmbedding: "positions",
}
