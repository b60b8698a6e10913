"""Units, their evidence, conflicts, and the tables of a zoning or comparison."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import InvalidParameter, NotFound
from gis.views.evidence import unit_access, unit_evidence, unit_row
from gis.views.tables import Stored, open_table, rows
from gis.workspace import Run, StoredComparison, StoredZoning
from gis.zoning.classes import CellClass
from gis.zoning.lineage import Relation
from service.dependencies import Caller
from service.library import Library
from service.routes.answers.records import records, unit_record
from service.routes.answers.sides import DERIVED, with_sides
from service.schemas.units import Changes, Conflicts, Evidence, Jurisdictions, Rows, UnitContributors, UnitPage, Units

__all__ = [
    "changes_answer", "comparison_rows", "conflicts_answer", "contributors_answer", "evidence_answer", "jurisdictions_answer",
    "ledger_answer",
    "table_answer", "unit_answer", "units_answer", "units_at", "units_in_order",
]  # fmt: skip


def units_answer(
    library: Library,
    which: str,
    *,
    search: str | None,
    exactly: dict[str, str | bool | None],
    sort: str,
    limit: int,
    offset: int,
) -> Units:
    """A page of units that have a text in their code or names, and these values."""
    zoning = library.zoning(which)
    stored = open_table(library.views.directory, zoning, "units")
    at = units_at(stored, search=search, exactly=exactly, sort=sort)
    names = [n for n in stored.schema.names if not n.startswith("geometry")]
    found = units_in_order(stored, at[offset : offset + limit], names).to_pylist()
    return Units.model_validate(
        {
            "result": zoning.id, "number_matched": len(at), "offset": offset,
            "units": [unit_record(row, zoning.species) for row in found],
        }
    )  # fmt: skip


def units_at(
    stored: Stored, *, search: str | None, exactly: dict[str, str | bool | None], sort: str
) -> NDArray[np.int64]:
    """Rows of the units that have a text in their code or names, and these values, in an order."""
    at = _chosen(stored, search, exactly)
    found: NDArray[np.int64] = at[_order(stored, at, sort)]
    return found


def units_in_order(stored: Stored, at: NDArray[np.int64], names: list[str]) -> pa.Table:
    """Columns of rows in any order."""
    # Rows are taken in ascending order and put back into the order asked for.
    ascending = np.argsort(at, kind="stable")
    back = np.empty(len(at), np.int64)
    back[ascending] = np.arange(len(at))
    return stored.take(at[ascending], names).take(pa.array(back))


def _chosen(stored: Stored, search: str | None, exactly: dict[str, str | bool | None]) -> NDArray[np.int64]:
    keep = np.ones(stored.rows, bool)
    for name, value in exactly.items():
        if value is not None:
            keep &= pc.equal(
                text_column(stored, name) if isinstance(value, str) else stored.table[name], value
            ).to_numpy()
    if search:
        near = np.zeros(stored.rows, bool)
        for name in ("unit", "name_zh", "name_en", "jurisdiction_zh", "jurisdiction_en", "jurisdiction"):
            near |= pc.match_substring(text_column(stored, name), search, ignore_case=True).to_numpy()
        keep &= near
    return np.flatnonzero(keep)


def text_column(stored: Stored, name: str) -> pa.ChunkedArray:
    """A column as texts, whether it is kept as a dictionary or not."""
    column = stored.table[name]
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _order(stored: Stored, at: NDArray[np.int64], sort: str) -> NDArray[np.int64]:
    name = sort.removeprefix("-")
    if name not in stored.schema.names:
        raise InvalidParameter(
            f"units have no {name[:40]!r} to be sorted by; their species' amounts are {_amounts(stored)}"
        )
    kind = stored.schema.field(name).type
    column = (
        stored.table[name] if pa.types.is_integer(kind) or pa.types.is_floating(kind) else text_column(stored, name)
    )
    direction = "descending" if sort.startswith("-") else "ascending"
    table = pa.table({"key": column.take(pa.array(at)), "unit": text_column(stored, "unit").take(pa.array(at))})
    order: NDArray[np.int64] = (
        pc.sort_indices(table, sort_keys=[("key", direction), ("unit", "ascending")]).to_numpy().astype(np.int64)
    )
    return order


def _amounts(stored: Stored) -> str:
    return ", ".join(n for n in stored.schema.names if n.endswith("_t"))


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


def changes_answer(
    library: Library,
    which: str,
    *,
    relation: Relation | None,
    class_changed: bool | None,
    wanted: str | None,
    search: str | None,
    limit: int,
    offset: int,
) -> Changes:
    """What became of units between two zonings: pairs of one relation, of a class before or after, of one that is (or is not) another.

    ``search`` is a text in the code or a name of either unit.
    """
    found = library.comparison(which)
    stored = open_table(library.views.directory, found, "units")
    a, b = (text_column(stored, n).to_numpy() for n in ("a_class", "b_class"))
    keep = np.ones(stored.rows, bool)
    if relation is not None:
        keep &= pc.equal(text_column(stored, "relation"), str(relation)).to_numpy()
    if class_changed is not None:
        keep &= ((a != b) & (a != "") & (b != "")) == class_changed
    if wanted is not None:
        keep &= (a == wanted) | (b == wanted)
    if search:
        keep &= _named(library, stored, "a", found.a, search) | _named(library, stored, "b", found.b, search)
    at = np.flatnonzero(keep)
    page = stored.take(at[offset : offset + limit])
    return Changes.model_validate(
        {
            "result": found.id, "table": "units", "columns": [*page.column_names, *DERIVED], "number_matched": len(at),
            "offset": offset, "rows": with_sides(library, found, records(page)), "a": found.a, "b": found.b,
        }
    )  # fmt: skip


def _named(library: Library, pairs: Stored, side: str, zoning: str, search: str) -> NDArray[np.bool_]:
    """Pairs whose unit on one side has a text in its code or names."""
    units = open_table(library.views.directory, library.zoning(zoning), "units")
    codes = text_column(units, "unit").take(pa.array(_chosen(units, search, {}))).combine_chunks()
    found: NDArray[np.bool_] = pc.is_in(text_column(pairs, side), value_set=codes).to_numpy()
    return found


def jurisdictions_answer(library: Library, which: str) -> Jurisdictions:
    """Jurisdictions that have units, by code, and how many of each class."""
    zoning = library.zoning(which)
    stored = open_table(library.views.directory, zoning, "units")
    names = ("jurisdiction", "jurisdiction_zh", "jurisdiction_en", "class")
    frame = pa.table({n: text_column(stored, n) for n in names}).to_pandas()
    rows = []
    for code, mine in frame.groupby("jurisdiction", sort=True):
        first, classes = mine.iloc[0], mine["class"].value_counts()
        rows.append(
            {
                "code": code, "name_zh": first["jurisdiction_zh"], "name_en": first["jurisdiction_en"], "units": len(mine),
                "classes": {c.code: int(classes.get(c.code, 0)) for c in sorted(CellClass, reverse=True) if c},
            }
        )  # fmt: skip
    return Jurisdictions.model_validate({"result": zoning.id, "jurisdictions": rows})


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
