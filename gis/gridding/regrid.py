"""Grid to grid, exact and conservative: amounts and densities move by area, and what leaves is measured.

An amount lies uniformly over the area of its source cell. A density is first made an amount with the ellipsoidal area of
its source cell, moved, then divided by the *full* ellipsoidal area of the target cell, so that amounts are conserved and a
target cell that the source covers in part holds less (``Regridder.coverage`` says how much of it is covered).

Within one CRS the shares are products of one-dimensional overlaps (``overlaps``). Between two CRSs every source cell is
projected as a polygon whose edges it shares with its neighbours (``crossing``). A ``Regridder`` keeps the shares;
``regrid`` and ``regrid_many`` take them patch by patch, of the cells that hold something, and keep none: their results
have the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from gis.errors import InvalidParameter
from gis.grid import Grid
from gis.gridding.crossing import Crossing, cross, crossings
from gis.gridding.overlaps import Overlaps, column_overlaps, row_overlaps
from gis.kernels.regrid import (
    blend_rows,
    fold_lost,
    mark_amounts,
    scan_rows,
    scatter_shares,
    sum_rows,
    sum_skipped,
)
from gis.projection import transformer

__all__ = ["Kind", "Regridded", "Regridder", "regrid", "regrid_many"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Kind(StrEnum):
    """What a cell's number is: amounts add, densities are averaged by area."""

    AMOUNT = "amount"
    DENSITY = "density"


@dataclass(frozen=True, slots=True, eq=False)
class Regridded:
    """Values on the target grid, and what is not among them."""

    values: Floats
    """Of the target's shape, behind the leading dimension of the input if it had one."""
    outside: Floats
    """Amount that lies outside the target, measured; for a density it is density × ellipsoidal area."""
    no_value: Ints
    """Number of source cells that held NaN; they contribute nothing."""


@dataclass(frozen=True, slots=True)
class Separable:
    """The plan within one CRS: overlaps of rows and of columns."""

    rows: Overlaps
    cols: Overlaps


@dataclass(frozen=True, slots=True, eq=False)
class Regridder:
    """The way from one grid to another, worked out once and applied to any number of layers."""

    source: Grid
    target: Grid
    plan: Separable | Crossing = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plan: Separable | Crossing
        if _one_crs(self.source, self.target):
            plan = Separable(row_overlaps(self.source, self.target), column_overlaps(self.source, self.target))
        else:
            plan = cross(self.source, self.target, threads=numba.get_num_threads())
        object.__setattr__(self, "plan", plan)

    @property
    def coverage(self) -> Floats:
        """Share of every target cell that the source grid reaches: 0 where it says nothing."""
        if isinstance(self.plan, Separable):
            return np.outer(self.plan.rows.covered, self.plan.cols.covered)
        return self.plan.coverage

    def apply(self, values: ArrayLike, *, kind: str = Kind.AMOUNT) -> Regridded:
        """The values on the target grid; (rows, cols) or (k, rows, cols), each layer as if it came alone."""
        what = _kind(kind)
        layers, leading = _layers(values, self.source)
        no_value = np.array([_scan(layer, n if leading else None) for n, layer in enumerate(layers)], np.int64)
        out = np.empty((len(layers), *self.target.shape))
        outside = np.array([self._move(layer, what, out[n]) for n, layer in enumerate(layers)])
        return Regridded(
            values=out.reshape(*leading, *self.target.shape),
            outside=outside.reshape(leading),
            no_value=no_value.reshape(leading),
        )

    def _move(self, layer: NDArray[Any], kind: Kind, out: Floats) -> float:
        if isinstance(self.plan, Crossing):
            return _scatter(
                self.plan, layer, self.source.cell_area_m2 if kind is Kind.DENSITY else None, out, self.target
            )
        if kind is Kind.AMOUNT:
            return _blend(self.plan, layer, out, None, None)
        if not (self.plan.rows.aligned and self.plan.cols.aligned):
            return _blend(self.plan, layer, out, self.source.cell_area_m2, self.target.cell_area_m2)
        # Cells of one lattice are copied bit for bit: × area ÷ area would round. The amounts outside still need areas.
        _blend(self.plan, layer, out, None, None)
        return _blend(self.plan, layer, np.empty_like(out), self.source.cell_area_m2, self.target.cell_area_m2)


def regrid(values: ArrayLike, source: Grid, target: Grid, *, kind: str) -> Regridded:
    """Values of the source grid on the target grid; ``kind`` is "amount" or "density".

    NaN is "no value": counted, contributing nothing. Infinite values are refused. For a density the amounts
    density × ellipsoidal source cell area are conserved, and the result is per full target cell area. To move many layers
    between the same grids, keep a ``Regridder``, or hand them all to ``regrid_many`` where its table would be too large.
    """
    what = _kind(kind)
    layers, leading = _layers(values, source)
    if _one_crs(source, target):
        return Regridder(source, target).apply(values, kind=kind)
    no_value = np.array([_scan(layer, n if leading else None) for n, layer in enumerate(layers)], np.int64)
    out = np.zeros((len(layers), *target.shape))
    outside = np.array(_stream(list(layers), [what] * len(layers), source, target, list(out)))
    return Regridded(out.reshape(*leading, *target.shape), outside.reshape(leading), no_value.reshape(leading))


def regrid_many(layers: Sequence[ArrayLike], source: Grid, target: Grid, *, kinds: Sequence[str]) -> list[Regridded]:
    """Each layer, (rows, cols) and of its own kind, on the target grid: bit for bit what ``regrid`` gives it alone.

    Between two CRSs all layers are moved in one pass over the source cells. The results are arrays of their own, so that
    one can be let go before another.
    """
    if len(layers) != len(kinds):
        raise InvalidParameter(f"{len(layers)} layers came with {len(kinds)} kinds; give one kind for each layer")
    what = [_kind(kind) for kind in kinds]
    arrays = [_layer(layer, source) for layer in layers]
    no_value = [np.asarray(_scan(array, n), np.int64) for n, array in enumerate(arrays)]
    if _one_crs(source, target):
        regridder = Regridder(source, target)
        return [regridder.apply(array, kind=kind) for array, kind in zip(arrays, what, strict=True)]
    out = [np.zeros(target.shape) for _ in arrays]
    outside = _stream(arrays, what, source, target, out)
    return [Regridded(*parts) for parts in zip(out, map(np.asarray, outside), no_value, strict=True)]


def _kind(kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        raise InvalidParameter(f"kind {kind!r} is not known; use one of {[k.value for k in Kind]}") from None


def _one_crs(source: Grid, target: Grid) -> bool:
    """Whether a pair of coordinates means the same place in both, so that edges stay edges."""
    if source.crs == target.crs:
        return True
    if not (source.is_geographic and target.is_geographic):
        return False
    x, y = (ends.ravel() for ends in np.meshgrid(source.x_edges[[0, -1]], source.y_edges[[0, -1]]))
    moved_x, moved_y = transformer(source.crs, target.crs).transform(x, y)
    return bool(np.array_equal(x, moved_x) and np.array_equal(y, moved_y))


def _layers(values: ArrayLike, source: Grid) -> tuple[NDArray[Any], tuple[int, ...]]:
    """The values as (k, rows, cols) of float32 or float64, and the leading shape they came with."""
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(np.float64), np.nan)
    array = np.asarray(values)
    if array.dtype.kind not in "fiub":
        raise InvalidParameter(f"values of type {array.dtype} cannot be moved; give real numbers")
    if array.ndim not in (2, 3) or array.shape[-2:] != source.shape:
        raise InvalidParameter(
            f"values of shape {array.shape} do not lie on the source grid; expected {source.shape} or (k, "
            f"{source.rows}, {source.cols})"
        )
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    array = np.ascontiguousarray(array, dtype=np.float32 if single else np.float64)
    return array.reshape(-1, *source.shape), array.shape[:-2]


def _layer(values: ArrayLike, source: Grid) -> NDArray[Any]:
    array, leading = _layers(values, source)
    if leading:
        raise InvalidParameter(f"a layer has shape {(*leading, *source.shape)}; expected {source.shape}")
    only: NDArray[Any] = array[0]
    return only


def _in_bands(count: int, work: Callable[[int, int], None]) -> None:
    """Run the work over bands of 0 … count in threads; every band owns its part of the output."""
    threads = min(numba.get_num_threads(), count)
    if threads <= 1:
        work(0, count)
        return
    ends = [count * t // threads for t in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, ends[:-1], ends[1:]))


def _scan(layer: NDArray[Any], number: int | None) -> int:
    """Number of cells without a value; an infinite one is refused by its place."""
    no_value, infinite = np.empty((2, layer.shape[0]), np.int64)
    _in_bands(layer.shape[0], lambda start, stop: scan_rows(layer, start, stop, no_value, infinite))
    if infinite.any():
        row = int(np.flatnonzero(infinite)[0])
        col = int(np.flatnonzero(np.isinf(layer[row]))[0])
        place = f"row {row}, column {col}" if number is None else f"layer {number}, row {row}, column {col}"
        raise InvalidParameter(
            f"{place}: {layer[row, col]} ({int(infinite.sum())} infinite cells in all); expected finite numbers, or "
            "NaN for no value"
        )
    return int(no_value.sum())


def _mark(layer: NDArray[Any], wanted: NDArray[np.bool_]) -> None:
    _in_bands(layer.shape[0], lambda start, stop: mark_amounts(layer, start, stop, wanted))


def _by_row(layer: NDArray[Any], area: Floats | None) -> tuple[NDArray[Any], Floats]:
    """The layer, and the factor of every row that makes amounts of it; an area that varies along rows goes into the layer."""
    if area is None:
        return layer, np.ones(layer.shape[0])
    if area.strides[1] == 0:
        return layer, np.ascontiguousarray(area[:, 0])
    return layer * area, np.ones(layer.shape[0])


def _blend(plan: Separable, layer: NDArray[Any], out: Floats, area: Floats | None, target_area: Floats | None) -> float:
    """Fill the target's values and return the amount outside; areas turn densities into amounts and back."""
    rows, cols = plan.rows, plan.cols
    layer, scale = _by_row(layer, area)
    weight = rows.weight * scale[rows.index]
    along_rows = target_area is not None and target_area.strides[1] != 0
    _, steps = _by_row(out, None if along_rows else target_area)
    spill = np.empty(rows.inside)

    def band(start: int, stop: int) -> None:
        blend_rows(
            layer, rows.start, rows.index, weight, cols.start, cols.index, cols.weight, steps, start, stop, out, spill
        )  # fmt: skip

    _in_bands(rows.inside, band)
    if target_area is not None and along_rows:
        out /= target_area
    left = slice(rows.start[rows.inside], None)
    index, left_weight = rows.index[left], weight[left]
    beyond = np.empty(len(index))
    _in_bands(len(index), lambda start, stop: sum_rows(layer, index, left_weight, start, stop, beyond))
    return math.fsum(spill) + math.fsum(beyond)


def _scatter(plan: Crossing, layer: NDArray[Any], area: Floats | None, out: Floats, target: Grid) -> float:
    """Fill the target's values and return the amount outside: the parts cut off, and the cells that never reach."""
    out[...] = 0.0
    flow = _Flow(*_by_row(layer, area), out, np.zeros(out.size))
    flow.add(plan.cells, plan.start, plan.index, plan.share, plan.beyond)
    return flow.finish(plan.planned, None if area is None else target.cell_area_m2)


def _stream(
    layers: list[NDArray[Any]], kinds: list[Kind], source: Grid, target: Grid, out: list[Floats]
) -> list[float]:
    """Fill the target's values of every layer, zeros before, and return the amounts outside."""
    wanted, planned = np.zeros((2, *source.shape), np.bool_)
    flows = []
    for layer, kind, values in zip(layers, kinds, out, strict=True):
        _mark(layer, wanted)
        area = source.cell_area_m2 if kind is Kind.DENSITY else None
        flows.append(_Flow(*_by_row(layer, area), values, np.zeros(target.size)))
    for shares in crossings(source, target, threads=numba.get_num_threads(), wanted=wanted):
        planned.reshape(-1)[shares[0]] = True
        for flow in flows:
            flow.add(*shares[:5])
    areas = [target.cell_area_m2 if kind is Kind.DENSITY else None for kind in kinds]
    return [flow.finish(planned, area) for flow, area in zip(flows, areas, strict=True)]


@dataclass(slots=True, eq=False)
class _Flow:
    """One layer on its way: the sums on the target so far, what their roundings lost, and the amounts cut off."""

    layer: NDArray[Any]
    scale: Floats
    out: Floats
    lost: Floats
    cut: list[Floats] = field(default_factory=list)

    def add(self, cells: Ints, start: Ints, index: Ints, share: Floats, beyond: Floats) -> None:
        """Add the shares of some source cells."""
        amounts = np.take(self.layer, cells) * self.scale[cells // self.layer.shape[1]]
        amounts[np.isnan(amounts)] = 0.0
        scatter_shares(amounts, start, index, share, self.out.reshape(-1), self.lost)
        off = np.flatnonzero(beyond)
        self.cut.append(amounts[off] * beyond[off])

    def finish(self, planned: NDArray[np.bool_], target_area: Floats | None) -> float:
        """Bring the sums to their final values; return the amount outside."""

        def settle(start: int, stop: int) -> None:
            cols = self.out.shape[1]
            fold_lost(self.out.reshape(-1), self.lost, start * cols, stop * cols)
            if target_area is not None:
                part = self.out[start:stop]
                # Where there is nothing the pages of a large target stay unwritten, and take no memory.
                np.divide(part, target_area[start:stop], out=part, where=part != 0.0)

        _in_bands(self.out.shape[0], settle)
        skipped = np.empty(self.layer.shape[0])
        _in_bands(len(skipped), lambda start, stop: sum_skipped(self.layer, planned, start, stop, skipped))
        return math.fsum(skipped * self.scale) + math.fsum(chain.from_iterable(self.cut))
