"""Writers whose bytes depend on nothing but the content: no clock, no user name."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import rasterio
import xarray as xr
from affine import Affine
from numpy.typing import NDArray

__all__ = ["csv", "netcdf", "parquet", "raster", "shapefile", "vector", "workbook"]

_DAY = "2024-01-01"
_CLOCK = {"OGR_CURRENT_DATE": f"{_DAY}T00:00:00.000Z"}


def csv(path: Path, table: pd.DataFrame, *, encoding: str) -> None:
    """Write a comma-separated table with Windows line ends, as office programs do."""
    path.write_bytes(table.to_csv(index=False, lineterminator="\r\n").encode(encoding))


def workbook(path: Path, sheet: str, rows: Iterable[Iterable[object]]) -> None:
    """Write a workbook of one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append([None if isinstance(v, float) and np.isnan(v) else v for v in row])
    held = io.BytesIO()
    book.save(held)
    with zipfile.ZipFile(held) as made, zipfile.ZipFile(path, "w") as fixed:
        for name in made.namelist():
            data = made.read(name)
            if name == "docProps/core.xml":
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", f"{_DAY}T00:00:00Z".encode(), data)
            fixed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED, 9)


@contextmanager
def _stopped_clock() -> Iterator[None]:
    before = {key: pyogrio.get_gdal_config_option(key) for key in _CLOCK}
    pyogrio.set_gdal_config_options(_CLOCK)
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options(before)


def vector(
    path: Path, frame: gpd.GeoDataFrame, *, layer: str | None = None, append: bool = False, **options: str
) -> None:
    """Write a GeoPackage layer, GeoJSON or FlatGeobuf, by the ending of the name."""
    if not append:
        path.unlink(missing_ok=True)
    with _stopped_clock():
        pyogrio.write_dataframe(frame, path, layer=layer or path.stem, append=append, **options)


def shapefile(path: Path, frame: gpd.GeoDataFrame, *, encoding: str) -> None:
    """Write a Shapefile whose encoding nothing states, as they are usually passed on."""
    with _stopped_clock():
        pyogrio.write_dataframe(frame, path, encoding=encoding, DBF_DATE_LAST_UPDATE=_DAY)
    path.with_suffix(".cpg").unlink(missing_ok=True)


def parquet(path: Path, frame: gpd.GeoDataFrame) -> None:
    """Write GeoParquet."""
    frame.to_parquet(path, index=False, compression="zstd", compression_level=15 if len(frame) < 50_000 else 1)


def raster(
    path: Path, values: NDArray[np.generic], transform: Affine, *, nodata: float | None, unit: str, level: int = 9
) -> None:
    """Write a tiled GeoTIFF in longitudes and latitudes."""
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype=values.dtype,
        crs="EPSG:4490", transform=transform, nodata=nodata, tiled=True, compress="deflate", zlevel=level,
        predictor=3 if values.dtype.kind == "f" else 2,
    ) as out:  # fmt: skip
        out.write(values, 1)
        out.update_tags(TITLE="SYNTHETIC data of an invented region", UNIT=unit)


def netcdf(path: Path, dataset: xr.Dataset) -> None:
    """Write NetCDF in its classic form, small and without a time stamp."""
    dataset.to_netcdf(path, format="NETCDF3_CLASSIC", engine="scipy")


def copy(source: Path, target: Path) -> None:
    """Copy a file, unless it is the same one."""
    if source.resolve() != target.resolve():
        shutil.copyfile(source, target)
