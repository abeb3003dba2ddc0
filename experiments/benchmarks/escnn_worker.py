# pyright: reportMissingImports=false
"""escnn's side of the benchmarks, as a process of its own: reads one JSON command per line, answers with one line.

Runs in any environment with escnn, torch and NumPy (geomdl need not be installed there); see `worker.py`.
"""

import json
import os
import sys
import time
from importlib.metadata import version

import numpy as np
import torch
from escnn import gspaces, nn

torch.set_num_threads(len(os.sched_getaffinity(0)))


def space(name):
    """The plane under C_N or D_N."""
    order = int(name[1:])
    return gspaces.rot2dOnR2(order) if name[0] == "C" else gspaces.flipRot2dOnR2(order, axis=0.0)


class Network(torch.nn.Module):
    """escnn's example network (convolutions 7, 5, 5, 5, 5, 5), with means or Gaussian blurs for its pools."""

    def __init__(self, name, fields, blur, classes=10):
        super().__init__()
        plane = space(name)
        self.in_type = nn.FieldType(plane, [plane.trivial_repr])
        types = [nn.FieldType(plane, n * [plane.regular_repr]) for n in fields]
        layers, before = [], self.in_type
        for number, (after, size, padding) in enumerate(zip(types, (7, 5, 5, 5, 5, 5), (1, 2, 2, 2, 2, 1))):  # noqa: B905
            layers += [nn.R2Conv(before, after, size, padding=padding, bias=False)]
            layers += [nn.InnerBatchNorm(after), nn.ReLU(after)]
            if number in (1, 3):
                layers.append(
                    nn.PointwiseAvgPoolAntialiased(after, sigma=blur, stride=2)
                    if blur
                    else nn.PointwiseAvgPool(after, 3, stride=2, padding=1)
                )
            before = after
        self.body = nn.SequentialModule(*layers)
        self.pool = nn.GroupPooling(before)
        self.classify = torch.nn.Linear(fields[-1], classes)

    def features(self, x):
        """Invariant features: the mean over all pixels of the maximum over the group."""
        return self.pool(self.body(nn.GeometricTensor(x, self.in_type))).tensor.mean((2, 3))

    def forward(self, x):
        """Class scores."""
        return self.classify(self.features(x))


class Session:
    """The network, the batch and the optimiser that commands speak of."""

    def build(self, group, fields, seed, batch, size, blur=None):
        """Makes the network, timed, and a batch."""
        torch.manual_seed(seed)
        started = time.perf_counter()
        self.network = Network(group, fields, blur)
        seconds = time.perf_counter() - started
        self.x, self.labels = torch.randn(batch, 1, size, size), torch.randint(0, 10, (batch,))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        return {"seconds": seconds}

    def train(self, steps=1):
        """Seconds of a training step, by the clock and of all threads."""
        self.network.train()
        started, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            self.optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.network(self.x), self.labels).backward()
            self.optimizer.step()
        cpu = time.process_time() - cpu
        return {"seconds": (time.perf_counter() - started) / steps, "cpu_seconds": cpu / steps}

    def evaluate(self, steps=1):
        """Seconds of an evaluation, filters expanded; by the clock and of all threads."""
        self.network.eval()  # escnn expands and stores the filters here
        with torch.no_grad():
            self.network(self.x[:1])
            started, cpu = time.perf_counter(), time.process_time()
            for _ in range(steps):
                self.network(self.x)
        cpu = time.process_time() - cpu
        return {"seconds": (time.perf_counter() - started) / steps, "cpu_seconds": cpu / steps}

    def errors(self, images, double=False):
        """Relative change of the invariant features from the first images to the others, for each of these."""
        dtype = torch.float64 if double else torch.float32
        network = self.network.to(dtype).eval()
        with torch.no_grad():
            features = [network.features(torch.as_tensor(x, dtype=dtype)) for x in np.load(images)["images"]]
        base = features[0]
        changes = [((f - base).norm() / base.norm()).item() for f in features[1:]]
        if double:
            self.network = self.network.to(torch.float32)
        return {"errors": changes}

    def kernels(self, file):
        """Writes the dense kernels of all convolutions, ``[k, k, in, out]``."""
        convolutions = [m for m in self.network.modules() if isinstance(m, nn.R2Conv)]
        with torch.no_grad():
            filters = [c.filter if not c.training else c.expand_parameters()[0] for c in convolutions]
        np.savez(file, **{str(n): f.detach().numpy().transpose(2, 3, 1, 0) for n, f in enumerate(filters)})
        return {"count": len(filters)}

    def build_volume(self, multiplicity, degree, size, batch, side):
        """Makes a convolution between SO(3) irreps of volumes, timed, and a batch; says how many weights it has."""
        started = time.process_time()
        space = gspaces.rot3dOnR3(maximum_frequency=degree)
        fields = nn.FieldType(space, [space.irrep(d) for d in range(degree + 1) for _ in range(multiplicity)])
        self.layer = nn.R3Conv(fields, fields, size, padding=size // 2, bias=False)
        seconds = time.process_time() - started
        self.volumes = torch.randn(batch, fields.size, side, side, side)
        return {"cpu_seconds": seconds, "weights": sum(p.numel() for p in self.layer.parameters())}

    def volume(self, what):
        """CPU seconds of "forward" and "gradients" of weights and input, kernels expanded, or of "evaluation"."""
        self.layer.train(what != "evaluation")  # escnn expands and stores the kernels here
        x = self.volumes.clone().requires_grad_(what == "gradients")
        self.layer.zero_grad()
        started = time.process_time()
        with torch.set_grad_enabled(what == "gradients"):
            y = self.layer(nn.GeometricTensor(x, self.layer.in_type)).tensor
            if what == "gradients":
                (y**2).mean().backward()
        return {"seconds": time.process_time() - started}

    def versions(self):
        """Of what is measured."""
        return {"escnn": version("escnn"), "torch": torch.__version__}


def main():
    session = Session()
    for line in sys.stdin:
        command = json.loads(line)
        answer = getattr(session, command.pop("do"))(**command)
        print("answer " + json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
