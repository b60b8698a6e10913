"""The size a classic NetCDF file announces in its header.

The library reads what is missing from a file cut short as zeros and says nothing, so that its mass would be lost silently; HDF5
files carry a check of their own. Format: NetCDF classic format specification, CDF-1, CDF-2 and CDF-5.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO

from gis.errors import ReadError

__all__ = ["check_classic"]

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_STREAMING = {4: 2**32 - 1, 8: 2**64 - 1}


def check_classic(path: Path) -> None:
    """Raise ReadError for a classic NetCDF file that is shorter than its header says; other files pass."""
    with path.open("rb") as file:
        magic = file.read(4)
        if magic[:3] != b"CDF" or len(magic) < 4 or magic[3] not in (1, 2, 5):
            return
        try:
            needed = _Header(file, magic[3]).end()
        except (struct.error, KeyError, IndexError, UnicodeDecodeError) as error:
            raise ReadError(
                f"{path}: not a readable NetCDF file: its header is cut short or corrupt ({error})"
            ) from error
    size = path.stat().st_size
    if size < needed:
        raise ReadError(f"{path}: the file is truncated: {size} bytes where its header announces {needed}")


@dataclass(frozen=True, slots=True)
class _Variable:
    dims: tuple[int, ...]
    item: int
    begin: int


class _Header:
    """Walks the header from the byte after the magic."""

    def __init__(self, file: BinaryIO, version: int) -> None:
        self._file = file
        self._count_bytes = 8 if version == 5 else 4
        self._offset_bytes = 4 if version == 1 else 8

    def end(self) -> int:
        """The first byte after the last value, padding behind it not counted."""
        records = self._count()
        if records == _STREAMING[self._count_bytes]:
            records = 0  # still being written, or never counted: only the fixed part can be checked
        self._int(4)
        lengths = [self._dimension() for _ in range(self._count())]
        self._attributes()
        self._int(4)
        variables = [self._variable() for _ in range(self._count())]
        moving = [v for v in variables if v.dims and lengths[v.dims[0]] == 0]
        sizes = {id(v): v.item * prod(lengths[d] for d in v.dims[1:]) for v in moving}
        # A single record variable is stored without padding between its records.
        record = sum(s if len(moving) == 1 else s + -s % 4 for s in sizes.values())
        ends = [v.begin + v.item * prod(lengths[d] for d in v.dims) for v in variables if id(v) not in sizes]
        ends += [v.begin + (records - 1) * record + sizes[id(v)] for v in moving if records]
        return max([self._file.tell(), *ends])

    def _int(self, size: int) -> int:
        return int(struct.unpack(">I" if size == 4 else ">Q", self._file.read(size))[0])

    def _count(self) -> int:
        return self._int(self._count_bytes)

    def _skip(self, size: int) -> None:
        padded = size + -size % 4
        if len(self._file.read(padded)) < padded:
            raise IndexError("it ends inside a name or an attribute")

    def _dimension(self) -> int:
        self._skip(self._count())
        return self._count()

    def _attributes(self) -> None:
        self._int(4)
        for _ in range(self._count()):
            self._skip(self._count())
            item = _BYTES[self._int(4)]
            self._skip(item * self._count())

    def _variable(self) -> _Variable:
        self._skip(self._count())
        dims = tuple(self._count() for _ in range(self._count()))
        self._attributes()
        item = _BYTES[self._int(4)]
        self._count()  # vsize, redundant and wrong for large variables
        return _Variable(dims, item, self._int(self._offset_bytes))
