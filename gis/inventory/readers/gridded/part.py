"""A gridded part of the description: its files, read as layers, their names resolved, on one grid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gis.errors import InvalidDescription
from gis.inventory.description import FieldFile, Part
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import GriddedPart
from gis.inventory.readers.files import matching
from gis.inventory.readers.gridded.amounts import scan_field
from gis.inventory.readers.gridded.fields import Found, fields_of
from gis.inventory.readers.gridded.formats import layers_of, year_of_name
from gis.inventory.readers.gridded.layer import Request
from gis.inventory.readers.gridded.names import Namer, Wanted

__all__ = ["GriddedRead", "Wanted", "read_gridded"]


@dataclass(slots=True)
class GriddedRead:
    """A gridded part as read: None in place of the part when no layer is left, and what the files also held.

    ``files`` are the data files of the part that were opened, each once. ``unread_t`` is mass by (reason, species code), reason
    "total", "not selected" or, in a lenient run, "refused"; layers of other years and species are counted in a finding, not read.
    """

    part: GriddedPart | None
    findings: list[Finding] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    unread_t: dict[tuple[str, str], float] = field(default_factory=dict)


def read_gridded(part: Part, *, base: Path, wanted: Wanted, lenient: bool = False) -> GriddedRead:
    """The layers of a gridded part with what was found, opened but not loaded.

    Paths and patterns are relative to ``base``, the directory of the description. A file that cannot be read raises
    ReadError; names, units, missing months and doubles are findings (Severity.ERROR, the layer is left out). Values are
    examined when a layer is loaded: a negative or infinite one raises RefusedInput. With ``lenient`` every layer is read once
    here, such cells are findings with their mass and count as no value.
    """
    _check(part)
    out = GriddedRead(None)
    namer = Namer(part, wanted)
    found: list[Found] = []
    for entry in _files(part, base):
        year = year_of_name(entry.path, part.format)
        stated = part.year is not None or (entry.field is not None and entry.field.year is not None)
        if year is not None and year not in wanted.years and not stated:
            namer.skipped("other year", entry.name)
            continue
        read, crosswalk = layers_of(_request(entry, part), part.format)
        out.files.append(entry.path)
        out.findings += [f for f in read.findings if f not in out.findings]
        for layer in read.layers:
            named = namer.name(layer, entry.field, crosswalk, several=len(read.layers) > 1)
            if named is not None:
                found.append(named)
    out.files = list(dict.fromkeys(out.files))
    made = fields_of(found, part=part.name, species=wanted.species, lenient=lenient)
    out.findings += namer.findings() + made.findings
    out.unread_t = made.unread_t
    if made.fields and made.grid is not None:
        out.part = GriddedPart(part.name, part, made.grid, made.fields, made.area_model)
        if lenient:
            _count_refused(out.part, wanted, out)
    elif not any(f.severity is Severity.ERROR for f in out.findings):
        reason = "none of the part's files holds a layer of the years and species to read"
        out.findings.append(Finding(Severity.WARNING, "no-layer", reason, part=part.name))
    return out


def _count_refused(part: GriddedPart, wanted: Wanted, out: GriddedRead) -> None:
    """Read every field once, so that cells a lenient run takes as no value are findings and their mass is counted."""
    for each in part.fields:
        code = wanted.species[each.species].code
        for found in scan_field(each, part=part.name, species=code):
            out.findings.append(found)
            key = ("refused", code)
            out.unread_t[key] = out.unread_t.get(key, 0.0) + found.mass_t.get(code, 0.0)


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    name: str
    field: FieldFile | None


def _check(part: Part) -> None:
    if part.select or part.totals:
        raise InvalidDescription(
            f"part {part.name!r}: select and totals are for rows of tables; leave sectors of a gridded part out with "
            'sectors = { NAME = "" }'
        )
    if part.datum is not None:
        raise InvalidDescription(f"part {part.name!r}: a grid cannot be in {part.datum}; give its crs")


def _files(part: Part, base: Path) -> Iterator[_Entry]:
    """Every file with the entry under ``fields`` that speaks of it; a file may have several entries."""
    patterns = [part.file] if isinstance(part.file, str) else part.file
    special: dict[Path, list[FieldFile]] = {}
    for entry in part.fields:
        for path in _expanded(entry.file, base):
            special.setdefault(path, []).append(entry)
    paths = [path for pattern in patterns for path in _expanded(pattern, base)]
    for path in dict.fromkeys([*paths, *special]):
        name = os.path.relpath(path, base) if path.is_relative_to(base) else str(path)
        for described in special.get(path, [None]):
            yield _Entry(path, name, described)


def _expanded(pattern: str, base: Path) -> list[Path]:
    # Only the star is a pattern here: a bracket is a character of a name.
    return matching(base, pattern.replace("[", "[[]") if "*" in pattern else pattern)


def _request(entry: _Entry, part: Part) -> Request:
    said = entry.field
    return Request(
        path=entry.path,
        name=entry.name,
        part=part.name,
        crs=part.crs,
        variable=said.variable if said else None,
        band=said.band if said else None,
    )
