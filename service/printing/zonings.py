"""Zonings, comparisons and sweeps as text for people or as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from service.printing.runs import records, wide_console

if TYPE_CHECKING:
    import pandas as pd

    from gis.workspace import StoredComparison, StoredZoning

__all__ = [
    "comparison_line",
    "comparison_summary",
    "print_comparison",
    "print_lines",
    "print_sweep",
    "print_zoning",
    "zoning_line",
    "zoning_summary",
]

_TOP = 10


def print_lines(found: Iterable[dict[str, Any]]) -> None:
    """Print results, one a line; lists and counts in short."""
    for row in found:
        print("  ".join(text for value in row.values() if (text := _short(value))))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{count} {name}" for name, count in value.items())
    if isinstance(value, list):
        return " ".join(str(v) for v in value)
    return str(value)


# -- zonings ----------------------------------------------------------------------------------------------------------


def zoning_line(zoning: StoredZoning) -> dict[str, Any]:
    """A zoning in one line; reads no table."""
    return {
        "id": zoning.id,
        "created": str(zoning.created)[:19],
        "name": zoning.name,
        "run": zoning.run_id,
        "year": zoning.year,
        "species": list(zoning.species),
        "units": zoning.unit_counts,
        "label": zoning.label,
    }


def zoning_summary(zoning: StoredZoning) -> dict[str, Any]:
    """A zoning with its units (without their polygons), ledger, hot sets, overlap, conflicts and notes."""
    units, conflicts = (zoning.tables[name].drop(columns="geometry") for name in ("units", "conflicts"))
    return {
        **zoning_line(zoning),
        "parameters": zoning.parameters.model_dump(mode="json"),
        "classes": records(_by_class(zoning)),
        "units_by_rank": records(units.sort_values(["rank", "unit"])),
        "conflicts": records(conflicts),
        "hot_sets": records(zoning.tables["hot_sets"]),
        "overlap": records(zoning.tables["overlap"]),
        "ledger": records(zoning.tables["ledger"]),
        "notes": records(zoning.tables["notes"]),
    }


def _by_class(zoning: StoredZoning) -> pd.DataFrame:
    """Units by class: how many, their area, and their share of the mass of each species."""
    units = zoning.tables["units"]
    shares = [f"{s}_share" for s in zoning.species]
    sums = units.groupby("class")[["area_km2", *shares]].sum()
    sums.insert(0, "units", units.groupby("class").size())
    order = [code for code in zoning.unit_counts if code in sums.index]
    return sums.loc[order].reset_index()


def print_zoning(zoning: StoredZoning) -> None:
    """Print units by class, the first of them, what has to be known, and whether the ledger closes."""
    print(f"{zoning.id}  {zoning.name}  {zoning.run_name} ({zoning.run_id}) {zoning.year}  {zoning.grid!r}")
    if zoning.label:
        print(zoning.label)
    shares = {f"{s}_share": f"{s} %" for s in zoning.species}
    by_class = _by_class(zoning)
    percent = by_class.assign(**{c: by_class[c] * 100 for c in shares})
    _print_table("units by class, and their share of the domain", percent.rename(columns=shares))
    _print_first_units(zoning)
    conflicts = zoning.tables.rows("conflicts")
    if conflicts:
        print(
            f"{conflicts} conflict(s) with red lines or priority protection: `cozone export {zoning.id} -f csv` lists them"
        )
    notes = zoning.tables["notes"]
    for note in notes[notes["severity"] != "note"].itertuples(index=False):
        print(f"{note.severity}: {note.text_en}\n         {note.text_zh}")
    remarks = int((notes["severity"] == "note").sum())
    if remarks:
        print(f"{remarks} note(s): `cozone show {zoning.id} --json`, or the report")
    worst = zoning.tables["ledger"]["closure"].abs().max()
    print(f"the ledger closes: units + conflicts + remainder + around = input within {max(worst, 1e-15):.0e}")


def _print_first_units(zoning: StoredZoning) -> None:
    units = zoning.tables["units"].sort_values(["rank", "unit"]).head(_TOP)
    if not len(units):
        return
    ranks = [f"{u.rank} ({u.rank_low}-{u.rank_high})" for u in units.itertuples()]
    columns = ["unit", "class", "name_zh", "tier", "robustness", "area_km2", "score"]
    total = zoning.tables.rows("units")
    title = f"the first {_TOP} of {total} units" if total > _TOP else "units"
    _print_table(title, units[columns].assign(rank=ranks)[["rank", *columns]])


# -- comparisons and sweeps -------------------------------------------------------------------------------------------


def comparison_line(comparison: StoredComparison) -> dict[str, Any]:
    """A comparison in one line; reads no table."""
    return {
        "id": comparison.id,
        "created": str(comparison.created)[:19],
        "name": comparison.name,
        "a": comparison.a,
        "b": comparison.b,
        "label": comparison.label,
    }


def comparison_summary(comparison: StoredComparison) -> dict[str, Any]:
    """A comparison with every table but that of cells."""
    tables = {name: records(comparison.tables[name]) for name in comparison.tables if name != "cells"}
    return {**comparison_line(comparison), **tables}


def print_comparison(comparison: StoredComparison) -> None:
    """Print what became of units, cells and tonnes, and what differs between the two zonings."""
    print(f"{comparison.id}  {comparison.name}  a = {comparison.a}, b = {comparison.b}")
    titles = {
        "differences": "what differs between a and b", "summary": "units", "jaccard": "cells by class",
        "tonnes": "t/yr of classed cells",
    }  # fmt: skip
    for name, title in titles.items():
        if comparison.tables.rows(name):
            _print_table(title, comparison.tables[name])


def print_sweep(variants: pd.DataFrame, stability: pd.DataFrame) -> None:
    """Print the variants that are not the base, class by class, and the cells that never change."""
    _print_table("variants: cells by class, and Jaccard against the base", _crossed(variants))
    _print_table("cells that are of a class in every variant, and in some", stability)


def _crossed(variants: pd.DataFrame) -> pd.DataFrame:
    """A row a variant: cells of each class, and the least Jaccard of any class against the base."""
    cells = variants.pivot(index="variant", columns="class", values="cells")
    groups = variants.groupby("variant")
    cells["least_jaccard"] = groups["jaccard"].min()
    cells["base"] = groups["is_base"].first().map({True: "base", False: ""})
    return cells.loc[variants["variant"].drop_duplicates()].reset_index()


def _print_table(title: str, frame: pd.DataFrame) -> None:
    from rich.table import Table

    table = Table(title=title)
    for name in frame.columns:
        number = frame[name].dtype.kind in "iuf"
        # A code or a number that is cut short is worth nothing; a name may take a second line.
        table.add_column(
            str(name), justify="right" if number else "left", no_wrap=not str(name).startswith("name"), overflow="fold"
        )
    for row in frame.itertuples(index=False):
        table.add_row(*(_number(v) if isinstance(v, float) else str(v) for v in row))
    wide_console().print(table)


def _number(value: float) -> str:
    """A number in four digits or, where that is more, to the unit."""
    return "" if value != value else f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
