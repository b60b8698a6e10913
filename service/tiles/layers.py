"""Layers: what may be asked of a result as tiles, raster and vector alike, and where they have something to show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from gis.errors import NotFound
from gis.grid import Grid
from gis.projection import transformer
from gis.tiles.matrices import WEB_MERCATOR_QUAD, TileLimits, TileMatrixSet
from gis.views.lonlat import CRS84
from gis.views.pictures import RasterLayer, raster_layers
from gis.views.vectors import VectorLayer, vector_layers
from gis.workspace import Run
from service.library import Library, Result

__all__ = ["Bounds", "Layers", "TileLayer", "layers_of"]

Bounds = tuple[float, float, float, float]
_DENSIFY = 101
# Ten metres: outward, so that no cell lies beyond the bounds.
_DECIMALS = 4
# Beyond this a picture only repeats its pixels, and a client can do that itself.
_PIXELS_PER_CELL = 8


@dataclass(frozen=True, eq=False)
class TileLayer:
    """A layer of a result. ``guarded``: it tells of single facilities, so not everyone may have it."""

    source: RasterLayer | VectorLayer
    guarded: bool = False

    @property
    def raster(self) -> bool:
        """Whether its tiles are pictures."""
        return isinstance(self.source, RasterLayer)

    @property
    def id(self) -> str:
        """Name in addresses."""
        return self.source.id

    @property
    def form(self) -> str:
        """Suffix of its tiles."""
        return "png" if self.raster else "mvt"

    @property
    def title(self) -> str:
        """Both titles."""
        return f"{self.source.title_zh} {self.source.title_en}"

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of its styles, the default first; none for vector layers, which their clients paint."""
        return self.source.styles if isinstance(self.source, RasterLayer) else ()


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a result."""

    result: Result
    run: Run
    known: Mapping[str, TileLayer]

    @property
    def id(self) -> str:
        """Id of the result."""
        return self.result.id

    @property
    def title(self) -> str:
        """What people call the result."""
        return self.result.name

    @property
    def rasters(self) -> list[TileLayer]:
        """Layers of pictures."""
        return [layer for layer in self if layer.raster]

    @cached_property
    def bounds(self) -> Bounds:
        """West, south, east, north of the grid in degrees."""
        return lonlat_bounds(self.result.grid)

    def __iter__(self) -> Iterator[TileLayer]:
        return iter(self.known.values())

    def layer(self, name: str, form: str | None = None) -> TileLayer:
        """The layer of a name, which comes in this form if one is asked for."""
        found = self.known.get(name)
        if found is None or form not in (None, found.form):
            have = ", ".join(layer.id for layer in self if form in (None, layer.form))
            kind = {None: "", "png": "raster ", "mvt": "vector "}[form]
            raise NotFound(f"{self.id} has no {kind}layer {name[:60]!r}; it has {have or 'none'}")
        return found

    def zooms(self, layer: TileLayer, matrix: TileMatrixSet) -> range:
        """Zooms from the coarsest to the one beyond which nothing is gained."""
        if isinstance(layer.source, VectorLayer):
            low, high = layer.source.minzoom, layer.source.maxzoom
        else:
            low, high = matrix.min_zoom, self._finest(matrix)
        return range(max(low, matrix.min_zoom), min(high, matrix.max_zoom) + 1)

    def limits(self, layer: TileLayer, matrix: TileMatrixSet) -> list[tuple[int, TileLimits]]:
        """Tiles of each of its zooms that meet the grid."""
        return [(z, matrix.limits(z, self.bounds)) for z in self.zooms(layer, matrix)]

    def _finest(self, matrix: TileMatrixSet) -> int:
        middle = (self.bounds[1] + self.bounds[3]) / 2
        ground = math.cos(math.radians(middle)) if matrix is WEB_MERCATOR_QUAD else 1.0
        pixel_m = matrix.scale_denominator(0) * 0.28e-3 * ground
        return max(math.ceil(math.log2(pixel_m * _PIXELS_PER_CELL / _cell_m(self.result.grid))), matrix.min_zoom)


def layers_of(library: Library, id_: str) -> Layers:
    """The layers of a result; reads its manifest, no layer."""
    result = library.result(id_)
    open_, every = (vector_layers(result, facilities=shown) for shown in (False, True))
    free = {layer.id for layer in open_}
    found = [TileLayer(layer) for layer in raster_layers(result)]
    found += [TileLayer(layer, guarded=layer.id not in free) for layer in every]
    return Layers(result, run_of(library, result), {layer.id: layer for layer in found})


def lonlat_bounds(grid: Grid) -> Bounds:
    """West, south, east, north of a grid in degrees, rounded outward; all longitudes where it crosses the 180th meridian."""
    west, south, east, north = transformer(grid.crs, CRS84).transform_bounds(*grid.bounds, densify_pts=_DENSIFY)
    if west > east or east > 180.0 or west < -180.0:
        west, east = -180.0, 180.0
    scale = 10.0**_DECIMALS
    low = [math.floor(v * scale) / scale for v in (west, south)]
    high = [math.ceil(v * scale) / scale for v in (east, north)]
    return max(low[0], -180.0), max(low[1], -90.0), min(high[0], 180.0), min(high[1], 90.0)


def _cell_m(grid: Grid) -> float:
    factor = grid.crs.axis_info[0].unit_conversion_factor
    least = min(grid.dx, grid.dy) * factor
    return least * 6_378_137.0 if grid.is_geographic else least
