"""Layers of regions: counties, townships, parks, red lines and the like, with codes and names in Chinese and English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import shapely

from gis.errors import InvalidGeometry, InvalidParameter, MissingCrs, NotFound
from gis.regions.roles import Role

__all__ = ["COLUMNS", "RegionLayer", "Regions"]

# Columns of a region layer, beside its geometry.
COLUMNS = ("code", "name_zh", "name_en", "parent")


@dataclass(frozen=True, slots=True, eq=False)
class RegionLayer:
    """One layer: a frame of polygons with the columns COLUMNS and geometry, sorted by code."""

    role: Role
    frame: gpd.GeoDataFrame
    version: str = ""
    file: str = ""

    def __post_init__(self) -> None:
        missing = {*COLUMNS, "geometry"} - set(self.frame.columns)
        if missing:
            raise InvalidParameter(f"a {self.role} layer needs the columns {', '.join(sorted(missing))}")
        if self.frame.crs is None:
            raise MissingCrs(f"{self.file or self.role}: the layer states no CRS; give it as `crs`")
        kinds = set(self.frame.geometry.geom_type.unique()) - {"Polygon", "MultiPolygon"}
        if kinds:
            raise InvalidGeometry(
                f"{self.file or self.role}: regions are polygons, not {', '.join(sorted(map(str, kinds)))}"
            )

    def __len__(self) -> int:
        return len(self.frame)


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """All layers of a run; may be empty, then the domain is the grid."""

    layers: tuple[RegionLayer, ...] = ()

    def layer(self, role: Role | str) -> RegionLayer | None:
        """The first layer of a role, or None."""
        return next(iter(self.of_role(role)), None)

    def of_role(self, role: Role | str) -> tuple[RegionLayer, ...]:
        """All layers of a role."""
        if role not in list(Role):
            raise InvalidParameter(f"role {role!r} is not known; use one of {', '.join(Role)}")
        return tuple(layer for layer in self.layers if layer.role == role)

    def find(self, code: str) -> gpd.GeoSeries:
        """The polygon (one entry, with its CRS) of a region code in any layer; the role itself means the whole layer."""
        for layer in self.layers:
            if code == str(layer.role):
                return gpd.GeoSeries([shapely.union_all(layer.frame.geometry.to_numpy())], crs=layer.frame.crs)
            hit = layer.frame["code"].to_numpy() == code
            if hit.any():
                return gpd.GeoSeries([shapely.union_all(layer.frame.geometry.to_numpy()[hit])], crs=layer.frame.crs)
        raise NotFound(
            f"no region has the code {code!r}; layers: {', '.join(str(r.role) for r in self.layers) or 'none'}"
        )

    def __iter__(self) -> Iterator[RegionLayer]:
        return iter(self.layers)

    def __len__(self) -> int:
        return len(self.layers)
