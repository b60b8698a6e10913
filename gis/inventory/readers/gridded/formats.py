"""Which reader a gridded file needs: by the stated format, else by its name's ending and what it holds."""

from __future__ import annotations

from pathlib import Path

from gis.errors import ReadError
from gis.inventory.readers.gridded.dataset import opened
from gis.inventory.readers.gridded.edgar import edgar_names, edgar_netcdf_layers, edgar_text_layers, is_edgar
from gis.inventory.readers.gridded.esri import ascii_grid
from gis.inventory.readers.gridded.ioapi import ioapi_layers, is_ioapi
from gis.inventory.readers.gridded.layer import Layer, LayersRead, Request
from gis.inventory.readers.gridded.meic import is_gmt, meic_ascii_layers, meic_names, meic_netcdf_layers
from gis.inventory.readers.gridded.netcdf import netcdf_layers
from gis.inventory.readers.gridded.raster import NETCDF_ENDINGS, raster_layers

__all__ = ["layers_of", "year_of_name"]


def layers_of(request: Request, stated: str | None) -> tuple[LayersRead, str]:
    """Layers of a file, and the crosswalk that its format brings ("" for none)."""
    ending = request.path.suffix.lower()
    if ending in NETCDF_ENDINGS:
        return _netcdf(request, stated)
    if stated in ("ioapi", "netcdf"):
        # I/O API files often end in a grid's name or a date.
        return _netcdf(request, stated)
    if stated == "edgar" or (stated is None and ending == ".txt"):
        return edgar_text_layers(request), "edgar"
    if stated == "meic" or (stated is None and ending == ".asc" and meic_names(request.path) is not None):
        return meic_ascii_layers(request), "meic"
    if ending == ".asc":
        grid, read = ascii_grid(request.path, crs=request.crs)
        return LayersRead([Layer(request.name, "grid", grid, read)]), ""
    if stated in (None, "geotiff"):
        return raster_layers(request), ""
    raise ReadError(
        f"{request.path}: format {stated!r} is not one of gridded files: edgar, meic, ioapi, netcdf, geotiff"
    )


def year_of_name(path: Path, stated: str | None) -> int | None:
    """The year in a file name of EDGAR's or MEIC's pattern, so that files of other years need not be opened."""
    meic = meic_names(path) if stated in (None, "meic") else None
    if meic is not None:
        return meic.year
    edgar = edgar_names(path) if stated == "edgar" else None
    return edgar.year if edgar is not None else None


def _netcdf(request: Request, stated: str | None) -> tuple[LayersRead, str]:
    with opened(request.path) as dataset:
        if stated == "ioapi" or (stated is None and is_ioapi(dataset)):
            if not is_ioapi(dataset):
                raise ReadError(f"{request.path}: no I/O API header (GDTYP, XORIG, …) among its global attributes")
            return ioapi_layers(dataset, request), ""
        if is_gmt(dataset):
            return meic_netcdf_layers(dataset, request), "meic"
        if stated == "meic":
            raise ReadError(f"{request.path}: not MEIC's flat NetCDF (x_range, y_range, spacing, dimension, z)")
        if stated == "edgar" or (stated is None and is_edgar(dataset) and edgar_names(request.path) is not None):
            return edgar_netcdf_layers(dataset, request), "edgar"
        return netcdf_layers(dataset, request), ""
