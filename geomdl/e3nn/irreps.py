"""Irreps and fields as users give them."""

import re
from typing import Any

import e3nn_jax as e3nn
import jax.numpy as jnp

from geomdl.arrays import as_floating
from geomdl.errors import invalid
from geomdl.representations import FieldType

_FORM = "multiplicities, degrees and parities (e even, o odd) as e3nn writes them, such as '8x0e + 4x1o'"


def as_irreps(irreps: Any, what: str = "irreps") -> e3nn.Irreps:
    """Irreps of O(3), from whatever e3nn-jax takes for them.

    Args:
      irreps: ``"8x0e + 4x1o + 2x2e"``, `e3nn_jax.Irreps`, a list of pairs of multiplicity and irrep, or a field type of
        O3, whose channels have the same order.
      what: they stand for, in messages.

    Raises:
      ValueError: for what is written otherwise; the message repairs what it can, such as a parity that is missing.

    >>> as_irreps("8x0e+4x1o").dim
    20
    >>> as_irreps("8x0 + 4x1")
    Traceback (most recent call last):
    ValueError: invalid irreps '8x0 + 4x1'; allowed: multiplicities, degrees and parities (e even, o odd) as e3nn writes
    them, such as '8x0e + 4x1o'; try 8x0e + 4x1o
    """
    if isinstance(irreps, FieldType):
        if str(irreps.group) != "O3":
            raise invalid(what, irreps, f"a field type of O3, since irreps of {irreps.group} have no parity")
        irreps = irreps.fields
    try:
        return e3nn.Irreps(irreps)
    except (ValueError, TypeError, AssertionError):  # what e3nn-jax raises for text, other objects and wrong numbers
        raise invalid(what, irreps, _FORM, _repaired(irreps)) from None


def as_field(x: Any, irreps: e3nn.Irreps, what: str, *, regrouped: bool = False) -> e3nn.IrrepsArray:
    """A field of these irreps; an array is taken for one that has them.

    Args:
      x: an `e3nn_jax.IrrepsArray` ``[..., irreps.dim]``, or an array of this shape.
      irreps: of the field.
      what: it is, in messages.
      regrouped: the irreps may come in any order, and go out sorted: ``irreps.regroup()``.

    Raises:
      ValueError: it has other irreps.
    """
    if isinstance(x, e3nn.IrrepsArray):
        given, wanted = x.irreps.regroup(), irreps.regroup()
        if given == wanted if regrouped else x.irreps.simplify() == irreps.simplify():
            as_floating(x.array, what)
            return x.regroup() if regrouped else x.rechunk(irreps)
        note = ""
        if given == wanted:
            note = "; try x.regroup(), as only the order differs" if irreps == wanted else "; only the order differs"
        elif [(n, ir.l) for n, ir in given] == [(n, ir.l) for n, ir in wanted]:
            note = "; degrees and multiplicities agree, parities do not"
        raise ValueError(str(invalid(f"irreps of {what}", str(x.irreps), str(irreps))) + note)
    array = jnp.asarray(as_floating(x, what))
    if array.shape[-1:] != (irreps.dim,):
        raise invalid(f"shape of {what}", array.shape, f"[..., {irreps.dim}], for {irreps}")
    field = e3nn.IrrepsArray(irreps, array)
    return field.regroup() if regrouped else field


def reachable(wanted: e3nn.Irreps, fed: e3nn.Irreps, what: str, source: str) -> e3nn.Irreps:
    """Those of the wanted irreps that something feeds.

    Args:
      wanted: the irreps.
      fed: those which can be made.
      what: is made, in messages.
      source: it is made from, in messages.

    Raises:
      ValueError: none of them can be made.
    """
    kept = wanted.filter(keep=fed)
    if kept.dim == 0 and wanted.dim > 0:
        allowed = f"some of the irreps that {source} can give: {', '.join(str(ir) for _, ir in fed.regroup())}"
        mirrored = e3nn.Irreps([(n, (ir.l, -ir.p)) for n, ir in wanted])
        suggestion = str(mirrored) if mirrored.filter(keep=fed).dim == mirrored.dim else None
        raise invalid(f"irreps_out of {what}", str(wanted), allowed, suggestion)
    return kept


def product_irreps(first: e3nn.Irreps, second: e3nn.Irreps) -> e3nn.Irreps:
    """Those of `e3nn.tensor_product` of two fields, sorted and with equal ones together.

    >>> product_irreps(e3nn.Irreps("2x1o"), e3nn.Irreps("1o"))
    2x0e+2x1e+2x2e
    """
    products: list[Any] = [(n * m, ir) for n, a in first.regroup() for m, b in second.regroup() for ir in a * b]
    return e3nn.Irreps(products).regroup()


def _repaired(irreps: Any) -> str | None:
    """The same text with the parity of spherical harmonics where it has none, if that makes it readable."""
    if not isinstance(irreps, str):
        return None
    text = re.sub(r"\s*[,;&+]\s*", " + ", irreps.strip().strip("+,").lower().replace("*", "x"))
    text = re.sub(r"(?<![\d])(\d+)(?=\s|$)", lambda found: found[1] + "eo"[int(found[1]) % 2], text)
    text = re.sub(r"x(\d+)(?=\s|$)", lambda found: f"x{found[1]}" + "eo"[int(found[1]) % 2], text)
    try:
        e3nn.Irreps(text)
    except ValueError:
        return None
    return text
