"""Drawings: how each kind of layer becomes indices of a tile's pixels. Making one reads its planes; calling it samples them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.exports.styles import TIER_STYLES
from gis.hotspots.ranks import Mode, order_of
from gis.tiles.footprint import Footprint
from gis.tiles.raster import sample_change, sample_density, sample_highest, sample_values
from gis.tiles.scales import SHARES
from gis.views.layers import Kind, RasterLayer, Result, Value, find_layer, read_parameters
from gis.views.meanings import Meaning, meaning
from gis.views.thresholds import defaults_of, threshold_of
from gis.views.views import Views
from gis.workspace import Run, StoredComparison, StoredZoning

__all__ = ["Asked", "Drawing", "drawing", "meaning_of"]

Bytes = NDArray[np.uint8]
Drawing = Callable[[Footprint], Bytes]
_SAME = np.arange(256, dtype=np.uint8)
# From strength of evidence, which a parent has the highest of, to the numbers of the tiers.
_TIER_OF_STRENGTH = np.array([0, 3, 2, 1, *[0] * 252], np.uint8)
if len(TIER_STYLES) != np.count_nonzero(_TIER_OF_STRENGTH):
    raise AssertionError("a tier was added: say how strong it is")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a client asked for, checked: a layer, values for all its parameters, the name of a style."""

    result: Result
    run: Run | None
    layer: RasterLayer
    values: Mapping[str, Value]
    style: str

    @classmethod
    def of(cls, result: Result, run: Run | None, layer: str, parameters: Mapping[str, str], style: str | None) -> Asked:
        """What was asked in texts; an unknown layer is not found, whatever else is strange is refused with what is allowed."""
        found = find_layer(result, run, layer)
        return cls(result, run, found, read_parameters(found, parameters), found.style(style))

    @property
    def key(self) -> tuple[str, ...]:
        """The one name of everything that looks the same."""
        return (self.result.id, self.layer.id, self.style, *(f"{name}={value}" for name, value in self.values.items()))

    @property
    def emissions(self) -> Run:
        """The run whose emissions are shown."""
        found = self.result if isinstance(self.result, Run) else self.run
        if found is None:
            raise InvalidParameter(f"layer {self.layer.id} of {self.result.id} is of its run, which has to be given")
        return found

    @property
    def subject(self) -> Run | StoredZoning:
        """The result, which has emissions."""
        if isinstance(self.result, StoredComparison):
            raise InvalidParameter(f"{self.result.id} is a comparison, and layer {self.layer.id} shows emissions")
        return self.result

    @property
    def species(self) -> str:
        """The species that is shown."""
        return self.layer.species or ""

    @property
    def year(self) -> int:
        """The year that is shown."""
        return int(self.values["year"])

    @property
    def mode(self) -> Mode:
        """What shares are of."""
        return Mode(str(self.values["mode"]))


def meaning_of(views: Views, asked: Asked) -> Meaning:
    """What the indices of a layer mean."""
    kind = asked.layer.kind
    graded = kind in (Kind.DENSITY, Kind.CHANGE)
    return meaning(kind, asked.style, views.scale(asked.emissions, asked.species) if graded else None)


def drawing(views: Views, asked: Asked) -> Drawing:
    """What turns a footprint into indices: everything it draws from is at hand once this is made."""
    return _DRAWINGS[asked.layer.kind](views, asked)


# -- what is more or less -------------------------------------------------------------------------------------------------


def _density(views: Views, asked: Asked) -> Drawing:
    grid, breaks = asked.result.grid, meaning_of(views, asked).breaks
    plane = views.amounts(asked.emissions, asked.year, asked.species, asked.layer.sector)
    return lambda place: sample_density(plane, grid, place, breaks)


def _change(views: Views, asked: Asked) -> Drawing:
    grid, breaks = asked.result.grid, meaning_of(views, asked).breaks
    before, after = (views.amounts(asked.emissions, int(asked.values[y]), asked.species) for y in ("from", "to"))
    return lambda place: sample_change(before, after, grid, place, breaks)


def _membership(views: Views, asked: Asked) -> Drawing:
    breaks = meaning_of(views, asked).breaks
    plane = views.zoned(_zoning(asked), f"{asked.species}_membership" if asked.species else "membership")
    return lambda place: sample_values(plane, place, breaks)


# -- ranks ----------------------------------------------------------------------------------------------------------------


def _rank(views: Views, asked: Asked) -> Drawing:
    return _cut(views, asked, SHARES, last=len(SHARES) + 1)


def _hot(views: Views, asked: Asked) -> Drawing:
    return _cut(views, asked, (float(asked.values["share"]),), last=0)


def _cut(views: Views, asked: Asked, shares: tuple[float, ...], *, last: int) -> Drawing:
    """Ranks cut at shares: 1 for what is within the first, ``last`` for what is beyond all of them."""
    hot = defaults_of(asked.subject)
    view = views.ranks(asked.emissions, asked.year, asked.species, order_of(asked.mode), among=hot.among)
    cuts = np.array([view.cut(asked.mode, q, tie_overshoot=hot.tie_overshoot).rank for q in shares])
    # Where a domain is small, shares are cut at the same rank: what would lie between them is empty.
    breaks, first = np.unique(cuts + 1.0, return_index=True)
    table = np.zeros(256, np.uint8)
    table[1 : len(first) + 1] = first + 1
    table[len(first) + 1] = last
    return lambda place: np.take(table, sample_values(view.plane, place, breaks))


# -- classes --------------------------------------------------------------------------------------------------------------


def _class(views: Views, asked: Asked) -> Drawing:
    threshold = threshold_of(
        asked.subject,
        share=float(asked.values["share"]), mode=asked.mode,
        min_pollutants=int(asked.values["min_pollutants"]) if "min_pollutants" in asked.values else None,
        min_cells=int(asked.values["min_cells"]),
    )  # fmt: skip
    plane = views.threshold(asked.emissions, asked.year, threshold).classes
    return lambda place: sample_highest(plane, place, _SAME)


def _zoned(views: Views, asked: Asked) -> Drawing:
    plane = views.zoned(_zoning(asked), "class")
    return lambda place: sample_highest(plane, place, _SAME)


def _tier(views: Views, asked: Asked) -> Drawing:
    plane = views.evidence(_zoning(asked))
    return lambda place: sample_highest(plane, place, _TIER_OF_STRENGTH)


def _changes(views: Views, asked: Asked) -> Drawing:
    if not isinstance(asked.result, StoredComparison):
        raise InvalidParameter(f"{asked.result.id} is no comparison")
    plane = views.changes(asked.result)
    return lambda place: sample_highest(plane, place, _SAME)


def _zoning(asked: Asked) -> StoredZoning:
    if not isinstance(asked.result, StoredZoning):
        raise InvalidParameter(f"{asked.result.id} is no zoning")
    return asked.result


_DRAWINGS: Mapping[Kind, Callable[[Views, Asked], Drawing]] = {
    Kind.DENSITY: _density, Kind.CHANGE: _change, Kind.MEMBERSHIP: _membership, Kind.RANK: _rank, Kind.HOT: _hot,
    Kind.CLASS: _class, Kind.ZONED: _zoned, Kind.TIER: _tier, Kind.CHANGES: _changes,
}  # fmt: skip
