"""Parameters that several routes of the statistics API take, each with its bounds."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from gis.hotspots.ranks import Mode
from gis.views.thresholds import MOST_CELLS

__all__ = ["Id", "Least", "LeastCells", "Limit", "ModeQuery", "Offset", "Share", "Top", "UnitCode", "Year"]

Id = Annotated[
    str,
    Path(description="Id of a result, or latest, r-latest, z-latest, c-latest.", max_length=40, examples=["z-latest"]),
]
UnitCode = Annotated[str, Path(description="Code of a unit.", min_length=1, max_length=60)]
Year = Annotated[int | None, Query(description="Year; left out: the zoning's, or the run's last.", ge=0, le=9999)]
Share = Annotated[
    float | None, Query(description="Share that is hot, such as 0.05.", ge=0.0001, le=0.5, allow_inf_nan=False)
]
ModeQuery = Annotated[Mode | None, Query(description="What it is a share of.")]
Least = Annotated[int | None, Query(description="Pollutants that have to be hot.", ge=1, le=7)]
LeastCells = Annotated[
    int, Query(description="Cells of the smallest patch that has a class; 1: every patch has.", ge=1, le=MOST_CELLS)
]
Top = Annotated[int, Query(description="So many of the largest.", ge=1, le=100)]
Limit = Annotated[int, Query(description="Rows at most.", ge=1, le=10_000)]
Offset = Annotated[int, Query(description="Rows to leave out first.", ge=0, le=100_000_000)]
