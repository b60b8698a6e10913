"""What a table says of its sources beside amounts and place: names, industry, codes, capacity, supply security."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.inventory.description import Part
from gis.inventory.numbers import numbers
from gis.inventory.refusals import Refusals
from gis.inventory.rows import Table, coded, texts
from gis.regions.read import code_text

__all__ = ["TEXTS", "Attributes", "attributes"]

# Attributes that are text, in the order of a part's sources.
TEXTS = ("name_zh", "name_en", "industry", "owner_code", "region")
_TRUE = {"1", "1.0", "true", "t", "yes", "y", "是", "有", "√", "保供"}
_FALSE = {"", "0", "0.0", "false", "f", "no", "n", "否", "无", "×"}


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """Attributes by row: texts by name (only those the description names), capacity and supply security."""

    texts: dict[str, pa.Array]
    capacity: NDArray[np.float64]
    supply_security: NDArray[np.bool_]


def attributes(table: Table, part: Part, refusals: Refusals, wanted: NDArray[np.bool_]) -> Attributes:
    """The attributes of a table's rows; a wanted row with one that cannot be read is refused."""
    columns = part.columns
    named = {name: getattr(columns, name) for name in TEXTS}
    read = {name: texts(table.column(heading)) for name, heading in named.items() if heading is not None}
    if "region" in read:
        read["region"] = _codes(read["region"])
    capacity = np.full(len(table), np.nan)
    if columns.capacity is not None:
        found = numbers(table.column(columns.capacity))
        bad = found.bad | np.isinf(found.values) | (found.values < 0)
        reason = "not a capacity; expected a number of at least 0"
        refusals.refuse(wanted & bad, rule="unparsable-number", reason=reason, column=columns.capacity)
        capacity = found.values
    return Attributes(read, capacity, _flags(table, columns.supply_security, refusals, wanted))


def _codes(column: pa.Array) -> pa.Array:
    encoded = column.dictionary_encode()
    names = pa.array([code_text(name) for name in encoded.dictionary.to_pylist()], pa.string())
    return names.take(encoded.indices)


def _flags(table: Table, heading: str | None, refusals: Refusals, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    if heading is None:
        return np.zeros(len(table), np.bool_)
    codes, distinct = coded(table.column(heading))
    known = np.array([t.lower() in _TRUE | _FALSE for t in distinct], np.bool_)
    holds = np.array([t.lower() in _TRUE for t in distinct], np.bool_)
    reason = "neither yes nor no; expected 1, true, yes, 是 or 0, false, no, 否"
    refusals.refuse(wanted & ~known[codes], rule="unreadable-flag", reason=reason, column=heading, together=True)
    return holds[codes]
