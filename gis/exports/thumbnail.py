"""A picture of a layer for a quick look: density on a logarithmic scale, with what a map needs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from gis.errors import InvalidParameter
from gis.fonts.families import families
from gis.grid import Grid

__all__ = ["Caption", "write_thumbnail"]

_LONG_SIDE_IN = 7.5
_DPI = 120
_MOST_CELLS = 1200
_DECADES = 4.0


@dataclass(frozen=True, slots=True)
class Caption:
    """What the picture says: a title, and below it species, year and total."""

    title: str
    species: str
    year: int


def write_thumbnail(
    path: Path, amounts: NDArray[np.float64], grid: Grid, caption: Caption, *, outlines: Sequence[gpd.GeoSeries] = ()
) -> None:
    """Write a PNG of a layer in t/yr as t/km²/yr; the first outlines are drawn heaviest, as a domain before counties."""
    if amounts.shape != grid.shape:
        raise InvalidParameter(f"a layer of shape {grid.shape} expected, not {amounts.shape}")
    density, bounds = _shown(amounts, grid)
    west, south, east, north = bounds
    # A degree of longitude is shorter than one of latitude, and maps are drawn as they look from above.
    aspect = 1.0 / np.cos(np.radians((south + north) / 2)) if grid.is_geographic else 1.0
    width, height = _size((east - west) / aspect, north - south)
    title = f"{caption.title}\n{caption.species}, {caption.year}: {amounts.sum():,.0f} t/yr"
    with matplotlib.rc_context({"font.family": families(title), "axes.unicode_minus": False}):
        figure = Figure(figsize=(width, height), dpi=_DPI, layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.1))
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        _draw(figure, axes, density, bounds)
        for i, shapes in enumerate(outlines):
            shapes.to_crs(grid.crs).boundary.plot(ax=axes, color="#333333", linewidth=0.7 / (i + 1), zorder=3 - i)
        axes.set(xlim=(west, east), ylim=(south, north), xticks=[], yticks=[], xlabel="", ylabel="", aspect=aspect)
        _scale_bar(axes, grid, bounds)
        axes.set_title(title, fontsize=10, parse_math=False)
        with warnings.catch_warnings():
            # For a character that neither the package nor the machine has a box stands; the picture is still wanted.
            warnings.filterwarnings("ignore", message="Glyph .* missing")
            figure.savefig(path, format="png", metadata={"Software": "cozone"})


def _size(width: float, height: float) -> tuple[float, float]:
    scale = _LONG_SIDE_IN / max(width, height)
    return max(width * scale, 3.5) + 1.0, max(height * scale, 2.5) + 0.5


def _shown(amounts: NDArray[np.float64], grid: Grid) -> tuple[NDArray[np.float64], tuple[float, float, float, float]]:
    """Density of the blocks to draw, and their bounds: the part of the grid that emits, and not more cells than can be seen."""
    rows, cols = np.flatnonzero(amounts.any(axis=1)), np.flatnonzero(amounts.any(axis=0))
    if not len(rows):
        rows, cols = np.array([0, grid.rows - 1]), np.array([0, grid.cols - 1])
    pad = max(2, (rows[-1] - rows[0]) // 40, (cols[-1] - cols[0]) // 40)
    r0, r1 = max(rows[0] - pad, 0), min(rows[-1] + pad + 1, grid.rows)
    c0, c1 = max(cols[0] - pad, 0), min(cols[-1] + pad + 1, grid.cols)
    factor = max(1, -(-max(r1 - r0, c1 - c0) // _MOST_CELLS))
    starts = np.arange(r0, r1, factor) - r0, np.arange(c0, c1, factor) - c0

    def blocks(values: NDArray[np.float64]) -> NDArray[np.float64]:
        out: NDArray[np.float64] = np.add.reduceat(np.add.reduceat(values[r0:r1, c0:c1], starts[0], 0), starts[1], 1)
        return out

    density = blocks(amounts) / (blocks(grid.cell_area_m2) / 1e6)
    x, y = grid.x_edges, grid.y_edges
    return density, (float(x[c0]), float(y[r1]), float(x[c1]), float(y[r0]))


def _draw(figure: Figure, axes: Axes, density: NDArray[np.float64], bounds: tuple[float, float, float, float]) -> None:
    west, south, east, north = bounds
    seen = density[density > 0]
    axes.set_facecolor("#eef1f4")
    if not len(seen):
        axes.text(0.5, 0.5, "no emissions", transform=axes.transAxes, ha="center", va="center", color="#777777")
        return
    # A single stack would stretch the scale until everything else is pale.
    low, top = np.quantile(seen, [0.02, 0.999])
    low = min(max(low, top * 10.0**-_DECADES), top / 10)
    norm = LogNorm(vmin=low, vmax=top)
    beyond = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    shown = np.ma.masked_less_equal(density, 0.0)
    image = axes.imshow(
        shown, extent=(west, east, south, north), origin="upper", cmap="magma_r", norm=norm, interpolation="nearest"
    )
    axes.spines[:].set_color("#999999")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.02, extend=beyond[seen.min() < low, seen.max() > top])
    bar.set_label("t/km²/yr", fontsize=9)
    bar.ax.tick_params(labelsize=8)


def _scale_bar(axes: Axes, grid: Grid, bounds: tuple[float, float, float, float]) -> None:
    """A bar of a round length on the ground, lower left."""
    west, south, east, north = bounds
    if grid.is_geographic:
        unit_km = np.pi / 180 * grid.ellipsoid[0] / 1e3 * np.cos(np.radians(south + 0.05 * (north - south)))
    else:
        unit_km = grid.crs.axis_info[0].unit_conversion_factor / 1e3
    wanted_km = (east - west) * unit_km / 4
    power = 10.0 ** np.floor(np.log10(wanted_km))
    length_km = float(next(m for m in (5.0, 2.0, 1.0) if m * power <= wanted_km) * power)
    length = length_km / unit_km
    share = length / (east - west)
    box = Rectangle(
        (0.015, 0.015), share + 0.04, 0.065, transform=axes.transAxes, fc="white", ec="none", alpha=0.85, zorder=4
    )
    axes.add_patch(box)
    ends = [0.035, 0.035 + share]
    axes.plot(ends, [0.03, 0.03], transform=axes.transAxes, color="black", lw=2, solid_capstyle="butt", zorder=5)
    axes.text(
        0.035 + share / 2,
        0.038,
        f"{length_km:g} km",
        transform=axes.transAxes,
        ha="center",
        va="bottom",
        fontsize=8,
        zorder=5,
    )
