"""Networks whose weights come from elsewhere, as work directories of runs that took no step."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from flax import nnx

from geomdl.data import Dataset, Preprocessing, Split
from geomdl.data.sources.given import GivenData
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.paths import local_path
from geomdl.training.checkpoints.checkpoint import Checkpoints
from geomdl.training.configuration.config import RunConfig
from geomdl.training.step.state import split_model
from geomdl.training.workdir.run_facts import note_begin, note_end
from geomdl.training.workdir.workdir import Workdir, WorkdirError, begun


def save_as_run(
    model: nnx.Module,
    config: RunConfig,
    workdir: Path | str,
    *,
    image_shape: Sequence[int],
    classes: Sequence[str],
    preprocessing: Preprocessing,
    provenance: str,
) -> Path:
    """Writes a classifier to a work directory, as that of a run that took no step, for all that read such directories.

    `load_trained`, `geomdl.load`, ``geomdl predict``, ``audit`` and ``export`` take it as any other; there are no data.

    Args:
      model: that ``config.model`` builds, with other weights.
      config: whose section ``model`` makes the network.
      workdir: new, or empty.
      image_shape: (height, width, channels) of its images.
      classes: the names of its outputs.
      preprocessing: what makes of any image what the network takes.
      provenance: where the weights come from, in words.

    Returns:
      The work directory.

    Raises:
      WorkdirError: there is a run in it already, or it cannot be written.

    >>> import tempfile
    >>> from geomdl.training import load_trained
    >>> config = RunConfig.from_config_dict({"model": {"name": "linear"}, "training": {"steps": 1}})
    >>> model = config.model.build((4, 4, 1), 2, rngs=nnx.Rngs(0))
    >>> folder = save_as_run(
    ...     model, config, tempfile.mkdtemp() + "/drawn", image_shape=(4, 4, 1), classes=("a", "b"),
    ...     preprocessing=Preprocessing(channels=1, size=(4, 4)), provenance="drawn at random",
    ... )
    >>> trained = load_trained(folder)
    >>> trained.step, trained.classes, trained.provenance
    (0, ('a', 'b'), 'drawn at random')
    """
    if len(image_shape) != 3:
        raise invalid("image_shape", image_shape, "(height, width, channels)", (224, 224, 3))
    height, width, channels = (whole_number("image_shape", n) for n in image_shape)
    shape = (height, width, channels)
    nothing = Split(np.zeros((0, *shape), np.float32), np.zeros(0, np.int32))
    dataset = Dataset(
        "imported", nothing, nothing, nothing, shape, len(classes), tuple(classes), provenance,
        preprocessing=preprocessing,
    )  # fmt: skip
    config = dataclasses.replace(config, data=GivenData("imported", "class", shape, (0, 0, 0)))
    _, params, rest = split_model(model)
    if begun(local_path(workdir, "work directory")):
        raise WorkdirError(f"work directory {workdir} has a run already; choose another")
    with Workdir(workdir, config) as held:
        note_begin(held.path, 0, params, dataset)
        checkpoints = Checkpoints(held.checkpoints, writable=True)
        try:
            checkpoints.save(0, {"state": {"params": params, "rest": rest}})
        finally:
            checkpoints.close()
        note_end(held.path, step=0, best_step=0, stopped_early=False)
    return held.path
