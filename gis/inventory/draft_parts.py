"""Entries of a drafted description: parts, surrogates and regions as TOML, with the questions on their lines."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gis.errors import UnknownSector, UnknownSpecies, UnknownUnit
from gis.inventory.checks.totals import looks_like_total
from gis.inventory.glance import Glance
from gis.species import CROSSWALKS, SECTORS, find_sector, find_species
from gis.units import unit

__all__ = ["gridded_part", "question", "quoted", "region_block", "source_part", "surrogate_block"]

_COLUMNS = (
    "id", "x", "y", "wkt", "name_zh", "name_en", "industry", "owner_code", "capacity", "supply_security", "region",
    "sector", "year",
)  # fmt: skip
_UNITS = "t, kg, g, kt, 吨 or 万吨, then /yr, /month, /h …"
_KINDS = {"Point": "point", "LineString": "line", "Polygon": "area"}
# Codes that do not all match are still the same codes when most do; the rest is asked about.
_SAME_CODES = 0.5
_SHOWN = 8
_MANY_SECTORS = 60


def quoted(text: str) -> str:
    """A TOML string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def question(text: str) -> str:
    """A line that asks."""
    return f"# ? {' '.join(text.split())}"


def source_part(look: Glance, name: str, seen: list[Glance]) -> tuple[str, set[Path]]:
    """The entry of a table or vector with amounts, and the vector files it takes its shapes from."""
    join = (
        _join(look, seen) if look.kind == "table" and look.column("x") is None and look.column("wkt") is None else None
    )
    kind, doubt = _kind(look, join)
    lines = ["[[parts]]", f"name = {quoted(name)}"]
    if look.question:
        lines.append(question(look.question))
    lines.append(f"kind = {quoted(kind)}{doubt}")
    lines.append(f"file = {quoted(look.path.as_posix())}")
    if look.encoding:
        lines.append(f"encoding = {quoted(look.encoding)}")
    if look.layer:
        lines.append(f"layer = {quoted(look.layer)}")
    if look.header_row != 1:
        lines.append(f"header_row = {look.header_row}")
    lines += _crs_lines(look)
    sector = _Sectors(look)
    lines += sector.lines()
    if look.column("year") is None and not all(m.year for m in look.meanings.values() if m.role == "amount"):
        lines.append("# year = 2020  # ? the year of these amounts")
    if kind == "area":
        lines.append("# surrogate = []  # ? what spreads these amounts inside their polygons; without one, evenly")
        lines.append("# subtract = []  # ? point parts already contained in these amounts")
    lines += sector.tables()
    lines += _totals(look)
    lines += _column_lines(look, sector.column)
    lines += _amount_lines(look)
    lines += _geometry_lines(look, join)
    return "\n".join(lines), ({join.vector.path} if join else set())


def _kind(look: Glance, join: _Join | None) -> tuple[str, str]:
    if look.kind == "vector":
        if look.geometry in _KINDS:
            return _KINDS[look.geometry], ""
        return "area", "  # ? the file holds several kinds of geometry: point, line or area"
    if join is not None:
        return _KINDS.get(join.vector.geometry, "area"), ""
    if look.column("wkt") is not None:
        text = next((str(v) for v in look.values[str(look.column("wkt"))] if v), "").upper().removeprefix("MULTI")
        return next((k for g, k in _KINDS.items() if text.startswith(g.upper())), "area"), ""
    return ("point", "") if look.column("x") is not None else ("area", "")


# -- where ------------------------------------------------------------------------------------------------------------


def _crs_lines(look: Glance) -> list[str]:
    if look.kind == "vector":
        if look.crs:
            return [f"# the file states its CRS: {look.crs}"]
        return ['# crs = "EPSG:4490"  # ? the file states no CRS: which one are its coordinates in?']
    x, y = look.column("x"), look.column("y")
    if (x is None or y is None) and look.column("wkt") is None:
        return []
    lines = []
    metres = False
    if x is not None and y is not None:
        xs, ys = _numbers(look.values[x]), _numbers(look.values[y])
        metres = bool(len(xs) and len(ys) and (np.abs(xs).max() > 360 or np.abs(ys).max() > 360))
        if len(xs) and len(ys) and not metres and np.abs(ys).max() > 90 >= np.abs(xs).max():
            lines.append(
                question(f"{x!r} and {y!r} look swapped: latitudes reach {np.abs(ys).max():g}; check the columns")
            )
    if metres:
        ask = "the coordinates are in metres: which projection (such as EPSG:4547, CGCS2000 3-degree zone 114)?"
        return [*lines, f'# crs = "EPSG:4547"  # ? {ask}']
    ask = "WGS 84 (EPSG:4326), CGCS2000 (EPSG:4490), or from a map service in China: then datum instead of crs"
    return [*lines, f'# crs = "EPSG:4490"  # ? {ask}', '# datum = "GCJ-02"  # ? or "BD-09"; only one of crs and datum']


def _numbers(values: NDArray[np.object_]) -> NDArray[np.float64]:
    out = []
    for v in values:
        try:
            out.append(float(str(v)))
        except ValueError:
            continue
    found = np.array(out, dtype=np.float64)
    return found[np.isfinite(found)]


class _Join:
    """A vector file that holds the shapes of a table's rows, by a shared code."""

    def __init__(self, column: str, vector: Glance, key: str, lacking: list[str], share: float) -> None:
        self.column, self.vector, self.key, self.lacking, self.share = column, vector, key, lacking, share


def _join(look: Glance, seen: list[Glance]) -> _Join | None:
    best: _Join | None = None
    columns = [h for h, m in look.meanings.items() if m.role in {"region", "id", ""}]
    for column in columns:
        codes = {str(v) for v in look.values[column]} - {""}
        for vector in seen:
            if vector.kind != "vector" or vector is look or len(codes) < 2:
                continue
            for key, values in vector.values.items():
                known = {str(v) for v in values} - {""}
                share = len(codes & known) / len(codes)
                if share >= _SAME_CODES and (best is None or share > best.share):
                    best = _Join(column, vector, key, sorted(codes - known), share)
    return best


def _geometry_lines(look: Glance, join: _Join | None) -> list[str]:
    if look.kind == "vector" or look.column("x") is not None or look.column("wkt") is not None:
        return []
    if join is None:
        column = look.column("region") or next(iter(look.values))
        return [
            "",
            question(
                "where are these sources? name columns.x and columns.y, or the vector file that holds their shapes:"
            ),
            "# [parts.geometry]",
            '# file = "counties.gpkg"',
            '# key = "code"',
            f"# column = {quoted(column)}",
        ]
    lines = ["", "[parts.geometry]", f"file = {quoted(join.vector.path.as_posix())}"]
    if join.vector.layer:
        lines.append(f"layer = {quoted(join.vector.layer)}")
    lines += [f"key = {quoted(join.key)}", f"column = {quoted(join.column)}"]
    if not join.vector.crs:
        lines.append('# crs = "EPSG:4490"  # ? the vector file states no CRS: which one are its coordinates in?')
    if join.vector.encoding:
        lines.append(f"encoding = {quoted(join.vector.encoding)}")
    if join.lacking:
        some = ", ".join(join.lacking[:_SHOWN]) + (" …" if len(join.lacking) > _SHOWN else "")
        lines.append(question(f"{len(join.lacking)} codes have no shape there: {some}; totals, or another file?"))
    return lines


# -- what -------------------------------------------------------------------------------------------------------------


class _Sectors:
    """How the rows of a file state their sector: which column, which names are understood, which have to be mapped."""

    def __init__(self, look: Glance) -> None:
        self.column = look.column("sector")
        self.crosswalk = ""
        self.unknown: list[str] = []
        if self.column is None and (industry := look.column("industry")) is not None:
            # An industry column serves where all its names are sectors.
            names = _distinct(look.values[industry])
            if names and not _unknown(names, ""):
                self.column = industry
        if self.column is None:
            return
        names = [n for n in _distinct(look.values[self.column]) if not looks_like_total(n)]
        self.crosswalk = min(["", *CROSSWALKS], key=lambda c: len(_unknown(names, c)))
        self.unknown = _unknown(names, self.crosswalk)

    def lines(self) -> list[str]:
        if self.column is None:
            known = ", ".join(SECTORS)
            return [f'# sector = "power"  # ? one of {known}; or the column that holds it, as columns.sector']
        return [f"crosswalk = {quoted(self.crosswalk)}"] if self.crosswalk else []

    def tables(self) -> list[str]:
        if not self.unknown:
            return []
        lines = ["", "[parts.sectors]"]
        ask = "? a sector of cozone, or an empty text to leave its rows out"
        lines += [f'# {quoted(n)} = ""  # {ask}' for n in self.unknown[:_MANY_SECTORS]]
        if len(self.unknown) > _MANY_SECTORS:
            lines.append(question(f"and {len(self.unknown) - _MANY_SECTORS} more; is this the column of sectors?"))
        return lines


def _distinct(values: NDArray[np.object_]) -> list[str]:
    return sorted({str(v) for v in values} - {""})


def _unknown(names: list[str], crosswalk: str) -> list[str]:
    out = []
    for name in names:
        try:
            find_sector(name, crosswalk=crosswalk or None)
        except UnknownSector:
            out.append(name)
    return out


def _totals(look: Glance) -> list[str]:
    lines: list[str] = []
    for heading, m in look.meanings.items():
        if m.role in {"sector", "region", "name_zh", "name_en", "industry", "id"}:
            found = [n for n in _distinct(look.values[heading]) if looks_like_total(n)]
            if found:
                lines += [
                    "",
                    "[[parts.totals]]  # ? these rows look like totals of others: checked, not allocated",
                    f"column = {quoted(heading)}",
                    f"values = [{', '.join(quoted(n) for n in found)}]",
                ]
    return lines


def _column_lines(look: Glance, sector: str | None) -> list[str]:
    lines = ["", "[parts.columns]"]
    for role in _COLUMNS:
        if look.kind == "vector" and role in {"x", "y", "wkt"}:
            continue
        heading = sector if role == "sector" else look.column(role)
        if heading is None:
            continue
        doubt = look.meanings[heading].doubt
        lines.append(f"{role} = {quoted(heading)}{f'  # ? {doubt}' if doubt else ''}")
    if look.column("id") is None:
        lines.append('# id = ""  # ? no column of ids was recognised; without one, rows are numbered')
    seen = {h for h, m in look.meanings.items() if m.role and (m.role != "region" or h == look.column("region"))}
    rest = [h for h in look.values if h not in seen]
    if rest:
        lines.append(f"# not used: {', '.join(' '.join(h.split()) for h in rest)}")
    return lines


def _amount_lines(look: Glance) -> list[str]:
    value, species = look.column("value"), look.column("species")
    if value is not None and species is not None:
        return _long_lines(look, value, species)
    lines: list[str] = []
    for heading, m in look.meanings.items():
        if m.role != "amount":
            continue
        if not m.species or m.doubt:
            lines += [
                "",
                question(f"{heading}: {m.doubt}. If it is one of the species, write an entry like those here"),
            ]
            continue
        lines += [
            "",
            "[[parts.amounts]]",
            f"column = {quoted(heading)}",
            f"species = {quoted(find_species(m.species).name)}",
        ]
        if m.unit is None:
            lines.append(f'# unit = "t/yr"  # ? the heading holds no unit: {_UNITS}')
        elif not m.unit_found:
            lines.append(f"unit = {quoted(m.unit)}")
        if m.year is not None:
            lines.append(f"year = {m.year}")
    return lines


def _long_lines(look: Glance, value: str, species: str) -> list[str]:
    lines = ["", "[parts.long]", f"value = {quoted(value)}", f"species = {quoted(species)}"]
    column, m = look.column("unit"), look.meanings[value]
    if column is not None:
        lines.append(f"unit_column = {quoted(column)}")
        bad = [u for u in _distinct(look.values[column]) if not _is_unit(u)]
        if bad:
            lines.append(question(f"units that are not known: {', '.join(bad[:_SHOWN])}"))
    elif m.unit is None:
        lines.append(f'# unit = "t/yr"  # ? neither a column nor the heading holds a unit: {_UNITS}')
    elif not m.unit_found:
        lines.append(f"unit = {quoted(m.unit)}")
    unknown = [n for n in _distinct(look.values[species]) if not _is_species(n)]
    if unknown:
        lines.append(
            question(f"species that are not known: {', '.join(unknown[:_SHOWN])}; declare them under [[species]]")
        )
    return lines


def _is_unit(text: str) -> bool:
    try:
        unit(text)
    except UnknownUnit:
        return False
    return True


def _is_species(text: str) -> bool:
    try:
        find_species(text)
    except UnknownSpecies:
        return False
    return True


# -- the other entries ------------------------------------------------------------------------------------------------


def gridded_part(look: Glance, name: str) -> str:
    """The entry of a gridded inventory of a known format."""
    lines = ["[[parts]]", f"name = {quoted(name)}", 'kind = "gridded"', f"file = {quoted(look.path.as_posix())}"]
    lines.append(f"format = {quoted(look.format)}")
    if look.format in {"edgar", "meic"}:
        lines.append(f"crosswalk = {quoted(look.format)}")
    if not look.crs:
        lines.append('# crs = "EPSG:4326"  # ? the format states no CRS; longitudes and latitudes of which datum?')
    if look.question:
        lines.append(question(look.question))
    return "\n".join(lines)


def surrogate_block(look: Glance, name: str) -> str:
    """A raster or table of surrogates, with the question what it stands for."""
    kind = "smoke" if look.kind == "smoke" else "raster"
    lines = [
        question(
            f"{look.path.as_posix()}: a surrogate to spread area totals? If it holds emissions, write a gridded part."
        ),
        "[[surrogates]]",
        f"name = {quoted(name if name != 'uniform' else 'uniform-raster')}",
        f"kind = {quoted(kind)}",
        f"file = {quoted(look.path.as_posix())}",
    ]
    if kind == "smoke":
        return "\n".join([*lines, '# code = "100"  # ? which surrogate code of the table'])
    lines.append('values = "density"  # ? density (per area) or amount (per cell)')
    if not look.crs:
        lines.append('# crs = "EPSG:4326"  # ? the file states no CRS')
    return "\n".join(lines)


def region_block(look: Glance, *, joined: bool) -> str:
    """A vector file without amounts: a layer of regions, perhaps; all of it commented."""
    path = look.path.as_posix()
    if look.geometry and look.geometry != "Polygon":
        shown = ", ".join(look.values) or "none"
        return question(
            f"{path}: {look.geometry} features without a column of amounts (columns: {shown}); what is it for?"
        )
    also = " also" if joined else ""
    lines = [
        question(
            f"{path}: is it{also} a layer of regions? Then role is domain, county, township, park, red_line, priority or buffer"
        ),
        "# [[regions]]",
        '# role = "county"',
        f"# file = {quoted(path)}",
    ]
    if look.layer:
        lines.append(f"# layer = {quoted(look.layer)}")
    for key, role in (("code", "region"), ("name_zh", "name_zh"), ("name_en", "name_en")):
        heading = look.column(role) or next((h for h in look.values if key == "code" and h.casefold() == "code"), None)
        if heading is not None:
            lines.append(f"# {key} = {quoted(heading)}")
    if not look.crs:
        lines.append('# crs = "EPSG:4490"  # ? the file states no CRS')
    if look.encoding:
        lines.append(f"# encoding = {quoted(look.encoding)}")
    return "\n".join(lines)
