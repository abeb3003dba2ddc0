"""Layers of e3nn-jax as Flax NNX modules, for any NNX code.

Fields are `e3nn_jax.IrrepsArray`, irreps are written and ordered as e3nn-jax does ("8x0e + 4x1o"), and equal weights
give the numbers of e3nn-jax's own layers. Every module commutes with O(3): layer(D(g) x) = D(g) layer(x).
"""

from geomdl.e3nn.batch_norm import BatchNorm
from geomdl.e3nn.gate import Gate
from geomdl.e3nn.irreps import as_irreps
from geomdl.e3nn.linear import Linear
from geomdl.e3nn.perceptron import MultiLayerPerceptron
from geomdl.e3nn.tensor_product import TensorProduct

__all__ = ["BatchNorm", "Gate", "Linear", "MultiLayerPerceptron", "TensorProduct", "as_irreps"]

__experimental__ = ["BatchNorm", "Gate", "Linear", "MultiLayerPerceptron", "TensorProduct", "as_irreps"]
