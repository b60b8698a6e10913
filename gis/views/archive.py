"""Archives: a layer of a result, raster or vector, as a PMTiles file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from isal import igzip

from gis.errors import InvalidParameter, NotFound
from gis.grid import Grid
from gis.tiles.cells import finest_zoom
from gis.tiles.footprint import map_bounds
from gis.tiles.matrices import WEB_MERCATOR_QUAD, Tile, TileMatrixSet, matrix_set
from gis.tiles.pmtiles import TileArchive, refuse_other_matrices, tile_id
from gis.views.layers import RasterLayer, Result, raster_layers
from gis.views.pictures import legend, raster_tile
from gis.views.vectors import VectorLayer, vector_layers, vector_tile
from gis.views.views import Views
from gis.workspace import Run
from gis.workspace.objects import refuse_no_file, storage_errors

__all__ = ["ArchiveOptions", "Archived", "archive", "archive_layers"]

Progress = Callable[[str, int, int], None]
Bounds = tuple[float, float, float, float]

# A cell has eight pixels in the last zoom of pictures; clients draw them larger beyond.
_RASTER_ZOOMS_LESS = 3
_COMPRESSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveOptions:
    """Which tiles of a layer: zooms (all that show something new, if left out), parameters and style as the tiles have them."""

    matrix: str = WEB_MERCATOR_QUAD.id
    minzoom: int | None = None
    maxzoom: int | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    style: str | None = None
    facilities: bool = False
    most_tiles: int = 4_000_000


@dataclass(frozen=True, slots=True)
class Archived:
    """What was written."""

    path: Path
    tiles: int
    minzoom: int
    maxzoom: int


def archive(
    views: Views,
    result: Result,
    run: Run,
    layer: str,
    path: Path,
    options: ArchiveOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Archived:
    """Write the tiles of a layer as a PMTiles file, which appears whole or not at all; the same result gives the same file.

    Raises
    ------
    NotFound
        When there is no such layer, or one that tells of single facilities is not asked for with ``facilities``.
    InvalidParameter
        When the zooms are none of the layer's, too many tiles would be made, or none shows anything.
    """
    asked = options or ArchiveOptions()
    matrix = matrix_set(asked.matrix)
    refuse_other_matrices(matrix)
    chosen = _layer(result, run, layer, asked.facilities)
    zooms = _zooms(chosen, result.grid, matrix, asked)
    refuse_no_file(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".cozone-", dir=path.parent) as aside:
            tiles = TileArchive(Path(aside), vector=isinstance(chosen, VectorLayer))
            try:
                bounds = map_bounds(result.grid)
                for number, data in _drawn(_Source(views, result, run, chosen, asked), matrix, zooms, bounds, progress):
                    tiles.add(number, data)
                whole = Path(aside) / "tiles.pmtiles"
                metadata = _metadata(views, result, run, chosen, asked, zooms)
                tiles.write(whole, bounds=bounds, centre_zoom=_centre_zoom(matrix, zooms, bounds), metadata=metadata)
                count = len(tiles)
            finally:
                tiles.close()
            os.replace(whole, path)
    return Archived(path, count, zooms[0], zooms[-1])


def archive_layers(result: Result, run: Run, *, facilities: bool) -> tuple[str, ...]:
    """Names of the layers that can be archived; a raster layer that shares its name with a vector layer is ``raster:`` and it."""
    vector = [layer.id for layer in vector_layers(result, facilities=facilities)]
    return (*vector, *(f"raster:{r.id}" if r.id in vector else r.id for r in raster_layers(result, run)))


@dataclass(frozen=True, slots=True)
class _Source:
    """Where the tiles come from."""

    views: Views
    result: Result
    run: Run
    layer: RasterLayer | VectorLayer
    asked: ArchiveOptions

    def tile(self, tile: Tile) -> bytes | None:
        """A tile as the archive holds it, None for an empty one."""
        o = self.asked
        if isinstance(self.layer, RasterLayer):
            return raster_tile(self.views, self.result, self.run, self.layer.id, tile, o.parameters, o.style)
        data = vector_tile(self.views, self.result, self.run, self.layer.id, tile, o.parameters)
        return None if data is None else igzip.compress(data, _COMPRESSION, mtime=0)


def _layer(result: Result, run: Run, name: str, facilities: bool) -> RasterLayer | VectorLayer:
    vector = {layer.id: layer for layer in vector_layers(result, facilities=facilities)}
    raster = {layer.id: layer for layer in raster_layers(result, run)}
    if name in vector:
        return vector[name]
    wanted = name.removeprefix("raster:")
    if wanted in raster:
        return raster[wanted]
    known = ", ".join(archive_layers(result, run, facilities=facilities))
    raise NotFound(f"{result.id} has no layer {name[:80]!r} to archive; it has {known}")


def _zooms(layer: RasterLayer | VectorLayer, grid: Grid, matrix: TileMatrixSet, asked: ArchiveOptions) -> range:
    """The zooms asked for, within those that show something new."""
    if isinstance(layer, VectorLayer):
        low, high = layer.minzoom, layer.maxzoom
    else:
        if asked.style is not None:
            layer.style(asked.style)
        low, high = matrix.min_zoom, max(finest_zoom(grid, matrix) - _RASTER_ZOOMS_LESS, matrix.min_zoom)
    if isinstance(layer, VectorLayer) and asked.style is not None:
        raise InvalidParameter(f"layer {layer.id} has no styles; whoever shows vector tiles paints them")
    first = low if asked.minzoom is None else asked.minzoom
    last = high if asked.maxzoom is None else asked.maxzoom
    if not low <= first <= last <= high:
        raise InvalidParameter(
            f"zooms {first} to {last}: layer {layer.id} shows something new at zooms {low} to {high}; ask within them"
        )
    return range(first, last + 1)


def _drawn(
    source: _Source, matrix: TileMatrixSet, zooms: range, bounds: Bounds, progress: Progress | None
) -> Iterator[tuple[int, bytes]]:
    """Numbers and bytes of the tiles that show something, ascending; below an empty tile nothing is looked for."""
    limits = matrix.limits(zooms[0], bounds)
    wanted = [
        (x, y) for x in range(limits.x_first, limits.x_last + 1) for y in range(limits.y_first, limits.y_last + 1)
    ]
    made = 0
    for z in zooms:
        made += len(wanted)
        if made > source.asked.most_tiles:
            raise InvalidParameter(
                f"more than {source.asked.most_tiles:,} tiles down to zoom {z}; set maxzoom to {z - 1} or less"
            )
        numbered = sorted((tile_id(z, x, y), x, y) for x, y in wanted)
        wanted = []
        for done, (number, x, y) in enumerate(numbered):
            if progress is not None:
                progress(f"tiles of zoom {z}", done, len(numbered))
            data = source.tile(Tile(matrix, z, x, y))
            if data is not None:
                wanted += [(2 * x + i, 2 * y + j) for i in (0, 1) for j in (0, 1)]
                yield number, data


def _centre_zoom(matrix: TileMatrixSet, zooms: range, bounds: Bounds) -> int:
    """The first zoom at which the layer does not fit into two tiles any more."""
    return next((z for z in zooms if matrix.limits(z, bounds).count > 4), zooms[-1])


def _metadata(
    views: Views, result: Result, run: Run, layer: RasterLayer | VectorLayer, asked: ArchiveOptions, zooms: range
) -> dict[str, Any]:
    manifest = run.manifest
    origin = [str(manifest.get(k) or "") for k in ("source", "licence")]
    found: dict[str, Any] = {
        "name": f"{result.name}: {layer.title_zh} {layer.title_en}", "description": result.label, "type": "overlay",
        "version": "1.0.0", "attribution": escaped(" · ".join(t for t in (*origin, f"cozone {result.id}") if t)),
        "generator": "cozone", "cozone": {"id": result.id, "manifest": result.entry.manifest, "layer": layer.id,
                                          "parameters": dict(sorted(asked.parameters.items()))},
    }  # fmt: skip
    if isinstance(layer, VectorLayer):
        found["vector_layers"] = [
            {
                "id": layer.id, "description": f"{layer.title_zh} {layer.title_en}", "minzoom": zooms[0],
                "maxzoom": zooms[-1], "fields": {f.name: str(f.type) for f in layer.fields},
            }
        ]  # fmt: skip
    else:
        found["legend"] = legend(result, run, views, layer.id, asked.parameters, asked.style).json()
    return found


def escaped(text: str) -> str:
    """The text with the signs of HTML escaped: maps take an attribution for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
