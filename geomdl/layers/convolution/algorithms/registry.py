"""The algorithms by name, and the choice between them.

>>> methods()
('auto', 'dense', 'factored', 'fused')
"""

from geomdl.equivariance.contracts.contract import Size
from geomdl.errors import invalid, unknown
from geomdl.layers.convolution.algorithms.algorithm import Algorithm, Convolution

AUTO = "auto"
"""The method that takes, for images of a size, the algorithm that is expected to be fastest; see `chosen`."""

Method = str
"""How a convolution is computed: the name of an algorithm, or ``"auto"``."""

_ALGORITHMS: dict[str, Algorithm] = {}


def register(algorithm: Algorithm) -> Algorithm:
    """Makes an algorithm a method of convolutions. The first one of all computes every convolution.

    Args:
      algorithm: with a name of its own.

    Returns:
      The same.

    Raises:
      ValueError: for a name that is taken.

    >>> from geomdl.layers.convolution.algorithms.dense import DenseKernel
    >>> class Mine(DenseKernel):
    ...     name = "mine"
    >>> register(Mine()).name, methods()
    ('mine', ('auto', 'dense', 'factored', 'fused', 'mine'))
    >>> unregister("mine")
    """
    if algorithm.name in methods():
        raise invalid("name of an algorithm", algorithm.name, f"any but {', '.join(methods())}", f"my_{algorithm.name}")
    _ALGORITHMS[algorithm.name] = algorithm
    return algorithm


def unregister(name: str) -> None:
    """Takes an algorithm back; see `register`.

    Args:
      name: of the algorithm.

    Raises:
      ValueError: for one that is not registered.

    >>> unregister("dens")
    Traceback (most recent call last):
    ValueError: unknown method 'dens'; allowed: dense, factored, fused; did you mean 'dense'?
    """
    named(name)
    del _ALGORITHMS[name]


def methods() -> tuple[Method, ...]:
    """``"auto"`` and the names of all algorithms."""
    return (AUTO, *_ALGORITHMS)


def algorithms() -> tuple[Algorithm, ...]:
    """All algorithms, in the order in which they were registered."""
    return tuple(_ALGORITHMS.values())


def reference() -> Algorithm:
    """The algorithm that computes every convolution, everywhere: the first one."""
    return next(iter(_ALGORITHMS.values()))


def named(name: str) -> Algorithm:
    """The algorithm of a name.

    Args:
      name: one of `methods`, but not ``"auto"``.

    Raises:
      ValueError: for another.

    >>> type(named("factored")).__name__
    'Factored'
    """
    if name not in _ALGORITHMS:
        raise unknown("method", name, tuple(_ALGORITHMS))
    return _ALGORITHMS[name]


def require_method(method: str) -> Method:
    """Returns a method; raises a ValueError for anything else, and where the installed packages lack what it needs."""
    if method not in methods():
        raise unknown("method", method, methods())
    why = None if method == AUTO else named(method).missing()
    if why is not None:
        others = ", ".join(repr(name) for name in methods() if name != method)
        raise invalid("method", method, f"{others}, for {why}", repr(named(method).instead or reference().name))
    return method


def require_possible(method: str, convolution: Convolution) -> Method:
    """Returns a method of a convolution; raises a ValueError for any other, or one that cannot compute it."""
    if require_method(method) == AUTO:
        return method
    why = named(method).obstacle(convolution)
    if why is None:
        return method
    allowed = [repr(name) for name in (AUTO, *(algorithm.name for algorithm in possible(convolution)))]
    nearest = nearest_possible(method, convolution)
    raise invalid("method", method, f"{', '.join(allowed[:-1])} or {allowed[-1]}, for {why}", repr(nearest))


def nearest_possible(method: Method, convolution: Convolution) -> Method:
    """The method itself, or the one that takes its place where its algorithm cannot compute a convolution."""
    while method != AUTO and named(method).obstacle(convolution) is not None:
        method = named(method).instead or reference().name
    return method


def possible(convolution: Convolution) -> tuple[Algorithm, ...]:
    """The algorithms that can compute a convolution.

    Args:
      convolution: what is computed, e.g. `geomdl.layers.Conv.convolution`.

    >>> from flax import nnx
    >>> from geomdl.layers import Conv
    >>> from geomdl.representations import FieldType
    >>> layer = Conv(FieldType("C4", "1 trivial"), FieldType("C4", "1 regular"), 3, rngs=nnx.Rngs(0))
    >>> "dense" in [algorithm.name for algorithm in possible(layer.convolution)]
    True
    """
    return tuple(algorithm for algorithm in algorithms() if algorithm.obstacle(convolution) is None)


def practical(convolution: Convolution) -> tuple[Algorithm, ...]:
    """Those of them that are of use on the devices here."""
    return tuple(algorithm for algorithm in possible(convolution) if algorithm.is_practical())


def chosen(convolution: Convolution, size: Size) -> Algorithm:
    """What ``"auto"`` takes for images of a size: the algorithm of the least expected cost and overhead.

    Where some length is not known, as for export, the first algorithm of all. A batch divided over devices is not
    looked at.
    """
    best = reference()
    if not all(isinstance(n, int) for n in size):
        return best
    least = best.overhead + best.expected_cost(convolution, size)
    for algorithm in algorithms()[1:]:
        if algorithm.overhead >= least or algorithm.obstacle(convolution) is not None:
            continue
        cost = algorithm.overhead + algorithm.expected_cost(convolution, size)
        if cost < least:
            best, least = algorithm, cost
    return best


def algorithm_for(method: Method, convolution: Convolution, size: Size) -> Algorithm:
    """What computes images of a size: the algorithm of the method, or what ``"auto"`` takes."""
    return chosen(convolution, size) if method == AUTO else named(method)
