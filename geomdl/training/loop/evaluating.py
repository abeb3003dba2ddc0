"""Evaluating the model of a run on the validation images."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from geomdl.data import Split
from geomdl.errors import invalid
from geomdl.evaluators import Evaluator, Predict, evaluator_named, with_batch_size, with_irreps
from geomdl.tasks import Task
from geomdl.training.configuration.config import TrainingConfig
from geomdl.training.distributed.processes import agreed
from geomdl.training.loop.parts import Parts
from geomdl.training.step.state import TrainState
from geomdl.training.step.step import make_apply


@dataclass(frozen=True)
class Evaluation:
    """Measures a model on the validation images.

    Args:
      apply: the compiled model, of parameters, other variables and images.
      evaluators: what is measured.
      validation: the images.
      task: what is learnt.
      options: with the monitored metric.
    """

    apply: Callable[..., Any]
    evaluators: Sequence[Evaluator]
    validation: Split
    task: Task
    options: TrainingConfig

    @classmethod
    def of(cls, parts: Parts, structure: Any) -> "Evaluation":
        """The evaluation that a config asks for."""
        options, shape = parts.config.training, parts.dataset.image_shape
        irreps = parts.config.irreps_of_features
        return cls(
            make_apply(structure, options.compute, parts.strategy),
            [
                with_irreps(with_batch_size(evaluator_named(name, shape), options.eval_batch_size), irreps)
                for name in options.evaluators
            ],
            parts.dataset.validation,
            parts.task,
            options,
        )

    def predictor(self, state: TrainState) -> Predict:
        """The model as a function of images, with the parameters that are evaluated."""
        return functools.partial(self.apply, *state.deployed)

    def __call__(self, predict: Predict) -> dict[str, float]:
        """What every evaluator measures; the processes of a run agree on it."""
        metrics: dict[str, float] = {}
        for evaluator in self.evaluators:
            metrics |= agreed(evaluator(predict, self.validation, self.task))
        return metrics

    def not_finite(self, metrics: dict[str, float]) -> str | None:
        """Names the loss, or the monitored metric, with its value where that is not finite.

        Raises:
          ValueError: when the monitored metric is one of a class that is not among the validation images.
        """
        for name in dict.fromkeys(("loss", self.options.monitored(self.task))):
            if name not in metrics:
                allowed = "a metric that the validation images have: a class that none of their pixels has gives none"
                raise invalid("training.monitor", name, allowed, self.task.headline)
            if not math.isfinite(metrics[name]):
                return f"the validation {name} is {metrics[name]}"
        return None

    def score(self, metrics: dict[str, float]) -> float:
        """The monitored metric; greater is better."""
        return self.options.score(metrics, self.task)
