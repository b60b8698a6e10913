"""Grid: a CRS, a north-up transform and a shape, and what follows from them.

``x`` is always easting or longitude and ``y`` always northing or latitude, whatever order the CRS declares.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError

from gis.errors import InvalidGrid, InvalidParameter, MissingCrs, NotFound, ReadError
from gis.kernels.cells import locate
from gis.kernels.ellipsoid import authalic_radius2_m2, zone_coefficients
from gis.projection import transformer

__all__ = ["Grid", "Window", "named_grids", "read_grid"]

Bounds = tuple[float, float, float, float]
_DISTORTION_NODES = 33
_EQUAL_AREA = 1e-9


@dataclass(frozen=True, slots=True)
class Window:
    """A block of rows and columns of a grid, half-open."""

    row_start: int
    row_stop: int
    col_start: int
    col_stop: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices for an array of the grid's shape."""
        return slice(self.row_start, self.row_stop), slice(self.col_start, self.col_stop)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in the window."""
        return self.row_stop - self.row_start, self.col_stop - self.col_start


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grid:
    """Cells of equal width and height in the units of a CRS, row 0 in the north.

    Equality and hashing go by content: two grids are equal when CRS, transform and shape are.
    """

    crs: CRS
    transform: Affine
    shape: tuple[int, int]
    # Worked out when first asked for: the text of a CRS takes a tenth of a millisecond, and a tile asks several times.
    _content_hash: str = field(default="", init=False, repr=False)

    def __post_init__(self) -> None:
        if self.crs is None:
            raise MissingCrs("a grid needs a CRS; give one that pyproj knows, such as 'EPSG:4490'")
        try:
            object.__setattr__(self, "crs", CRS.from_user_input(self.crs))
        except CRSError as error:
            raise InvalidGrid(f"CRS {self.crs!r} is not one pyproj knows: {error}") from error
        t = self.transform
        if not all(math.isfinite(v) for v in t[:6]):
            raise InvalidGrid(f"transform {tuple(t[:6])} is not finite")
        if t.b != 0 or t.d != 0 or t.a <= 0 or t.e >= 0:
            raise InvalidGrid(
                f"transform {tuple(t[:6])} is not north-up; expected a > 0, e < 0 and b = d = 0 (a rotated or "
                "south-up raster has to be warped or flipped first)"
            )
        rows, cols = (int(v) for v in self.shape)
        if (rows, cols) != tuple(self.shape) or rows < 1 or cols < 1:
            raise InvalidGrid(f"shape {self.shape} needs two whole numbers of at least 1: rows, columns")
        if rows * cols > 2**62:
            raise InvalidGrid(f"shape {self.shape} has more cells than an int64 cell id can number")
        object.__setattr__(self, "shape", (rows, cols))
        if self.is_geographic:
            self._check_globe()

    def _check_globe(self) -> None:
        degree = self.crs.axis_info[0].unit_conversion_factor
        if not math.isclose(degree, math.pi / 180, rel_tol=1e-12):
            raise InvalidGrid(
                f"{self.crs.name}: longitude and latitude in degrees expected, not {self.crs.axis_info[0].unit_name}"
            )
        west, south, east, north = self.bounds
        slack = 1e-9
        if north > 90 + slack or south < -90 - slack:
            raise InvalidGrid(f"latitudes {south} to {north} leave the globe; expected within -90 to 90")
        if east - west > 360 + slack:
            raise InvalidGrid(f"longitudes {west} to {east} go around the globe more than once")

    # -- making ---------------------------------------------------------------------------------------------------

    @classmethod
    def covering(cls, bounds: Sequence[float], *, crs: Any, cell: float | tuple[float, float]) -> Grid:
        """Smallest grid over the bounds (west, south, east, north) whose edges are multiples of the cell size."""
        dx, dy = (cell, cell) if isinstance(cell, int | float) else cell
        if not (math.isfinite(dx) and math.isfinite(dy) and dx > 0 and dy > 0):
            raise InvalidGrid(f"cell size {cell!r} has to be positive and finite, in units of the CRS")
        if len(bounds) != 4 or not all(math.isfinite(v) for v in bounds):
            raise InvalidGrid(f"bounds {tuple(bounds)} need four finite numbers: west, south, east, north")
        west, south, east, north = bounds
        if east < west or north < south:
            raise InvalidGrid(f"bounds {tuple(bounds)} are empty; expected west <= east and south <= north")
        left, right = _outward(west, east, dx)
        bottom, top = _outward(south, north, dy)
        return cls(crs=crs, transform=Affine(dx, 0, left * dx, 0, -dy, top * dy), shape=(top - bottom, right - left))

    @classmethod
    def named(cls, name: str) -> Grid:
        """A grid of the table beside this file, such as ``china-1km``."""
        table = named_grids()
        if name not in table:
            near = get_close_matches(name, table, n=3, cutoff=0.3)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise NotFound(f"no grid is named {name!r}; {hint}known: {', '.join(table)}")
        return table[name]

    # -- edges and sizes ------------------------------------------------------------------------------------------

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.shape[0]

    @property
    def cols(self) -> int:
        """Number of columns."""
        return self.shape[1]

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @property
    def dx(self) -> float:
        """Cell width in units of the CRS."""
        return float(self.transform.a)

    @property
    def dy(self) -> float:
        """Cell height in units of the CRS, positive."""
        return float(-self.transform.e)

    @property
    def x_left(self) -> float:
        """West edge."""
        return float(self.transform.c)

    @property
    def y_top(self) -> float:
        """North edge."""
        return float(self.transform.f)

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north."""
        return self.x_left, self.y_top - self.rows * self.dy, self.x_left + self.cols * self.dx, self.y_top

    @property
    def x_edges(self) -> NDArray[np.float64]:
        """Column edges west to east, cols + 1 of them: the numbers that decide who owns a point."""
        return self.x_left + np.arange(self.cols + 1, dtype=np.float64) * self.dx

    @property
    def y_edges(self) -> NDArray[np.float64]:
        """Row edges north to south, rows + 1 of them."""
        return self.y_top - np.arange(self.rows + 1, dtype=np.float64) * self.dy

    @property
    def x_centres(self) -> NDArray[np.float64]:
        """Column centres west to east."""
        return self.x_left + (np.arange(self.cols, dtype=np.float64) + 0.5) * self.dx

    @property
    def y_centres(self) -> NDArray[np.float64]:
        """Row centres north to south."""
        return self.y_top - (np.arange(self.rows, dtype=np.float64) + 0.5) * self.dy

    # -- cells ----------------------------------------------------------------------------------------------------

    @property
    def is_geographic(self) -> bool:
        """Whether cells are bounded by meridians and parallels."""
        return bool(self.crs.is_geographic)

    @property
    def wraps(self) -> bool:
        """Whether the columns go all the way around the globe."""
        return self.is_geographic and self.cols * self.dx >= 360.0 - 1e-9

    def index(self, *, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column that own each point, -1 and -1 outside; longitudes may be off by whole turns."""
        xs, ys = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        row = np.empty(xs.size, np.int64)
        col = np.empty(xs.size, np.int64)
        locate(
            np.ascontiguousarray(xs).ravel(), np.ascontiguousarray(ys).ravel(),
            self.x_left, self.y_top, self.dx, self.dy, self.rows, self.cols, self.is_geographic, row, col,
        )  # fmt: skip
        return row.reshape(xs.shape), col.reshape(xs.shape)

    def cell_id(self, *, row: ArrayLike, col: ArrayLike) -> NDArray[np.int64]:
        """Row-major cell ids from the north-west corner; -1 where row or column is -1."""
        r, c = np.broadcast_arrays(np.asarray(row, np.int64), np.asarray(col, np.int64))
        if ((r >= self.rows) | (c >= self.cols) | (r < -1) | (c < -1)).any():
            raise InvalidParameter(f"a row or column lies beyond the grid's shape {self.shape}")
        return np.where((r < 0) | (c < 0), np.int64(-1), r * np.int64(self.cols) + c)

    def row_col(self, cell: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Row and column of cell ids."""
        ids = np.asarray(cell, np.int64)
        if ((ids < 0) | (ids >= self.size)).any():
            raise InvalidParameter(f"cell ids of this grid run from 0 to {self.size - 1}")
        return ids // self.cols, ids % self.cols

    def centre(self, cell: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """X and y of the centres of cell ids."""
        row, col = self.row_col(cell)
        return (
            self.x_left + (col.astype(np.float64) + 0.5) * self.dx,
            self.y_top - (row.astype(np.float64) + 0.5) * self.dy,
        )

    # -- areas ----------------------------------------------------------------------------------------------------

    @property
    def ellipsoid(self) -> tuple[float, float]:
        """Semi-major axis in metres and squared eccentricity."""
        body = self.crs.ellipsoid
        if body is None:
            raise InvalidGrid(f"{self.crs.name} has no ellipsoid; areas on the ground cannot be given")
        a, b = float(body.semi_major_metre), float(body.semi_minor_metre)
        return a, 1.0 - (b / a) ** 2

    @property
    def cell_area_m2(self) -> NDArray[np.float64]:
        """Ellipsoidal area of every cell, read-only, of the grid's shape (stored only as far as it varies)."""
        areas: NDArray[np.float64] = np.broadcast_to(_cell_area(self), self.shape)
        return areas

    @property
    def areal_distortion(self) -> float:
        """Largest relative deviation of planar from ellipsoidal cell area; 0 for longitude-latitude grids."""
        if self.is_geographic:
            return 0.0
        return float(np.abs(1.0 / _areal_scale(self) - 1.0).max())

    def describe_area(self) -> str | None:
        """A sentence for people when planar areas are off by more than 0.1 %, else None."""
        off = self.areal_distortion
        if off <= 1e-3:
            return None
        return (
            f"{self.crs.name} stretches areas by up to {off:.2%} on this grid; densities use ellipsoidal areas, shares of "
            "a polygon are planar. An equal-area CRS avoids the difference."
        )

    # -- related grids --------------------------------------------------------------------------------------------

    def part(self, window: Window) -> Grid:
        """The grid of a window, edges shared with this one up to rounding."""
        if not (
            0 <= window.row_start < window.row_stop <= self.rows
            and 0 <= window.col_start < window.col_stop <= self.cols
        ):
            raise InvalidGrid(f"{window} does not lie within shape {self.shape}")
        t = self.transform
        corner = Affine(t.a, 0, t.c + window.col_start * t.a, 0, t.e, t.f + window.row_start * t.e)
        return Grid(crs=self.crs, transform=corner, shape=window.shape)

    def window(self, bounds: Sequence[float]) -> Window | None:
        """Cells that touch the bounds, clamped to the grid; None when there are none."""
        west, south, east, north = bounds
        x, y = self.x_edges, self.y_edges
        col_start = max(int(np.searchsorted(x, west, side="right")) - 1, 0)
        col_stop = min(int(np.searchsorted(x, east, side="left")), self.cols)
        row_start = max(int(np.searchsorted(-y, -north, side="right")) - 1, 0)
        row_stop = min(int(np.searchsorted(-y, -south, side="left")), self.rows)
        # A box without width or height on an edge overlaps no cell, but the edge has an owner.
        if west == east and x[0] <= west <= x[-1]:
            col_start = min(col_start, self.cols - 1)
            col_stop = col_start + 1
        if south == north and y[-1] <= south <= y[0]:
            row_stop = max(row_stop, 1)
            row_start = row_stop - 1
        if col_stop <= col_start or row_stop <= row_start:
            return None
        return Window(row_start, row_stop, col_start, col_stop)

    def parent(self, factor: int) -> Grid:
        """The grid of factor × factor blocks from the north-west corner; the last blocks may reach beyond."""
        if factor < 1:
            raise InvalidParameter(f"factor {factor} has to be at least 1")
        t = self.transform
        shape = (-(-self.rows // factor), -(-self.cols // factor))
        # A last block that sticks out over a pole or around the globe is no grid; say so early.
        return Grid(crs=self.crs, transform=Affine(t.a * factor, 0, t.c, 0, t.e * factor, t.f), shape=shape)

    def parent_cell(self, cell: ArrayLike, factor: int) -> NDArray[np.int64]:
        """Cell ids, in the parent grid, of the blocks that hold these cells."""
        row, col = self.row_col(cell)
        return (row // factor) * np.int64(-(-self.cols // factor)) + col // factor

    def snap(self, bounds: Sequence[float]) -> Bounds:
        """Bounds moved outward onto this grid's lattice, which goes on beyond its extent."""
        west, south, east, north = bounds
        left, right = _outward(west - self.x_left, east - self.x_left, self.dx)
        up, down = _outward(self.y_top - north, self.y_top - south, self.dy)
        return (
            self.x_left + left * self.dx, self.y_top - down * self.dy,
            self.x_left + right * self.dx, self.y_top - up * self.dy,
        )  # fmt: skip

    # -- identity -------------------------------------------------------------------------------------------------

    @property
    def content_hash(self) -> str:
        """SHA-256 over CRS, transform and shape, in hex."""
        if not self._content_hash:
            t = self.transform
            text = f"{self.crs.to_wkt()}|{t.a!r},{t.c!r},{t.e!r},{t.f!r}|{self.rows}x{self.cols}"
            object.__setattr__(self, "_content_hash", hashlib.sha256(text.encode()).hexdigest())
        return self._content_hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Grid):
            return NotImplemented
        return self.shape == other.shape and tuple(self.transform) == tuple(other.transform) and self.crs == other.crs

    def __hash__(self) -> int:
        return hash((self.shape, tuple(self.transform)[:6]))

    def __repr__(self) -> str:
        unit = "°" if self.is_geographic else self.crs.axis_info[0].unit_name
        return f"<Grid {self.rows}×{self.cols} of {self.dx:g}×{self.dy:g} {unit}, {self.crs.name}>"


def _outward(low: float, high: float, step: float) -> tuple[int, int]:
    # A bound that is a multiple up to rounding is one: 0.3 / 0.1 must not add a cell.
    def near(v: float) -> float:
        return round(v) if abs(v - round(v)) <= 1e-9 * max(1.0, abs(v)) else v

    start, stop = math.floor(near(low / step)), math.ceil(near(high / step))
    return start, max(stop, start + 1)


@lru_cache(maxsize=64)
def _areal_scale(grid: Grid) -> NDArray[np.float64]:
    """Map area per ground area at the cell centres: (1, 1) when equal-area, else of the grid's shape."""
    to_lonlat = transformer(grid.crs, grid.crs.geodetic_crs)
    projection = Proj(grid.crs)

    def scale(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        xx, yy = np.meshgrid(x, y)
        lon, lat = to_lonlat.transform(xx, yy)
        out: NDArray[np.float64] = np.asarray(projection.get_factors(lon, lat).areal_scale)
        if not np.isfinite(out).all():
            raise InvalidGrid(f"{grid!r} reaches where {grid.crs.name} is not defined; areas cannot be given there")
        return out

    def nodes(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(centres) <= _DISTORTION_NODES:
            return centres
        return np.linspace(centres[0], centres[-1], _DISTORTION_NODES)

    x, y = nodes(grid.x_centres), nodes(grid.y_centres[::-1])
    sampled = scale(x, y)
    if np.abs(sampled - 1.0).max() < _EQUAL_AREA:
        return np.ones((1, 1))
    if len(x) < 4 or len(y) < 4 or grid.size <= _DISTORTION_NODES**2:
        return scale(grid.x_centres, grid.y_centres)
    # Half a second to import, and few grids need it: neither a command nor a server is to wait for it.
    from scipy.interpolate import RectBivariateSpline

    spline = RectBivariateSpline(y, x, sampled, kx=3, ky=3, s=0)
    out: NDArray[np.float64] = spline(grid.y_centres[::-1], grid.x_centres)[::-1]
    return out


@lru_cache(maxsize=64)
def _cell_area(grid: Grid) -> NDArray[np.float64]:
    a_m, e2 = grid.ellipsoid
    area: NDArray[np.float64]
    if grid.is_geographic:
        coefficients = zone_coefficients(e2)
        # An edge a rounding beyond the pole is the pole.
        edges = np.radians(np.clip(grid.y_edges, -90.0, 90.0))
        # W's difference as a product, 2 cos km sin kh, k = 1, 3, …: subtracting W would cost a polar cell 7e-11 of its area.
        middle, half = (edges[:-1] + edges[1:]) / 2, (edges[:-1] - edges[1:]) / 2
        k = 2 * np.arange(len(coefficients)) + 1
        zones = (2 * np.cos(np.outer(middle, k)) * np.sin(np.outer(half, k))) @ coefficients
        area = authalic_radius2_m2(a_m, e2) * math.radians(grid.dx) * zones[:, None]
    else:
        metre = [axis.unit_conversion_factor for axis in grid.crs.axis_info[:2]]
        area = grid.dx * grid.dy * metre[0] * metre[1] / _areal_scale(grid)
    area.flags.writeable = False
    return area


@lru_cache(maxsize=1)
def named_grids() -> dict[str, Grid]:
    """The grids of the table beside this file, by name."""
    table = tomllib.loads(files("gis").joinpath("grids.toml").read_text("utf-8"))
    return {
        name: Grid(
            crs=entry["crs"],
            transform=Affine(entry["cell"], 0, entry["west"], 0, -entry["cell"], entry["north"]),
            shape=(entry["rows"], entry["cols"]),
        )
        for name, entry in table.items()
    }


def read_grid(path: Path) -> Grid:
    """The grid of a raster, or of a TOML file with crs, cell and bounds (or west, north, rows, cols)."""
    if path.suffix.lower() == ".toml":
        try:
            entry = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ReadError(f"{path}: not a readable grid file: {error}") from error
        return _grid_of_table(path, entry)
    try:
        with rasterio.open(path) as raster:
            if raster.crs is None:
                raise MissingCrs(f"{path}: the raster states no CRS")
            return Grid(crs=raster.crs.to_wkt(), transform=raster.transform, shape=raster.shape)
    except rasterio.errors.RasterioIOError as error:
        raise ReadError(f"{path}: not a raster GDAL can open: {error}") from error


def _grid_of_table(path: Path, entry: dict[str, Any]) -> Grid:
    covering, exact = {"crs", "cell", "bounds"}, {"crs", "cell", "west", "north", "rows", "cols"}
    if not covering <= entry.keys() and not exact <= entry.keys():
        raise InvalidGrid(
            f"{path}: give crs, cell and bounds, or crs, cell, west, north, rows, cols; missing {sorted(exact - entry.keys())}"
        )
    try:
        if covering <= entry.keys():
            return Grid.covering([float(v) for v in entry["bounds"]], crs=entry["crs"], cell=float(entry["cell"]))
        cell, west, north = (float(entry[key]) for key in ("cell", "west", "north"))
        shape = (entry["rows"], entry["cols"])
        return Grid(crs=entry["crs"], transform=Affine(cell, 0, west, 0, -cell, north), shape=shape)
    except (TypeError, ValueError) as error:
        raise InvalidGrid(
            f"{path}: crs is a text, all other keys are numbers (bounds four of them): {error}"
        ) from error
