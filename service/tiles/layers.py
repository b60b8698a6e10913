"""Layers: what may be asked of a result as tiles, raster and vector alike, and where they have something to show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.tiles.footprint import map_bounds
from gis.tiles.matrices import Tile, TileLimits, TileMatrixSet
from gis.views.layers import Parameter, RasterLayer, raster_layers, read_parameters
from gis.views.vectors import VectorLayer, vector_layers
from gis.workspace import Run, StoredComparison
from service.library import Library, Result

__all__ = ["FORMS", "Bounds", "Given", "Layers", "TileLayer", "layers_of"]

Bounds = tuple[float, float, float, float]
Given = tuple[tuple[str, str], ...]
# Suffixes of tiles: pictures and vector tiles.
FORMS = ("png", "mvt")
# Beyond this a picture only repeats its pixels, and a client can do that itself.
_PIXELS_PER_CELL = 8
# OGC 17-083r4: the pixel of a scale denominator.
_PIXEL_M = 0.28e-3


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
    def unit(self) -> str:
        """Unit of what a picture shows, or an empty text."""
        return self.source.unit if isinstance(self.source, RasterLayer) else ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What its tiles depend on beside their place."""
        return self.source.parameters

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of its styles, the default first; none for vector layers, which their clients paint."""
        return self.source.styles if isinstance(self.source, RasterLayer) else ()

    def canonical(self, given: Mapping[str, str], style: str = "") -> Given:
        """Parameters in one order and one form, those that say nothing new left out: another spelling is the same tile."""
        for name in given:
            if all(parameter.name != name for parameter in self.parameters):
                known = ", ".join(parameter.name for parameter in self.parameters) or "none"
                raise InvalidParameter(f"layer {self.id} has no parameter {name[:40]!r}; it has {known}")
        read = [
            (p.name, p.canonical(given[p.name]), p.canonical(p.default)) for p in self.parameters if p.name in given
        ]
        found = [(name, value) for name, value, default in read if value != default]
        if isinstance(self.source, RasterLayer):
            read_parameters(self.source, dict(found))
            chosen = self.source.style(style)
            return (*found, *([("style", chosen)] if chosen != self.styles[0] else []))
        if style:
            raise InvalidParameter(f"layer {self.id} has no styles; whoever shows vector tiles paints them")
        return tuple(found)


@dataclass(frozen=True, eq=False)
class Layers:
    """The layers of a result, and the run that their amounts are from."""

    result: Result
    run: Run
    known: Mapping[tuple[str, str], TileLayer]

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
        return map_bounds(self.result.grid)

    def __iter__(self) -> Iterator[TileLayer]:
        return iter(self.known.values())

    def layer(self, name: str, form: str | None = None) -> TileLayer:
        """The layer of a name; one of pictures, if there are two of that name and nothing is said of the form."""
        for one in FORMS if form is None else (form,):
            if (name, one) in self.known:
                return self.known[name, one]
        have = [layer.id for layer in self if form in (None, layer.form)]
        near = get_close_matches(name[:80], have, n=3, cutoff=0.4)
        kind = {None: "", "png": "raster ", "mvt": "vector "}[form]
        raise NotFound(
            f"{self.id} has no {kind}layer {name[:60]!r}; {'near it' if near else 'it has'}: {', '.join(near or have) or 'none'}"
        )

    def twofold(self, layer: TileLayer) -> bool:
        """Whether the layer comes in both forms, so that its name alone does not say which is meant."""
        return all((layer.id, form) in self.known for form in FORMS)

    def zooms(self, layer: TileLayer, matrix: TileMatrixSet) -> range:
        """Zooms from the coarsest to the one beyond which nothing is gained."""
        if isinstance(layer.source, VectorLayer):
            low, high = layer.source.minzoom, layer.source.maxzoom
        else:
            low, high = matrix.min_zoom, self._finest(matrix)
        return range(max(low, matrix.min_zoom), min(high, matrix.max_zoom) + 1)

    def limits(self, layer: TileLayer, matrix: TileMatrixSet) -> list[tuple[int, TileLimits]]:
        """Tiles of each of its zooms that meet the grid."""
        return [(z, self.limits_at(matrix, z)) for z in self.zooms(layer, matrix)]

    def limits_at(self, matrix: TileMatrixSet, z: int) -> TileLimits:
        """Tiles of a zoom that meet the grid."""
        key = matrix.id, z
        if key not in self._limits:
            self._limits[key] = matrix.limits(z, self.bounds)
        return self._limits[key]

    def meets(self, tile: Tile) -> bool:
        """Whether a tile meets the grid; with a tile around it, where what lies in a margin is drawn from."""
        found = self.limits_at(tile.matrix, tile.z)
        return found.x_first - 1 <= tile.x <= found.x_last + 1 and found.y_first - 1 <= tile.y <= found.y_last + 1

    @cached_property
    def _limits(self) -> dict[tuple[str, int], TileLimits]:
        return {}

    def _finest(self, matrix: TileMatrixSet) -> int:
        middle = (self.bounds[1] + self.bounds[3]) / 2
        ground = 1.0 if matrix.geographic else math.cos(math.radians(middle))
        pixels = matrix.scale_denominator(0) * _PIXEL_M * ground * _PIXELS_PER_CELL / _cell_m(self.result.grid)
        return min(max(math.ceil(math.log2(pixels)), matrix.min_zoom), matrix.max_zoom)


def layers_of(library: Library, id_: str) -> Layers:
    """The layers of a result; reads its manifest, no layer."""
    result = library.result(id_)
    run = library.run(result.b if isinstance(result, StoredComparison) else id_)
    free = {layer.id for layer in vector_layers(result, facilities=False)}
    found = [TileLayer(layer) for layer in raster_layers(result, run)]
    found += [TileLayer(layer, guarded=layer.id not in free) for layer in vector_layers(result, facilities=True)]
    return Layers(result, run, {(layer.id, layer.form): layer for layer in found})


def _cell_m(grid: Grid) -> float:
    factor = grid.crs.axis_info[0].unit_conversion_factor
    least = min(grid.dx, grid.dy) * factor
    return least * 6_378_137.0 if grid.is_geographic else least
