"""Verdicts on models whose symmetry is known."""

from html.parser import HTMLParser

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.audit import Audit, audit
from geomdl.audit.report.badge import badge_line, badge_svg
from geomdl.audit.report.html import render
from geomdl.groups import C4
from geomdl.layers import Conv
from geomdl.representations import FieldType

KERNELS = np.random.default_rng(0).normal(size=(3, 3, 1, 4)).astype(np.float32)
DENSE = np.random.default_rng(1).normal(size=(256, 5)).astype(np.float32)


def convolve(x, kernel, *, stride=1, padding="SAME"):
    if padding == "CIRCULAR":
        x, padding = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="wrap"), "VALID"
    return jax.lax.conv_general_dilated(
        x, jnp.asarray(kernel), (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def c4_network(x):
    """The mean over the four turned kernels of a convolution: invariant under C4, and under nothing else of D4."""
    turned = (jax.nn.relu(convolve(x, np.rot90(KERNELS, k))) for k in range(4))
    return sum(y.mean((1, 2)) for y in turned)


def shift_invariant(x, stride=1):
    return jax.nn.relu(convolve(x, KERNELS, padding="CIRCULAR", stride=stride)).mean((1, 2))


def plain(x):
    return jax.nn.relu(convolve(x, KERNELS)).reshape(len(x), -1) @ jnp.asarray(DENSE)


def small(model, group="D4", **options):
    return audit(model, group=group, **{"size": (8, 8, 1), "count": 8, **options})


@pytest.fixture(scope="module")
def c4_report() -> Audit:
    return small(c4_network, name="<c4> & co")


def test_a_c4_network_is_exact_under_c4_and_broken_under_reflections(c4_report: Audit) -> None:
    levels = {v.symmetry: v.level for v in c4_report.verdicts}
    assert (levels["C2"], levels["C4"]) == ("exact", "exact")
    assert (levels["D1"], levels["left-right"], levels["D4"]) == ("broken", "broken", "broken")
    assert c4_report["C4"].error < c4_report["C4"].tolerance < 1e-4 < 0.01 < c4_report["D1"].error
    assert c4_report["C4"].transformations == 3
    assert c4_report["D4"].transformations == 7
    assert "the same at 9×9" in c4_report["C4"].conditions
    assert c4_report["shifts"].level != "exact"  # zeros outside the frame


def test_circular_convolutions_are_exact_under_circular_shifts() -> None:
    report = small(shift_invariant, "C4")
    assert report["shifts"].level == "exact"
    assert report["C4"].level == "broken"
    assert report["cropped shifts"].level != "exact"
    assert badge_line(report).startswith("symmetry: C4 broken")


def test_a_stride_leaves_shifts_by_its_multiples() -> None:
    report = small(lambda x: shift_invariant(x, stride=2), "C1")
    assert report["shifts"].level == "broken"
    assert "exact for multiples of 2 pixels" in report["shifts"].conditions


def test_a_plain_network_is_broken_and_takes_one_size() -> None:
    report = small(plain)
    assert {report[name].level for name in ("C2", "C4", "D1", "left-right", "D4", "shifts")} == {"broken"}
    assert any("takes images of 8×8 only" in note for note in report.notes)


def test_a_constant_is_dead_and_not_invariant() -> None:
    report = small(lambda x: jnp.ones((len(x), 3)))
    assert report.dead
    assert {v.level for v in report.verdicts} == {"dead"}
    assert "does not depend on the input" in render(report)
    assert badge_line(report) == "symmetry: none, the output is constant"


def test_a_nearly_constant_output_is_not_taken_for_an_exact_one() -> None:
    report = small(lambda x: 1e4 + plain(x), "C4")
    assert report["C4"].error < 0.1
    assert report["C4"].level == "broken"


def test_resampling_is_told_from_the_model() -> None:
    """The energy of an image does not change with the angle: what is measured is the interpolation's."""
    energy = small(lambda x: (x**2).mean((1, 2)), "C8", size=(16, 16, 2))
    assert energy["C8"].level == "approximate"
    assert "grid part exact" in energy["C8"].conditions[0]
    assert energy["C8"].error < 2 * energy["C8"].through < energy["C8"].spread
    assert energy["C8"].baseline > 0
    directed = small(lambda x: (jnp.diff(x, axis=1) ** 2).mean((1, 2)), "C8", size=(16, 16, 2))
    assert directed["C8"].level == "broken"
    assert directed["C8"].error > 5 * directed["C8"].through


def test_fields_move_with_the_image() -> None:
    isotropic = np.array([[1, 2, 1], [2, 5, 2], [1, 2, 1]], np.float32)[..., None, None]
    circular = small(lambda x: jax.nn.relu(convolve(x, isotropic, padding="CIRCULAR")), size=(16, 16, 1))
    assert (circular.output, circular["D4"].level, circular["shifts"].level) == ("field", "exact", "exact")
    assert circular["fractional shifts"].level == "approximate"  # relu makes frequencies that the grid has not
    zeros = small(lambda x: jax.nn.relu(convolve(x, isotropic)), size=(16, 16, 1))
    assert (zeros["D4"].level, zeros["shifts"].level) == ("exact", "broken")
    assert "exact in the middle half of the frame: the borders break it" in zeros["shifts"].conditions
    invariant = small(lambda x: jax.nn.relu(convolve(x, isotropic)), output="invariant")
    assert invariant["C2"].level == "broken"


def test_fields_with_a_type_move_their_channels() -> None:
    layer = Conv(FieldType(C4, "1 trivial"), FieldType(C4, "2 regular"), 3, padding=1, rngs=nnx.Rngs(0))
    assert small(layer, "C4")["C4"].level == "exact"
    as_scalars = small(lambda x: layer(x), "C4")
    assert as_scalars["C4"].level == "broken"
    with pytest.raises(ValueError, match="invalid group 'D4'; allowed: C4, as the model's channels transform as"):
        small(layer, "D4")


def test_numpy_functions_and_labels() -> None:
    report = small(lambda x: np.sort(x.reshape(len(x), -1), 1)[:, -3:], numpy=True)
    assert (report.kind, report["D4"].level, report["shifts"].level) == ("numpy", "exact", "exact")
    labels = small(lambda x: plain(x).argmax(-1), "C2")
    assert labels["C2"].level == "broken"
    assert 0 < labels["C2"].error <= 1


def test_one_compilation_per_size_whatever_the_group() -> None:
    traces = []

    def counted(x):
        traces.append(x.shape)
        return x.max((1, 2))

    for group in ("C2", "D8"):
        traces.clear()
        small(counted, group)
        assert len(traces) <= 3  # two sizes; and a look at the layers
        assert len(set(traces)) <= 3


def test_a_model_that_sees_nothing_of_the_disc_gets_no_verdict_there() -> None:
    report = small(lambda x: x[:, 0, 0], "C4", size=(16, 16, 1))
    assert (report["other angles"].level, report["C4"].level) == ("not measured", "broken")
    assert "<svg" in render(report)


def test_layers_that_break_it_are_named() -> None:
    rngs = nnx.Rngs(0)

    class Net(nnx.Module):
        def __init__(self) -> None:
            self.first = nnx.Conv(1, 2, (1, 1), rngs=rngs)
            self.second = nnx.Conv(2, 2, (3, 3), rngs=rngs)

        def __call__(self, x):
            return self.second(nnx.relu(self.first(x))).mean((1, 2))

    report = small(Net(), "C2")
    assert report.layers is not None
    assert report.layers.layers == ("first", "second", "output")
    assert {(found.symmetry, found.layer) for found in report.layers.breaks} == {("C2", "second"), ("shifts", "second")}
    assert "padding" in str(report)
    assert "C2: first lost in second" in render(report)

    def gives_its_layers(x):
        inner = convolve(x, KERNELS)
        return inner.mean((1, 2)), {"inner": inner}

    looked_into = small(gives_its_layers, "C2")
    assert looked_into.layers is not None
    assert looked_into.layers.layers == ("inner", "output")


@pytest.mark.long  # every measure compiles
def test_further_measures() -> None:
    report = small(shift_invariant, "C2", count=4, measures=True)
    found = {measure.name: measure.value for measure in report.measures}
    assert found["circular consistency"] == 1
    assert found["Lie derivative, rotate"] > 1e-3
    assert 0 < found["orbit spread"] < 10
    assert 5 < found["EQ-T"] < 60  # zeros come in where circular shifts would bring the other side
    assert found["worst of 10"] <= 1
    assert found["position leak"] >= 0
    named = {"learned equivariance (Lenc and Vedaldi)", "invariance score (Goodfellow)"}
    assert named | {"crop consistency", "worst on a grid"} <= set(found)
    assert report.notes == ()
    assert "Lie derivative, rotate" in render(report)
    assert Audit.from_json(report.to_json()) == report
    energy = small(lambda x: x**2, "C2", count=4, measures=True, size=(16, 16, 1))
    decibels = {measure.name: measure.value for measure in energy.measures if measure.unit == "dB"}
    assert decibels["EQ-T"] > 100 > decibels["EQ-R"] > 10  # shifts by whole pixels lose nothing, resampling does


def test_calls_that_are_no_function_of_the_image_are_noted() -> None:
    report = small(lambda x: x.mean((1, 2)) - x.mean(), "C2")
    assert any("batch norm" in note for note in report.notes)
    rng = np.random.default_rng(0)
    noisy = small(lambda x: x.mean((1, 2)) + rng.normal(size=(len(x), 1)), "C2", numpy=True)
    assert any("dropout" in note for note in noisy.notes)


def test_json_is_the_whole_report(c4_report: Audit) -> None:
    again = Audit.from_json(c4_report.to_json())
    assert again == c4_report
    assert again.to_json() == c4_report.to_json()
    assert "NaN" not in c4_report.to_json()
    assert again["C4"] == c4_report["C4"]
    with pytest.raises(ValueError, match="no audit of schema 1"):
        Audit.from_json('{"schema": 0}')


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]
        if tag not in ("meta", "br", "img", "path", "use", "rect", "image", "circle", "line"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()


def test_the_page_is_complete_in_itself(c4_report: Audit) -> None:
    page = render(c4_report)
    tags = _Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.found.count("svg") >= 3
    assert tags.found.count("img") >= 4
    assert not {"script", "link", "iframe", "c4"} & set(tags.found)
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in tags.addresses)
    assert "http" not in page
    assert "&lt;c4&gt; &amp; co" in page
    assert page.count("<svg") == page.count("</svg>")
    ids = [part.split('"')[0] for part in page.split(' id="')[1:]]
    assert len(ids) == len(set(ids))


def test_a_page_from_json_only_lacks_the_pictures(c4_report: Audit) -> None:
    page = render(Audit.from_json(c4_report.to_json()))
    assert "<img" not in page
    assert "Verdicts" in page


def test_badge(c4_report: Audit) -> None:
    line = badge_line(c4_report)
    assert line.startswith("symmetry: C4 exact (")
    assert "45° 0." in line
    assert badge_svg(c4_report).startswith("<svg")


def test_the_same_seed_gives_the_same_numbers(c4_report: Audit) -> None:
    again = small(c4_network, name="<c4> & co")
    assert again.measurements == c4_report.measurements
    assert small(c4_network, "C1", seed=1)["shifts"].error != small(c4_network, "C1", seed=0)["shifts"].error


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda x: x / 0, {}, "the model returns NaN or infinity"),
        (lambda x: (x, x), {}, "the model returns a tuple; an audit needs one array"),
        (lambda x: x.sum(), {}, "needs one array"),
        (lambda x: x[:1], {}, r"the model returns shape \(1, 8, 8, 1\) for 8 images"),
        (lambda x: x @ jnp.ones((7, 3)), {}, "the model fails on images 8×8×1 .*is this its input size"),
        (lambda x: x @ jnp.ones((7, 3)), {"size": None}, "the model takes none of the sizes 64x64x3"),
        (lambda x: x, {"size": (8, 12, 1)}, "D4 turns by 90°, which needs square images"),
        (lambda x: x, {"group": "C-4"}, "unknown group 'C-4'.*did you mean 'C4'"),
        (lambda x: x, {"output": "fields"}, "unknown output 'fields'.*did you mean 'field'"),
        (lambda x: x.mean((1, 2)), {"output": "field"}, "output='field' for an output of shape"),
        (lambda x: x, {"count": 1}, "invalid count 1; allowed: at least 2"),
        (lambda x: x, {"dtype": "int32"}, "invalid dtype 'int32'; allowed: float32 or float64"),
        (lambda x: x, {"dtype": "float64"}, "float64 is off in JAX"),
        (lambda x: x, {"size": (8, 8)}, "invalid size"),
        (lambda x: x, {"images": np.zeros((4, 8, 8)), "size": None}, "invalid images of given images"),
        (lambda x: x, {"images": np.full((4, 8, 8, 1), np.nan), "size": None}, "contain NaN"),
    ],
)
def test_bad_input(model, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        small(model, **options)


def test_oblong_images_have_half_turns_and_flips() -> None:
    report = small(lambda x: x.mean((1, 2)), "D2", size=(8, 12, 1))
    assert (report["D2"].level, report["shifts"].level) == ("exact", "exact")
