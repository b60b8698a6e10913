"""Building weights: one part under one policy, from footprints and surrogates to shares."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from gis.allocation.footprints import Footprint, footprint, scale_rows
from gis.allocation.keys import codes_content, content_key, geometry_content, shapes_content, surrogate_content
from gis.allocation.policies import Policy
from gis.allocation.surrogates import Rasters, Spreader, spreader
from gis.allocation.weights import NOT_SERVED, PartWeights
from gis.errors import InvalidGeometry
from gis.grid import Grid
from gis.gridding.shapes import on_grid
from gis.inventory.description import Kind, OffGrid
from gis.inventory.model import Inventory, RasterSurrogate, SmokeSurrogate, SourcePart
from gis.projection import project

__all__ = ["Builder"]


@dataclass(eq=False)
class Builder:
    """Builds weights on one grid, keeping what several of them share: footprints, surrogates, and earlier weights."""

    inventory: Inventory
    grid: Grid
    earlier: dict[tuple[str, str], PartWeights] = field(default_factory=dict)
    _geometry: dict[str, Future[bytes]] = field(default_factory=dict)
    _raster: dict[str, Future[bytes]] = field(default_factory=dict)
    _surrogate: dict[tuple[str, int | None], bytes] = field(default_factory=dict)
    _footprints: dict[object, Footprint] = field(default_factory=dict)
    _spreaders: dict[tuple[str, int | None], Spreader] = field(default_factory=dict)
    _rasters: Rasters = field(init=False)

    def __post_init__(self) -> None:
        self._rasters = Rasters(self.grid, _rasters_used(self.inventory))
        # Hashing runs beside the first footprints: it reads every geometry and raster once, and waits for nothing.
        hasher = ThreadPoolExecutor(1, thread_name_prefix="hash")
        for part in self.inventory.parts:
            if isinstance(part, SourcePart) and part.policy.use == "emissions":
                self._geometry[part.name] = hasher.submit(geometry_content, part)
        for surrogate in self._rasters.wanted:
            self._raster[surrogate.name] = hasher.submit(surrogate_content, surrogate, self.inventory, None)
        hasher.shutdown(wait=False)

    def build(self, part: SourcePart, policy: Policy, used: NDArray[np.bool_]) -> PartWeights:
        """Weights of the used sources of a part; earlier ones when everything they depend on is the same."""
        key = self._key(part, policy)
        known = self.earlier.get((part.name, key))
        if known is not None and known.serves(used):
            return known.only(used)
        make: Callable[..., PartWeights] = self._points if part.kind is Kind.POINT else self._spread
        return make(part, policy, used, key)

    def _key(self, part: SourcePart, policy: Policy) -> str:
        pieces: list[bytes | str] = [self._geometry[part.name].result(), part.kind, part.policy.off_grid]
        pieces.append(f"{policy.identity!r}|{part.policy.densify_m!r}")
        for name in policy.chain:
            if name != "uniform":
                pieces += self._surrogate_pieces(part, name, policy.year)
        if policy.region is not None:
            pieces.append(shapes_content(policy.region))
        return content_key(self.grid, pieces)

    def _surrogate_pieces(self, part: SourcePart, name: str, year: int | None) -> list[bytes]:
        surrogate = self.inventory.surrogates[name]
        if name in self._raster:
            return [self._raster[name].result()]
        if (name, year) not in self._surrogate:
            self._surrogate[name, year] = surrogate_content(surrogate, self.inventory, year)
        codes = [codes_content(part)] if isinstance(surrogate, SmokeSurrogate) else []
        return [self._surrogate[name, year], *codes]

    # -- points ---------------------------------------------------------------------------------------------------

    def _points(self, part: SourcePart, policy: Policy, used: NDArray[np.bool_], key: str) -> PartWeights:
        n = len(part)
        x, y = self._xy(part)
        row, col = self.grid.index(x=x, y=y)
        cell = self.grid.cell_id(row=row, col=col)
        replaced = np.zeros(n, bool)
        if policy.region is not None:
            hole = on_grid(policy.region, self.grid)[0]
            shapely.prepare(hole)
            replaced = shapely.intersects_xy(hole, x, y)
        off = used & (cell < 0) & ~replaced
        notes: dict[str, float] = {}
        if off.any() and part.policy.off_grid is OffGrid.ERROR:
            first = int(np.flatnonzero(off)[0])
            raise InvalidGeometry(
                f"part {part.name!r}: source {part.sources['source_id'].iloc[first]!r} at x {x[first]:.6f}, y {y[first]:.6f} lies "
                f'outside {self.grid!r}, as {int(off.sum())} source(s) do; off_grid = "keep" would leave them in the ledger'
            )
        if off.any() and part.policy.off_grid is OffGrid.NEAREST:
            cell, moved = self._nearest(x, y, cell, off)
            notes = {"sources moved to the nearest cell": float(off.sum()), "farthest move": float(moved)}
            off = np.zeros(n, bool)
        placed = used & (cell >= 0) & ~replaced
        indptr = np.concatenate(([0], np.cumsum(placed)))
        shares = csr_array((np.ones(int(placed.sum())), cell[placed], indptr), shape=(n, self.grid.size))
        return PartWeights(
            part=part.name, kind=part.kind, chain=(), replaced_by=policy.identity[1], year=None, key=key, used=used,
            shares=shares, outside=off.astype(np.float64), superseded=(used & replaced).astype(np.float64),
            unallocatable=np.zeros(n), served=np.full(n, NOT_SERVED, np.int8), notes=notes,
        )  # fmt: skip

    def _xy(self, part: SourcePart) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        if part.x is None or part.y is None:
            raise InvalidGeometry(f"part {part.name!r}: point sources need x and y")
        if part.crs == self.grid.crs:
            return part.x, part.y
        x, y = project(part.crs, self.grid.crs, part.x, part.y)
        lost = np.flatnonzero(~(np.isfinite(x) & np.isfinite(y)))
        if len(lost):
            raise InvalidGeometry(
                f"part {part.name!r}: source {part.sources['source_id'].iloc[lost[0]]!r} cannot be brought to "
                f"{self.grid.crs.name}; {len(lost)} source(s) are concerned"
            )
        return x, y

    def _nearest(
        self, x: NDArray[np.float64], y: NDArray[np.float64], cell: NDArray[np.int64], off: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], float]:
        west, south, east, north = self.grid.bounds
        to_x, to_y = np.clip(x[off], west, east), np.clip(y[off], south, north)
        row, col = self.grid.index(x=to_x, y=to_y)
        out = cell.copy()
        out[off] = self.grid.cell_id(row=row, col=col)
        return out, float(np.hypot(to_x - x[off], to_y - y[off]).max())

    # -- lines and polygons ---------------------------------------------------------------------------------------

    def _spread(self, part: SourcePart, policy: Policy, used: NDArray[np.bool_], key: str) -> PartWeights:
        n = len(part)
        shape = self._footprint(part, policy)
        chain = policy.chain if part.kind is Kind.AREA else ("uniform",)
        served = np.full(n, NOT_SERVED, np.int8)
        rows: list[tuple[NDArray[np.int64], csr_array]] = []
        outside, superseded = np.zeros(n), np.zeros(n)
        open_ = used.copy()
        for position, name in enumerate(chain):
            if not open_.any():
                break
            found = self._spreader(name, policy.year)(part, shape)
            total = found.total
            mine = np.flatnonzero(open_ & (total > 0))
            if not len(mine):
                continue
            served[mine] = position
            open_[mine] = False
            factor = np.zeros(n)
            factor[mine] = 1.0 / total[mine]
            rows.append((mine, scale_rows(found.inside, factor)))
            outside[mine] = found.outside[mine] * factor[mine]
            superseded[mine] = found.cut[mine] * factor[mine]
        shares = _assemble(rows, n, self.grid.size)
        notes: dict[str, float] = {}
        if part.policy.off_grid is OffGrid.ERROR and (outside > 0.0).any():
            raise InvalidGeometry(_off_grid(part, outside, self.grid))
        if part.policy.off_grid is OffGrid.RENORMALISE:
            shares, outside, superseded, notes = _renormalised(shares, outside, superseded)
        return PartWeights(
            part=part.name, kind=part.kind, chain=policy.chain, replaced_by=policy.identity[1], year=policy.year, key=key,
            used=used, shares=shares, outside=outside, superseded=superseded,
            unallocatable=open_.astype(np.float64), served=served, notes=notes,
        )  # fmt: skip

    def _footprint(self, part: SourcePart, policy: Policy) -> Footprint:
        cuts = policy.identity[1]
        if (part.name, cuts) not in self._footprints:
            self._footprints[part.name, cuts] = footprint(
                gpd.GeoSeries(part.geometry, crs=part.crs),
                self.grid,
                kind=part.kind,
                densify_m=part.policy.densify_m,
                region=policy.region,
            )
        return self._footprints[part.name, cuts]

    def _spreader(self, name: str, year: int | None) -> Spreader:
        if (name, year) not in self._spreaders:
            self._spreaders[name, year] = spreader(name, self.inventory, self._rasters, year=year)
        return self._spreaders[name, year]

    def forget(self, part: SourcePart) -> None:
        """Let go of a part's footprints; they are as large as its weights."""
        self._footprints = {
            k: v for k, v in self._footprints.items() if not (isinstance(k, tuple) and k[0] == part.name)
        }


def _rasters_used(inventory: Inventory) -> tuple[RasterSurrogate, ...]:
    chains = [c for p in inventory.parts for c in (p.policy.surrogate, *p.policy.surrogates.values())]
    names = {n for c in chains for n in ([c] if isinstance(c, str) else c)}
    used = (inventory.surrogates[n] for n in sorted(names & inventory.surrogates.keys()))
    return tuple(s for s in used if isinstance(s, RasterSurrogate))


def _off_grid(part: SourcePart, outside: NDArray[np.float64], grid: Grid) -> str:
    first = int(np.argmax(outside))
    return (
        f"part {part.name!r}: {outside[first]:.3%} of source {part.sources['source_id'].iloc[first]!r} lies outside {grid!r}, as do "
        f'parts of {int((outside > 0).sum())} source(s) in all; off_grid = "keep" would leave them in the ledger'
    )


def _renormalised(
    shares: csr_array, outside: NDArray[np.float64], superseded: NDArray[np.float64]
) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64], dict[str, float]]:
    """Shares of which nothing is left outside; a source that has nothing inside stays outside."""
    moved = (outside > 0.0) & (np.diff(shares.indptr) > 0)
    factor = np.where(moved, 1.0 / (1.0 - np.where(moved, outside, 0.0)), 1.0)
    notes = {
        "sources renormalised": float(moved.sum()),
        "largest share moved inside": float(outside[moved].max(initial=0.0)),
    }
    return scale_rows(shares, factor), np.where(moved, 0.0, outside), superseded * factor, notes if moved.any() else {}


def _assemble(rows: list[tuple[NDArray[np.int64], csr_array]], n: int, cells: int) -> csr_array:
    """One matrix of all sources, each row from the surrogate that served it, without zeros."""
    if not rows:
        return csr_array((n, cells))
    if len(rows) == 1:
        whole = rows[0][1]
    else:
        stacked = vstack([matrix[mine] for mine, matrix in rows], format="csr")
        order = np.full(n, -1, np.int64)
        order[np.concatenate([mine for mine, _ in rows])] = np.arange(stacked.shape[0])
        count = np.where(order >= 0, np.diff(stacked.indptr)[order], 0)
        served = np.flatnonzero(order >= 0)
        picked = stacked[order[served]]
        indptr = np.concatenate(([0], np.cumsum(count)))
        whole = csr_array((picked.data, picked.indices, indptr), shape=(n, cells))
    if (whole.data == 0.0).any():
        whole = whole.copy()  # its index arrays are the footprint's
        whole.eliminate_zeros()
    return whole
