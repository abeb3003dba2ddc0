"""Errors of models of clouds under their symmetries: networks that keep them, functions that break one, refusals."""

import re

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.audit import audit
from geomdl.models import MODELS
from geomdl.points import cloud_errors, pack_clouds

CLOUDS = np.random.default_rng(0).normal(size=(3, 5, 3)).astype(np.float32)
MASK = np.ones((3, 5), bool)
MASK[1, 4] = False
PACKED = pack_clouds(CLOUDS, mask=MASK)


def verdicts(model, clouds) -> list[str]:
    found = cloud_errors(model, clouds, count=3)
    return [found[name] for name in ("rotations", "reflections", "shifts", "permutations")]


@pytest.mark.long
def test_a_network_keeps_what_it_promises():
    config = MODELS["point_network"](radius=2.0, neighbours=2, layers=1, hidden="2x0e", symmetry="O3")
    network = config.build((5, 4), 3, rngs=nnx.Rngs(0))
    assert verdicts(network, PACKED) == ["exact"] * 4


def test_masked_points_and_features_go_with_their_points():
    def farthest(x):  # of the points that are there, with the features as weights
        centre = (x[..., :3] * x[..., -1:]).sum(1, keepdims=True) / x[..., -1:].sum(1, keepdims=True)
        return (x[..., 3] * ((x[..., :3] - centre) ** 2).sum(-1) * x[..., -1]).max(1)

    packed = pack_clouds(CLOUDS, features=np.abs(CLOUDS[..., :1]), mask=MASK)
    assert verdicts(farthest, packed) == ["exact"] * 4


def test_audits_name_what_to_take_for_clouds():
    with pytest.raises(
        ValueError, match=r"size \(5, 4\); allowed: .*geomdl\.points\.cloud_errors.*; try \(32, 32, 3\)"
    ):
        audit(lambda x: x, size=(5, 4))
    with pytest.raises(ValueError, match=r"\[3, 5, 4\].* \[n, height, .*geomdl\.points\.cloud_errors"):
        audit(lambda x: x, images=PACKED)


def test_each_symmetry_is_seen_by_itself():
    def handed(x):
        a, b, c = (x[:, k] - x[:, 0] for k in (1, 2, 3))
        return (jnp.cross(a, b) * c).sum(-1)

    assert verdicts(handed, CLOUDS) == ["exact", "broken", "exact", "broken"]
    assert verdicts(lambda x: (x**2).sum((1, 2)), CLOUDS) == ["exact", "exact", "broken", "exact"]
    assert verdicts(lambda x: x.max(1) - x.min(1), CLOUDS) == ["broken", "broken", "exact", "exact"]
    assert verdicts(lambda x: 0 * x.sum((1, 2)) + 1, CLOUDS) == ["undefined"] * 4


def test_the_text_and_errors():
    found = cloud_errors(lambda x: (x**2).sum((1, 2)), CLOUDS, count=2)
    assert re.search(r"rotations +exact +\S+ \(25 tried\)", str(found))
    with pytest.raises(ValueError, match=r"symmetry of clouds 'rotation'.*did you mean 'rotations'"):
        found["rotation"]
    with pytest.raises(ValueError, match=r"clouds 'float32 of shape \(5, 3\)'; allowed: two clouds or more"):
        cloud_errors(lambda x: x, CLOUDS[0])
