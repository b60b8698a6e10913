"""Comparison of two zonings of one grid: which units go on, split, merge, come and go, and what that is in cells and tonnes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.zoning.classes import CellClass
from gis.zoning.lineage import fresh_ids, lineage_ids, match_units
from gis.zoning.model import Zoning

__all__ = ["COMPARISON_TABLES", "Change", "Comparison", "compare", "comparison_columns"]

# Every table of a comparison, as gis.zoning.model.TABLES. `a` is the earlier zoning, `b` the later; ``{s}`` stands once for every species
# that both have. Amounts are t/yr.
COMPARISON_TABLES: Mapping[str, tuple[str, ...]] = {
    # One row for every pair of units that share ground, and one for a unit that entered (`a` empty) or left (`b` empty). `relation` is
    # same, changed, split, merge, rearranged, entered or left; `share_a` is the common part of a's area; `lineage` the stable id that b
    # bears (a's, where it left). Mass is that of the whole unit, so that a unit in several rows repeats.
    "units": (
        "a", "b", "relation", "lineage", "a_class", "b_class", "a_km2", "b_km2", "overlap_km2", "share_a", "share_b", "jaccard",
        "{s}_a_t", "{s}_b_t",
    ),
    # One row for every stable id: `event` is continued, born, branched (a part of a unit that split), absorbed (into `successors`)
    # or ended; `parents` and `successors` are stable ids, parted by spaces.
    "lineage": ("lineage", "a", "b", "event", "parents", "successors", "name_zh", "name_en"),
    # One row for every cell whose class is not the same: `change` is entered, left or changed. A mass is missing where that zoning
    # does not list the cell.
    "cells": ("cell", "row", "col", "area_km2", "a_class", "b_class", "change", "a_unit", "b_unit", "{s}_a_t", "{s}_b_t"),
    # Cells from class to class, none to none left out.
    "classes": ("a_class", "b_class", "cells", "area_km2", "{s}_a_t", "{s}_b_t"),
    # How far each class lies where it lay: areas, cells and Jaccard by area; `any` is any class at all.
    "jaccard": ("class", "a_cells", "b_cells", "both_cells", "a_km2", "b_km2", "both_km2", "jaccard"),
    # Mass of classed cells: a = stayed + changed + left, b = stayed + changed + entered, species by species; and that of units.
    "tonnes": (
        "species", "a_t", "b_t", "stayed_a_t", "stayed_b_t", "changed_a_t", "changed_b_t", "left_t", "entered_t",
        "a_units_t", "b_units_t",
    ),
    # Units by relation: how many of a, how many of b, and their area.
    "summary": ("relation", "a_units", "b_units", "a_km2", "b_km2"),
    # What differs between the two before any result does: run, year, species, sectors, rules, and every parameter.
    "differences": ("what", "a", "b"),
}  # fmt: skip


class Change(StrEnum):
    """What became of a cell's class."""

    ENTERED = "entered"
    LEFT = "left"
    CHANGED = "changed"


def comparison_columns(table: str, species: tuple[str, ...]) -> list[str]:
    """Columns of a table for these species; the block with ``{s}`` comes species by species, at the end."""
    wanted = COMPARISON_TABLES[table]
    block = [c for c in wanted if "{s}" in c]
    return [*(c for c in wanted if "{s}" not in c), *(c.replace("{s}", s) for s in species for c in block)]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Comparison:
    """A finished comparison; ``a`` and ``b`` say which zonings: run_id, run_name, year and title of each."""

    a: Mapping[str, Any]
    b: Mapping[str, Any]
    species: tuple[str, ...]
    tables: Mapping[str, pd.DataFrame]

    def __post_init__(self) -> None:
        missing = sorted(set(COMPARISON_TABLES) - set(self.tables))
        if missing:
            raise InvalidParameter(f"a comparison needs the tables {', '.join(missing)}")
        for name in COMPARISON_TABLES:
            expected = comparison_columns(name, self.species)
            if list(self.tables[name].columns) != expected:
                odd = sorted(set(self.tables[name].columns) ^ set(expected)) or "their order"
                raise InvalidParameter(f"table {name} of a comparison does not have its columns: {odd}")

    @property
    def lineage(self) -> Mapping[str, str]:
        """The stable id of every unit of the later zoning."""
        table = self.tables["lineage"]
        alive = table[table["b"] != ""]
        return dict(zip(alive["b"], alive["lineage"], strict=True))


def compare(a: Zoning, b: Zoning, *, earlier: Comparison | None = None, least: float = 0.1) -> Comparison:
    """What became of the units and cells of ``a`` in ``b``.

    Two units are linked when the common ground is ``least`` of the smaller one or more. ``earlier`` is the comparison whose
    later zoning is ``a``: its stable ids are carried on; without it the units of ``a`` are given theirs.
    """
    species = _comparable(a, b, least)
    ids = _ids_of(a, earlier)
    links = match_units(a.units, b.units, least=least)
    cells = _joined_cells(a, b, species)
    born = fresh_ids(lineage_ids(b.units, run_id=b.run_id, year=b.year), ids)
    lineage, borne = _lineage(a, b, ids, born, links)
    units = _unit_table(a, b, species, links, ids, borne)
    tables = {
        "units": units,
        "lineage": lineage,
        "cells": _changed_cells(a, cells, species),
        "classes": _class_changes(cells, species),
        "jaccard": _jaccard(cells),
        "tonnes": _tonnes(a, b, cells, species),
        "summary": _summary(units),
        "differences": _differences(a, b),
    }
    return Comparison(a=_identity(a), b=_identity(b), species=species, tables=tables)


def _identity(zoning: Zoning) -> dict[str, Any]:
    titles = {f"title_{k}": getattr(zoning.parameters, f"title_{k}") for k in ("zh", "en")}
    return {"run_id": zoning.run_id, "run_name": zoning.run_name, "year": zoning.year, **titles}


def _comparable(a: Zoning, b: Zoning, least: float) -> tuple[str, ...]:
    """The species of both, carbon first."""
    if not 0.0 < least <= 1.0:
        raise InvalidParameter(f"least is {least}; expected a share above 0 and up to 1")
    if a.grid != b.grid:
        raise InvalidParameter(
            f"zonings of different grids cannot be compared cell by cell: {_grid_words(a)} and {_grid_words(b)}. "
            "Grid both inventories on one grid, zone again and compare those"
        )
    if a.species[0] != b.species[0]:
        raise InvalidParameter(
            f"the classes of a zoning for {a.species[0]} and of one for {b.species[0]} mean different things; "
            "compare zonings with the same parameters.carbon"
        )
    return tuple(s for s in a.species if s in b.species)


def _grid_words(zoning: Zoning) -> str:
    t = zoning.grid.transform
    rows, cols = zoning.grid.shape
    return f"{rows} x {cols} cells of {t.a:g} x {-t.e:g} from ({t.c:g}, {t.f:g}) in {zoning.grid.crs.name}"


def _ids_of(a: Zoning, earlier: Comparison | None) -> list[str]:
    """The stable id of every unit of the earlier zoning, in its order."""
    if earlier is None:
        return lineage_ids(a.units, run_id=a.run_id, year=a.year)
    known = earlier.lineage
    missing = [u for u in a.units["unit"] if u not in known]
    if missing or len(known) != len(a.units) or (earlier.b["run_id"], earlier.b["year"]) != (a.run_id, a.year):
        raise InvalidParameter(
            f"the earlier comparison ends with run {earlier.b['run_id']}, {earlier.b['year']} and {len(known)} units, and this one "
            f"begins with run {a.run_id}, {a.year} and {len(a.units)} units; give the comparison whose later zoning is this one's earlier"
        )
    return [known[u] for u in a.units["unit"]]


# -- units ----------------------------------------------------------------------------------------------------------


def _unit_table(
    a: Zoning, b: Zoning, species: tuple[str, ...], links: pd.DataFrame, ids: list[str], borne: list[str]
) -> pd.DataFrame:
    i, j = links["i"].to_numpy(), links["j"].to_numpy()
    out = pd.DataFrame({"a": _taken(a, "unit", i), "b": _taken(b, "unit", j), "relation": links["relation"].to_numpy()})
    out["lineage"] = [borne[y] if y >= 0 else ids[x] for x, y in zip(i, j, strict=True)]
    out["a_class"], out["b_class"] = _taken(a, "class", i), _taken(b, "class", j)
    out["a_km2"], out["b_km2"] = _number(a, "area_km2", i), _number(b, "area_km2", j)
    for name in ("overlap_km2", "share_a", "share_b", "jaccard"):
        out[name] = links[name].to_numpy()
    for s in species:
        out[f"{s}_a_t"], out[f"{s}_b_t"] = _number(a, f"{s}_t", i), _number(b, f"{s}_t", j)
    return out[comparison_columns("units", species)]


def _taken(zoning: Zoning, column: str, rows: NDArray[np.int64]) -> list[str]:
    values = [str(v) for v in zoning.tables["units"][column]]
    return [values[r] if r >= 0 else "" for r in rows]


def _number(zoning: Zoning, column: str, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    values = np.append(zoning.tables["units"][column].to_numpy(np.float64), np.nan)
    taken: NDArray[np.float64] = values[rows]
    return taken


def _lineage(
    a: Zoning, b: Zoning, ids: list[str], born: list[str], links: pd.DataFrame
) -> tuple[pd.DataFrame, list[str]]:
    """A row for every stable id, and the id that each unit of b bears."""
    heirs = links[links["heir"]]
    parent = dict(zip(heirs["j"], heirs["i"], strict=True))
    child = {i: j for j, i in parent.items()}
    linked = links[(links["i"] >= 0) & (links["j"] >= 0)]
    before = {j: list(g) for j, g in linked.groupby("j")["i"]}
    after = {i: list(g) for i, g in linked.groupby("i")["j"]}
    borne = [ids[parent[j]] if j in parent else born[j] for j in range(len(b.units))]
    unit_a, unit_b = ([str(v) for v in z.units["unit"]] for z in (a, b))
    names_a, names_b = (list(zip(z.units["name_zh"], z.units["name_en"], strict=True)) for z in (a, b))
    rows: list[tuple[str, ...]] = []
    for j, code in enumerate(unit_b):
        others = [ids[i] for i in before.get(j, []) if ids[i] != borne[j]]
        event = "continued" if j in parent else "branched" if others else "born"
        rows.append(
            (borne[j], unit_a[parent[j]] if j in parent else "", code, event, " ".join(others), "", *names_b[j])
        )
    for i in sorted(set(range(len(unit_a))) - set(child)):
        into = [borne[j] for j in after.get(i, [])]
        rows.append((ids[i], unit_a[i], "", "absorbed" if into else "ended", "", " ".join(into), *names_a[i]))
    # By the code of the later unit, then what is gone by its own.
    rows.sort(key=lambda row: (row[2] == "", row[2], row[1]))
    return pd.DataFrame(rows, columns=comparison_columns("lineage", ())), borne


def _summary(units: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for relation in ("same", "changed", "split", "merge", "rearranged", "entered", "left"):
        some = units[units["relation"] == relation]
        one_a, one_b = (some[some[k] != ""].drop_duplicates(k) for k in ("a", "b"))
        rows.append((relation, len(one_a), len(one_b), one_a["a_km2"].sum(), one_b["b_km2"].sum()))
    return pd.DataFrame(rows, columns=comparison_columns("summary", ()))


# -- cells ----------------------------------------------------------------------------------------------------------


def _joined_cells(a: Zoning, b: Zoning, species: tuple[str, ...]) -> pd.DataFrame:
    """The cells of both tables by id, with a class (a code number) and mass on either side."""
    sides = []
    for zoning, k in ((a, "a"), (b, "b")):
        codes = {c.code: int(c) for c in CellClass}
        cells = zoning.cells
        side = pd.DataFrame(
            {f"{k}_class": cells["class"].map(codes).to_numpy(np.int64)}, index=cells["cell"].to_numpy()
        )
        side[f"{k}_unit"], side[f"{k}_km2"] = cells["unit"].to_numpy(), cells["area_km2"].to_numpy(np.float64)
        for s in species:
            side[f"{s}_{k}_t"] = cells[f"{s}_t"].to_numpy(np.float64)
        sides.append(side)
    cells = sides[0].join(sides[1], how="outer").sort_index()
    for k in ("a", "b"):
        cells[f"{k}_class"] = cells[f"{k}_class"].fillna(0).astype(np.int64)
        cells[f"{k}_unit"] = cells[f"{k}_unit"].fillna("")
    cells["area_km2"] = cells["a_km2"].fillna(cells["b_km2"])
    return cells[(cells["a_class"] > 0) | (cells["b_class"] > 0)]


def _codes(numbers: pd.Series[int]) -> list[str]:
    return [CellClass(int(n)).code for n in numbers]


def _changed_cells(a: Zoning, cells: pd.DataFrame, species: tuple[str, ...]) -> pd.DataFrame:
    cells = cells[cells["a_class"] != cells["b_class"]]
    row, col = a.grid.row_col(cells.index.to_numpy(np.int64))
    change = np.where(
        cells["a_class"] == 0, Change.ENTERED, np.where(cells["b_class"] == 0, Change.LEFT, Change.CHANGED)
    )
    out = cells.assign(
        cell=cells.index, row=row, col=col, change=change.astype(str),
        a_class=_codes(cells["a_class"]), b_class=_codes(cells["b_class"]),
    )  # fmt: skip
    return out[comparison_columns("cells", species)].reset_index(drop=True)


def _class_changes(cells: pd.DataFrame, species: tuple[str, ...]) -> pd.DataFrame:
    masses = [f"{s}_{k}_t" for s in species for k in ("a", "b")]
    groups = cells.groupby(["a_class", "b_class"], sort=True)
    # A sum that misses a cell is no sum: it stays missing.
    out = groups[["area_km2", *masses]].sum(skipna=False)
    out.insert(0, "cells", groups.size())
    out = out.reset_index()
    out["a_class"], out["b_class"] = _codes(out["a_class"]), _codes(out["b_class"])
    return out[comparison_columns("classes", species)]


def _jaccard(cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    area = cells["area_km2"].to_numpy()
    for klass in (*sorted(CellClass, reverse=True)[:-1], None):
        in_a, in_b = (
            (cells[k] == int(klass) if klass is not None else cells[k] > 0).to_numpy() for k in ("a_class", "b_class")
        )
        areas = [float(area[m].sum()) for m in (in_a, in_b, in_a & in_b, in_a | in_b)]
        counts = [int(m.sum()) for m in (in_a, in_b, in_a & in_b)]
        rows.append(
            (
                klass.code if klass is not None else "any",
                *counts,
                *areas[:3],
                areas[2] / areas[3] if areas[3] else np.nan,
            )
        )
    return pd.DataFrame(rows, columns=comparison_columns("jaccard", ()))


def _tonnes(a: Zoning, b: Zoning, cells: pd.DataFrame, species: tuple[str, ...]) -> pd.DataFrame:
    in_a, in_b = cells["a_class"] > 0, cells["b_class"] > 0
    stayed, changed = (
        in_a & (cells["a_class"] == cells["b_class"]),
        in_a & in_b & (cells["a_class"] != cells["b_class"]),
    )
    rows = []
    for s in species:
        of_a, of_b = cells[f"{s}_a_t"], cells[f"{s}_b_t"]
        sums = (
            of_a[in_a], of_b[in_b], of_a[stayed], of_b[stayed], of_a[changed], of_b[changed], of_a[in_a & ~in_b], of_b[in_b & ~in_a],
            a.units[f"{s}_t"], b.units[f"{s}_t"],
        )  # fmt: skip
        rows.append((s, *(float(v.sum()) for v in sums)))
    return pd.DataFrame(rows, columns=comparison_columns("tonnes", ()))


# -- differences ----------------------------------------------------------------------------------------------------


def _differences(a: Zoning, b: Zoning) -> pd.DataFrame:
    sides = [_facts(z) for z in (a, b)]
    keys = [*sides[0], *(k for k in sides[1] if k not in sides[0])]
    rows = [(k, sides[0].get(k, ""), sides[1].get(k, "")) for k in keys if sides[0].get(k) != sides[1].get(k)]
    return pd.DataFrame(rows, columns=comparison_columns("differences", ()), dtype=str)


def _facts(zoning: Zoning) -> dict[str, str]:
    """What a zoning rests on, as text by dotted name."""
    facts = {"run": zoning.run_id, "year": str(zoning.year)}
    facts |= {"species": " ".join(zoning.species), "sectors": " ".join(zoning.sectors)}
    facts["rules"] = "sha256 " + hashlib.sha256(zoning.rules.encode()).hexdigest()[:12]
    return facts | dict(_flat("", zoning.parameters.model_dump(mode="json")))


def _flat(prefix: str, value: Any) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [item for key, inner in value.items() for item in _flat(f"{prefix}.{key}" if prefix else key, inner)]
    return [(prefix, str(value))]
