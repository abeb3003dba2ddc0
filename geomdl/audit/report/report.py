"""The result of an audit as a value that prints as text and gives JSON (as a page: `geomdl.audit.report.html`)."""

import dataclasses
import io
import json
import math
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from geomdl.audit.measuring.measurement import Picture
from geomdl.audit.results.findings import LayerBreak, LayerTable, Measure
from geomdl.audit.results.verdict import Measurement, Verdict

SCHEMA = 1
"""The version of the JSON layout; it grows when a field is renamed, removed or gets another meaning."""

_TREATED = {"field": "a field", "channels-first": "a field, channels first", "labels": "label maps"}
_PLACES = {
    "points": "", "boxes": "corners xyxy, ", "xyxy": "corners, ", "xywh": "top left corner and size, ",
    "cxcywh": "centre and size, ",
}  # fmt: skip

COLOURS = {"exact": "green", "approximate": "yellow", "broken": "red", "dead": "bold red", "not measured": "dim"}


@dataclasses.dataclass(frozen=True)
class Audit:
    """The result of `geomdl.audit.audit`.

    Attributes:
      model: its name.
      kind: the library it is from.
      group: the point group asked for.
      input_shape: (height, width, channels).
      output: how the output was held to move, in the words of `geomdl.actions.output_law`: ``"invariant"``,
        ``"field"``, ``"1 regular"``, …
      assumed: what else it may be, where that was guessed from its shape; empty where it was said.
      doubtful: whether the guess may well be wrong.
      output_shape: for one image.
      dtype: of the images.
      images: which images, besides white noise.
      count: how many.
      seed: of everything random.
      verdicts: one per symmetry, those asked for first.
      measurements: every number they rest on.
      layers: errors of the layers, where they could be looked at.
      measures: further numbers.
      notes: what else is to be known about the model or the audit.
      environment: versions and hardware.
      seconds: of wall time.
      forward_passes: how many batches went through the model.
      dead: whether the output does not depend on the input.
      pictures: images on which the model changes most; not in the JSON.
    """

    model: str
    kind: str
    group: str
    input_shape: tuple[int, ...]
    output: str
    output_shape: tuple[int, ...]
    dtype: str
    images: str
    count: int
    seed: int
    verdicts: tuple[Verdict, ...]
    measurements: tuple[Measurement, ...]
    layers: LayerTable | None = None
    measures: tuple[Measure, ...] = ()
    notes: tuple[str, ...] = ()
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0
    forward_passes: int = 0
    dead: bool = False
    assumed: str = ""
    doubtful: bool = False
    pictures: tuple[Picture, ...] = dataclasses.field(default=(), compare=False, repr=False)

    def __getitem__(self, symmetry: str) -> Verdict:
        """The verdict on a symmetry by name.

        Raises:
          KeyError: when there is none of this name.
        """
        for verdict in self.verdicts:
            if verdict.symmetry.lower() == symmetry.lower():
                return verdict
        raise KeyError(f"no verdict on {symmetry!r}; there are: {', '.join(v.symmetry for v in self.verdicts)}")

    def __bool__(self) -> bool:
        """Refused: an audit has one verdict per symmetry.

        Raises:
          TypeError: always, as ``assert audit(…)`` would hold for every model.
        """
        raise TypeError('an audit as a whole is neither true nor false: ask for a verdict, as in report["C4"].level')

    def to_json(self) -> str:
        """Everything but the pictures as JSON; numbers that are not finite as strings."""
        values: dict[str, Any] = {"schema": SCHEMA, "tool": "geomdl audit"}
        for field in dataclasses.fields(self):
            if field.name != "pictures":
                values[field.name] = _plain(getattr(self, field.name))
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @staticmethod
    def from_json(text: str) -> "Audit":
        """Reads what `to_json` wrote.

        Raises:
          ValueError: for another schema, or text that is no audit.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            found = values.get("schema") if isinstance(values, dict) else type(values).__name__
            raise ValueError(f"this is no audit of schema {SCHEMA} (found: {found}); run geomdl audit again")
        names = {field.name for field in dataclasses.fields(Audit)} - {"pictures"}
        fields = {name: _value(value) for name, value in values.items() if name in names}
        for name, kind in (("verdicts", Verdict), ("measurements", Measurement), ("measures", Measure)):
            fields[name] = tuple(kind(**entry) for entry in fields[name])
        if fields["layers"] is not None:
            breaks = tuple(LayerBreak(**entry) for entry in fields["layers"].pop("breaks"))
            fields["layers"] = LayerTable(**fields["layers"], breaks=breaks)
        return Audit(**fields)

    @property
    def headline(self) -> str:
        """What was audited, in one line, and what was assumed about its output."""
        size = "×".join(map(str, self.input_shape))
        out = "×".join(map(str, self.output_shape)) or "one number"
        return f"{self.model} ({self.kind}), {size} {self.dtype} → {out} treated as {self.treated}"

    @property
    def treated(self) -> str:
        """How the output was held to move, and where that was guessed, how to say otherwise."""
        treated = _treated(self.output, self.group)
        if not self.assumed:
            return treated
        guess = "a DOUBTFUL guess" if self.doubtful else "assumed"
        return f"{treated} ({guess} from the shape; otherwise --output=…, in Python output=…: {self.assumed})"

    def table(self) -> Table:
        """The verdicts as a rich table."""
        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for name in ("symmetry", "verdict", "error", "resampling", "another image", "worst at", "conditions"):
            numeric = name in ("error", "resampling", "another image")
            table.add_column(name, justify="right" if numeric else "left", no_wrap=name in ("symmetry", "verdict"))
        for asked in (True, False):
            chosen = [v for v in self.verdicts if v.asked == asked]
            for v in chosen:
                numbers = [number(v.error), number(v.through) if v.through else "", number(v.spread)]
                name = Text(v.symmetry) if asked else Text(v.symmetry, "dim")
                level = Text(v.level, COLOURS[v.level])
                table.add_row(name, level, *numbers, v.worst, "; ".join(v.conditions), end_section=v is chosen[-1])
        return table

    def __str__(self) -> str:
        console = Console(file=io.StringIO(), width=140, color_system=None, highlight=False)
        console.print(Text(self.headline), soft_wrap=True)
        console.print(self.table())
        for line in self.remarks():
            console.print(Text(line))
        text = console.file.getvalue()  # type: ignore[attr-defined]
        return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")

    def remarks(self) -> list[str]:
        """What the table does not say: dead outputs, the layer that breaks exactness, notes."""
        lines = []
        if self.dead:
            lines.append("DEAD: the output does not depend on the input; no symmetry of it means anything")
        lines += [str(found) for found in self.layers.breaks] if self.layers else []
        lines += [f"{m.name}: {number(m.value)} {m.unit}".rstrip() + f" ({m.meaning})" for m in self.measures]
        lines += self.notes
        took = f"{self.seconds:.0f} s, {self.forward_passes} batches, seed {self.seed}"
        return [*lines, f"{self.count} images of {self.images}, and white noise; {took}"]


def _treated(output: str, group: str) -> str:
    """How an output was held to move, from its name in `geomdl.actions.output_law`."""
    words = output.split()
    if words[0] in ("points", "boxes"):
        shape = _PLACES[words[1] if len(words) > 1 and words[1] in _PLACES else words[0]]
        pixels, shares = "pixels, (0, 0) the top left one", "shares of the image from its top left corner"
        unit = shares if "relative" in words else pixels
        return f"{output} ({shape}{unit})"
    if any(word.isdigit() for word in words):
        return f"{output} of {group}"
    return _TREATED.get(output, output)


def number(value: float) -> str:
    """A number as the reports show it.

    >>> number(0.1234), number(3.2e-7), number(0.0), number(float("nan"))
    ('0.123', '3.2e-07', '0', '')
    """
    if math.isnan(value):
        return ""
    if value == 0:
        return "0"
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1000 else f"{value:.1e}"


def _plain(value: Any) -> Any:
    """The value in JSON's types; NaN and infinities, which JSON has not, as strings."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return f"float:{value}"
    return value


def _value(value: Any) -> Any:
    """The inverse of `_plain`, with tuples for lists."""
    if isinstance(value, list):
        return tuple(_value(inner) for inner in value)
    if isinstance(value, dict):
        return {key: _value(inner) for key, inner in value.items()}
    if isinstance(value, str) and value.startswith("float:"):
        return float(value.removeprefix("float:"))
    return value
