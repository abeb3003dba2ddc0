"""A run that begins with the weights of another network: of a run, a file of weights, or one that comes along."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.data import Dataset, Preprocessing
from geomdl.errors import invalid, nearest, shortened
from geomdl.layers import GroupPool, induce
from geomdl.models.weights.mismatch import WeightsMismatch
from geomdl.models.weights.transfer import load_weights
from geomdl.paths import PRETRAINED, is_pretrained, local_path, pretrained_names
from geomdl.random_keys import OneKey
from geomdl.training.checkpoints.weights_file import WEIGHTS
from geomdl.training.configuration.config import RunConfig
from geomdl.training.loop.parts import Parts
from geomdl.training.loop.trained import load_trained
from geomdl.training.step.parameter_names import parameter_name
from geomdl.training.step.state import TrainState, initial_state, merge_model, split_model

_SHOWN = 5

_ROUNDING = 1e-6

_OF_THE_GROUP = ("group", "width", "match_parameters", "equal", "over_group", "dropout")
"""Options of a model that arrays or sentences of their own speak of, or that do not matter."""

Path_ = tuple[Any, ...]
Flat = dict[Path_, Any]


@dataclass(frozen=True)
class Source:
    """A network to begin with.

    Attributes:
      model: with its weights.
      words: what it is, for whoever trains.
      config: of its ``model`` section, where it is known.
      classes: the names of its classes; empty where they are not known.
      preprocessing: what its images went through, where it is known.
    """

    model: Any
    words: str
    config: Any = None
    classes: tuple[str, ...] = ()
    preprocessing: Preprocessing | None = None


def warm(state: TrainState, structure: Any, parts: Parts, tell: Callable[[str], None]) -> TrainState:
    """The state before the first step with the weights of the network that ``model.init_from`` names.

    What depends on the number of classes, the head, begins anew where the classes are others.

    Args:
      state: before the first step.
      structure: of the model.
      parts: of the run.
      tell: is told what was taken over.

    Raises:
      ValueError: when there is no such network, or it is another one than that of the run.
    """
    name = parts.config.init_from
    if not name:
        return state
    model = merge_model(structure, *jax.tree.map(jnp.copy, (state.params, state.rest)))
    for line in begin_with(model, source_of(name, parts.config, parts.dataset), parts.config, parts.dataset):
        tell(line)
    _, params, rest = split_model(model)
    average = state.average is not None
    return parts.strategy.place(initial_state(params, rest, parts.optimizer, parts.task, average=average))


def source_of(name: str, config: RunConfig, dataset: Dataset) -> Source:
    """The network that a value of ``model.init_from`` names.

    Args:
      name: a work directory, a file of weights, or the name of a network that comes along.
      config: of the run that is to begin with it.
      dataset: of that run.

    Raises:
      ValueError: there is none of that name, or it cannot be read.
    """
    if is_pretrained(name) or name in pretrained_names():
        return _of_run(name if is_pretrained(name) else PRETRAINED + name)
    path = local_path(name, "model.init_from")
    if path.is_file():
        return _of_file(path, config, dataset)
    if path.is_dir():
        if not (path / "config.json").is_file():
            hint = "; of an exported network give the work directory that it was made from"
            raise invalid("model.init_from", name, "a work directory: this folder has no config.json" + hint)
        return _of_run(path)
    allowed = "a work directory, a file of weights, or a network that comes along (geomdl list pretrained)"
    close = nearest(name, pretrained_names())
    raise invalid("model.init_from", name, allowed, close)


def _of_run(path: Path | str) -> Source:
    found = load_trained(path)
    words = f"the weights of step {found.step:,} of {path}"
    return Source(found.model, words, found.config.model, found.classes, found.preprocessing)


def _of_file(path: Path, config: RunConfig, dataset: Dataset) -> Source:
    """The network of the run with the weights of a file, and with the number of classes that these have."""
    outputs = config.task.for_dataset(dataset).outputs

    def loaded(count: int) -> Source:
        model: Any = config.model.build(image_shape=dataset.image_shape, num_classes=count, rngs=nnx.Rngs(config.seed))
        found = load_weights(model, path)
        words = f"the weights in {path} ({found.format}, with the names of {found.scheme})"
        names = tuple(dataset.classes) if count == outputs else tuple(map(str, range(count)))
        return Source(model, words, config.model, names)

    try:
        return loaded(outputs)
    except WeightsMismatch as error:
        if error.classes is None:
            raise ValueError(f"model.init_from: {error}") from error
        return loaded(error.classes)
    except ValueError as error:
        hint = "; for a file that geomdl has written, give its folder" if path.name == WEIGHTS else ""
        raise ValueError(f"model.init_from: {error}{hint}") from error


def begin_with(model: nnx.Module, source: Source, config: RunConfig, dataset: Dataset) -> list[str]:
    """Gives a network the weights of another, all but those of a head for other classes.

    Args:
      model: is changed.
      source: where the weights are.
      config: of the run.
      dataset: of the run.

    Returns:
      Sentences about what was taken over.

    Raises:
      ValueError: the networks differ in more than the head; nothing is changed.
    """
    there, here = _variables(source.model), _variables(model)
    head = _head(here, config, dataset)
    other = bool(source.classes) and tuple(source.classes) != tuple(dataset.classes)
    groups = _group_of(source.model), _group_of(model)
    new = head if other else set()
    if groups[0] != groups[1]:
        lines = _to_larger_group(model, source, new, groups)
    else:
        _require_same(there, here, new, source)
        for path in here:
            if path not in new:
                here[path][...] = jnp.asarray(there[path][...], here[path][...].dtype)
        lines = []
    taken = sum(math.prod(here[path].shape) for path in here if path not in new)
    lines.insert(0, f"the network begins with {source.words}: {taken:,} numbers in {len(here) - len(new)} arrays")
    lines += _differences(source, config, dataset)
    if new:
        names = ", ".join(dict.fromkeys(parameter_name(path) for path in sorted(new, key=str)))
        was = _shown(source.classes) if source.classes else "others"
        lines.append(f"the head begins anew ({names}): its classes were {was}, and are {_shown(dataset.classes)}")
    return lines


def _differences(source: Source, config: RunConfig, dataset: Dataset) -> list[str]:
    """What is different, and is not seen in the shapes of arrays: options of the model, and what is done to images."""
    lines = []
    old, new = source.config, config.model
    if type(old) is type(new) and dataclasses.is_dataclass(old):
        names = [field.name for field in dataclasses.fields(old) if field.name not in _OF_THE_GROUP]
        both = {name: (getattr(old, name), getattr(new, name)) for name in names}
        changed = [f"{name} is {a!r} there, {b!r} here" for name, (a, b) in both.items() if a != b]
        if changed:
            lines.append(f"options of the model are others: {'; '.join(changed)}")
    if source.preprocessing is not None:
        here = dataset.preprocessing or Preprocessing(dataset.image_shape[-1])
        was, now = ((part.mean, part.std) for part in (source.preprocessing, here))
        if was != now:
            lines.append(
                f"images are normalised in another way (data.normalize): {_normalised(*was)} there, "
                f"{_normalised(*now)} here"
            )
    return lines


def _normalised(mean: Sequence[float], std: Sequence[float]) -> str:
    """Mean and standard deviation in words."""
    return f"mean {tuple(mean)}, std {tuple(std)}" if mean or std else "not"


def _to_larger_group(model: nnx.Module, source: Source, new: set[Path_], groups: tuple[Any, Any]) -> list[str]:
    """Gives a twin the weights of a network of a smaller group; sentences about what that means."""
    names = {parameter_name(path).rpartition(".")[0] for path in new}
    try:
        lost = induce(source.model, model, without=names)
    except ValueError as error:
        raise ValueError(
            f"model.init_from: {source.words} are of the group {groups[0]}, and do not fit one of {groups[1]}: {error}"
        ) from error
    lines = [f"it is the average of that network, of the group {groups[0]}, over {groups[1]}"]
    if any(isinstance(part, GroupPool) and part.reduce == "max" for _, part in nnx.iter_modules(model)):
        lines = [
            f"it computes what that network, of the group {groups[0]}, does on images moved by {groups[1]}, and takes "
            "the maximum over the group; with the mean (model.over_group, in the zoo) it would be its average"
        ]
    away = [part for part in lost if part.lost > _ROUNDING]
    if away:
        worst = sorted(away, key=lambda part: -part.lost)[:_SHOWN]
        shares = ", ".join(f"{part.layer} {part.lost:.0%}" for part in worst)
        lines.append(
            f"projected away, as kernels of {groups[1]} cannot have it: {shares} of the squared norm"
            + (f", and less of {len(away) - len(worst)} more" if len(away) > len(worst) else "")
        )
    return lines


def _group_of(model: nnx.Module) -> Any:
    """The group of the fields of a network; None of one that has none."""
    return getattr(getattr(model, "in_type", None), "group", None)


def _shown(classes: Sequence[str]) -> str:
    """A few names of classes."""
    names = ", ".join(classes[:3])
    return f"{len(classes)} ({names}{', …' if len(classes) > 3 else ''})"


def _variables(model: nnx.Module) -> dict[Path_, nnx.Variable]:
    """Parameters and statistics by their paths; other variables, such as the state of a random key, are left out."""
    flat = nnx.to_flat_state(nnx.state(model))
    return {path: variable for path, variable in flat if jnp.issubdtype(variable.dtype, jnp.inexact)}


def _head(here: Mapping[Path_, Any], config: RunConfig, dataset: Dataset) -> set[Path_]:
    """The arrays whose shape depends on the number of classes."""
    outputs = config.task.for_dataset(dataset).outputs
    section: Any = config.model
    if getattr(section, "match_parameters", None) is not None:
        section = section.matched(dataset.image_shape, outputs)
    build = lambda: section.build(image_shape=dataset.image_shape, num_classes=outputs + 1, rngs=OneKey(0))  # noqa: E731
    try:
        wider = _variables(nnx.eval_shape(build))
    except (ValueError, TypeError):  # a network of one's own for exactly these classes
        return set()
    return {path for path in here if path in wider and wider[path].shape != here[path].shape}


def _require_same(there: Mapping[Path_, Any], here: Mapping[Path_, Any], new: set[Path_], source: Source) -> None:
    """Raises ValueError unless both have the same arrays, but for those that begin anew."""
    old = {path: tuple(v.shape) for path, v in there.items() if path not in new}
    own = {path: tuple(v.shape) for path, v in here.items() if path not in new}
    if old == own:
        return
    different = [path for path in dict.fromkeys([*own, *old]) if old.get(path) != own.get(path)]
    lines = [
        f"{_dotted(path)} is {old.get(path, 'nothing')} there, {own.get(path, 'nothing')} here"
        for path in different[:_SHOWN]
    ]
    more = f"; and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
    cause = "the layers are others"
    if set(old) == set(own):
        cause = "the width, or the kind of fields, is another"
    raise ValueError(
        f"model.init_from: {source.words} do not fit ({cause}): {'; '.join(lines)}{more}; "
        "give the run the model section of that network, and nothing was changed"
    )


def _dotted(path: Path_) -> str:
    return shortened(".".join(str(key) for key in path if key != "layers"), 60)
