"""Numbers as people write them in tables: thousands separators, full-width digits, blanks, powers of ten."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.inventory.rows import texts

__all__ = ["Numbers", "number", "numbers"]

_PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_GROUPED = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?$"
_WORDS = {"inf": np.inf, "+inf": np.inf, "-inf": -np.inf, "infinity": np.inf, "-infinity": -np.inf, "∞": np.inf}


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Numbers of a column: NaN where a cell is empty or holds no number; infinities stay, to be refused by name."""

    values: NDArray[np.float64]
    empty: NDArray[np.bool_]
    bad: NDArray[np.bool_]


def number(text: str) -> float | None:
    """The number a text means, None when it means none: ``１，２３４．５``, ``1 234``, ``+3.2e-4``."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("\u2212", "-")
    if plain.lower() in _WORDS:
        return _WORDS[plain.lower()]
    if re.fullmatch(r"[+-]?\d{1,3}(?:[ '’\u2009]\d{3})+(?:\.\d*)?", plain):
        plain = re.sub(r"[ '’\u2009]", "", plain)
    if re.fullmatch(_GROUPED, plain):
        plain = plain.replace(",", "")
    # re's \d takes any script's digits, and so does float.
    return float(plain) if re.fullmatch(_PLAIN, plain) else None


def numbers(column: pa.Array) -> Numbers:
    """The numbers of a column of text or of numbers."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type):
        # In a typed column NaN is how many programs write "no value".
        values = _array(column.cast(pa.float64(), safe=False))
        empty = np.isnan(values)
        return Numbers(values, empty, np.zeros(len(values), np.bool_))
    return _parse(texts(column))


def _array(column: pa.Array) -> NDArray[np.float64]:
    filled: NDArray[np.float64] = np.array(pc.fill_null(column, float("nan")).to_numpy(zero_copy_only=False))
    return filled


def _parse(column: pa.Array) -> Numbers:
    is_empty = pc.equal(column, "")
    empty = is_empty.to_numpy(zero_copy_only=False)
    given = pc.if_else(is_empty, pa.scalar(None, pa.string()), column)
    try:
        values = _array(given.cast(pa.float64()))
    except pa.ArrowInvalid:
        return _careful(column, given, empty)
    # The cast also takes "nan" and "inf": those are for the careful path.
    if not np.isfinite(values[~empty]).all():
        return _careful(column, given, empty)
    return Numbers(values, empty, np.zeros(len(column), np.bool_))


def _careful(column: pa.Array, given: pa.Array, empty: NDArray[np.bool_]) -> Numbers:
    plain = pc.match_substring_regex(given, _PLAIN)
    values = _array(_cast(pc.if_else(plain, given, None)))
    grouped = pc.match_substring_regex(given, _GROUPED)
    without = _array(_cast(pc.replace_substring(pc.if_else(grouped, given, None), ",", "")))
    values = np.where(np.isnan(values), without, values)
    rest = np.flatnonzero(np.isnan(values) & ~empty)
    leftover = column.take(pa.array(rest)).dictionary_encode()
    meant = [number(text) for text in leftover.dictionary.to_pylist()]
    table = np.array([np.nan if m is None else m for m in meant], np.float64)
    if len(rest):
        values[rest] = table[leftover.indices.to_numpy(zero_copy_only=False)]
    return Numbers(values, empty, np.isnan(values) & ~empty)


def _cast(column: pa.Array) -> pa.Array:
    unsigned = pc.replace_substring_regex(column, r"^\+", "")
    try:
        return unsigned.cast(pa.float64())
    except pa.ArrowInvalid:
        # Beyond the range of a double ("1e400"): Python says infinite, which is then refused by name.
        return pa.array([None if v is None else float(v) for v in unsigned.to_pylist()], pa.float64())
