"""Mapped tables: Arrow files among the files of views, each column one piece of memory that all workers share."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import CorruptObject
from gis.views.files import Files, write_aside

__all__ = ["column", "mapped"]


_KEPT = 512
_open: WeakKeyDictionary[Files, OrderedDict[str, pa.Table]] = WeakKeyDictionary()
_guard = Lock()


def mapped(files: Files, name: str, make: Callable[[], pa.Table]) -> pa.Table:
    """The table of a file in mapped memory; made first where the file is not there. What is open is handed out again.

    A file that is taken away later stays readable for those who have its table.
    """
    with _guard:
        kept = _open.setdefault(files, OrderedDict())
        if name in kept:
            kept.move_to_end(name)
            return kept[name]
    table = files.opened(name, lambda path: _write(path, make()), _read)
    with _guard:
        kept[name] = table
        while len(kept) > _KEPT:
            kept.popitem(last=False)
    return table


def column(table: pa.Table, name: str) -> NDArray[Any]:
    """A column of numbers of a mapped table, without a copy."""
    chunks = table[name].chunks
    if not chunks:
        return np.zeros(0, table.schema.field(name).type.to_pandas_dtype())
    return cast(NDArray[Any], chunks[0].to_numpy(zero_copy_only=True))


def _write(path: Path, table: pa.Table) -> None:
    whole = table.combine_chunks()

    def write(file: Any) -> None:
        with pa.ipc.new_file(file, whole.schema) as writer:
            writer.write_table(whole, max_chunksize=max(len(whole), 1))

    write_aside(path, write)


def _read(path: Path) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as source:
            return pa.ipc.open_file(source).read_all()
    except pa.ArrowInvalid as error:
        raise CorruptObject(f"{path}: not a file of views: {error}") from error
