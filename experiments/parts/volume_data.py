"""The volumes that studies in space use: drawn solids, adrenal glands of MedMNIST, and what moves them."""

import os
from pathlib import Path

import jax
import numpy as np

from geomdl.actions import act
from geomdl.data import Dataset, SolidsConfig, VolumesConfig
from geomdl.errors import invalid
from geomdl.groups import SO3, VOLUME, O, SpatialGroup
from geomdl.representations import FieldType

GLANDS = "adrenalmnist3d.npz"


def solids(
    classes: tuple[str, ...], size: int, train: int, test: int, orientation: str = "upright", to_test: str = "upright"
) -> Dataset:
    """Drawn solids of these classes; the test solids are the same in every orientation."""
    return SolidsConfig(
        size=size,
        solids=classes,
        orientation=orientation,
        test_orientation=to_test,
        train_size=train,
        validation_size=60,
        test_size=test,
    ).load()


def glands() -> Dataset:
    """Adrenal glands of MedMNIST, 28 × 28 × 28 voxels: normal, or enlarged.

    Raises:
      ValueError: ``GEOMDL_DATA`` names no folder with the file.

    References:
      Yang et al., MedMNIST v2, Scientific Data 10 (2023); the file ``adrenalmnist3d.npz`` of its authors, CC BY 4.0.
    """
    folder = os.environ.get("GEOMDL_DATA")
    path = Path(folder or "") / GLANDS
    if folder is None or not path.is_file():
        raise invalid("GEOMDL_DATA in the environment", folder, f"a folder with {GLANDS} of MedMNIST v2 in it")
    return VolumesConfig(path=str(path), classes=("normal", "enlarged")).load()


def smaller(x: np.ndarray) -> np.ndarray:
    """Volumes ``[n, d, h, w, channels]`` of half the sides, which are even: means of 2 × 2 × 2 voxels, float32."""
    x = x.astype(np.float32) / (255.0 if x.dtype == np.uint8 else 1.0)
    n, depth, height, width, channels = x.shape
    return x.reshape(n, depth // 2, 2, height // 2, 2, width // 2, 2, channels).mean((2, 4, 6))


def turned(x: np.ndarray, g: np.ndarray, group: SpatialGroup = O) -> np.ndarray:
    """Volumes ``[n, side, side, side, channels]`` moved by an element of a group of the cube: voxels to voxels."""
    return VOLUME.grid_symmetry(group, g)(x)


def rotated(x: np.ndarray, seed: int) -> np.ndarray:
    """Each volume moved by a rotation of its own, uniform in SO(3), through cubic B-splines; 0 comes in."""
    draws, scalars = SO3.sample(np.random.default_rng([seed, 3]), len(x)), FieldType(SO3, f"{x.shape[-1]} trivial")
    move = jax.jit(lambda g, volume: act(g, volume, scalars))
    return np.concatenate([np.asarray(move(g.astype(np.float32), x[i : i + 1])) for i, g in enumerate(draws)])
