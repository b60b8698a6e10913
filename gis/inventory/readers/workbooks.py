"""Workbooks to a Table: every cell as the text its value means, rows numbered as the sheet shows them."""

from __future__ import annotations

import datetime
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gis.errors import ReadError
from gis.inventory.readers.tables import table_of_records
from gis.inventory.rows import Table

if TYPE_CHECKING:
    import openpyxl

__all__ = ["read_workbook"]

# A formula whose value was never computed: the cell would read as empty.
_UNCOMPUTED = re.compile(rb'<c r="([A-Z]+[0-9]+)"[^>]*><f[^>]*(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>')


def read_workbook(data: bytes, *, name: str, sheet: str | None = None, header_row: int = 1) -> Table:
    """The rows of a sheet, the first one unless it is named."""
    # Workbooks are rare among inventories, and this is slow to import.
    import openpyxl

    try:
        with warnings.catch_warnings():
            # openpyxl warns of styles and validations it leaves out; values are all that is read here.
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            try:
                records = list(_records(book, name, sheet))
            finally:
                book.close()
    except ReadError:
        raise
    except Exception as error:
        # A damaged workbook fails anywhere between zip, XML and openpyxl: each has its own exceptions.
        raise ReadError(
            f"{name}: not a workbook that can be read, truncated or corrupt ({type(error).__name__}: {error})"
        ) from error
    if not any(any(cell for cell in cells) for _, cells in records):
        raise ReadError(f"{name}: the sheet is empty; expected a row of headings and rows of data")
    _refuse_uncomputed(data, name)
    return table_of_records(records, name=name, header_row=header_row)


def _records(book: openpyxl.Workbook, name: str, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    names = [s.title for s in book.worksheets]
    if sheet is not None and sheet not in names:
        raise ReadError(f"{name}: no sheet is named {sheet!r}; it has {', '.join(names)}")
    if not names:
        raise ReadError(f"{name}: the workbook has no sheet of cells")
    chosen = book[sheet] if sheet is not None else book.worksheets[0]
    # The stated dimension of a sheet may be wrong, and rows beyond it would be left out.
    chosen.reset_dimensions()
    width = 0
    for row, cells in enumerate(chosen.iter_rows(values_only=True), start=1):
        texts = [_text(value) for value in cells]
        width = max(width, len(texts))
        # Without a dimension, rows end at their last filled cell.
        yield row, texts + [""] * (width - len(texts))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return str(value)


def _refuse_uncomputed(data: bytes, name: str) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry):
                found = _UNCOMPUTED.search(archive.read(entry))
                if found:
                    raise ReadError(
                        f"{name}: cell {found[1].decode()} ({entry}) holds a formula that was never computed; open the "
                        "workbook in a spreadsheet and save it"
                    )
