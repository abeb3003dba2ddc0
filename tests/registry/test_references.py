"""``package.module:Name`` and ``path/file.py:Name``: what they mean from where, and what is said of those that fail."""

import sys
import textwrap
from pathlib import Path

import pytest

from geomdl.registry import canonical, function_config, load, options, reference_of


@pytest.fixture(autouse=True)
def _modules_forgotten(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(textwrap.dedent(text))
    return file


def test_one_object_by_many_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "shelf" / "own_nets.py", "class Net:\n    def build(self): pass\nruns = []")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    net = load(f"{file}:Net")
    for reference in ("shelf/own_nets.py:Net", "~/shelf/own_nets.py:Net", "./shelf/../shelf/own_nets.py:Net"):
        assert canonical(reference) == f"{file}:Net"
        assert load(reference) is net
    assert canonical("own_nets.py:Net", folders=[tmp_path, file.parent]) == f"{file}:Net"
    assert canonical("own_nets:Net", folders=[tmp_path, file.parent]) == f"{file}:Net"
    assert reference_of(net) == f"{file}:Net"
    assert load(f"{file}:Net.build") is net.build
    assert reference_of(load("json:JSONDecoder")) == "json.decoder:JSONDecoder"


def test_the_first_folder_that_has_it(tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / name / "twice.py", f"name = '{name}'")
    assert load("twice.py:name", folders=[tmp_path / "b", tmp_path / "a"]) == "b"
    assert load("twice.py:name", folders=[tmp_path / "a", tmp_path / "b"]) == "a"
    assert load("twice:name", folders=[tmp_path / "c", tmp_path / "b"]) == "b"


def test_files_beside_it_and_packages_around_it(tmp_path: Path) -> None:
    write(tmp_path / "own_widths.py", "width = 3")
    write(tmp_path / "top.py", "from own_widths import width")
    assert load(f"{tmp_path}/top.py:width") == 3
    write(tmp_path / "own_package" / "__init__.py", "")
    write(tmp_path / "own_package" / "inner" / "__init__.py", "from own_package.depths import depth")
    write(tmp_path / "own_package" / "depths.py", "depth = 4")
    write(tmp_path / "own_package" / "inner" / "net.py", "from ..depths import depth\nfrom . import depth as again")
    assert load("own_package.inner.net:again", folders=[tmp_path]) == 4
    assert canonical("own_package.inner:depth", folders=[tmp_path]) == f"{tmp_path}/own_package/inner/__init__.py:depth"
    assert load(f"{tmp_path}/own_package/inner/__init__.py:depth") == 4


def test_a_file_hides_no_module_of_its_name(tmp_path: Path) -> None:
    file = write(
        tmp_path / "json.py",
        """
        from dataclasses import dataclass
        @dataclass
        class Net:
            width: "int" = 3
        """,
    )
    assert load(f"{file}:Net")().width == 3
    import json

    assert json.loads("3") == 3
    assert reference_of(load(f"{file}:Net")) == f"{file}:Net"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("own.py", "invalid model.name 'own.py'; allowed: package.module:Name or path/file.py:Name; try own.py:Name"),
        ("own.py:", "invalid model.name 'own.py:'"),
        ("own net:Net", "invalid model.name 'own net:Net'; allowed: package.module:Name"),
        ("folder/own:Net", "allowed: a file that ends in .py, with :Name behind it; try folder/own.py:Net"),
        ("own_nts.py:Net", "a Python file that exists, but .* has no own_nts.py; did you mean 'own_nets.py:Net'"),
        ("own_nts:Net", "cannot find the module own_nts .* nor in .*; did you mean 'own_nets:Net'"),
        ("jsn:loads", "cannot find the module jsn .*did you mean 'json:loads'"),
        ("json.decodr:Net", "cannot import json.decodr: ModuleNotFoundError"),
        ("own_nets.py:Nte", "unknown name in .*own_nets.py 'Nte'; allowed: Net; did you mean 'Net'"),
        ("own_nets:Net.buidl", "unknown name in .*own_nets.py 'buidl'; .*did you mean 'build'"),
        ("sick.py:Net", r"cannot import .*sick.py: ZeroDivisionError: .* \(.*sick.py, line 2\)"),
        ("uses_sick.py:Net", r"cannot import .*uses_sick.py: ZeroDivisionError: .* \(.*sick.py, line 2\)"),
        ("typo.py:Net", r"cannot import .*typo.py: SyntaxError: .* \(.*typo.py, line 3\)"),
        ("leaves.py:Net", "cannot import .*leaves.py: SystemExit: 3"),
        ("calls.py:Net", r"cannot import .*calls.py: JSONDecodeError: .* \(.*calls.py, line 4\)"),
    ],
)
def test_references_that_fail(reference: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "own_nets.py", "class Net:\n    def build(self): pass")
    write(tmp_path / "sick.py", "Net = 3\n1 / 0")
    write(tmp_path / "uses_sick.py", "import sick")
    write(tmp_path / "typo.py", "Net = 3\n\nclass Net(:")
    write(tmp_path / "leaves.py", "import sys\nsys.exit(3)")
    write(tmp_path / "calls.py", "import json\n\ndef f():\n    json.loads('')\n\nf()")
    monkeypatch.chdir(tmp_path)
    for _ in range(2):  # a second time no half of a module is found
        with pytest.raises(ValueError, match=message):
            load(reference, what="model.name")


def test_what_has_no_reference() -> None:
    class Local: ...

    with pytest.raises(ValueError, match="at the top level of a module"):
        reference_of(Local)


def test_a_function_as_config_class() -> None:
    def network(size, *, rngs, depth: int, width=16, kernels: list[int] = [3, 3], scale: object = 0.5, act=abs): ...  # noqa: B006

    kind = function_config(network, "n.py:network", what="model", given=("size", "rngs"), members={"made": True})
    made = kind(depth=2, kernels=[5, [7]])
    assert repr(made) == "network(depth=2, width=16, kernels=(5, (7,)), scale=0.5)"
    assert made == kind(depth=2, kernels=(5, (7,)))
    assert hash(made) == hash(kind(depth=2, kernels=(5, (7,))))
    assert options(made) == {"depth": 2, "width": 16, "kernels": [5, (7,)], "scale": 0.5}
    assert made.made
    hints = {name: field.type for name, field in kind.__dataclass_fields__.items()}
    assert hints == {"depth": int, "width": int | float, "kernels": list[int], "scale": float}
    with pytest.raises(TypeError, match="depth"):
        kind()
