"""A trained network that is given images as they come."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from geomdl.actions import OutputLaw
from geomdl.data import Preprocessing, VolumesConfig
from geomdl.data.sources.space.fitting import VolumeFitting
from geomdl.equivariance import Contract
from geomdl.errors import invalid
from geomdl.evaluators import predictor, sliding_window
from geomdl.groups import PlanarGroup, SpatialGroup
from geomdl.inference.averaging import averaged
from geomdl.inference.batches import in_batches
from geomdl.inference.inputs import Inputs, is_of_pillow
from geomdl.inference.predictions import Predictions
from geomdl.inference.reading import Reading
from geomdl.models import FeatureLayer, feature_function, feature_layer
from geomdl.numbers import whole_number
from geomdl.training import Trained

Network = Callable[[jax.Array], Any]


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A network with what is done to an image before it, and how its outputs are read; see `load`.

    Attributes:
      network: images ``[batch, height, width, channels]``, float32 ↦ outputs, or of a detector the detections, see
        `geomdl.tasks.Detection`; compiled.
      reading: what the outputs are, with the names of the classes.
      preprocessing: what makes of any image what the network takes.
      image_shape: (height, width, channels) of the images that it was trained on, (depth, height, width, channels) of
        volumes, or (points, 4 + features) of point clouds.
      contract: of the network, where it has one.
      law: how the outputs move with the images, where it is known.
      model: the module itself, of a run; a program that was exported has none.
      fitting: the window and the size that volumes are brought to.

    >>> colours = Reading("class", "none", ("red", "green", "blue"))
    >>> brightest = Predictor(lambda x: x.mean((1, 2)), colours, Preprocessing(), (2, 2, 3))
    >>> brightest.predict(np.full((2, 2, 3), [9, 200, 50], np.uint8)).classes
    ('green',)
    """

    network: Network
    reading: Reading
    preprocessing: Preprocessing
    image_shape: tuple[int, ...]
    contract: Contract | None = None
    law: OutputLaw | None = None
    model: Any = None
    fitting: VolumeFitting = dataclasses.field(default_factory=VolumeFitting)

    @classmethod
    def of(cls, trained: Trained) -> "Predictor":
        """That of a model read by `geomdl.training.load_trained`."""
        reading, network = Reading.of(trained.task, trained.classes), predictor(trained.model)
        if reading.kind == "boxes":
            raw, decoded = network, jax.jit(trained.task.predictions)
            network = lambda x: decoded(raw(x))  # noqa: E731
        return cls(
            network,
            reading,
            trained.preprocessing,
            trained.image_shape,
            getattr(trained.model, "contract", None),
            trained.task.law,
            trained.model,
            data.fitting if isinstance(data := trained.config.data, VolumesConfig) else VolumeFitting(),
        )

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.reading.classes

    @functools.cached_property
    def inputs(self) -> Inputs:
        """What it takes: images, point clouds or volumes."""
        return Inputs.of(self.image_shape, self.preprocessing, self.fitting)

    def prepared(self, image: Any, name: str = "the image", *, alone: bool = False) -> np.ndarray:
        """An image, or a batch of images, as the network takes it: float32 ``[..., height, width, channels]``.

        A point cloud as `geomdl.points.pack_clouds` makes it, ``[points, 4 + features]``; a volume
        ``[depth, height, width, channels]``, in the window and of the size of the run.

        Args:
          image: an array, or an image of Pillow.
          name: for errors.
          alone: it is one image, also where its shape may be that of a batch of grey ones.

        Raises:
          ValueError: it cannot be brought to the channels or the size.
        """
        return self.inputs.prepared(image, name, alone=alone)

    def _placed(self, found: dict[str, np.ndarray], image: Any, name: str) -> dict[str, np.ndarray]:
        """The detections of one image without padding, in pixels of the image as it was given."""
        there = found["classes"] >= 0
        boxes, scores, classes = (found[part][there] for part in ("boxes", "scores", "classes"))
        height, width = image.size[::-1] if is_of_pillow(image) else np.shape(image)[:2]
        scale, offset = self.preprocessing.placement((int(height), int(width)))
        if boxes.shape[-1] == 4:
            boxes = (boxes - np.tile(offset, 2)) / np.tile(scale, 2)
        elif np.isclose(scale[0], scale[1], rtol=0.01):
            centres, sizes = (boxes[:, :2] - offset) / scale, boxes[:, 2:4] / scale.mean()
            boxes = np.concatenate([centres, sizes, boxes[:, 4:]], -1)
        else:
            raise invalid(f"{name}: fit", self.preprocessing.fit, "'cover' or 'contain' for oriented boxes", "contain")
        return {"boxes": boxes.astype(np.float32), "scores": scores, "classes": classes.astype(np.int32)}

    def resizing(self, fit: str) -> "Predictor":
        """One that brings every image to the size of the images of training.

        Args:
          fit: how: ``"cover"``, ``"contain"``, ``"stretch"``, ``"crop"`` or ``"pad"``; see `geomdl.data.Preprocessing`.
        """
        self.inputs.require_images("fit", fit)
        size = self.image_shape[:2]
        changed: Any = dataclasses.replace(self.preprocessing, size=size, fit=fit)  # pyright: ignore[reportArgumentType]
        return dataclasses.replace(self, preprocessing=changed)

    def predict(
        self,
        images: Any,
        *,
        batch_size: int | None = None,
        average: str | PlanarGroup | SpatialGroup | None = None,
        window: int | None = None,
        names: Sequence[str] | None = None,
    ) -> Predictions:
        """What the network says about images.

        With ``average`` the outputs are those of the group average of the network f, which has the symmetry exactly
        where the elements g map the grid of pixels or voxels to itself:

          f̄(x) = 1/|G| Σ_g ρ_out(g)⁻¹ f(ρ_in(g) x).

        The boxes of a detector are in pixels of the images as they were given, also where these were resized:
        (box − offset) / scale, with the scale and the offset of `geomdl.data.Preprocessing.placement`.

        Args:
          images: one, ``[height, width]`` or ``[height, width, channels]``; a batch of them with the batch axis first;
            or a list of images, which may be of several sizes. Or files, folders and patterns, as on the command line.
            Of any dtype: uint8 and uint16 stand for value / largest value, floating point is what it says. Of a network
            of point clouds these: ``[points, 3 + features]``, a batch or a list of such, packed ones, or their files
            (``.ply``, ``.xyz``, ``.npy``, ``.npz``); clouds may have other numbers of points than those of training. Of
            a network of volumes ``[depth, height, width]``, with channels behind, a batch or a list of such, or their
            files (``.nii``, ``.nii.gz``, ``.npy``, ``.npz``); label maps have the size of their volumes, also where the
            run cuts and pads these, with the first class outside.
          batch_size: images at once; None: 64, of volumes 4.
          average: a finite group of rotations and reflections, or its name, such as ``"C4"``, of volumes ``"O"``.
          window: computes the label maps of large images in overlapping windows of so many pixels a side, with the
            outputs of the whole image; see `geomdl.evaluators.sliding_window`.
          names: of the images; their numbers by default.

        Raises:
          ValueError: for images that do not fit the network, an infinite group, windows of a network whose outputs
            are no maps, averages of boxes or of outputs of which it is not known how they move, or oriented boxes in
            images that are stretched.
        """
        batch_size = whole_number("batch_size", self.inputs.usual_batch if batch_size is None else batch_size)
        given, names = self.inputs.named(images, names)
        call = self._call(average, window)
        at_once, boxes = 1 if window else batch_size, self.reading.kind == "boxes"
        outputs = in_batches(call, self.inputs, given, names, at_once, boxes=boxes)
        if boxes:
            outputs = [self._placed(y, image, name) for y, image, name in zip(outputs, given, names, strict=True)]
        if self.reading.kind == "map":
            outputs = [self.inputs.restored(y, one) for y, one in zip(outputs, given, strict=True)]
        return Predictions(tuple(outputs), self.reading, names, self.inputs.what)

    def feature_layer(self, layer: str | None = None) -> FeatureLayer:
        """The layer of that name: the shape of what it gives for an image, and how that moves with the image.

        Args:
          layer: as ``geomdl summary`` prints it; None: the penultimate, see `geomdl.models.feature_layer`.

        Raises:
          ValueError: there is no such layer, or this is an exported program, which has no layers.

        >>> load("pretrained:digits_gcnn_d4").feature_layer().is_invariant
        True
        """
        return self._looked_into(layer)[0]

    def features(
        self,
        images: Any,
        layer: str | None = None,
        *,
        batch_size: int = 64,
        pool: bool = False,
        names: Sequence[str] | None = None,
    ) -> np.ndarray:
        """What a layer gives for images: float32 ``[n, channels]``, or maps ``[n, height, width, channels]``.

        For volumes likewise, maps ``[n, depth, height, width, channels]``.

        What lies behind a pooling over the group, as the penultimate layer of a network of invariant classes does, is
        invariant: f(g·x) = f(x), exactly where g maps the pixels of the image to each other. How the values of any
        other layer move is said by `feature_layer`.

        Args:
          images: see `predict`.
          layer: as ``geomdl summary`` prints it; None: the penultimate, which is the input of the last dense layer.
          batch_size: images at once.
          pool: takes the mean over the pixels, or voxels, of maps.
          names: of the images, for errors; their numbers by default.

        Raises:
          ValueError: there is no such layer, this is an exported program, images do not fit the network, or maps of
            several sizes are not pooled.

        >>> digits = load("pretrained:digits_gcnn_d4")
        >>> image = np.random.default_rng(0).random((20, 20), np.float32)
        >>> upright, turned = digits.features([image, np.rot90(image)])
        >>> upright.shape, bool(np.allclose(upright, turned, atol=1e-5))
        ((5,), True)
        """
        whole_number("batch_size", batch_size)
        found, function = self._looked_into(layer)
        given, names = self.inputs.named(images, names)
        call = _pooled(function) if pool and len(found.shape) > 1 else function
        outputs = in_batches(call, self.inputs, given, names, batch_size)
        shapes = {y.shape for y in outputs}
        if len(shapes) > 1:
            shown = ", ".join("×".join(map(str, shape)) for shape in sorted(shapes)[:3])
            raise invalid("images", f"of several sizes, with features of {shown}", "one size, or pool=True")
        return np.stack(outputs)

    @functools.cached_property
    def _layers(self) -> dict[str | None, tuple[FeatureLayer, Network]]:
        """The layers that were asked for, and their functions, so that each is compiled once."""
        return {}

    def _looked_into(self, layer: str | None) -> tuple[FeatureLayer, Network]:
        if self.inputs.what == "cloud":
            allowed = "networks of images or volumes, whose layers give features of these"
            raise invalid("network", "one of point clouds", allowed)
        if self.model is None:
            raise invalid("network", "an exported program", "a work directory of geomdl train, whose layers are there")
        if layer not in self._layers:
            found = feature_layer(self.model, self.image_shape, layer)
            self._layers[layer] = found, feature_function(self.model, found)
        return self._layers[layer]

    def overlay(self, image: Any, labels: np.ndarray) -> np.ndarray:
        """A picture of an image with its label map on top, uint8 ``[height, width, 3]``; see `geomdl.plots`.

        Args:
          image: as it was given to `predict`.
          labels: its label map.
        """
        from geomdl.plots.segmentation import overlay

        self.inputs.require_images("overlays", "pictures")
        pixels = self.preprocessing.pixels(np.asarray(image)).astype(np.float32)
        pixels = pixels if pixels.shape[-1] in (1, 3) else pixels[..., :1]
        low, high = float(pixels.min()), float(pixels.max())
        picture = overlay((pixels - low) / max(high - low, 1e-6), labels)
        return np.round(255 * np.clip(picture, 0, 1)).astype(np.uint8)

    def _call(self, average: str | PlanarGroup | SpatialGroup | None, window: int | None) -> Network:
        network = self.network
        for option, value in (("window", window), ("average", average)):
            if value is not None:
                self._require(option, str(value))
        if window is not None:
            if self.reading.kind != "map" or self.contract is None:
                raise invalid("window", window, "None for this network: windows are for label maps of known contract")
            contract, inner, pixels = self.contract, network, whole_number("window", window)
            network = lambda x: sliding_window(inner, x, contract, window=pixels)  # noqa: E731
        return network if average is None else averaged(network, average, self.law, self.inputs)

    def _require(self, option: str, value: Any) -> None:
        """Raises a ValueError for an option that what the network takes does not have."""
        if option != "average" or self.inputs.what == "cloud":
            self.inputs.require_images(option, value)


def load(path: Path | str, checkpoint: str | int = "best", *, data_path: Path | str | None = None) -> Predictor:
    """A trained network, ready for images as they come: ``geomdl.load("runs/c4").predict(images)``.

    Args:
      path: a work directory of `geomdl train`, a folder of `geomdl export`, or ``"pretrained:NAME"`` of a network
        that geomdl brings along; see `geomdl.pretrained`.
      checkpoint: of a work directory: ``"best"``, ``"latest"`` or a step.
      data_path: where the data of the run lie now; asked for only where a task of one's own looks at them.

    Raises:
      ValueError: there is no such folder, or it is neither.

    >>> load("nowhere")
    Traceback (most recent call last):
    ...
    ValueError: invalid path 'nowhere'; allowed: a work directory of geomdl train, or a folder of geomdl export;
    there is no such folder
    """
    from geomdl.inference.exported import is_exported, load_exported
    from geomdl.paths import run_folder
    from geomdl.training import load_trained

    folder = run_folder(path, "path")
    if is_exported(folder):
        return load_exported(folder)
    if not (folder / "config.json").is_file():
        allowed = "a work directory of geomdl train, or a folder of geomdl export"
        raise invalid("path", str(path), allowed if folder.is_dir() else f"{allowed}; there is no such folder")
    return Predictor.of(load_trained(folder, checkpoint, data_path=data_path))


def _pooled(function: Network) -> Network:
    return lambda images: (y := function(images)).mean(tuple(range(1, y.ndim - 1)))
