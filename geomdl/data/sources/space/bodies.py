"""Bodies in space: boxes, and tubes about closed and open curves, as distances and as points of their surfaces."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

_SAMPLES = 160  # points of a curve

Curve = Callable[[Float[np.ndarray, " m"], float], Float[np.ndarray, "m 3"]]
"""Places of a curve at parameters in [0, 1), and a number in [0, 1) that says which of the curves of its kind."""


def circle(t: Float[np.ndarray, " m"], which: float) -> Float[np.ndarray, "m 3"]:
    """A circle about the z axis."""
    return np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t), 0 * t], -1)


def right_helix(t: Float[np.ndarray, " m"], which: float) -> Float[np.ndarray, "m 3"]:
    """One and a half to two turns of a right-handed helix along the z axis: thumb up, the fingers of the right hand."""
    angle = 2 * np.pi * (1.5 + 0.5 * which) * (t - 0.5)
    return np.stack([0.55 * np.cos(angle), 0.55 * np.sin(angle), 2.0 * (t - 0.5)], -1)


def right_trefoil(t: Float[np.ndarray, " m"], which: float) -> Float[np.ndarray, "m 3"]:
    """The right-handed trefoil knot, whose mirror image no motion makes of it, nor bending."""
    angle, height = 2 * np.pi * t, 0.9 + 0.4 * which
    x, y = np.sin(angle) + 2 * np.sin(2 * angle), np.cos(angle) - 2 * np.cos(2 * angle)
    return np.stack([x, y, height * np.sin(3 * angle)], -1) / 3


def mirrored(curve: Curve) -> Curve:
    """The curve with z ↦ −z."""
    return lambda t, which: curve(t, which) * np.array([1.0, 1.0, -1.0])


@dataclass(frozen=True)
class Tube:
    """All that is near a curve.

    Attributes:
      curve: within about the unit ball.
      thickness: the smallest and the largest radius of the tube.
      closed: whether the curve is.
    """

    curve: Curve
    thickness: tuple[float, float]
    closed: bool = True

    def distance(self, points: Float[np.ndarray, "n 3"], which: Float[np.ndarray, "3"]) -> Float[np.ndarray, " n"]:
        """Signed distances to the surface, negative inside, of the body that three numbers in [0, 1) say."""
        from scipy.spatial import KDTree

        return KDTree(self.curve(self._parameters(), which[0])).query(points)[0] - self._radius(which)

    def surface(self, draws: Float[np.ndarray, "m 3"], which: Float[np.ndarray, "3"]) -> Float[np.ndarray, "m 3"]:
        """Points of the surface, of numbers in [0, 1): along the curve, around it, and one that is not used."""
        t, step = draws[:, 0], 1e-3
        places = self.curve(t, which[0])
        along = self.curve(t + step, which[0]) - self.curve(t - step, which[0])
        along /= np.linalg.norm(along, axis=-1, keepdims=True)
        smallest = np.eye(3)[np.abs(along).argmin(-1)]
        first = np.cross(along, smallest)
        first /= np.linalg.norm(first, axis=-1, keepdims=True)
        second, angle = np.cross(along, first), 2 * np.pi * draws[:, 1:2]
        return places + self._radius(which) * (np.cos(angle) * first + np.sin(angle) * second)

    def _parameters(self) -> Float[np.ndarray, " m"]:
        return np.linspace(0, 1, _SAMPLES, endpoint=not self.closed)

    def _radius(self, which: Float[np.ndarray, "3"]) -> float:
        least, most = self.thickness
        return float(least + (most - least) * which[1])


@dataclass(frozen=True)
class Box:
    """A box with three different sides, half of them from 0.35 to 0.75."""

    def distance(self, points: Float[np.ndarray, "n 3"], which: Float[np.ndarray, "3"]) -> Float[np.ndarray, " n"]:
        """Signed distances to the surface (of planes, beyond the edges), negative inside."""
        return (np.abs(points) - self._half(which)).max(-1)

    def surface(self, draws: Float[np.ndarray, "m 3"], which: Float[np.ndarray, "3"]) -> Float[np.ndarray, "m 3"]:
        """Points of the surface, of numbers in [0, 1)."""
        half = self._half(which)
        areas = np.array([half[1] * half[2], half[0] * half[2], half[0] * half[1]])
        bounds = np.cumsum(np.repeat(areas, 2)) / (2 * areas.sum())
        face = np.searchsorted(bounds[:-1], draws[:, 0], side="right")
        inside = 2 * draws[:, 1:] - 1
        points = np.empty((len(draws), 3))
        for axis in range(3):
            chosen = face // 2 == axis
            points[chosen, axis] = np.where(face[chosen] % 2, 1, -1)
            points[chosen, (axis + 1) % 3], points[chosen, (axis + 2) % 3] = inside[chosen].T
        return points * half

    def _half(self, which: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
        return 0.35 + 0.4 * which


BODIES: dict[str, Tube | Box] = {
    "box": Box(),
    "torus": Tube(lambda t, which: (0.6 + 0.15 * which) * circle(t, which), (0.15, 0.25)),
    "left_screw": Tube(mirrored(right_helix), (0.15, 0.22), closed=False),
    "right_screw": Tube(right_helix, (0.15, 0.22), closed=False),
    "left_knot": Tube(mirrored(right_trefoil), (0.13, 0.18)),
    "right_knot": Tube(right_trefoil, (0.13, 0.18)),
}
"""The bodies; of left and right ones those with the same three numbers are mirror images of each other."""
