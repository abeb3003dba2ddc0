"""Kernel ridge regression of invariant functions: the gain in samples that is known to be the order of the group.

Of a target that is invariant under a finite group of order N, f(g x) = f(x), the kernel averaged over the group,

    k_G(x, x') = 1/N Σ_g k(g x, x'),

is the reproducing kernel of the invariant functions, with the norm of k. Regression with it needs N times fewer samples
for the same error than with k, to leading order in their number. (Regression with k on the samples and all their
images, N n in number, is the same as regression with k_G on the n; that is checked here to rounding.)

Two tasks, with the kernel Σ_{k ≠ 0} |k|⁻⁴ cos(k t) of the circle, up to a factor and a constant:

* ``circle``: x on the circle, C_N turns it by multiples of 2π/N; targets g(N x) with a random g whose coefficients fall
  as k⁻²·⁵. Their smoothness is 2, so the error of the best ridge falls as n^(−2·2/(2·2+1)) = n^(−4/5).
* ``torus``: x on the torus, C4 and D4 move it as they move the plane, with the product of two such kernels; targets are
  random functions averaged over the group.

References: Elesedy & Zaidi, Provably strict generalisation benefit for equivariant models, ICML 2021; Mei, Misiakiewicz
& Montanari, Learning with invariances in random features and kernel models, COLT 2021; Tahmasebi & Jegelka, The exact
sample complexity gain from invariances for kernel regression, NeurIPS 2023.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np

from geomdl.plots import Row

NOISE = 0.5
"""Standard deviation of the noise; that of the targets is 1."""
RIDGES = np.logspace(-7, 1, 33)
TEST = 500
LEAST = 32
"""Samples of the invariant learner at the beginning of its curve; the other begins with N times as many."""

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Points ``[n, dimension]`` and ``[m, dimension]`` → ``[n, m]``."""


@dataclasses.dataclass(frozen=True)
class Task:
    """A group that acts on the circle or the torus.

    Attributes:
      space: ``"circle"`` or ``"torus"``.
      group: ``"C2"``, ``"D4"``, …
    """

    space: str
    group: str

    @property
    def order(self) -> int:
        """Of the group."""
        return int(self.group[1:]) * (2 if self.group[0] == "D" else 1)

    def orbit(self, x: np.ndarray) -> np.ndarray:
        """Points ``[n, dimension]`` under every element of the group, ``[order, n, dimension]``."""
        if self.space == "circle":
            return np.stack([(x + 2 * np.pi * j / self.order) % (2 * np.pi) for j in range(self.order)])
        moved = []
        for start in (x, x[:, ::-1]) if self.group[0] == "D" else (x,):
            for _ in range(4):
                moved.append(start)
                start = np.stack([-start[:, 1], start[:, 0]], 1)
        return np.stack(moved) % (2 * np.pi)

    def points(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Uniform points."""
        return random.uniform(0, 2 * np.pi, (count, 1 if self.space == "circle" else 2))

    def target(self, random: np.random.Generator) -> Callable[[np.ndarray], np.ndarray]:
        """A random invariant function of variance 1."""
        if self.space == "circle":
            k = np.arange(1, 200)
            a = random.normal(size=(2, len(k))) * k**-2.5
            a /= math.sqrt((a**2).sum() / 2)
            return lambda x: np.cos(self.order * x * k) @ a[0] + np.sin(self.order * x * k) @ a[1]
        k = np.array([(i, j) for i, j in itertools.product(range(-8, 9), repeat=2) if (i, j) > (0, 0)])
        size = np.maximum(np.abs(k), 1).prod(1) ** -2.5
        a = random.normal(size=(2, len(k))) * size

        def averaged(x: np.ndarray) -> np.ndarray:
            phases = self.orbit(x) @ k.T  # [order, n, frequencies]
            return (np.cos(phases) @ a[0] + np.sin(phases) @ a[1]).mean(0)

        spread = averaged(self.points(4000, np.random.default_rng(0))).std()
        return lambda x: averaged(x) / spread

    def averaged_kernel(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """k_G."""
        return sum((kernel(gx, y) for gx in self.orbit(x)), np.zeros((len(x), len(y)))) / self.order


TASKS = (Task("circle", "C2"), Task("circle", "C4"), Task("circle", "C8"), Task("torus", "C4"), Task("torus", "D4"))


def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Π over the coordinates of 1 + Σ_{k ≥ 1} k⁻⁴ cos(k t), in closed form by the Bernoulli polynomial of degree 4."""
    t = (x[:, None] - y[None]) % (2 * np.pi)
    return (1 + np.pi**4 / 90 - np.pi**2 * t**2 / 12 + np.pi * t**3 / 12 - t**4 / 48).prod(-1)


def risks(gram: np.ndarray, cross: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Mean squared error on test points for every ridge μ of `RIDGES`: f = k(·, x) (K + n μ)⁻¹ y."""
    values, vectors = np.linalg.eigh(gram)
    coefficients = (vectors.T @ labels)[:, None] / (values[:, None] + len(labels) * RIDGES)
    return ((cross @ vectors @ coefficients - truth[:, None]) ** 2).mean(0)


def curves(task: Task, octaves: int, repeats: int) -> list[Row]:
    """The error of the best ridge for the plain and the invariant learner, per number of samples and repetition.

    Args:
      task: group and space.
      octaves: the invariant learner has `LEAST`, twice, … 2^octaves times as many samples.
      repeats: each with a target, samples and noise of its own; the ridge is the best on average over them.
    """
    rows: list[Row] = []
    kernels: dict[str, tuple[Kernel, int]] = {"plain": (kernel, task.order), "invariant": (task.averaged_kernel, 1)}
    for learner, (k, factor) in kernels.items():
        for samples in (LEAST * factor * 2**i for i in range(octaves + 1)):
            found = []
            for repeat in range(repeats):
                random = np.random.default_rng([repeat, samples, task.order, len(learner)])
                truth = task.target(np.random.default_rng([repeat, task.order]))
                x, new = task.points(samples, random), task.points(TEST, random)
                labels = truth(x) + NOISE * random.normal(size=samples)
                found.append(risks(k(x, x), k(new, x), labels, truth(new)))
            errors = np.stack(found)  # [repeats, ridges]
            best = int(errors.mean(0).argmin())
            about = {"space": task.space, "group": task.group, "order": task.order, "learner": learner}
            rows += [
                {
                    **about,
                    "samples": samples,
                    "repeat": i,
                    "ridge": float(f"{RIDGES[best]:.3g}"),
                    "error": float(f"{e:.5g}"),
                }
                for i, e in enumerate(errors[:, best])
            ]
    return rows


def augmentation_gap(task: Task, samples: int = 24, ridge: float = 1e-2) -> float:
    """The largest difference between regression with k_G, and with k on all images of the samples; 0 in theory."""
    random = np.random.default_rng(task.order)
    x, new, labels = task.points(samples, random), task.points(50, random), random.normal(size=samples)
    gram = task.averaged_kernel(x, x) + ridge * np.eye(samples)
    direct = task.averaged_kernel(new, x) @ np.linalg.solve(gram, labels)
    images = task.orbit(x).reshape(-1, x.shape[1])
    gram = kernel(images, images) + task.order * ridge * np.eye(len(images))
    return float(np.abs(kernel(new, images) @ np.linalg.solve(gram, np.tile(labels, task.order)) - direct).max())


def fitted(rows: Sequence[Row], resamples: int = 400) -> Row:
    """The exponent of the error and the gain in samples of one task, with 95 % intervals.

    log error = c_learner − β log samples with one β for both learners, by least squares on the logarithms of the means
    over the repetitions; the gain is exp((c_plain − c_invariant)/β). Intervals are the central 95 % over bootstrap
    samples of the repetitions.
    """
    first = rows[0]
    errors, samples = {}, {}
    for learner in ("plain", "invariant"):
        own = [r for r in rows if r["learner"] == learner]
        samples[learner] = np.array(sorted({int(r["samples"]) for r in own}))
        errors[learner] = np.array([[float(r["error"]) for r in own if r["samples"] == n] for n in samples[learner]])
    random = np.random.default_rng(0)

    def fit(resampled: bool) -> tuple[float, float]:
        x, y, plain = [], [], []
        for learner, found in errors.items():
            repeats = found.shape[1]
            for n, here in zip(samples[learner], found, strict=True):
                chosen = here[random.integers(0, repeats, repeats)] if resampled else here
                x.append(math.log(n))
                y.append(math.log(chosen.mean()))
                plain.append(learner == "plain")
        mask = np.array(plain, float)
        design = np.stack([1 - mask, mask, -np.array(x)], 1)
        invariant, base, exponent = np.linalg.lstsq(design, np.array(y), rcond=None)[0]
        return float(exponent), math.exp((base - invariant) / exponent)

    exponent, gain = fit(False)
    sampled = np.array([fit(True) for _ in range(resamples)])
    (low_exponent, low), (high_exponent, high) = np.quantile(sampled, [0.025, 0.975], axis=0)
    values = {"exponent": exponent, "exponent_low": low_exponent, "exponent_high": high_exponent}
    values |= {"gain": gain, "gain_low": low, "gain_high": high}
    about = {key: first[key] for key in ("space", "group", "order")}
    return {**about, **{key: float(f"{value:.4g}") for key, value in values.items()}}
