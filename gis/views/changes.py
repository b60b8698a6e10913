"""Changes: a comparison as features: pairs of units with what became of them, and every cell whose class is not the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from gis.views.frames import Batches, batches_of
from gis.views.lattice import corners, polygons
from gis.views.lonlat import wkb_array
from gis.views.tables import Stored, kept_table
from gis.workspace import StoredComparison, StoredZoning

__all__ = ["change_columns", "change_count", "open_changes"]

_UNITS = ("lineage", "a_class", "b_class", "a_km2", "b_km2", "overlap_km2", "share_a", "share_b", "jaccard")
_CELLS = ("cell", "row", "col", "area_km2", "a_class", "b_class")


def change_columns(comparison: StoredComparison) -> tuple[str, ...]:
    """Columns of the table, but for the geometry."""
    return (
        "id",
        "element",
        "change",
        "a_class",
        "b_class",
        "a",
        "b",
        *_UNITS[3:],
        "lineage",
        *_CELLS[:4],
        *_masses(comparison),
    )


def _masses(comparison: StoredComparison) -> list[str]:
    return [f"{s}_{side}_t" for s in comparison.species for side in ("a", "b")]


def change_count(comparison: StoredComparison) -> int:
    """Number of features, without reading any."""
    return comparison.tables.rows("units") + comparison.tables.rows("cells")


def open_changes(views_dir: Path, comparison: StoredComparison, a: StoredZoning, b: StoredZoning) -> Stored:
    """The table of changes; made first if it is not there yet. ``a`` and ``b`` are the zonings that are compared.

    ``element`` is unit or cell; ``change`` of a unit its relation (same, changed, split, merge, rearranged, entered, left), of a
    cell entered, left or changed; ``a`` and ``b`` are units. The shape is the later unit's, the earlier's where it left.
    """
    return kept_table(views_dir, comparison, "changes", lambda: _batches(comparison, a, b))


def _batches(comparison: StoredComparison, a: StoredZoning, b: StoredZoning) -> Batches:
    masses = _masses(comparison)
    units, cells = comparison.tables["units"], comparison.tables["cells"]
    unit_part = pd.DataFrame({"element": "unit", "change": units["relation"], "a": units["a"], "b": units["b"]})
    cell_part = pd.DataFrame({"element": "cell", "change": cells["change"], "a": cells["a_unit"], "b": cells["b_unit"]})
    unit_part[[*_UNITS, *masses]] = units[[*_UNITS, *masses]]
    cell_part[[*_CELLS, *masses]] = cells[[*_CELLS, *masses]]
    frame = pd.concat([unit_part, cell_part], ignore_index=True)
    shapes = pa.chunked_array([_unit_shapes(units, a, b), _cell_shapes(comparison, cells)])
    columns: dict[str, pa.Array] = {"id": pa.array(np.arange(len(frame)))}
    for name in change_columns(comparison)[1:]:
        kind = pa.int64() if name in ("cell", "row", "col") else None
        columns[name] = pa.Array.from_pandas(frame[name], type=kind)
    columns["geometry"] = shapes.combine_chunks()
    return batches_of(pa.table(columns), comparison.grid.crs, comparison.grid)


def _unit_shapes(units: pd.DataFrame, a: StoredZoning, b: StoredZoning) -> pa.Array:
    later, earlier = _shapes(b), _shapes(a)
    chosen = [later[new] if new else earlier[old] for old, new in zip(units["a"], units["b"], strict=True)]
    out = np.empty(len(chosen), object)
    out[:] = chosen
    return wkb_array(out)


def _shapes(zoning: StoredZoning) -> dict[str, object]:
    units = zoning.tables["units"]
    return dict(zip(units["unit"], units["geometry"], strict=True))


def _cell_shapes(comparison: StoredComparison, cells: pd.DataFrame) -> pa.Array:
    row, col = (_whole(cells[n]) for n in ("row", "col"))
    return polygons(corners(comparison.grid, row, col))


def _whole(column: pd.Series[int]) -> NDArray[np.int64]:
    return np.asarray(column, np.int64)
