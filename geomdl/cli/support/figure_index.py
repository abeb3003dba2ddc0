"""One page of all figures: what each claims, how it was made, and whether what was measured agrees."""

import base64
import html
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from geomdl.audit.report.html import page
from geomdl.version import __version__

STATES = {
    "agrees": "exact",
    "contradicts": "broken",
    "not judged": "approximate",
    "not made": "dead",
    "failed": "broken",
}
"""What can be said of a figure, with the colour of the page of audits."""


@dataclass(frozen=True)
class Made:
    """What came of one figure.

    Attributes:
      name: of the study.
      preset: it was run with.
      title: the first line of its description.
      claim: what it claims, in words.
      state: ``"agrees"`` with its claim, ``"contradicts"`` it, ``"not judged"`` where the study has no gate, ``"not
        made"`` where something is missing, such as data, or ``"failed"``.
      seconds: that study and drawing took.
      seeds: of the runs in its tables; 0 where they name none.
      said: conclusions, or why there are none.
      contradicted: what of the claim the tables contradict.
      pictures: files, relative to its folder.
      digest: of the scripts that made it.
    """

    name: str
    preset: str
    title: str
    claim: str
    state: str
    seconds: float = 0.0
    seeds: int = 0
    said: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    digest: str = ""

    def values(self) -> dict[str, Any]:
        """Plain values, for a file beside the figure."""
        return asdict(self)

    @classmethod
    def of(cls, values: dict[str, Any]) -> "Made":
        """The inverse of `values`.

        Raises:
          TypeError: for anything else.
        """
        names = {field.name for field in fields(cls)}
        known: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in names}
        return cls(**known)


def write_index(out: Path, made: Sequence[Made]) -> Path:
    """Writes ``index.html``, which needs nothing from outside and shows every figure.

    Args:
      out: the folder that has a folder for each figure.
      made: the figures.
    """
    style = "figure img { width: 100%; background: #fff; border-radius: .3rem; }\n"
    style += "code { overflow-wrap: anywhere; }\n"
    counts = {state: sum(one.state == state for one in made) for state in STATES}
    summary = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    rows = "".join(_row(one) for one in made)
    body = (
        f"<h1>Figures of geomdl</h1><p class=headline>{len(made)} figures: {summary}</p>"
        f"<p class=muted>geomdl {__version__}; {sum(one.seconds for one in made) / 60:.0f} minutes in all.</p>"
        "<div class=scroll><table><tr><th>Figure<th>Preset<th>Seeds<th>Time<th>Claim and results</tr>"
        f"{rows}</table></div>{''.join(_section(out, one) for one in made)}"
    )
    file = out / "index.html"
    file.write_text(page("Figures of geomdl", body, style), encoding="utf-8")
    return file


def _row(one: Made) -> str:
    return (
        f'<tr><td><a href="#{one.name}">{one.name}</a><td>{one.preset}<td>{one.seeds or "–"}<td>{_time(one.seconds)}'
        f"<td>{_state(one.state)}</tr>"
    )


def _section(out: Path, one: Made) -> str:
    shown = [name for name in one.pictures if name.endswith((".png", ".gif"))]
    pictures = "".join(_picture(out / one.name / name, name if len(shown) > 1 else "") for name in shown)
    others = ", ".join(f'<a href="{one.name}/{name}">{name}</a>' for name in one.pictures)
    lines = "".join(f"<li>{html.escape(line)}" for line in one.said)
    against = "".join(f"<li><b>contradicted:</b> {html.escape(line)}" for line in one.contradicted)
    return (
        f'<h2 id="{one.name}">{html.escape(one.title)}</h2>'
        f"<p>{_state(one.state)} <code>geomdl reproduce {one.name} --preset={one.preset}</code></p>"
        f"<p>{html.escape(one.claim)}</p>{pictures}<ul>{against}{lines}</ul><p class=muted>{others}</p>"
    )


def _picture(path: Path, caption: str) -> str:
    """A picture, or an animation, with its name where a figure has several."""
    if not path.exists():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    below = f"<figcaption class=muted>{html.escape(caption)}</figcaption>" if caption else ""
    source = f"data:image/{path.suffix[1:]};base64,{data}"
    return f'<figure><img alt="{html.escape(path.stem)}" src="{source}">{below}</figure>'


def _state(state: str) -> str:
    return f'<b style="color: var(--{STATES[state]})">{state}</b>'


def _time(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 90 else f"{seconds:.0f} s"
