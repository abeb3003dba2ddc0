"""Measures whether a module keeps its contract."""

from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.sharding import NamedSharding, PartitionSpec
from jax.typing import DTypeLike

from geomdl.actions import packed_detections
from geomdl.equivariance.contracts.checkers import CHECKERS
from geomdl.equivariance.contracts.contract import Contract, Size
from geomdl.equivariance.contracts.elements import required_size
from geomdl.equivariance.contracts.report import Report
from geomdl.equivariance.contracts.subject import Call, Subject
from geomdl.equivariance.contracts.tolerances import tolerance, within_spread
from geomdl.errors import invalid
from geomdl.numbers import whole_number
from geomdl.random_keys import as_key


class HasContract(Protocol):
    """A module that can be checked: called as ``module(x, train=…, key=…)``, with a contract."""

    @property
    def contract(self) -> Contract: ...  # noqa: D102

    def __call__(self, x: jax.Array, /, *, train: bool = False, key: jax.Array | None = None) -> jax.Array: ...  # noqa: D102


def check_contract(
    module: HasContract,
    key: jax.Array | int,
    *,
    size: Size | None = None,
    batch: int = 2,
    dtype: DTypeLike = jnp.float32,
    train: bool = False,
    max_shifts: int = 32,
    approximate: bool = True,
    sharding: NamedSharding | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> Report:
    """Measures every promise of a module's contract on white-noise inputs, over the full frame.

    In a test, with pytest:

        def test_my_layer_keeps_its_contract(symmetry):  # the fixture of geomdl's plugin, which pytest finds itself
            symmetry.contract(my_layer, size=range(4, 10))

    or, without the fixture, ``geomdl.testing.assert_contract(my_layer, size=range(4, 10))``. Both fail with the
    smallest size that breaks it, the error beside its limit, and the layer that is to blame. This function measures one
    size and returns what it found, to be looked at: a report that is true when the contract is kept, so that ``assert
    check_contract(my_layer, 0)`` is a test as well.

    Every element of a finite point group is tried (the grid symmetries and four random elements of a continuous one),
    every circular shift up to ``max_shifts`` of them (else the generators and random ones), and three of each other
    kind that the contract promises something about: shifts up to a shift of the output, fractional shifts of images
    without Nyquist component, and moves of a window on a larger scene (in evaluation; compared where the fields of view
    lie inside). The module is compiled once and called for one element after the other; inputs and outputs are moved
    and compared on the host.

    Exact promises are held to `geomdl.equivariance.tolerance`, and at most to half the spread between outputs for
    different inputs; approximate ones (elements that do not map the grid to
    itself) are measured and shown, not judged.

    Args:
      module: with ``contract``; called as ``module(x, train=…, key=…)``. It may give a tree of several arrays, each a
        field of ``out_type`` on a grid of its own, as detectors do; then only the promise about the group is measured.
      key: a JAX random key or a seed, for the inputs and for dropout.
      size: of the input, one number for each axis of the base space of its type: (height, width) of images; () for a
        module without base space. 9 along every axis by default.
      batch: how many inputs.
      dtype: of the input and so of the computation; float64, which needs ``jax.enable_x64``, also of the variables.
      train: whether to call the module in training mode.
      max_shifts: at most this many shifts.
      approximate: whether to measure also the elements for which at most an approximate promise can hold.
      sharding: how the batch is placed on the devices of a mesh; the variables are copied to all of them.
      decode: of a detector, from its outputs to detections (``task.predictions``): then not the fields are compared but
        the sets of boxes, by an optimal matching, which are to move by the group of the contract as `geomdl.actions`
        moves detections.

    Returns:
      A report with a row per element, true when every promise is kept. It never raises for a broken promise.

    Raises:
      ValueError: for float64 while JAX has it switched off, or an impossible size, batch or number of shifts; for a
        direct product of groups with a size other than (), as it does not act on the plane.

    >>> from geomdl.groups import C4
    >>> from geomdl.layers import Conv
    >>> from geomdl.representations import FieldType
    >>> layer = Conv(FieldType(C4, "1 trivial"), FieldType(C4, "2 regular"), 3, padding=1, rngs=nnx.Rngs(0))
    >>> report = check_contract(layer, jax.random.key(0), size=(8, 8))
    >>> bool(report), report.passed
    (True, True)
    """
    contract, key = module.contract, as_key(key)
    size = required_size(contract, size)
    _require_possible(dtype, batch, max_shifts, sharding)
    seed = np.asarray(jax.random.key_data(key)).ravel()
    rng = np.random.default_rng(seed)
    x, other = (rng.normal(size=(batch, *size, contract.in_type.size)).astype(dtype) for _ in range(2))
    call = _compiled(module, key, dtype, train=train, sharding=sharding, decode=decode)
    y, limit = call(x), tolerance(dtype, contract.depth)
    if decode is not None:  # which may compute in another precision than the module
        limit = max(limit, tolerance(y.dtype, contract.depth))
    sets = decode is not None
    spread = Subject(contract, call, x, y, seed, rng, limit, sets=sets).error(call(other), y)
    limit = within_spread(limit, spread)
    subject = Subject(contract, call, x, y, seed, rng, limit, train, max_shifts, approximate, sets)
    found = [check(subject) for check in CHECKERS]
    return Report(
        rows=tuple(row for findings in found for row in findings.rows),
        spread=spread,
        reasons=tuple(dict.fromkeys(reason for findings in found for reason in findings.reasons)),
        problems=tuple(problem for findings in found for problem in findings.problems),
    )


def _require_possible(dtype: DTypeLike, batch: int, max_shifts: int, sharding: NamedSharding | None) -> None:
    if jnp.dtype(dtype) == jnp.float64 and not jax.config.read("jax_enable_x64"):
        raise ValueError("dtype float64 is off in JAX; call check_contract within jax.enable_x64(True), or use float32")
    if not jnp.issubdtype(jnp.dtype(dtype), jnp.floating) or jnp.finfo(dtype).bits < 16:
        raise invalid("dtype", str(jnp.dtype(dtype)), "float32, float64, float16 or bfloat16", "float32")
    whole_number("batch", batch)
    whole_number("max_shifts", max_shifts, least=0)
    if sharding is not None and batch % sharding.num_devices:
        raise invalid("batch", batch, "a multiple of the number of devices", sharding.num_devices)


def _compiled(
    module: HasContract,
    key: jax.Array,
    dtype: DTypeLike,
    *,
    train: bool,
    sharding: NamedSharding | None,
    decode: Callable[[Any], Any] | None,
) -> Call:
    """The module as one compiled function of arrays on the host, its variables in the precision of the check."""
    graph, state = nnx.split(module)
    if jnp.dtype(dtype) == jnp.float64:  # kernels are expanded in the precision of their weights
        state = jax.tree.map(lambda v: np.asarray(v, dtype) if jnp.issubdtype(v.dtype, jnp.floating) else v, state)
    if sharding is not None:
        state = jax.device_put(state, NamedSharding(sharding.mesh, PartitionSpec()))

    @jax.jit
    def apply(state: Any, x: jax.Array, key: jax.Array) -> Any:
        y = nnx.merge(graph, state)(x, train=train, key=key)
        return y if decode is None else packed_detections(decode(y))

    return lambda x: _on_host(apply(state, jax.device_put(x, sharding), key))


def _on_host(output: Any) -> Any:
    """The output as an array of NumPy; of a tree of several arrays, such as the levels of a detector, all of them."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(output)]
    return leaves[0] if len(leaves) == 1 else tuple(leaves)
