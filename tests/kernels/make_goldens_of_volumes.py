"""Makes goldens/escnn_volumes.npz: kernels of escnn's R3Conv, for test_volumes.py to compare with.

As make_goldens.py, in the same environment: `escnn-venv/bin/python tests/kernels/make_goldens_of_volumes.py`. Each case
holds a generic kernel, the dimension of the space, and the irreps at two elements of which the 3 × 3 matrices are
given, or the matrices of all in escnn's order: bases differ between the libraries, and are matched by these. (escnn
1.0.11 with lie_learn needs NumPy 1.26 and a scikit-learn that takes np.matrix.)
"""

import pathlib

import numpy as np
import torch
from escnn import gspaces, nn

SHELLS = {"rings": [0.0, 1.0, 2.0], "sigma": [0.005, 0.6, 0.5]}
# (group, field in, field out, kernel size); an irrep of SO(3) by its degree, of O(3) by parity (1 odd) and degree
CASES = [
    *[("SO3", a, b, 5) for a in ("0", "1", "2") for b in ("0", "1", "2", "3")],
    *[("O3", a, b, 5) for a in ("0,0", "1,1", "0,2", "0,1") for b in ("0,0", "1,1", "0,2")],
    ("O", "trivial", "regular", 3),
]


def representation(group, name: str):
    """escnn's representation of a name."""
    if name == "trivial":
        return group.trivial_representation
    if name == "regular":
        return group.regular_representation
    return group.irrep(*map(int, name.split(",")))


def _cutoff(radius: float) -> float:
    return 1.5 * radius


def main() -> None:
    spaces = {"SO3": gspaces.rot3dOnR3(), "O3": gspaces.flipRot3dOnR3(), "O": gspaces.octaOnR3()}
    found = {"cases": np.array(["|".join(map(str, case)) for case in CASES])}
    for number, (name, field_in, field_out, size) in enumerate(CASES):
        torch.manual_seed(number)
        space = spaces[name]
        group = space.fibergroup
        rho_in, rho_out = representation(group, field_in), representation(group, field_out)
        types = (nn.FieldType(space, [rho_in]), nn.FieldType(space, [rho_out]))
        # the same shells as geomdl is told: those within the window
        half = (size - 1) // 2
        options = {key: value[: half + 1] if isinstance(value, list) else value for key, value in SHELLS.items()}
        elements = [group.sample() for _ in range(2)] if name != "O" else list(group.elements)
        matrices = [np.array(space.basespace_action(g)) for g in elements]
        found[f"{number}_matrices"] = np.stack(matrices)
        for key, rho in (("rho_in", rho_in), ("rho_out", rho_out)):
            if name != "O":
                found[f"{number}_{key}"] = np.stack([rho(g) for g in elements])
        try:
            conv = nn.R3Conv(*types, size, bias=False, initialize=False, frequencies_cutoff=_cutoff, **options)
        except ValueError as error:
            if "empty" not in str(error):
                raise
            print(name, field_in, field_out, "empty")
            found[f"{number}_dimension"] = 0
            continue
        found[f"{number}_dimension"] = conv.weights.numel()
        if not conv.weights.numel():
            continue
        with torch.no_grad():
            conv.weights[:] = torch.randn(conv.weights.shape)
            kernel, _ = conv.expand_parameters()
        found[f"{number}_kernel"] = kernel.numpy().astype(np.float32)
        print(name, field_in, field_out, size, conv.weights.numel(), kernel.shape)
    np.savez_compressed(pathlib.Path(__file__).parent / "goldens" / "escnn_volumes.npz", **found)


if __name__ == "__main__":
    main()
