"""Datum shifts: the same facility in two parts, one of them just where GCJ-02 or BD-09 would put the other."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gis.inventory.checks.marks import annual_mass_t, capped, described, place
from gis.inventory.coordinates import wgs84_to_bd09, wgs84_to_gcj02
from gis.inventory.description import Kind
from gis.inventory.findings import Finding, Severity
from gis.inventory.model import Inventory, SourcePart
from gis.projection import project

__all__ = ["datum_findings"]

Floats = NDArray[np.float64]
_SHIFTS = {"GCJ-02": wgs84_to_gcj02, "BD-09": wgs84_to_bd09}
# Two surveys of a site agree to about this, and the shifts are 100 to 700 m: nearer than this to one is no accident.
_AGREE_M = 20.0
_DEGREE_M = 111_320.0


def datum_findings(inventory: Inventory) -> list[Finding]:
    """A warning for every source of a point part that lies a shift away from the same facility of another part."""
    parts = [p for p in inventory.parts if isinstance(p, SourcePart) and p.kind is Kind.POINT and len(p)]
    places = {p.name: _lonlat(p) for p in parts}
    found: list[Finding] = []
    for true, shifted in permutations(parts, 2):
        pairs = _same_facilities(true, shifted)
        if not len(pairs):
            continue
        lon, lat = (v[pairs[:, 0]] for v in places[true.name])
        at = tuple(v[pairs[:, 1]] for v in places[shifted.name])
        for datum, forward in _SHIFTS.items():
            moved = forward(lon, lat)
            hit = (_metres(at, moved) < _AGREE_M) & (_metres((lon, lat), moved) > 5 * _AGREE_M)
            mass = annual_mass_t(shifted, inventory.species)
            found += [_finding(true, shifted, int(a), int(b), datum, mass, inventory) for a, b in pairs[hit]]
    return capped(found, "sources a datum shift away from the same facility")


def _lonlat(part: SourcePart) -> tuple[Floats, Floats]:
    x, y = np.asarray(part.x, np.float64), np.asarray(part.y, np.float64)
    degrees = part.crs.geodetic_crs
    return (x, y) if part.crs.is_geographic or degrees is None else project(part.crs, degrees, x, y)


def _same_facilities(a: SourcePart, b: SourcePart) -> NDArray[np.int64]:
    """Pairs of positions that share an owner's code, an id or a Chinese name that is unique in both parts."""
    pairs = []
    for column in ("owner_code", "source_id", "name_zh"):
        left, right = (
            pd.DataFrame({"key": p.sources[column].astype(str).to_numpy(), "at": np.arange(len(p))}) for p in (a, b)
        )
        left, right = (f[(f["key"] != "") & ~f["key"].duplicated(keep=False)] for f in (left, right))
        pairs.append(left.merge(right, on="key")[["at_x", "at_y"]].to_numpy(np.int64))
    return np.unique(np.concatenate(pairs), axis=0)


def _metres(a: tuple[Floats, ...], b: tuple[Floats, ...]) -> Floats:
    east = (a[0] - b[0]) * np.cos(np.radians(a[1])) * _DEGREE_M
    return np.asarray(np.hypot(east, (a[1] - b[1]) * _DEGREE_M), np.float64)


def _finding(
    true: SourcePart, shifted: SourcePart, a: int, b: int, datum: str, mass: Floats, inventory: Inventory
) -> Finding:
    file, row = place(shifted, b)
    reason = (
        f"{described(shifted, b)} lies where {datum} puts {described(true, a)} of part {true.name!r}; if the file is in that "
        f'datum, say datum = "{datum}"'
    )
    mass_t = {s.code: float(m) for s, m in zip(inventory.species, mass[b], strict=True) if m > 0}
    return Finding(Severity.WARNING, "datum-shift", reason, part=shifted.name, file=file, row=row, mass_t=mass_t)
