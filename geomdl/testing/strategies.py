"""Hypothesis strategies for everything that a symmetry test varies. Values are reproducible and shrink."""

from collections.abc import Callable
from typing import Literal, get_args

import hypothesis.strategies as st
import ml_dtypes
import numpy as np
from hypothesis.strategies import DrawFn, SearchStrategy

from geomdl.actions.families import Family, family
from geomdl.errors import invalid, unknown
from geomdl.groups import (
    O2,
    SO2,
    C,
    D,
    DirectProduct,
    Element,
    GridTranslations,
    Group,
    PlanarGroup,
    PointGroup,
    SemidirectProduct,
    along,
    subgroups,
)
from geomdl.groups import group as group_of
from geomdl.representations import FieldType, irreps, quotient, regular, trivial
from geomdl.testing.random_images import Size, blobs, low_pass_noise, natural_like, white_noise

ElementKind = Literal["any", "identity", "generator", "random", "word"]
ImageKind = Literal["any", "white", "low_pass", "blobs", "band_limited", "natural"]
Parity = Literal["any", "odd", "even"]


def groups(
    *, max_order: int = 16, reflections: bool | None = None, continuous: bool = True, on_grid: bool = False
) -> SearchStrategy[PlanarGroup]:
    """Groups of the plane. Shrinks to C2 and to few elements; the trivial group, which tests nothing, is left out.

    Args:
      max_order: of the finite ones.
      reflections: True or False to have only groups with or without them.
      continuous: whether SO2 and O2 are among them.
      on_grid: only those that map the pixel grid to itself: C2, C4, D1, D2, D4.

    Raises:
      ValueError: when no group is left.

    >>> from hypothesis import find
    >>> find(groups(reflections=True), lambda group: True)
    D1
    """
    cyclic = [C(n) for n in range(2, max_order + 1)]
    dihedral = [D(n) for n in range(1, max_order // 2 + 1)]
    found = sorted(cyclic + dihedral, key=lambda group: (group.order, group.reflections))
    if on_grid:
        found = [group for group in found if D(4).contains_group(group)]
    elif continuous:
        found += [SO2, O2]
    found = [group for group in found if reflections is None or group.reflections == reflections]
    if not found:
        raise invalid("max_order", max_order, "at least 2, or continuous groups", 8)
    return st.sampled_from(found)


def elements(group: Group | Family | str, kind: ElementKind = "any", *, max_length: int = 4) -> SearchStrategy[Element]:
    """Elements of a group as arrays ``[element_size]``. Shrinks to the identity, or to elements near it.

    Args:
      group: any group, a family of Klein's ladder, or the name of one.
      kind: ``"identity"``; ``"generator"``; ``"random"``, any element; ``"word"``, a product of generators and their
        inverses; or ``"any"`` of these.
      max_length: of the words.

    Raises:
      ValueError: for an unknown kind or group, or words in a family, which is not closed under products.

    >>> from geomdl.groups import C8
    >>> from hypothesis import find
    >>> find(elements(C8, "random"), lambda g: 1 < g[1] < 7)
    array([0, 2])
    """
    if kind not in get_args(ElementKind):
        raise unknown("kind of element", kind, get_args(ElementKind))
    resolved = _group(group) if isinstance(group, str) else group
    if isinstance(resolved, Family):
        return _coordinates(resolved, kind)
    identity = st.builds(lambda: np.array(resolved.identity))
    if kind == "identity":
        return identity
    steps = [*resolved.generators(), *resolved.inverse(resolved.generators())]
    generator = st.builds(np.array, st.sampled_from(steps))
    if kind == "generator":
        return generator
    words = st.lists(st.sampled_from(steps), max_size=max_length).map(lambda word: _product(resolved, word))
    if kind == "word":
        return words
    random = _random_element(resolved)
    return random if kind == "random" else st.one_of(identity, generator, random, words)


def sizes(
    minimum: int = 4, maximum: int = 16, *, parity: Parity = "any", multiple_of: int = 1, square: bool = True
) -> SearchStrategy[Size]:
    """Sizes (height, width) in pixels. Shrinks to the smallest.

    Args:
      minimum: of each side.
      maximum: of each side.
      parity: ``"odd"``, ``"even"`` or ``"any"``.
      multiple_of: each side is a multiple of this.
      square: whether both sides are equal.

    Raises:
      ValueError: when there is no such size.

    >>> from hypothesis import find
    >>> find(sizes(5, 20, parity="even", multiple_of=3), lambda size: True)
    (6, 6)
    """
    if parity not in get_args(Parity):
        raise unknown("parity", parity, get_args(Parity))
    if multiple_of < 1:
        raise invalid("multiple_of", multiple_of, "a positive integer", 1)
    wanted = {"any": (0, 1), "odd": (1,), "even": (0,)}[parity]
    sides = [n for n in range(max(minimum, 1), maximum + 1) if n % multiple_of == 0 and n % 2 in wanted]
    if not sides:
        what = f"{parity} multiple of {multiple_of}" if parity != "any" else f"multiple of {multiple_of}"
        raise invalid("sizes", f"{minimum} to {maximum}", f"a range with at least one {what}")
    side = st.sampled_from(sides)
    return side.map(lambda n: (n, n)) if square else st.tuples(side, side)


def dtypes(*, double: bool = False, half: bool = False) -> SearchStrategy[np.dtype]:
    """Floating-point types. Shrinks to float32.

    Args:
      double: whether float64 is among them, which JAX has only within ``jax.enable_x64(True)``.
      half: whether bfloat16 and float16 are among them.
    """
    names = [np.float32] + [np.float64] * double + [ml_dtypes.bfloat16, np.float16] * half
    return st.sampled_from([np.dtype(name) for name in names])


@st.composite
def images(
    draw: DrawFn,
    size: Size | int | SearchStrategy[Size] | None = None,
    channels: int | SearchStrategy[int] = 1,
    kind: ImageKind | SearchStrategy[ImageKind] = "any",
    *,
    batch: int | SearchStrategy[int] = 2,
    dtype: object = np.float32,
) -> np.ndarray:
    """Images ``[batch, height, width, channels]``, each a function of a drawn seed. Shrinks to small white noise.

    Args:
      draw: given by hypothesis; leave it out.
      size: (height, width), one side of a square, or a strategy; `sizes` by default.
      channels: a number or a strategy.
      kind: ``"white"`` (tests on the grid); ``"low_pass"`` noise and ``"blobs"``, or ``"band_limited"`` for either of
        them (tests off the grid); ``"natural"`` (spectrum 1/f, with edges); or ``"any"`` of these.
      batch: a number or a strategy.
      dtype: a floating-point type or a strategy, such as `dtypes`.

    >>> from hypothesis import find
    >>> find(images(sizes(5, 9)), lambda x: True).shape
    (2, 5, 5, 1)
    """

    def value(given: object) -> object:
        return draw(given) if isinstance(given, SearchStrategy) else given

    chosen = value(sizes() if size is None else size)
    height, width = (chosen, chosen) if isinstance(chosen, int) else chosen  # type: ignore[misc]
    name = str(value(kind))
    if name not in get_args(ImageKind):
        raise unknown("kind of images", name, get_args(ImageKind))
    makers = {"any": list(_MAKERS), "band_limited": ["low_pass", "blobs"]}.get(name, [name])
    make = _MAKERS[makers[0] if len(makers) == 1 else draw(st.sampled_from(makers))]
    rng = np.random.default_rng(draw(st.integers(0, 2**16 - 1)))
    x = make(rng, (height, width), int(value(channels)), int(value(batch)))  # type: ignore[call-overload]
    return x.astype(np.dtype(value(dtype)))  # type: ignore[call-overload]


def field_types(
    group: PointGroup | str, *, max_blocks: int = 2, max_multiplicity: int = 2
) -> SearchStrategy[FieldType]:
    """Field types of a group. Shrinks to one trivial field.

    Args:
      group: a group of the plane or its name.
      max_blocks: how many different kinds of fields.
      max_multiplicity: how many fields of each kind.

    >>> from geomdl.groups import C4
    >>> from hypothesis import find
    >>> find(field_types(C4), lambda t: not t.is_trivial)
    FieldType(C4, "1 irrep(1)")
    """
    of = group_of(group) if isinstance(group, str) else group
    found = [trivial(of), *[rho for rho in irreps(of, None if of.is_finite else 2) if not rho.is_trivial]]
    if of.is_finite:
        found.append(regular(of))
    if isinstance(of, PlanarGroup) and of.is_finite:
        found += [quotient(of, h) for h in subgroups(of) if 1 < h.subgroup.order < of.order]
    block = st.tuples(st.integers(1, max_multiplicity), st.sampled_from(found))
    blocks = st.lists(block, min_size=1, max_size=max_blocks, unique_by=lambda pair: pair[1])
    return blocks.map(lambda pairs: FieldType(of, pairs))


_MAKERS: dict[str, Callable[[np.random.Generator, Size, int, int], np.ndarray]] = {
    "white": white_noise, "low_pass": low_pass_noise, "blobs": blobs, "natural": natural_like,
}  # fmt: skip


def _group(name: str) -> Group | Family:
    try:
        return group_of(name)
    except ValueError:
        return family(name)


def _product(group: Group, word: list[Element]) -> Element:
    result = np.array(group.identity)
    for step in word:
        result = group.product(result, step)
    return result


def _random_element(group: Group) -> SearchStrategy[Element]:
    """Any element, those near the identity being the simplest."""
    if isinstance(group, PlanarGroup):
        flip = st.integers(0, 1 if group.reflections else 0)
        if not group.is_finite:
            angle = st.floats(-np.pi, np.pi, exclude_min=True, allow_subnormal=False)
            return st.tuples(flip, angle).map(
                lambda g: group.product(group.identity, np.array([g[0], g[1] % group.period]))
            )
        n = int(group.rotation_order)
        steps = sorted(range(n), key=lambda r: (min(r, n - r), r))
        return st.tuples(flip, st.sampled_from(steps)).map(np.array)
    if isinstance(group, GridTranslations):
        steps = np.array(along(group.step, len(group.sizes)))
        sides = [n // step for n, step in zip(group.sizes, steps.tolist(), strict=True)]
        counts = st.tuples(*(st.integers(-((n - 1) // 2), n // 2) for n in sides))
        return counts.map(lambda count: group.product(group.identity, steps * np.array(count)))
    if isinstance(group, DirectProduct):
        parts = (_random_element(group.first), _random_element(group.second))
        return st.tuples(*parts).map(np.concatenate)
    if isinstance(group, SemidirectProduct):
        parts = (_random_element(group.translations), _random_element(group.point_group))
        return st.tuples(*parts).map(np.concatenate)
    if group.is_finite:
        return st.integers(0, int(group.order) - 1).map(lambda i: group.elements()[i])
    return st.integers(0, 2**16 - 1).map(lambda seed: group.sample(np.random.default_rng(seed), 1)[0])


def _coordinates(of: Family, kind: ElementKind) -> SearchStrategy[Element]:
    strengths = [float(s) for s in of.strengths]
    reflection = [st.integers(0, 1)] if of.reflections else []
    if kind == "word":
        raise invalid("kind of element", kind, f"for the family {of.name}: any, identity, generator, random", "random")
    if kind == "identity":
        return st.builds(lambda: np.zeros(len(strengths) + len(reflection)))
    if kind == "generator":
        scaled = np.diag([1.0] * len(reflection) + strengths)
        return st.builds(np.array, st.sampled_from(list(scaled)))
    values = [st.floats(-s, s, allow_subnormal=False) for s in strengths]
    return st.tuples(*reflection, *values).map(lambda t: np.array(t, float))
