"""A data set, a model, an optimiser, a schedule, a task and an evaluator from outside the package, by the command."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from flax import nnx
from safetensors.numpy import load_file

from geomdl.cli.main import main
from geomdl.models import MODELS
from geomdl.training import RunConfig, load_trained

BARS = '''
import numpy as np

from geomdl.data import Dataset, Split


def bars(size: int = 8, count: int = 64) -> Dataset:
    """Bars that lie or stand, at random places."""
    rng = np.random.default_rng(0)

    def split(n: int) -> Split:
        images, labels = np.zeros((n, size, size, 1), np.float32), rng.integers(0, 2, n).astype(np.int32)
        for image, lies, place in zip(images, labels, rng.integers(0, size, n), strict=True):
            image[(place, slice(None)) if lies else (slice(None), place)] = 1
        return Split(images, labels)

    return Dataset("bars", split(count), split(16), split(16), (size, size, 1), 2, ("stands", "lies"), "made here")


def number(size: int = 8, count: int = 64):
    return 3
'''

NETS = '''
import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import nnx

from geomdl.layers import Dropout
from geomdl.representations import FieldType
from geomdl.tasks import Classification


class Rows(nnx.Module):
    """Two dense layers on the largest values of rows and of columns."""

    def __init__(self, image_shape, num_classes, *, rngs, widths: tuple[int, ...] = (8,)):
        sizes = (2 * image_shape[0] * image_shape[2], *widths, num_classes)
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in zip(sizes[:-1], sizes[1:])])

    def __call__(self, x, *, train=False, key=None):
        x = jnp.concatenate([x.max(1), x.max(2)], 1).reshape(len(x), -1)
        for layer in self.layers[:-1]:
            x = jax.nn.relu(layer(x))
        return self.layers[-1](x)


def halved(learning_rate, total_steps, at: float = 0.5):
    return lambda step: learning_rate * jnp.where(step > at * total_steps, 0.5, 1.0)


def softened(dataset, label_smoothing: float = 0.1):
    return Classification(dataset.num_classes, "softmax", label_smoothing)


def confident(predict, split, task):
    scores = jax.nn.softmax(predict(jnp.asarray(split.images)))
    return {"confidence": float(scores.max(-1).mean())}


def closed(image_shape, num_classes, *, rngs):
    return lambda x: x


def stack(image_shape, num_classes, *, rngs):
    conv = nnx.Conv(image_shape[-1], 4, (3, 3), rngs=rngs)
    return nnx.Sequential(conv, nnx.relu, lambda x: x.max((1, 2)), nnx.Linear(4, num_classes, rngs=rngs))


class Linen(nn.Module):
    features: int = 2

    @nn.compact
    def __call__(self, x):
        return nn.Dense(self.features)(x.mean((1, 2)))


def bridged(image_shape, num_classes, *, rngs):
    return nnx.bridge.ToNNX(Linen(num_classes), rngs=rngs).lazy_init(jnp.zeros((1, *image_shape)))


def scaled(image_shape, num_classes, *, rngs):
    return Scaled()


def forgetful(image_shape, num_classes, *, rngs):
    return Forgetful(Dropout(FieldType("C4", "1 trivial"), 0.5))


class Forgetful(nnx.Module):
    def __init__(self, body):
        self.body = body

    def __call__(self, x):
        return self.body(x)


class Scaled(nnx.Module):
    def __call__(self, x, *, scale):
        return scale * x


class Tutorial(nnx.Module):
    """A network as Flax's tutorials write them, which knows nothing of geomdl."""

    def __init__(self, features: int = 8, rate: float = 0.2, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(1, features, (3, 3), rngs=rngs)
        self.norm = nnx.BatchNorm(features, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.out = nnx.Linear(features, 2, rngs=rngs)

    def __call__(self, x):
        return self.out(self.dropout(nnx.relu(self.norm(self.conv(x)))).max((1, 2)))


class Seven(Tutorial):
    def __call__(self, x):
        return super().__call__(x)[:7, :1]


class Faulty(Tutorial):
    def __call__(self, x):
        return super().__call__(x) @ jnp.ones((3, 3))
'''

CONFIG = """
def get_config():
    return {
        "data": {"name": "bars.py:bars", "count": 32},
        "model": {"name": "nets:Rows", "widths": (8, 4)},
        "task": {"name": "nets:softened"},
        "optimizer": {"name": "optax:lion", "learning_rate": 0.003},
        "schedule": {"name": "nets.py:halved"},
        "training": {"steps": 12, "batch_size": 16, "evaluators": ("metrics", "nets.py:confident")},
    }
"""

PLAIN = """
def get_config():
    return {
        "data": {"name": "bars.py:bars"},
        "model": {"name": "nets.py:Tutorial", "features": 4},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "training": {"steps": 40, "batch_size": 16, "evaluators": ("metrics",)},
    }
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, and with what it names."""
    folder = tmp_path_factory.mktemp("own")
    for name, text in (("bars", BARS), ("nets", NETS), ("config", CONFIG), ("plain", PLAIN)):
        (folder / f"{name}.py").write_text(text)
    plugin = folder / "site" / "row_nets-1.0.dist-info"
    plugin.mkdir(parents=True)
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: row-nets\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text("[geomdl.models]\nrows = row_nets:Rows\nlost = row_nets_of_old:Rows\n")
    (folder / "site" / "row_nets.py").write_text(NETS)
    return folder


@pytest.fixture(scope="module")
def trained(own: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The work directory of a run that was stopped after 12 of 20 steps, trained from another folder."""
    workdir = tmp_path_factory.mktemp("runs") / "run"
    assert main(["train", f"--config={own}/config.py", f"--workdir={workdir}", "--quiet"]) == 0
    return workdir


def test_names_are_kept_so_that_the_run_can_be_read(own: Path, trained: Path) -> None:
    config = json.loads((trained / "config.json").read_text())["config"]
    names = {section: config[section]["name"] for section in ("data", "model", "task", "optimizer", "schedule")}
    assert names == {
        "data": f"{own}/bars.py:bars",
        "model": f"{own}/nets.py:Rows",
        "task": f"{own}/nets.py:softened",
        "optimizer": "optax:lion",
        "schedule": f"{own}/nets.py:halved",
    }
    assert config["data"] == {"name": f"{own}/bars.py:bars", "size": 8, "count": 32}
    assert config["model"]["widths"] == [8, 4]
    assert config["training"]["evaluators"] == ["metrics", f"{own}/nets.py:confident"]
    made = RunConfig.from_config_dict(config)
    assert RunConfig.from_config_dict(json.loads(json.dumps(made.to_dict()))) == made


def test_another_process_in_another_folder(own: Path, trained: Path, tmp_path: Path) -> None:
    more = "'--config.training.steps=20', '--allow-change=training.steps'"
    relative = os.path.relpath(own, tmp_path)
    code = f"""
from geomdl.cli.main import main
for arguments in (
    ["evaluate", "--workdir={trained}", "--evaluators=metrics,{relative}/nets.py:confident"],
    ["train", "--config={relative}/config.py", "--workdir={trained}", "--quiet", {more}],
    ["summary", "--config={relative}/config.py"],
    ["summary", "--config={relative}/config.py", "--config.model.name=rows", "--config.model.widths=(5,)"],
    ["runs", "{trained}"],
    ["list", "models"],
):
    assert main(arguments) == 0, arguments
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(own / "site"), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    numbers = json.loads((trained / "evaluation" / "test.json").read_text())
    assert numbers["checkpoint"] == 12
    assert 0.5 <= numbers["confidence"] <= 1
    assert numbers["evaluators"] == ["metrics", f"{own}/nets.py:confident"]
    assert "20 steps in" in done.stdout
    assert "layers.2.kernel" in done.stdout
    assert "8 × 8 × 1 images to 2 outputs; no contract" in done.stdout
    assert re.search(r"layers.0.kernel +16 × 5 ", done.stdout)
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert lines["rows"].endswith("of columns (plug-in of row-nets) [widths]")
    assert "(cannot be used: model.name 'lost', a plug-in of row-nets: cannot find the module" in lines["lost"]
    assert "gcnn" in lines


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["model.widht=3"], "unknown config key 'model.widht'; allowed: model.name, model.widths; did you mean"),
        (["model.widths=3.5"], "invalid model.widths 3.5; allowed: tuple of int"),
        (["data.cuont=3"], "unknown config key 'data.cuont'; .*did you mean 'data.count'"),
        (["model.name=nets:Row"], "unknown name in .*nets.py 'Row'; .*did you mean 'Rows'"),
        (["model.name=nts.py:Rows"], "invalid model.name 'nts.py:Rows'; .*did you mean 'nets.py:Rows'"),
        (["model.name=bars.py:bars"], r"bars takes \(size: int = 8, .*, but what makes a model must take image_shape"),
        (["model.name=math:pi"], "invalid model 'math:pi'; allowed: a config class or a function"),
        (["model.name=nets.py:closed"], "unknown config key 'model.widths'; allowed: model.name;"),
        (
            ["data.name=nets.py:Rows"],
            "invalid data set '.*nets.py:Rows'; allowed: a subclass of geomdl.data.DataConfig",
        ),
        (["data.name=bars.py:number"], "invalid what .*bars.py:number returns 'int'; allowed: a geomdl.data.Dataset"),
        (["optimizer.name=optax:lino"], "unknown name in optax 'lino'; .*did you mean 'lion'"),
        (["optimizer.name=optax:sgd", "optimizer.b1=0.9"], "unknown config key 'optimizer.b1'"),
        (["schedule.name=optax:cosine_decay_schedule"], "must take learning_rate, total_steps and its own options"),
        (["task.name=nets:Rows"], "what makes a task must take dataset"),
        (["training.evaluators=('metrics','nets.py:Rows')"], "invalid evaluator '.*nets.py:Rows"),
    ],
)
def test_what_is_wrong_is_said(
    changes: list[str], message: str, own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"--config.{change}" for change in changes]
    assert main(["train", f"--config={own}/config.py", f"--workdir={tmp_path}/run", *options]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error), error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("closed", "invalid model of .*nets.py:closed 'function'; allowed: a flax.nnx.Module"),
        ("forgetful", r"holds Dropout of geomdl, .* its own call is \(self, x\): make it \(self, x, \*, train=False"),
        ("scaled", r"invalid call of Scaled '\(x, scale\)'; allowed: \(x\), and whichever it takes of train, "),
    ],
)
def test_models_that_could_not_be_trained(name: str, message: str, own: Path) -> None:
    kind = MODELS[f"{own}/nets.py:{name}"]
    with pytest.raises(ValueError, match=message):
        kind().build((8, 8, 1), 2, rngs=nnx.Rngs(0))


@pytest.mark.parametrize("name", ["stack", "bridged"])
def test_modules_that_hand_keyword_arguments_on(name: str, own: Path) -> None:
    network = MODELS[f"{own}/nets.py:{name}"]().build((8, 8, 1), 2, rngs=nnx.Rngs(0))
    assert network(jax.numpy.ones((3, 8, 8, 1)), train=True, key=jax.random.key(0)).shape == (3, 2)


def test_a_linen_module_is_refused_with_what_to_write(own: Path) -> None:
    with pytest.raises(ValueError, match=r"allowed: a Flax NNX module; .*return nnx.bridge.ToNNX\(module"):
        MODELS[f"{own}/nets.py:Linen"]


def test_a_module_that_knows_nothing_of_geomdl(
    own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    options = [f"--config={own}/plain.py", f"--workdir={run}", "--quiet"]
    assert main(["train", *options]) == 0
    assert main(["train", *options, "--config.training.steps=60", "--allow-change=training.steps"]) == 0
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", f"--workdir={run}", "--evaluators=metrics,invariance"]) == 0
    assert json.loads((run / "evaluation" / "test.json").read_text())["accuracy"] > 0.8
    assert main(["audit", f"--workdir={run}", "--group=C4", f"--out={tmp_path}/audit"]) == 0
    assert main(["export", f"--workdir={run}", f"--out={tmp_path}/exported"]) == 0
    network = load_trained(run)
    images = np.asarray(network.dataset.test.images[:3])
    program = jax.export.deserialize(bytearray((tmp_path / "exported/network.stablehlo").read_bytes()))
    outputs = program.call(load_file(tmp_path / "exported/weights.safetensors"), images)
    np.testing.assert_allclose(outputs, network.model(images), atol=1e-5)
    assert network.model.module.norm.mean[...].std() > 0
    capsys.readouterr()
    for name, message in (
        ("Seven", r"invalid shape of the model's output \(7, 1\); allowed: \(16, 2\)"),
        ("Faulty", rf"Error: .*\({own}/nets.py, line \d+\); --debug shows the way there"),
    ):
        changed = [f"--config.model.name=nets.py:{name}", f"--workdir={tmp_path}/{name}"]
        assert main(["train", *options, *changed]) == 2
        error = capsys.readouterr().err
        assert re.search(message, error), error


def test_a_sweep_over_own_names(own: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = f"{own}/nets.py:Rows,mlp"
    options = [f"--config={own}/config.py", f"--config.model.name={names}", f"--workdir={tmp_path}", "--print-commands"]
    assert main(["sweep", *options, "--config.model.widths=(3,)"]) == 2
    assert "unknown config key 'model.widths'; allowed: model.name, model.width" in capsys.readouterr().err
    names = "nets.py:Rows,nets:Rows"
    options[1] = f"--config.model.name={names}"
    assert main(["sweep", *options, "--evaluators=metrics"]) == 0
    commands = capsys.readouterr().out.splitlines()
    assert [re.search(r"--config.model.name=(\S+)", line)[1] for line in commands] == names.split(",")
