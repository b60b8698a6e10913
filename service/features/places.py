"""Spatial conditions: how shapes lie to a given one, in CRS84."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from service.features.rows import Block, Bounds, Ints

__all__ = ["RELATIONS", "Spatial"]

# Of the given shape to those of the features, so that the given one can be prepared once.
RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "s_intersects": shapely.intersects,
    "s_disjoint": shapely.disjoint,
    "s_within": shapely.contains,
    "s_contains": shapely.within,
    "s_equals": shapely.equals,
    "s_touches": shapely.touches,
    "s_crosses": shapely.crosses,
    "s_overlaps": shapely.overlaps,
}
# Relations that hold for whatever lies inside a rectangle.
_INSIDE = ("s_intersects",)


@dataclass(frozen=True, slots=True, eq=False)
class Spatial:
    """A relation of features to a shape in CRS84; ``s_within`` means that the feature lies within the shape."""

    relation: str
    shape: shapely.Geometry
    # West, south, east, north, where the shape is this rectangle and nothing else.
    rectangle: Bounds | None = None
    _box: Bounds = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shapely.prepare(self.shape)
        object.__setattr__(self, "_box", tuple(float(v) for v in shapely.bounds(self.shape)))

    @property
    def key(self) -> str:
        """The relation and the shape's bytes."""
        return f"{self.relation}({shapely.to_wkb(self.shape, hex=True)})"

    @property
    def bounds(self) -> Bounds | None:
        """The box of the shape; none for what lies apart from it."""
        return None if self.relation == "s_disjoint" else self._box

    @property
    def years(self) -> tuple[int, int] | None:
        """No span."""
        return None

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which shapes lie so; shapely is asked only about those whose boxes leave it open."""
        sides = block.boxes() if wanted is None else tuple(side[wanted] for side in block.boxes())
        west, south, east, north = sides
        box = self._box
        near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
        out = np.full(len(west), self.relation == "s_disjoint")
        if self.rectangle is not None and self.relation in _INSIDE:
            inside = (west >= box[0]) & (east <= box[2]) & (south >= box[1]) & (north <= box[3])
            out[inside] = True
            near &= ~inside
        at = np.flatnonzero(near)
        if len(at):
            shapes = block.shapes(at if wanted is None else wanted[at])
            out[at] = RELATIONS[self.relation](self.shape, shapes)
        return pa.array(out)
