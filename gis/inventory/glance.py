"""A glance at a user's file: what it seems to be, its headings and what they mean, its encoding and CRS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import openpyxl
import pyarrow.parquet as pq
import pyogrio
import rasterio
from geopandas import read_parquet
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from gis.errors import ReadError
from gis.inventory.headings import Meaning, meaning
from gis.inventory.readers.encodings import encoding_of
from gis.inventory.readers.tables import read_csv, table_of_records
from gis.inventory.rows import Table, texts

__all__ = ["Glance", "glance"]

_TABLES = {".csv", ".tsv", ".txt"}
_WORKBOOKS = {".xlsx", ".xlsm"}
_VECTORS = {".gpkg", ".shp", ".geojson", ".json", ".fgb"}
_RASTERS = {".tif", ".tiff"}
# Titles and remarks above the headings; beyond this nobody finds the table by eye either.
_HEADER_ROWS = 8
Values = dict[str, NDArray[np.object_]]


@dataclass(frozen=True, slots=True, eq=False)
class Glance:
    """What a file seems to be: ``kind`` is table, vector, raster, gridded, smoke or unknown.

    ``values`` holds the cells as text by heading; ``question`` says what could not be told about the file itself.
    """

    path: Path
    kind: str
    values: Values = field(default_factory=dict)
    encoding: str = ""
    header_row: int = 1
    crs: str = ""
    geometry: str = ""
    layer: str = ""
    format: str = ""
    question: str = ""

    @property
    def meanings(self) -> dict[str, Meaning]:
        """What each heading seems to mean."""
        return {heading: meaning(heading) for heading in self.values}

    def column(self, role: str) -> str | None:
        """The first heading of a role, one without a doubt before one with."""
        found = [(bool(m.doubt), n, h) for n, (h, m) in enumerate(self.meanings.items()) if m.role == role]
        return min(found)[2] if found else None


def glance(path: Path) -> Glance:
    """What a file seems to be; an error that names it when it cannot be opened as what its name says."""
    if not path.is_file():
        raise ReadError(f"{path}: no such file")
    suffix = path.suffix.lower()
    looks: tuple[tuple[bool, Callable[[Path], Glance]], ...] = (
        (suffix in _TABLES, _table),
        (suffix in _WORKBOOKS, _workbook),
        (suffix in _VECTORS, _vector),
        (suffix in {".parquet", ".geoparquet"}, _parquet),
        (suffix in _RASTERS, _raster),
        (suffix in {".nc", ".nc4", ".ncf"}, _netcdf),
        (suffix == ".asc", _ascii_grid),
    )
    look = next((f for fits, f in looks if fits), None)
    if look is None:
        return Glance(path, "unknown", question=f"the ending {suffix or '(none)'} is not one cozone reads")
    return look(path)


# -- tables -----------------------------------------------------------------------------------------------------------


def _table(path: Path) -> Glance:
    data = path.read_bytes()
    head = data[:4096]
    if head.lstrip().startswith(b"#GRID"):
        return Glance(path, "smoke", format="smoke")
    encoding = encoding_of(data, name=str(path))
    table, row = _best_header(lambda n: read_csv(data, name=str(path), encoding=encoding, header_row=n), path)
    stated = "" if encoding in {"utf-8", "utf-8-sig"} else encoding
    return Glance(path, "table", _values(table), stated, row)


def _workbook(path: Path) -> Glance:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises whatever its zip and XML parsers do
        raise ReadError(f"{path}: not a workbook that can be opened: {error}") from error
    sheets = book.sheetnames
    records = [
        (n, ["" if c is None else str(c) for c in cells])
        for n, cells in enumerate(book[sheets[0]].iter_rows(values_only=True), start=1)
    ]
    book.close()
    table, row = _best_header(lambda n: table_of_records(records, name=str(path), header_row=n), path)
    more = f"the workbook has the sheets {', '.join(sheets)}; this is the first" if len(sheets) > 1 else ""
    return Glance(path, "table", _values(table), header_row=row, question=more)


def _best_header(read: Callable[[int], Table], path: Path) -> tuple[Table, int]:
    best: tuple[int, int, Table] | None = None
    for row in range(1, _HEADER_ROWS + 1):
        try:
            table = read(row)
        except ReadError:
            continue
        known = sum(bool(meaning(h).role) for h in table.columns)
        if best is None or known > best[0]:
            best = (known, row, table)
        if known >= 2:
            break
    if best is None:
        raise ReadError(f"{path}: no row of headings within the first {_HEADER_ROWS} rows")
    return best[2], best[1]


def _values(table: Table) -> Values:
    return {
        heading: np.array(texts(column).to_pylist(), dtype=object)
        for heading, column in table.columns.items()
        if heading
    }


# -- vectors ----------------------------------------------------------------------------------------------------------


def _vector(path: Path) -> Glance:
    try:
        layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        info = pyogrio.read_info(path, layer=layers[0] if layers else None)
        frame = pyogrio.read_dataframe(path, layer=layers[0] if layers else None, read_geometry=False)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, ValueError) as error:
        raise ReadError(f"{path}: not a vector file that can be opened: {error}") from error
    values = {
        str(c): np.array(["" if v is None or v != v else _cell(v) for v in frame[c]], object) for c in frame.columns
    }
    encoding = ""
    if path.suffix.lower() == ".shp":
        encoding, values = _attribute_encoding(values)
    more = f"the file has the layers {', '.join(layers)}; this is the first" if len(layers) > 1 else ""
    return Glance(
        path, "vector", values, encoding, crs=_crs_text(info["crs"]), geometry=_geometry(str(info["geometry_type"])),
        layer=layers[0] if len(layers) > 1 else "", question=more,
    )  # fmt: skip


def _cell(value: Any) -> str:
    # A whole number that a driver handed out as a float is still a whole number.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _attribute_encoding(values: Values) -> tuple[str, Values]:
    """The encoding of Shapefile attributes that were read as Latin-1 for want of a .cpg, and the values read right."""
    whole = "\n".join(str(v) for h, column in values.items() for v in (h, *column))
    if whole.isascii():
        return "", values
    try:
        raw = whole.encode("latin-1")
    except UnicodeEncodeError:
        return "", values  # the file states its encoding
    for encoding in ("utf-8", "gb18030"):
        try:
            raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        right = {
            h.encode("latin-1").decode(encoding): np.array(
                [str(v).encode("latin-1").decode(encoding, "replace") for v in column], dtype=object
            )
            for h, column in values.items()
        }
        return encoding, right
    return "", values


def _parquet(path: Path) -> Glance:
    try:
        geographic = b"geo" in (pq.read_schema(path).metadata or {})
        frame = read_parquet(path) if geographic else pq.read_table(path).to_pandas()
    except Exception as error:  # pyarrow and geopandas raise many kinds for a damaged file
        raise ReadError(f"{path}: not a Parquet file that can be opened: {error}") from error
    shape = frame.geometry.name if geographic else None
    columns = [c for c in frame.columns if c != shape]
    values = {str(c): np.array(["" if v is None or v != v else _cell(v) for v in frame[c]], object) for c in columns}
    if not geographic:
        return Glance(
            path, "unknown", values, question="the Parquet file holds no geometry; give it as CSV, or as GeoParquet"
        )
    kinds = sorted({_geometry(str(k)) for k in frame.geometry.geom_type.unique()})
    return Glance(path, "vector", values, crs=_crs_text(frame.crs), geometry=kinds[0] if len(kinds) == 1 else "")


def _geometry(kind: str) -> str:
    for name in ("Point", "LineString", "Polygon"):
        if name in kind:
            return name
    return ""


def _crs_text(crs: Any) -> str:
    if crs is None:
        return ""
    try:
        found = CRS.from_user_input(crs)
    except CRSError:
        return ""
    return f"{found.name}"


# -- grids ------------------------------------------------------------------------------------------------------------


def _raster(path: Path) -> Glance:
    try:
        with rasterio.open(path) as raster:
            return Glance(path, "raster", crs=_crs_text(raster.crs.to_wkt() if raster.crs else None), format="geotiff")
    except rasterio.errors.RasterioIOError as error:
        raise ReadError(f"{path}: not a raster that can be opened: {error}") from error


def _ascii_grid(path: Path) -> Glance:
    parts = [p for p in path.stem.split("_") if p]
    # MEIC: YYYY_MM_sector_species.asc
    meic = len(parts) == 4 and len(parts[0]) == 4 and parts[0].isdigit() and parts[1].isdigit()
    return Glance(path, "gridded" if meic else "raster", format="meic" if meic else "", crs="")


def _netcdf(path: Path) -> Glance:
    try:
        with netCDF4.Dataset(path) as data:
            attributes = {str(a).lower() for a in data.ncattrs()}
            variables = {str(v).lower() for v in data.variables}
    except OSError as error:
        raise ReadError(f"{path}: not a NetCDF file that can be opened: {error}") from error
    if {"xorig", "yorig", "xcell", "ycell"} <= attributes:
        return Glance(path, "gridded", format="ioapi", crs="stated")
    if {"x_range", "y_range", "spacing"} <= variables:
        return Glance(path, "gridded", format="meic", crs="stated")
    if (
        variables & {"emissions", "fluxes"}
        or any(v.startswith("emi_") for v in variables)
        or "edgar" in path.name.lower()
    ):
        return Glance(path, "gridded", format="edgar", crs="stated")
    question = "" if {"lat", "latitude", "lon", "longitude"} & variables else "no CRS is stated"
    return Glance(path, "raster", format="netcdf", question=question)
