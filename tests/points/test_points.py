"""Point clouds: neighbourhoods against loops in NumPy, and networks that commute with O(3), shifts and permutations."""

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from geomdl.data import TETRIS, tetris
from geomdl.points import (
    PointConv,
    PointNetwork,
    centred,
    mesh_neighbours,
    nearest_neighbours,
    neighbours_within,
    require_cloud,
)

LIMIT = {"float32": 1e-5, "float64": 1e-10}
HIDDEN = "3x0e + 2x0o + 2x1o + 2x1e"


def cloud(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 3)).astype(np.float32)


def rotation(seed: int = 0) -> np.ndarray:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return turn * np.linalg.det(turn)


def sets(found) -> list[set[int]]:
    index, mask = np.asarray(found.index), np.asarray(found.mask)
    return [set(row[there].tolist()) for row, there in zip(index, mask, strict=True)]


def test_neighbours_are_those_of_a_loop():
    points = cloud(12)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest, within = nearest_neighbours(points, 4), neighbours_within(points, 1.5, room=11)
    assert sets(nearest) == [set(np.argsort(row)[:4].tolist()) for row in distance]
    assert sets(within) == [set(np.flatnonzero(row < 1.5).tolist()) for row in distance]
    assert nearest.complete.all()
    assert within.complete.all()
    expected = np.where(within.mask[..., None], points[within.index] - points[:, None], 0)
    np.testing.assert_allclose(within.offset, expected, atol=1e-6)
    crowded = neighbours_within(points, 1.5, room=3)
    assert sets(crowded) == [set(np.argsort(row)[: min(3, (row < 1.5).sum())].tolist()) for row in distance]
    assert (crowded.complete == ((distance < 1.5).sum(1) <= 3)).all()


@pytest.mark.parametrize("room", [4, 5, 6, 7])
def test_equally_far_points_are_all_neighbours_or_none_in_any_order_and_orientation(room: int):
    """On a lattice, where nearly all distances occur several times."""
    lattice = np.stack(np.meshgrid(*[np.arange(3.0)] * 3), -1).reshape(-1, 3)
    order = np.random.default_rng(0).permutation(27)
    for make in (lambda p: nearest_neighbours(p, 4, room=room), lambda p: neighbours_within(p, 1.2, room=room)):
        plain = make(lattice.astype(np.float32))
        moved = make((lattice[order] @ rotation().T + 0.3).astype(np.float32))
        back = sets(moved)
        assert [{int(order[i]) for i in back[np.flatnonzero(order == n)[0]]} for n in range(27)] == sets(plain)
        inner = 13  # in the middle: six neighbours at distance 1
        assert int(plain.count[inner]) == (6 if room >= 6 else 0)
        assert bool(plain.complete[inner]) == (room >= 6)


def test_padding_changes_nothing_and_is_no_neighbour():
    points = cloud(6)
    padded = np.concatenate([points, np.full((3, 3), np.nan, np.float32)])
    mask = np.arange(9) < 6
    for make in (lambda p, m: nearest_neighbours(p, 2, mask=m), lambda p, m: neighbours_within(p, 2, room=5, mask=m)):
        plain, found = make(points, None), make(padded, mask)
        assert sets(found)[:6] == sets(plain)
        assert sets(found)[6:] == [set()] * 3
        assert np.isfinite(found.offset).all()
    np.testing.assert_allclose(centred(padded, mask=mask)[:6], centred(points), atol=1e-6)
    network = PointNetwork(
        2, radius=3.0, neighbours=2, layers=1, symmetry="O3", hidden="2x0e + 1x1o", degree=1, norm=True, rngs=0
    )
    of_both = jax.jit(lambda p, m, q: (nnx.clone(network)(p, mask=m), nnx.clone(network)(q)))
    found, expected = of_both(padded[None], mask[None], points[None])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_mesh_neighbours_share_an_edge():
    corners = np.array([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1], [9, 9, 9]])
    found = mesh_neighbours(np.stack([corners, 2 * corners]), np.array([[0, 1, 2], [0, 3, 1]]))
    for number in (0, 1):
        assert sets(jax.tree.map(lambda x, n=number: x[n], found)) == [{1, 2, 3}, {0, 2, 3}, {0, 1}, {0, 1}, set()]
    np.testing.assert_allclose(found.offset[1], 2 * found.offset[0])


@pytest.mark.parametrize("dtype", [pytest.param("float32", marks=pytest.mark.long), "float64"])
def test_convolution_commutes_with_o3_shifts_and_permutations(dtype: str):
    layer = PointConv("2x0e + 1x1o", "2x0e + 1x0o + 2x1o + 1x1e + 1x2e", radius=2.5, rngs=0)
    order, features = np.random.default_rng(0).permutation(9), cloud(9, 2)[:, [0, 1, 2, 0, 1]].astype(dtype)
    points = cloud(9).astype(dtype)
    turn, shift = rotation(), np.array([1.0, -2.0, 0.5])
    clouds = np.stack([points, *((points @ g.T + shift)[order] for g in (turn, -turn))]).astype(dtype)
    control = PointControl()
    assert all(np.linalg.norm(control(p) - control(points)) > 0.1 * np.linalg.norm(control(points)) for p in clouds[1:])
    with jax.enable_x64(dtype == "float64"):
        degrees = jax.jit(lambda r: [e3nn.Irrep(ell, 1).D_from_matrix(r) for ell in range(3)])(turn)
        fields = [features, *(features @ acting(layer.irreps_in, degrees, s).T for s in (1, -1))]
        fields = np.stack([fields[0], fields[1][order], fields[2][order]]).astype(dtype)
        found = jax.jit(lambda p, x: layer(x, nearest_neighbours(p, 4)).array)(clouds, fields)
    found = np.asarray(found)
    assert found.dtype == dtype
    for result, sign in ((found[1], 1), (found[2], -1)):
        expected = (found[0] @ acting(layer.irreps_out, degrees, sign).T)[order]
        assert np.linalg.norm(result - expected) < LIMIT[dtype] * np.linalg.norm(expected)
        assert np.linalg.norm(result - found[0][order]) > 0.1 * np.linalg.norm(expected)


def acting(irreps: e3nn.Irreps, degrees: list, sign: int) -> np.ndarray:
    """D of a rotation, of whose proper part there are e3nn's matrices, times the parity for the sign −1."""
    result, start = np.zeros((irreps.dim, irreps.dim)), 0
    for ir in (ir for multiplicity, ir in irreps for _ in range(multiplicity)):
        result[start : start + ir.dim, start : start + ir.dim] = np.asarray(degrees[ir.l]) * (ir.p if sign < 0 else 1)
        start += ir.dim
    return result


class PointControl:
    """Reads coordinates, as a PointNet does: what no test of symmetry may let pass."""

    def __init__(self):
        self.first, self.second = (np.random.default_rng(s).normal(size=n) for s, n in ((0, (3, 16)), (1, (16, 2))))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        return np.maximum(points @ self.first, 0).mean(-2) @ self.second


def test_convolution_is_the_sum_of_its_equation():
    """One scalar to one vector: y_i = Σ_j φ(r_ij) x_j √3 r̂_ij / √N, times the weights of the linear map."""
    layer = PointConv("1x0e", "1x1o", radius=3.0, degree=1, neighbours=4.0, rngs=0)
    points, x = cloud(6), cloud(6, 3)[:, :1]
    near = nearest_neighbours(points, 3)
    found = jax.jit(lambda x: layer(x, near).array)(x)
    phi = np.asarray(jax.jit(lambda: layer.weights(near, jnp.float32))())
    expected = np.zeros((6, 3))
    for i in range(6):
        for place in np.flatnonzero(near.mask[i]):
            r = points[near.index[i, place]] - points[i]
            expected[i] += phi[i, place, 0] * x[near.index[i, place], 0] * np.sqrt(3) * r / np.linalg.norm(r) / 2
    (weight,) = layer.mix.weights.values()
    np.testing.assert_allclose(found, expected * float(weight[...][0, 0]), rtol=1e-4, atol=1e-5)
    assert (np.asarray(layer.weights(near, jnp.float32))[~np.asarray(near.mask)] == 0).all()


@pytest.fixture(scope="module")
def scores() -> dict:
    """Of the eight pieces of Tetris, in several positions, by untrained networks of either symmetry."""
    points, _ = tetris()
    turned = points @ rotation().T.astype(np.float32) + np.float32(3)
    batch = np.stack([points, turned[:, ::-1], points * np.float32([1, 1, -1])])
    result = {}
    for symmetry in ("SO3", "O3"):
        network = PointNetwork(
            4, radius=1.8, neighbours=3, within=True, symmetry=symmetry, hidden=HIDDEN, degree=1, rngs=0
        )
        graph, state = nnx.split(network)
        result[symmetry] = np.asarray(jax.jit(jax.vmap(lambda p, g=graph, s=state: nnx.merge(g, s)(p)))(batch))
    return result


@pytest.mark.parametrize("symmetry", ["SO3", "O3"])
def test_scores_do_not_change_with_position_and_order(scores: dict, symmetry: str):
    plain, turned, mirrored = scores[symmetry]
    size = np.abs(plain).max()
    assert np.abs(turned - plain).max() < 1e-5 * size
    assert np.ptp(plain[2:], axis=0).max() > 1e-2 * size  # other pieces have other scores
    flat = [i for i, name in enumerate(TETRIS) if "screw" not in name]  # pieces that are their own mirror images
    assert np.abs(mirrored - plain)[flat].max() < 1e-5 * size


def test_only_the_network_with_pseudoscalars_tells_left_from_right(scores: dict):
    for symmetry, least, most in (("SO3", 1e-3, np.inf), ("O3", 0.0, 1e-5)):
        plain, _, mirrored = scores[symmetry]
        size = np.abs(plain).max()
        for difference in (np.abs(plain[0] - plain[1]).max() / size, np.abs(plain - mirrored)[:2].max() / size):
            assert least <= difference <= most
        assert np.abs(mirrored[0] - plain[1]).max() < 1e-5 * size


def test_points_at_one_place_have_finite_gradients_inside_compiled_functions():
    layer = PointConv("1x0e", "1x0e + 1x1o", radius=2.0, degree=1, rngs=0)
    points = np.array([[0, 0, 0], [0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)

    def total(p):
        return (layer(jnp.ones((4, 1)), nearest_neighbours(p, 2)).array ** 2).sum()

    assert np.isfinite(jax.jit(jax.grad(total))(points)).all()


def small_layer() -> PointConv:
    return PointConv("2x0e", "0e", radius=1.0, rngs=0)


REFUSED = {
    "too few": (lambda: nearest_neighbours(cloud(4), 4), "number of neighbours 4.*fewer than the 4 points; try 3"),
    "too few under the mask": (
        lambda: nearest_neighbours(cloud(5), 3, mask=np.arange(5) < 3), "number of points 3; allowed: 4 or more",
    ),
    "duplicates": (lambda: nearest_neighbours(cloud(4)[[0, 1, 2, 1]], 2), "points 1 and 3 at .*no direction"),
    "NaN": (lambda: neighbours_within(np.full((3, 3), np.nan), 1.0, room=2), "point 0 at .nan.*finite"),
    "plane": (lambda: require_cloud(np.zeros((5, 2))), r"shape of points \(5, 2\)"),
    "transposed": (lambda: require_cloud(np.zeros((3, 50))), "channels seem to come first|with 3 channels|coordinates"),
    "one point": (lambda: require_cloud(np.zeros(3)), "shape of points"),
    "integers": (lambda: nearest_neighbours(np.arange(9).reshape(3, 3), 1), "dtype of points"),
    "mask": (lambda: nearest_neighbours(cloud(4), 1, mask=np.ones(3, bool)), "shape of the mask"),
    "mask of numbers": (lambda: nearest_neighbours(cloud(4), 1, mask=np.ones(4)), "True where there is a point"),
    "radius": (lambda: neighbours_within(cloud(4), -1.0, room=2), "radius -1.0"),
    "radius as text": (lambda: neighbours_within(cloud(4), "1", room=2), "radius '1'; allowed: a number above 0"),
    "degree": (lambda: PointNetwork(2, radius=1.0, degree=-1, rngs=0), "degree -1"),
    "nothing to learn": (lambda: PointNetwork(2, radius=1.0, hidden="4x1e", rngs=0), "hidden of PointNetwork '4x1e'"),
    "room": (lambda: nearest_neighbours(cloud(4), 2, room=1), "room 1"),
    "faces": (lambda: mesh_neighbours(cloud(4), np.array([[0, 1, 4]])), "vertices from 0 to 3"),
    "features": (
        lambda: small_layer()(np.ones((4, 3), np.float32), nearest_neighbours(cloud(4), 1)),
        "for 2x0e",
    ),
    "other number": (
        lambda: small_layer()(np.ones((5, 2), np.float32), nearest_neighbours(cloud(4), 1)),
        "one for each point",
    ),
    "parity": (lambda: PointConv("2x0e", "1e", radius=1.0, rngs=0), "irreps_out of PointConv '1x1e'.*try 1x1o"),
    "symmetry": (lambda: PointNetwork(2, radius=1.0, symmetry="O2", rngs=0), "SO3, O3.*did you mean 'O3'"),
    "no pseudoscalars": (lambda: PointNetwork(2, radius=1.0, layers=2, rngs=0), "pseudoscalars"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refuses(case: str):
    call, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        call()


def test_no_clouds_have_no_neighbours():
    assert nearest_neighbours(np.zeros((0, 5, 3), np.float32), 2).index.shape == (0, 5, 3)


def test_features_are_fields_of_any_irreps():
    network = PointNetwork(
        2, radius=2.0, neighbours=2, irreps_in="1x0e + 1x1o", layers=1, symmetry="O3", hidden="2x0e", degree=1, rngs=0
    )
    x = e3nn.IrrepsArray("1x0e + 1x1o", jnp.asarray(cloud(5)[:, [0, 0, 1, 2]]))
    assert jax.eval_shape(lambda p: network(p, features=x), cloud(5)).shape == (2,)
    with pytest.raises(ValueError, match="features of points None"):
        network(cloud(5))
