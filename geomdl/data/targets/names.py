"""The names of kinds of targets."""

from collections.abc import Callable

from geomdl.data.targets.boxes import BoxTarget
from geomdl.data.targets.kinds import ClassTarget, LabelsTarget, MapTarget, TargetKind, ValuesTarget
from geomdl.errors import invalid, unknown
from geomdl.representations import FieldType

TARGET_KINDS: dict[str, Callable[[int], TargetKind]] = {}
"""What makes a kind of a name from the number of its classes (of values: of scalars)."""


def register_target_kind(name: str, make: Callable[[int], TargetKind]) -> None:
    """Gives a kind of target a name, which `Dataset.label_kind` and `target_kind` then take.

    Args:
      name: a new one.
      make: ``num_classes -> kind``.

    Raises:
      ValueError: when the name is taken.

    >>> register_target_kind("direction", lambda count: ValuesTarget(FieldType("SO2", f"{count} irrep(1)")))
    >>> target_kind("direction", 1).moves
    True
    >>> del TARGET_KINDS["direction"]  # no kind any more
    """
    if name in TARGET_KINDS:
        raise invalid("name of a kind of target", name, f"a name besides {', '.join(TARGET_KINDS)}")
    TARGET_KINDS[name] = make


def target_kind(name: str, num_classes: int) -> TargetKind:
    """The kind of target of a name.

    Args:
      name: of `TARGET_KINDS`.
      num_classes: of the data set; for ``"values"`` how many scalars.

    Raises:
      ValueError: for an unknown name.

    >>> target_kind("map", 3)
    MapTarget(num_classes=3)
    >>> target_kind("mapp", 3)
    Traceback (most recent call last):
    ValueError: unknown label_kind 'mapp'; allowed: class, labels, map, values, boxes, ...; did you mean 'map'?
    """
    if name not in TARGET_KINDS:
        raise unknown("label_kind", name, list(TARGET_KINDS))
    return TARGET_KINDS[name](num_classes)


register_target_kind("class", ClassTarget)
register_target_kind("labels", LabelsTarget)
register_target_kind("map", MapTarget)
register_target_kind("values", lambda count: ValuesTarget(FieldType("O2", f"{count} trivial")))
register_target_kind("boxes", BoxTarget)
register_target_kind("oriented_boxes", lambda count: BoxTarget(count, oriented=True))
