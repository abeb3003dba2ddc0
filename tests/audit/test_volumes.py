"""Audits of models of volumes: verdicts on networks that promise a group, on a plain one, errors, files."""

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.actions.laws import output_law
from geomdl.audit import Audit, Images, audit
from geomdl.audit.probes.output import output_of
from geomdl.audit.probes.space import SpaceElement, elements_in_space, named_parts
from geomdl.audit.probes.symmetries import symmetry_names
from geomdl.audit.report.html import render
from geomdl.equivariance.localisation.layerwise import layer_errors
from geomdl.groups import C4, O3, SO3, VOLUME, O, Oh, SpatialGroup
from geomdl.layers import Conv, GlobalPool, GroupPool, Pointwise, Sequential
from geomdl.representations import FieldType

SIZE = (4, 4, 4, 1)


class Plain(nnx.Module):
    """A 3-D CNN without symmetry."""

    def __init__(self) -> None:
        self.first = nnx.Conv(1, 2, (3, 3, 3), rngs=nnx.Rngs(0))
        self.second = nnx.Conv(2, 2, (3, 3, 3), rngs=nnx.Rngs(1))

    def __call__(self, x):
        return jnp.tanh(self.second(jnp.tanh(self.first(x)))).mean((1, 2, 3))


def network() -> Sequential:
    """A lifting convolution of the group O, and an invariant output."""
    hidden = FieldType(O, "1 regular")
    conv = Conv(FieldType(O, "1 trivial"), hidden, 3, padding="same", rngs=nnx.Rngs(0))
    return Sequential([conv, Pointwise(hidden), GroupPool(hidden), GlobalPool(FieldType(O, "1 trivial"))])


@pytest.fixture(scope="module")
def of_o() -> Audit:
    """Of the network of O, asked about Oh: noise of its contract's channels."""
    return audit(network(), group=Oh, size=SIZE, count=2)


def test_a_network_of_o_is_exact_in_all_turns_and_broken_by_mirrors(of_o):
    assert [of_o[name].level for name in ("C2z", "C4x", "C4y", "T", "O")] == ["exact"] * 5
    assert of_o["O"].transformations == 23
    assert [of_o[name].level for name in ("Ci", "Th", "Td", "Oh", "depth flip")] == ["broken"] * 5
    assert of_o["Oh"].transformations == 47
    assert "the same at 5×5×5" in of_o["O"].conditions
    assert of_o.input_shape == SIZE
    assert of_o.layers is not None  # the convolution, which promises O alone
    assert {b.symmetry for b in of_o.layers.breaks} == {"Oh", "shifts"}
    assert "not about all of Oh" in str(of_o)


@pytest.mark.long
def test_the_report_reads_back_and_is_drawn(of_o):
    assert Audit.from_json(of_o.to_json()).verdicts == of_o.verdicts
    assert "4×4×4" in render(of_o)
    assert "Of each kind of transformation the worst image" in render(of_o)


def test_a_plain_network_has_no_symmetry_and_the_layer_is_named():
    report = audit(Plain(), group="C4z", size=SIZE, count=2)
    assert [report[name].level for name in ("C2z", "C4z", "height flip", "other angles")] == ["broken"] * 4
    assert report.layers is not None
    assert report.layers.breaks[0].layer == "first"


@pytest.mark.long
def test_fields_that_are_no_cubes_and_groups_about_an_axis():
    def blur(x):  # along all axes alike
        return x + sum(jnp.roll(x, s, a) for s in (1, -1) for a in (1, 2, 3))

    report = audit(blur, group="Cinfv", size=(3, 6, 6, 1), count=2)
    assert report.output == "field"
    assert report["C4z"].level == report["shifts"].level == report["depth flip"].level == "exact"
    assert report["Cinfv"].level == "approximate"
    assert any("grid part exact" in c for c in report["Cinfv"].conditions)
    with pytest.raises(ValueError, match=r"O exchanges axes .* equally long, got 3×6×6; .* 'C4z'"):
        audit(blur, group="O", size=(3, 6, 6, 1), count=2)


@pytest.mark.long
def test_label_maps_types_and_functions_move():
    labels = audit(lambda x: (x[..., 0] > 0).astype(jnp.int32), group="O", size=SIZE, count=2)
    assert (labels.output, labels["O"].level) == ("labels", "exact")
    vectors = FieldType(O3, "1x1o")
    moved = audit(lambda x: x * (x**2).sum(-1, keepdims=True), group="O3", size=(*SIZE[:3], 3), count=2, output=vectors)
    assert moved["Oh"].level == "broken"  # channels of the input are scalars
    mean = audit(network(), group="O", size=SIZE, count=2, output=lambda g, y: y)
    assert mean["O"].level == "exact"


def test_given_volumes_choose_the_group():
    volumes = np.random.default_rng(0).normal(size=(2, *SIZE)).astype(np.float32)
    report = audit(lambda x: (x**2).mean((1, 2, 3)), images=Images("scans", volumes))
    assert (report.group, report["Oh"].level, report.images) == ("Oh", "exact", "scans")


def test_elements_that_are_tried():
    assert [len(elements_in_space(g)) for g in (O, Oh, SpatialGroup("I"), SO3)] == [23, 47, 59, 35]
    assert [str(g) for g in named_parts(SpatialGroup("D3d"))] == ["C3z", "Ci", "D3d"]
    assert "Ci" in symmetry_names(Oh)
    element = elements_in_space(O)[0]
    x = np.random.default_rng(0).normal(size=(1, 3, 3, 3, 2))
    np.testing.assert_array_equal(element.moved(x), VOLUME.grid_symmetry(O, np.array([1]))(x))
    labels = np.arange(27).reshape(1, 3, 3, 3, 1)
    turn = SpaceElement.of(SO3.matrix(np.array([0, np.cos(0.01), 0, 0, np.sin(0.01)])))  # 1.1°: to the nearest voxel
    np.testing.assert_array_equal(turn.moved_labels(labels), labels)


def test_outputs_are_guessed_from_their_shapes():
    shapes = {(2, 8, 8, 8, 3): "field", (2, 3, 8, 8, 8): "channels-first", (2, 8, 8, 8): "field", (2, 64, 5): "tokens"}
    shapes |= {(2, 10): "invariant", (2, 4, 4, 4, 3): "field"}
    assert {shape: output_of(shape, (8, 8, 8)).name for shape in shapes} == shapes
    assert output_of((2, 4, 4, 4, 3), (8, 8, 8)).stride == 2
    permuted = output_law("permutation 1 2 3 0", SpatialGroup("C4z"))
    assert str(permuted) == "permutation 1 2 3 0"


@pytest.mark.parametrize(
    ("message", "options"),
    [
        ("group of an audit of volumes 'C4'; .*; try C4z", {"group": "C4", "size": SIZE}),
        ("group of an audit of images 'O'; .* O moves volumes", {"group": "O", "size": (4, 4, 1)}),
        (r"\(depth, height, width, channels\)", {"group": "O", "size": (4, 4)}),
        ("output of a model of volumes 'points'", {"group": "O", "size": (4, 4, 4, 2), "output": "points"}),
    ],
)
def test_errors_name_the_nearest_valid_choice(message, options):
    with pytest.raises(ValueError, match=message):
        audit(lambda x: x, count=2, **options)


def test_layer_errors_take_volumes():
    x = np.random.default_rng(0).normal(size=(2, *SIZE)).astype(np.float32)
    found = layer_errors(network(), x, "O", elements=O.elements()[1:4])
    assert found.first_broken() is None
    assert found.labels[0] == "90° about z"
    assert layer_errors(Plain(), x, C4 if x.ndim == 4 else "C4z").first_broken() == "first"
