"""Export: a run as files for other tools."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import shapely

from gis.errors import InvalidParameter
from gis.exports.netcdf import write_netcdf
from gis.exports.smoke import write_smoke_table
from gis.exports.source import LayerSource, Selection
from gis.exports.tables import write_csv
from gis.exports.vector import write_flatgeobuf, write_geopackage, write_geoparquet
from gis.regions.roles import Role
from gis.workspace.objects import refuse_no_file, storage_errors
from gis.workspace.run import Run

__all__ = ["Format", "export_run", "outlines_of", "picture"]


class Format(StrEnum):
    """What a run can be exported as. COG and SMOKE make a directory of files, the others one file."""

    COG = "cog"
    GEOPARQUET = "geoparquet"
    GPKG = "gpkg"
    FLATGEOBUF = "flatgeobuf"
    NETCDF = "netcdf"
    CSV = "csv"
    SMOKE = "smoke"


# The endings matter while a file is written: GDAL makes a directory of a FlatGeobuf called otherwise.
_ONE_FILE: dict[Format, tuple[str, Callable[[LayerSource, Path, Selection], object]]] = {
    Format.GEOPARQUET: (".parquet", write_geoparquet),
    Format.GPKG: (".gpkg", write_geopackage),
    Format.FLATGEOBUF: (".fgb", write_flatgeobuf),
    Format.NETCDF: (".nc", write_netcdf),
    Format.CSV: (".csv", write_csv),
}


def export_run(run: Run, format_: Format, path: Path, selection: Selection | None = None) -> list[Path]:
    """Files written. One file appears under its name only when it is whole."""
    chosen = selection or Selection()
    chosen.of(run)
    with storage_errors(path):
        if format_ in _ONE_FILE:
            return [_one_file(run, format_, path, chosen)]
        path.mkdir(parents=True, exist_ok=True)
        return _cogs(run, path, chosen) if format_ is Format.COG else _smoke(run, path, chosen)


def _one_file(run: Run, format_: Format, path: Path, selection: Selection) -> Path:
    refuse_no_file(path)
    ending, write = _ONE_FILE[format_]
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".cozone-", dir=path.parent) as aside:
        whole = Path(aside) / f"cells{ending}"
        write(run, whole, selection)
        os.replace(whole, path)
    return path


def _cogs(run: Run, directory: Path, selection: Selection) -> list[Path]:
    """Copies of the stored layers: they are Cloud-Optimized GeoTIFFs already."""
    years, species = selection.of(run)
    written = []
    for year, code, sector in run.keys():
        if year in years and code in species:
            target = directory / f"{run.id}_{year}_{code}_{sector}.tif"
            shutil.copyfile(run.layer_path(year, code, sector), target)
            written.append(target)
    return written


def _smoke(run: Run, directory: Path, selection: Selection) -> list[Path]:
    """A surrogate table a year and species, of counties (else of the domain), in the order of the codes 1, 2, …"""
    regions = run.regions.layer(Role.COUNTY) or run.regions.layer(Role.DOMAIN)
    if regions is None:
        raise InvalidParameter(
            f"run {run.id} has no counties and no domain; a SMOKE table needs regions ([[regions]] in the description)"
        )
    years, species = selection.of(run)
    written = []
    for year in years:
        for position, code in enumerate(species, 1):
            path = directory / f"{run.id}_{year}_{code}.txt"
            text = f"{run.name}: {code} {year}"
            write_smoke_table(path, run.total(year, code), run.grid, regions, code=str(position), description=text)
            written.append(path)
    return written


def picture(run: Run, path: Path, *, species: str | None = None, year: int | None = None) -> Path:
    """A PNG of the density of a species (the first one) in a year (the last one), with the outline of the domain."""
    # matplotlib takes a third of a second to import, which a server that draws none of these need not spend.
    from gis.exports.thumbnail import Caption, write_thumbnail

    code = run.species[0] if species is None else species
    when = run.years[-1] if year is None else year
    amounts = run.total(when, code)
    names = {entry["code"]: entry["name"] for entry in run.manifest["species"]}
    with storage_errors(path):
        write_thumbnail(path, amounts, run.grid, Caption(run.name, names[code], when), outlines=outlines_of(run))
    return path


def outlines_of(run: Run) -> list[gpd.GeoSeries]:
    """The domain, then the counties, else the domain's own regions where there are several, as far as the run has them."""
    domain, counties = run.regions.layer(Role.DOMAIN), run.regions.layer(Role.COUNTY)
    found = []
    if domain is not None:
        found.append(gpd.GeoSeries([shapely.union_all(domain.frame.geometry.to_numpy())], crs=domain.frame.crs))
    inner = domain if counties is None and domain is not None and len(domain) > 1 else counties
    if inner is not None:
        found.append(gpd.GeoSeries(inner.frame.geometry.to_numpy(), crs=inner.frame.crs))
    return found
