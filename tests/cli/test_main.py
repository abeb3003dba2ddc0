"""Every verb and every mistake, in this process."""

import operator
import re
import sys
import textwrap
from pathlib import Path

import pytest

from geomdl.cli.main import VERBS, main
from geomdl.cli.support import checkout as checkout_module
from geomdl.cli.support.checkout import first_line, scripts
from geomdl.cli.support.config_file import load_config, parse_overrides
from geomdl.cli.support.parser import UsageError
from geomdl.models import Tuned
from geomdl.plots import read_csv
from geomdl.training import RunConfig


def refused(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 2) -> str:
    """Gives the command, and returns its one line on stderr."""
    assert main(arguments) == status
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("geomdl: error: ")
    return captured.err


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([verb, "--help"])
    assert leaving.value.code == 0
    assert f"  geomdl {verb} " in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"geomdl \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["trian"], "unknown verb 'trian'; allowed: train, .*did you mean 'train'"),
        (["--versoin"], "unknown option '--versoin'"),
        (["train"], "the following arguments are required: --config, --workdir"),
        (["train", "--config=digits_cnn", "--workdri=w"], "required: --workdir"),
        (
            ["train", "--config=digits_cnn", "--workdir=w", "--quite"],
            "unknown option '--quite'.*did you mean '--quiet'",
        ),
        (["train", "--config=digits_cnn", "--workdir=w", "more"], "unexpected argument 'more'"),
        (["train", "--config=digits_cn", "--workdir=w"], "unknown config 'digits_cn'.*did you mean 'digits_cnn'"),
        (["train", "--config=nowhere/digits_cnn.py", "--workdir=w"], "unknown config 'nowhere/digits_cnn.py'"),
        (["evaluate", "--workdir=nowhere"], "nowhere is no work directory of a run: it has no config.json"),
        (["evaluate", "--workdir=w", "--split=tset"], "unknown split 'tset'; .*did you mean 'test'"),
        (["evaluate", "--workdir=w", "--evaluators=rotations"], "unknown evaluator 'rotations'.*'rotation'"),
        (
            ["evaluate", "--workdir=w", "--config.seed=1"],
            "geomdl evaluate takes no config values, but got --config.seed",
        ),
        (["reproduce", "quikstart"], "unknown figure 'quikstart'; .*did you mean 'quickstart'"),
        (["reproduce", "quickstart", "--preset=slow"], "unknown preset 'slow'; allowed: fast, full"),
        (["list", "modles"], "unknown kind 'modles'; .*did you mean 'models'"),
        (["summary", "--config=digits_cnn", "--config.model.widht=3"], "unknown config key 'model.widht'"),
        (["summary", "--config=digits_cnn", "--config.optimiser.name=sgd"], "unknown config key 'optimiser'"),
        (["summary", "--config=digits_cnn", "--config.model.name=gcn"], "unknown model.name 'gcn'.*'gcnn'"),
        (["summary", "--config=digits_cnn", "--config.data.name=digit"], "unknown data.name 'digit'.*'digits'"),
        (["summary", "--config=digits_cnn", "--config.data.name=mnist"], "unknown data.name 'mnist'.*'tfds:mnist'"),
        (
            ["train", "--config=digits_cnn", "--workdir=w", "--config.model.width=2"],
            "--config.model.width=2 has no effect, since model.match_parameters=8000 .*add --config.model.match_parame",
        ),
        (["summary", "--config=digits_cnn", "--config.model.kernel_size=101"], "invalid model.kernel_size 101"),
        (["summary", "--config=digits_gcnn_c4", "--config.model.group=C-4"], "unknown group 'C-4'.*'C4'"),
        (
            ["summary", "--config=digits_cnn", "--config.training.convolutions=0=dence"],
            "invalid training.convolutions '0=dence'; .*did you mean 'dense'",
        ),
        (
            ["summary", "--config=digits_cnn", "--config.training.convolutions=1=dense"],
            "training.convolutions '1=dense': unknown convolution '1'; allowed: 0, ",
        ),
        (["autotune"], "the following arguments are required: --config"),
        (["autotune", "--config=digits_cnn", "--rounds=0"], "invalid --rounds 0; allowed: a positive whole number"),
        (["autotune", "--config=digits_cnn", "--batch=-1"], "invalid --batch -1"),
        (["autotune", "--config=digits_cnn", "--out=no/t.csv"], "invalid --out 'no/t.csv'; .*try t.csv"),
        (["autotune", "--config=digits_cnn", "--config.training.convolutions=all"], "unknown method 'all'"),
    ],
)
def test_bad_input(arguments, message, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(capsys, *arguments))
    assert list(tmp_path.iterdir()) == []


def test_missing_data_folder(capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", "")
    error = refused(
        capsys, "train", "--config=mnist_rot_gcnn", f"--workdir={tmp_path}/w", f"--data_dir={tmp_path}/none"
    )
    assert f"invalid --data_dir '{tmp_path}/none'" in error
    assert "does not exist" in error
    assert "TFDS_DATA_DIR" not in error
    assert not (tmp_path / "w").exists()


def test_debug_shows_the_traceback() -> None:
    with pytest.raises(UsageError):
        main(["trian", "--debug"])


def test_failures_that_are_no_bad_input_have_status_1(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geomdl.cli.verbs.list.run", operator.index)
    assert refused(capsys, "list", "models", status=1) == (
        "geomdl: error: TypeError: 'Namespace' object cannot be interpreted as an integer (--debug shows where)\n"
    )


def test_failures_in_somebodys_own_code_name_the_place(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> None:
        raise RuntimeError("out of\n  memory")

    monkeypatch.setattr("geomdl.cli.verbs.list.run", fail)
    error = refused(capsys, "list", "models", status=2)
    place = f"{__file__}, line {fail.__code__.co_firstlineno + 1}"
    assert error == f"geomdl: error: RuntimeError: out of memory ({place}); --debug shows the way there\n"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("models", {"linear", "mlp", "cnn", "ti_cnn", "gcnn"}),
        ("groups", {"C<N>", "D<N>"}),
        ("datasets", {"digits", "xo", "mnist_rot", "tfds:<name>"}),
        ("configs", {"digits_gcnn_c4", "mnist_rot_gcnn"}),
        ("figures", {"quickstart", "xo"}),
    ],
)
def test_list(kind: str, names: set[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", kind]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert names <= {line.split()[0] for line in lines}
    assert all(len(line.split()) > 2 for line in lines)


def test_outside_a_checkout(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkout_module.geomdl, "__file__", "/site-packages/geomdl/__init__.py")
    for arguments in (["reproduce", "quickstart"], ["list", "configs"]):
        assert "a checkout of geomdl" in refused(capsys, *arguments)


def test_summary(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "--config=digits_linear", "--config.data.size=10"]) == 0
    assert "1,010" in capsys.readouterr().out  # 100 · 10 weights and 10 biases


SMALL = (
    "--config=digits_linear", "--config.data.size=9", "--config.model.name=steerable_example",
    "--config.model.group=C4", "--config.model.width=0.5", "--config.model.input_size=13",
)  # fmt: skip


def test_summary_shows_the_methods(capsys: pytest.CaptureFixture[str]) -> None:
    methods = "--config.training.convolutions=2=factored"
    assert main(["summary", *SMALL, "--config.model.basis=steerable", methods]) == 0
    table = capsys.readouterr().out
    assert "multiply-adds by method: dense " in table
    assert main(["summary", *SMALL, "--methods", "--config.model.basis=steerable", methods]) == 0
    lines = [line.split() for line in capsys.readouterr().out.removeprefix(table).splitlines()]
    assert [line[0] for line in lines if "factored" in line and "Conv" in line] == ["2"]
    assert [line[0] for line in lines if "dense" in line and "Conv" in line] == ["5", "9", "12", "16", "19"]


def test_autotune(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["autotune", *SMALL[:2]]) == 0  # a linear model
    assert "no convolution of this model has another method" in capsys.readouterr().out
    measured = []

    def fake(inputs, methods, rounds, dtype) -> Tuned:
        measured.append((inputs.shapes, rounds, dtype))
        taken = {"dense": (0.002, 0.002), "factored": (0.001, 0.001)}
        return Tuned(inputs.path, "5x5", (9, 9), 2, taken, {"dense": 1.0, "factored": 2.0}, "dense")

    monkeypatch.setattr("geomdl.models.tools.autotune._measured", fake)
    out = tmp_path / "t.csv"
    steerable = (*SMALL, "--config.model.basis=steerable", "--config.training.precision=bfloat16")
    assert main(["autotune", *steerable, "--batch=3", "--rounds=2", f"--out={out}"]) == 0
    printed = capsys.readouterr().out
    assert "all together: dense 12.00 ms, factored 6.00 ms, auto 12.00 ms, as measured 6.00 ms" in printed
    last = "--config.training.convolutions=2=factored,5=factored,9=factored,12=factored,16=factored,19=factored"
    assert printed.splitlines()[-1] == last
    assert measured[0] == (((3, 13, 13, 1),), 2, "bfloat16")
    assert [r["path"] for r in read_csv(out, ["factored_ratio"], "")] == [2, 5, 9, 12, 16, 19]


def test_reproduce(tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("configs", "experiments", "paper_figures"):
        (tmp_path / folder).mkdir()
    (tmp_path / "experiments" / "toy_study.py").write_text(
        "def run(preset, out):\n    (out / 'toy.csv').write_text(preset)\n"
        "def conclusions(out):\n    return [f'It was {(out / \"toy.csv\").read_text()}.']\n"
    )
    (tmp_path / "paper_figures" / "toy_study.py").write_text(
        "def draw(out):\n    (out / 'toy.png').write_bytes(b'')\n    return [out / 'toy.png']\n"
    )
    monkeypatch.setattr("geomdl.cli.verbs.reproduce.checkout", lambda: tmp_path)
    monkeypatch.setattr("geomdl.cli.support.checkout.checkout", lambda: tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.chdir(tmp_path)
    assert main(["reproduce", "toy_study", "--preset=full"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["out/toy_study/toy.png", "It was full."]
    assert (tmp_path / "out" / "toy_study" / "toy.csv").read_text() == "full"


def test_reproduce_all_makes_what_is_not_there_and_one_page(
    tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("configs", "experiments", "paper_figures"):
        (tmp_path / folder).mkdir()
    draw = "def draw(out):\n    (out / 'toy.png').write_bytes(b'x')\n    return [out / 'toy.png']\n"
    study = """
        'Toys.\\n\\n    command\\n\\nClaim: <toys> float. Writes\\n\\n* a table.'
        def run(preset, out):
            with (out / 'count').open('a') as file:
                file.write('x')
            (out / 'toy.csv').write_text('seed,x\\n0,1\\n1,1\\n')
            {body}
        def conclusions(out):
            return ['They do.']
        def contradicted(out):
            return {against}
    """
    for name, body, against in (
        ("good_toys", "pass", "[]"),
        ("sunk_toys", "pass", "['They do not.']"),
        ("lost_toys", "raise ValueError('invalid TOYS in the environment None')", "[]"),
        ("torn_toys", "raise ValueError('torn')", "[]"),
    ):
        (tmp_path / "paper_figures" / f"{name}.py").write_text(draw)
        (tmp_path / "experiments" / f"{name}.py").write_text(textwrap.dedent(study.format(body=body, against=against)))
    monkeypatch.setattr("geomdl.cli.verbs.reproduce.checkout", lambda: tmp_path)
    monkeypatch.setattr("geomdl.cli.support.checkout.checkout", lambda: tmp_path)
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.chdir(tmp_path)
    for name in ("experiments", "paper_figures"):
        for module in [m for m in sys.modules if m.split(".")[0] == name]:
            monkeypatch.delitem(sys.modules, module)
    assert main(["reproduce", "all"]) == 1  # one failed
    lines = [line for line in capsys.readouterr().out.splitlines() if ": " in line]
    assert [line.split(",")[0] for line in lines] == [
        "1/4 good_toys: agrees", "2/4 lost_toys: not made", "3/4 sunk_toys: contradicts", "4/4 torn_toys: failed"
    ]  # fmt: skip
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    for text in ("Claim: &lt;toys&gt; float.", "They do not.", "invalid TOYS in the environment", "ValueError: torn",
                 "geomdl reproduce good_toys --preset=fast", "data:image/png;base64,eA==", "<td>2<td>"):  # fmt: skip
        assert text in page, text
    (tmp_path / "experiments" / "torn_toys.py").unlink()
    assert main(["reproduce", "all"]) == 0
    counts = {name: len((tmp_path / "out" / name / "count").read_text()) for name in ("good_toys", "lost_toys")}
    assert counts == {"good_toys": 1, "lost_toys": 2}
    (tmp_path / "paper_figures" / "good_toys.py").write_text(draw + "\n")  # its script has changed
    assert main(["reproduce", "all"]) == 0
    assert len((tmp_path / "out" / "good_toys" / "count").read_text()) == 2


def test_overrides_are_those_of_config_flags() -> None:
    values = parse_overrides(
        [
            "--config.a.number=1e-3",
            "--config.a.count=3",
            "--config.a.name=adamw",
            "--config.a.shape=(1, 2)",
            "--config.a.none=None",
            "--config.a.on",
            "--noconfig.a.off",
            "--config.a.count=4",
        ]
    )
    assert values == {
        "a.number": 1e-3,
        "a.count": 4,
        "a.name": "adamw",
        "a.shape": (1, 2),
        "a.none": None,
        "a.on": True,
        "a.off": False,
    }


def test_config_files_by_path_with_an_argument(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def get_config(size='8'):\n    return {'data': {'name': 'digits', 'size': int(size)}}\n")
    assert load_config(str(path))["data"]["size"] == 8
    assert load_config(f"{path}:20", ["--config.seed=2"]) == {"data": {"name": "digits", "size": 20}, "seed": 2}


def test_a_width_takes_the_place_of_a_parameter_count() -> None:
    overrides = ["--config.model.width=2", "--config.model.match_parameters=None"]
    for order in (overrides, overrides[::-1]):
        assert load_config("digits_cnn", order)["model"]["width"] == 2


def test_a_width_without_effect_is_refused_in_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    model = "def get_config():\n    return {'data': {'name': 'digits'}, 'model': {'name': 'cnn', 'width': 3%s}}\n"
    file.write_text(model % ", 'match_parameters': 8000")
    message = r"^model\.width=3 has no effect, since model\.match_parameters=8000 sets the width; to use it, add --conf"
    with pytest.raises(UsageError, match=message):
        load_config(str(file))
    assert load_config(str(file), ["--config.model.match_parameters=None"])["model"]["width"] == 3
    file.write_text(model % ", 'match_parameters': None")
    assert load_config(str(file))["model"]["width"] == 3
    file.write_text(model % "")
    by_count = load_config(str(file), ["--config.model.match_parameters=9000"])  # the last word on the size
    assert by_count["model"]["match_parameters"] == 9000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def get_config(:\n", "mine.py, line 1: SyntaxError"),
        ("import os\n\ndef get_config():\n    return undefined\n", "mine.py, line 4: NameError"),
        ("x = 1\n", r"mine.py has no function get_config\(\)"),
        ("def get_config():\n    return 3\n", r"get_config\(\) returned int; allowed: ConfigDict, dict"),
    ],
)
def test_damaged_config_files(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(UsageError, match=message):
        load_config(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("name", list(scripts("configs")))
def test_configs_of_the_repository(name: str) -> None:
    path = scripts("configs")[name]
    text = path.read_text()
    assert first_line(path).endswith(".")
    for item in (f"Command:   geomdl train --config=configs/{name}.py", "Hardware:  ", "Expected:  "):
        assert item in text
    config = RunConfig.from_config_dict(load_config(name))
    assert RunConfig.from_config_dict(config.to_dict()) == config


def test_the_page_of_figures_shows_every_picture_and_counts_seeds_of_runs(tmp_path: Path) -> None:
    from geomdl.cli.support.figure_index import Made, write_index
    from geomdl.cli.verbs.reproduce import _seeds

    folder = tmp_path / "toys"
    folder.mkdir()
    for name in ("one.png", "two.png", "moving.gif", "one.pdf"):
        (folder / name).write_bytes(b"x")
    made = Made("toys", "fast", "Toys.", "", "agrees", pictures=("one.png", "two.png", "moving.gif", "one.pdf"))
    page = write_index(tmp_path, [made]).read_text(encoding="utf-8")
    assert page.count("<img ") == page.count("<figcaption") == 3
    assert "data:image/gif;base64,eA==" in page
    (folder / "means.csv").write_text("seeds,x\n5,1\n")
    assert _seeds(folder) == 5
    (folder / "orders.csv").write_text("seed,x\n" + "".join(f"{seed},1\n" for seed in range(39)))
    assert _seeds(folder) == 39
    (folder / "summary.csv").write_text("seed,x\n0,1\n1,1\n")
    assert _seeds(folder) == 2
