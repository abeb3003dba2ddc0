"""Names, and what they stand for."""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, overload

from geomdl.errors import unknown
from geomdl.registry.function_config import option_names
from geomdl.registry.plugins import Plugin, plugins
from geomdl.registry.references import FORMS, canonical, is_reference, load, reference_of

T = TypeVar("T")

Adapt = Callable[[Any, str], Any]
"""``(object, name) -> factory``: what is registered under a name, or ValueError for something else."""


class UnknownName(ValueError, KeyError):
    """A name that is not in a registry."""

    __str__ = Exception.__str__  # a KeyError shows its message in quotes


@dataclasses.dataclass(frozen=True)
class Entry:
    """What a name stands for.

    Attributes:
      name: canonical.
      factory: a class, or a function that makes what is asked for.
      defaults: options that have other defaults under this name than in the factory.
      plugin_of: the package whose plug-in it is; empty for anything else.

    >>> Entry("square", dict, {"corners": 4})(colour="red")
    {'corners': 4, 'colour': 'red'}
    """

    name: str
    factory: Any
    defaults: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    plugin_of: str = ""

    def __call__(self, **options: Any) -> Any:
        """Returns what the factory makes with these options."""
        return self.factory(**{**self.defaults, **options})


@dataclasses.dataclass(frozen=True)
class _Registered:
    """An object, or the reference of one that is not loaded yet, with defaults."""

    target: Any
    defaults: Mapping[str, Any]
    plugin_of: str = ""

    @property
    def said(self) -> str:
        return self.target if isinstance(self.target, str) else f"{self.target.__module__}:{self.target.__qualname__}"


class Registry(Mapping[str, Any]):
    """Factories by name: registered ones, those of plug-ins, and any ``package.module:Name`` or ``path/file.py:Name``.

    A read-only mapping over the registered names and those of plug-ins. ``registry[name]`` is the factory; with the
    defaults of its name filled in, where it has some. Names that are registered as references, and plug-ins, are loaded
    when they are asked for.

    Args:
      what: is named, in errors, e.g. ``"model.name"``.
      group: the entry points of plug-ins, e.g. ``"geomdl.models"``; None for none.
      adapt: makes the factory of an object, e.g. a config class of a function; raises ValueError for what is no such
        thing.
      prefixes: classes with a field ``name`` for all names that begin so, e.g. ``{"tfds:": TFDSConfig}``.
      suggest: the name that is probably meant by an unknown one, or None, where the nearest one is not.

    >>> shapes = Registry("shape")
    >>> shapes.register("square", dict, {"corners": 4})
    >>> shapes["square"](colour="red")
    {'corners': 4, 'colour': 'red'}
    >>> shapes["sqare"]
    Traceback (most recent call last):
    ...
    geomdl.registry.registry.UnknownName: unknown shape 'sqare'; allowed: square, package.module:Name,
    path/file.py:Name; did you mean 'square'?
    """

    def __init__(
        self,
        what: str,
        *,
        group: str | None = None,
        adapt: Adapt = lambda found, name: found,
        prefixes: Mapping[str, Any] = MappingProxyType({}),
        suggest: Callable[[str], str | None] = lambda name: None,
    ) -> None:
        self.what = what
        self._group = group
        self._adapt = adapt
        self._prefixes = dict(prefixes)
        self._suggest = suggest
        self._own: dict[str, _Registered] = {}
        self._entries: dict[str, Entry] = {}
        self._adapted: list[tuple[Any, Any]] = []
        self._plugins: dict[str, list[Plugin]] | None = None

    @overload
    def register(self, name: str, *, defaults: Mapping[str, Any] = ..., replace: bool = ...) -> Callable[[T], T]: ...

    @overload
    def register(self, name: str, factory: Any, defaults: Mapping[str, Any] = ..., *, replace: bool = ...) -> None: ...

    def register(
        self,
        name: str,
        factory: Any = None,
        defaults: Mapping[str, Any] = MappingProxyType({}),
        *,
        replace: bool = False,
    ) -> Any:
        """Gives something a name: ``register("name", factory)``, or ``@register("name")`` above a class or function.

        One class may have several names, each with other defaults. The same object may be registered again under its
        name.

        Args:
          name: without colon, and no file.
          factory: a class or function, or the reference ``"package.module:Name"`` of one, to be loaded when it is asked
            for.
          defaults: options that have other defaults under this name.
          replace: whether the name may be taken from something else.

        Raises:
          ValueError: the name is taken, or cannot be one; the factory is not such a thing, or has no such option.

        >>> shapes = Registry("shape")
        >>> @shapes.register("square", defaults={"corners": 4})
        ... @shapes.register("triangle", defaults={"corners": 3})
        ... @dataclasses.dataclass
        ... class Polygon:
        ...     corners: int
        >>> shapes["square"](), shapes["triangle"]()
        (Polygon(corners=4), Polygon(corners=3))
        >>> shapes.register("square", Polygon, {"corners": 5})
        Traceback (most recent call last):
        ...
        ValueError: shape 'square' is taken by geomdl.registry.registry:Polygon; choose another name, or replace=True
        """
        if factory is None:

            def decorate(found: T) -> T:
                self.register(name, found, defaults, replace=replace)
                return found

            return decorate
        if not name or is_reference(name):
            raise ValueError(f"invalid {self.what} {name!r}; allowed: a name without a colon that is no file")
        new = _Registered(factory, MappingProxyType(dict(defaults)))
        old = self._own.get(name)
        if old is not None and not replace and (old.target, old.defaults) != (new.target, new.defaults):
            raise ValueError(f"{self.what} {name!r} is taken by {old.said}; choose another name, or replace=True")
        if not isinstance(factory, str):
            self._made(name, new)
        self._own[name] = new
        self._entries.pop(name, None)
        return None

    def unregister(self, name: str) -> None:
        """Takes a registered name back, as a test does at its end; those of plug-ins stay.

        Args:
          name: registered.

        Raises:
          UnknownName: it is not.
        """
        if name not in self._own:
            raise self._unknown(name, self.what)
        del self._own[name]
        self._entries.pop(name, None)

    def __getitem__(self, name: str) -> Any:
        entry = self.find(name)
        return functools.partial(entry.factory, **entry.defaults) if entry.defaults else entry.factory

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from (name for name in self._from_plugins() if name not in self._own)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        """Whether this is a registered name, or that of a plug-in; nothing is loaded."""
        return name in self._own or name in self._from_plugins()

    @property
    def registered(self) -> tuple[str, ...]:
        """The names without those of plug-ins."""
        return tuple(self._own)

    @property
    def refused(self) -> dict[str, str]:
        """Plug-ins that have no effect, as their name is taken: the reason by name."""
        return {
            name: f"the {self.what} of {_from(found)} has no effect: {self._own[name].said} has this name"
            for name, found in self._from_plugins().items()
            if name in self._own
        }

    def find(self, name: Any, *, what: str | None = None, folders: Sequence[Path] = ()) -> Entry:
        """Returns what a name stands for.

        Args:
          name: registered, of a plug-in, with a prefix, or a reference.
          what: is named, in errors, if not what the registry says.
          folders: where the files and modules of references are looked for; see `geomdl.registry.canonical`.

        Raises:
          UnknownName: there is no such name; with the nearest valid one.
          ValueError: what it refers to cannot be loaded, or is nothing of this kind.
        """
        what = what or self.what
        if not isinstance(name, str):
            raise self._unknown(name, what)
        if name in self._entries:
            return self._entries[name]
        name = self.canonical(name, what=what, folders=folders)
        if name not in self._entries:
            self._entries[name] = self._loaded(name, what)
        return self._entries[name]

    def canonical(self, name: Any, *, what: str | None = None, folders: Sequence[Path] = ()) -> Any:
        """Returns a reference in its form for every working directory, and any other name as it is; nothing is loaded.

        Args:
          name: any.
          what: see `find`.
          folders: see `find`.
        """
        if not is_reference(name) or self._prefix(name) is not None:
            return name
        try:
            return canonical(name, what=what or self.what, folders=folders)
        except ValueError:
            if self._suggest(name) is None:
                raise
            raise self._unknown(name, what or self.what) from None

    def name_of(self, made: Any) -> str:
        """Returns a name for the class of something that was made: what `find` gives for it is that class.

        Of several names of a class it is the one whose defaults the values have; the first, if there are several.

        Raises:
          ValueError: the class has no name, and no other process could import it.
        """
        if any(field.name == "name" for field in dataclasses.fields(made)):
            return made.name
        kind = type(made)
        of_kind = {name: entry for name, entry in self._known(kind).items() if entry.factory is kind}
        fitting = [
            name
            for name, entry in of_kind.items()
            if all(getattr(made, key) == value for key, value in entry.defaults.items())
        ]
        if of_kind:
            return max(fitting or list(of_kind)[:1], key=lambda name: len(of_kind[name].defaults))
        return reference_of(kind, self.what)

    def _known(self, kind: type) -> dict[str, Entry]:
        """The entries that may be of a class: what is loaded, and what stands in modules that are."""
        reference = f"{kind.__module__}:{kind.__qualname__}"
        for name, registered in self._own.items():
            if not isinstance(registered.target, str) or registered.target == reference:
                self.find(name)
        ours = {name: self._entries[name] for name in self._own if name in self._entries}
        return ours | self._entries

    def _loaded(self, name: str, what: str) -> Entry:
        prefix = self._prefix(name)
        if prefix is not None:
            return Entry(name, self._prefixes[prefix], {"name": name})
        if is_reference(name):
            return self._made(name, _Registered(name, {}), what)
        if name in self._own:
            return self._made(name, self._own[name], what)
        found = self._from_plugins().get(name, [])
        if len(found) > 1:
            both = " and ".join(f"{p.reference} of {p.distribution}" for p in found)
            raise ValueError(f"{what} {name!r} is that of several plug-ins, {both}; write the one that is meant")
        if found:
            return self._made(name, _Registered(found[0].reference, {}, found[0].distribution), what)
        raise self._unknown(name, what)

    def _made(self, name: str, registered: _Registered, what: str | None = None) -> Entry:
        """The entry of something registered: loaded, and of the right kind."""
        what, target, defaults = what or self.what, registered.target, registered.defaults
        where = f"{what} {name!r}" + (f", a plug-in of {registered.plugin_of}" if registered.plugin_of else "")
        try:
            found = load(target, what=what) if isinstance(target, str) else target
            factory = self._factory(found, target if isinstance(target, str) else name)
        except ValueError as error:
            known = what in str(error) and not registered.plugin_of
            raise ValueError(str(error) if known else f"{where}: {error}") from error
        allowed = option_names(factory) if defaults else None
        for key in defaults:
            if allowed is not None and key not in allowed:
                raise unknown(f"default of {where}", key, allowed)
        return Entry(name, factory, defaults, registered.plugin_of)

    def _factory(self, found: Any, name: str) -> Any:
        """The factory of an object, the same one every time."""
        for known, factory in self._adapted:
            if known is found:
                return factory
        factory = self._adapt(found, name)
        self._adapted.append((found, factory))
        return factory

    def _prefix(self, name: Any) -> str | None:
        return next((p for p in self._prefixes if isinstance(name, str) and name.startswith(p)), None)

    def _from_plugins(self) -> dict[str, list[Plugin]]:
        if self._plugins is None:
            self._plugins = plugins(self._group) if self._group else {}
        return self._plugins

    def _unknown(self, name: Any, what: str) -> ValueError:
        forms = [f"{prefix}<name>" for prefix in self._prefixes]
        error = str(unknown(what, name, list(self), also=[*forms, *FORMS]))
        meant = (self._suggest(name) or _with_colon(name)) if isinstance(name, str) else None
        if meant is not None:
            error = f"{error.partition('; did you mean')[0]}; did you mean {meant!r}?"
        return UnknownName(error)


def _with_colon(name: str) -> str | None:
    """What is meant by ``package.module.Name``."""
    where, dot, last = name.rpartition(".")
    return f"{where}:{last}" if dot and all(part.isidentifier() for part in name.split(".")) else None


def _from(found: Sequence[Plugin]) -> str:
    return " and ".join(plugin.distribution for plugin in found)
