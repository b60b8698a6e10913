"""Files of any format to a Table of rows."""

from __future__ import annotations

from pathlib import Path

from gis.errors import ReadError
from gis.inventory.readers.files import InputFiles
from gis.inventory.readers.tables import read_csv
from gis.inventory.readers.vectors import VECTOR_ENDINGS, read_vector
from gis.inventory.readers.workbooks import read_workbook
from gis.inventory.rows import Table

__all__ = ["read_table"]

_TEXT_ENDINGS = {".csv", ".tsv", ".txt", ".tab"}
_WORKBOOK_ENDINGS = {".xlsx", ".xlsm"}


def read_table(
    path: Path, files: InputFiles, *, format: str | None = None, encoding: str | None = None, sheet: str | None = None,
    layer: str | None = None, header_row: int = 1, crs: str | None = None, assumed_crs: str | None = None,
) -> Table:  # fmt: skip
    """The rows of a table or vector file, recorded as read; the format is told by the ending unless it is stated."""
    name = files.name(path)
    if not path.is_file():
        raise ReadError(f"{name}: no such file; paths are relative to the description, in {files.base}")
    kind = format or _format_of(path, name)
    if kind == "csv":
        return read_csv(files.read(path), name=name, encoding=encoding, header_row=header_row)
    if kind == "xlsx":
        return read_workbook(files.read(path), name=name, sheet=sheet, header_row=header_row)
    if kind == "vector":
        files.record(path)
        return read_vector(path, name=name, layer=layer, encoding=encoding, crs=crs, assumed_crs=assumed_crs)
    raise ReadError(f"{name}: format {kind!r} belongs to gridded parts; expected csv, xlsx or vector")


def _format_of(path: Path, name: str) -> str:
    ending = path.suffix.lower()
    for kind, endings in (("csv", _TEXT_ENDINGS), ("xlsx", _WORKBOOK_ENDINGS), ("vector", set(VECTOR_ENDINGS))):
        if ending in endings:
            return kind
    if ending == ".xls":
        raise ReadError(f"{name}: the old Excel format is not read; save the workbook as .xlsx")
    raise ReadError(
        f'{name}: the ending {ending!r} does not tell the format; give `format` = "csv", "xlsx" or "vector", or use one '
        f"of {', '.join(sorted(_TEXT_ENDINGS | _WORKBOOK_ENDINGS | set(VECTOR_ENDINGS)))}"
    )
