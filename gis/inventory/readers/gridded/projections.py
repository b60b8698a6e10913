"""The map projections of I/O API grid headers, as CRS and back. Angles in degrees, lengths in metres.

CMAQ, SMOKE and WRF compute on a sphere of 6,370,000 m, which the headers do not state; longitudes and latitudes are taken over
from the ellipsoid unchanged. Codes and parameters: the I/O API's GRIDS documentation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyproj import CRS

from gis.errors import InvalidParameter
from gis.inventory.readers.gridded.layer import WGS84

__all__ = ["CODES", "SPHERE_M", "Projection"]

SPHERE_M = 6_370_000.0
# GDTYP by the name SMOKE writes, its I/O API alias beside it.
CODES: Mapping[str, int] = {
    "LAT-LON": 1, "LATGRD3": 1, "LAMBERT": 2, "LAMGRD3": 2, "UTM": 5, "UTMGRD3": 5, "POLAR": 6, "POLGRD3": 6,
    "EQMERC": 7, "MERCATOR": 7, "EQMGRD3": 7, "ALBERS": 9, "ALBGRD3": 9,
}  # fmt: skip
_NAMES = {1: "LAT-LON", 2: "LAMBERT", 5: "UTM", 6: "POLAR", 7: "EQMERC", 9: "ALBERS"}


@dataclass(frozen=True, slots=True)
class Projection:
    """GDTYP, P_ALP, P_BET, P_GAM, XCENT, YCENT of a grid header."""

    gdtyp: int
    alpha: float = 0.0
    beta: float = 0.0
    gamma: float = 0.0
    x_centre: float = 0.0
    y_centre: float = 0.0

    @property
    def name(self) -> str:
        """The projection's name in SMOKE's headers."""
        return _NAMES[self.gdtyp]

    def crs(self) -> CRS:
        """The CRS of the header; InvalidParameter where the header does not determine one."""
        if self.gdtyp == 1:
            return CRS.from_user_input(WGS84)
        if self.gdtyp == 5:
            return self._utm()
        text = {
            2: f"+proj=lcc +lat_1={self.alpha!r} +lat_2={self.beta!r} +lat_0={self.y_centre!r} +lon_0={self.gamma!r}",
            6: f"+proj=stere +lat_0={90.0 if self.alpha > 0 else -90.0} +lat_ts={self.beta!r} +lon_0={self.gamma!r}",
            7: f"+proj=merc +lat_ts={self.alpha!r} +lon_0={self.gamma!r}",
            9: f"+proj=aea +lat_1={self.alpha!r} +lat_2={self.beta!r} +lat_0={self.y_centre!r} +lon_0={self.gamma!r}",
        }.get(self.gdtyp)
        if text is None:
            raise InvalidParameter(
                f"grid type {self.gdtyp} is not read; known: 1 (longitude-latitude), 2 (Lambert), 5 (UTM), 6 (polar stereographic), "
                "7 (equatorial Mercator), 9 (Albers). State the crs in the description"
            )
        if self.gdtyp in (2, 9) and self.x_centre != self.gamma:
            raise InvalidParameter(
                f"XCENT {self.x_centre:g} is not the central meridian P_GAM {self.gamma:g}; programs disagree about the origin of "
                "such a grid. State the crs in the description"
            )
        if self.gdtyp == 7 and self.y_centre != 0.0:
            raise InvalidParameter(
                f"a Mercator grid with its origin at latitude {self.y_centre:g} is read differently by different programs. State "
                "the crs in the description"
            )
        return CRS.from_user_input(f"{text} +R={SPHERE_M!r} +units=m +no_defs +type=crs")

    def _utm(self) -> CRS:
        # UTM is defined on an ellipsoid only; WGS 84 is what its users mean.
        zone = round(abs(self.alpha))
        if not 1 <= zone <= 60 or self.x_centre or self.y_centre:
            raise InvalidParameter(
                f"UTM zone {self.alpha:g} with offsets {self.x_centre:g}, {self.y_centre:g}: state the crs"
            )
        return CRS.from_epsg((32600 if self.alpha > 0 else 32700) + zone)

    @classmethod
    def of(cls, crs: CRS) -> Projection:
        """The header's parameters of a CRS; InvalidParameter for one the header cannot hold."""
        if crs.is_geographic:
            return cls(1)
        zone = crs.utm_zone
        if zone:
            return cls(5, float(zone[:-1]) * (1.0 if zone.endswith("N") else -1.0))
        found: dict[str, Any] = crs.to_cf()
        kind = str(found.get("grid_mapping_name"))
        origin = found.get("false_easting", 0.0), found.get("false_northing", 0.0)
        scaled = found.get("scale_factor_at_projection_origin", 1.0) != 1.0
        if any(origin) or scaled or kind not in _OF_CF or crs.axis_info[0].unit_name != "metre":
            raise InvalidParameter(
                f"{crs.name}: a SMOKE header holds longitude-latitude, UTM, or Lambert conformal, Albers, Mercator and polar "
                "stereographic projections in metres without false easting or northing"
            )
        return _OF_CF[kind](found)


def _conic(gdtyp: int) -> Callable[[dict[str, Any]], Projection]:
    def made(cf: dict[str, Any]) -> Projection:
        parallels = cf["standard_parallel"]
        first, last = (parallels, parallels) if isinstance(parallels, float) else (min(parallels), max(parallels))
        meridian = float(cf.get("longitude_of_central_meridian", 0.0))
        return Projection(
            gdtyp, float(first), float(last), meridian, meridian, float(cf.get("latitude_of_projection_origin", first))
        )

    return made


def _mercator(cf: dict[str, Any]) -> Projection:
    meridian = float(cf["longitude_of_projection_origin"])
    return Projection(7, float(cf.get("standard_parallel", 0.0)), 0.0, meridian, meridian, 0.0)


def _polar(cf: dict[str, Any]) -> Projection:
    meridian = float(cf.get("straight_vertical_longitude_from_pole", 0.0))
    pole = math.copysign(1.0, float(cf["standard_parallel"]))
    return Projection(6, pole, float(cf["standard_parallel"]), meridian, meridian, 90.0 * pole)


_OF_CF: Mapping[str, Callable[[dict[str, Any]], Projection]] = {
    "lambert_conformal_conic": _conic(2),
    "albers_conical_equal_area": _conic(9),
    "mercator": _mercator,
    "polar_stereographic": _polar,
}
