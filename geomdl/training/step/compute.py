"""How the gradients of a step are computed: precision, microbatches, rematerialisation."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array

from geomdl.layers.containers.remat import rematerialised
from geomdl.layers.core.modes import statistics_kept
from geomdl.tasks import Outputs, Task
from geomdl.training.distributed.parallel import Strategy
from geomdl.training.step.packing import NO_PACKING, Packing
from geomdl.training.step.state import Tree, merge_model, split_model

BATCH_NORM = ("adapted", "frozen")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Compute:
    """Computes with a model whose parameters are float32.

    Attributes:
      precision: of the images and of everything between the layers. Parameters, the expansion of kernels, batch
        statistics and the loss are float32 in any case.
      accumulate: microbatches per step. Their gradients are averaged, which is the gradient of the whole batch, as all
        losses are means over images. Microbatch j holds the images j, j + k, j + 2k, … of the batch, however many
        devices there are. Batch norm takes its statistics over a microbatch, and updates its averages at each; dropout
        draws for each.
      remat: computes every block once more for its gradient, in place of keeping what it computed.
      batch_norm: ``"adapted"``: training takes the statistics of the batch, and follows them; ``"frozen"``: it uses
        those that the model has, which stay as they are.

    >>> Compute(precision="bfloat16").dtype.name
    'bfloat16'
    """

    precision: str = "float32"
    accumulate: int = 1
    remat: bool = False
    batch_norm: str = "adapted"

    @property
    def dtype(self) -> jnp.dtype:
        """The dtype of images and activations."""
        return jnp.dtype(self.precision)

    def outputs(self, structure: Any, params: Tree, rest: Tree, images: Array) -> Outputs:
        """The float32 outputs of the network, as it is used after training."""
        return jax.tree.map(_single, merge_model(structure, params, rest)(self._cast(images)))

    def gradients(
        self,
        structure: Any,
        task: Task,
        strategy: Strategy,
        params: Tree,
        rest: Tree,
        batch: dict[str, Array],
        key: Array,
        packing: Packing = NO_PACKING,
    ) -> tuple[Tree, dict[str, Array], Tree]:
        """The gradients of the loss of a whole batch, the totals of the task, and the other variables afterwards.

        In ``batch`` are the images of this device (see `Strategy.split`), and everything else of the whole batch. The
        variables and gradients are packed as ``packing`` says.
        """

        def loss_of(params: Tree, rest: Tree, images: Array, batch: dict[str, Array], key: Array) -> Any:
            model = merge_model(structure, packing.spread(params), packing.spread(rest))
            with rematerialised(self.remat), statistics_kept(self.batch_norm == "frozen"):
                part = model(self._cast(images), train=True, key=key)
            outputs = jax.tree.map(lambda y: strategy.gather(_single(y)), part)
            loss, totals = task.loss(outputs, batch)
            return loss, (totals, outputs, packing.stacked(split_model(model)[2]))

        gradient = jax.grad(loss_of, has_aux=True)
        images = batch["image"]
        labels = {name: value for name, value in batch.items() if name != "image"}
        if self.accumulate == 1:
            gradients, (totals, _, rest) = gradient(params, rest, images, labels, key)
            return strategy.mean(gradients), totals, rest

        def one(
            carry: tuple[Tree, Tree], xs: tuple[Array, dict[str, Array], Array]
        ) -> tuple[tuple[Tree, Tree], Outputs]:
            total, rest = carry
            images, labels, j = xs
            gradients, (_, outputs, rest) = gradient(params, rest, images, labels, jax.random.fold_in(key, j))
            return (jax.tree.map(jnp.add, total, gradients), rest), outputs

        parts = jax.tree.map(self._microbatches, (images, labels))
        zeros = jax.tree.map(jnp.zeros_like, params)
        count = jnp.arange(self.accumulate)
        (total, rest), outputs = jax.lax.scan(one, (zeros, rest), (*parts, count))
        whole = jax.tree.map(lambda y: y.swapaxes(0, 1).reshape(-1, *y.shape[2:]), outputs)
        gradients = jax.tree.map(lambda g: g / self.accumulate, total)
        return strategy.mean(gradients), task.loss(whole, labels)[1], rest

    def _cast(self, images: Array) -> Array:
        return images if self.precision == "float32" else images.astype(self.dtype)

    def _microbatches(self, values: Array) -> Array:
        """``[batch, …]`` to ``[accumulate, batch / accumulate, …]``."""
        return values.reshape(-1, self.accumulate, *values.shape[1:]).swapaxes(0, 1)


def _single(y: Array) -> Array:
    return y.astype(jnp.float32)
