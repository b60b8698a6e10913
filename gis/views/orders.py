"""Order of the rows of a table by the value of one column, so that a look-up reads a few rows of a million."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

__all__ = ["Order", "order_of"]


class Order(Protocol):
    """Rows by value."""

    def positions(self, value: Any) -> NDArray[np.int64]:
        """Ascending positions of the rows with this value."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _ByNumber:
    """``values`` ascending; ``order`` are their rows, None where the column is ascending already."""

    values: NDArray[np.int64]
    order: NDArray[np.int32] | None

    def positions(self, value: Any) -> NDArray[np.int64]:
        a, b = np.searchsorted(self.values, (value, value + 1))
        return np.arange(a, b) if self.order is None else self.order[a:b].astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _ByText:
    """Rows of the text with code c are ``order[starts[c]:starts[c + 1]]``."""

    codes: dict[str, int]
    order: NDArray[np.int32]
    starts: NDArray[np.int64]

    def positions(self, value: Any) -> NDArray[np.int64]:
        code = self.codes.get(value)
        if code is None:
            return np.empty(0, np.int64)
        return self.order[self.starts[code] : self.starts[code + 1]].astype(np.int64)


def order_of(column: pa.ChunkedArray) -> Order:
    """The order of a column of whole numbers or of texts."""
    if pa.types.is_integer(column.type):
        values = column.to_numpy().astype(np.int64)
        if (np.diff(values) >= 0).all():
            return _ByNumber(values, None)
        order = np.argsort(values, kind="stable")
        return _ByNumber(values[order], order.astype(np.int32))
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    whole = pa.chunked_array(coded.chunks or [pa.array([], coded.type)]).unify_dictionaries()
    texts = whole.chunk(0).dictionary.to_pylist()
    codes = np.concatenate([c.indices.fill_null(-1).to_numpy(zero_copy_only=False) for c in whole.chunks])
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(texts) + 1))
    return _ByText({text: code for code, text in enumerate(texts)}, order.astype(np.int32), starts)
