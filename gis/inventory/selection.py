"""Which rows of a table are used: `select` and `totals` of a part."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from gis.inventory.description import Select
from gis.inventory.numbers import numbers
from gis.inventory.rows import Table, coded

__all__ = ["matches", "matches_all", "matches_any"]

Mask = NDArray[np.bool_]


def matches_all(table: Table, rules: Sequence[Select]) -> Mask:
    """Rows for which every rule holds; all rows when there is none."""
    mask = np.ones(len(table), np.bool_)
    for rule in rules:
        mask &= matches(table, rule)
    return mask


def matches_any(table: Table, rules: Sequence[Select]) -> Mask:
    """Rows for which at least one rule holds."""
    mask = np.zeros(len(table), np.bool_)
    for rule in rules:
        mask |= matches(table, rule)
    return mask


def matches(table: Table, rule: Select) -> Mask:
    """Rows for which a rule holds; an empty cell matches only where the rule says so."""
    column = table.column(rule.column)
    codes, distinct = coded(column)
    holds = np.array([_text_holds(text, rule) for text in distinct], np.bool_)
    mask = holds[codes] if len(distinct) else np.zeros(len(table), np.bool_)
    if rule.min is not None or rule.max is not None:
        values = numbers(column).values
        low = -np.inf if rule.min is None else rule.min
        high = np.inf if rule.max is None else rule.max
        # What is no number is not between two of them.
        mask &= (values >= low) & (values <= high)
    empty = np.array([text == "" for text in distinct], np.bool_)
    return np.where(empty[codes], rule.missing, mask) if len(distinct) else mask


def _text_holds(text: str, rule: Select) -> bool:
    if rule.values is not None and not _any_pattern(text, rule.values):
        return False
    return rule.not_values is None or not _any_pattern(text, rule.not_values)


def _any_pattern(text: str, patterns: Sequence[str]) -> bool:
    # Only * is special: a bracket or a question mark in a name stands for itself.
    return any(fnmatchcase(text, p.strip().replace("[", "[[]").replace("?", "[?]")) for p in patterns)
