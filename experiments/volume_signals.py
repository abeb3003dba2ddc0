"""How the mean square of signals grows through twenty steerable convolutions of volumes, by rule of initialisation.

    python -m experiments.volume_signals

Convolutions between irreps of SO(3), 5³ voxels, circular, without nonlinearity and normalisation, untrained. Rules of
`geomdl.kernels.initial_variances`: flat spectra (what layers draw), and equal variances (He's rule with the fan-in of
the dense kernel). Writes
experiments/results/signal_propagation/volumes.csv: per rule, kind of volume and seed the mean square of the outputs of
the last layer over that of the first.
"""

import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from geomdl.environment import circumstances
from geomdl.kernels import initial_variances
from geomdl.layers import Conv
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType

FIELDS = FieldType("SO3", "8 trivial + 4 irrep(1) + 2 irrep(2)")
SIZE, SIDE, BATCH, SEEDS = 5, 8, 4, range(5)
DEPTHS = (10, 20)
RULES = ("flat", "equal variances")
FILE = Path(__file__).parent / "results" / "signal_propagation" / "volumes.csv"


def layer(rule: str, rngs: nnx.Rngs) -> Conv:
    """A convolution whose weights have the variances of a rule."""
    made = Conv(FIELDS, FIELDS, SIZE, padding="same", padding_mode="circular", use_bias=False, rngs=rngs)
    spaces = made.convolution.spaces
    drawn = initial_variances(FIELDS, FIELDS, spaces, 1.0)
    wanted = drawn if rule == "flat" else [np.full_like(v, 1 / (SIZE**3 * FIELDS.size)) for v in drawn]
    for weights, has, wants in zip(made.kernel, drawn, wanted, strict=True):
        weights[...] = weights[...] * jnp.asarray(np.sqrt(wants / has)[:, None, None], jnp.float32)
    return made


def main() -> None:
    """Measures, and writes the table."""
    structure = nnx.split(layer("flat", nnx.Rngs(0)))[0]
    apply = jax.jit(lambda state, x: nnx.merge(structure, state)(x))
    scalars = jnp.asarray(np.arange(FIELDS.size) < 8, jnp.float32)
    rows: list[Row] = []
    for rule in RULES:
        for seed in SEEDS:
            white = jax.random.normal(jax.random.key(seed), (BATCH, SIDE, SIDE, SIDE, FIELDS.size))
            signals = {"white": white, "constant": jnp.ones_like(white) * white[:, :1, :1, :1] * scalars}
            rngs, first = nnx.Rngs(seed), dict.fromkeys(signals, 1.0)
            for depth in range(1, max(DEPTHS) + 1):
                state = nnx.split(layer(rule, rngs))[1]
                signals = {name: apply(state, x) for name, x in signals.items()}
                for name, x in signals.items():
                    square = float((x**2).mean())
                    first[name] = square if depth == 1 else first[name]
                    if depth in DEPTHS:
                        ratio = float(f"{square / first[name]:.3g}")
                        rows.append({"rule": rule, "volumes": name, "layers": depth, "seed": seed, "ratio": ratio})
    write_csv(FILE, [{**row, **circumstances()} for row in rows])
    for rule in RULES:
        for name in ("white", "constant"):
            of = [float(r["ratio"]) for r in rows if (r["rule"], r["volumes"], r["layers"]) == (rule, name, 20)]
            print(f"{rule}, {name}: {math.exp(np.mean(np.log(of))):.2g}")


if __name__ == "__main__":
    main()
