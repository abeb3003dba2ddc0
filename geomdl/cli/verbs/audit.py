"""Measures which symmetries a model has: exactly, approximately, or not at all.

  geomdl audit my_package.models:build --group=D4
  geomdl audit model.py:network --group=C8 --size=64x64x3 --out=audit
  geomdl audit model.onnx --group=C4 --output="1 regular"
  geomdl audit model.py:network --group=O --size=16x16x16x1
  geomdl audit --workdir=runs/c4 --group=D4 --require "C4 exact" --require "shifts approximate<0.1"

The model is what a callable without required arguments returns, or the object that is named: an NNX module, a Linen
module with its variables (a pair), an Equinox or PyTorch module, a function of images [batch, height, width, channels],
or of volumes, with a depth before, for groups of space (O, Oh, C4z, SO3, …);
or an ONNX file (pip install 'geomdl[onnx]'), which says itself what images it takes.
Prints a verdict per symmetry; --out writes audit.html, audit.json, badge.md and badge.svg.

Exit status: 0 when every --require holds; 1 when one does not, or the output does not depend on the input; 2 for bad
input.
"""

import argparse
import re
import sys
from typing import TYPE_CHECKING, Any

from geomdl.cli.support.compilation_cache import add_compilation_cache
from geomdl.cli.support.data_dir import add_data_dir, add_data_path, use_data_dir
from geomdl.cli.support.parser import UsageError, refuse_unused, whole
from geomdl.cli.support.path_option import PathOption
from geomdl.errors import invalid, unknown
from geomdl.memory import require_memory

if TYPE_CHECKING:
    from geomdl.data import Dataset
    from geomdl.training.loop.trained import Trained

_DTYPES = ("float32", "float64")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this verb."""
    parser.add_argument(
        "model",
        nargs="?",
        help="package.module:factory, path/file.py:factory, or model.onnx (model.onnx:output where it has several)",
    )
    parser.add_argument("--workdir", action=PathOption, help="directory of a run, instead of a model")
    parser.add_argument("--checkpoint", help="of the run: best (the default), latest, or a step")
    parser.add_argument(
        "--group", help="C1, C4, D4 (the default), C8, SO2, O2, …; of volumes O, Oh (the default), C4z, SO3, O3, …"
    )
    parser.add_argument(
        "--data",
        action=PathOption,
        help="digits, tfds:<name>, …, or an .npz or .npy file of images; noise if not given",
    )
    parser.add_argument("--images", type=whole(2, 10**9), help="how many (default: 32 of noise, 64 of data)")
    parser.add_argument("--size", help="of the noise, HxWxC or DxHxWxC; a common one that the model takes if not given")
    parser.add_argument(
        "--output",
        default="auto",
        help="how the output should move: invariant, field, channels-first, tokens, labels, points, 'boxes cxcywh', "
        "detections; a "
        "representation of the group ('1 regular', '2 trivial + 1 irrep(1)'); 'permutation 1 2 3 0', f(g·x) = f(x)[p] "
        "for each generator; a function (g, y) -> y' (path/file.py:name); auto (the default) guesses from the shape",
    )
    parser.add_argument("--layout", help="NHWC, NCHW, HWC or CHW, as the model takes images")
    parser.add_argument("--numpy", action="store_true", help="the function computes with NumPy")
    parser.add_argument("--dtype", help="float32 (the default) or float64")
    parser.add_argument("--tolerance", type=float, help="the rounding error of an exact symmetry")
    parser.add_argument("--batch", type=whole(1, 10**9), default=32, help="images per call of the model (default 32)")
    parser.add_argument("--seed", type=whole(0, 2**32 - 1), default=0, help="of everything random (default 0)")
    parser.add_argument("--measures", action="store_true", help="more measures: Lie derivatives, consistency, …")
    parser.add_argument("--require", action="append", default=[], metavar="'C4 exact'", help="may be repeated")
    parser.add_argument("--out", action=PathOption, help="folder for audit.html, audit.json and the badge")
    add_data_dir(parser)
    add_data_path(parser)
    add_compilation_cache(parser)


def run(arguments: argparse.Namespace) -> int:
    """Audits, prints and writes; returns the exit status."""
    use_data_dir(arguments)
    size = _check(arguments)
    from geomdl.audit.probes.symmetries import symmetry_names
    from geomdl.audit.results.requirement import requirement
    from geomdl.groups import SpatialGroup, group

    if arguments.group is None and not arguments.workdir:
        arguments.group = "D4" if size is None or len(size) == 3 else "Oh"
    required, output = [], arguments.output
    if arguments.group is not None:
        names = symmetry_names(group(arguments.group))
        required = [requirement(text, names) for text in arguments.require]
        output = _output(arguments)

    import jax

    from geomdl.audit import Images, audit, read_images
    from geomdl.audit.measuring.loading import load_target
    from geomdl.audit.probes.images import FOR_CLOUDS
    from geomdl.audit.report.files import write
    from geomdl.cli.support.quiet import quiet_libraries

    quiet_libraries()
    if arguments.dtype == "float64":
        jax.config.update("jax_enable_x64", True)
    images = None
    count = arguments.images
    options: dict[str, Any] = {"layout": arguments.layout} if arguments.layout else {}
    if arguments.workdir:
        from geomdl.training.loop.loop import load_trained

        trained = load_trained(
            arguments.workdir,
            arguments.checkpoint or "best",
            data_path=arguments.data_path,
            data_dir=arguments.data_dir,
        )
        of_run = tuple(trained.image_shape)
        if len(of_run) == 2:
            raise invalid("run to audit", arguments.workdir, f"one of images or volumes; {FOR_CLOUDS}")
        if arguments.group is None:
            arguments.group = "Oh" if len(of_run) == 4 else "D4"
            names = symmetry_names(group(arguments.group))
            required = [requirement(text, names) for text in arguments.require]
            output = _output(arguments)
        model, name = trained.model, f"{arguments.workdir}, step {trained.step}"
        if arguments.output == "auto":  # the task knows
            output = getattr(trained.task, "law", output)
            if getattr(output, "kind", "") == "detections":
                options["select"] = trained.task.predictions
        if size is None and arguments.data is None:
            data = _data_of(trained)
            if data is None:
                size = of_run
            else:
                batch = data.test.gather(range(min(count or 64, len(data.test))))
                images = Images.of(data.name, batch["image"], batch["label"], dtype=arguments.dtype or "float32")
    else:
        model, name = load_target(arguments.model), arguments.model
    if arguments.data is not None:
        volumes = isinstance(group(arguments.group), SpatialGroup)
        images = read_images(arguments.data, count=count or 64, dtype=arguments.dtype or "float32", volumes=volumes)
    report = audit(
        model,
        group=arguments.group,
        images=images,
        size=size,
        count=count,
        output=output,
        dtype=arguments.dtype,
        seed=arguments.seed,
        batch=arguments.batch,
        tolerance=arguments.tolerance,
        measures=arguments.measures,
        name=name,
        **options,
        **({"numpy": True} if arguments.numpy else {}),
    )
    _print(report)
    if arguments.out:
        print(f"written to {', '.join(str(path) for path in write(report, arguments.out))}")
    missed = [r for r in required if not r.holds(report[r.symmetry])]
    for r in missed:
        print(f"required but not found: {r} (found: {report[r.symmetry]})")
    if required and not missed:
        print(f"all required symmetries found: {', '.join(map(str, required))}")
    return 1 if missed or report.dead else 0


def _output(arguments: argparse.Namespace) -> Any:
    """The law of the output, or "auto"; refused before any model is loaded."""
    from geomdl.actions import output_law
    from geomdl.groups import group
    from geomdl.registry import load

    given = arguments.output
    if given == "auto":
        return given
    if ":" in given:
        return load(given, what="--output")
    return output_law(given, group(arguments.group), what="--output")


def _data_of(trained: "Trained") -> "Dataset | None":
    """The data of a run; None, which is said, where they cannot be read: then noise serves."""
    try:
        return trained.dataset
    except (ValueError, OSError) as error:
        reason = " ".join(str(error).split())
        print(
            f"geomdl: audited with noise, as the data of the run cannot be read ({reason}); "
            "--data_path says where they lie now, --data takes other images",
            file=sys.stderr,
        )
        return None


def _check(arguments: argparse.Namespace) -> tuple[int, ...] | None:
    """Refuses what cannot be meant, before anything is loaded; returns the size."""
    if (arguments.model is None) == (arguments.workdir is None):
        raise UsageError("geomdl audit needs a model (package.module:factory) or --workdir, and not both")
    if arguments.dtype is not None and arguments.dtype not in _DTYPES:
        raise unknown("--dtype", arguments.dtype, _DTYPES)
    if arguments.workdir is None:
        refuse_unused(arguments, ["checkpoint", "data_path"], "it is for the runs of --workdir, and this model is none")
        if arguments.data is None:
            refuse_unused(arguments, ["data_dir"], "it says where data sets lie, and there is no --data")
    else:
        refuse_unused(arguments, ["layout", "numpy"], "it is for models that are not geomdl's own, and --workdir is")
    if arguments.tolerance is not None and not 0 < arguments.tolerance < 1:
        raise invalid("--tolerance", arguments.tolerance, "a relative error between 0 and 1", 1e-5)
    if arguments.size is None:
        return None
    if arguments.data is not None:
        raise UsageError("--size is of the noise that is made when no --data is given; give one of them")
    parts = arguments.size.lower().split("x")
    if len(parts) not in (3, 4) or not all(re.fullmatch("0*[1-9][0-9]{0,8}", part) for part in parts):
        raise invalid("--size", arguments.size, "HEIGHTxWIDTHxCHANNELS, or DEPTHxHEIGHTxWIDTHxCHANNELS", "64x64x3")
    size = tuple(map(int, parts))
    for option, count in (("size", 2), ("images", arguments.images or 32)):
        value = getattr(arguments, option)
        option, value = (option, value) if value is not None else ("size", f"{arguments.size} of {count} images")
        require_memory(f"--{option}", value, (count, *size), itemsize=16)
    return size


def _print(report: object) -> None:
    """Prints with colours on a terminal, and in full width elsewhere."""
    from rich.console import Console

    from geomdl.audit import Audit

    console = Console(highlight=False)
    if isinstance(report, Audit) and console.is_terminal and console.width >= 100:
        console.print(report.headline)
        console.print(report.table())
        for line in report.remarks():
            console.print(line, markup=False)
    else:
        print(report)
