"""Many short trainings of one network: compiled once, then fitted to other images, with other seeds, again and again.

`geomdl.training.train` keeps a work directory, resumes and evaluates, which takes longer than the few hundred steps of
studies that vary the number of images; here a run that is interrupted is simply made again.
"""

import functools
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.data import Augmentation, unit_interval
from geomdl.models import ImageShape, ModelConfig
from geomdl.tasks import Classification
from geomdl.training import Adam, Cosine, initial_state, make_train_step, merge_model, split_model

Predict = Callable[[np.ndarray], np.ndarray]
"""``images [n, height, width, channels] -> scores [n, classes]``, any number of images."""


class Fitter:
    """Fits networks of one config to images, all of them with one compiled step.

    Adam, the learning rate rising for a tenth of the steps and falling to 0 along a cosine.

    Args:
      config: of the network.
      image_shape: (height, width, channels).
      classes: their number.
      steps: of every training.
      batch: images of a step; each epoch goes through all images in an order of its own, and a step may take images of
        two epochs (or the same image twice, where there are fewer images than a batch has).
      rate: the largest learning rate.
      augment: of the training images.
    """

    def __init__(
        self,
        config: ModelConfig,
        image_shape: ImageShape,
        classes: int,
        *,
        steps: int,
        batch: int = 32,
        rate: float = 0.01,
        augment: Augmentation = Augmentation(),  # noqa: B008  (frozen)
    ):
        self.steps, self.batch = steps, batch
        self._build = functools.partial(config.build, image_shape, classes)
        self._task = Classification(num_classes=classes)
        schedule = Cosine(warmup_steps=steps // 10).build(rate, steps)
        self._optimizer = Adam(learning_rate=rate, clip_norm=1.0).build(schedule)
        self._structure, params, _ = split_model(self._build(rngs=nnx.Rngs(0)))
        self.parameters = sum(x.size for x in jax.tree.leaves(params))
        self._step = make_train_step(
            self._structure, task=self._task, optimizer=self._optimizer, select=lambda b, _: b, augment=augment
        )
        self._apply = jax.jit(lambda params, rest, x: merge_model(self._structure, params, rest)(x))

    def fit(self, images: np.ndarray, labels: np.ndarray, seed: int, steps: int | None = None) -> Predict:
        """Trains a network with the weights, order of images and augmentation of a seed, and returns it.

        Args:
          images: ``[n, height, width, channels]``, integers 0 to 255 or in [0, 1].
          labels: ``[n]``.
          seed: of everything that is random.
          steps: stop after so many, at the rate that is reached then; None: all of them.
        """
        _, params, rest = split_model(self._build(rngs=nnx.Rngs(seed)))
        state = initial_state(params, rest, self._optimizer, self._task)
        key, light = jax.random.key(seed), np.asarray(unit_interval(images), np.float32)
        for chosen in batches(len(labels), self.batch, self.steps if steps is None else steps, seed):
            state = self._step(state, {"image": light[chosen], "label": labels[chosen]}, key)
        return functools.partial(self._scores, state.params, state.rest)

    def _scores(self, params: object, rest: object, images: np.ndarray, most: int = 250) -> np.ndarray:
        """Scores of images, in parts of one size, so that one compiled program serves all."""
        found = []
        for start in range(0, len(images), most):
            part = np.asarray(unit_interval(images[start : start + most]), np.float32)
            full = np.concatenate([part, np.zeros((most - len(part), *part.shape[1:]), np.float32)])
            found.append(np.asarray(self._apply(params, rest, jnp.asarray(full)))[: len(part)])
        return np.concatenate(found)


def batches(count: int, batch: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """The images of each step: one epoch after another, each in an order of its own.

    >>> taken = np.concatenate(list(batches(10, 4, 5, seed=0)))
    >>> np.bincount(taken).tolist()
    [2, 2, 2, 2, 2, 2, 2, 2, 2, 2]
    """
    random = np.random.default_rng([seed, 1])
    epochs = -(-batch * steps // count)
    order = np.concatenate([random.permutation(count) for _ in range(epochs)])
    for step in range(steps):
        yield order[step * batch : (step + 1) * batch]
