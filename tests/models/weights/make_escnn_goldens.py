"""Makes goldens/escnn.npz: state dicts of small networks of escnn and their scores, for test_escnn.py.

Needs escnn, in an environment of its own; see tests/kernels/make_goldens.py.

    escnn-venv/bin/python tests/models/weights/make_escnn_goldens.py
"""

import pathlib

import numpy as np

FILE = pathlib.Path(__file__).parent / "goldens" / "escnn.npz"

# group, convolutions (fields that go out, kernel size, bias), classes
CASES = {
    "C4": (((2, 5, True), (3, 3, False)), 3),
    "C8": (((2, 5, False), (2, 5, True)), 3),
    "D4": (((2, 3, True), (2, 3, True)), 2),
}
SIDES = (9, 10)


def images(side):
    """Two images ``[2, side, side, 1]``."""
    return np.random.default_rng(side).standard_normal((2, side, side, 1)).astype(np.float32)


def main():
    import torch
    from escnn import gspaces, nn

    class Net(torch.nn.Module):
        def __init__(self, space, layers, classes):
            super().__init__()
            before, self.body, parts = nn.FieldType(space, [space.trivial_repr]), None, []
            self.in_type = before
            for fields, size, bias in layers:
                after = nn.FieldType(space, fields * [space.regular_repr])
                parts += [nn.R2Conv(before, after, size, padding=size // 2, bias=bias)]
                parts += [nn.InnerBatchNorm(after), nn.ReLU(after)]
                before = after
            self.body, self.pool = nn.SequentialModule(*parts), nn.GroupPooling(before)
            self.classify = torch.nn.Linear(layers[-1][0], classes)

        def forward(self, x):
            return self.classify(self.pool(self.body(nn.GeometricTensor(x, self.in_type))).tensor.mean((2, 3)))

    torch.manual_seed(0)
    arrays = {}
    for name, (layers, classes) in CASES.items():
        order = int(name[1:])
        space = gspaces.rot2dOnR2(order) if name[0] == "C" else gspaces.flipRot2dOnR2(order, axis=0.0)
        net = Net(space, layers, classes)
        for key, array in net.state_dict().items():
            if key.endswith("running_var") or (array.ndim == 1 and key.endswith("].weight")):
                array.copy_(torch.rand(array.shape) + 0.5)
            elif array.ndim == 1 and key.endswith(("running_mean", "bias")):
                array.copy_(0.2 * torch.randn(array.shape))
        for key, array in net.state_dict().items():  # in training, when the filters are stale
            if not key.endswith("tracked"):
                arrays[f"{name}|{key}"] = array.numpy().copy()
        net.eval()
        for side in SIDES:
            with torch.no_grad():
                arrays[f"{name}_{side}"] = net(torch.from_numpy(images(side).transpose(0, 3, 1, 2).copy())).numpy()
    np.savez_compressed(FILE, **arrays)
    print(FILE.name, FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
