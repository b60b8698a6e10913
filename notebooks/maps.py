"""Maps for the notebooks: outlines, graticule, scale bar, densities, classes, as matplotlib draws them. Nothing comes from the network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import geopandas as gpd
import matplotlib.pyplot as plt
import numpy as np
import pyproj
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle
from numpy.typing import ArrayLike

import gis
from gis.exports.styles import CLASS_STYLES, TIER_STYLES
from gis.fonts.families import families

__all__ = [
    "CLASSES", "DASHES", "NAMES", "PALETTE", "TIERS", "coloured", "densities", "density_bar", "fill", "frame", "legend",
    "outline", "regions", "start",
]  # fmt: skip

# Okabe & Ito 2008: told apart with any colour vision. Lines differ by their dashes as well.
PALETTE = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
DASHES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)))
# Colours of classes and tiers of evidence: those of every export, report and tile.
CLASSES = {s.code: (s.hex, f"{s.name_en} {s.name_zh}") for s in CLASS_STYLES}
TIERS = {s.code: (s.hex, f"{s.name_en} {s.name_zh}") for s in TIER_STYLES}
NAMES = {code: species.name for code, species in gis.SPECIES.items()}

_GROUND = "#f4f5f6"
_MARGIN_M = 6e3
_LABEL_PX = 100.0
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


def start() -> None:
    """Settings of all figures of a notebook: fonts with Chinese signs, sizes, no frills."""
    plt.rcParams["font.family"] = families()
    plt.rcParams.update(
        {"figure.dpi": 110, "figure.constrained_layout.use": True, "font.size": 9, "axes.titlesize": 10}
    )
    plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True})
    plt.rcParams.update({"axes.unicode_minus": False, "legend.frameon": False})


def frame(
    axes: Axes,
    of: gis.Inventory | gis.Run,
    crs: pyproj.CRS,
    *,
    bounds: Sequence[float] | None = None,
    counties: bool = True,
) -> None:
    """What every map needs: province and counties, equal axes, graticule in degrees, scale bar. ``crs``, in metres, is that of the axes."""
    domain = regions(of, "domain", crs)
    west, south, east, north = domain.total_bounds if bounds is None else bounds
    pad = _MARGIN_M if bounds is None else 0.0
    axes.set(xlim=(west - pad, east + pad), ylim=(south - pad, north + pad), aspect="equal", facecolor=_GROUND)
    axes.set_autoscale_on(False)
    if counties:
        outline(axes, regions(of, "county", crs), width=0.3)
    outline(axes, domain, width=0.9)
    _graticule(axes, crs)
    _scale_bar(axes, crs)
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#999999")


def regions(of: gis.Inventory | gis.Run, role: str, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """The regions of a role, such as county, park or red_line, in a CRS."""
    layer = of.regions.layer(role)
    if layer is None:
        raise gis.GisError(f"there are no regions of the role {role}; the description's [[regions]] give them")
    return layer.frame.to_crs(crs)


def outline(
    axes: Axes, shapes: gpd.GeoDataFrame, *, width: float = 0.6, colour: str = "#333333", zorder: float = 4
) -> None:
    """Borders of polygons."""
    shapes.boundary.plot(ax=axes, color=colour, linewidth=width, zorder=zorder, aspect=None)


def densities(axes: Axes, amount_t: ArrayLike, grid: gis.Grid) -> AxesImage:
    """A picture of amounts (t/yr per cell) as densities (t/km²/yr) on a logarithmic scale; empty cells show the ground."""
    density = np.asarray(amount_t) / (grid.cell_area_m2 / 1e6)
    west, south, east, north = grid.bounds
    return axes.imshow(
        np.ma.masked_less_equal(density, 0.0), extent=(west, east, south, north), origin="upper", cmap="viridis",
        norm=_log_norm(density), interpolation="nearest", zorder=1,
    )  # fmt: skip


def density_bar(figure: Figure, image: AxesImage, axes: Axes | Sequence[Axes], *, what: str = "density") -> None:
    """The colour bar of a density map, with its unit."""
    bar = figure.colorbar(image, ax=axes, shrink=0.75, pad=0.02, extend="both")
    bar.set_label(f"{what}, t/km²/yr")


def coloured(axes: Axes, values: ArrayLike, grid: gis.Grid, colours: Mapping[int, str]) -> None:
    """A picture of whole numbers, each in its colour; those without one show the ground."""
    values = np.asarray(values)
    picture = np.zeros((*values.shape, 4))
    for value, colour in colours.items():
        picture[values == value] = to_rgba(colour)
    west, south, east, north = grid.bounds
    axes.imshow(picture, extent=(west, east, south, north), origin="upper", interpolation="nearest", zorder=1)


def fill(
    axes: Axes, shapes: gpd.GeoDataFrame, column: str, styles: Mapping[str, tuple[str, str]], **options: object
) -> None:
    """Polygons filled by the class that stands in a column."""
    for code, (colour, _) in styles.items():
        some = shapes[shapes[column] == code]
        if len(some):
            some.plot(ax=axes, color=colour, aspect=None, **{"zorder": 2, "linewidth": 0, **options})


def legend(axes: Axes, entries: Iterable[tuple[str, str]], *, title: str | None = None, columns: int = 2) -> None:
    """A legend of coloured fields, (colour, label) each, below the map, where it hides nothing."""
    handles = [Patch(facecolor=colour, edgecolor="#555555", linewidth=0.4, label=label) for colour, label in entries]
    axes.legend(
        handles=handles,
        title=title,
        ncols=columns,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.05),
        fontsize=8,
        title_fontsize=8,
    )


def _log_norm(density: np.ndarray) -> LogNorm:
    """Four decades at most: a single stack would stretch the scale until everything else is pale."""
    low, top = np.quantile(density[density > 0], [0.02, 0.999])
    return LogNorm(max(low, top * 1e-4), top)


def _graticule(axes: Axes, crs: pyproj.CRS) -> None:
    """Meridians and parallels, their degrees written where they meet the lower and the left edge."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    forward = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True).transform
    back = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform
    edge = np.linspace(0.0, 1.0, 21)
    x = np.concatenate([west + (east - west) * edge] * 2 + [np.full(21, west), np.full(21, east)])
    y = np.concatenate([np.full(21, south), np.full(21, north)] + [south + (north - south) * edge] * 2)
    lon, lat = back(x, y)
    # A label needs room: as many as fit into the panel.
    most = axes.bbox.width / _LABEL_PX
    step = next(s for s in _STEPS if max(np.ptp(lon), np.ptp(lat)) / s <= most)
    digits = max(0, -math.floor(math.log10(step)))
    ticks: dict[str, list[tuple[float, str]]] = {"x": [], "y": []}
    for degree in np.arange(math.ceil(lon.min() / step), math.floor(lon.max() / step) + 1) * step:
        xs, ys = forward(np.full(50, degree), np.linspace(lat.min(), lat.max(), 50))
        axes.plot(xs, ys, color="#8a8f94", lw=0.4, ls=(0, (4, 4)), zorder=3)
        ticks["x"].append((float(np.interp(south, ys, xs)), f"{degree:.{digits}f}°E"))
    for degree in np.arange(math.ceil(lat.min() / step), math.floor(lat.max() / step) + 1) * step:
        xs, ys = forward(np.linspace(lon.min(), lon.max(), 50), np.full(50, degree))
        axes.plot(xs, ys, color="#8a8f94", lw=0.4, ls=(0, (4, 4)), zorder=3)
        ticks["y"].append((float(np.interp(west, xs, ys)), f"{degree:.{digits}f}°N"))
    for side, (low, high) in (("x", (west, east)), ("y", (south, north))):
        inside = [(place, text) for place, text in ticks[side] if low <= place <= high]
        getattr(axes, f"set_{side}ticks")([p for p, _ in inside], [t for _, t in inside], fontsize=7)
    axes.set(xlabel="", ylabel="")


def _scale_bar(axes: Axes, crs: pyproj.CRS) -> None:
    """A bar of a round length on the ground, lower right; measured there, since a map in Web Mercator is stretched."""
    (west, east), (south, north) = axes.get_xlim(), axes.get_ylim()
    width, height = east - west, north - south
    lon, lat = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True).transform(
        [east - width / 4, east], [south, south]
    )
    geod = crs.get_geod() or pyproj.Geod(ellps="GRS80")
    wanted_m = geod.inv(lon[0], lat[0], lon[1], lat[1])[2]
    power = 10.0 ** math.floor(math.log10(wanted_m))
    length_m = next(m for m in (5.0, 2.0, 1.0) if m * power <= wanted_m) * power
    length = length_m / wanted_m * width / 4
    x, y = east - 0.04 * width - length, south + 0.035 * height
    box = Rectangle(
        (x - 0.04 * width, south), length + 0.08 * width, 0.095 * height, fc="white", ec="none", alpha=0.85, zorder=5
    )
    axes.add_patch(box)
    axes.plot([x, x + length], [y, y], color="black", lw=2, solid_capstyle="butt", zorder=6)
    text = f"{length_m / 1e3:g} km" if length_m >= 1e3 else f"{length_m:g} m"
    axes.text(x + length / 2, y + 0.01 * height, text, ha="center", va="bottom", fontsize=7, zorder=6)
