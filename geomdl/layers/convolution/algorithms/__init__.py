"""Algorithms of a convolution: the dense one, the factored one, the fused one for GPUs, and those of one's own.

>>> print(named("dense").name, [algorithm.name for algorithm in algorithms()])
dense ['dense', 'factored', 'fused']
"""

from geomdl.layers.convolution.algorithms.algorithm import Algorithm, Convolution
from geomdl.layers.convolution.algorithms.dense import DenseKernel
from geomdl.layers.convolution.algorithms.factored import Factored, Fused
from geomdl.layers.convolution.algorithms.registry import algorithms, methods, named, possible, register, unregister

for _algorithm in (DenseKernel(), Factored(), Fused()):
    register(_algorithm)

__all__ = ["Algorithm", "Convolution", "algorithms", "methods", "named", "possible", "register", "unregister"]

__experimental__ = [
    "Algorithm", "Convolution", "algorithms", "methods", "named", "possible", "register", "unregister",
]  # fmt: skip
