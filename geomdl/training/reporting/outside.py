"""What stands in the files of a run, read with suspicion: a value of a wrong type is left out, and said."""

from collections.abc import Mapping, Sequence
from typing import Any

from geomdl.errors import shortened


def is_whole(value: Any) -> bool:
    """Whether a value counts something: steps, images, parameters."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _text(value: Any) -> bool:
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """Whether a value is a number, or None, which stands in records for one that is not finite."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _wholes(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_whole, value))


_FACTS = {
    "total_steps": is_whole,
    "step": is_whole,
    "best_step": is_whole,
    "comparable_from": is_whole,
    "parameters": is_whole,
    "finished": lambda value: isinstance(value, bool),
    "stopped_early": lambda value: isinstance(value, bool),
    "monitor": _text,
    "headline": _text,
    "provenance": _text,
    "least_is_best": _texts,
    "classes": _texts,
    "advice": _texts,
    "advice_at_start": _texts,
    "image_shape": _wholes,
    "images": lambda value: isinstance(value, dict) and all(map(is_whole, value.values())),
    "parameter_shapes": lambda value: isinstance(value, dict) and all(map(_wholes, value.values())),
}

_EVALUATION = {"checkpoint": is_whole, "images": is_whole, "split": _text, "evaluators": _texts}


def plausible_facts(facts: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Returns what run.json holds without values of a wrong type, and these in words.

    >>> plausible_facts({"total_steps": "many", "parameters": 9})
    ({'parameters': 9}, ["total_steps is 'many'"])
    """
    return _plausible(facts, {**{key: lambda value: True for key in facts}, **_FACTS})


def plausible_evaluation(found: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Returns what ``geomdl evaluate`` wrote without values of a wrong type, and these in words."""
    return _plausible(found, {**dict.fromkeys(found, is_number), **_EVALUATION})


def missing_records(records: Sequence[Mapping[str, Any]], config: Mapping[str, Any], latest: int) -> str:
    """Says which steps up to the latest checkpoint have no record though each is followed by one; empty for none.

    Args:
      records: of metrics.jsonl.
      config: of the run, nested sections of plain values.
      latest: the step of the latest checkpoint.

    >>> missing_records([{"step": 10, "split": "train"}], {"training": {"log_every": 10}}, 35)
    'the records of steps 20 to 30 are missing'
    """
    training = config.get("training", {})
    there = {split: {r["step"] for r in records if r["split"] == split} for split in ("train", "validation")}
    missing: set[int] = set()
    for split, key in (("train", "log_every"), ("validation", "eval_every")):
        every = training.get(key)
        if is_whole(every) and every > 0 and latest // every < 10**7:
            missing |= set(range(every, latest + 1, every)) - there[split]
    if not missing:
        return ""
    first, last = min(missing), max(missing)
    return f"the records of step{'s' * (first < last)} {first}{f' to {last}' if first < last else ''} are missing"


def _plausible(values: Mapping[str, Any], kinds: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    wrong = [key for key, value in values.items() if not kinds[key](value)]
    kept = {key: value for key, value in values.items() if key not in wrong}
    return kept, [f"{key} is {shortened(repr(values[key]), 40)}" for key in wrong]
