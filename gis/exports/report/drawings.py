"""What the report draws of a zoning: its maps. Everything is in the grid's CRS, with the north of the grid up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from gis.exports.report.maps import FINE, Frame, ScaleBar
from gis.exports.report.png import data_address, shrink
from gis.exports.styles import CLASS_STYLES, CONFLICT_STYLES, TIER_STYLES
from gis.grid import Window
from gis.zoning.classes import CellClass
from gis.zoning.model import Zoning

__all__ = ["HOT", "Drawings", "Layer", "Map"]

Colour = tuple[int, int, int]
Bounds = tuple[float, float, float, float]
_WIDE, _SMALL, _UNIT = 760.0, 340.0, 300.0
# Pixels of a picture for each point of the page.
_SHARP = 2.0
# More polygons than these are shown as a picture of their cells.
_MOST_SHAPES = 3000
# A unit or a conflict is seen on a map of the whole if it is this large, in points of the page.
_SEEN = 1.6
# Borders behind a unit are drawn a little coarser than the unit: they come from maps with a vertex every few metres.
_COARSE = 0.8
HOT: Colour = (178, 24, 43)
_COLOURS: Mapping[str, str] = {s.code: s.hex for s in (*CLASS_STYLES, *CONFLICT_STYLES)}


@dataclass(frozen=True, slots=True)
class Layer:
    """One path of a map with how it is painted."""

    path: str
    fill: str = "none"
    stroke: str = "none"
    width: float = 0.0
    opacity: float = 1.0


@dataclass(frozen=True, slots=True)
class Map:
    """A map as a template draws it: pictures below, paths above."""

    title: str
    width: float
    height: float
    image: str
    image_box: Bounds
    layers: tuple[Layer, ...]
    bar: ScaleBar
    by_cell: bool


class Drawings:
    """All maps of one zoning."""

    def __init__(self, zoning: Zoning, outlines: Sequence[gpd.GeoSeries]) -> None:
        self._zoning = zoning
        self._grid = zoning.grid
        self._outlines = [np.asarray(series.to_crs(zoning.grid.crs).to_numpy(), dtype=object) for series in outlines]
        self._near = [shapely.STRtree(shapes) for shapes in self._outlines]
        self._shapes = np.asarray(zoning.tables["units"]["geometry"].to_numpy(), dtype=object)
        self._classes = zoning.tables["units"]["class"].to_numpy(object)
        self._tree = shapely.STRtree(self._shapes)
        conflicts = zoning.tables["conflicts"]
        self._conflicts = np.asarray(conflicts["geometry"].to_numpy(), dtype=object)
        self._kinds = conflicts["kind"].to_numpy(object)
        self._conflict_tree = shapely.STRtree(self._conflicts)
        # The borders of the whole stand on several maps of one size.
        self._whole_borders: dict[Frame, tuple[Layer, ...]] = {}

    @property
    def _bounds(self) -> Bounds:
        west, south, east, north = (
            (float(v) for v in shapely.total_bounds(self._outlines[0])) if self._outlines else self._grid.bounds
        )
        return west, south, east, north

    # -- the whole ----------------------------------------------------------------------------------------------------

    def units_map(self, title: str) -> Map:
        """Units by class with the conflicts; the cells of units where there are too many units to draw."""
        frame = Frame.of(self._grid, self._bounds, width=_WIDE, most_height=860.0)
        above = [
            Layer(frame.path(self._conflicts[self._kinds == s.code], least=_SEEN), s.hex, s.hex, 0.5)
            for s in CONFLICT_STYLES
        ]
        if len(self._shapes) > _MOST_SHAPES:
            colours = {int(CellClass[s.code.upper()]): s.colour for s in CLASS_STYLES}
            return self._whole(title, frame, self._unit_cells(), colours, tuple(above))
        layers = [
            Layer(frame.path(self._shapes[self._classes == s.code], least=_SEEN), s.hex, s.hex, 0.4)
            for s in reversed(CLASS_STYLES)
        ]
        return self._whole(title, frame, None, {}, (*layers, *above))

    def tiers_map(self, title: str) -> Map | None:
        """Tiers of evidence, cell by cell."""
        codes = self._zoning.rasters.get("tier")
        if codes is None:
            return None
        frame = Frame.of(self._grid, self._bounds, width=_WIDE, most_height=860.0)
        # Where a pixel stands for several cells the best tier is seen, which has the least number in the raster.
        least = np.arange(len(TIER_STYLES) + 1, dtype=np.uint8)
        best = np.r_[least[:1], least[:0:-1]].astype(np.uint8)[codes]
        return self._whole(title, frame, best, {len(TIER_STYLES) - k: s.colour for k, s in enumerate(TIER_STYLES)}, ())

    def hot_maps(self, names: Mapping[str, str]) -> list[Map]:
        """The hot set of every species, small."""
        cells = self._zoning.cells
        at = cells["cell"].to_numpy()
        frame = Frame.of(self._grid, self._bounds, width=_SMALL, most_height=400.0)
        found = []
        for code in self._zoning.species:
            codes = np.zeros(self._grid.size, np.uint8)
            codes[at[cells[f"{code}_hot"].to_numpy(bool)]] = 1
            found.append(self._whole(names[code], frame, codes.reshape(self._grid.shape), {1: HOT}, ()))
        return found

    def _unit_cells(self) -> NDArray[np.uint8]:
        """The class of the unit that has most of each cell, cell by cell."""
        cells, units = self._zoning.cells, self._zoning.tables["units"]
        classes = dict(zip(units["unit"], units["class"], strict=True))
        codes = np.array([CellClass[c.upper()] for c in cells["unit"].map(classes).fillna("none")], np.uint8)
        out = np.zeros(self._grid.size, np.uint8)
        out[cells["cell"].to_numpy()] = codes
        return out.reshape(self._grid.shape)

    def _whole(
        self, title: str, frame: Frame, codes: NDArray[np.uint8] | None, colours: Mapping[int, Colour], layers: tuple[Layer, ...]
    ) -> Map:  # fmt: skip
        image, box = "", (0.0, 0.0, 0.0, 0.0)
        if codes is not None:
            window = frame.window(self._grid)
            image = data_address(shrink(codes[window.slices], round(_SHARP * max(frame.width, frame.height))), colours)
            box = frame.box(self._window_bounds(window))
        if frame not in self._whole_borders:
            drawn = [frame.path(shapes) for shapes in self._outlines]
            self._whole_borders[frame] = _borders(drawn)
        return self._map(title, frame, (*layers, *self._whole_borders[frame]), image, box)

    # -- one unit -----------------------------------------------------------------------------------------------------

    def unit_map(self, row: int) -> Map:
        """One unit among its neighbours, with the conflicts there."""
        west, south, east, north = self._shapes[row].bounds
        reach = max(east - west, north - south, 6 * self._grid.dx) * 0.8
        middle = ((west + east) / 2, (south + north) / 2)
        bounds = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
        frame = Frame.of(self._grid, bounds, width=_UNIT, most_height=_UNIT, margin=0.0)
        view = shapely.box(*frame.bounds)
        seen = np.sort(self._tree.query(view))
        seen = seen[seen != row]
        layers = [
            Layer(self._cut(frame, self._shapes[seen[self._classes[seen] == s.code]]), s.hex, "#666666", 0.4, 0.45)
            for s in reversed(CLASS_STYLES)
        ]
        near = np.sort(self._conflict_tree.query(view))
        layers += [
            Layer(self._cut(frame, self._conflicts[near[self._kinds[near] == s.code]]), s.hex, s.hex, 0.4, 0.9)
            for s in CONFLICT_STYLES
        ]
        layers.append(Layer(frame.path(self._shapes[[row]]), _COLOURS[self._classes[row]], "#000000", 1.6, 0.95))
        drawn = [
            self._cut(frame, shapes[np.sort(tree.query(view))], fine=_COARSE)
            for shapes, tree in zip(self._outlines, self._near, strict=True)
        ]
        return self._map("", frame, (*(layer for layer in layers if layer.path), *_borders(drawn)), "", (0.0,) * 4)

    @staticmethod
    def _cut(frame: Frame, shapes: NDArray[np.object_], *, fine: float = FINE) -> str:
        """Outlines within the frame only: a unit's map would else hold the whole country. The cut runs outside of what is seen."""
        west, south, east, north = frame.bounds
        pad = 0.05 * (east - west)
        return frame.path(shapely.clip_by_rect(shapes, west - pad, south - pad, east + pad, north + pad), fine=fine)

    @staticmethod
    def _map(title: str, frame: Frame, layers: tuple[Layer, ...], image: str, box: Bounds) -> Map:
        return Map(title, frame.width, round(frame.height, 1), image, box, layers, frame.scale_bar(), bool(image))

    def _window_bounds(self, window: Window) -> Bounds:
        x, y = self._grid.x_edges, self._grid.y_edges
        return (
            float(x[window.col_start]), float(y[window.row_stop]), float(x[window.col_stop]), float(y[window.row_start]),
        )  # fmt: skip


def _borders(drawn: Sequence[str]) -> tuple[Layer, ...]:
    """The outermost border above the others, and darker."""
    layers = [
        Layer(path, stroke="#222222" if k == 0 else "#8a8f98", width=0.9 if k == 0 else 0.35)
        for k, path in enumerate(drawn)
    ]
    return tuple(reversed(layers))
