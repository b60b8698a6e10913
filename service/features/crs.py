"""Coordinate reference systems that features come in, with the axis order that each one declares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pyproj import CRS

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.views.lonlat import CRS84

__all__ = ["CRS84_URI", "Crs", "crs_named", "crs_of_grid", "known_crs"]

CRS84_URI = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
_EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
# WGS 84 and CGCS2000 as latitude before longitude, and the plane of web maps.
_ALWAYS = (4326, 4490, 3857)


@dataclass(frozen=True, slots=True)
class Crs:
    """A CRS by its URI. ``flipped``: its first axis points north, so that coordinates are written y before x."""

    uri: str
    crs: CRS
    flipped: bool

    @property
    def in_degrees(self) -> bool:
        """Whether coordinates are longitudes and latitudes."""
        return bool(self.crs.is_geographic)

    @property
    def is_crs84(self) -> bool:
        """Whether this is longitude before latitude on WGS 84, the default."""
        return self.uri == CRS84_URI


@lru_cache(maxsize=64)
def _of(uri: str, user_input: str) -> Crs:
    crs = CRS84 if uri == CRS84_URI else CRS.from_user_input(user_input)
    first = crs.axis_info[0].direction if crs.axis_info else "east"
    return Crs(uri, crs, first in ("north", "south"))


@lru_cache(maxsize=64)
def crs_of_grid(grid: Grid) -> Crs:
    """The CRS in which a grid's results are stored if it has an EPSG code, else CRS84."""
    code = grid.crs.to_epsg()
    return _of(CRS84_URI, "") if code is None else _of(f"{_EPSG}{code}", f"EPSG:{code}")


@lru_cache(maxsize=64)
def known_crs(grid: Grid) -> tuple[Crs, ...]:
    """CRS84 first, then those of web maps and China, then that of the grid."""
    found = [_of(CRS84_URI, ""), *(_of(f"{_EPSG}{code}", f"EPSG:{code}") for code in _ALWAYS)]
    own = crs_of_grid(grid)
    return tuple(found if own in found else [*found, own])


def crs_named(grid: Grid, text: str, parameter: str) -> Crs:
    """The CRS that a request names by URI (or URN, or ``EPSG:4490``, as older clients do)."""
    short = text.strip()
    for each in known_crs(grid):
        code = each.uri.rsplit("/", 1)[-1]
        urn = "urn:ogc:def:crs:OGC:1.3:CRS84" if each.is_crs84 else f"urn:ogc:def:crs:EPSG::{code}"
        plain = "OGC:CRS84" if each.is_crs84 else f"EPSG:{code}"
        if short in (each.uri, each.uri.replace("http:", "https:", 1), f"[{plain}]") or short.upper() in (
            urn.upper(),
            plain.upper(),
        ):
            return each
    raise InvalidParameter(
        f"{parameter}: {text[:80]!r} is not served; use one of {', '.join(c.uri for c in known_crs(grid))}"
    )
