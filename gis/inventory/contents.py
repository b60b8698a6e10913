"""The canonical order of sources: near each other on the map first, then by digests of who they are, and what they emit.

Places and ids decide before names and amounts do, so that new amounts of the same sources leave the order as it was.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gis.kernels.digests import digest_slices, mix_words

__all__ = ["Digest", "spatial_code"]

Floats = NDArray[np.float64]
Words = NDArray[np.uint64]
_SEEDS = (0x636F7A6F6E65, 0x656D6974)


class Digest:
    """Two 64-bit digests a source; what is added to it, in which order, decides them."""

    def __init__(self, n: int) -> None:
        self.words: tuple[Words, ...] = tuple(np.full(n, seed, np.uint64) for seed in _SEEDS)

    def add_numbers(self, values: NDArray[np.float64] | NDArray[np.int64]) -> None:
        """Add a number each."""
        bits = np.ascontiguousarray(values).view(np.uint64)
        for out in self.words:
            mix_words(bits, out)

    def add_texts(self, column: pa.Array) -> None:
        """Add a text each."""
        large = column.cast(pa.large_string())
        _, offsets, data = large.buffers()
        edges = np.frombuffer(offsets, np.int64)[large.offset : large.offset + len(large) + 1]
        payload = np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)
        for out in self.words:
            digest_slices(payload, edges[:-1], edges[1:], out)

    def add_shapes(self, shapes: NDArray[np.object_]) -> None:
        """Add a line or polygon each: type, coordinates, and how they make rings and parts."""
        if not len(shapes):
            return
        self.add_numbers(shapely.get_type_id(shapes).astype(np.int64))
        _, coordinates, offsets = shapely.to_ragged_array(shapes, include_z=False)
        edges = [np.asarray(o, np.int64) for o in offsets]
        # From geometries down to coordinates: at each level, how many of the next level belong to each one.
        first = np.arange(len(shapes) + 1)
        for level in reversed(edges):
            self._add_slices(np.diff(level), first)
            first = level[first]
        self._add_slices(np.ascontiguousarray(coordinates).view(np.uint64).ravel(), first * 2)

    def _add_slices(self, words: NDArray[np.int64] | Words, edges: NDArray[np.int64]) -> None:
        for out in self.words:
            digest_slices(words.view(np.uint64), edges[:-1], edges[1:], out)

    def add_entries(self, start: NDArray[np.int64], columns: list[NDArray[np.int64] | Floats]) -> None:
        """Add the entries of every source: rows ``start[i]`` to ``start[i + 1]`` of the columns."""
        for column in columns:
            self._add_slices(np.ascontiguousarray(column).view(np.uint64), start)

    def copy(self) -> Digest:
        """What has been added so far, apart from what will be."""
        out = Digest(0)
        out.words = tuple(w.copy() for w in self.words)
        return out

    def order(self, code: NDArray[np.uint64], *, then: Digest | None = None) -> NDArray[np.int64]:
        """Positions in canonical order: ``code`` first, then this digest, then another one."""
        # One word decides nearly always; where it ties, all digests do, and what is left are equals, kept as they came.
        key = (code << np.uint64(32)) | (self.words[0] >> np.uint64(32))
        order: NDArray[np.int64] = np.argsort(key)
        same = key[order][1:] == key[order][:-1]
        if same.any():
            tied = np.r_[same, False] | np.r_[False, same]
            some = np.sort(order[tied])
            words = [w[some] for w in (*(then.words[::-1] if then is not None else ()), *self.words[::-1])]
            order[tied] = some[np.lexsort((*words, key[some]))]
        return order


def spatial_code(x: Floats, y: Floats) -> NDArray[np.uint64]:
    """Z-order of points within their own bounds, 16 bits an axis: neighbours on the map come near each other."""
    return _spread(_quantised(x)) | (_spread(_quantised(y)) << np.uint64(1))


def _quantised(values: Floats) -> NDArray[np.uint64]:
    finite = np.where(np.isfinite(values), values, 0.0)
    if not len(finite):
        return np.zeros(0, np.uint64)
    # Halves: the span of two far numbers may overflow.
    low, half_span = finite.min() / 2, finite.max() / 2 - finite.min() / 2
    if half_span == 0.0:
        return np.zeros(len(finite), np.uint64)
    steps: NDArray[np.uint64] = ((finite / 2 - low) / half_span * 65535.0).astype(np.uint64)
    return steps


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    out = values
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        out = (out | (out << np.uint64(shift))) & np.uint64(mask)
    return out
