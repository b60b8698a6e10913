"""Units, their evidence, conflicts, and the tables of a zoning or comparison."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import NotFound
from gis.views.evidence import unit_access, unit_evidence, unit_row
from gis.views.tables import Stored, open_table, rows
from gis.workspace import Run, StoredComparison, StoredZoning
from service.dependencies import Caller
from service.library import Library
from service.routes.answers.records import records, unit_record
from service.schemas.units import Changes, Conflicts, Evidence, Rows, UnitContributors, UnitPage, Units

__all__ = [
    "UnitSort", "changes_answer", "comparison_rows", "conflicts_answer", "contributors_answer", "evidence_answer", "ledger_answer",
    "table_answer", "unit_answer", "units_answer",
]  # fmt: skip


class UnitSort(StrEnum):
    """What units are put in order by; a minus before it turns the order round."""

    RANK = "rank"
    UNIT = "unit"
    NAME = "name_zh"
    AREA = "area_km2"
    SCORE = "score"
    MEMBERSHIP = "membership"
    CELLS = "cells"
    RANK_DOWN = "-rank"
    UNIT_DOWN = "-unit"
    NAME_DOWN = "-name_zh"
    AREA_DOWN = "-area_km2"
    SCORE_DOWN = "-score"
    MEMBERSHIP_DOWN = "-membership"
    CELLS_DOWN = "-cells"


def units_answer(
    library: Library,
    which: str,
    *,
    search: str | None,
    exactly: dict[str, str | bool | None],
    sort: UnitSort,
    limit: int,
    offset: int,
) -> Units:
    """A page of units that have a text in their code or names, and these values."""
    zoning = library.zoning(which)
    stored = open_table(library.views.directory, zoning, "units")
    at = _chosen(stored, search, exactly)
    page = at[_order(stored, at, sort)][offset : offset + limit]
    names = [n for n in stored.schema.names if not n.startswith("geometry")]
    # Rows are taken in ascending order and put back into the order asked for.
    ascending = np.argsort(page, kind="stable")
    found = stored.take(page[ascending], names).to_pylist()
    placed = {int(p): row for p, row in zip(page[ascending], found, strict=True)}
    return Units.model_validate(
        {
            "result": zoning.id, "number_matched": len(at), "offset": offset,
            "units": [unit_record(placed[int(p)], zoning.species) for p in page],
        }
    )  # fmt: skip


def _chosen(stored: Stored, search: str | None, exactly: dict[str, str | bool | None]) -> NDArray[np.int64]:
    keep = np.ones(stored.rows, bool)
    for name, value in exactly.items():
        if value is not None:
            keep &= pc.equal(_text(stored, name) if isinstance(value, str) else stored.table[name], value).to_numpy()
    if search:
        near = np.zeros(stored.rows, bool)
        for name in ("unit", "name_zh", "name_en", "jurisdiction_zh", "jurisdiction_en", "jurisdiction"):
            near |= pc.match_substring(_text(stored, name), search, ignore_case=True).to_numpy()
        keep &= near
    return np.flatnonzero(keep)


def _text(stored: Stored, name: str) -> pa.ChunkedArray:
    column = stored.table[name]
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _order(stored: Stored, at: NDArray[np.int64], sort: UnitSort) -> NDArray[np.int64]:
    name = str(sort).removeprefix("-")
    column = (
        _text(stored, name)
        if pa.types.is_string(stored.schema.field(name).type) or name in ("unit", "name_zh")
        else stored.table[name]
    )
    direction = "descending" if sort.startswith("-") else "ascending"
    table = pa.table({"key": column.take(pa.array(at)), "unit": _text(stored, "unit").take(pa.array(at))})
    order: NDArray[np.int64] = (
        pc.sort_indices(table, sort_keys=[("key", direction), ("unit", "ascending")]).to_numpy().astype(np.int64)
    )
    return order


def unit_answer(library: Library, which: str, unit: str, caller: Caller) -> UnitPage:
    """All that is said about a unit."""
    zoning, directory = library.zoning(which), library.views.directory
    row = unit_row(directory, zoning, unit)

    def of(table: str) -> list[dict[str, Any]]:
        return records(rows(directory, zoning, table, "unit", [unit])) if table in zoning.tables else []

    return UnitPage.model_validate(
        {
            "result": zoning.id, "unit": unit_record(row, zoning.species), "sectors": of("sectors"), "tiers": of("tiers"),
            "access": unit_access(directory, zoning, unit, facilities=caller.sees_facilities) if "access" in zoning.tables else [],
            "conflicts": of("conflicts"),
            "contributors": of("contributors") if caller.sees_facilities else None,
        }
    )  # fmt: skip


def evidence_answer(library: Library, which: str, unit: str, caller: Caller) -> Evidence:
    """What a unit rests on."""
    zoning = library.zoning(which)
    found = unit_evidence(library.views.directory, zoning, unit, facilities=caller.sees_facilities)
    return Evidence.model_validate(found)


def contributors_answer(library: Library, which: str, unit: str, top: int) -> UnitContributors:
    """The largest sources of a unit, as published."""
    zoning, directory = library.zoning(which), library.views.directory
    unit_row(directory, zoning, unit)
    found: dict[str, list[dict[str, Any]]] = {s: [] for s in zoning.species}
    for row in records(rows(directory, zoning, "contributors", "unit", [unit])):
        if row["position"] <= top:
            found.setdefault(row["species"], []).append(row)
    return UnitContributors.model_validate(
        {"result": zoning.id, "unit": unit, "year": zoning.year, "contributors": found}
    )


# -- tables -----------------------------------------------------------------------------------------------------------------


def conflicts_answer(library: Library, which: str, limit: int, offset: int) -> Conflicts:
    """Conflicts with red lines and priority protection."""
    zoning = library.zoning(which)
    stored = open_table(library.views.directory, zoning, "conflicts")
    return Conflicts.model_validate(
        {
            "result": zoning.id, "number_matched": stored.rows, "offset": offset, "conflicts": _page(stored, limit, offset),
        }
    )  # fmt: skip


def _page(stored: Stored, limit: int, offset: int) -> list[dict[str, Any]]:
    return records(stored.take(np.arange(offset, min(offset + limit, stored.rows), dtype=np.int64)))


def table_answer(library: Library, which: str, table: str, limit: int, offset: int) -> Rows:
    """Rows of a zoning's table."""
    return Rows.model_validate(_rows(library, library.zoning(which), table, limit, offset))


def ledger_answer(library: Library, which: str, limit: int, offset: int) -> Rows:
    """The ledger of a run, or of a zoning."""
    result = library.result(which)
    if isinstance(result, Run):
        frame = result.ledger.table
        return Rows.model_validate(
            {
                "result": result.id, "table": "ledger", "columns": list(frame.columns), "number_matched": len(frame), "offset": offset,
                "rows": records(frame.iloc[offset : offset + limit]),
            }
        )  # fmt: skip
    return table_answer(library, which, "ledger", limit, offset)


def changes_answer(library: Library, which: str, limit: int, offset: int) -> Changes:
    """What became of units between two zonings."""
    found = library.comparison(which)
    return Changes.model_validate({**_rows(library, found, "units", limit, offset), "a": found.a, "b": found.b})


def comparison_rows(library: Library, which: str) -> dict[str, list[dict[str, Any]]]:
    """The small tables of a comparison: what it says in short."""
    found = library.comparison(which)
    return {n: records(found.tables[n]) for n in ("summary", "differences", "jaccard", "classes", "tonnes")}


def _rows(
    library: Library, result: StoredZoning | StoredComparison, table: str, limit: int, offset: int
) -> dict[str, Any]:
    if table not in result.tables:
        raise NotFound(f"{result.id} has no table {table!r}; it has {', '.join(result.tables)}")
    stored = open_table(library.views.directory, result, table)
    page = _page(stored, limit, offset)
    columns = [n for n in stored.schema.names if not n.startswith("geometry")]
    return {
        "result": result.id, "table": table, "columns": columns, "number_matched": stored.rows, "offset": offset, "rows": page,
    }  # fmt: skip
