"""What a config stands for, given its data set: a model, a task, an optimiser."""

from dataclasses import dataclass
from typing import Any

import optax
from flax import nnx

from geomdl.data import Dataset
from geomdl.errors import invalid
from geomdl.layers.convolution.algorithms.registry import AUTO
from geomdl.layers.transforms.with_method import convolutions, read_methods, with_method
from geomdl.tasks import Task
from geomdl.training.configuration.config import RunConfig
from geomdl.training.distributed.parallel import Strategy
from geomdl.training.loop.standing import Standing
from geomdl.training.step.state import initial_state, split_model
from geomdl.training.workdir.history import History


@dataclass(frozen=True)
class Parts:
    """What a config stands for, given its data set."""

    config: RunConfig
    dataset: Dataset
    model: nnx.Module
    task: Task
    optimizer: optax.GradientTransformation
    schedule: optax.Schedule
    total_steps: int
    strategy: Strategy

    @classmethod
    def build(
        cls,
        config: RunConfig,
        dataset: Dataset,
        strategy: Strategy = Strategy(),  # noqa: B008
        history: History = History(),  # noqa: B008
    ) -> "Parts":
        """Builds everything; the length of a run depends on its history where that is counted in epochs.

        Raises:
          ValueError: for a config that does not fit the data.
        """
        batch_size, count = config.training.batch_size, len(dataset.train)
        if batch_size > count:
            raise invalid("training.batch_size", batch_size, f"at most the {count} training images", count)
        steps_per_epoch = count // batch_size
        total_steps = history.total_steps(config.training, steps_per_epoch)
        schedule = config.schedule.build(config.optimizer.learning_rate, total_steps)
        task = config.task.for_dataset(dataset)
        config.training.monitored(task)  # raises where it is no metric of the task
        model = build_model(config, dataset)
        if config.training.treatment:
            config.training.treatment.check(split_model(model)[1], total_steps)
        return cls(
            config=config,
            dataset=dataset,
            model=model,
            task=task,
            optimizer=config.optimizer.build(schedule),
            schedule=schedule,
            total_steps=total_steps,
            strategy=strategy,
        )

    def initial(self) -> tuple[Any, Standing]:
        """The static structure of the model, and where a run stands before the first step."""
        structure, params, rest = split_model(self.model)
        average = self.config.training.ema is not None
        state = initial_state(params, rest, self.optimizer, self.task, average=average)
        return structure, Standing(self.strategy.place(state))


def build_model(config: RunConfig, dataset: Dataset) -> Any:
    """Returns the model of a run with its initial weights, and its convolutions computed as the config says."""
    outputs = config.task.for_dataset(dataset).outputs
    model = config.model.build(image_shape=dataset.image_shape, num_classes=outputs, rngs=nnx.Rngs(config.seed))
    named = read_methods(config.training.convolutions)
    everywhere = dict.fromkeys(convolutions(model), AUTO)
    try:
        return with_method(model, named if isinstance(named, str) else everywhere | named)
    except ValueError as error:
        raise ValueError(f"training.convolutions {config.training.convolutions!r}: {error}") from error
