"""Places that contradict what was stated: outside the bounds or the domain, or in another region than the row says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from shapely import Geometry, STRtree

from gis.errors import UnknownSector
from gis.inventory.checks.coordinates import centres, headings
from gis.inventory.checks.marks import Marks, described, mass_of, place, text
from gis.inventory.checks.within import Holder, Stated, layer_polygon
from gis.inventory.description import Kind, Part
from gis.inventory.findings import Finding, Severity
from gis.regions.measure import made_valid, shapes_of
from gis.regions.model import RegionLayer, Regions
from gis.regions.roles import Role
from gis.species import find_sector

__all__ = ["place_findings"]

# Boundaries are generalised and gates lie on roads: what is within a kilometre of its region is not reported.
_TOLERANCE_DEG = 0.01
_TOLERANCE_M = 1000.0
# Where a stated code is looked up; parks and red lines cut across the others.
_CODED = (Role.COUNTY, Role.TOWNSHIP, Role.DOMAIN)


def place_findings(marks: Marks, region: Stated | None, regions: Regions | None) -> None:
    """Mark the sources outside what the inventory covers, and those in another region than they state."""
    if region is not None:
        for name, holder in region.holders:
            _outside(marks, name, holder, regions)
    if regions is not None and marks.part.kind is Kind.POINT:
        _other_region(marks, regions)


def _outside(marks: Marks, name: str, holder: Holder, regions: Regions | None) -> None:
    rule = "outside-bounds" if "bounds" in name else "outside-domain"
    x, y = centres(marks)
    rows = np.flatnonzero(~marks.refused & np.isfinite(x) & np.isfinite(y))
    rows = rows[~holder.holds(x[rows], y[rows])]
    rows = rows[~_reaches(marks, holder, rows)]
    if rule == "outside-domain" and regions is not None and len(rows):
        # What lies in waters or a margin drawn around the domain was meant to lie there.
        for layer in regions.of_role(Role.BUFFER):
            rows = rows[~_reaches(marks, Holder(layer_polygon(layer, marks.part.crs)), rows)]

    def far_km(i: int) -> float:
        return _distance_km(holder.polygon, x[i], y[i], marks.part.crs)

    def value(i: int) -> str:
        return f"{x[i]:.10g}, {y[i]:.10g}"

    if rule == "outside-domain" and len(rows) > 1 and _are_lanes(marks.part.policy):
        marks.findings.append(_lanes(marks, rows, name, [far_km(int(i)) for i in rows]))
        return
    out = np.zeros(len(x), dtype=bool)
    out[rows] = True
    marks.warn(
        out,
        rule,
        lambda i: f"{described(marks.part, i)} lies {far_km(i):,.0f} km outside {name}",
        column=headings(marks),
        value=value,
        order=marks.mass_t.sum(axis=1) if len(rows) else None,
        what=f"sources outside {name}",
    )


def _reaches(marks: Marks, holder: Holder, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which sources touch a region, or all but do."""
    tolerance = _tolerance(marks.part.crs)
    if marks.part.x is not None and marks.part.y is not None:
        return holder.near(marks.part.x[rows], marks.part.y[rows], tolerance)
    return np.asarray(shapely.dwithin(holder.polygon, shapes_of(marks.part.geometry)[rows], tolerance), dtype=bool)


def _are_lanes(policy: Part) -> bool:
    """Whether a part holds the lanes and waters of ships, which lie outside a domain on land by their nature."""
    names = {amount.sector or policy.sector for amount in policy.amounts} or {policy.sector}
    stated = [policy.sectors.get(name, name) for name in names if name is not None]
    if policy.kind is Kind.POINT or policy.columns.sector is not None or len(stated) < len(names):
        return False
    return all(_is_shipping(name, policy.crosswalk) for name in stated)


def _is_shipping(name: str, crosswalk: str | None) -> bool:
    try:
        return find_sector(name, crosswalk=crosswalk).code == "shipping"
    except UnknownSector:
        return False  # declared by the description, or left out: not the sector of ships


def _lanes(marks: Marks, rows: NDArray[np.int64], name: str, far_km: list[float]) -> Finding:
    """One finding for all lanes of a part that lie outside."""
    farthest = int(np.argmax(far_km))
    chosen = np.zeros(len(marks.part), dtype=bool)
    chosen[rows] = True
    file, row = place(marks.part, int(rows[farthest]))
    return Finding(
        Severity.WARNING, "outside-domain", f"{len(rows):,} of {len(marks.part):,} shipping sources lie outside {name}, "
        f"{described(marks.part, int(rows[farthest]))} the farthest with {far_km[farthest]:,.0f} km; a region of role buffer "
        "counts as domain here", marks.part.name, file, row,
        mass_t=mass_of(marks.part, marks.species, chosen), count=len(rows),
    )  # fmt: skip


def _tolerance(crs: CRS) -> float:
    return _TOLERANCE_DEG if crs.is_geographic else _TOLERANCE_M / crs.axis_info[0].unit_conversion_factor


def _distance_km(polygon: Geometry, x: float, y: float, crs: CRS) -> float:
    ends = shapely.get_coordinates(shapely.shortest_line(polygon, shapely.Point(x, y)))
    lon, lat = ends[:, 0], ends[:, 1]
    if not crs.is_geographic:
        lon, lat = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(lon, lat)
    body = crs.get_geod() or Geod(ellps="WGS84")
    return float(body.inv(lon[0], lat[0], lon[1], lat[1])[2]) / 1000.0


# -- the region a row states ------------------------------------------------------------------------------------------


class _Coded:
    """A layer by code, in the CRS of the part."""

    def __init__(self, layer: RegionLayer, crs: CRS) -> None:
        frame = layer.frame if CRS(layer.frame.crs) == crs else layer.frame.to_crs(crs)
        self.role = layer.role
        self.codes = np.asarray(frame["code"], dtype=object)
        self.positions = {str(code): np.flatnonzero(self.codes == code) for code in np.unique(self.codes.astype(str))}
        self.names = np.where(frame["name_zh"] != "", frame["name_zh"], frame["name_en"]).astype(object)
        self.shapes = shapes_of(frame.geometry)
        self._tree: STRtree | None = None

    def label(self, position: int) -> str:
        return f"{self.codes[position]} {self.names[position]}".strip()

    def polygon(self, code: str) -> Geometry:
        """The region of a code; several polygons of one code are one region."""
        own = self.shapes[self.positions[code]]
        return own[0] if len(own) == 1 else shapely.union_all(made_valid(own))

    def at(self, x: float, y: float) -> str:
        """Where a place lies, for people."""
        if self._tree is None:
            self._tree = STRtree(made_valid(self.shapes))
        hits = self._tree.query(shapely.Point(x, y), predicate="intersects")
        return f"in {self.label(int(hits.min()))}" if len(hits) else f"in no {self.role} of the layer"


def _other_region(marks: Marks, regions: Regions) -> None:
    stated = text(marks.part, "region")
    if not (stated != "").any():
        return
    layers = [layer for role in _CODED for layer in regions.of_role(role)]
    known: NDArray[np.bool_] = np.zeros(len(stated), dtype=bool)
    for layer in layers:
        coded = _Coded(layer, marks.part.crs)
        here = ~known & np.asarray(pd.Series(stated).isin(coded.codes))
        known |= here
        _compare(marks, coded, stated, here)
    if layers:
        marks.warn(
            ~known & (stated != ""),
            "unknown-region",
            lambda i: f"{described(marks.part, i)} states the region {stated[i]!r}, which no region layer has",
            column=marks.part.policy.columns.region or "",
            value=lambda i: str(stated[i]),
            severity=Severity.NOTE,
            what="sources whose stated region no layer has",
        )


def _compare(marks: Marks, coded: _Coded, stated: NDArray[np.object_], here: NDArray[np.bool_]) -> None:
    x, y = centres(marks)
    rows = np.flatnonzero(here & ~marks.refused & np.isfinite(x) & np.isfinite(y))
    if not len(rows):
        return
    code_of, codes = pd.factorize(stated[rows])
    order = np.argsort(code_of, kind="stable")
    groups = np.split(rows[order], np.flatnonzero(np.diff(code_of[order])) + 1)
    tolerance = _tolerance(marks.part.crs)
    wrong = np.zeros(len(x), dtype=bool)
    for code, group in zip(codes, groups, strict=True):
        holder = Holder(coded.polygon(str(code)))
        away = group[~holder.holds(x[group], y[group])]
        wrong[away[~holder.near(x[away], y[away], tolerance)]] = True

    def reason(i: int) -> str:
        home = int(coded.positions[str(stated[i])][0])
        km = _distance_km(coded.polygon(str(stated[i])), x[i], y[i], marks.part.crs)
        return (
            f"{described(marks.part, i)} states the region {coded.label(home)} and lies {coded.at(x[i], y[i])}, "
            f"{km:,.0f} km away from it"
        )

    marks.warn(
        wrong,
        "other-region",
        reason,
        column=marks.part.policy.columns.region or "",
        value=lambda i: str(stated[i]),
        order=marks.mass_t.sum(axis=1) if wrong.any() else None,
        what="sources in another region than they state",
    )
