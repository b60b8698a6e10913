"""What a vector file says of itself in its first bytes: enough to refuse a truncated or mislabelled one before GDAL opens it."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

from gis.errors import ReadError
from gis.inventory.readers.encodings import encoding_of
from gis.inventory.readers.files import companions

__all__ = ["check_file", "shapefile_encoding"]

_SHAPEFILE_CODE = 9994
# Language driver ids of dBASE that mean Simplified Chinese.
_GBK_DRIVERS = {0x4D, 0x7A}
_GBK = {"936", "cp936", "gbk", "gb2312", "gb18030", "ansi 936", "oem 936"}


def check_file(path: Path, name: str) -> None:
    """Refuse a file that is not of the format its ending says, or shorter than it says itself."""
    ending = path.suffix.lower()
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(100)
            stream.seek(max(size - 4, 0))
            tail = stream.read(4)
    except OSError as error:
        raise ReadError(f"{name}: cannot be read: {error.strerror or error}") from error
    if size == 0:
        raise ReadError(f"{name}: the file is empty")
    if ending == ".gpkg":
        _check_geopackage(path, head, size, name)
    elif ending == ".shp":
        _check_shapefile(path, head, size, name)
    elif ending in (".geojson", ".json") and not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        raise ReadError(f"{name}: not GeoJSON; a GeoJSON file begins with {{")
    elif ending == ".fgb" and not head.startswith(b"fgb"):
        raise ReadError(f"{name}: not FlatGeobuf; the first bytes are {head[:4]!r}")
    elif ending in (".parquet", ".geoparquet", ".pq") and (head[:4] != b"PAR1" or tail != b"PAR1"):
        raise ReadError(f"{name}: not Parquet, or truncated; it begins with {head[:4]!r} and ends with {tail!r}")


def _check_geopackage(path: Path, head: bytes, size: int, name: str) -> None:
    if not head.startswith(b"SQLite format 3\0") or len(head) < 100:
        raise ReadError(f"{name}: not a GeoPackage; the first bytes are {head[:15]!r}")
    page, pages = struct.unpack_from(">H", head, 16)[0], struct.unpack_from(">I", head, 28)[0]
    # SQLite writes 1 for a page of 65536 bytes.
    expected = (65536 if page == 1 else page) * pages
    if size < expected:
        raise ReadError(f"{name}: truncated; {expected} bytes expected, {size} found")
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise ReadError(f"{name}: {log.name} holds changes not yet in the file; close the program that has it open")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            fault = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        fault = str(error)
    if fault != "ok":
        raise ReadError(f"{name}: the GeoPackage is corrupt: {fault}")


def _check_shapefile(path: Path, head: bytes, size: int, name: str) -> None:
    if len(head) < 100 or struct.unpack_from(">I", head, 0)[0] != _SHAPEFILE_CODE:
        raise ReadError(f"{name}: not a Shapefile, or truncated within its header")
    expected = 2 * struct.unpack_from(">I", head, 24)[0]
    if size < expected:
        raise ReadError(f"{name}: truncated; {expected} bytes expected, {size} found")
    beside = {p.suffix.lower(): p for p in companions(path)}
    for ending in (".shx", ".dbf"):
        if ending not in beside:
            raise ReadError(f"{name}: no {ending} file stands beside it; copy all files of the Shapefile")
    index = beside[".shx"].read_bytes()[:100]
    if len(index) < 100 or beside[".shx"].stat().st_size < 2 * struct.unpack_from(">I", index, 24)[0]:
        raise ReadError(f"{beside['.shx'].name}: truncated, beside {name}")
    _check_dbf(beside[".dbf"], name)


def _check_dbf(path: Path, name: str) -> None:
    with path.open("rb") as stream:
        head = stream.read(32)
    if len(head) < 32:
        raise ReadError(f"{path.name}: truncated within its header, beside {name}")
    records, header, width = struct.unpack_from("<IHH", head, 4)
    if path.stat().st_size < header + records * width:
        raise ReadError(f"{path.name}: truncated, beside {name}; {header + records * width} bytes expected")


def shapefile_encoding(path: Path, name: str, stated: str | None) -> str:
    """The encoding of a Shapefile's attributes: as stated, else by its .cpg, else by the .dbf's language, else tried."""
    if stated is not None:
        return "GB18030" if stated.lower() in _GBK else stated
    beside = {p.suffix.lower(): p for p in companions(path)}
    if ".cpg" in beside:
        written = beside[".cpg"].read_text("ascii", errors="replace").strip()
        # GB18030 holds all of GBK, and what newer programs write under its name.
        return "GB18030" if written.lower() in _GBK else written
    with beside[".dbf"].open("rb") as stream:
        data = stream.read()
    if data[29] in _GBK_DRIVERS:
        return "GB18030"
    header = struct.unpack_from("<H", data, 8)[0]
    # Field names and records; the numbers between them are no text.
    fields = b"".join(data[at : at + 11].split(b"\0")[0] for at in range(32, header - 1, 32))
    return "GB18030" if encoding_of(fields + data[header:], name=f"{path.stem}.dbf") == "gb18030" else "UTF-8"
