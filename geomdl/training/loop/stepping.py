"""Taking a training step: the images of the step, on the devices, through the compiled step."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
from jaxtyping import Array

from geomdl.data import make_loader
from geomdl.data.loading.loaders import Loader
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.configuration.config import RunConfig
from geomdl.training.loop.input import culprit, fetched
from geomdl.training.loop.parts import Parts
from geomdl.training.step.packing import Packing, packing_of
from geomdl.training.step.state import TrainState
from geomdl.training.step.step import make_train_step


@dataclass(frozen=True)
class Steps:
    """Takes the steps of a run.

    Args:
      loader: of the training images.
      function: the compiled step.
      feed: brings to the devices what the loader fetched.
      key: the random key of the run.
      checkpoints: of the run, for the error when images cannot be read.
      packing: how the state is kept between steps.
    """

    loader: Loader
    function: Callable[[TrainState, Any, Array], TrainState]
    feed: Callable[[Any], Any]
    key: Array
    checkpoints: Checkpoints
    packing: Packing

    @classmethod
    def of(cls, parts: Parts, structure: Any, start: int, checkpoints: Checkpoints) -> "Steps":
        """The steps that a config asks for, from step ``start`` on."""
        config, options, strategy = parts.config, parts.config.training, parts.strategy
        train, augment = parts.dataset.train, parts.config.augmentation
        loader = make_loader(
            train.around or train,
            options.batch_size,
            config.seed,
            start_step=start,
            worker_count=options.workers,
            part=strategy.part,
        )
        function = make_train_step(
            structure,
            task=parts.task,
            optimizer=parts.optimizer,
            select=loader.select,
            augment=augment.for_images(parts.dataset.preprocessing, train.margin).for_features(
                config.irreps_of_features
            ),
            compute=options.compute,
            strategy=strategy,
            ema=options.ema or 0.0,
            skip=options.on_nonfinite == "skip",
            treatment=options.treatment,
        )
        packing = packing_of(parts.model, _labels(config))
        key = strategy.place(jax.random.key(config.seed))
        return cls(loader, function, strategy.feed(), key, checkpoints, packing)

    def take(self, state: TrainState, step: int) -> TrainState:
        """The state after a step, counted from 1; the one before is overwritten.

        Raises:
          InputFailed: when the images cannot be read.
        """
        batch = self.feed(fetched(self.loader, step - 1, self.checkpoints))
        return self.function(self.packing.pack(state), batch, self.key)

    def culprit(self, step: int, directory: Path) -> str:
        """Names the images of a step, and writes all of them down in the work directory."""
        return culprit(self.loader, step, directory)

    def close(self) -> None:
        """Lets go of the images."""
        self.loader.close()


def _labels(config: RunConfig) -> Callable[[Any], Any] | None:
    """What tells parameters apart that are not treated alike; None where the optimiser looks at whole parameters."""
    of_optimizer, treatment = getattr(config.optimizer, "labels", None), config.training.treatment
    if of_optimizer is None:
        return None
    return lambda params: jax.tree.map(lambda label, pace: (label, *pace), of_optimizer(params), treatment.of(params))
