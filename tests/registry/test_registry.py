"""Registries: names of one's own, several names for one class, lazy ones, plug-ins, and errors."""

import dataclasses
import sys
from pathlib import Path

import pytest

from geomdl.models import MODELS
from geomdl.models.core.model_class import model_class
from geomdl.registry import Registry, UnknownName


@dataclasses.dataclass(frozen=True)
class Net:
    """A network of some depth."""

    depth: int = 2
    width: int = 8

    def build(self, image_shape, num_classes, *, rngs): ...


def nets(group: str | None = None) -> Registry:
    """Three names for one class, as of a family of residual networks."""
    registry = Registry("model.name", group=group, adapt=model_class)
    for name, depth in (("net18", 18), ("net34", 34)):
        registry.register(name, Net, {"depth": depth})
    registry.register("net", Net)
    return registry


def test_one_class_with_many_names() -> None:
    registry = nets()
    assert list(registry) == ["net18", "net34", "net"]
    assert len(registry) == 3
    assert registry["net34"](width=3) == Net(34, 3)
    assert registry["net"] is Net
    assert [registry.name_of(Net(depth)) for depth in (18, 34, 5)] == ["net18", "net34", "net"]
    assert registry.find("net18").defaults == {"depth": 18}


def test_a_mapping_of_registered_names() -> None:
    registry = nets()
    assert "net" in registry
    assert "nte" not in registry
    assert registry.get("nte") is None
    with pytest.raises(KeyError):
        registry["nte"]
    assert "cnn" in MODELS
    kinds = {name: getattr(found, "func", found) for name, found in MODELS.items()}  # some names have defaults
    assert {name for name, kind in kinds.items() if dataclasses.is_dataclass(kind)} == set(MODELS)


def test_a_taken_name() -> None:
    registry = nets()
    registry.register("net", Net)  # once more the same
    with pytest.raises(ValueError, match=r"model.name 'net' is taken by .*:Net; choose another name, or replace=True"):
        registry.register("net", dataclasses.make_dataclass("Other", [], namespace={"build": Net.build}))
    with pytest.raises(ValueError, match="'net18' is taken"):
        registry.register("net18", Net, {"depth": 19})
    registry.register("net18", Net, {"depth": 19}, replace=True)
    assert registry["net18"]().depth == 19
    assert registry.find("net18")() == Net(19)


@pytest.mark.parametrize(
    ("register", "message"),
    [
        (lambda r: r.register("my:net", Net), "invalid model.name 'my:net'; allowed: a name without a colon"),
        (lambda r: r.register("net.py", Net), "allowed: a name without a colon that is no file"),
        (lambda r: r.register("wide", Net, {"widht": 3}), "unknown default of .*'widht'; .*did you mean 'width'"),
        (lambda r: r.register("number", 3), "invalid model 'number'; allowed: a config class or a function"),
        (lambda r: r.register("sum", lambda x: x), r"sum takes \(x\), but what makes a model must take image_shape"),
    ],
)
def test_what_cannot_be_registered(register, message: str) -> None:
    registry = nets()
    with pytest.raises(ValueError, match=message):
        register(registry)
    assert len(registry) == 3


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("net43", "unknown model.name 'net43'; allowed: net18, .*path/file.py:Name; did you mean 'net34'"),
        ("my_package.Net", "did you mean 'my_package:Net'"),
        (None, "unknown model.name None"),
        (["net"], r"unknown model.name \['net'\]"),
    ],
)
def test_unknown_names(name, message: str) -> None:
    with pytest.raises(UnknownName, match=message):
        nets().find(name)


def test_references_are_loaded_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lazy_net.py").write_text("from tests_of_registry import Net")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tests_of_registry", sys.modules[__name__])
    registry = nets()
    registry.register("lazy", "lazy_net:Net", {"depth": 7})
    registry.register("lazier", "no_such_module:Net")
    assert "lazy" in registry
    assert len(registry) == 5
    assert "lazy_net" not in sys.modules
    assert registry["lazy"]() == Net(7)
    with pytest.raises(ValueError, match=r"cannot find the module no_such_module of model.name 'no_such_module:Net'"):
        registry["lazier"]


def distribution(folder: Path, name: str, **points: str) -> None:
    """What installing a package with entry points would leave."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = [f"{key} = {value}" for key, value in points.items()]
    (about / "entry_points.txt").write_text("\n".join(["[geomdl.test_models]", *lines, ""]))


def test_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fine_plugin.py").write_text(
        "def network(image_shape, num_classes, *, rngs, width: int = 4):\n    '''A network.'''\n"
    )
    (tmp_path / "sick_plugin.py").write_text("\nraise RuntimeError('no licence')\n")
    distribution(tmp_path, "fine-nets", plugged="fine_plugin:network", net="fine_plugin:network", both="a:b")
    distribution(tmp_path, "sick-nets", sick="sick_plugin:network", both="c:d")
    monkeypatch.syspath_prepend(tmp_path)
    registry = nets("geomdl.test_models")
    assert registry["net"] is Net  # what is registered is found without reading entry points
    assert list(registry) == ["net18", "net34", "net", "both", "plugged", "sick"]
    assert registry.registered == ("net18", "net34", "net")
    assert registry["plugged"](width=3).width == 3
    assert registry.find("plugged").plugin_of == "fine-nets"
    assert registry.name_of(registry["plugged"]()) == "plugged"
    assert registry["net"] is Net
    assert registry.refused == {"net": f"the model.name of fine-nets has no effect: {__name__}:Net has this name"}
    with pytest.raises(ValueError, match=r"'sick', a plug-in of sick-nets: .*no licence \(.*sick_plugin.py, line 2\)"):
        registry["sick"]
    with pytest.raises(ValueError, match="'both' is that of several plug-ins, a:b of fine-nets and c:d of sick-nets"):
        registry["both"]
