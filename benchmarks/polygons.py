"""Polygons to cell shares: 3,000 counties and 200,000 small polygons over 3000 × 4000 cells, beside exactextract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import exactextract
import geopandas
import numpy as np
import shapely
from affine import Affine
from exactextract.feature import Feature, FeatureSource
from exactextract.raster import NumPyRasterSource
from exactextract.writer import Writer
from numpy.typing import NDArray

from benchmarks.rows import Row, alternate
from gis.grid import Grid
from gis.gridding.coverage import coverage, lattice_of
from gis.gridding.rings import rings_of
from gis.kernels.polygons import cover_rings

__all__ = ["ALBERS", "WkbSource", "bench_grid", "counties", "run", "small_polygons"]

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80 +units=m +type=crs"


def bench_grid() -> Grid:
    """3000 × 4000 cells of 1 km."""
    return Grid(crs=ALBERS, transform=Affine(1000, 0, -2e6, 0, -1000, 6e6), shape=(3000, 4000))


def _rough_line(
    a: NDArray[np.float64], b: NDArray[np.float64], n: int, rough_m: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    # A line from a to b with n vertices, pushed sideways by a bridged random walk; the end b is left out.
    t = np.arange(n) / n
    walk = np.cumsum(rng.standard_normal(n + 1))
    bridge = (walk - walk[0])[:n] - t * (walk[n] - walk[0])
    length = np.hypot(*(b - a))
    # A wedge at both ends keeps the borders that meet there from crossing.
    wedge = 0.3 * length * np.minimum(t, 1 - t)
    push = np.clip(bridge * rough_m / (np.abs(bridge).max() or 1.0), -wedge, wedge)
    side = np.array([-(b - a)[1], (b - a)[0]]) / length
    line: NDArray[np.float64] = a + t[:, None] * (b - a) + push[:, None] * side
    return line


def counties(
    grid: Grid, *, down: int = 50, across: int = 60, vertices: int = 3_200_000, seed: int = 1
) -> geopandas.GeoSeries:
    """A tiling of the grid by county-like polygons of very unequal detail, borders shared."""
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    w, h = (east - west) / across, (north - south) / down
    nodes = np.stack(np.meshgrid(west + np.arange(across + 1) * w, north - np.arange(down + 1) * h), axis=-1)
    nodes[1:-1, 1:-1] += rng.uniform(-0.15, 0.15, (down - 1, across - 1, 2)) * [w, h]
    rough = 0.12 * min(w, h)
    mean = vertices / (4 * down * across)

    def border(a: NDArray[np.float64], b: NDArray[np.float64], outer: bool) -> NDArray[np.float64]:
        n = int(mean * rng.uniform(0.19, 1.81))
        return _rough_line(a, b, n, 0.0 if outer else rough, rng)

    level = [[border(nodes[i, j], nodes[i, j + 1], i in (0, down)) for j in range(across)] for i in range(down + 1)]
    upright = [[border(nodes[i, j], nodes[i + 1, j], j in (0, across)) for j in range(across + 1)] for i in range(down)]

    def back(line: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.vstack([end, line[:0:-1]])

    shapes = [
        np.vstack([
            level[i][j], upright[i][j + 1],
            back(level[i + 1][j], nodes[i + 1, j + 1]), back(upright[i][j], nodes[i + 1, j]),
        ])
        for i in range(down) for j in range(across)
    ]  # fmt: skip
    return geopandas.GeoSeries([shapely.Polygon(shape) for shape in shapes], crs=grid.crs)


def small_polygons(grid: Grid, *, count: int = 200_000, seed: int = 2) -> geopandas.GeoSeries:
    """Star-shaped polygons of 10 to 30 vertices and 0.5 to 3 km radius, anywhere on the grid."""
    rng = np.random.default_rng(seed)
    west, south, east, north = grid.bounds
    sizes = rng.integers(10, 31, count)
    owner = np.repeat(np.arange(count), sizes)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    angle = (nth + rng.uniform(0, 0.9, len(owner))) * 2 * np.pi / sizes[owner]
    radius = rng.uniform(500, 3000, count)[owner] * rng.uniform(0.5, 1.0, len(owner))
    x = rng.uniform(west + 3e3, east - 3e3, count)[owner] + radius * np.cos(angle)
    y = rng.uniform(south + 3e3, north - 3e3, count)[owner] + radius * np.sin(angle)
    return geopandas.GeoSeries(shapely.polygons(shapely.linearrings(x, y, indices=owner)), crs=grid.crs)


class _WkbFeature(Feature):
    def __init__(self, wkb: bytes) -> None:
        Feature.__init__(self)
        self.wkb = wkb

    def geometry(self) -> bytes:
        return self.wkb

    def get(self, name: str) -> None:
        return None

    def set(self, name: str, value: Any) -> None:
        pass

    def fields(self) -> list[str]:
        return []


class WkbSource(FeatureSource):
    """Features as well-known binary made beforehand: the fastest way into exactextract."""

    def __init__(self, wkb: list[bytes], wkt: str) -> None:
        super().__init__()
        self.wkb, self.wkt = wkb, wkt

    def count(self) -> int:
        return len(self.wkb)

    def __iter__(self) -> Iterator[Feature]:
        return (_WkbFeature(one) for one in self.wkb)

    def srs_wkt(self) -> str:
        return self.wkt


class _Kept(Feature):
    # What exactextract writes a result into: fields are kept as the arrays it hands over.
    def __init__(self) -> None:
        Feature.__init__(self)
        self.values: dict[str, Any] = {}

    def set(self, name: str, value: Any) -> None:
        self.values[name] = value

    def get(self, name: str) -> Any:
        return self.values[name]

    def fields(self) -> list[str]:
        return list(self.values)

    def geometry(self) -> bytes:
        return b""

    def set_geometry(self, geometry: Any) -> None:
        pass

    def set_geometry_format(self) -> str:
        return "wkb"


class Keep(Writer):
    """Keeps the arrays of every feature, and does nothing else with them."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[dict[str, Any]] = []

    def write(self, feature: Feature) -> None:
        one = _Kept()
        feature.copy_to(one)
        self.kept.append(one.values)

    def features(self) -> list[dict[str, Any]]:
        return self.kept


def peer(polygons: geopandas.GeoSeries, grid: Grid) -> Any:
    """A callable: exactextract, cell numbers and coverage fractions of every polygon."""
    wkb = list(shapely.to_wkb(polygons.to_numpy()))
    west, south, east, north = grid.bounds
    wkt = grid.crs.to_wkt()
    raster = NumPyRasterSource(
        np.zeros(grid.shape, np.float32), xmin=west, ymin=south, xmax=east, ymax=north, srs_wkt=wkt
    )

    def extract() -> Any:
        return exactextract.exact_extract(raster, WkbSource(wkb, wkt), ["cell_id", "coverage"], output=Keep())

    return extract


def _bench(work: str, polygons: geopandas.GeoSeries, grid: Grid, target: str, repeats: int) -> list[Row]:
    rings = rings_of(polygons, grid.crs)
    lattice = lattice_of(grid)
    times = alternate(
        {
            "ours": lambda: coverage(polygons, grid),
            "kernel": lambda: cover_rings(rings.coords, rings.rings, rings.polygons, rings.holes, lattice),
            "exactextract": peer(polygons, grid),
        },
        repeats,
    )
    peers = {"exactextract": times["exactextract"]}
    vertices = f"{len(rings.coords) / 1e6:.1f} M vertices"
    return [
        Row(work, times["ours"], peers, target, f"from a GeoSeries, {vertices}"),
        Row(
            f"{work}, kernel alone", times["kernel"], peers, "≥ 50 ×" if "200,000" in work else "", "coordinates ready"
        ),
    ]


def run(repeats: int = 5) -> list[Row]:
    """Both cases, from a GeoSeries and with the coordinates ready."""
    grid = bench_grid()
    rows = _bench("3,000 counties → weights", counties(grid), grid, "≥ 10 ×", repeats)
    return rows + _bench("200,000 small polygons → weights", small_polygons(grid), grid, "≥ 6 ×", repeats)
