"""Makes goldens/escnn.npz: kernels, inputs and outputs of escnn's R2Conv, for test_escnn.py to compare with.

One generic element of escnn's kernel space and its dimension determine the space: when it lies in a space of the same
dimension, the spaces are equal. Needs escnn (and so a Fortran compiler, for py3nj), in an environment of its own:

    apt-get install gfortran
    python -m venv escnn-venv
    escnn-venv/bin/pip install torch==2.13.0 scipy
    escnn-venv/bin/pip install escnn==1.0.11
    escnn-venv/bin/python tests/kernels/make_goldens.py
"""

import pathlib

import numpy as np
import torch
from escnn import gspaces, nn

# (name, group, field in, field out, kernel size, options); irreps as in geomdl, "quotient(C2)" for G/C2.
SMALL = ["irrep(0)", "irrep(1)", "irrep(2)"]
FLIPS = ["irrep(0,0)", "irrep(1,0)", "irrep(1,1)", "irrep(1,2)"]
CASES = [
    *[("SO2", a, b, 7, {}) for a in SMALL for b in SMALL],
    *[("O2", a, b, 5, {}) for a in FLIPS for b in FLIPS],
    *[("C8", a, b, 5, {}) for a in (*SMALL, "irrep(4)") for b in (*SMALL, "irrep(4)")],
    *[("D6", a, b, 5, {}) for a in ("irrep(1,1)", "irrep(0,3)") for b in ("irrep(1,2)", "irrep(1,3)", "irrep(1,1)")],
    *[("C4", "trivial", "regular", k, {}) for k in (3, 5, 7, 9)],
    *[("C4", "regular", "regular", k, {}) for k in (1, 3, 5)],
    ("C8", "regular", "regular", 3, {}),
    ("C8", "trivial", "regular", 9, {}),
    ("C8", "regular", "regular", 5, {}),
    ("C16", "regular", "trivial", 7, {}),
    ("D4", "trivial", "regular", 5, {}),
    ("D4", "regular", "regular", 5, {}),
    ("D4", "regular", "regular", 3, {}),
    ("D8", "trivial", "regular", 5, {}),
    ("D1", "regular", "regular", 5, {}),
    ("C8", "quotient(C2)", "regular", 5, {}),
    ("C8", "regular", "quotient(C4)", 5, {}),
    ("D4", "quotient(C4)", "regular", 3, {}),
    ("C8", "irrep(1)", "irrep(2)", 7, {"frequencies_cutoff": 2.0}),
    ("C8", "irrep(1)", "irrep(3)", 7, {"rings": [0.0, 1.5, 3.0], "sigma": 0.5, "frequencies_cutoff": 1.5}),
]


def group_space(name: str):
    """The group of a name, reflecting about the horizontal axis as geomdl does."""
    if name in ("SO2", "O2"):
        return gspaces.rot2dOnR2(-1, 8) if name == "SO2" else gspaces.flipRot2dOnR2(-1, 8, axis=0.0)
    n = int(name[1:])
    if name == "D1":
        return gspaces.flip2dOnR2(axis=0.0)
    return gspaces.rot2dOnR2(n) if name[0] == "C" else gspaces.flipRot2dOnR2(n, axis=0.0)


def representation(space, name: str):
    """escnn's representation of geomdl's name."""
    group = space.fibergroup
    if name.startswith("irrep"):
        return group.irrep(*map(int, name[6:-1].split(",")))
    if name.startswith("quotient(C"):
        order = int(name[10:-1])
        return group.quotient_representation((None, order) if type(group).__name__ == "DihedralGroup" else order)
    return {"trivial": group.trivial_representation, "regular": getattr(group, "regular_representation", None)}[name]


def generators(space, name: str) -> list:
    """The rotation (by 1 rad for a continuous group) and the reflection, where there are."""
    group = space.fibergroup
    if name == "SO2":
        return [group.element(1.0)]
    if name == "O2":
        return [group.element((0, 1.0)), group.element((1, 0.0))]
    if name == "D1":
        return [group.element(0), group.element(1)]
    if name[0] == "C":
        return [group.element(1 % group.order())]
    return [group.element((0, 1)), group.element((1, 0))]


def main() -> None:
    torch.manual_seed(0)
    arrays = {"cases": np.array([f"{g}|{a}|{b}|{k}|{o!r}" for g, a, b, k, o in CASES])}
    for number, (name, a, b, size, options) in enumerate(CASES):
        space = group_space(name)
        rho_in, rho_out = representation(space, a), representation(space, b)
        types = nn.FieldType(space, [rho_in]), nn.FieldType(space, [rho_out])
        try:
            layer = nn.R2Conv(*types, size, bias=False, initialize=False, **options)
        except ValueError:  # escnn: "The basis for the steerable filter is empty!"
            arrays[f"{number}_dimension"] = np.array(0)
            continue
        layer.weights.data = torch.randn_like(layer.weights)
        layer.train()
        kernel, _ = layer.expand_parameters()
        x = torch.randn(1, rho_in.size, size + 1, size + 2)
        y = layer(nn.GeometricTensor(x, layer.in_type)).tensor
        arrays[f"{number}_dimension"] = np.array(layer.weights.numel())
        arrays[f"{number}_kernel"] = kernel.detach().numpy()
        arrays[f"{number}_x"], arrays[f"{number}_y"] = x.numpy(), y.detach().numpy()
        if rho_in.size <= 8:
            arrays[f"{number}_rho_in"] = np.stack([rho_in(g) for g in generators(space, name)]).astype(np.float32)
        if rho_out.size <= 8:
            arrays[f"{number}_rho_out"] = np.stack([rho_out(g) for g in generators(space, name)]).astype(np.float32)
    path = pathlib.Path(__file__).parent / "goldens" / "escnn.npz"
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **arrays)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
