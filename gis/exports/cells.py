"""Cells that emit, as Arrow batches: ids, places, amounts and densities, and their outlines as polygons."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyproj import Transformer

from gis.exports.source import LayerSource, Selection, bands, species_band
from gis.grid import Grid, Window

__all__ = ["cell_batches", "cell_schema", "field_names", "outlines"]

_BATCH = 1 << 18
# Outline of one cell as WKB: byte order, type 3 (polygon), one ring of five points.
_POLYGON = np.dtype([("order", "u1"), ("type", "<u4"), ("rings", "<u4"), ("points", "<u4"), ("xy", "<f8", (5, 2))])


def field_names(source: LayerSource, selection: Selection) -> list[str]:
    """Names of the amounts and densities, such as ``pm25_t``, ``pm25_t_km2`` and by sector ``pm25_power_t``."""
    years, species = selection.of(source)
    names = []
    for code in species:
        names += [f"{code}_t", f"{code}_t_km2"]
        if selection.by_sector:
            present = {sector for year, found, sector in source.keys() if found == code and year in years}
            names += [f"{code}_{sector}_t" for sector in source.sectors if sector in present]
    return names


def cell_schema(source: LayerSource, selection: Selection, *, geometry: bool) -> pa.Schema:
    """Columns of the batches. x and y are the centre in the grid's CRS, lon and lat in its geographic CRS."""
    fields = [("cell", pa.int64()), ("row", pa.int32()), ("col", pa.int32())]
    fields += [(name, pa.float64()) for name in ("x", "y", "lon", "lat", "area_km2")]
    fields += [("year", pa.int32())]
    fields += [(name, pa.float64()) for name in field_names(source, selection)]
    if geometry:
        fields.append(("geometry", pa.binary()))
    return pa.schema(fields)


def cell_batches(source: LayerSource, selection: Selection, *, geometry: bool) -> Iterator[pa.RecordBatch]:
    """Cells in which any chosen species is emitted, a row a year and cell, year by year and row-major."""
    years, species = selection.of(source)
    schema = cell_schema(source, selection, geometry=geometry)
    to_lonlat = Transformer.from_crs(source.grid.crs, source.grid.crs.geodetic_crs, always_xy=True)
    for year in years:
        for window in bands(source.grid):
            layers = {code: species_band(source, year, code, window) for code in species}
            emits = np.zeros(window.shape, bool)
            for found in layers.values():
                for values in found.values():
                    emits |= values != 0
            flat = np.flatnonzero(emits)
            for start in range(0, len(flat), _BATCH):
                at = flat[start : start + _BATCH]
                yield _batch(source.grid, window, at, year, layers, to_lonlat, schema)


def _batch(
    grid: Grid,
    window: Window,
    at: NDArray[np.int64],
    year: int,
    layers: dict[str, dict[str, NDArray[np.float64]]],
    to_lonlat: Transformer,
    schema: pa.Schema,
) -> pa.RecordBatch:
    row, col = at // grid.cols + window.row_start, at % grid.cols
    x, y = grid.centre(row * grid.cols + col)
    lon, lat = to_lonlat.transform(x, y)
    area_km2 = grid.cell_area_m2[row, col] / 1e6
    columns = {
        "cell": row * grid.cols + col, "row": row, "col": col, "x": x, "y": y, "lon": lon, "lat": lat,
        "area_km2": area_km2, "year": np.full(len(at), year),
    }  # fmt: skip
    for code, found in layers.items():
        total = np.zeros(len(at))
        for sector, values in found.items():
            mass = values.ravel()[at]
            total += mass
            columns[f"{code}_{sector}_t"] = mass
        columns[f"{code}_t"] = total
        columns[f"{code}_t_km2"] = total / area_km2
    arrays = [
        outlines(grid, row, col)
        if field.name == "geometry"
        # A sector that has no layer in this year of several is zero.
        else pa.array(columns.get(field.name, np.zeros(len(at))), type=field.type)
        for field in schema
    ]
    return pa.record_batch(arrays, schema=schema)


def outlines(grid: Grid, row: NDArray[np.int64], col: NDArray[np.int64]) -> pa.Array:
    """Cells as WKB polygons, counter-clockwise, made without a geometry engine: millions a second."""
    x, y = grid.x_edges, grid.y_edges
    west, east, north, south = x[col], x[col + 1], y[row], y[row + 1]
    cells = np.empty(len(row), _POLYGON)
    cells["order"], cells["type"], cells["rings"], cells["points"] = 1, 3, 1, 5
    ring = ((west, south), (east, south), (east, north), (west, north), (west, south))
    for i, (xs, ys) in enumerate(ring):
        cells["xy"][:, i, 0] = xs
        cells["xy"][:, i, 1] = ys
    offsets = np.arange(len(row) + 1, dtype=np.int32) * _POLYGON.itemsize
    return pa.BinaryArray.from_buffers(
        pa.binary(), len(row), [None, pa.py_buffer(offsets), pa.py_buffer(cells.tobytes())]
    )
