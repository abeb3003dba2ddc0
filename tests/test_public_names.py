"""What users import: every public name is documented, is stable or experimental, and is what studies import.

Sources are read, not run, so that a class or function is judged by the docstring that stands in its own file.
"""

import ast
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments.tables.public_names import MODULES, PACKAGES, PAGE, page

ROOT = Path(__file__).parents[1]

WITHOUT_ARGUMENTS: dict[str, str] = {
    "geomdl.equivariance": "Row compose",
    "geomdl.training": "build_model",
}
"""Public names whose docstring does not say yet what each argument is."""

WITHOUT_EXAMPLE: dict[str, str] = {
    "geomdl.representations": "Block",
    "geomdl.equivariance": (
        "Consistency Decibels FeatureEquivariance FiringInvariance LayerErrors LieDerivatives Model "
        "OrbitErrors OrbitSpread PositionLeak Promise Report Row WorstCase eq_r eq_scale eq_t_frac "
        "worst_on_grid"
    ),
    "geomdl.kernels": "BasisFunction centre_weights orthogonal_map",
    "geomdl.layers": "Frozen",
    "geomdl.models": (
        "Exported LocalConfig ModelConfig PerceptronConfig Summary TranslationInvariantConfig Tuned autotune export"
    ),
    "geomdl.data": "Column DataConfig DeviceLoader MNISTRotConfig NucleiConfig StreamLoader TFDSConfig",
    "geomdl.evaluators": (
        "InvarianceError Metrics RotationConsistency RotationSweep ShiftSweep invariance_error rotated_images "
        "rotation_consistency rotation_sweep shift_sweep"
    ),
    "geomdl.plots": (
        "Line accuracy_against_angle accuracy_against_shift curves draw_table heatmap panel pipeline read_csv "
        "save segmentation_figure"
    ),
    "geomdl.training": (
        "Checkpoints JsonlWriter Profiler ProgressBar Result Run Strategy TensorBoardWriter TrainState "
        "Trained Workdir build_model find_runs initial_state load_trained make_apply make_train_step "
        "read_config read_metrics read_run train write_report"
    ),
    "geomdl.audit": "Audit Images Measurement Verdict read_images",
    "geomdl.testing": "Case Judgement Trial blobs dtypes natural_like",
}
"""Public classes and functions without a doctest."""

BEHIND: dict[str, set[str]] = {
    "experiments/benchmarks/checkpoint_overhead.py": {
        "geomdl.cli.support.compilation_cache", "geomdl.cli.support.config_file", "geomdl.cli.support.quiet",
    },
    "experiments/benchmarks/cost_model.py": {"geomdl.layers.convolution.algorithms.factored_cost"},
    "experiments/benchmarks/factored.py": {
        "geomdl.kernels.factored.plan", "geomdl.layers.convolution.algorithms.mixing_matrices",
    },
    "experiments/benchmarks/factored_network.py": {"geomdl.layers.transforms.conv_inputs"},
    "experiments/benchmarks/input.py": {"geomdl.cli.support.config_file"},
    "experiments/benchmarks/soak.py": {"geomdl.training.loop.parts"},
    "experiments/tables/symmetry.py": {
        "geomdl.layers.contract_table.entries", "geomdl.layers.contract_table.sampling",
        "geomdl.layers.contract_table.volumes", "geomdl.models.contract_table",
    },
}  # fmt: skip
"""Modules behind the packages' faces that a study or benchmark imports, because it measures what is inside."""


class Public(NamedTuple):
    """A public name, and where it is defined."""

    name: str
    package: str
    module: ast.Module
    node: ast.stmt


@cache
def _parsed(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]


def _constant(package: str, name: str) -> tuple[str, ...]:
    """A tuple or list of strings that a package's face assigns."""
    values = [node.value for node in _parsed(package).body if isinstance(node, ast.Assign) and name in _names_of(node)]
    return tuple(ast.literal_eval(values[0])) if values else ()


@cache
def public(package: str) -> tuple[Public, ...]:
    """The names in a package's ``__all__``, each with the statement that defines it."""
    face = _parsed(package)
    home = {
        alias.asname or alias.name: node.module
        for node in ast.walk(face)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    found = []
    for name in _constant(package, "__all__"):
        module = _parsed(home.get(name, package))
        nodes = [node for node in module.body if name in _names_of(node)]
        assert nodes, f"{package}.{name} is not defined in {home.get(name, package)}; import it from where it is"
        found.append(Public(name, package, module, nodes[0]))
    return tuple(found)


def _docstring(name: Public) -> str:
    """Of a class or function its own; of values the string below the assignments."""
    if isinstance(name.node, ast.FunctionDef | ast.ClassDef):
        return ast.get_docstring(name.node) or ""
    after = name.module.body[name.module.body.index(name.node) :]
    below = next((node for node in after if not isinstance(node, ast.Assign | ast.AnnAssign)), None)
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
        return str(below.value.value)
    return ""


def _arguments(node: ast.stmt) -> list[str]:
    """What is given when it is called: parameters of a function; of a class its fields, or those of ``__init__``."""
    if isinstance(node, ast.FunctionDef):
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        return [argument.arg for argument in given if argument.arg not in ("self", "cls")]
    if not isinstance(node, ast.ClassDef) or _is_protocol(node):
        return []
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            return [argument for argument in _arguments(method) if argument != "rngs"]
    fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and _is_given(n)]
    names = [field.target.id for field in fields if isinstance(field.target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def _is_given(field: ast.AnnAssign) -> bool:
    """Fields are, but for variables of the class and ``field(init=False)``."""
    constant = field.value is not None and "init=False" in ast.unparse(field.value)
    return not constant and not ast.unparse(field.annotation).startswith("ClassVar")


def _is_protocol(node: ast.ClassDef) -> bool:
    return any("Protocol" in ast.unparse(base) for base in node.bases)


def _explained(name: Public) -> set[str]:
    """Arguments with a line of their own, ``name: …``, or named in a sentence, in the docstring or that of a base."""
    value = getattr(importlib.import_module(name.package), name.name)
    bases = value.__mro__[1:-1] if isinstance(value, type) else ()
    like = re.findall(r"[Aa]rgs as in `(\w+)`", _docstring(name))
    others = [_docstring(other) for other in public(name.package) if other.name in like]
    text = "\n".join([_docstring(name), *others, *(inspect.getdoc(base) or "" for base in bases)])
    lines = re.findall(r"(?m)^ *([\w*, ]+):(?: |$)", text) + re.findall(r"``(\w+)``", text)
    return {word for line in lines for word in re.split(r"[ ,*]+", line)}


def _has_example(name: Public) -> bool:
    """Exceptions and protocols need none."""
    value = getattr(importlib.import_module(name.package), name.name)
    if isinstance(value, type) and (issubclass(value, BaseException) or _is_protocol(name.node)):
        return True
    inside = [n for n in ast.walk(name.node) if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    about = [ast.get_docstring(node) or "" for node in inside]
    above = ast.get_docstring(name.module) or ""
    return any(">>>" in text for text in about) or (
        ">>>" in above and re.search(rf"\b{name.name}\b", above) is not None
    )


def _differs(found: set[str], listed: set[str], what: str) -> str:
    new, mended = sorted(found - listed), sorted(listed - found)
    lines = [f"{what}: {', '.join(new)}"] if new else []
    return "\n".join([*lines, *([f"no longer, take off the list: {', '.join(mended)}"] if mended else [])])


packages = pytest.mark.parametrize("package", [f"geomdl.{name}" for name in (*PACKAGES, *MODULES)])


def test_every_package_has_a_face():
    """A new package of geomdl joins the list, so that what follows is asked of it too."""
    folders = {path.parent.name for path in (ROOT / "geomdl").glob("*/__init__.py")}
    assert folders - {"cli"} == set(PACKAGES)


@packages
def test_every_public_name_has_a_docstring(package: str):
    missing = [name.name for name in public(package) if not _docstring(name)]
    assert not missing, f"{package}: no docstring: {', '.join(missing)}"


@packages
def test_every_argument_of_a_public_name_is_explained(package: str):
    found = {name.name for name in public(package) if set(_arguments(name.node)) - _explained(name)}
    wrong = _differs(
        found, set(WITHOUT_ARGUMENTS.get(package, "").split()), f"{package}: arguments not explained (Args:)"
    )
    assert not wrong, wrong


@packages
def test_every_public_class_and_function_has_an_example(package: str):
    callables = [name for name in public(package) if isinstance(name.node, ast.FunctionDef | ast.ClassDef)]
    found = {name.name for name in callables if not _has_example(name)}
    wrong = _differs(found, set(WITHOUT_EXAMPLE.get(package, "").split()), f"{package}: no doctest")
    assert not wrong, wrong


@packages
def test_experimental_names_are_public(package: str):
    assert set(_constant(package, "__experimental__")) <= set(_constant(package, "__all__"))


def test_the_page_of_stable_and_experimental_names():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m experiments.tables.public_names"


@packages
def test_public_names_are_there(package: str):
    """Also where they are imported on first use, and where a module beside them has the same name."""
    face = importlib.import_module(package)
    for name in face.__all__:
        assert type(getattr(face, name)).__name__ != "module", f"{package}.{name} is a module"
        assert name in dir(face)


@pytest.mark.parametrize("package", ["geomdl.training", "geomdl.testing"])
def test_names_on_first_use_are_those_that_type_checkers_see(package: str):
    face = _parsed(package)
    checked = {
        node.module.removeprefix(f"{package}."): {alias.name for alias in node.names}
        for node in ast.walk(face)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("geomdl.")
        and node.module != "geomdl.lazy"
    }
    modules = importlib.import_module(package)._MODULES
    assert {module: set(names) for module, names in modules.items()} == checked
    assert sorted(_constant(package, "__all__")) == sorted(name for names in checked.values() for name in names)


@pytest.mark.parametrize(("old", "new"), [("Concatenated", "CReLU"), ("HalfSize", "ReducedSize")])
def test_old_names_work_and_say_what_to_write(old: str, new: str):
    layers = importlib.import_module("geomdl.layers")
    with pytest.warns(DeprecationWarning, match=f"geomdl.layers.{old} is now geomdl.layers.{new}"):
        assert getattr(layers, old) is getattr(layers, new)


def test_a_typing_error_in_a_public_name():
    with pytest.raises(ImportError, match="trian"):
        exec("from geomdl.training import trian")
    with pytest.raises(AttributeError, match="Convolution"):
        _ = importlib.import_module("geomdl.layers").Convolution


def _imports(source: str) -> list[tuple[str, str]]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module]
    return [(node.module or "", alias.name) for node in nodes for alias in node.names]


def _snippets(text: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_studies_figures_configs_and_pages_import_public_names():
    scripts = [path for folder in ("experiments", "paper_figures", "configs") for path in (ROOT / folder).rglob("*.py")]
    texts = [(path, path.read_text(encoding="utf-8")) for path in scripts]
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    texts += [(path, snippet) for path in pages for snippet in _snippets(path.read_text(encoding="utf-8"))]
    faces = {f"geomdl.{name}": set(_constant(f"geomdl.{name}", "__all__")) for name in (*PACKAGES, *MODULES)}
    behind: dict[str, set[str]] = {}
    for path, text in texts:
        for module, name in _imports(text):
            if not module.startswith("geomdl") or name in faces.get(module, ()) or f"{module}.{name}" in faces:
                continue
            behind.setdefault(path.relative_to(ROOT).as_posix(), set()).add(module)
    new = {path: sorted(modules - BEHIND.get(path, set())) for path, modules in behind.items()}
    mended = {path: sorted(modules - behind.get(path, set())) for path, modules in BEHIND.items()}
    assert not {k: v for k, v in new.items() if v}, "import these names from the package's face (its __init__)"
    assert not {k: v for k, v in mended.items() if v}, "take these off the list BEHIND"
