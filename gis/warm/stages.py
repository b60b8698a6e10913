"""Stages of compiling, in the order in which work from files to the map needs their kernels, and the tasks of each."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TASKS", "Stage"]


class Stage(StrEnum):
    """What the kernels are needed for."""

    GRIDDING = "gridding"
    ZONING = "zoning"
    LOOKING = "looking"
    # What the way from files to the map does not take: other grids, options off the defaults, what is asked later.
    REST = "rest"


# Within a stage the long ones first; a task that reaches kernels of others after them, so that it finds them there.
TASKS: dict[Stage, tuple[str, ...]] = {
    Stage.GRIDDING: (
        "polygons on the globe", "lines on a plane", "polygons on a plane", "amounts to a plane", "datums", "a run",
    ),
    Stage.ZONING: ("ranks", "evidence", "membership", "delineation", "overlap and trends"),
    Stage.LOOKING: ("tiles", "vector tiles", "results"),
    Stage.REST: (
        "points", "lines on the globe", "statistics", "zonal statistics", "membership by mass", "amounts to the globe", "densities",
    ),
}  # fmt: skip
