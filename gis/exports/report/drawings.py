"""What the report draws of a zoning: its maps, the concentration curves, the sensitivity to q."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from gis.exports.report.charts import Chart, line_chart
from gis.exports.report.maps import Frame, ScaleBar
from gis.exports.report.png import data_address, shrink
from gis.exports.styles import CLASS_STYLES, CONFLICT_STYLES, TIER_STYLES
from gis.grid import Window
from gis.zoning.classes import CellClass
from gis.zoning.model import Zoning

__all__ = ["Drawings", "Layer", "Map"]

Colour = tuple[int, int, int]
_WIDE, _SMALL, _UNIT = 700.0, 340.0, 300.0
_PIXELS = 1400
# More polygons than these are shown as a picture of their cells.
_MOST_SHAPES = 3000
_HOT: Colour = (178, 24, 43)
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
    image_box: tuple[float, float, float, float]
    layers: tuple[Layer, ...]
    bar: ScaleBar


class Drawings:
    """All drawings of one zoning."""

    def __init__(self, zoning: Zoning, outlines: Sequence[gpd.GeoSeries]) -> None:
        self._zoning = zoning
        self._outlines = [np.asarray(series.to_crs(zoning.grid.crs).to_numpy(), dtype=object) for series in outlines]
        self._units = zoning.units
        self._shapes = np.asarray(self._units.geometry.to_numpy(), dtype=object)
        self._tree = shapely.STRtree(self._shapes)
        self._conflicts = zoning.tables["conflicts"]

    @property
    def _bounds(self) -> tuple[float, float, float, float]:
        whole = (
            self._outlines[0] if self._outlines else np.array([shapely.box(*self._zoning.grid.bounds)], dtype=object)
        )
        west, south, east, north = (float(v) for v in shapely.total_bounds(whole))
        return west, south, east, north

    # -- maps ---------------------------------------------------------------------------------------------------------

    def units_map(self, title: str) -> Map:
        """Units by class with the conflicts; the cells themselves where there are too many to draw."""
        grid = self._zoning.grid
        frame = Frame.of(grid, self._bounds, width=_WIDE, most_height=900.0)
        colours = {int(CellClass[s.code.upper()]): s.colour for s in CLASS_STYLES}
        if len(self._units) > _MOST_SHAPES:
            return self._map(title, frame, self._zoning.class_layer(), colours, ())
        layers = [
            Layer(frame.path(self._shapes[(self._units["class"] == s.code).to_numpy()]), s.hex, "#333333", 0.3, 0.9)
            for s in reversed(CLASS_STYLES)
        ]
        shapes = np.asarray(self._conflicts["geometry"].to_numpy(), dtype=object)
        layers += [
            Layer(frame.path(shapes[(self._conflicts["kind"] == s.code).to_numpy()]), s.hex, s.hex, 0.4)
            for s in CONFLICT_STYLES
        ]
        return self._map(title, frame, None, {}, tuple(layers))

    def tiers_map(self, title: str) -> Map | None:
        """Tiers of evidence, cell by cell."""
        codes = self._zoning.rasters.get("tier")
        if codes is None:
            return None
        frame = Frame.of(self._zoning.grid, self._bounds, width=_WIDE, most_height=900.0)
        return self._map(title, frame, codes, {k: s.colour for k, s in enumerate(TIER_STYLES, 1)}, ())

    def hot_maps(self, names: Mapping[str, str]) -> list[Map]:
        """The hot set of every species, small."""
        cells, grid = self._zoning.cells, self._zoning.grid
        frame = Frame.of(grid, self._bounds, width=_SMALL, most_height=480.0)
        found = []
        for code in self._zoning.species:
            codes = np.zeros(grid.size, np.uint8)
            codes[cells["cell"].to_numpy()[cells[f"{code}_hot"].to_numpy(bool)]] = 1
            found.append(self._map(names[code], frame, codes.reshape(grid.shape), {1: _HOT}, ()))
        return found

    def unit_map(self, row: int) -> Map:
        """One unit among its neighbours."""
        shape = self._shapes[row]
        west, south, east, north = shape.bounds
        reach = max(east - west, north - south, 6 * self._zoning.grid.dx)
        middle = ((west + east) / 2, (south + north) / 2)
        bounds = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
        frame = Frame.of(self._zoning.grid, bounds, width=_UNIT, most_height=_UNIT, margin=0.0)
        seen = np.sort(self._tree.query(shapely.box(*frame.bounds)))
        layers = [
            Layer(frame.path([self._shapes[k]]), _COLOURS[self._units["class"].iloc[k]], "#555555", 0.4, 0.45)
            for k in seen.tolist() if k != row
        ]  # fmt: skip
        layers.append(Layer(frame.path([shape]), _COLOURS[self._units["class"].iloc[row]], "#000000", 1.6, 0.95))
        return self._map("", frame, None, {}, tuple(layers))

    def _map(
        self,
        title: str,
        frame: Frame,
        codes: NDArray[np.uint8] | None,
        colours: Mapping[int, Colour],
        layers: tuple[Layer, ...],
    ) -> Map:
        image, box = "", (0.0, 0.0, 0.0, 0.0)
        if codes is not None:
            window = frame.window(self._zoning.grid)
            image = data_address(shrink(codes[window.slices], _PIXELS), colours)
            box = frame.box(self._window_bounds(window))
        borders = tuple(
            Layer(
                self._borders(frame, shapes), stroke="#222222" if k == 0 else "#888888", width=0.9 if k == 0 else 0.35
            )
            for k, shapes in enumerate(self._outlines)
        )
        return Map(
            title, frame.width, round(frame.height, 1), image, box, (*layers, *reversed(borders)), frame.scale_bar()
        )

    def _borders(self, frame: Frame, shapes: NDArray[np.object_]) -> str:
        """Borders within the frame only: a unit's map would else hold the whole country."""
        west, south, east, north = frame.bounds
        boxes = shapely.bounds(shapes)
        near = (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < north) & (boxes[:, 3] > south)
        pad = 0.05 * (east - west)
        # The cut runs outside of what is seen.
        return frame.path(shapely.clip_by_rect(shapes[near], west - pad, south - pad, east + pad, north + pad))

    def _window_bounds(self, window: Window) -> tuple[float, float, float, float]:
        x, y = self._zoning.grid.x_edges, self._zoning.grid.y_edges
        return (
            float(x[window.col_start]),
            float(y[window.row_stop]),
            float(x[window.col_stop]),
            float(y[window.row_start]),
        )

    # -- charts -------------------------------------------------------------------------------------------------------

    def concentration(self, ranking: str, names: Mapping[str, str], *, x_title: str, y_title: str) -> Chart:
        """Shares of all species in the densest cells of one."""
        table = self._zoning.tables["concentration"]
        mine = table[table["rank_by"] == ranking]
        series = [(names[code], _points(mine[mine["measured"] == code])) for code in self._zoning.species]
        return line_chart(
            series, width=330, height=260, x_title=x_title, y_title=y_title, log_x=True,
            x_marks=(0.001, 0.01, 0.05, 0.1, 0.5),
        )  # fmt: skip

    def sensitivity(self, names: Mapping[str, str], *, x_title: str, y_title: str) -> Chart:
        """Cells of each class over the swept shares, everything else as in the base variant."""
        table = self._zoning.tables["sensitivity"]
        base = table[table["is_base"]].iloc[0]
        alike = (table["mode"] == base["mode"]) & (table["min_pollutants"] == base["min_pollutants"])
        mine = table[alike & ~table["emitting_only"].astype(bool)]
        codes = [s.code for s in CLASS_STYLES]
        series = [
            (names[c], list(zip(g["q"], g["cells"], strict=True)))
            for c in codes
            for g in [mine[mine["class"] == c].sort_values("q")]
        ]
        q = sorted(float(v) for v in mine["q"].unique())
        marks = tuple(q) if len(q) > 1 else (q[0] / 2, q[0])
        most = max(float(mine["cells"].max()), 1.0)
        return line_chart(
            series, width=480, height=260, x_title=x_title, y_title=y_title, log_x=False, x_marks=marks, y_most=_round_up(most),
            colours=[s.hex for s in CLASS_STYLES], percent_y=False,
        )  # fmt: skip


def _points(rows: pd.DataFrame) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in zip(rows["x"], rows["share"], strict=True)]


def _round_up(value: float) -> float:
    power: Any = 10.0 ** np.floor(np.log10(value))
    return float(next(m for m in (1.0, 2.0, 2.5, 5.0, 10.0) if m * power >= value) * power)
