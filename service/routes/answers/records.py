"""Records: rows of tables as plain values for answers; what is missing is null."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from gis.zoning.reviews import halves

__all__ = ["plain", "records", "unit_record"]


def records(table: pd.DataFrame | pa.Table) -> list[dict[str, Any]]:
    """Rows as plain values, polygons left out."""
    if isinstance(table, pd.DataFrame):
        rows = table.drop(columns=[c for c in table.columns if c == "geometry"]).to_dict("records")
    else:
        rows = table.select([n for n in table.column_names if not n.startswith("geometry")]).to_pylist()
    return [{str(k): plain(v) for k, v in row.items()} for row in rows]


def plain(value: Any) -> Any:
    """A value as JSON knows it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if value is pd.NA else value


def unit_record(row: dict[str, Any], species: tuple[str, ...]) -> dict[str, Any]:
    """The row of a unit with its species in a list of their own."""
    found = {k: plain(v) for k, v in row.items()}
    out = {k: v for k, v in found.items() if not any(k in (f"{s}_t", f"{s}_t_km2", f"{s}_share") for s in species)}
    out["species"] = [
        {"species": s, "t": found[f"{s}_t"], "t_km2": found[f"{s}_t_km2"], "share": found[f"{s}_share"]}
        for s in species
    ]
    out["review_zh"], out["review_en"] = halves(found["review"])
    out["bbox"] = [found.get(side) for side in ("west", "south", "east", "north")]
    return out
