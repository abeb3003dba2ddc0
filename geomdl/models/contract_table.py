"""The rows of the contract table for models; those of layers are in `geomdl.layers.contract_table`.

Widths and images are as small as they come: what is promised doesn't depend on them.
"""

from flax import nnx

from geomdl.equivariance.contracts.contract import Size
from geomdl.layers import Layer
from geomdl.layers.contract_table.entries import CONTINUOUS, DIHEDRAL, FINITE, GRID, Entry
from geomdl.layers.contract_table.volumes import CUBE, SPACE
from geomdl.models import MODELS

_gcnn = {"width": 2, "kernel_size": 3}
_resnet = {"width": 1, "stages": 2, "padding_mode": "circular"}
_slim = {"width": 0.05}
_pyramid = {"channels": 2, "features": 2, "halvings": 2, "levels": 2, "tower": 1}


def _entry(
    name: str, size: int | Size, groups: tuple[str, ...], fields: dict, words: str = "", *, exact: bool = True,
    shifts: int = 0, random: bool = False, trains: bool = True, quick: tuple[str, ...] | None = None,
) -> Entry:  # fmt: skip
    """The row of a model for images of two channels and three classes; ``group`` is set where the model has it."""
    height, width = (size, size) if isinstance(size, int) else size

    def build(group: str) -> Layer:
        config = MODELS[name]
        known = getattr(config, "func", config).__dataclass_fields__  # of a class, also with other defaults
        chosen = {"group": group} if "group" in known else {}
        return config(**chosen | fields).build((height, width, 2), 3, rngs=nnx.Rngs(0))

    label = f"{name}, {words}" if words else name
    once = (height, width)
    level = "both" if exact else "never"
    return Entry(
        "Models", label, build, groups, level, shifts, once, once, random=random, trains=trains, quick=quick or groups
    )


def _volumes(
    name: str, side: int, groups: tuple[str, ...], fields: dict, words: str = "", *, exact: bool = True
) -> Entry:
    """The row of a model for volumes of one channel: cubes of an even side, and of the odd one above it."""

    def build(group: str) -> Layer:
        chosen = {"group": group} if "group" in MODELS[name].__dataclass_fields__ else {}
        return MODELS[name](**chosen | fields).build((side, side, side, 1), 3, rngs=nnx.Rngs(0))

    label = f"{name}, {words}" if words else name
    level = "both" if exact else "never"
    return Entry("Models of volumes", label, build, groups, level, 0, (side,) * 3, (side + 1,) * 3, quick=groups)


def _restricted(size: int, after: int, words: str) -> Entry:
    """The final MNIST network of D_N, restricted to its rotations in the middle."""

    def build(group: str) -> Layer:
        restriction = {"restrict_to": group.replace("D", "C"), "restrict_after": after}
        config = MODELS["mnist_final"](**{"group": group, "width": 0.05} | restriction)
        return config.build(
            (size, size, 2), 3, rngs=nnx.Rngs(2)
        )  # one field: batch norm magnifies rounding where it nearly vanishes

    name = f"mnist_final, {words}"
    return Entry("Models", name, build, DIHEDRAL, "both", 0, (size, size), (size, size), quick=("D8",))


ENTRIES: tuple[Entry, ...] = (
    _entry("linear", 6, ("C1",), {}, exact=False),
    _entry("perceptron", 6, ("C1",), {}, exact=False),
    _entry("mlp", 6, ("C1",), {"width": 8}, exact=False),
    _entry("local", 6, ("C1",), {"width": 2, "kernel_size": 3}, exact=False),
    _entry("cnn", 8, ("C1",), _gcnn, exact=False),
    _entry("vision_transformer", 8, ("C1",), {"width": 2}, exact=False),
    _entry("ti_cnn", 6, ("C1",), {"width": 3, "kernel_size": 3}, shifts=1),
    _entry("ti_cnn", (5, 7), ("C1",), {"width": 3, "kernel_size": 5}, "oblong images", shifts=1),
    _entry("gcnn", 8, GRID, _gcnn),
    _entry("gcnn", 9, ("D4",), {"width": 2, "downsampling": "blur"}, "blurred"),
    _entry("gcnn", 7, ("C4",), _gcnn | {"downsampling": "average", "hidden": 8}, "averaged"),
    _entry("gcnn", 6, ("C4",), _gcnn | {"activation": "maxout", "dropout": 0.5}, "maxout, dropout"),
    _entry("gcnn", 6, ("C4",), _gcnn | {"normalization": "layer", "activation": "elu"}, "layer norm"),
    _entry(
        "gcnn", 7, ("D4",), {"width": 1, "kernel_size": 3, "padding_mode": "circular", "downsampling": "none"},
        "circular, not subsampled", shifts=1,
    ),
    _entry(
        "gcnn", 8, ("C4",), _gcnn | {"depth": 2, "padding": "full", "downsampling": "blur-4"}, "blur-4, full padding"
    ),
    _entry(
        "cnn", 8, ("C1",), _gcnn | {"depth": 2, "padding_mode": "circular", "head": "mean", "downsampling": "aps"},
        "polyphase, mean", shifts=1,
    ),
    _entry("resnet", 8, GRID, _resnet | {"downsampling": "aps"}, "polyphase", shifts=1, quick=("D4",)),
    _entry("resnet", 8, GRID, _resnet | {"downsampling": "alias_free"}, "alias-free", shifts=2, quick=("C4",)),
    _entry("resnet", 9, GRID, _resnet | {"padding_mode": "zeros", "downsampling": "stride"}, "strided", quick=("D2",)),
    _entry("irreps_network", 8, CONTINUOUS, {"width": 1, "kernel_size": 3, "depth": 2, "max_degree": 1}),
    _entry("off_grid", 8, (*FINITE, *CONTINUOUS), {"width": 1}, quick=("C8", "D4", "SO2")),
    _entry("unet", 6, ("C1",), {"width": 2, "depth": 1}, shifts=0),
    _entry("unet_2015", (20, 18), ("C1",), {"width": 2, "depth": 1}),
    _entry("group_unet", 6, (*FINITE, *CONTINUOUS), {"width": 2, "depth": 1}, quick=("C8", "D4", "SO2")),
    _entry("group_unet", 7, ("C4",), {"width": 2, "depth": 1, "halving": "average", "dropout": 0.5}, "odd, averaged"),
    _entry(
        "group_unet", 6, ("D2",), {"width": 2, "depth": 1, "padding_mode": "circular", "halving": "blur"}, "circular",
        shifts=2,
    ),
    _entry(
        "shift_unet", 6, ("C1", "C4", "D4"), {"width": 3, "depth": 1, "activation": "elu"}, shifts=1, quick=("C1", "D4")
    ),
    _entry("fcn", 8, ("C1",), {"width": 2, "depth": 1}),
    _entry("fcos", 9, (*FINITE, *CONTINUOUS), _pyramid, quick=("C8", "D4", "SO2")),
    _entry("fcos", 17, ("D4",), {"backbone": "cifar_resnet20", "width": 0.1, "levels": 2, "features": 20}, "residual"),
    _entry("oriented_fcos", 8, (*FINITE, *CONTINUOUS), _pyramid, quick=("D4", "SO2")),
    _entry("yolo_v1", 9, (*FINITE, *CONTINUOUS), {"channels": 2, "halvings": 2, "units": 2}, quick=("C4", "D8")),
    _entry("yolo_v1", 8, ("C1",), {"channels": 2, "halvings": 2, "units": 4, "head": "dense"}, "dense", exact=False),
    _entry("ssd", 9, (*FINITE, *CONTINUOUS), {"channels": 2, "halvings": 2, "features": 2}, quick=("D4", "SO2")),
    _entry("localiser", 8, (*FINITE, *CONTINUOUS), {"channels": 2, "halvings": 2, "units": 8}, quick=("C4", "D1")),
    _entry("sliding_window", 24, GRID, {"window": 16, "width": 0.3}, quick=("D4",)),
    _entry("steerable_example", 29, FINITE, _slim | {"activation": "elu"}, quick=("C8",)),
    _entry("steerable_example", 24, ("D4",), _slim | {"activation": "elu", "input_size": 25}, "24 pixels"),
    _entry("mnist_benchmark", 24, FINITE, {"width": 0.6}, quick=("C8",)),
    _entry(
        "mnist_benchmark", 24, ("D4",), {"width": 0.1, "field_mixture": "1 quotient(C2) + 1 regular"}, "quotient fields"
    ),
    _entry("mnist_final", 28, FINITE, _slim, quick=("C4",)),
    _restricted(28, 5, "restricted to rotations"),
    _entry(
        "mnist_final", 28, ("D4",), _slim | {"restrict_to": "D2", "restrict_after": 2}, "restricted to D2 after 2"
    ),
    _entry("harmonic", 24, CONTINUOUS, _slim | {"max_frequency": 1, "nonlinearity": "norm"}, "norm", quick=("SO2",)),
    _entry("harmonic", 24, CONTINUOUS, _slim | {"max_frequency": 2, "nonlinearity": "gated"}, "gated", quick=("O2",)),
    _entry("harmonic", 28, CONTINUOUS, _slim | {"max_frequency": 1, "nonlinearity": "fourier"}, "Fourier"),
    _entry("e2_wrn", 13, ("C4",), {"depth": 10, "width": 0.1, "groups": ("D4", "C4", "C4")}, "D4 to C4", random=True),
    _entry(
        "e2_wrn", 12, ("D4",), {"depth": 10, "width": 0.1, "groups": ("D8", "D4", "D4"), "downsampling": "centred"},
        "D8 to D4, centred", random=True,
    ),
    _entry(
        "e2_wrn", 17, ("D1",), {"depth": 10, "width": 0.1, "equal_parameters": False, "initial_stride": 2}, "D8 to D1",
        random=True,
    ),
    _entry("lenet5", 16, GRID, {}, quick=("D4",)),
    _entry("lenet1", 16, GRID, {}, quick=("C4",)),
    _entry("lenet5_modern", 20, GRID, {}, quick=("D1",)),
    _entry("alexnet", 15, GRID, {"variant": "small", "width": 0.05, "units": 64, "dropout": 0.0}, quick=("C4",)),
    _entry("alexnet", 67, GRID, {"width": 0.04, "units": 64, "dropout": 0.0}, "one column", quick=("D2",)),
    _entry(
        "alexnet", 15, GRID,
        {"variant": "small", "width": 0.05, "units": 64, "without": ("3", "4", "6", "7"), "dropout": 0.0},
        "without 3, 4, 6, 7", quick=("C4",),
    ),
    _entry("vgg", 32, GRID, {"variant": "A-LRN", "width": 0.07, "units": 64, "dropout": 0.0}, "A-LRN", quick=("D4",)),
    _entry("vgg11_bn", 32, GRID, {"width": 0.03, "units": 64, "dropout": 0.0}, quick=("C4",)),
    _entry("network_in_network", 11, GRID, {"width": 0.05, "dropout": 0.0}, quick=("C4",)),
    _entry("all_cnn", 13, GRID, {"width": 0.05, "dropout": 0.0}, quick=("D2",)),
    _entry("resnet18", 33, GRID, {"width": 0.03}, quick=("D4",)),
    _entry(
        "resnet50", 33, GRID, {"width": 0.03, "cardinality": 2, "base_width": 32, "version": "1"}, "grouped",
        quick=("C4",),
    ),
    _entry("resnet50", 33, GRID, {"width": 0.03, "preactivation": True}, "pre-activation", quick=("C4",)),
    _entry("cifar_resnet", 9, GRID, {"depth": 8, "width": 0.2}, quick=("D4",)),
    _entry(
        "stochastic_depth", 9, GRID, {"depth": 14, "width": 0.2, "shortcut": "B"}, "option B", random=True,
        quick=("C4",),
    ),
    _entry("preactivation_resnet", 9, GRID, {"depth": 11, "width": 0.2}, quick=("C4",)),
    _entry("wrn", 9, GRID, {"depth": 10, "widen": 1, "width": 0.2}, quick=("D4",)),
    _entry("densenet121", 29, GRID, {"blocks": (1, 1, 1, 1), "width": 0.1}, quick=("D4",)),
    _entry("densenet_cifar", 8, GRID, {"depth": 7, "growth": 4, "width": 0.5}, quick=("D4",)),
    _entry(
        "densenet_bc_cifar", 8, GRID, {"depth": 10, "growth": 4, "width": 0.5, "dropout": 0.2}, random=True,
        quick=("C4",),
    ),
    _entry("squeezenet1_0", 35, GRID, {"width": 0.25}, random=True, quick=("C4",)),
    _entry("squeezenet1_1", 31, GRID, {"width": 0.25}, random=True, quick=("D4",)),
    _entry("mobilenet_v2", 33, GRID, {"width": 0.12, "multiple_of": 1}, quick=("C4",)),
    _entry("googlenet", 8, GRID, {"variant": "small", "width": 0.1, "units": 8}, quick=("D4",)),
    _entry(
        "googlenet", 61, GRID, {"width": 0.1, "auxiliary": False, "dropout": 0.0}, "the paper's, without heads",
        quick=("C4",),
    ),
    _entry(
        "inception_v3", 75, GRID, {"width": 0.03, "auxiliary": False, "dropout": 0.0}, "without head", trains=False,
        quick=("C4",),  # in training, batch statistics of a single pixel amplify rounding beyond any tolerance
    ),
    _entry(
        "fractalnet", 32, GRID, {"columns": 2, "width": 0.03, "dropout": 0.0}, "two columns", quick=("D4",)
    ),
    _entry("highway", 8, GRID, {"depth": 11, "width": 0.3, "units": 200}, quick=("C4",)),
    _entry("deeply_supervised", 11, GRID, {"width": 0.04, "dropout": 0.0}, quick=("D4",)),
)  # fmt: skip

_small = {"width": 1, "kernel_size": 3, "depth": 2}
VOLUMES: tuple[Entry, ...] = (
    _volumes("cnn", 6, ("C1",), _small, exact=False),
    _volumes("ti_cnn", 6, ("C1",), {"width": 2, "kernel_size": 3}),
    _volumes("gcnn", 6, ("C1", *CUBE), _small),
    _volumes("gcnn", 8, CUBE, _small | {"downsampling": "blur", "padding": "valid", "hidden": 4}, "blurred, valid"),
    _volumes("irreps_network", 6, SPACE, _small | {"max_degree": 1}),
    _volumes("irreps_network", 6, SPACE, _small | {"depth": 3, "nonlinearity": "norm"}, "norms, degree 2"),
    _volumes("unet", 6, ("C1",), {"width": 1, "depth": 1}),
    _volumes("group_unet", 6, CUBE, {"width": 1, "depth": 1}),
    _volumes("group_unet", 6, ("SO3", "O3"), {"width": 1, "depth": 1}, "irreps"),
)
"""The same for volumes; `tests/models/test_volumes.py` measures every row."""
