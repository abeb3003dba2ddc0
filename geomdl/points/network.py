"""A network on point clouds."""

from typing import Any

import e3nn_jax as e3nn
import jax
import jax.numpy as jnp
from flax import nnx

from geomdl.e3nn import BatchNorm, Gate, MultiLayerPerceptron, as_irreps
from geomdl.e3nn.irreps import product_irreps
from geomdl.errors import invalid, unknown
from geomdl.numbers import whole_number
from geomdl.points.clouds import as_cloud
from geomdl.points.convolution import PointConv
from geomdl.points.neighbours import nearest_neighbours, neighbours_within
from geomdl.random_keys import as_rngs

HIDDEN = "16x0e + 16x0o + 8x1o + 8x1e + 4x2e + 4x2o"

SYMMETRIES = {"SO3": "0e + 0o", "O3": "0e"}
"""The scalars that a class may depend on: pseudoscalars change their sign under reflections."""


ONE = e3nn.Irreps("1x0e")


class PointNetwork(nnx.Module):
    """Classifies point clouds: convolutions and gates, the mean over points, a perceptron of the scalars.

    Scores do not change when the cloud is shifted, when its points are permuted, and when it is turned. With
    ``symmetry="O3"`` they depend on even scalars alone, and so are the same for a cloud and its mirror image: such a
    network cannot tell left from right. With ``"SO3"`` they depend on pseudoscalars too, which change their sign under
    reflections; rotations leave them as they are.

    Args:
      num_classes: how many scores.
      radius: of the convolutions, in the unit of the coordinates.
      neighbours: the number of nearest neighbours of a point. Equally far ones count as `nearest_neighbours` says.
      room: places for neighbours, which cost time: see `nearest_neighbours`; None for its default.
      within: take the neighbours within the radius instead, of which there are ``neighbours`` at most.
      symmetry: ``"SO3"``, rotations, or ``"O3"``, rotations and reflections.
      irreps_in: of the features of points; without features all points are alike, with the feature 1.
      hidden: the irreps between layers.
      layers: how many convolutions. Without features the first that has pseudoscalars is the third.
      degree: of the spherical harmonics.
      norm: whether a batch norm follows each convolution; its mode is that of Flax: ``network.train()``, ``.eval()``.
      rngs: for the initial weights.

    Raises:
      ValueError: an option out of range, or clouds as in `nearest_neighbours`.

    >>> network = PointNetwork(3, radius=2.0, neighbours=2, hidden="2x0e", symmetry="O3", layers=1, degree=1, rngs=0)
    >>> jax.eval_shape(network, jnp.zeros((5, 4, 3))).shape
    (5, 3)
    """

    def __init__(
        self,
        num_classes: int,
        *,
        radius: float,
        neighbours: int = 8,
        room: int | None = None,
        within: bool = False,
        symmetry: str = "SO3",
        irreps_in: Any = "1x0e",
        hidden: Any = HIDDEN,
        layers: int = 3,
        degree: int = 2,
        norm: bool = False,
        rngs: Any,
    ) -> None:
        if symmetry not in SYMMETRIES:
            raise unknown("symmetry of PointNetwork", symmetry, list(SYMMETRIES))
        self.num_classes = whole_number("num_classes", num_classes)
        self.neighbours, degree = whole_number("neighbours", neighbours), whole_number("degree", degree, least=0)
        self.radius, self.within, self.room, self.symmetry = radius, bool(within), room, symmetry
        self.irreps_in = irreps = as_irreps(irreps_in, "irreps_in")
        wanted, rngs = as_irreps(hidden, "hidden").simplify(), as_rngs(rngs)
        convolutions, norms, gates = [], [], []
        for _ in range(whole_number("layers", layers)):
            gate = Gate(_reachable(wanted, irreps, degree))
            if not gate.irreps_out.dim:
                raise invalid(
                    "hidden of PointNetwork", str(wanted), f"irreps that neighbours can give to {irreps}", HIDDEN
                )
            conv = PointConv(irreps, gate.irreps_in, radius=radius, degree=degree, neighbours=neighbours, rngs=rngs)
            convolutions.append(conv)
            norms += [BatchNorm(gate.irreps_in)] if norm else []
            gates.append(gate)
            irreps = gate.irreps_out
        self.convolutions, self.norms, self.gates = nnx.List(convolutions), nnx.List(norms), nnx.List(gates)
        scalars = irreps.filter(keep=e3nn.Irreps(SYMMETRIES[symmetry]))
        if not scalars.dim:
            raise invalid("hidden", str(wanted), f"irreps with scalars, {SYMMETRIES[symmetry]}", HIDDEN)
        if symmetry == "SO3" and not scalars.count(e3nn.Irrep(0, -1)):
            what = "as many layers and such irreps as make pseudoscalars, 0o, of the features; or symmetry 'O3'"
            raise invalid("layers and hidden of PointNetwork", (layers, str(wanted)), what, (max(layers, 3), HIDDEN))
        self.scores = MultiLayerPerceptron((scalars.dim, 2 * scalars.dim, num_classes), bias=True, rngs=rngs)

    @property
    def promises(self) -> str:
        """What the scores keep, in words.

        >>> options = {"radius": 2.0, "neighbours": 2, "hidden": "2x0e", "symmetry": "O3", "layers": 1, "degree": 1}
        >>> PointNetwork(3, **options, rngs=0).promises.split("; ")
        ['points of O3: exact, invariant', 'shifts: exact, invariant', 'permutations of points: exact, invariant']
        """
        what = ("points of " + self.symmetry, "shifts", "permutations of points")
        return "; ".join(f"{name}: exact, invariant" for name in what)

    def __call__(self, points: Any, *, features: Any = None, mask: Any = None) -> jax.Array:
        """Scores ``[..., num_classes]`` of clouds ``[..., points, 3]``."""
        pooled = self.pooled(points, features=features, mask=mask)
        return self.scores(pooled.filter(keep=e3nn.Irreps(SYMMETRIES[self.symmetry])).array)

    def pooled(self, points: Any, *, features: Any = None, mask: Any = None) -> e3nn.IrrepsArray:
        """The mean of the features of all points after the last layer, ``[..., irreps]``, of every kind of irrep."""
        x = self.fields(points, features=features, mask=mask)
        if mask is None:
            return e3nn.IrrepsArray(x.irreps, x.array.mean(-2))
        weight = jnp.asarray(mask)[..., None].astype(x.dtype)
        return e3nn.IrrepsArray(x.irreps, (x.array * weight).sum(-2) / jnp.maximum(weight.sum(-2), 1))

    def fields(self, points: Any, *, features: Any = None, mask: Any = None) -> e3nn.IrrepsArray:
        """The features of points after the last layer, ``[..., points, irreps]``."""
        array, kept = as_cloud(points, mask)
        if self.within:
            near = neighbours_within(array, self.radius, room=self.neighbours, mask=kept)
        else:
            near = nearest_neighbours(array, self.neighbours, room=self.room, mask=kept)
        if features is None:
            if not self.irreps_in == ONE:
                raise invalid("features of points", None, f"[..., points, {self.irreps_in.dim}], for {self.irreps_in}")
            features = jnp.ones((*array.shape[:-1], 1), array.dtype)
        x = features
        for i, (convolve, gate) in enumerate(zip(self.convolutions, self.gates, strict=True)):
            x = convolve(x, near)
            x = gate(self.norms[i](x, mask=kept) if self.norms else x)
        return x


def _reachable(wanted: e3nn.Irreps, irreps: e3nn.Irreps, degree: int) -> e3nn.Irreps:
    """Those of the wanted irreps that a product with spherical harmonics gives."""
    return wanted.filter(keep=product_irreps(irreps, e3nn.Irreps.spherical_harmonics(degree)))
