"""Makes goldens/e3nn.npz: harmonics, Wigner matrices and Clebsch-Gordan coefficients of e3nn-jax, for test_volumes.py.

JAX_ENABLE_X64=1 python tests/kernels/make_goldens_of_e3nn.py
"""

import pathlib

import e3nn_jax as e3nn
import jax
import numpy as np

HIGHEST = 4


def main() -> None:
    jax.config.update("jax_enable_x64", True)
    rng = np.random.default_rng(0)
    points = rng.normal(size=(3, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.linalg.det(rotation)
    found = {"points": points, "rotation": rotation}
    for degree in range(2 * HIGHEST + 1):
        vectors = e3nn.IrrepsArray("1o", points)
        harmonics = e3nn.spherical_harmonics([degree], vectors, normalize=True, normalization="component")
        found[f"harmonics_{degree}"] = np.asarray(harmonics.array)
        found[f"wigner_{degree}"] = np.asarray(e3nn.Irrep(degree, 1).D_from_matrix(rotation))
    for a in range(HIGHEST + 1):
        for b in range(HIGHEST + 1):
            for degree in range(abs(a - b), a + b + 1):
                found[f"clebsch_gordan_{a}_{degree}_{b}"] = np.asarray(e3nn.clebsch_gordan(a, degree, b))
    np.savez_compressed(pathlib.Path(__file__).parent / "goldens" / "e3nn.npz", **found)


if __name__ == "__main__":
    main()
