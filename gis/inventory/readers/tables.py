"""Delimited text to a Table: delimiter and encoding found out, every cell kept as text, rows numbered as a spreadsheet does."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv as arrow_csv

from gis.errors import ReadError
from gis.inventory.readers.encodings import decode
from gis.inventory.rows import StrayRow, Table

__all__ = ["read_csv", "table_of_records"]

_DELIMITERS = (",", "\t", ";")


def read_csv(data: bytes, *, name: str, encoding: str | None = None, header_row: int = 1) -> Table:
    """The rows of a CSV file (comma, tab or semicolon), every cell as text."""
    text = decode(data, name=name, encoding=encoding)
    if not text.strip():
        raise ReadError(f"{name}: the file is empty; expected a row of headings and rows of data")
    if text.endswith(("\n\n", "\n\r\n")):
        # Blank lines at the end are no rows.
        text = text.rstrip("\r\n")
    delimiter = _delimiter(text, header_row)
    if header_row == 1 and not _is_awkward(text) and not _has_blank_rows(text, delimiter):
        table = _fast(text, name=name, delimiter=delimiter)
        if table is not None:
            return table
    return table_of_records(_records(text, name=name, delimiter=delimiter), name=name, header_row=header_row)


def _delimiter(text: str, header_row: int) -> str:
    lines = text.split("\n", header_row)
    line = re.sub(r'"[^"]*"', "", lines[min(header_row, len(lines)) - 1])
    counts = Counter({d: line.count(d) for d in _DELIMITERS})
    return counts.most_common(1)[0][0]


def _is_awkward(text: str) -> bool:
    """Whether row numbers or cells need the careful path: blank lines, lone carriage returns, unbalanced quotes."""
    # A line of blanks is ragged, which the fast path finds itself.
    if "\n\n" in text or "\n\r\n" in text or text[:1] in "\r\n" or text.count('"') % 2:
        return True
    return "\r" in text and text.count("\r") != text.count("\r\n")


def _has_blank_rows(text: str, delimiter: str) -> bool:
    """Whether rows hold nothing but delimiters, as spreadsheets write below a table: they are no rows."""
    blank = "\n" + delimiter * text.count(delimiter, 0, _first_line_end(text))
    return f"{blank}\n" in text or f"{blank}\r\n" in text or text.endswith(blank)


def _fast(text: str, *, name: str, delimiter: str) -> Table | None:
    """The table in one vectorised pass; None where a row is ragged, for the careful path to say which."""
    head = next(_records(text[: _first_line_end(text)], name=name, delimiter=delimiter), None)
    quoted = '"' in text
    if head is None or len(head[1]) == 0:
        return None
    columns = [f"c{i}" for i in range(len(head[1]))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text.encode("utf-8")),
            read_options=arrow_csv.ReadOptions(column_names=columns, skip_rows=1, block_size=1 << 23),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values=quoted, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    rows = np.arange(2, 2 + table.num_rows, dtype=np.int64)
    return _table(name, head[1], [c.combine_chunks() for c in table.columns], rows, ())


def _first_line_end(text: str) -> int:
    # A heading may hold a line break inside quotes.
    end = -1
    while True:
        end = text.find("\n", end + 1)
        if end < 0:
            return len(text)
        if text.count('"', 0, end) % 2 == 0:
            return end + 1


def _records(text: str, *, name: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Records with their spreadsheet rows, blank lines counted and left out."""
    before = csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, record in enumerate(reader, start=1):
            yield row, record
    except csv.Error as error:
        raise ReadError(
            f"{name}: row {row + 1} is not valid CSV ({error}); a quote is not closed or the file is truncated"
        ) from error
    finally:
        csv.field_size_limit(before)


def table_of_records(records: Iterable[tuple[int, Sequence[str]]], *, name: str, header_row: int) -> Table:
    """A Table of rows of text cells; rows that do not fit the headings are set aside as stray."""
    headings: list[str] | None = None
    kept: list[Sequence[str]] = []
    rows: list[int] = []
    stray: list[StrayRow] = []
    for row, cells in records:
        if row < header_row:
            continue
        if headings is None:
            headings = _headings(cells)
        elif any(c.strip() for c in cells):
            width = len(headings)
            if len(cells) < width or any(c.strip() for c in cells[width:]):
                stray.append(StrayRow(row, tuple(cells), width))
            else:
                kept.append(cells[:width])
                rows.append(row)
    if not headings:
        raise ReadError(f"{name}: row {header_row} holds no headings; say in `header_row` where they stand")
    columns = [pa.array([cells[i] for cells in kept], pa.string()) for i in range(len(headings))]
    return _table(name, headings, columns, np.array(rows, np.int64), tuple(stray))


def _headings(cells: Sequence[str]) -> list[str]:
    names = [c.strip() for c in cells]
    while names and not names[-1]:
        names.pop()
    return names


def _table(
    name: str,
    headings: Sequence[str],
    columns: Sequence[pa.Array],
    rows: NDArray[np.int64],
    stray: tuple[StrayRow, ...],
) -> Table:
    stripped = [h.strip() for h in headings]
    repeated = frozenset(h for h, n in Counter(stripped).items() if n > 1 and h)
    labels = [h if h and h not in repeated else f"{h or 'column'} #{i + 1}" for i, h in enumerate(stripped)]
    return Table(name, dict(zip(labels, columns, strict=True)), rows, stray=stray, repeated=repeated)


def read_bytes(path: Path, name: str) -> bytes:
    """The bytes of a file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReadError(f"{name}: cannot be read: {error.strerror or error}") from error
