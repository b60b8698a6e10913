"""The torus on which hot sets are shifted: the window of a domain whose opposite edges meet, and its densest cells in lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gis.hotspots.domain import Domain
from gis.hotspots.ranks import RankLayer
from gis.kernels.shifts import Listed
from gis.kernels.torus import Torus, fill_words, list_cells, pack

__all__ = ["Laid", "listed_cells", "torus_of", "word_sums"]

_BIN, _BINS = 1 << 15, 32
_ALIKE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """A domain laid on a torus. ``order`` brings values of the domain into the torus' order; None where it is the same."""

    torus: Torus
    cells: NDArray[np.int64]
    order: NDArray[np.int64] | None
    row0: int
    col0: int
    cols: int

    def in_order(self, values: NDArray[Any]) -> NDArray[Any]:
        """Values (…, cells) in the torus' order, read-only."""
        return _frozen(values if self.order is None else values[..., self.order])


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    # Always contiguous and read-only, as a kernel is compiled anew for arrays that are not.
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def torus_of(domain: Domain) -> Laid:
    """The window of the domain's rows and columns as a torus.

    On a grid around the globe a domain over more than half of the columns has the globe's own circle; a smaller one has the shortest
    window, across the seam if need be.
    """
    cols = domain.grid.cols
    row0 = int(domain.cells[0] // cols)
    height = int(domain.cells[-1] // cols) - row0 + 1
    col0, width = _columns(domain)
    order = None
    cells, area = domain.cells, domain.area_km2
    if col0 + width > cols:
        row, col = domain.row_col
        order = np.argsort(row * cols + (col - col0) % cols, kind="stable")
        cells, area = _frozen(cells[order]), _frozen(area[order])
    pitch = -(-width // 64)
    words = np.zeros(height * pitch, np.uint64)
    twice = np.zeros((height, 2 * width // 64 + 2), np.uint64)
    extremes = np.full((height, 2), np.nan)
    pack(cells, area, cols, row0, col0, width, pitch, words, twice, extremes)
    first = np.empty(len(words), np.int32)
    word_area = np.empty(len(words))
    fill_words(words, area, first, word_area)
    row_area, by_row = _row_areas(domain, extremes)
    torus = Torus(height, width, pitch, words, twice, first, row_area, area, word_area, by_row)
    return Laid(torus, cells, order, row0, col0, cols)


def word_sums(torus: Torus, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of values (species, cells in the torus' order) over the cells of each word."""
    out = np.empty((len(values), len(torus.words)))
    for row, sums in zip(values, out, strict=True):
        fill_words(torus.words, row, np.empty_like(torus.first), sums)
    return out


def _row_areas(domain: Domain, extremes: NDArray[np.float64]) -> tuple[NDArray[np.float64], bool]:
    least, greatest = np.nan_to_num(extremes).T
    if domain.equal_area:
        return np.full(len(least), domain.total_area_km2 / domain.size), True
    by_row = bool((greatest - least <= _ALIKE * greatest).all())
    return (least.copy() if by_row else np.zeros(len(least))), by_row


def _columns(domain: Domain) -> tuple[int, int]:
    """The first column and the number of columns of the window."""
    cols = domain.grid.cols
    used = np.zeros(cols, np.bool_)
    used[domain.cells % cols] = True
    at = np.flatnonzero(used)
    if not domain.grid.wraps:
        return int(at[0]), int(at[-1] - at[0] + 1)
    gaps = np.diff(np.append(at, at[0] + cols))
    widest = int(np.argmax(gaps))
    width = cols - int(gaps[widest]) + 1
    if 2 * width > cols:
        return 0, cols
    return int(at[(widest + 1) % len(at)]), width


def listed_cells(laid: Laid, layers: Sequence[RankLayer], wanted: Sequence[int]) -> Listed:
    """The densest cells of each species, so many or more."""
    ends = [_ends(layer, count) for layer, count in zip(layers, wanted, strict=True)]
    sizes = [int(layer.count[e[-1]]) for layer, e in zip(layers, ends, strict=True)]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    bins = np.concatenate([[0], np.cumsum([len(e) for e in ends])])
    total = int(starts[-1])
    rows, columns, places = np.empty(total, np.int32), np.empty(total, np.int32), np.empty(total, np.int32)
    ranks, levels = np.empty(total, np.uint32), np.zeros((bins[-1], len(laid.torus.words)), np.uint64)
    begins = [np.zeros(0, np.int64)]
    for s, (layer, last) in enumerate(zip(layers, ends, strict=True)):
        here = slice(starts[s], starts[s + 1])
        count = layer.count[: last[-1] + 1].astype(np.int64)
        list_cells(
            laid.cells, laid.in_order(layer.rank), laid.cols, laid.row0, laid.col0, laid.torus.pitch, count, last,
            rows[here], columns[here], ranks[here], places[here], levels[bins[s] : bins[s + 1]],
        )  # fmt: skip
        begins.append(starts[s] + np.concatenate([[0], count[last[:-1]]]))
    whole = np.array([e[-1] == layer.ranks for layer, e in zip(layers, ends, strict=True)])
    return Listed(rows, columns, ranks, places, levels, np.append(np.concatenate(begins), total), bins, whole)


def _ends(layer: RankLayer, wanted: int) -> NDArray[np.int64]:
    """The last rank of each bin: bins hold about so many cells that a cut is soon found in one, and never part of a group of equals."""
    deepest = min(int(np.searchsorted(layer.count, wanted)), layer.ranks)
    size = int(layer.count[deepest])
    marks = np.searchsorted(layer.count[: deepest + 1], np.arange(0, size, max(_BIN, -(-size // _BINS)))[1:])
    return np.unique(np.append(marks, deepest)).astype(np.int64)
