"""Pages of units: what the report says of each."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd

from gis.errors import InvalidDescription
from gis.exports.report.drawings import Drawings, Map
from gis.exports.report.texts import Texts
from gis.zoning.classes import CellClass
from gis.zoning.model import Zoning
from gis.zoning.rules import PARTS, Rules, parse_rules

__all__ = ["Page", "Source", "Statute", "acts_as_of", "pages"]

# What a page shows of longer tables; the exported tables have all of it.
_SECTORS, _SOURCES, _LEAST_SHARE = 6, 8, 0.005
_NAMED = 3

Rows = list[Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A large source of a unit: who it is, and mass and share by species, None where it is not among the largest."""

    name: str
    part: str
    sector: str
    tier: str
    secures: bool
    amounts: tuple[tuple[float, float] | None, ...]


@dataclass(frozen=True, slots=True)
class Statute:
    """A piece of advice: its text, why it is given, the numbers of its legal basis on the page."""

    text: str
    industries: str
    why: str
    blocked: bool
    basis: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One unit: its row, its map, and the rows of other tables that are about it."""

    unit: Any
    map: Map
    centre: str
    review: str
    parts: Sequence[str]
    emissions: Sequence[tuple[str, float, float, float, Sequence[Any]]]
    sources: Sequence[Source]
    access: Mapping[str, Sequence[Statute]]
    basis: Sequence[str]
    conflicts: Sequence[Any]
    carbon_only: bool


def pages(zoning: Zoning, drawings: Drawings, texts: Texts, *, most: int) -> Iterator[Page]:
    """Pages of the first units in the order of their ranks."""
    whole = zoning.tables["units"].reset_index(drop=True)
    order = whole.sort_values(["rank", "unit"], kind="stable").index[:most]
    chosen = whole.loc[order]
    units = chosen.drop(columns="geometry").to_dict("records")
    centres = _centres(gpd.GeoSeries(chosen["geometry"], crs=zoning.grid.crs))
    codes = chosen["unit"].tolist()
    tables = {name: _by_unit(zoning.tables[name], codes) for name in ("sectors", "contributors", "access", "conflicts")}
    together = _together(whole)
    rules = _rules(zoning)
    for row, unit, centre in zip(order.tolist(), units, centres, strict=True):
        code = unit["unit"]
        sources = tables["contributors"].get(code, [])
        access, basis = _access(tables["access"].get(code, []), _secured(sources, texts), texts, rules)
        yield Page(
            unit, drawings.unit_map(row), centre, texts.half(unit["review"]),
            [other for other in together.get(unit["cross_id"], ()) if other != code],
            _emissions(unit, tables["sectors"].get(code, []), zoning.species), _sources(sources, zoning.species, texts),
            access, basis, tables["conflicts"].get(code, []), unit["class"] == CellClass.CARBON_ONLY.code,
        )  # fmt: skip


def acts_as_of(zoning: Zoning) -> str:
    """The date to which the legal acts of the zoning's rules were looked up; empty where the rules cannot be read."""
    rules = _rules(zoning)
    return "" if rules is None else rules.as_of


def _rules(zoning: Zoning) -> Rules | None:
    # Rules of another version of the format may have become unreadable; the list that was drafted from them stands in the tables.
    try:
        return parse_rules(zoning.rules, "the zoning's rules")
    except InvalidDescription:
        return None


def _by_unit(table: pd.DataFrame, codes: Sequence[str]) -> dict[str, Rows]:
    """The rows about these units, in their order. Lists are read a hundred times faster than rows of a frame."""
    mine = table[table["unit"].isin(codes)]
    names = [str(c) for c in table.columns if c != "geometry"]
    row_of = _row_type(names)
    out: dict[str, Rows] = {}
    for row in map(row_of._make, zip(*(mine[name].tolist() for name in names), strict=True)):
        out.setdefault(row.unit, []).append(row)
    return out


def _row_type(names: Sequence[str]) -> Any:
    return namedtuple("Row", names, rename=True)


def _together(units: pd.DataFrame) -> dict[str, list[str]]:
    """The units of each hotspot that lies in several jurisdictions."""
    cross = units[units["cross_id"] != ""]
    out: dict[str, list[str]] = {}
    for shared, code in zip(cross["cross_id"], cross["unit"], strict=True):
        out.setdefault(shared, []).append(code)
    return out


def _centres(shapes: gpd.GeoSeries) -> list[str]:
    if not len(shapes):
        return []
    # A point inside, in degrees of the grid's own datum: nothing is moved from one datum to another.
    points = shapes.representative_point().to_crs(shapes.crs.geodetic_crs)
    return [f"{_degrees(x, 'E', 'W')}, {_degrees(y, 'N', 'S')}" for x, y in zip(points.x, points.y, strict=True)]


def _degrees(value: float, positive: str, negative: str) -> str:
    return f"{abs(value):.3f}° {positive if value >= 0 else negative}"


def _emissions(
    unit: Mapping[Any, Any], sectors: Rows, species: Sequence[str]
) -> list[tuple[str, float, float, float, Rows]]:
    out = []
    for s in species:
        mine = sorted((r for r in sectors if r.species == s), key=lambda r: -r.mass_t)
        seen = [r for r in mine[:_SECTORS] if r.share >= _LEAST_SHARE or r.focus]
        out.append((s, unit[f"{s}_t"], unit[f"{s}_t_km2"], unit[f"{s}_share"], seen))
    return out


def _sources(rows: Rows, species: Sequence[str], texts: Texts) -> list[Source]:
    """The sources with the greatest shares of any species, each once, with what is known of it for every species."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        found.setdefault((row.part, row.source_id, row.sector, row.tier), []).append(row)
    order = sorted(found.values(), key=lambda mine: -max(r.share for r in mine))
    out = []
    for k, mine in enumerate(order[:_SOURCES]):
        if k >= _NAMED and max(r.share for r in mine) < _LEAST_SHARE:
            break
        first, by = mine[0], {r.species: (r.mass_t, r.share) for r in mine}
        name = texts.place(str(first.source_id), first.name_zh, first.name_en)
        out.append(
            Source(
                f"{name} {first.source_id}".strip(), first.part, texts.sectors.get(first.sector, first.sector),
                texts.words.get(first.tier, first.tier), any(r.supply_security for r in mine), tuple(by.get(s) for s in species),
            )
        )  # fmt: skip
    return out


def _secured(rows: Rows, texts: Texts) -> list[str]:
    """The largest sources of a unit that secure supply."""
    named = [f"{r.source_id} {texts.own(r.name_zh, r.name_en)}".strip() for r in rows if r.supply_security]
    return list(dict.fromkeys(named))[:_NAMED]


def _access(
    rows: Rows, secured: Sequence[str], texts: Texts, rules: Rules | None
) -> tuple[dict[str, list[Statute]], list[str]]:
    """The access list by its four parts, and the acts it cites, each once."""
    english = texts.language == "en"
    basis: dict[str, int] = {}
    out: dict[str, list[Statute]] = {part: [] for part in PARTS}
    for row in rows:
        # One title at a time: those in English hold semicolons themselves.
        acts = [
            rules.in_english(act) if english and rules is not None else act
            for act in row.legal_basis.split("; ")
            if act
        ]
        numbers = tuple(basis.setdefault(act, len(basis) + 1) for act in acts)
        text = texts.own(row.advice_zh, row.advice_en)
        statute = Statute(
            text, texts.industries(row.industry), texts.condition(row.condition, secured), bool(row.blocked), numbers
        )
        out.setdefault(row.part, []).append(statute)
    return out, list(basis)
