"""Checks that all processes of a run have the same config and the same data."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from geomdl.data import Dataset
from geomdl.environment import versions
from geomdl.training.configuration.config import RunConfig
from geomdl.training.distributed.processes import DistributedError, alone, exchange, require_examples, together
from geomdl.training.workdir.workdir import differences


def the_data(config: RunConfig, dataset: Dataset | None = None) -> Dataset:
    """Returns the data set of a run, when all its processes have the same config, versions and data.

    Args:
      config: of this process.
      dataset: what ``config.data.load()`` gives, if it is at hand.

    Raises:
      DistributedError: names what is different, and between which processes.
      ElsewhereError: names the process that could not load it.
    """
    if alone():
        return config.data.load() if dataset is None else dataset
    values = config.to_dict()
    values["data"].pop("data_dir", None)  # each machine may have it elsewhere
    require_same({**values, "versions": versions()}, "config")
    loaded = together(config.data.load) if dataset is None else dataset
    splits = {name: len(getattr(loaded, name)) for name in ("train", "validation", "test")}
    require_same({"provenance": loaded.provenance, "images": splits}, "data")
    require_examples(splits["train"])
    return loaded


def require_same(values: Mapping[str, Any], what: str) -> None:
    """Raises DistributedError, in every process of a run, when something is not the same in all; see `different`.

    Args:
      values: of this process: nested dicts of plain values.
      what: they are, e.g. ``"config"``.
    """
    if alone():
        return
    text = json.dumps(values, sort_keys=True)
    digests = exchange(hashlib.sha256(text.encode()).hexdigest())
    if len(set(digests)) == 1:
        return
    message = different(exchange(json.loads(text)), what)
    if message:
        raise DistributedError(message)


def different(everywhere: list[dict[str, Any]], what: str) -> str | None:
    """Says in which values the first process that differs from process 0 does so.

    >>> different([{"seed": 0}, {"seed": 0}, {"seed": 1}], "config")
    'process 0 and process 2 have different config (seed: 0 and 1); start all of them with the same command'
    """
    for process, values in enumerate(everywhere):
        lines = differences(everywhere[0], values)
        if lines:
            found = "; ".join(line.removesuffix(" here").replace(" there, ", " and ", 1) for line in lines)
            return (
                f"process 0 and process {process} have different {what} ({found}); "
                "start all of them with the same command"
            )
    return None
