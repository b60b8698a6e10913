"""What can be wrong with layers of regions: invalid or empty shapes, overlaps, gaps, repeated and orphaned codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from shapely import Geometry, STRtree

from gis.regions.measure import area_km2, lonlat, made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role

__all__ = ["LISTED", "RegionFinding", "region_findings"]

# A square metre: below it, two layers of one boundary differ by rounding.
_NOTHING_KM2 = 1e-6
LISTED = 50
# Regions that are to tile the land: a gap between two of them belongs to nobody.
_TILING = (Role.COUNTY, Role.TOWNSHIP)
_ABOVE = {Role.TOWNSHIP: Role.COUNTY}
# A township drawn at another scale than its county strays over the line; half of it does not.
_NESTED = 0.5


@dataclass(frozen=True, slots=True)
class RegionFinding:
    """One finding on a layer. ``severity`` is error, warning or note; ``place`` is a longitude and latitude."""

    severity: str
    rule: str
    role: Role
    reason: str
    codes: tuple[str, ...] = ()
    file: str = ""
    area_km2: float = 0.0
    place: tuple[float, float] | None = None
    count: int = 1


def region_findings(regions: Regions) -> list[RegionFinding]:
    """Findings on every layer, in the order of the layers."""
    found: list[RegionFinding] = []
    for layer in regions:
        found += _shapes(layer)
        found += _repeated(layer)
        shapes = made_valid(shapes_of(layer.frame))
        found += _overlaps(layer, shapes)
        if layer.role in _TILING:
            found += _gaps(layer, shapes, regions.layer(Role.DOMAIN))
        found += _nesting(layer, shapes, regions)
    return found


def _codes(layer: RegionLayer) -> NDArray[np.object_]:
    return np.asarray(layer.frame["code"], dtype=object)


def _label(layer: RegionLayer, position: int) -> str:
    row = layer.frame.iloc[position]
    return f"{row['code']} {row['name_zh'] or row['name_en']}".strip()


def _at(geometry: Geometry, crs: CRS) -> tuple[float, float]:
    point = lonlat(np.array([shapely.point_on_surface(geometry)], dtype=object), crs)[0]
    return round(float(point.x), 6), round(float(point.y), 6)


def _shapes(layer: RegionLayer) -> list[RegionFinding]:
    shapes = shapes_of(layer.frame)
    found = [
        RegionFinding(
            "error", "empty-region", layer.role, f"region {_label(layer, int(i))} has no polygon",
            (str(_codes(layer)[i]),), layer.file,
        )
        for i in np.flatnonzero(shapely.is_empty(shapes))
    ]  # fmt: skip
    for i in np.flatnonzero(~shapely.is_valid(shapes)):
        reason = (
            f"region {_label(layer, int(i))} is an invalid polygon: {shapely.is_valid_reason(shapes[i])}; repair it"
        )
        found.append(RegionFinding("error", "invalid-region", layer.role, reason, (str(_codes(layer)[i]),), layer.file))
    return found


def _repeated(layer: RegionLayer) -> list[RegionFinding]:
    codes, counts = np.unique(_codes(layer).astype(str), return_counts=True)
    return [
        RegionFinding(
            "warning", "repeated-code", layer.role,
            f"the code {code} stands {n} times; its polygons are taken as one region", (str(code),), layer.file, count=int(n),
        )
        for code, n in zip(codes, counts, strict=True)
        if n > 1
    ]  # fmt: skip


def _overlaps(layer: RegionLayer, shapes: NDArray[np.object_]) -> list[RegionFinding]:
    crs = CRS(layer.frame.crs)
    left, right = STRtree(shapes).query(shapes, predicate="intersects")
    keep = left < right
    left, right = left[keep], right[keep]
    common = shapely.intersection(shapes[left], shapes[right])
    some = shapely.area(common) > 0
    left, right, common = left[some], right[some], common[some]
    km2 = area_km2(common, crs)
    codes = _codes(layer)
    found = [
        RegionFinding(
            # Priority units and parks may overlap on purpose; counties may not.
            "warning" if layer.role in (*_TILING, Role.DOMAIN) else "note", "overlapping-regions", layer.role,
            f"{_label(layer, int(i))} and {_label(layer, int(j))} overlap by {area:,.6g} km²",
            (str(codes[i]), str(codes[j])), layer.file, float(area), _at(piece, crs),
        )
        for i, j, area, piece in zip(left, right, km2, common, strict=True)
        if area > _NOTHING_KM2
    ]  # fmt: skip
    return _capped(found, "overlaps")


def _gaps(layer: RegionLayer, shapes: NDArray[np.object_], domain: RegionLayer | None) -> list[RegionFinding]:
    crs = CRS(layer.frame.crs)
    union = shapely.union_all(shapes)
    if domain is None:
        missing, where = shapely.difference(_filled(union), union), "between its regions"
    else:
        outline = domain.frame.geometry if CRS(domain.frame.crs) == crs else domain.frame.geometry.to_crs(crs)
        whole = shapely.union_all(made_valid(shapes_of(outline)))
        missing, where = shapely.difference(whole, union), "of the domain or between its regions"
    pieces = shapely.get_parts(missing)
    pieces = pieces[shapely.area(pieces) > 0]
    km2 = area_km2(pieces, crs)
    found = [
        RegionFinding(
            "warning", "gap", layer.role, f"{area:,.6g} km² {where} belong to no {layer.role}",
            (), layer.file, float(area), _at(piece, crs),
        )
        for piece, area in zip(pieces, km2, strict=True)
        if area > _NOTHING_KM2
    ]  # fmt: skip
    return _capped(found, "gaps")


def _filled(polygon: Geometry) -> Geometry:
    parts = shapely.get_parts(polygon)
    return shapely.union_all(shapely.polygons(shapely.get_exterior_ring(parts[shapely.get_type_id(parts) == 3])))


def _capped(found: list[RegionFinding], what: str) -> list[RegionFinding]:
    ordered = sorted(found, key=lambda f: -f.area_km2)
    rest = ordered[LISTED:]
    if not rest:
        return ordered
    area = sum(f.area_km2 for f in rest)
    reason = f"{len(rest):,} further {what} of {area:,.6g} km² together; {len(ordered):,} in all"
    one = rest[0]
    line = RegionFinding(one.severity, one.rule, one.role, reason, (), one.file, area, count=len(rest))
    return [*ordered[:LISTED], line]


# -- nesting ----------------------------------------------------------------------------------------------------------


def _nesting(layer: RegionLayer, shapes: NDArray[np.object_], regions: Regions) -> list[RegionFinding]:
    above = regions.layer(_ABOVE[layer.role]) if layer.role in _ABOVE else None
    if above is None:
        return []
    stated = layer.frame["parent"].to_numpy(dtype=object).astype(str)
    codes = _codes(layer).astype(str)
    known = set(_codes(above).astype(str))
    # A township's official code begins with its county's.
    width = {len(c) for c in known}
    by_prefix = len(width) == 1 and all(c.isdigit() for c in known) and all(c.isdigit() for c in codes)
    prefix = np.array([c[: min(width)] if by_prefix and len(c) > min(width) else "" for c in codes], dtype=object)
    parent = np.where(stated != "", stated, prefix)
    found: list[RegionFinding] = []
    for i in range(len(codes)):
        reason = ""
        if stated[i] and prefix[i] and stated[i] != prefix[i]:
            reason = f"states the {above.role} {stated[i]}, and its code begins with {prefix[i]}"
        elif parent[i] and parent[i] not in known:
            reason = f"belongs to the {above.role} {parent[i]}, which the {above.role} layer does not have"
        if reason:
            text = f"{_label(layer, i)} {reason}"
            found.append(RegionFinding("warning", "orphaned-code", layer.role, text, (codes[i],), layer.file))
    return found + _outside_parent(layer, shapes, above, parent)


def _outside_parent(
    layer: RegionLayer, shapes: NDArray[np.object_], above: RegionLayer, parent: NDArray[np.object_]
) -> list[RegionFinding]:
    crs = CRS(layer.frame.crs)
    frame = above.frame if CRS(above.frame.crs) == crs else above.frame.to_crs(crs)
    codes = _codes(above).astype(str)
    home = {code: n for n, code in enumerate(codes)}
    rows = np.array([i for i in range(len(shapes)) if str(parent[i]) in home and shapes[i].area > 0], dtype=np.int64)
    if not len(rows):
        return []
    outlines = made_valid(shapes_of(frame))
    whole = {code: shapely.union_all(outlines[codes == code]) for code in {str(parent[i]) for i in rows}}
    own = np.array([whole[str(parent[i])] for i in rows], dtype=object)
    share = shapely.area(shapely.intersection(shapes[rows], own)) / shapely.area(shapes[rows])
    return [
        RegionFinding(
            "warning", "outside-parent", layer.role,
            f"{1 - s:.1%} of {_label(layer, int(i))} lie outside its {above.role} {parent[i]}",
            (str(_codes(layer)[i]), str(parent[i])), layer.file,
        )
        for i, s in zip(rows, share, strict=True)
        if s < _NESTED
    ]  # fmt: skip
