"""Layers as NetCDF-4 after the CF conventions: a variable a species, with cell areas and the grid mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from gis.exports.source import LayerSource, Selection, bands, species_band
from gis.grid import Grid

__all__ = ["write_netcdf"]

_CHUNK = 512
_PACKED = {"zlib": True, "complevel": 1, "shuffle": True}


def write_netcdf(source: LayerSource, path: Path, selection: Selection) -> None:
    """Write variables such as ``pm25_t`` with dimensions (year, y, x), by sector ``pm25_sector_t`` (year, sector, y, x)."""
    years, species = selection.of(source)
    with netCDF4.Dataset(path, "w", format="NETCDF4") as file:
        file.setncatts({"Conventions": "CF-1.10", "title": f"{source.name}: emissions by grid cell"})
        space = _coordinates(file, source.grid)
        file.createDimension("year", len(years))
        _variable(file, "year", "i4", ("year",), {"long_name": "calendar year", "units": "1"})[:] = years
        if selection.by_sector:
            file.createDimension("sector", len(source.sectors))
            sectors = file.createVariable("sector", str, ("sector",))
            sectors[:] = np.array(source.sectors, dtype=object)
        variables = {code: _species(file, code, space, by_sector=selection.by_sector) for code in species}
        for i, year in enumerate(years):
            for code in species:
                _fill(source, selection, year, code, i, variables[code])


def _species(file: Any, code: str, space: tuple[str, str], *, by_sector: bool) -> tuple[Any, Any]:
    attributes = {
        "units": "t year-1", "long_name": f"{code} emitted in the cell", "cell_methods": "area: sum",
        "cell_measures": "area: cell_area", "grid_mapping": "crs",
    }  # fmt: skip
    total = _variable(file, f"{code}_t", "f8", ("year", *space), attributes)
    if not by_sector:
        return total, None
    return total, _variable(file, f"{code}_sector_t", "f8", ("year", "sector", *space), attributes)


def _fill(source: LayerSource, selection: Selection, year: int, code: str, i: int, variables: tuple[Any, Any]) -> None:
    total, by_sector = variables
    for window in bands(source.grid):
        rows = slice(window.row_start, window.row_stop)
        found = species_band(source, year, code, window)
        whole = np.zeros(window.shape)
        for sector, values in found.items():
            whole += values
            if by_sector is not None:
                by_sector[i, source.sectors.index(sector), rows] = values
        total[i, rows] = whole
        if by_sector is not None:
            for sector in set(source.sectors) - found.keys():
                by_sector[i, source.sectors.index(sector), rows] = 0.0


def _coordinates(file: Any, grid: Grid) -> tuple[str, str]:
    """Names of the y and x dimensions, whose coordinates, bounds, areas and grid mapping are written."""
    cf = grid.crs.to_cf()
    crs = file.createVariable("crs", "i4")
    crs.setncatts({key: value for key, value in cf.items() if value is not None})
    if grid.is_geographic:
        names = ("lat", "lon")
        kinds = (("latitude", "degrees_north"), ("longitude", "degrees_east"))
    else:
        names = ("y", "x")
        unit = grid.crs.axis_info[0].unit_name
        kinds = (("projection_y_coordinate", unit), ("projection_x_coordinate", unit))
    file.createDimension("bounds", 2)
    places = ((grid.y_centres, grid.y_edges), (grid.x_centres, grid.x_edges))
    for name, (standard, unit), (centres, edges) in zip(names, kinds, places, strict=True):
        file.createDimension(name, len(centres))
        attributes = {"standard_name": standard, "units": unit, "bounds": f"{name}_bounds"}
        _variable(file, name, "f8", (name,), attributes)[:] = centres
        file.createVariable(f"{name}_bounds", "f8", (name, "bounds"))[:] = np.stack([edges[:-1], edges[1:]], axis=1)
    area = _variable(
        file, "cell_area", "f8", names, {"standard_name": "cell_area", "units": "m2", "grid_mapping": "crs"}
    )
    for window in bands(grid):
        area[window.row_start : window.row_stop] = grid.cell_area_m2[window.row_start : window.row_stop]
    return names


def _variable(file: Any, name: str, kind: str, dimensions: tuple[str, ...], attributes: dict[str, str]) -> Any:
    flat = len(dimensions) == 1
    sizes = [min(_CHUNK, len(file.dimensions[d])) for d in dimensions[-2:]]
    chunks = None if flat else (*[1] * (len(dimensions) - 2), *sizes)
    packed = {} if flat else _PACKED
    variable = file.createVariable(name, kind, dimensions, chunksizes=chunks, fill_value=False, **packed)
    variable.setncatts(attributes)
    return variable
