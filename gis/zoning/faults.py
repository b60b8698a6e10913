"""Faults of a file of parameters or rules, each as a line: the key, what came, what is expected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

__all__ = ["fault_lines"]


def fault_lines(error: ValidationError, model: type[BaseModel]) -> str:
    """How many faults there are, then each with its key; an unknown key comes with those that are known there."""
    found = [e for e in error.errors() if not _follows(e, error)]
    lines = [f"  {'.'.join(str(p) for p in e['loc']) or '(file)'}: {_sentence(e, model)}" for e in found]
    return "\n".join([f"{len(lines)} fault(s):", *lines])


def _follows(fault: Any, error: ValidationError) -> bool:
    """Whether a list is only short because of what is wrong with its items, which is said already."""
    place = fault["loc"]
    return fault["type"] == "too_short" and any(
        e["loc"][: len(place)] == place and len(e["loc"]) > len(place) for e in error.errors()
    )


def _sentence(fault: Any, model: type[BaseModel]) -> str:
    kind, came = fault["type"], fault["input"]
    if kind == "extra_forbidden":
        known = _keys(model, fault["loc"][:-1])
        near = get_close_matches(str(fault["loc"][-1]), known, n=1)
        return f"no such key; {f'did you mean {near[0]}? ' if near else ''}There are {', '.join(known)}"
    text: str = fault["msg"].removeprefix("Value error, ")
    if kind == "string_pattern_mismatch":
        text = "a code in lower case is expected, such as pm25"
    if kind in ("missing", "value_error") or isinstance(came, (dict, list)):
        return text
    return f"{text}; {came!r} came"


def _keys(model: type[BaseModel], path: Sequence[Any]) -> list[str]:
    """Keys of the table at a path."""
    for part in path:
        field = next((f for name, f in model.model_fields.items() if part in (name, f.alias)), None)
        if field is not None:
            model = next(_tables(field.annotation), model)
    return [field.alias or name for name, field in model.model_fields.items() if not field.exclude]


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """Tables that an annotation holds."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _tables(inner)
