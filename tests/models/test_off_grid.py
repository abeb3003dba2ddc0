"""The networks for rotations off the grid: exact at quarter turns on even sizes, unless halved by a stride."""

import jax
import pytest
from flax import nnx

from geomdl.equivariance import check_contract
from geomdl.models import InexactSizeWarning, OffGridConfig


@pytest.mark.parametrize("group", ["C8", "O2"])
def test_blurred_halving_keeps_quarter_turns(group: str):
    model = OffGridConfig(group=group, width=0.4).build((12, 12, 1), 3, rngs=nnx.Rngs(0))
    report = check_contract(model, jax.random.key(0), size=(12, 12), batch=1, max_shifts=0)
    assert report.passed, str(report)
    assert len([row for row in report.promised if row.symmetry == "points"]) >= 4


def test_halving_by_a_stride_breaks_them_and_says_so():
    with pytest.warns(InexactSizeWarning, match="for images of 12x12"):
        model = OffGridConfig(group="C8", width=0.4, halving="stride").build((12, 12, 1), 3, rngs=nnx.Rngs(0))
    report = check_contract(model, jax.random.key(0), size=(12, 12), batch=1, max_shifts=0)
    assert max(row.error for row in report.rows if row.element == (0, 2)) > 1e-3


def test_what_it_refuses():
    with pytest.raises(ValueError, match=r"unknown model\.halving 'strid'.*did you mean 'stride'"):
        OffGridConfig(halving="strid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"image size .*square, even"):
        OffGridConfig().build((11, 11, 1), 3, rngs=nnx.Rngs(0))
