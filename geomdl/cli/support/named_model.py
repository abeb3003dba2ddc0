"""The options of verbs that build a model by its name: ``--model``, ``--image_shape``, ``--classes``, overrides."""

from typing import TYPE_CHECKING

from geomdl.cli.support.parser import UsageError

if TYPE_CHECKING:
    from geomdl.training import RunConfig


def named_model(name: str, overrides: list[str]) -> "RunConfig":
    """The config whose section ``model`` is that of a model by name, with ``--config.model.…`` options.

    Args:
      name: of the model.
      overrides: as `geomdl.cli.support.parser.take_overrides` gives them.

    Raises:
      ValueError: an unknown name or option, or an override of another section.
    """
    from geomdl.cli.support.config_file import parse_overrides
    from geomdl.training.configuration.config import RunConfig

    section: dict[str, object] = {}
    for key, value in parse_overrides(overrides).items():
        if not key.startswith("model."):
            raise UsageError(f"--config.{key} has no effect with --model; its options are --config.model.…")
        section[key.removeprefix("model.")] = value
    return RunConfig.from_config_dict({"model": {"name": name, **section}, "training": {"steps": 1}})


def image_shape(text: str) -> tuple[int, ...]:
    """(height, width, channels), or those of volumes, as they are written on the command line.

    Args:
      text: ``HEIGHTxWIDTHxCHANNELS``, or ``DEPTHxHEIGHTxWIDTHxCHANNELS`` of volumes.

    Raises:
      UsageError: it is written in another way.

    >>> image_shape("224x224x3"), image_shape("28x28x28x1")
    ((224, 224, 3), (28, 28, 28, 1))
    """
    parts = text.lower().replace(",", "x").split("x")
    if len(parts) not in (3, 4) or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        allowed = "HEIGHTxWIDTHxCHANNELS, or DEPTHxHEIGHTxWIDTHxCHANNELS of volumes"
        raise UsageError(f"invalid --image_shape {text!r}; allowed: {allowed}; try 224x224x3")
    return tuple(map(int, parts))
