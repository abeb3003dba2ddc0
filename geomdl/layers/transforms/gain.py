"""The gain that a nonlinearity needs, measured."""

import math

import jax.numpy as jnp
import numpy as np

from geomdl.layers.core.layer import Layer

_GATES = 0.03  # of unit variance
_NUMBERS = 1 << 18  # that a gain is measured on


def gain_of(layer: Layer) -> tuple[float, ...]:
    """The gain that a linear layer needs before a nonlinearity, for each block of the nonlinearity's ``in_type``.

      gain_b = E x_b² / E y_b²,   y = layer(x),   x normal with unit variance in every channel,

    measured on 2¹⁸ random numbers that are drawn with both signs, the same in every call: exact for functions such as
    ReLU whose even part is |x|, else to about one per cent. Where the layer has a block of gates first, these start
    near half open, with gain 0.03: of unit variance they would open further as signals grow, and growth would feed
    itself. Where its blocks do not correspond to those of its input, all have the gain of the whole.

    Whether a depth of many layers is stable besides depends on the function: saturating ones (tanh, ELU) come back to
    unit variance by themselves, ReLU and norms with bias 0 are indifferent, and functions that fall towards zero
    faster than linearly (GELU, SiLU, squash) leave it, slowly for GELU.

    Args:
      layer: a nonlinearity that works pixel by pixel, such as `geomdl.layers.Gated`; also one of one's own.

    Raises:
      ValueError: for a layer whose output is zero on some block.

    References:
      He et al., Delving deep into rectifiers, ICCV 2015, equation 10, for ReLU.

    >>> from geomdl.representations import FieldType
    >>> from geomdl.layers import Conv, Gated, NormActivation, Pointwise
    >>> gain_of(Pointwise(FieldType("C8", "1 regular")))
    (2.0,)
    >>> gain_of(NormActivation(FieldType("SO2", "2 trivial + 2 irrep(1)")))  # a ReLU of norms, with bias 0, is none
    (1.0, 1.0)
    >>> gated = Gated(FieldType("SO2", "2 trivial + 2 irrep(1)"))
    >>> [round(gain, 2) for gain in gain_of(gated)]  # gates, scalars behind a ReLU, vectors times sigmoids
    [0.03, 2.0, 3.97]
    >>> from flax import nnx
    >>> conv = Conv(gated.out_type, gated.in_type, 5, gain=gain_of(gated), rngs=nnx.Rngs(0))
    """
    channels = layer.in_type.size
    draws = max(64, _NUMBERS // (2 * channels))
    x = np.random.default_rng(0).normal(size=(draws, channels)).astype(np.float32)
    x = np.concatenate([x, -x])
    into, out = layer.in_type.blocks, layer.out_type.blocks
    gates = len(into) - len(out)
    if gates == 1:
        x[:, into[0].channels] *= math.sqrt(_GATES)
    y = np.asarray(layer(jnp.asarray(x)), np.float64)
    if gates not in (0, 1):
        return (_ratio(layer, x, y),) * len(into)
    pairs = zip(into[gates:], out, strict=True)
    return (_GATES,) * gates + tuple(_ratio(layer, x[:, i.channels], y[:, o.channels]) for i, o in pairs)


def _ratio(layer: Layer, x: np.ndarray, y: np.ndarray) -> float:
    moment = float((y**2).mean())
    if not moment > 0 or not math.isfinite(moment):
        raise ValueError(f"{type(layer).__name__} gives outputs of mean square {moment}, for which there is no gain")
    return round(float((x.astype(np.float64) ** 2).mean()) / moment, 6)
