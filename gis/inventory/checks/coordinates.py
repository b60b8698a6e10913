"""Coordinates that cannot be meant: null island, swapped axes, off the globe, metres for degrees and the reverse."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.inventory.checks.marks import Marks
from gis.inventory.checks.within import Stated
from gis.regions.measure import shapes_of

__all__ = ["centres", "coordinate_findings", "headings"]

# About a kilometre: a missing coordinate written as 0 often carries a rounding.
_NEAR_NULL_DEG = 0.01
# A border at a pole, brought there from another CRS, may pass it by a rounding.
_ROUNDING_DEG = 1e-9
# No longitude or latitude is beyond this, and no easting or northing of a real place in metres is so small by accident twice.
_DEGREES = 360.0
_METRES = 1000.0


def centres(marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A place for each source: points as they stand, other geometries by the middle of their box."""
    part = marks.part
    if part.x is not None and part.y is not None:
        return part.x, part.y
    box = shapely.bounds(shapes_of(part.geometry)).reshape(-1, 4)
    return (box[:, 0] + box[:, 2]) / 2, (box[:, 1] + box[:, 3]) / 2


def _half_sizes(marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far each source reaches from its place, in x and in y; points not at all."""
    part = marks.part
    if part.x is not None:
        return np.zeros(len(part)), np.zeros(len(part))
    box = shapely.bounds(shapes_of(part.geometry)).reshape(-1, 4)
    return (box[:, 2] - box[:, 0]) / 2, (box[:, 3] - box[:, 1]) / 2


def headings(marks: Marks) -> str:
    """The headings the coordinates came from."""
    columns = marks.part.policy.columns
    return ", ".join(c for c in (columns.x, columns.y, columns.wkt) if c)


def coordinate_findings(marks: Marks, region: Stated | None) -> None:
    """Mark the sources whose coordinates cannot be meant, against what the inventory says it covers; they are refused."""
    x, y = centres(marks)

    def value(i: int) -> str:
        return f"{x[i]:.10g}, {y[i]:.10g}"

    column = headings(marks)
    finite = np.isfinite(x) & np.isfinite(y)
    if marks.part.x is not None:
        marks.refuse(
            ~finite,
            "coordinate-not-finite",
            lambda i: "the coordinates are not two finite numbers; give both",
            column=column,
            value=value,
        )
    if marks.part.crs.is_geographic:
        _degrees(marks, x, y, finite, region, column)
    else:
        _metres(marks, x, y, finite, region, column)


def _degrees(
    marks: Marks,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    finite: NDArray[np.bool_],
    region: Stated | None,
    column: str,
) -> None:
    def value(i: int) -> str:
        return f"{x[i]:.10g}, {y[i]:.10g}"

    # What merely has its middle there, as the globe has, is no missing coordinate.
    wide, high = _half_sizes(marks)
    null = finite & (np.abs(x) + wide <= _NEAR_NULL_DEG) & (np.abs(y) + high <= _NEAR_NULL_DEG)
    marks.refuse(
        null,
        "null-island",
        lambda i: (
            "longitude and latitude are (0, 0) or within a kilometre of it: a missing coordinate, in all likelihood"
        ),
        column=column,
        value=value,
    )
    off = finite & ((np.abs(y) > 90) | (x < -180) | (x > 360))
    marks.refuse(
        off & (np.maximum(np.abs(x), np.abs(y)) >= _METRES),
        "projected-coordinates",
        lambda i: (
            f"these look like metres of a projection, and the part is read as {marks.part.crs.name}; state its crs"
        ),
        column=column,
        value=value,
    )
    marks.refuse(
        _swapped(x, y, finite, off, region),
        "swapped-coordinates",
        lambda i: (
            "longitude and latitude look swapped: only the other way round do they lie "
            f"{region.name if region else 'on the globe'}"
        ),
        column=column,
        value=value,
    )
    marks.refuse(
        off | (finite & (np.abs(y) + high > 90 + _ROUNDING_DEG)),
        "coordinate-range",
        lambda i: "longitude has to lie within -180 to 360 and latitude within -90 to 90",
        column=column,
        value=value,
    )


def _swapped(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    finite: NDArray[np.bool_],
    off: NDArray[np.bool_],
    region: Stated | None,
) -> NDArray[np.bool_]:
    possible = finite & (np.abs(x) <= 90) & (np.abs(y) <= 360) & (y >= -180)
    if region is None:
        return possible & off
    # Only what lies outside as given is worth asking about the other way round.
    out = np.zeros(len(x), dtype=bool)
    rows = np.flatnonzero(possible & (off | ~region.inside))
    out[rows[region.holds(y[rows], x[rows])]] = True
    return out


def _metres(
    marks: Marks,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    finite: NDArray[np.bool_],
    region: Stated | None,
    column: str,
) -> None:
    def value(i: int) -> str:
        return f"{x[i]:.10g}, {y[i]:.10g}"

    marks.refuse(
        finite & (x == 0) & (y == 0),
        "null-island",
        lambda i: "the coordinates are (0, 0): a missing coordinate, in all likelihood",
        column=column,
        value=value,
    )
    degrees = finite & (np.abs(x) <= _DEGREES) & (np.abs(y) <= 90)
    rows = np.flatnonzero(degrees)
    if not len(rows):
        return
    # A place within 360 m of a projection's origin is possible: it takes the region, or the whole part, to tell.
    if region is not None:
        sure = rows[~region.inside[rows]]
    else:
        sure = rows if 2 * len(rows) > int(finite.sum()) else rows[:0]
    mask = np.zeros(len(x), dtype=bool)
    mask[sure] = True
    reason = f"these look like degrees, and the part is read as {marks.part.crs.name}, in metres; state its crs"
    marks.refuse(mask, "degrees-for-metres", lambda i: reason, column=column, value=value)
    if region is None:
        marks.warn(degrees & ~mask, "degrees-for-metres", lambda i: reason, column=column, value=value)
