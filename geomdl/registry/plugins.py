"""What installed packages register: entry points, read when they are first asked for."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points


@dataclass(frozen=True)
class Plugin:
    """One entry point.

    Attributes:
      name: under which it is registered.
      reference: ``package.module:Name``.
      distribution: the package that brings it.
    """

    name: str
    reference: str
    distribution: str


def plugins(group: str) -> dict[str, list[Plugin]]:
    """Returns the entry points of a group by name, without importing any: more than one where packages disagree.

    A package declares them in its pyproject.toml::

        [project.entry-points."geomdl.models"]
        my_network = "my_package.networks:MyNetworkConfig"

    >>> plugins("geomdl.nothing")
    {}
    """
    found: dict[str, list[Plugin]] = {}
    for point in entry_points(group=group):
        plugin = Plugin(point.name, f"{point.module}:{point.attr}", _distribution(point))
        known = found.setdefault(plugin.name, [])
        if all(plugin.reference != other.reference for other in known):
            known.append(plugin)
    return {name: sorted(found[name], key=lambda plugin: plugin.distribution) for name in sorted(found)}


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an installed package"
