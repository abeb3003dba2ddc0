"""What an error says of arrays that are not those of a network: which, and why that probably is."""

import dataclasses
from collections.abc import Collection, Iterator, Mapping, Sequence

from geomdl.errors import shortened

_SHOWN = 5
"""Names of each kind that an error lists."""

_STATISTICS = (".running_mean", ".running_var")

Shape = tuple[int, ...]


class WeightsMismatch(ValueError):
    """The arrays of a file are not those of a network.

    Args:
      message: what is missing, unexpected or misshapen, and why that probably is.
      classes: how many the file has, where these alone are others; an attribute.
    """

    def __init__(self, message: str, classes: int | None = None) -> None:
        super().__init__(message)
        self.classes = classes


@dataclasses.dataclass(frozen=True)
class Difference:
    """How the arrays of a file differ from those that a network has.

    Attributes:
      wanted: the shapes of those of the network, by name.
      found: the shapes of those of the file, without what is passed over.
      classifiers: names of the arrays of the layers that give the class scores.
      heads: the beginnings of the names of auxiliary heads.
      family: of the network.
    """

    wanted: Mapping[str, Shape]
    found: Mapping[str, Shape]
    classifiers: Collection[str]
    heads: tuple[str, ...]
    family: str

    @property
    def missing(self) -> list[str]:
        """Names of the network that the file lacks."""
        return [name for name in self.wanted if name not in self.found]

    @property
    def unexpected(self) -> list[str]:
        """Names of the file that the network lacks."""
        return [name for name in self.found if name not in self.wanted]

    @property
    def misshapen(self) -> dict[str, tuple[Shape, Shape]]:
        """Names of both with the shape there and the one here, where these differ."""
        both = ((name, self.found.get(name), shape) for name, shape in self.wanted.items())
        return {name: (there, here) for name, there, here in both if there is not None and there != here}

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.misshapen)

    def __str__(self) -> str:
        shapes = [f"{n} {_shape(there)} there, {_shape(here)} here" for n, (there, here) in self.misshapen.items()]
        lists = (("missing", self.missing), ("unexpected", self.unexpected), ("misshapen", shapes))
        return "; ".join(f"{what}: {_some(names)}" for what, names in lists if names)

    @property
    def cause(self) -> str:
        """What most likely went wrong, in words."""
        return next(self._causes())

    @property
    def classes(self) -> int | None:
        """The number of classes of the file, where the network has another and nothing else differs."""
        return None if self._numbers_of_classes is None else self._numbers_of_classes[0]

    @property
    def _numbers_of_classes(self) -> tuple[int, int] | None:
        misshapen = self.misshapen
        pairs = {pair for shapes in misshapen.values() for pair in zip(*shapes, strict=False) if len(set(pair)) > 1}
        alone = not self.missing and not self.unexpected and set(misshapen) <= set(self.classifiers)
        return pairs.pop() if alone and len(pairs) == 1 else None

    def _causes(self) -> Iterator[str]:
        missing, unexpected, misshapen = self.missing, self.unexpected, self.misshapen
        if not self.found:
            yield "the file is empty"
        for name in unexpected[:_SHOWN]:
            start, _, rest = name.partition(".")
            while rest:
                if rest in missing:
                    said = "which torch.nn.DataParallel puts there" if start == "module" else "of a module around it"
                    yield f"names have the prefix '{start}.' ({said}): give a dict with the names without it"
                first, _, rest = rest.partition(".")
                start = f"{start}.{first}"
        if len(missing) == len(self.wanted):
            yield f"the file is of another kind of network than {with_article(self.family)}"
        if missing and not unexpected and self.heads and all(name.startswith(self.heads) for name in missing):
            yield "the file has no auxiliary heads: build the network with model.auxiliary=False"
        if missing and not unexpected and all(name.endswith(_STATISTICS) for name in missing):
            yield "the file holds parameters alone, without running statistics: save model.state_dict()"
        if misshapen and not missing and not unexpected:
            if (numbers := self._numbers_of_classes) is not None:
                there, here = numbers
                yield f"another number of classes: {there} there, {here} here; build the network with {there}"
            if len(misshapen) == 1 and all(_another_map(*shapes) for shapes in misshapen.values()):
                yield "images of another size, so that the first dense layer sees a map of another size"
            yield f"another width or another variant of {self.family}"
        if missing and unexpected:
            yield f"another variant of {self.family}"
        yield f"another depth or variant: the file has {'fewer' if missing else 'more'} layers"


def _another_map(there: Shape, here: Shape) -> bool:
    """Whether two matrices differ as those behind flattened maps of different sizes do."""
    return len(there) == len(here) == 2 and (there[0] == here[0] or there[1] == here[1])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shortened(name, 80) for name in names[:_SHOWN]) + more


def _shape(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "()"


def with_article(family: str) -> str:
    """The name of a family of networks with the article that goes before it.

    >>> with_article("AlexNet"), with_article("VGG")
    ('an AlexNet', 'a VGG')
    """
    return f"{'an' if family[0] in 'AI' else 'a'} {family}"
