"""Where the rows of a table are: coordinates, WKT, a vector file's own geometry, or geometry found by a shared code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import InvalidDescription, MissingCrs
from gis.inventory.coordinates import bd09_to_wgs84, gcj02_to_wgs84
from gis.inventory.description import Kind, Part
from gis.inventory.findings import Finding, Severity
from gis.inventory.numbers import numbers
from gis.inventory.refusals import Refusals
from gis.inventory.rows import Table, coded, texts
from gis.regions.read import code_text

__all__ = ["Places", "place", "stated_crs"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
Mask = NDArray[np.bool_]
_WGS84 = "EPSG:4326"
_DATUMS: dict[str, Callable[[Floats, Floats], tuple[Floats, Floats]]] = {
    "GCJ-02": gcj02_to_wgs84,
    "BD-09": bd09_to_wgs84,
}
_POINT, _MULTIPOINT, _COLLECTION = 0, 4, 7
_SINGLE = {Kind.LINE: (1, 2), Kind.AREA: (3,)}
_MULTI = {Kind.LINE: 5, Kind.AREA: 6}


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The place of every row, in one CRS: x and y of points, or positions into ``shapes``, the distinct geometries.

    ``joined`` are the codes by which geometries were found.
    """

    crs: CRS
    x: Floats | None = None
    y: Floats | None = None
    shapes: Shapes | None = None
    which: NDArray[np.int64] | None = None
    joined: pa.Array | None = None
    findings: tuple[Finding, ...] = field(default=())


def stated_crs(text: str, where: str) -> CRS:
    """The CRS a description states."""
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise InvalidDescription(
            f"{where}: crs {text!r} is not one pyproj knows, such as 'EPSG:4490': {error}"
        ) from error


def place(table: Table, part: Part, refusals: Refusals, wanted: Mask, join: Table | None) -> Places:
    """The places of a table's rows; a wanted row without one is refused."""
    columns = part.columns
    which = np.arange(len(table))
    joined: pa.Array | None = None
    findings: tuple[Finding, ...] = ()
    if part.geometry is not None and join is not None:
        crs = _crs(part, join.crs)
        shapes, which, joined, findings = _joined(table, part, refusals, wanted, join)
        # A row refused for its code needs no second finding for its missing geometry.
        wanted = wanted & ~shapely.is_missing(shapes)[which]
    elif columns.wkt is not None:
        crs = _crs(part, None)
        shapes = shapely.from_wkt(texts(table.column(columns.wkt)).to_numpy(zero_copy_only=False), on_invalid="ignore")
    elif columns.x is not None:
        return _points(table, part, refusals, wanted)
    elif table.points is not None and part.kind is Kind.POINT:
        return _converted(*table.points, _crs(part, table.crs), part)
    elif (own := table.shapes) is not None:
        shapes, crs = own, _crs(part, table.crs)
    else:
        raise InvalidDescription(
            f"part {part.name!r}: nothing states where the sources are; give columns.x and columns.y, columns.wkt, or "
            "[parts.geometry]"
        )
    found = _of_kind(_flat(shapes), which, part, refusals, wanted)
    if part.datum is not None:
        found, crs = _from_datum(found, crs, part), CRS(_WGS84)
    if part.kind is Kind.POINT:
        return Places(crs, shapely.get_x(found)[which], shapely.get_y(found)[which], joined=joined, findings=findings)
    return Places(crs, shapes=found, which=which, joined=joined, findings=findings)


def _flat(shapes: Shapes) -> Shapes:
    flat: Shapes = shapely.force_2d(shapes) if shapely.has_z(shapes).any() else shapes
    return flat


def _crs(part: Part, file_crs: CRS | None) -> CRS:
    if file_crs is not None:
        return file_crs
    if part.datum is not None:
        return CRS(_WGS84)
    if part.crs is None:
        raise MissingCrs(
            f"part {part.name!r}: neither the files nor the description state a CRS; give `crs`, such as 'EPSG:4490', or "
            "`datum` for GCJ-02 or BD-09"
        )
    return stated_crs(part.crs, f"part {part.name!r}")


def _points(table: Table, part: Part, refusals: Refusals, wanted: NDArray[np.bool_]) -> Places:
    if part.kind is not Kind.POINT:
        raise InvalidDescription(
            f"part {part.name!r}: x and y make points, and the part's kind is {part.kind}; give [parts.geometry], "
            "columns.wkt or a vector file"
        )
    crs = _crs(part, None)
    found = []
    for heading in (part.columns.x, part.columns.y):
        read = numbers(table.column(str(heading)))
        refusals.refuse(
            wanted & read.empty, rule="missing-coordinate", reason="the coordinate is missing", column=str(heading)
        )
        bad = wanted & (read.bad | np.isinf(read.values))
        reason = "not a coordinate; expected a number like 116.3912"
        refusals.refuse(bad, rule="unparsable-number", reason=reason, column=str(heading))
        found.append(read.values)
    return _converted(found[0], found[1], crs, part)


def _converted(x: Floats, y: Floats, crs: CRS, part: Part) -> Places:
    """Points as they are, or on WGS 84 where the part states a datum."""
    if part.datum is None:
        return Places(crs, x, y)
    if not crs.is_geographic:
        raise _not_degrees(part, crs)
    return Places(CRS(_WGS84), *_DATUMS[part.datum](x, y))


def _not_degrees(part: Part, crs: CRS) -> InvalidDescription:
    return InvalidDescription(
        f"part {part.name!r}: datum {part.datum} means longitude and latitude, and the file's CRS is {crs.name}"
    )


def _from_datum(shapes: NDArray[np.object_], crs: CRS, part: Part) -> NDArray[np.object_]:
    if not crs.is_geographic:
        raise _not_degrees(part, crs)
    move = _DATUMS[str(part.datum)]
    moved: NDArray[np.object_] = shapely.transform(shapes, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))
    return moved


def _of_kind(shapes: Shapes, which: NDArray[np.int64], part: Part, refusals: Refusals, wanted: Mask) -> Shapes:
    """Geometries of the part's kind; rows with others, and with empty ones, are refused."""
    heading = part.columns.wkt or ""
    missing = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    reason = "the geometry is missing, empty or unreadable"
    refusals.refuse(wanted & missing[which], rule="missing-geometry", reason=reason, column=heading)
    out = shapes.copy()
    kinds = shapely.get_type_id(shapes)
    for position in np.flatnonzero(~missing & ((kinds == _COLLECTION) | (kinds == _MULTIPOINT))).tolist():
        out[position] = _single_kind(shapes[position], part.kind)
    kinds = shapely.get_type_id(out)
    fits = kinds == _POINT if part.kind is Kind.POINT else np.isin(kinds, (*_SINGLE[part.kind], _MULTI[part.kind]))
    wrong = ~missing & ~fits
    reason = f"a geometry of another kind than the part's, {part.kind}"
    refusals.refuse(wanted & wrong[which], rule="geometry-kind", reason=reason, column=heading)
    out[missing | wrong] = None
    return out


def _single_kind(shape: shapely.Geometry, kind: Kind) -> shapely.Geometry:
    """A collection's members as one geometry of the kind, where all of them are of it; else the collection."""
    members = shapely.get_parts(shapely.get_parts([shape]))
    kinds = set(shapely.get_type_id(members).tolist())
    if kind is Kind.POINT:
        return members[0] if len(members) == 1 and kinds == {_POINT} else shape
    if kinds <= set(_SINGLE[kind]):
        return shapely.MultiLineString(list(members)) if kind is Kind.LINE else shapely.MultiPolygon(list(members))
    return shape


def _joined(
    table: Table, part: Part, refusals: Refusals, wanted: Mask, join: Table
) -> tuple[Shapes, NDArray[np.int64], pa.Array, tuple[Finding, ...]]:
    """Distinct geometries, which of them each row has, the codes, and what was noticed on the way."""
    rule = part.geometry
    if rule is None or (own := join.shapes) is None:
        raise InvalidDescription(f"part {part.name!r}: {join.name} holds no geometry to join")
    keys, findings = _by_key(join, own, rule.key, part)
    codes, distinct = coded(table.column(rule.column))
    names = [code_text(name) for name in distinct]
    for position, name in enumerate(names):
        if name not in keys:
            reason = f"no feature of {join.name} has {rule.key} = {name!r}"
            hit = (codes == position) & wanted
            refusals.refuse(hit, rule="no-geometry", reason=reason, column=rule.column, together=True)
    unused = sorted(set(keys) - set(names))
    if unused:
        findings.append(
            Finding(
                Severity.NOTE, "unused-geometry", part=part.name, file=join.name, column=rule.key, count=len(unused),
                reason=f"{len(unused)} of {len(keys)} features have no row in {table.name}: {', '.join(unused[:8])}",
            )
        )  # fmt: skip
    shapes = np.empty(len(names), object)
    shapes[:] = [keys.get(name) for name in names]
    return shapes, codes, pa.array(names, pa.string()).take(pa.array(codes)), tuple(findings)


def _by_key(join: Table, shapes: Shapes, key: str, part: Part) -> tuple[dict[str, shapely.Geometry], list[Finding]]:
    codes, distinct = coded(join.column(key))
    names = [code_text(name) for name in distinct]
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    found: dict[str, shapely.Geometry] = {}
    findings = []
    for i, name in enumerate(names):
        members = shapes[order[starts[i] : starts[i + 1]]]
        if not name:
            continue
        if len(members) > 1:
            findings.append(
                Finding(
                    Severity.WARNING, "repeated-key", part=part.name, file=join.name, column=key, value=name,
                    row=int(join.rows[order[starts[i]]]), count=len(members),
                    reason=f"{len(members)} features share this code; they are used as one geometry",
                )
            )  # fmt: skip
            # In an order of their content, so that the union does not depend on the order of features.
            found[name] = shapely.union_all(sorted(members, key=lambda g: b"" if g is None else shapely.to_wkb(g)))
        else:
            found[name] = members[0]
    return found, findings
