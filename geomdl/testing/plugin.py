"""The pytest plugin: a fixture ``symmetry``, a marker ``equivariance``, and a summary of what was measured.

It is registered by the entry point ``pytest11``, so it is there wherever geomdl is installed. It imports nothing of
geomdl or JAX before a test asks for it.
"""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from geomdl.equivariance.contracts.report import Report
    from geomdl.testing.trial import Trial

PROPERTY = "symmetry"
"""The name of the user property under which results travel with reports, also from the workers of pytest-xdist."""

MARKER = (
    "equivariance(group='C4', output='invariant', **options): a symmetry test. The function returns a model, which is"
    " checked; or it uses the fixture `symmetry`, whose checks take these options as defaults. Options are those of"
    " geomdl.testing.assert_equivariant."
)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker."""
    config.addinivalue_line("markers", MARKER)


class SymmetryAssertions:
    """What the fixture ``symmetry`` gives: assertions whose results are listed at the end of the session.

    The options of a marker ``equivariance`` on the test are the defaults.
    """

    def __init__(self, node: pytest.Item, defaults: Mapping[str, Any]) -> None:
        self._node = node
        self._defaults = defaults

    def invariant(self, model: Any, x: Any = None, **options: Any) -> "Trial":
        """`geomdl.testing.assert_invariant`."""
        __tracebackhide__ = True
        return self.equivariant(model, x, **{**options, "output": "invariant"})

    def equivariant(self, model: Any, x: Any = None, **options: Any) -> "Trial":
        """`geomdl.testing.assert_equivariant`."""
        __tracebackhide__ = True
        from geomdl.testing.assertions import assert_equivariant

        return self._keep(assert_equivariant, model, x, **{**self._defaults, **options})

    def contract(self, module: Any, key: Any = 0, **options: Any) -> "Report":
        """`geomdl.testing.assert_contract`."""
        __tracebackhide__ = True
        from geomdl.testing.assertions import assert_contract

        return self._keep(assert_contract, module, key, **options)

    def _keep(self, check: Any, model: Any, *args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        from geomdl.testing.assertions import SymmetryError

        try:
            result = check(model, *args, **options)
        except SymmetryError as error:
            self._node.user_properties.append((PROPERTY, _row(model, error.trial, str(error))))
            raise
        self._node.user_properties.append((PROPERTY, _row(model, result, "")))
        return result


@pytest.fixture
def symmetry(request: pytest.FixtureRequest) -> SymmetryAssertions:
    """Asserts symmetries of models: ``symmetry.invariant(model, group="C4", size=8)``, ``.equivariant``, ``.contract``.

    A summary of all of them follows the tests. See `geomdl.testing`.
    """
    return SymmetryAssertions(request.node, _options(request.node))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Takes the model that a marked test returns, and checks it."""
    if pyfuncitem.get_closest_marker("equivariance") is None:
        return (yield)
    __tracebackhide__ = True
    test, returned = pyfuncitem.obj, []

    def call(*args: Any, **kwargs: Any) -> None:
        __tracebackhide__ = True
        returned.append(test(*args, **kwargs))

    pyfuncitem.obj = call
    try:
        result = yield
    finally:
        pyfuncitem.obj = test
    model = returned[0] if returned else None
    uses_fixture = "symmetry" in pyfuncitem.fixturenames
    if model is None and not uses_fixture:
        pytest.fail(f"{pyfuncitem.name} is marked equivariance, but neither returns a model nor uses `symmetry`", False)
    if model is not None:
        options = _options(pyfuncitem)
        SymmetryAssertions(pyfuncitem, {"output": "invariant", **options}).equivariant(model)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds the table of the layers to the report of a failure."""
    report = yield
    error = None if call.excinfo is None else call.excinfo.value
    layers = getattr(error, "layers", None)
    if layers is not None and hasattr(error, "trial"):
        report.sections.append(("symmetry: layer by layer", str(layers)))
    return report


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter") -> None:
    """Prints one line for every symmetry that was asserted."""
    rows = [
        (report.nodeid, value)
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in getattr(report, "user_properties", ())
        if name == PROPERTY and isinstance(value, dict)
    ]
    if not rows:
        return
    terminalreporter.section("symmetry")
    table = [("test", "model", "symmetry", "size", "worst error", "limit", "result")]
    table += [
        (
            nodeid.split("::", 1)[-1], row["model"], row["promise"], row["size"], f"{row['error']:.1e}",
            f"{row['limit']:.1e}", row["result"],
        )
        for nodeid, row in sorted(rows, key=lambda r: r[0])
    ]  # fmt: skip
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    for line in table:
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        terminalreporter.write_line(text, red=line[-1] not in ("result", "kept"))


def _options(node: pytest.Item) -> dict[str, Any]:
    """The options of the markers, the nearest winning."""
    options: dict[str, Any] = {}
    for marker in node.iter_markers("equivariance"):
        if len(marker.args) > 1:
            raise pytest.UsageError(f"marker equivariance of {node.nodeid} takes one group; give options by name")
        options = {**dict(zip(("group",), marker.args, strict=False)), **marker.kwargs, **options}
    return options


def _row(model: Any, result: "Trial | Report", message: str) -> dict[str, Any]:
    """One line of the summary, of plain values that pytest-xdist can send."""
    from geomdl.testing.trial import Trial

    if isinstance(result, Trial):
        worst, size = result.worst, "x".join(map(str, result.size))
        name, promise, error, limit = result.model, result.promise, worst.error, worst.limit
        failed = "constant" if result.is_constant else "BROKEN"
    else:
        worst = max(result.promised, key=lambda row: row.error / (row.tolerance or 1.0), default=None)
        name, promise, size = type(model).__name__, "its contract", ""
        error, limit = (0.0, 0.0) if worst is None else (worst.error, worst.tolerance or 0.0)
        failed = "BROKEN" if result.alive else "constant"
    return {
        "model": name, "promise": promise, "size": size, "error": float(error), "limit": float(limit),
        "result": failed if message else "kept", "message": message,
    }  # fmt: skip
