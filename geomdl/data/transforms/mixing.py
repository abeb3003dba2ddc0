"""Mixup and CutMix: two images of a batch become one, and their labels probabilities."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from geomdl.data.targets.kinds import LabelsTarget, TargetKind
from geomdl.layers.core.data_axis import of_neighbours, own_part


def mixed(
    batch: Mapping[str, jax.Array], kind: TargetKind, key: jax.Array, *, mixup: float, cutmix: float
) -> dict[str, jax.Array]:
    """Mixes each image with the one before it in the batch (the first with the last), whose order is random.

    λ ∼ Beta(α, α) of each image. Mixup: x' = λ x_a + (1 − λ) x_b. CutMix: in a rectangle with the sides √(1 − λ) times
    those of the image, whose centre is uniform over the pixels, x_b takes the place of x_a, and λ becomes the share of
    pixels that x_a has kept. The probabilities of the labels are λ t_a + (1 − λ) t_b. With both, half of the images are
    mixed in the one way, half in the other.

    Args:
      batch: ``image``: those of this device; ``label``: classes ``[batch]``, or indicators ``[batch, classes]``, of the
        whole batch.
      kind: of the labels, with their number of classes.
      key: a JAX random key.
      mixup: α of mixup; 0: none.
      cutmix: α of CutMix; 0: none.

    Returns:
      The batch with mixed images, ``label`` of the larger part, and ``label_probabilities`` ``[batch, classes]``.
    """
    images, labels = batch["image"], batch["label"]
    count, (height, width) = len(labels), images.shape[1:3]
    share_key, way_key, *place_keys = jax.random.split(key, 4)
    share = jnp.ones(count)
    cuts = jnp.zeros(count, bool)
    if mixup:
        share = _beta(share_key, mixup, count)
    if cutmix:
        cut_share = _beta(jax.random.fold_in(share_key, 1), cutmix, count)
        cuts = jax.random.bernoulli(way_key, shape=(count,)) if mixup else jnp.ones(count, bool)
        share = jnp.where(cuts, cut_share, share)
    partners = of_neighbours(images)
    blend = own_part(share).astype(images.dtype).reshape(-1, 1, 1, 1)
    found = blend * images + (1 - blend) * partners if mixup else images
    if cutmix:
        side = jnp.sqrt(1 - share)
        rows, columns = (_interval(k, n, side) for k, n in zip(place_keys, (height, width), strict=True))
        hidden = rows[:, :, None] & columns[:, None, :]
        share = jnp.where(cuts, 1 - hidden.mean((1, 2), dtype=jnp.float32), share)
        part, chosen = own_part(hidden), own_part(cuts)
        found = jnp.where(chosen[:, None, None, None], jnp.where(part[..., None], partners, images), found)
    others = jnp.roll(labels, 1, axis=0)
    indicators = isinstance(kind, LabelsTarget)
    classes = kind.num_classes  # type: ignore[attr-defined]
    own, other = (t.astype(jnp.float32) if indicators else jax.nn.one_hot(t, classes) for t in (labels, others))
    probabilities = share[:, None] * own + (1 - share[:, None]) * other
    larger = share >= 0.5
    label = jnp.where(larger[:, None] if indicators else larger, labels, others)
    return {**batch, "image": found, "label": label, "label_probabilities": probabilities}


_QUANTILES = 4096
"""Intervals of a table of quantiles, between which a draw of λ is interpolated."""


def _beta(key: jax.Array, alpha: float, count: int) -> jax.Array:
    """Draws of Beta(α, α) by the inverse of its distribution function: one uniform number each.

    `jax.random.beta` draws by rejection, whose loops compile for seconds.
    """
    from scipy.special import betaincinv  # where it is needed: it takes a while to import

    levels = np.linspace(0, 1, _QUANTILES + 1)
    table = jnp.asarray(betaincinv(alpha, alpha, levels), jnp.float32)
    place = _QUANTILES * jax.random.uniform(key, (count,))
    left = jnp.minimum(jnp.floor(place).astype(jnp.int32), _QUANTILES - 1)
    part = place - left.astype(jnp.float32)
    return (1 - part) * table[left] + part * table[left + 1]


def _interval(key: jax.Array, size: int, side: jax.Array) -> jax.Array:
    """Which pixels lie in an interval of ``side`` times all of them, its centre uniform: ``[batch, size]``."""
    centre = jax.random.randint(key, side.shape, 0, size)
    length = jnp.round(side * size).astype(jnp.int32)
    offset = jnp.arange(size) - centre[:, None] + length[:, None] // 2
    return (offset >= 0) & (offset < length[:, None])
