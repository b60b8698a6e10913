"""Line sources: motorways between cities, national and county roads, and shipping lanes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

from data.generate.emissions import SPECIES, YEARS, amounts, rounded
from data.generate.names import NOTE
from data.generate.plane import lonlat, plane, stream
from data.generate.province import CITIES, Province
from data.generate.regions import Regions

__all__ = ["LINE_SHARE", "roads", "shipping", "winding"]

Array = NDArray[np.float64]
LINE_SHARE = 0.72  # of the road sector; the rest, local streets, stands in the county totals
_MOTORWAYS = (
    (0, 1), (0, 10), (1, 9), (9, 8), (10, 8), (1, 2), (2, 3), (2, 4), (4, 3), (4, 5), (5, 6), (0, 12), (0, 11), (11, 10), (12, 5),
    (4, 7), (7, 3), (0, 4),
)  # fmt: skip
_KINDS = {
    "motorway": ("高速公路", 46.0),
    "national": ("国道", 11.0),
    "county": ("县道", 2.2),
}  # name, traffic in thousands a day


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of road or lane in the plane, and how busy it is for its length."""

    kind: str
    route: str
    xy: Array
    traffic: float


def roads(province: Province, regions: Regions, *, seed: int) -> gpd.GeoDataFrame:
    """All roads with what they emit: a column a species and year, in tonnes."""
    rng = stream(seed, "roads")
    lines = [*_motorways(rng), *_national(province, regions, rng), *_county_roads(province, regions, rng)]
    busy = np.array([line.traffic for line in lines])
    middle = np.array([line.xy[len(line.xy) // 2] for line in lines])
    length = np.array([np.hypot(*np.diff(line.xy, axis=0).T).sum() for line in lines])
    weight = length * busy * (0.35 + 3 * province.urban(middle)) * np.exp(rng.normal(0, 0.25, len(lines)))
    mass_t = rounded(amounts("road", LINE_SHARE * weight / weight.sum(), rng, spread=0.12))
    return _layer(lines, mass_t, "RD", {k: zh for k, (zh, _) in _KINDS.items()})


def shipping(province: Province, regions: Regions, near: gpd.GeoDataFrame, *, seed: int) -> gpd.GeoDataFrame:
    """Lanes at sea, into the ports and up the river, as far as the coastal waters reach."""
    rng = stream(seed, "shipping")
    coast = np.array(
        [(262, 0), (270, 60), (284, 112), (287, 190), (290, 240), (304, 285), (297, 330), (286, 372)], dtype=float
    )
    lanes = [("sea", "L1", coast, 30.0), ("sea", "L2", coast + np.array([8, 0]), 22.0)]
    for name, port, joint in (
        ("P1", (212, 160), (285, 140)),
        ("P2", (232, 66), (273, 80)),
        ("P3", (278, 283), (304, 285)),
    ):
        lanes.append(("port", name, np.array([port, joint], dtype=float), 34.0))
    river = province.river[(province.river[:, 0] > 100)]
    lanes.append(("river", "R1", np.concatenate([river[::6], [(212, 160)]]), 18.0))
    waters = shapely.transform(shapely.union_all([near.geometry.iloc[0], regions.province.geometry.iloc[0]]), plane)
    lines = []
    for kind, route, xy, busy in lanes:
        shape = shapely.LineString(winding(xy, rng, step_km=5, sway=0.03) if kind != "river" else xy)
        for part in shapely.get_parts(shape.intersection(waters)):
            lines += _pieces(kind, route, shapely.get_coordinates(part), busy, piece_km=18)
    weight = np.array([line.traffic * np.hypot(*np.diff(line.xy, axis=0).T).sum() for line in lines])
    mass_t = rounded(amounts("shipping", weight / weight.sum(), rng, spread=0.08))
    return _layer(lines, mass_t, "SH", {"sea": "沿海航道", "port": "进港航道", "river": "内河航道"})


def _layer(lines: list[Line], mass_t: Array, letters: str, kinds: dict[str, str]) -> gpd.GeoDataFrame:
    columns: dict[str, object] = {
        "id": [f"{letters}{k + 1:05d}" for k in range(len(lines))],
        "route": [line.route for line in lines],
        "class": [line.kind for line in lines],
        "class_zh": [kinds[line.kind] for line in lines],
    }
    for s, species in enumerate(SPECIES):
        columns |= {f"{species}_{year}": mass_t[:, y, s] for y, year in enumerate(YEARS)}
    columns["note"] = NOTE
    shapes = [shapely.LineString(lonlat(line.xy)) for line in lines]
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=shapes, crs="EPSG:4490")


def winding(through: Array, rng: np.random.Generator, *, step_km: float, sway: float) -> Array:
    """The line through the points, bent sideways at random by about ``sway`` of each leg, with a vertex every ``step_km``."""
    legs = []
    for a, b in pairwise(through):
        length = float(np.hypot(*(b - a)))
        s = np.linspace(0, 1, max(2, round(length / step_km) + 1))
        bend = sum(rng.normal(0, sway * length / k) * np.sin(k * np.pi * s) for k in range(1, 6))
        normal = np.array([a[1] - b[1], b[0] - a[0]]) / length
        legs.append((a + s[:, None] * (b - a) + np.asarray(bend)[:, None] * normal)[:-1])
    return np.concatenate([*legs, through[-1:]])


def _pieces(kind: str, route: str, xy: Array, busy: float, *, piece_km: float) -> list[Line]:
    """The line cut at vertices into pieces of about ``piece_km``; their ends are shared, so no metre is lost."""
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    count = max(1, round(along[-1] / piece_km))
    cuts = np.unique(np.searchsorted(along, np.linspace(0, along[-1], count + 1)[1:-1]))
    ends = np.unique([0, *cuts, len(xy) - 1])
    return [Line(kind, route, xy[a : b + 1], busy) for a, b in pairwise(ends)]


def _motorways(rng: np.random.Generator) -> list[Line]:
    lines = []
    for k, (a, b) in enumerate(_MOTORWAYS):
        ends = np.array([(CITIES[a].x, CITIES[a].y), (CITIES[b].x, CITIES[b].y)], dtype=float)
        xy = winding(ends, rng, step_km=2.0, sway=0.02)
        busy = _KINDS["motorway"][1] * (CITIES[a].million * CITIES[b].million / 16) ** 0.4
        lines += _pieces("motorway", f"G{9900 + k + 1}", xy, busy, piece_km=14)
    return lines


def _national(province: Province, regions: Regions, rng: np.random.Generator) -> list[Line]:
    lines = []
    for k, (a, b) in enumerate(_net(regions.centres, rng, extra=0.35, longest_km=60)):
        xy = winding(regions.centres[[a, b]], rng, step_km=2.2, sway=0.03)
        if province.inside(xy).min() > -1:
            lines += _pieces("national", f"G{9500 + k + 1}", xy, _KINDS["national"][1], piece_km=25)
    return lines


def _county_roads(province: Province, regions: Regions, rng: np.random.Generator) -> list[Line]:
    lines = []
    for k, (a, b) in enumerate(_net(regions.seeds, rng, extra=0.05, longest_km=16)):
        if regions.county[a] != regions.county[b]:
            continue
        xy = winding(regions.seeds[[a, b]], rng, step_km=2.6, sway=0.05)
        if province.inside(xy).min() > 0:
            code = regions.counties["code"].iloc[regions.county[a]]
            lines.append(Line("county", f"X{code}{k + 1:04d}", xy, _KINDS["county"][1]))
    return lines


def _net(points: Array, rng: np.random.Generator, *, extra: float, longest_km: float) -> Iterable[tuple[int, int]]:
    """Pairs to join: the shortest net that reaches every point, and some of the other short hops."""
    corners = Delaunay(points).simplices
    hops = np.unique(
        np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0
    )
    length = np.hypot(*(points[hops[:, 0]] - points[hops[:, 1]]).T)
    tree = minimum_spanning_tree(coo_array((length, hops.T), shape=(len(points),) * 2)).tocoo()
    kept = {(int(min(a, b)), int(max(a, b))) for a, b in zip(*tree.coords, strict=True)}
    lucky = rng.uniform(size=len(hops)) < extra
    kept |= {(int(a), int(b)) for a, b in hops[lucky]}
    return sorted((a, b) for a, b in kept if np.hypot(*(points[a] - points[b])) < longest_km)
