"""Rasters GDAL can open, and ``read_raster``: any raster, ASCII grid or NetCDF as a grid and its values."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from gis.errors import InvalidGrid, MissingCrs, ReadError, RefusedInput
from gis.grid import Grid
from gis.inventory.findings import Finding, Severity
from gis.inventory.readers.gridded.dataset import opened
from gis.inventory.readers.gridded.esri import ascii_grid
from gis.inventory.readers.gridded.layer import WGS84, Layer, LayersRead, Request
from gis.inventory.readers.gridded.meic import gmt_layer, is_gmt
from gis.inventory.readers.gridded.netcdf import read_variable

__all__ = ["NETCDF_ENDINGS", "raster_layers", "read_raster"]

NETCDF_ENDINGS = (".nc", ".nc4", ".cdf", ".ncf", ".netcdf")
# A turn or shear below this part of a cell across the whole raster is rounding, not a rotation.
_STRAIGHT = 1e-9


def read_raster(
    path: Path, *, variable: str | None = None, band: int = 1, crs: str | None = None
) -> tuple[Grid, NDArray[np.float64]]:
    """Grid and values, row 0 north, NaN where there is no value; negative and infinite values are refused.

    ``crs`` is for files that state none. A NetCDF with one variable by x and y (or longitude and latitude) needs no ``variable``.
    """
    request = Request(path=path, name=str(path), crs=crs, variable=variable, band=band)
    if path.suffix.lower() in NETCDF_ENDINGS:
        with opened(path) as dataset:
            flat = gmt_layer(dataset, request) if is_gmt(dataset) else None
        grid, values = (flat.grid, flat.read()) if flat else read_variable(request)
    elif path.suffix.lower() == ".asc":
        grid, read = ascii_grid(path, crs=crs)
        values = read()
    else:
        layer = raster_layers(request).layers[0]
        grid, values = layer.grid, layer.read()
    bad = (values < 0.0) | np.isinf(values)
    if bad.any():
        row, col = (int(v) for v in np.argwhere(bad)[0])
        raise RefusedInput(
            f"{path}: row {row}, column {col} (from 0, row 0 north) holds {values[row, col]:g}, and {int(bad.sum())} cell(s) in all "
            "are negative or infinite; a raster that shares out mass holds neither. Declare such values as nodata or correct them"
        )
    return grid, values


def raster_layers(request: Request) -> LayersRead:
    """The layer of one band, lazily; unit and species from the band where it has them."""
    band = request.band or 1
    path = request.path
    with _open(path) as raster:
        if not 1 <= band <= raster.count:
            raise ReadError(f"{path}: band {band} of {raster.count}; count bands from 1")
        crs = _crs(raster, request)
        transform, flip = _upright(raster.transform, raster.height, path)
        shape = (raster.height, raster.width)
        unit = str(raster.units[band - 1] or "").strip() or None
        species = raster.tags(band).get("species") or raster.tags().get("species")
    try:
        grid = Grid(crs=crs, transform=transform, shape=shape)
    except InvalidGrid as error:
        raise ReadError(f"{path}: {error}") from error
    layer = Layer(request.name, f"band {band}", grid, _Band(path, band, flip), unit=unit, species=species)
    return LayersRead([layer], _overruled(crs, request))


@dataclass(frozen=True, slots=True)
class _Band:
    """Reads a band as float64 with scale and offset applied, NaN where nodata or the mask says so."""

    path: Path
    band: int
    flip: bool

    def __call__(self) -> NDArray[np.float64]:
        """Values, row 0 north."""
        with _open(self.path) as raster:
            try:
                values = raster.read(self.band).astype(np.float64)
                masked = raster.read_masks(self.band) == 0
            except RasterioError as error:
                raise ReadError(
                    f"{self.path}: band {self.band} cannot be read (truncated or corrupt): {error}"
                ) from error
            scale, offset = raster.scales[self.band - 1], raster.offsets[self.band - 1]
        if scale != 1.0 or offset != 0.0:
            values = values * scale + offset
        values[masked] = np.nan
        return np.ascontiguousarray(values[::-1]) if self.flip else values


def _open(path: Path) -> rasterio.DatasetReader:
    if not path.is_file():
        raise ReadError(f"{path}: no such file")
    try:
        with warnings.catch_warnings():
            # A raster without a place is refused below with a sentence of its own.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path)
    except RasterioError as error:
        raise ReadError(
            f"{path}: not a raster GDAL can open (truncated, corrupt or of another format): {error}"
        ) from error


def _crs(raster: rasterio.DatasetReader, request: Request) -> CRS:
    try:
        if raster.crs is not None:
            return CRS.from_wkt(raster.crs.to_wkt())
        if request.crs is not None:
            return CRS.from_user_input(request.crs)
    except CRSError as error:
        raise MissingCrs(f"{request.path}: the CRS is not one pyproj knows: {error}") from error
    raise MissingCrs(f"{request.path}: the raster states no CRS; give crs in the description, such as {WGS84!r}")


def _overruled(crs: CRS, request: Request) -> list[Finding]:
    if request.crs is None or crs == CRS.from_user_input(request.crs):
        return []
    reason = f"the file's own CRS ({crs.name}) is used, not the stated {request.crs!r}"
    return [Finding(Severity.WARNING, "crs-differs", reason, part=request.part, file=request.name)]


def _upright(transform: Affine, height: int, path: Path) -> tuple[Affine, bool]:
    """The north-up transform and whether rows have to be flipped."""
    t = transform
    if t == Affine.identity():
        raise ReadError(f"{path}: the raster has no georeference: neither a transform nor a world file")
    if abs(t.b) > _STRAIGHT * abs(t.a) or abs(t.d) > _STRAIGHT * abs(t.e) or t.a <= 0 or t.e == 0:
        raise ReadError(f"{path}: the raster is rotated or mirrored ({tuple(t[:6])}); warp it to a north-up grid first")
    if t.e > 0:
        return Affine(t.a, 0, t.c, 0, -t.e, t.f + height * t.e), True
    return Affine(t.a, 0, t.c, 0, t.e, t.f), False
