"""Ranks as they are looked at: a plane to draw from and the tables that a cut is found in, both memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gis.errors import CorruptObject
from gis.hotspots.domain import Domain
from gis.hotspots.ranks import Cut, Mode, Order, RankLayer
from gis.tiles.plane import Plane
from gis.views.files import write_aside

__all__ = [
    "DomainView",
    "RankView",
    "read_columns",
    "read_domain",
    "read_ranks",
    "write_columns",
    "write_domain",
    "write_ranks",
]

_HEADER = b"cozone"


@dataclass(frozen=True, slots=True, eq=False)
class DomainView:
    """The cells in which decisions are made, as stretches of cells that follow one another: ``start`` to before ``stop``."""

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    size: int
    area_km2: float
    equal_area: bool

    @property
    def cells(self) -> NDArray[np.int64]:
        """The ids of the cells, ascending."""
        length = self.stop - self.start
        first = np.cumsum(length) - length
        out: NDArray[np.int64] = np.arange(self.size, dtype=np.int64) + np.repeat(self.start - first, length)
        return out

    def positions(self, cells: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions of some of the cells among them."""
        stretch = np.searchsorted(self.start, cells, side="right") - 1
        before = np.cumsum(self.stop - self.start) - self.stop
        out: NDArray[np.int64] = cells + before[stretch]
        return out


@dataclass(frozen=True, slots=True, eq=False)
class RankView:
    """Ranks of a species' cells: ``plane`` has the grid's shape, 0 where nothing is emitted or decided; a parent has the best below it.

    ``layer`` is the rank layer that a zoning of the same run would cut, its ranks those of the plane, cell by cell of the grid.
    """

    plane: Plane
    layer: RankLayer

    def cut(self, mode: Mode, q: float, *, tie_overshoot: float = 0.005) -> Cut:
        """Where a hot set of this share is cut."""
        return self.layer.cut(mode, q, tie_overshoot=tie_overshoot)

    def share(self, mode: Mode, rank: int) -> float:
        """Share of the area, of the cells or of the mass that is held by cells of this rank and better ones."""
        return min(self.layer.held(mode, rank) / (self.layer.whole(mode) or 1.0), 1.0)


# -- domains --------------------------------------------------------------------------------------------------------------


def write_domain(domain: Domain, path: Path) -> None:
    """Write a domain as stretches of cells."""
    breaks = np.flatnonzero(np.diff(domain.cells) != 1) + 1
    start = domain.cells[np.concatenate(([0], breaks))]
    stop = domain.cells[np.concatenate((breaks, [domain.size])) - 1] + 1
    about = {"size": domain.size, "area_km2": domain.total_area_km2, "equal_area": domain.equal_area}
    write_columns(path, {"start": start, "stop": stop}, about)


def read_domain(path: Path) -> DomainView:
    """The domain of a file."""
    columns, about = read_columns(path)
    return DomainView(columns["start"], columns["stop"], about["size"], about["area_km2"], about["equal_area"])


# -- tables of ranks ------------------------------------------------------------------------------------------------------


def write_ranks(layer: RankLayer, path: Path) -> None:
    """Write what a cut is found in: all of a rank layer but the ranks."""
    columns: dict[str, NDArray[Any]] = {"count": layer.count, "mass_t": layer.mass_t}
    if layer.area_by_rank_km2 is not None:
        columns["area_km2"] = layer.area_by_rank_km2
    about = {
        "order": str(layer.order), "total_count": layer.total_count, "total_area_km2": layer.total_area_km2,
        "total_mass_t": layer.total_mass_t,
    }  # fmt: skip
    write_columns(path, columns, about)


def read_ranks(path: Path, plane: Plane) -> RankView:
    """The view of a plane of ranks and the file of its tables."""
    columns, about = read_columns(path)
    layer = RankLayer(
        order=Order(about["order"]), rank=plane.levels[0].reshape(-1), count=columns["count"], mass_t=columns["mass_t"],
        total_count=about["total_count"], total_area_km2=about["total_area_km2"], total_mass_t=about["total_mass_t"],
        area_by_rank_km2=columns.get("area_km2"),
    )  # fmt: skip
    return RankView(plane, layer)


# -- columns in a file ----------------------------------------------------------------------------------------------------


def write_columns(path: Path, columns: Mapping[str, NDArray[Any]], about: Mapping[str, Any]) -> None:
    """Write numbers as an uncompressed Arrow file, which is read as a memory map."""
    batch = pa.record_batch({name: pa.array(values) for name, values in columns.items()})
    batch = batch.replace_schema_metadata({_HEADER: json.dumps(about, sort_keys=True).encode()})

    def write(file: object) -> None:
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)

    write_aside(path, write)


def read_columns(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read-only columns of a file, and what was said about them."""
    try:
        with pa.memory_map(str(path)) as source:
            batch = pa.ipc.open_file(source).get_batch(0)
        columns = {name: batch.column(name).to_numpy(zero_copy_only=True) for name in batch.schema.names}
        return columns, json.loads(batch.schema.metadata[_HEADER])
    except (pa.ArrowInvalid, KeyError, TypeError, ValueError, IndexError) as error:
        raise CorruptObject(f"{path}: not a file of views: {error}") from error
