"""Every test sees four CPU devices, strict dtype promotion, and array shapes checked against their annotations."""

import atexit
import functools
import gc
import os
import runpy
import shutil
import signal
import sys
import tempfile
import types
from collections.abc import Callable
from fnmatch import fnmatchcase
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # experiments and paper_figures are read from the checkout
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if "GEOMDL_TESTS" not in os.environ:  # workers and the processes that tests start share what is compiled
    os.environ["GEOMDL_TESTS"] = os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="geomdl-tests-")
    atexit.register(shutil.rmtree, os.environ["GEOMDL_TESTS"], ignore_errors=True)
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = (
    "0.03"  # single operations take longer to write than to compile
)
if "--xla_force_host_platform_device_count" not in os.environ.get("XLA_FLAGS", ""):
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"

import hypothesis
import jax
import jax._src.compiler as jax_compiler
import jax._src.interpreters.mlir as jax_lowering
import jaxtyping
import matplotlib as mpl
import pytest
from beartype import BeartypeConf, beartype

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in the background of a shell, which would have no Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
gc.set_threshold(100_000, 20, 100)  # tracing makes many small objects, which collecting goes through
jax.config.update("jax_numpy_dtype_promotion", "strict")
mpl.use("Agg")


def _names_shapes(thing: object) -> bool:
    """Whether a function, or a field of a class, is annotated with the shape of an array."""
    if isinstance(thing, property):
        return any(map(_names_shapes, (thing.fget, thing.fset, thing.fdel)))
    kinds = thing.__mro__ if isinstance(thing, type) else (getattr(thing, "__func__", thing),)
    hints = [hint for kind in kinds for hint in getattr(kind, "__annotations__", {}).values()]
    return any("jaxtyping" in f"{getattr(hint, '__module__', '')}{hint!r}" for hint in hints)


def _where_shapes_are_named(jaxtyped: Callable) -> Callable:
    """The decorator of jaxtyping for what names shapes: it binds arguments, which takes longer than most functions."""

    def jaxtyped_there(*, typechecker: str) -> Callable:
        decorate = jaxtyped(typechecker=typechecker)
        return lambda thing: decorate(thing) if _names_shapes(thing) else thing

    return jaxtyped_there


sys.modules["geomdl_array_checker"] = types.ModuleType("geomdl_array_checker")
sys.modules["geomdl_array_checker"].check = beartype(conf=BeartypeConf(is_pep484_tower=True))  # type: ignore[attr-defined]
jaxtyping.jaxtyped = _where_shapes_are_named(jaxtyping.jaxtyped)
# Only where signatures name shapes: group theory is called far more often, and has nothing to check.
SHAPED = ("actions.labels", "data", "evaluators", "layers", "models", "plots", "tasks", "training")
jaxtyping.install_import_hook([f"geomdl.{name}" for name in SHAPED], "geomdl_array_checker.check")

# Properties are checked on the same examples in every run; an example that compiles may take seconds.
hypothesis.settings.register_profile("geomdl", deadline=None, derandomize=True, max_examples=8)
hypothesis.settings.load_profile("geomdl")

# Most tests compile far more than they compute, and look at values alone. They compile quickly: LLVM does not optimise
# (XLA does all the same), and XLA writes its loops in the older of its two ways, which takes a third of the time where
# there is much to compile; other versions may not know that option, and stop at what they do not know. Users do not
# compile so: tests of gradients, training and agreement have the marker `compiled`, and tests/test_compilation.py shows
# that values do not depend on it. GEOMDL_COMPILE=users compiles everything as users do, GEOMDL_COMPILE=quick nothing.
QUICK: dict[str, int | bool] = {"xla_backend_optimization_level": 0}
if version("jaxlib").startswith("0.10."):
    QUICK["xla_cpu_use_fusion_emitters"] = False
_AS_USERS = ("training",)  # folders all of whose tests have the marker, but those of
_OF_FILES = (  # files, records and measures, where any trained network will do
    "test_changes.py",
    "test_checkpoint.py",
    "test_checkpoint_interval.py",
    "test_input_faults.py",
    "test_own_names.py",
    "test_parameter_mismatch.py",
    "test_regression.py",
    "test_segmentation.py",
    "test_advice.py",
    "test_summaries_and_reports.py",
    "test_survival.py",
    "test_workdir_and_writers.py",
)
_options = jax_compiler.get_compile_options
_quick = os.environ.get("GEOMDL_COMPILE") != "users"  # also what test files make when they are imported
_file: Path | None = None


def _compile_options(*arguments, **keywords):
    options = _options(*arguments, **keywords)
    if _quick:
        options.env_option_overrides = [*options.env_option_overrides, *QUICK.items()]
    return options


jax_compiler.get_compile_options = _compile_options

# Every lowering makes an MLIR context and loads all dialects into it, a fifth of the time that a single operation takes
# to compile. The lowerings of a test file share one.
_shared_context = functools.lru_cache(jax_lowering.make_ir_context)
jax_lowering.make_ir_context = _shared_context


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures, of whatever scope. What is compiled in one way is not used in the other."""
    global _quick, _file
    if item.path != _file:
        _file = item.path
        _shared_context.cache_clear()
    wanted = os.environ.get("GEOMDL_COMPILE") or ("users" if item.get_closest_marker("compiled") else "quick")
    if wanted not in ("users", "quick"):
        raise pytest.UsageError(f"GEOMDL_COMPILE is {wanted!r}; allowed: 'users', 'quick'")
    if (wanted == "quick") != _quick:
        _quick = wanted == "quick"
        jax.clear_caches()


@pytest.fixture
def quick() -> dict[str, int | bool]:
    """The options of quick compilation."""
    return dict(QUICK)


_LONG = ("test_quality.py", "test_distributed.py")
_SAMPLED = runpy.run_path(str(Path(__file__).with_name("sampled.py")))
_TAKEN, _LONG_EXAMPLES = _SAMPLED["TAKEN"], _SAMPLED["LONG_EXAMPLES"]


def _left_out(item: pytest.Item) -> bool:
    """Whether a case is for ``pytest -m long``: see tests/sampled.py."""
    name, _, case = item.name.partition("[")
    if name in _LONG_EXAMPLES:
        return True
    return name in _TAKEN and not any(fnmatchcase(case.removesuffix("]"), pattern) for pattern in _TAKEN[name])


@pytest.hookimpl(tryfirst=True)  # before pytest leaves out what is long
def pytest_collection_modifyitems(items: list) -> None:
    """The longest tests first, as one that comes last is waited for; what compiles in one way stands together."""
    for item in items:
        if item.path.parent.name in _AS_USERS and item.path.name not in _OF_FILES:
            item.add_marker("compiled")
        if _left_out(item):
            item.add_marker("long")
    items.sort(key=lambda item: (item.path.name not in _LONG, item.get_closest_marker("compiled") is None))
