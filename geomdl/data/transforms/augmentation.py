"""Random changes of training images, inside the jitted step: transformations, colours, squares cut out, mixtures."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from geomdl.actions.warp import PLANE_AXES
from geomdl.arrays import as_array, as_floating
from geomdl.data.checks import number
from geomdl.data.class_indices import class_indices
from geomdl.data.preprocessing import Preprocessing
from geomdl.data.targets.kinds import ClassTarget, LabelsTarget, MapTarget, TargetKind
from geomdl.data.transforms.clouds import augmented_clouds
from geomdl.data.transforms.drawn import transformations
from geomdl.data.transforms.mixing import mixed
from geomdl.data.transforms.mosaic import mosaics, require_boxes
from geomdl.data.transforms.photometric import Levels
from geomdl.data.transforms.randaugment import MOST
from geomdl.errors import invalid, misshapen
from geomdl.groups import VOLUME, group
from geomdl.numbers import check_numbers, whole_number
from geomdl.random_keys import as_key


@dataclass(frozen=True)
class Augmentation:
    """One random transformation per image: x ↦ shift(turn(flip(x(A⁻¹ p)))), with A = s R(θ).

    A pure function of (images, key), so it is jitted with the training step; on a device that holds a part of the batch
    (:mod:`geomdl.layers.core.data_axis`), the transformations are those the images get in the whole batch. Options at
    their defaults do nothing, and cost nothing. Quarter turns, flips and shifts are exact (pixels are moved, never
    mixed); rotation and scale resample once, by cubic B-splines (:func:`geomdl.actions.warp.warp`). What enters the
    frame is 0.

    Volumes are rotated, scaled, flipped and shifted in space, and moved by the elements of a group; the other options
    are for images. `rotation` draws from all rotations of space up to an angle, uniformly, and resamples linearly along
    each axis; with ``rotation=180`` and ``flip=True`` all of O(3) is drawn from. Voxels count as cubes.

    Point clouds (`geomdl.points.pack_clouds`) are rotated, scaled and mirrored about their centre of mass, exactly, and
    moved by the elements of any finite group of space; `jitter` and `drop_points` are for them alone.

    The order is: mosaic, element of a group, crop, rotation and scale, the maps of RandAugment, flip, quarter turns,
    shift, the colours of RandAugment, jitter, lighting, cutout; images are mixed at the end. Label maps, boxes and
    coordinates follow what moves; colours, which move nothing, leave all targets as they are. Colours are changed in
    light, which is in [0, 1] (images that are normalised are so again afterwards, see `for_images`), and are not cut
    off there.

    Padding by 4 pixels and cropping at random, as papers on CIFAR do, is ``shift=4``. Windows of larger images, as
    papers on ImageNet cut them, are those of a data set with a margin (`geomdl.data.with_margin`, ``data.margin``).

    Attributes:
      rotation: θ uniform in ± this many degrees; 180 for all rotations. Of volumes the rotation is uniform among those
        by at most this angle, about any axis.
      quarter_turns: also turn by 0, 90, 180 or 270°, equally often.
      shift: also shift by whole pixels, uniform in ± this many, in each direction.
      flip: also flip left and right, half of the time.
      group: also move by an element of this group, ``"D4"`` for images, ``"O"`` or ``"Oh"`` for volumes, of those that
        map the grid to itself, all equally often. Empty for none.
      rotation_axis: of volumes: ``"x"``, ``"y"`` or ``"z"`` for rotations about this axis alone, by θ uniform in ± the
        degrees of ``rotation``. Empty for all axes.
      scale: s log-uniform in [1/(1 + scale), 1 + scale].
      cutout: set a square of this many pixels a side to 0, its centre uniform over the pixels; the part that sticks out
        of the image is lost. Of an even side the centre is the first pixel below and to the right of the middle.
      crop_area: cut out a rectangle whose share of the area of the image is uniform between these two, and stretch it
        to the frame by bilinear interpolation (`geomdl.actions.CropResize`): (0.08, 1) for ImageNet. (1, 1): no crop.
      crop_aspect: width over height of the rectangle, log-uniform between these two. Of ten draws the first that fits
        into the image is taken; if none does, the largest central rectangle of an aspect between the two.
      brightness: b: light times a factor uniform in [1 − b, 1 + b], and at least 0.
      contrast: likewise, of the difference from the mean grey of the image.
      saturation: likewise, of the difference of each pixel from its grey. RGB.
      hue: the hue is turned by up to ± this much of a whole turn, at most 1/2. RGB.
      lighting: σ: Σ_j α_j c_j is added to every pixel, α_j ∼ N(0, σ²), c_j principal components of the colours, each
        times its standard deviation. 0.1 for ImageNet.
      lighting_components: c, one row of numbers for each, such as `geomdl.data.lighting_components` of the training
        images; empty: those of ImageNet, for RGB.
      randaugment: so many operations of RandAugment for each image; see `geomdl.data.transforms.randaugment`.
      randaugment_magnitude: of all of them, 0 to 30.
      mixup: α: pairs of images are averaged with the weights λ and 1 − λ, λ ∼ Beta(α, α), and so are their labels.
      cutmix: α: a rectangle of another image, of the share 1 − λ, takes the place of that of an image, and its label
        counts by its share. Mixup and CutMix each take half of the images where both are asked for. For classification.
      mosaic: the share of images that become mosaics of four images of the batch, with the boxes of all of them; see
        `geomdl.data.transforms.mosaic.mosaics`. For boxes.
      jitter: σ: N(0, σ²) is added to each coordinate of each point, in the unit of the coordinates. Of point clouds.
      drop_points: each point is left out with this probability; one is kept. Of point clouds.
      irreps: of the features of points, which turn with these, ``"2x0e + 1x1o"`` for two scalars and a vector; empty:
        as ``model.irreps_in`` says, where the model has that, else all are scalars.

    Raises:
      ValueError: an option is out of range, or a group is unknown or not finite.

    References:
      DeVries & Taylor, Improved regularization of convolutional neural networks with Cutout, 2017.
      Szegedy et al., Going deeper with convolutions, CVPR 2015, section 6 (crops).
      Krizhevsky, Sutskever & Hinton, ImageNet classification with deep CNNs, NeurIPS 2012, section 4.1 (lighting).
      Zhang et al., mixup, ICLR 2018; Yun et al., CutMix, ICCV 2019; Cubuk et al., RandAugment, 2020.
      Bochkovskiy, Wang & Liao, YOLOv4, 2020 (mosaic).

    >>> images = jnp.arange(32.0).reshape(2, 4, 4, 1)
    >>> moved = Augmentation(quarter_turns=True, flip=True)(images, jax.random.key(0))
    >>> bool((jnp.sort(moved.reshape(2, 16)) == images.reshape(2, 16)).all())
    True
    """

    rotation: float = 0.0
    quarter_turns: bool = False
    shift: int = 0
    flip: bool = False
    group: str = ""
    rotation_axis: Literal["", "x", "y", "z"] = ""
    scale: float = 0.0
    cutout: int = 0
    crop_area: tuple[float, float] = (1.0, 1.0)
    crop_aspect: tuple[float, float] = (3 / 4, 4 / 3)
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    lighting: float = 0.0
    lighting_components: tuple[tuple[float, ...], ...] = ()
    randaugment: int = 0
    randaugment_magnitude: float = 9.0
    mixup: float = 0.0
    cutmix: float = 0.0
    mosaic: float = 0.0
    jitter: float = 0.0
    drop_points: float = 0.0
    irreps: str = ""
    levels: Levels = dataclasses.field(default=Levels(), init=False, repr=False)
    margin: int = dataclasses.field(default=0, init=False, repr=False)

    def __post_init__(self):
        check_numbers(self, "augmentation", several=True)
        for key in ("brightness", "contrast", "saturation", "hue", "lighting", "mixup", "cutmix", "jitter"):
            number(f"augmentation.{key}", getattr(self, key))
        number("augmentation.drop_points", self.drop_points, below=1.0)
        number("augmentation.mosaic", self.mosaic)
        if self.mosaic > 1:
            raise invalid("augmentation.mosaic", self.mosaic, "a share of the images in [0, 1]", 1.0)
        if self.hue > 0.5:
            raise invalid("augmentation.hue", self.hue, "a share of a whole turn in [0, 0.5]", 0.5)
        number("augmentation.randaugment_magnitude", self.randaugment_magnitude)
        if self.randaugment_magnitude > MOST:
            raise invalid("augmentation.randaugment_magnitude", self.randaugment_magnitude, "a number in [0, 30]", MOST)
        whole_number("augmentation.randaugment", self.randaugment, least=0)
        _require_range("crop_area", self.crop_area, most=1.0)
        _require_range("crop_aspect", self.crop_aspect)
        if len({len(row) for row in self.lighting_components}) > 1:
            raise invalid("augmentation.lighting_components", self.lighting_components, "rows of one length")
        number("augmentation.rotation", self.rotation)
        if self.rotation > 180:
            raise invalid("augmentation.rotation", self.rotation, "degrees in [0, 180]", 180)
        if self.rotation_axis not in ("", "x", "y", "z"):
            raise invalid("augmentation.rotation_axis", self.rotation_axis, "x, y or z, or empty for all axes", "z")
        if self.rotation_axis and not self.rotation:
            allowed = (
                f"'' without augmentation.rotation, or degrees: rotation=180 for all turns about {self.rotation_axis}"
            )
            raise invalid("augmentation.rotation_axis", self.rotation_axis, allowed, "")
        whole_number("augmentation.shift", self.shift, least=0)
        whole_number("augmentation.cutout", self.cutout, least=0)
        number("augmentation.scale", self.scale)
        for key in ("quarter_turns", "flip"):
            if not isinstance(getattr(self, key), bool):
                raise invalid(f"augmentation.{key}", getattr(self, key), "true or false")
        if self.group:
            _require_finite(self.group)

    @property
    def is_identity(self) -> bool:
        """Whether nothing is done."""
        unchanged = (
            getattr(self, f.name) == f.default for f in dataclasses.fields(self) if f.init and f.name != "irreps"
        )
        return all(unchanged) and not self.margin

    @property
    def mixes(self) -> bool:
        """Whether images are mixed, so that labels become probabilities."""
        return bool(self.mixup or self.cutmix)

    def require_kinds(self, kinds: Mapping[str, TargetKind]) -> None:
        """Raises a ValueError for an option that such targets cannot follow.

        Args:
          kinds: of all targets.
        """
        if self.mosaic:
            require_boxes(self.mosaic, kinds)

    def for_features(self, irreps: str) -> "Augmentation":
        """The same for clouds whose features have irreps, where `irreps` does not say already what they are.

        Args:
          irreps: as ``model.irreps_in`` says; empty where it is not known.
        """
        return dataclasses.replace(self, irreps=irreps) if irreps and not self.irreps else self

    def for_images(self, preprocessing: Preprocessing | None, margin: int = 0) -> "Augmentation":
        """The same for images that have been normalised, and for such with a margin.

        Colours change as in the light that was before. Of images with a margin windows are cut that are smaller by it
        on each side, at random places by whole pixels; with `crop_area`, a rectangle of the whole image is stretched to
        the size of the window.

        Args:
          preprocessing: what has been done to the images; None: nothing, they are in [0, 1].
          margin: pixels, such as `geomdl.data.Split.margin`.

        >>> images = jnp.arange(36.0).reshape(1, 6, 6, 1)
        >>> window = Augmentation().for_images(None, margin=1)(images, jax.random.key(0))
        >>> window.shape, bool(jnp.isin(window, images).all())
        ((1, 4, 4, 1), True)
        """
        normalised = preprocessing is not None and bool(preprocessing.mean or preprocessing.std)
        if not normalised and not margin:
            return self
        made = dataclasses.replace(self)
        if preprocessing is not None:
            object.__setattr__(made, "levels", Levels(preprocessing.mean, preprocessing.std))
        object.__setattr__(made, "margin", whole_number("margin", margin, least=0))
        return made

    def mixed(self, batch: Mapping[str, jax.Array], kind: TargetKind, key: jax.Array) -> dict[str, jax.Array]:
        """Mixes the images of a batch, see `geomdl.data.transforms.mixing`; without mixup and CutMix it stays.

        Args:
          batch: ``image`` ``[batch, height, width, channels]`` (of a device: its part), and the ``label`` of all.
          kind: of the labels.
          key: a JAX random key.

        Returns:
          The batch with ``label`` of the larger part and ``label_probabilities`` ``[batch, classes]``.

        Raises:
          ValueError: labels that are no classes and no indicators of classes, such as label maps.
        """
        if not self.mixes:
            return dict(batch)
        if not isinstance(kind, ClassTarget | LabelsTarget):
            which = "mixup" if self.mixup else "cutmix"
            raise invalid(f"augmentation.{which}", getattr(self, which), f"0 where labels are {kind.description}", 0)
        images = jnp.asarray(as_floating(batch["image"], "images to mix"))
        found = {**batch, "image": images}
        return mixed(found, kind, jax.random.fold_in(key, 8), mixup=self.mixup, cutmix=self.cutmix)

    def __call__(self, images: ArrayLike, key: jax.Array | int) -> jax.Array:
        """Moves, cuts and colours each image by its own draw; mixing, which needs labels, is `mixed`.

        Args:
          images: ``[batch, height, width, channels]``, or volumes ``[batch, depth, height, width, channels]``; floating
            point; any type of numbers where pixels are only moved.
          key: a JAX random key, or a seed; the same key gives the same transformations and the same squares.

        Returns:
          Images of the same dtype and shape, without the margin of `for_images`.

        Raises:
          ValueError: quarter turns of images that are not square; rotation and scale of whole numbers, which would have
            to be rounded (`geomdl.data.unit_interval` first); images of another number of axes.
        """
        return self.batch({"image": jnp.asarray(as_array(images, "images"))}, {}, as_key(key))["image"]

    def pair(self, images: ArrayLike, maps: ArrayLike, key: jax.Array | int) -> tuple[jax.Array, jax.Array]:
        """Moves images and their label maps by the same draws, the images exactly as without label maps.

        Quarter turns, flips and shifts move every label with its pixel; under rotation and scale a pixel gets the label
        of the nearest one (:func:`geomdl.actions.labels.warp_labels`). What enters the frame, and what is cut out, is
        labelled −1: there is nothing to see, so no loss counts it.

        Args:
          images: ``[batch, height, width, channels]``, or volumes; floating point.
          maps: ``[batch, height, width]``, integers of any type, or bool; of volumes ``[batch, depth, height, width]``.
          key: a JAX random key, or a seed.

        Returns:
          Images of the same shape and dtype, and maps of the same shape, int32.

        Raises:
          ValueError: maps of another size than the images, or quarter turns of images that are not square.

        >>> images = jnp.arange(32.0).reshape(2, 4, 4, 1)
        >>> moved, maps = Augmentation(quarter_turns=True, flip=True).pair(
        ...     images, images[..., 0].astype(jnp.int32), jax.random.key(0)
        ... )
        >>> bool((moved[..., 0].astype(jnp.int32) == maps).all())
        True
        """
        images, maps = jnp.asarray(as_array(images, "images")), class_indices(maps, None, "label map")
        if maps.shape != images.shape[:-1]:
            raise invalid("shape of the label maps", maps.shape, f"that of the images, {images.shape[:-1]}")
        moved = self.batch({"image": images, "label": maps}, {"label": _MAPS}, as_key(key))
        return moved["image"], moved["label"]

    def batch(
        self, batch: Mapping[str, jax.Array], kinds: Mapping[str, TargetKind], key: jax.Array
    ) -> dict[str, jax.Array]:
        """Moves images and each of their targets as its kind says, by the same draws.

        Args:
          batch: ``image`` ``[batch, height, width, channels]``, floating point, and targets by their names.
          kinds: of the targets that are to move; whatever else is in the batch stays as it is.
          key: a JAX random key, or a seed.

        Returns:
          The batch, of the same shapes and dtypes.

        Raises:
          ValueError: quarter turns of images that are not square, or a transformation that a target cannot follow.
        """
        moved = dict(batch)
        if moved["image"].ndim == VOLUME.dimension + 2:
            self._require_volumes()
        elif moved["image"].ndim == 3 and (self.is_identity or moved["image"].shape[-1] > 3):  # clouds, not an image
            return augmented_clouds(self, moved, kinds, key)
        elif moved["image"].ndim != 4:
            raise misshapen("images", moved["image"].shape, PLANE_AXES)
        else:
            self._require_images()
        if self.rotation or self.scale:
            moved["image"] = jnp.asarray(as_floating(moved["image"], "images to rotate or scale"))
        elif self.crops or self.randaugment or self.colours or self.lighting:
            moved["image"] = jnp.asarray(as_floating(moved["image"], "images to crop or colour"))
        if self.mosaic:
            moved = mosaics(moved, kinds, jax.random.fold_in(key, 10), share=self.mosaic)
        for transformation in transformations(self, moved["image"].shape, key):
            size = tuple(moved["image"].shape[1:-1])
            for name, kind in kinds.items():
                moved[name] = kind.moved(moved[name], transformation, size)
            moved["image"] = transformation.images(moved["image"])
        return moved

    @property
    def crops(self) -> bool:
        """Whether rectangles are cut out and stretched."""
        return self.crop_area != (1.0, 1.0)

    @property
    def colours(self) -> dict[str, float]:
        """Of brightness, contrast, saturation and hue what is not 0."""
        values = {name: getattr(self, name) for name in ("brightness", "contrast", "saturation", "hue")}
        return {name: value for name, value in values.items() if value}

    def _require_images(self) -> None:
        """Raises a ValueError for an option that only volumes or clouds have."""
        if self.rotation_axis:
            raise invalid("augmentation.rotation_axis", self.rotation_axis, "'' for images; axes are of volumes", "")
        for name in ("jitter", "drop_points"):
            if getattr(self, name):
                raise invalid(f"augmentation.{name}", getattr(self, name), "0 for images; it is of point clouds", 0)

    def _require_volumes(self) -> None:
        """Raises a ValueError for an option that volumes do not have."""
        for f in dataclasses.fields(self):
            if f.init and f.name not in _OF_VOLUMES and getattr(self, f.name) != f.default:
                allowed = f"its default for volumes, which have augmentation.{', '.join(_OF_VOLUMES)}"
                if f.name == "quarter_turns":
                    allowed = "false for volumes; augmentation.group='C4z' turns them about z, 'O' about all axes"
                raise invalid(f"augmentation.{f.name}", getattr(self, f.name), allowed, f.default)


_OF_VOLUMES = ("rotation", "rotation_axis", "scale", "flip", "shift", "group")
"""The options that volumes have."""


def _require_range(key: str, value: tuple[float, float], most: float | None = None) -> None:
    """Raises ValueError unless a value is a least and a greatest positive number."""
    bound = "positive numbers" if most is None else f"numbers in (0, {most:g}]"
    if not 0 < value[0] <= value[1] < float("inf") or (most is not None and value[1] > most):
        raise invalid(
            f"augmentation.{key}", value, f"a least and a greatest of {bound}", "(0.08, 1.0)" if most else None
        )


def _require_finite(name: str) -> None:
    """Raises ValueError for a group of which no element can be drawn from a list, with the option that draws it."""
    others = {
        "SO2": "rotation=180",
        "O2": "rotation=180, flip=true",
        "SO3": "rotation=180",
        "O3": "rotation=180, flip=true",
    }
    found = group(name)
    if not found.is_finite and str(found) in others:
        allowed = f"a finite group; all elements of {found} are drawn by augmentation.{others[str(found)]}"
        raise invalid("augmentation.group", name, allowed)
    found.require_finite("augmentation.group")


_MAPS = MapTarget(2**31 - 1)  # a map's classes do not matter for how it moves
