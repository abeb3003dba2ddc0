"""Makes goldens/keras.npz: what networks of Keras give, for test_keras.py to compare with.

Shallow networks of Keras's own builders with the usual widths; weights and running statistics follow from the names by
a rule, so that none are kept.

    python -m venv keras-venv
    keras-venv/bin/pip install keras==3.15.1 tensorflow-cpu h5py
    KERAS_BACKEND=tensorflow keras-venv/bin/python tests/models/weights/make_keras_goldens.py
"""

import json
import pathlib
import zlib

import numpy as np

FILE = pathlib.Path(__file__).parent / "goldens" / "keras.npz"
CLASSES = 4
# our model, its options, sizes of the images
CASES = {
    "resnet": ("resnet50", {"blocks": (1, 1, 1, 1), "version": "1"}, (40, 41)),
    "densenet": ("densenet121", {"blocks": (1, 1, 1, 2)}, (40, 41)),
    "vgg": ("vgg16", {}, (64,)),
}


def by_rule(shapes):
    """The arrays ``layer.number`` from their names and shapes; those of one axis, also variances, in [0.5, 1.5]."""
    state = {}
    for name, shape in shapes.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        array = rng.uniform(0.5, 1.5, shape)
        if len(shape) > 1:
            array = rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1]))
        state[name] = array.astype(np.float32)
    return state


def images(side):
    """Two images ``[2, side, side, 3]``."""
    return np.random.default_rng(side).standard_normal((2, side, side, 3)).astype(np.float32)


def digest(output):
    """The root mean square of an output and some of its values, spread over it."""
    flat = np.asarray(output, np.float64).ravel()
    return np.array([np.sqrt(np.mean(flat**2)), *flat[np.linspace(0, flat.size - 1, 24).astype(int)]], np.float32)


def main():
    import keras
    from keras.src.applications import densenet, resnet

    def blocks(x):
        for i, (filters, stride) in enumerate(((64, 1), (128, 2), (256, 2), (512, 2)), 2):
            x = resnet.stack_residual_blocks_v1(x, filters, 1, stride, name=f"conv{i}")
        return x

    common = {"weights": None, "classes": CLASSES, "classifier_activation": None}
    makers = {
        "resnet": lambda shape: resnet.ResNet(blocks, False, True, weights_name=None, input_shape=shape, **common),
        "densenet": lambda shape: densenet.DenseNet(CASES["densenet"][1]["blocks"], input_shape=shape, **common),
        "vgg": lambda shape: keras.applications.VGG16(input_shape=shape, **common),
    }
    arrays = {}
    for case, (_, _, sides) in CASES.items():
        for side in sides:
            net = makers[case]((side, side, 3))
            shapes = {f"{n.name}.{i}": tuple(w.shape) for n in net.layers for i, w in enumerate(n.weights)}
            state = by_rule(shapes)
            for layer in net.layers:
                layer.set_weights([state[f"{layer.name}.{i}"] for i in range(len(layer.weights))])
            parts = [layer for layer in net.layers if layer.weights]
            outputs = keras.Model(net.input, [layer.output for layer in parts])(images(side), training=False)
            arrays[f"{case}_names_{side}"] = np.array([layer.name for layer in parts])
            arrays[f"{case}_layers_{side}"] = np.stack([digest(y) for y in outputs])
            arrays[f"{case}_scores_{side}"] = np.asarray(outputs[-1])
        arrays[f"{case}_shapes"] = np.array(json.dumps(shapes))
        print(case, len(parts), "layers; scores", np.abs(arrays[f"{case}_scores_{sides[-1]}"]).max())
    np.savez_compressed(FILE, **arrays)
    print(FILE.name, FILE.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
