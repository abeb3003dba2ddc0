"""The transformations that `geomdl.data.Augmentation` asks for, drawn for each image of a batch."""

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from geomdl.actions import (
    CropResize,
    Cutout,
    GridElements,
    ImageTransformation,
    LeftRightFlip,
    QuarterTurns,
    Recolour,
    Shift,
    Warp,
    Window,
)
from geomdl.actions.warp import rotation_matrix
from geomdl.data.transforms.photometric import IMAGENET_LIGHTING, jittered, require_rgb
from geomdl.data.transforms.randaugment import Drawn
from geomdl.data.transforms.random_rotations import random_rotations
from geomdl.errors import invalid
from geomdl.groups import PLANE, VOLUME, group
from geomdl.layers.core.data_axis import per_example

if TYPE_CHECKING:
    from geomdl.data.transforms.augmentation import Augmentation

_TRIES = 10
"""Draws of a rectangle, of which the first that fits is taken."""


def transformations(options: "Augmentation", shape: tuple[int, ...], key: jax.Array) -> Iterator[ImageTransformation]:
    """What is done to images, or to volumes, one after the other, each image by its own draw.

    Args:
      options: what is asked for.
      shape: of the images, ``[batch, height, width, channels]``; of a device its part of the batch.
      key: a JAX random key.
    """
    if options.group:
        yield _turned(options, jax.random.fold_in(key, 9), shape)
    if len(shape) == VOLUME.dimension + 2:
        yield from _of_volumes(options, shape[0], key)
        return
    count, height, width, channels = shape
    whole, size = (height, width), (height - 2 * options.margin, width - 2 * options.margin)
    height, width = size
    drawn: Drawn | None = None
    if options.crops:
        yield crop(options, jax.random.fold_in(key, 5), count, whole, size)
    elif options.margin:
        window_key, most = jax.random.fold_in(key, 11), 2 * options.margin + 1
        yield Window(per_example(lambda n: jax.random.randint(window_key, (n, 2), 0, most), count), whole, size)
    warp_key, turn_key, flip_key, shift_key = jax.random.split(key, 4)
    cut_keys = jax.random.split(jax.random.fold_in(key, 4))
    if options.rotation or options.scale:
        draws = per_example(lambda n: jax.random.uniform(warp_key, (2, n), minval=-1.0, maxval=1.0).T, count)
        angle, scale = draws.T
        factor = (1.0 + options.scale) ** scale
        yield Warp(factor[:, None, None] * rotation_matrix(options.rotation * angle))
    if options.randaugment:
        drawn = Drawn.draw(jax.random.fold_in(key, 6), count, options.randaugment)
        matrix, offset = drawn.affine(options.randaugment_magnitude, size)
        yield Warp(matrix, by=offset)
    if options.flip:
        yield LeftRightFlip(per_example(lambda n: jax.random.bernoulli(flip_key, shape=(n,)), count))
    if options.quarter_turns:
        if height != width:
            raise invalid(
                "augmentation.quarter_turns", True, f"false for {height}×{width} images, which are not square"
            )
        yield QuarterTurns(per_example(lambda n: jax.random.randint(turn_key, (n,), 0, 4), count))
    if options.shift:
        reach = options.shift
        yield Shift(per_example(lambda n: jax.random.randint(shift_key, (n, 2), -reach, reach + 1), count))
    colours = _recolour(options, drawn, jax.random.fold_in(key, 7), count, channels)
    if colours is not None:
        yield colours
    if options.cutout:

        def cut_along(key: jax.Array, size: int) -> jax.Array:
            centres = per_example(lambda n: jax.random.randint(key, (n, 1), 0, size), count)
            return _within(centres, size, options.cutout)

        rows, columns = map(cut_along, cut_keys, (height, width))
        yield Cutout(rows[:, :, None] & columns[:, None, :])


def _of_volumes(options: "Augmentation", count: int, key: jax.Array) -> Iterator[ImageTransformation]:
    """Rotation and scale, flip, shift."""
    warp_key, scale_key, flip_key, shift_key = jax.random.split(key, 4)
    if options.rotation or options.scale:
        draws = per_example(lambda n: jax.random.uniform(scale_key, (n,), minval=-1.0, maxval=1.0), count)
        turns = per_example(lambda n: random_rotations(warp_key, n, options.rotation, options.rotation_axis), count)
        yield Warp(((1.0 + options.scale) ** draws)[:, None, None] * turns)
    if options.flip:
        yield LeftRightFlip(per_example(lambda n: jax.random.bernoulli(flip_key, shape=(n,)), count), VOLUME)
    if options.shift:
        reach = options.shift
        yield Shift(per_example(lambda n: jax.random.randint(shift_key, (n, 3), -reach, reach + 1), count))


def _turned(options: "Augmentation", key: jax.Array, shape: tuple[int, ...]) -> GridElements:
    """An element of the group for each image, of those that map the grid to itself."""
    space = VOLUME if len(shape) == VOLUME.dimension + 2 else PLANE
    elements = GridElements(group(options.group), jnp.zeros(1, jnp.int32), space)
    count = elements.count
    which = per_example(lambda n: jax.random.randint(key, (n,), 0, count), shape[0])
    return dataclasses.replace(elements, which=which)


def crop(
    options: "Augmentation", key: jax.Array, count: int, size: tuple[int, int], frame: tuple[int, int] | None = None
) -> CropResize:
    """A rectangle of each image: the first of ten draws that fits, else the largest central one.

    Args:
      options: with ``crop_area`` and ``crop_aspect``.
      key: a JAX random key.
      count: images of this device.
      size: (height, width) of the images.
      frame: (height, width) to which rectangles are stretched; None: the size.
    """
    height, width = size
    draws = per_example(lambda n: jax.random.uniform(key, (n, 2 * _TRIES + 2)), count)
    (least, most), (flattest, widest) = options.crop_area, options.crop_aspect
    area = height * width * (least + (most - least) * draws[:, :_TRIES])
    low, high = jnp.log(flattest), jnp.log(widest)
    aspect = jnp.exp(low + (high - low) * draws[:, _TRIES : 2 * _TRIES])
    sides = jnp.stack([jnp.sqrt(area / aspect), jnp.sqrt(area * aspect)], -1)  # [batch, tries, (height, width)]
    whole = jnp.array([height, width], jnp.float32)
    fits = (sides <= whole).all(-1)
    first = jnp.take_along_axis(sides, jnp.argmax(fits, 1)[:, None, None], 1)[:, 0]
    ratio = min(max(width / height, flattest), widest)
    central = jnp.array([min(height, width / ratio), min(width, height * ratio)], jnp.float32)
    extent = jnp.where(fits.any(1)[:, None], first, central)
    place = jnp.where(fits.any(1)[:, None], draws[:, -2:], 0.5)
    return CropResize(place * (whole - extent), extent, size, frame)


def _recolour(
    options: "Augmentation", drawn: Drawn | None, key: jax.Array, count: int, channels: int
) -> Recolour | None:
    """The colours of RandAugment, jitter and lighting."""
    colours = options.colours
    if drawn is None and not colours and not options.lighting:
        return None
    for name in colours.keys() & {"saturation", "hue"}:
        require_rgb(name, colours[name], channels)
    factors = {}
    for i, (name, most) in enumerate(colours.items()):
        uniform = _between(jax.random.fold_in(key, i), -most, most, count)
        factors[name] = uniform if name == "hue" else jnp.maximum(0, 1 + uniform)
    added = None
    if options.lighting:
        components = options.lighting_components or IMAGENET_LIGHTING
        if len(components[0]) != channels:
            allowed = f"rows of {channels} numbers, such as geomdl.data.lighting_components(training images)"
            raise invalid("augmentation.lighting_components", components, allowed)
        light_key, rows = jax.random.fold_in(key, 4), len(components)
        weights = per_example(lambda n: jax.random.normal(light_key, (n, rows)), count)
        added = options.lighting * jnp.einsum("nj,jc->nc", weights, jnp.asarray(components), precision="highest")

    def in_light(x: jax.Array) -> jax.Array:
        if drawn is not None:
            x = drawn.recoloured(x, options.randaugment_magnitude)
        x = jittered(x, factors)
        return x if added is None else x + added[:, None, None].astype(x.dtype)

    return Recolour(lambda x: options.levels.in_light(in_light, x).astype(x.dtype))


def _between(key: jax.Array, least: float, most: float, count: int) -> jax.Array:
    return per_example(lambda n: jax.random.uniform(key, (n,), minval=least, maxval=most), count)


def _within(centre: jax.Array, size: int, side: int) -> jax.Array:
    """Which of ``size`` pixels lie in an interval of ``side`` pixels about each centre, ``[batch, size]``."""
    offset = jnp.arange(size) - centre + side // 2
    return (offset >= 0) & (offset < side)
