"""Planted faults are reported by the smallest case, the error against its tolerance, and the layer; others pass."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import geomdl.testing as gt
from geomdl.equivariance import as_function, tolerance
from geomdl.groups import C4
from geomdl.layers import Conv, GlobalPool, GroupPool, Pointwise, Sequential
from geomdl.representations import FieldType


def symmetric(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32, out_sharding: Any = None) -> jax.Array:
    """Kernels that quarter turns map to themselves."""
    w = jax.random.normal(key, shape, dtype)
    return (w + jnp.rot90(w) + jnp.rot90(w, 2) + jnp.rot90(w, 3)) / 4


class Net(nnx.Module):
    """Exact under quarter turns with stride 1, or on odd sizes."""

    def __init__(self, stride: int = 1, padding: str = "SAME") -> None:
        rngs = nnx.Rngs(0)
        self.first = nnx.Conv(1, 4, (3, 3), padding=padding, kernel_init=symmetric, rngs=rngs)
        self.second = nnx.Conv(4, 4, (3, 3), stride, padding=padding, kernel_init=symmetric, rngs=rngs)
        self.head = nnx.Linear(4, 3, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.head(nnx.relu(self.second(nnx.relu(self.first(x)))).mean((1, 2)))


def failure(call: Any) -> gt.SymmetryError:
    with pytest.raises(AssertionError) as info:
        call()
    assert isinstance(info.value, gt.SymmetryError)
    return info.value


def test_stride_on_even_sizes_names_the_layer_the_smallest_size_and_the_tolerance():
    error = failure(lambda: gt.assert_invariant(Net(stride=2), group="C4", size=[8, 5, 6], channels=1, depth=3))
    lines = str(error).splitlines()
    assert lines[0] == "Net is not invariant to C4"
    assert lines[1] == "  smallest failing case: rotate 90° of 6x6 images"
    assert f"> tolerance {tolerance(jnp.float32, 3):.1e} = 24 ε √depth, with ε = 1.2e-07 of float32" in lines[2]
    assert "depth 3 (given)" in lines[2]
    assert "3 of 4 elements fail" in lines[3]
    assert "holds for images of 5x5" in lines[4]
    assert lines[5].startswith("  first broken layer: second (error ")
    assert "stride of 2 on an even size (6x6 to 3x3)" in lines[5]
    assert error.layers is not None
    assert error.layers.first_broken() == "second"
    assert [case.label for case in error.trial.failures] == ["rotate 90°", "rotate 270°", "rotate 180°"]


def test_sizes_of_a_strategy_are_shrunk_and_odd_ones_pass():
    strided = lambda x: x[:, ::2, ::2].mean((1, 2))  # noqa: E731
    error = failure(
        lambda: gt.assert_invariant(strided, group="C4", size=gt.sizes(5, 8), channels=1, elements=[[0, 2]])
    )
    assert "smallest failing case: rotate 180° of 6x6 images" in str(error)
    trial = gt.assert_invariant(strided, group="C4", size=gt.sizes(5, 7, parity="odd"), channels=1, elements=[[0, 2]])
    assert trial.passed
    assert trial.worst.error <= tolerance(jnp.float32, gt.UNKNOWN_DEPTH) == trial.worst.limit
    assert "(the default, as depth= is not given)" in trial.worst.derivation


def test_zero_padding_under_shifts():
    error = failure(lambda: gt.assert_invariant(Net(), group="shifts", size=8, channels=1))
    assert "Net is not invariant to Z8xZ8" in str(error)
    assert "shift (0, 1) of 8x8 images" in str(error)
    assert "first broken layer: first" in str(error)
    assert "at the border only: padding that is not circular" in str(error)
    trial = gt.assert_invariant(Net(padding="CIRCULAR"), group="shifts", size=6, channels=1)
    assert len(trial.cases) == 36  # every shift


def ours() -> Sequential:
    image, features = FieldType(C4, "1 trivial"), FieldType(C4, "2 regular")
    rngs = nnx.Rngs(0)
    layers = [Conv(image, features, 3, padding=1, rngs=rngs), Pointwise(features, "relu")]
    layers += [Conv(features, features, 3, padding=1, rngs=rngs), GroupPool(features)]
    return Sequential([*layers, GlobalPool(FieldType(C4, "2 trivial"))])


class Careless(Pointwise):
    """Weighs the rotations of a field differently."""

    def __call__(self, x: Any, *, train: bool = False, key: Any = None) -> Any:
        return x * jnp.arange(1, 1 + x.shape[-1], dtype=x.dtype)


def test_contracts_kept_and_broken():
    report = gt.assert_contract(ours(), size=[6, 7])
    assert report.passed
    broken = ours()
    broken.layers[1] = Careless(FieldType(C4, "2 regular"), "relu")
    error = failure(lambda: gt.assert_contract(broken, size=[7, 5]))
    assert str(error).startswith("Sequential does not keep its contract for 5x5 inputs")
    depth = broken.contract.depth
    assert f"> tolerance {tolerance(jnp.float32, depth):.1e} (24 ε √depth, depth {depth} from the contract)" in str(
        error
    )
    assert "first broken layer: layers.1" in str(error)
    assert "the layer itself is at fault" in str(error)
    error = failure(lambda: gt.assert_invariant(broken, group="C4", size=5))
    assert f"depth {depth} (from the contract)" in str(error)
    assert "first broken layer: layers.1" in str(error)


def _cells(x: jax.Array, shift: float = 0.0) -> dict[str, jax.Array]:
    """A detector: every cell of 4 × 4 pixels is a box, its score the brightness."""
    side = x.shape[1] // 4
    means = x.astype(jnp.float32).reshape(len(x), side, 4, side, 4, -1).mean((2, 4, 5)).reshape(len(x), -1)
    corner = 4.0 * jnp.stack(jnp.meshgrid(jnp.arange(1.0 * side), jnp.arange(1.0 * side), indexing="xy"), -1).reshape(
        -1, 2
    )
    boxes = jnp.concatenate([corner + shift, corner + 4], -1)
    scores = jax.nn.sigmoid(means).astype(x.dtype).astype(jnp.float32)
    return {
        "boxes": jnp.broadcast_to(boxes, (len(x), *boxes.shape)),
        "scores": scores,
        "classes": 0 * scores.astype(int),
    }


@pytest.mark.parametrize("dtype", [jnp.bfloat16, pytest.param(jnp.float16, marks=pytest.mark.long)])
def test_narrow_types_make_no_check_vacuous(dtype: Any):
    """Outputs that differ little between images, as sets of boxes and fields with a large mean do, are not constant."""
    options: dict[str, Any] = {"group": "C4", "size": 8, "channels": 1, "dtype": dtype}
    trial = gt.assert_equivariant(as_function(_cells), output="detections", **options)
    assert trial.spread < 0.1 < tolerance(jnp.bfloat16, 64)
    assert trial.worst.limit <= trial.spread / 2
    error = failure(
        lambda: gt.assert_equivariant(as_function(lambda x: _cells(x, 0.5)), output="detections", **options)
    )
    assert "constant" not in str(error)
    assert "half the spread between images" in str(error) or "3 ε √depth" in str(error)
    offset = lambda x: 20 + 4 * x.astype(jnp.float32)  # noqa: E731
    assert gt.assert_equivariant(lambda x: offset(x).astype(x.dtype), **options).passed
    error = failure(lambda: gt.assert_equivariant(lambda x: offset(x).at[:, :4].set(21).astype(x.dtype), **options))
    assert "constant" not in str(error)
    error = failure(lambda: gt.assert_equivariant(lambda x: (20 + 0.01 * x).astype(x.dtype), **options))
    assert "only because its output is constant" in str(error)
    broken = ours()
    broken.layers[1] = Careless(FieldType(C4, "2 regular"), "relu")
    assert gt.assert_contract(ours(), size=6, dtype=dtype).passed
    failure(lambda: gt.assert_contract(broken, size=6, dtype=dtype))


def test_fields_of_our_layers_are_moved_by_their_types():
    image, features = FieldType(C4, "1 trivial"), FieldType(C4, "2 regular")
    layer = Conv(image, features, 3, padding=1, rngs=nnx.Rngs(0))
    assert gt.assert_equivariant(layer, group=C4, size=6).passed
    assert gt.assert_equivariant(layer, group="C4", output="field", size=6, out_field_type=features).passed
    wrong = FieldType(C4, "8 trivial")
    failure(lambda: gt.assert_equivariant(layer, group="C4", size=6, out_field_type=wrong))


@pytest.mark.parametrize("model", [lambda x: jnp.ones((len(x), 3)), lambda x: 0 * x.mean((1, 2))], ids=["ones", "dead"])
def test_constant_functions_fail_and_say_so(model: Any):
    error = failure(lambda: gt.assert_invariant(model, group="C4", size=5))
    assert "only because its output is constant" in str(error)
    assert "spread between inputs ‖f(x) − f(x')‖/‖f(x)‖ = 0.0e+00" in str(error)
    assert "constant or dead" in str(error)
    assert error.trial.is_constant


def test_resampled_elements_are_held_to_what_resampling_changes_or_to_a_given_bound():
    def radius(x: jax.Array) -> jax.Array:
        """∫ |p|² x: invariant to rotations, up to resampling."""
        rows, columns = (np.arange(n) - (n - 1) / 2 for n in x.shape[1:3])
        weight = jnp.asarray(rows[:, None] ** 2 + columns**2, x.dtype)[None, ..., None]
        return (weight * x).sum((1, 2))

    options = {"channels": 1, "size": 16}
    trial = gt.assert_invariant(radius, group="C8", elements=[[0, 1], [0, 2]], **options)
    resampled = [case for case in trial.cases if not case.exact]
    assert [case.label for case in resampled] == ["rotate 45°"]
    assert all(case.baseline > 1e-3 for case in resampled)
    assert all(case.limit == pytest.approx(2 * case.baseline, rel=1e-2) for case in resampled)
    assert all(case.baseline == 0 and case.limit < 2e-5 for case in trial.cases if case.exact)
    error = failure(lambda: gt.assert_invariant(radius, group="C8", elements=[[0, 1]], bound=1e-5, **options))
    assert "> bound 1.0e-05 (given)" in str(error)
    assert "rotate 45°" in str(error)
    assert "layers cannot be looked into" in str(error)
    upper = lambda x: (x[:, : x.shape[1] // 3] ** 2).sum((1, 2))  # noqa: E731
    error = failure(lambda: gt.assert_invariant(upper, group="C8", elements=[[0, 1]], **options))
    assert " > limit " in str(error)


def test_no_model_passes_that_changes_its_output_as_much_as_another_image_would():
    limit, why = gt.Judgement(factor=2.0).resampling(0.1, 1e-5, spread=0.05)
    assert (limit, why) == (0.025, "limit 2.5e-02 = half the spread between images (5.0e-02)")
    assert gt.Judgement(factor=2.0).resampling(0.1, 1e-5, spread=1.0)[0] == pytest.approx(0.20001)


def test_labels_and_outputs_that_move_in_a_way_of_their_own():
    assert gt.assert_equivariant(lambda x: jnp.argmax(x, -1), group="C4", output="labels", size=5).passed
    blurred = lambda x: jnp.argmax(x + jnp.roll(x, 1, 1), -1)  # noqa: E731
    error = failure(lambda: gt.assert_equivariant(blurred, group="C4", output="labels", size=5))
    assert "share of entries that differ" in str(error)

    def corners(x: jax.Array) -> jax.Array:
        """The four corners, in the order in which a quarter turn takes one to the next."""
        return jnp.stack([x[:, 0, -1, 0], x[:, 0, 0, 0], x[:, -1, 0, 0], x[:, -1, -1, 0]], -1)

    def cycle(g: Any, y: Any) -> Any:
        return jnp.roll(y, g[1], 1)

    assert gt.assert_equivariant(corners, group="C4", output=cycle, size=4).passed
    error = failure(lambda: gt.assert_equivariant(lambda x: corners(x)[:, ::-1], group="C4", output=cycle, size=4))
    assert "not equivariant (output: cycle) to C4" in str(error)


def test_numpy_functions_and_given_images():
    model = as_function(lambda x: np.tanh(x).mean((1, 2)), numpy=True)
    x = np.random.default_rng(0).normal(size=(1, 4, 4, 2)).astype(np.float32)
    assert gt.assert_invariant(model, x, "D4").passed
    error = failure(lambda: gt.assert_invariant(as_function(lambda x: x[:, 0].sum(1), numpy=True), x, "D4"))
    assert "first broken layer: not known" in str(error)


def test_torch_modules():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    error = failure(lambda: gt.assert_invariant(model, group="C4", size=6, channels=1))
    assert "first broken layer: 0" in str(error)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "invalid x and size"),
        ({"size": "8"}, "invalid size '8'"),
        ({"size": 0}, "invalid size 0"),
        ({"size": 8, "x": np.zeros((1, 8, 8, 3))}, "None when x is given"),
        ({"size": 8, "output": "labels"}, "use assert_equivariant"),
        ({"size": 8, "group": "C-4"}, "did you mean 'C4'"),
        ({"size": (4, 6)}, "square"),
    ],
)
def test_wrong_arguments(options: dict[str, Any], match: str):
    with pytest.raises(ValueError, match=match):
        gt.assert_invariant(lambda x: x.mean((1, 2)), **options)
    with pytest.raises(ValueError, match="NaN"):
        gt.assert_invariant(lambda x: jnp.nan * x.mean((1, 2)), size=4)
