"""Contents: whether a file is what its ending says, and holds nothing that would make a library open another file or an address.

It goes by bytes, before any library of a format has seen the file; what cannot be told for certain is refused.
"""

from __future__ import annotations

import mmap
import re
import sqlite3
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from gis.errors import InvalidDescription, ReadError
from service.jobs.hdf5 import HDF5, check_hdf5
from service.jobs.trust import check_crs

__all__ = ["ENDINGS", "check_content", "check_grid_file"]

_BLOCK = 1 << 20
_ROWS = 50_000_000
_SHEET_FILES = 2_000
# A letter or digit written as an escape: no program does so, and it would hide a word from the search.
_ESCAPED = re.compile(rb"\\u00(?:3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])")
_CRS_OBJECT = re.compile(rb'"crs"\s*:\s*\{')
_CRS_NAMED = re.compile(
    rb'"crs"\s*:\s*\{\s*"type"\s*:\s*"name"\s*,\s*"properties"\s*:\s*\{\s*"name"\s*:\s*"(?:urn:ogc:def:crs:[\w.:-]{1,60}|[A-Z]+:\w{1,12})"\s*\}\s*\}'
)
_GEOJSON = re.compile(
    rb'"type"\s*:\s*"(?:FeatureCollection|Feature|Point|MultiPoint|LineString|MultiLineString|Polygon|MultiPolygon)"'
)
# What other readers of JSON go by; some of them run what it says.
_OTHER_JSON = (b"gdal_streamed_alg", b"esriGeometry", b'"Topology"', b"stac_version")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CLASSIC = (b"CDF\x01", b"CDF\x02", b"CDF\x05")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def check_content(path: Path, name: str, *, unpacked: int = 1 << 30) -> None:
    """Raise ReadError for a file that is not what its ending says, or that points elsewhere; ``unpacked`` bounds what a workbook holds."""
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ReadError(
            f"{name}: files ending in {ending or 'nothing'} are not taken; there may be {', '.join(sorted(ENDINGS))}"
        )
    if path.stat().st_size == 0:
        raise ReadError(f"{name}: the file is empty")
    if ending in _WORKBOOKS:
        _check_workbook(path, name, unpacked)
        return
    with _mapped(path) as data:
        ENDINGS[ending](data, name)
        if HDF5 in data[:8]:
            check_hdf5(data, name)
        elif data.find(HDF5) >= 0:
            raise ReadError(f"{name}: holds an HDF5 file within another; save it as NetCDF")
    if ending == ".gpkg":
        _check_geopackage(path, name)
    if ending in _PARQUET:
        _check_parquet(path, name)


def check_grid_file(path: Path) -> None:
    """Raise for a grid file that is not what its ending says, or whose CRS would read something."""
    check_content(path, path.name)
    if path.suffix.lower() == ".toml":
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InvalidDescription(f"{path.name}: not a readable grid file: {error}") from error
        check_crs(str(table.get("crs", "")), path.name)


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _begins(*marks: bytes) -> Callable[[mmap.mmap, str], None]:
    def check(data: mmap.mmap, name: str) -> None:
        if not data[:16].startswith(marks):
            raise ReadError(f"{name}: the content is not what the ending says; it begins with {data[:8]!r}")

    return check


def _check_text(data: mmap.mmap, name: str) -> None:
    if data[:2] not in _UTF16 and data.find(b"\0") >= 0:
        raise ReadError(f"{name}: not a text file; a NUL byte stands at byte {data.find(bytes(1))}")


def _check_json(data: mmap.mmap, name: str) -> None:
    _check_text(data, name)
    if not bytes(data[:64]).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise ReadError(f"{name}: not GeoJSON; a GeoJSON file begins with {{")
    if data[:2] in _UTF16 or _ESCAPED.search(data):
        raise ReadError(f"{name}: letters or digits are written as escapes; save it as plain UTF-8")
    if not _GEOJSON.search(data) or any(data.find(mark) >= 0 for mark in _OTHER_JSON):
        raise ReadError(f"{name}: not GeoJSON but another kind of JSON")
    for found in _CRS_OBJECT.finditer(data):
        if _CRS_NAMED.match(data, found.start()) is None:
            raise ReadError(
                f'{name}: `crs` may only be named, as in {{"type": "name", "properties": {{"name": "urn:ogc:def:crs:EPSG::4490"}}}}'
            )


def _check_prj(data: mmap.mmap, name: str) -> None:
    _check_text(data, name)
    try:
        check_crs(bytes(data[:]).decode("utf-8", "replace"), name)
    except InvalidDescription as error:
        raise ReadError(str(error)) from error


def _check_shape(data: mmap.mmap, name: str) -> None:
    if data[:4] != b"\0\0\x27\x0a":
        raise ReadError(f"{name}: not part of a Shapefile")


def _nothing(data: mmap.mmap, name: str) -> None:
    """Of a Shapefile's tables and indices only sizes and offsets count, which their reader checks."""


def _check_geopackage(path: Path, name: str) -> None:
    """No view and no virtual table but the spatial index: both could call functions when they are read."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            database.execute("pragma trusted_schema = off")
            rows = database.execute("select type, name, coalesce(sql, '') from sqlite_master").fetchall()
    except sqlite3.Error as error:
        raise ReadError(f"{name}: the GeoPackage is corrupt: {error}") from error
    if not any(kind == "table" and table == "gpkg_contents" for kind, table, _ in rows):
        raise ReadError(f"{name}: not a GeoPackage; it has no table gpkg_contents")
    for kind, table, sql in rows:
        virtual = re.match(r"(?is)\s*create\s+virtual\s+table", sql)
        if kind == "view" or (virtual and not re.search(r"(?is)\busing\s+rtree\s*\(", sql)):
            raise ReadError(
                f"{name}: {str(table)[:60]!r} is a view or virtual table; save the layer as a table of its own"
            )


def _check_parquet(path: Path, name: str) -> None:
    try:
        rows = pq.read_metadata(path).num_rows
    except Exception as error:  # Thrift and Arrow each have their own
        raise ReadError(f"{name}: not Parquet, truncated or corrupt ({type(error).__name__})") from error
    if rows > _ROWS:
        raise ReadError(f"{name}: {rows:,} rows; {_ROWS:,} are the most that are taken")


def _check_workbook(path: Path, name: str, unpacked: int) -> None:
    """Sizes as they really unpack, and no document type in any part: an entity could name a file or grow without end."""
    left = unpacked
    try:
        with zipfile.ZipFile(path) as book:
            entries = book.infolist()
            if len(entries) > _SHEET_FILES or "[Content_Types].xml" not in book.namelist():
                raise ReadError(f"{name}: not a workbook")
            for entry in entries:
                left -= _unpacked_part(book, entry, name, left)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError, ValueError, zlib.error) as error:
        raise ReadError(f"{name}: not a workbook that can be read, truncated or corrupt ({error})") from error


def _unpacked_part(book: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, left: int) -> int:
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ReadError(f"{name}: encrypted, or packed in a way that is not read here; save it without a password")
    size, before = 0, b""
    with book.open(entry) as part:
        while block := part.read(_BLOCK):
            size += len(block)
            if size > left:
                raise ReadError(f"{name}: unpacks to more than may be taken")
            if re.search(rb"<\0?!\0?(?:D\0?O\0?C\0?T\0?Y\0?P\0?E|E\0?N\0?T\0?I\0?T\0?Y)", before + block):
                raise ReadError(f"{name}: {entry.filename[:60]!r} declares a document type, which no workbook needs")
            before = block[-32:]
    return size


_WORKBOOKS = (".xlsx", ".xlsm")
_PARQUET = (".parquet", ".geoparquet", ".pq")
_netcdf = _begins(*_CLASSIC, HDF5)
# What may be uploaded, and how it is told that it is that.
ENDINGS: Mapping[str, Callable[[mmap.mmap, str], None]] = {
    **dict.fromkeys((".toml", ".csv", ".tsv", ".txt", ".tab", ".asc", ".tfw", ".cpg"), _check_text),
    **dict.fromkeys((".geojson", ".json"), _check_json),
    **dict.fromkeys((".shp", ".shx"), _check_shape),
    **dict.fromkeys((".dbf", ".qix", ".sbn", ".sbx"), _nothing),
    **dict.fromkeys((".tif", ".tiff"), _begins(*_TIFF)),
    **dict.fromkeys((".nc", ".nc4", ".cdf", ".ncf", ".netcdf"), _netcdf),
    **dict.fromkeys(_PARQUET, _begins(b"PAR1")),
    **dict.fromkeys(_WORKBOOKS, _begins(b"PK\x03\x04")),
    ".prj": _check_prj,
    ".gpkg": _begins(b"SQLite format 3\0"),
    ".fgb": _begins(b"fgb\x03"),
}
