"""Industrial parks, ecological red lines and priority protection units; the places the demo tells its stories about are set by hand."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from data.generate.names import NOTE, Names
from data.generate.plane import lonlat, plane, stream
from data.generate.province import Province
from data.generate.regions import PROVINCE_CODE, Regions

__all__ = ["Parks", "buffer_layer", "lay_out", "priority_layer", "red_line_layer"]

Array = NDArray[np.float64]
MAIN_ZH = {
    "petrochemical": "石化产业园", "steel": "钢铁产业园", "chemical": "化工园区", "building_materials": "建材产业园",
    "non_ferrous": "有色金属产业园", "other_industry": "经济开发区", "power": "能源基地",
}  # fmt: skip
MAIN_EN = {
    "petrochemical": "Petrochemical Park", "steel": "Steel Park", "chemical": "Chemical Park",
    "building_materials": "Building Materials Park", "non_ferrous": "Non-ferrous Metals Park",
    "other_industry": "Development Zone", "power": "Energy Base",
}  # fmt: skip
# Easting, northing, square kilometres, main sector: data/README.md says what each group shows.
_BY_HAND = (
    (181, 141, 17, "petrochemical"), (190, 135, 12, "petrochemical"), (186, 147, 7, "chemical"),  # the estuary
    (218, 66, 24, "steel"), (223, 78, 9, "power"),  # the steel port
    (31, 84, 8, "building_materials"), (44, 50, 9, "building_materials"), (56, 40, 6, "building_materials"),  # limestone
    (22, 192, 9, "non_ferrous"), (33, 211, 7, "non_ferrous"),  # smelters upriver
    (156, 112, 6, "other_industry"), (148, 91, 8, "other_industry"), (163, 122, 5, "other_industry"),  # coating, furniture
    (238, 268, 13, "petrochemical"), (257, 277, 8, "steel"),  # the peninsula
)  # fmt: skip
_CORRIDOR = ((118, 190), (142, 268), 7)  # from the capital north: parks on the motorway
_HALF_IN_RED_LINE = 84.0  # easting of a chemical park on the river bank
_ACROSS_BORDER = (96.0, 146.0)  # near here two parks lie across a county border between two cities


@dataclass(frozen=True, slots=True, eq=False)
class Parks:
    """Parks in the plane (kilometres) and as a layer."""

    shapes: NDArray[np.object_]
    main: list[str]
    frame: gpd.GeoDataFrame


def lay_out(province: Province, regions: Regions, *, count: int, seed: int) -> Parks:
    """The parks: those set by hand, then others near cities, coast and river until there are ``count``."""
    rng = stream(seed, "parks")
    wanted = [*_BY_HAND, *_corridor(rng), *_across_border(regions), _half_in_red_line(province)]
    spots = [(np.array([x, y], dtype=float), area, main) for x, y, area, main in wanted]
    spots = [(_pushed_inland(xy, area, province), area, main) for xy, area, main in spots]
    while len(spots) < count:
        spots.append(_free_spot(spots, province, rng))
    spots = spots[:count]
    shapes = np.array([_blob(xy, area, rng, corners=10, ragged=0.16) for xy, area, _ in spots])
    main = [m for _, _, m in spots]
    return Parks(shapes, main, _layer(shapes, main, regions, rng))


def _corridor(rng: np.random.Generator) -> list[tuple[float, float, float, str]]:
    (x0, y0), (x1, y1), count = _CORRIDOR
    found = []
    for k, t in enumerate(np.linspace(0.17, 0.9, count)):
        side = 1.6 * (-1) ** k + rng.normal(0, 0.3)
        main = "chemical" if k % 3 else "other_industry"
        found.append((x0 + t * (x1 - x0) + side, y0 + t * (y1 - y0), float(rng.uniform(4, 7)), main))
    return found


def _across_border(regions: Regions) -> list[tuple[float, float, float, str]]:
    """Two parks on the border between counties of two cities, where it passes nearest to the chosen place."""
    city = regions.counties["city"].to_numpy()
    west = regions.counties.geometry[(city == city[regions.county[_nearest(regions.seeds, _ACROSS_BORDER)]])]
    rim = plane(shapely.get_coordinates(shapely.coverage_union_all(west.to_numpy())))
    inside = shapely.get_coordinates(regions.province.geometry.iloc[0])
    free = np.array([np.hypot(*(plane(inside) - p).T).min() > 12 for p in rim])
    rim = rim[free]
    one = rim[_nearest(rim, _ACROSS_BORDER)]
    away = np.hypot(*(rim - one).T)
    two = rim[np.argmin(np.abs(away - 5.5))]
    return [(*one, 8.0, "chemical"), (*two, 7.0, "steel")]


def _nearest(points: Array, to: tuple[float, float]) -> int:
    return int(np.argmin(np.hypot(*(points - np.array(to)).T)))


def _half_in_red_line(province: Province) -> tuple[float, float, float, str]:
    x = _HALF_IN_RED_LINE
    return x, float(np.interp(x, province.river[:, 0], province.river[:, 1])) + 1.7, 6.0, "chemical"


def _pushed_inland(xy: Array, area: float, province: Province) -> Array:
    """The spot, moved towards the middle of the land until the park and a kilometre around it are dry."""
    step = np.array([115.0, 180.0]) - xy
    step /= np.hypot(*step)
    while province.inside(xy[None])[0] < 1.2 * np.sqrt(area / np.pi) + 1:
        xy = xy + step
    return xy


def _free_spot(
    spots: list[tuple[Array, float, str]], province: Province, rng: np.random.Generator
) -> tuple[Array, float, str]:
    """A spot at least 7 km from the others, likelier near cities, the coast and the rivers than elsewhere."""
    taken = np.array([xy for xy, _, _ in spots])
    while True:
        xy = rng.uniform((0, 0), (290, 345), (1, 2))
        appeal = 1.6 * province.urban(xy) + 0.25 * np.exp(-province.from_river(xy) / 6)
        appeal += 0.3 * np.exp(-np.abs(province.seaward(xy) - 5) / 6) - 0.4 * province.hills(xy)
        far = np.hypot(*(taken - xy).T).min() > 7
        if far and province.inside(xy)[0] > 6 and rng.uniform() < appeal[0]:
            break
    coastal = province.seaward(xy)[0] < 14
    mains = ["chemical", "other_industry", "other_industry", "other_industry", "building_materials"]
    mains += ["power", "steel", "petrochemical"] if coastal else ["non_ferrous"]
    return xy[0], float(np.exp(rng.normal(1.9, 0.5))), str(rng.choice(mains))


def _blob(xy: Array, area: float, rng: np.random.Generator, *, corners: int, ragged: float) -> shapely.Polygon:
    """A rounded polygon of that area, somewhat longer than wide."""
    turn = np.sort((np.arange(corners) + rng.uniform(-0.3, 0.3, corners)) / corners) * 2 * np.pi
    radius = np.exp(rng.normal(0, ragged, corners))
    stretch, lean = rng.uniform(1, 1.5), rng.uniform(0, np.pi)
    ring = np.column_stack([np.cos(turn) * stretch, np.sin(turn) / stretch]) * radius[:, None]
    ring = ring @ np.array([[np.cos(lean), np.sin(lean)], [-np.sin(lean), np.cos(lean)]])
    ring *= np.sqrt(area / shapely.Polygon(ring).area)
    return shapely.Polygon(ring + xy)


def degrees(shape: BaseGeometry) -> BaseGeometry:
    """A shape of the plane in longitudes and latitudes."""
    return shapely.transform(shape, lonlat)


def _layer(
    shapes: NDArray[np.object_], main: list[str], regions: Regions, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    names = Names(rng)
    centre = shapely.get_coordinates(shapely.centroid(shapes))
    county = [regions.counties["code"].iloc[regions.county[_nearest(regions.seeds, c)]] for c in centre]
    named = [names.take().of(MAIN_ZH[m], MAIN_EN[m]) for m in main]
    area = shapely.area(shapes)
    output = np.round(area * np.exp(rng.normal(np.log(42), 0.6, len(shapes))), 1)
    serial = [sum(c == k for k in county[:i]) + 1 for i, c in enumerate(county)]
    return gpd.GeoDataFrame(
        {
            "园区代码": [f"{c}P{s:02d}" for c, s in zip(county, serial, strict=True)],
            "园区名称": [n.zh for n in named],
            "英文名": [n.en for n in named],
            "区县代码": county,
            "产值": output,  # hundred million yuan a year: the weight of a surrogate
            "备注": NOTE,
        },
        geometry=[degrees(s) for s in shapes],
        crs="EPSG:4490",
    )


def _on_land(regions: Regions) -> BaseGeometry:
    return shapely.make_valid(shapely.transform(regions.province.geometry.iloc[0], plane))


def _ground(
    province: Province, regions: Regions, parks: Parks, rng: np.random.Generator
) -> list[tuple[str, BaseGeometry]]:
    """Protected ground before it is named: pieces of river bank, of coast, and of the hills, clear of all parks but one."""
    land = _on_land(regions)
    built = shapely.union_all([s.buffer(0.6) for s in np.delete(parks.shapes, _conflict(province, parks))])
    found: list[tuple[str, BaseGeometry]] = []
    for line, spans in (
        (province.river, ((22, 46), (70, 100), (134, 152))),
        (province.tributary, ((30, 60), (84, 112))),
    ):
        for low, high in spans:
            piece = line[(line[:, 0] > low) & (line[:, 0] < high)]
            found.append(("水源涵养 River bank", shapely.LineString(piece).buffer(1.3, quad_segs=2)))
    mainland = max(shapely.get_parts(land), key=shapely.area)
    for y in (36, 112, 206, 252, 301):
        east = shapely.get_coordinates(mainland.intersection(shapely.LineString([(120, y), (330, y)])))[:, 0]
        shore = shapely.Point(east.max(), y).buffer(rng.uniform(7, 10), quad_segs=3)
        found.append(("滨海湿地 Coastal wetland", shore.intersection(land.boundary.buffer(2.6, quad_segs=2))))
    for x, y, area in (
        (28, 305, 420),
        (48, 335, 240),
        (18, 40, 300),
        (38, 22, 210),
        (88, 300, 260),
        (68, 15, 160),
        (198, 300, 150),
    ):
        found.append(("水土保持 Hills", _blob(np.array([x, y], dtype=float), area, rng, corners=26, ragged=0.13)))
    clipped = [(kind, shape.simplify(0.15).intersection(land).difference(built)) for kind, shape in found]
    return _apart(clipped)


def _apart(ground: list[tuple[str, BaseGeometry]]) -> list[tuple[str, BaseGeometry]]:
    """The pieces without the ground that an earlier one has taken."""
    apart: list[tuple[str, BaseGeometry]] = []
    for kind, shape in ground:
        taken = shapely.union_all([s for _, s in apart])
        apart.append(
            (kind, _polygonal(shape.difference(taken.buffer(0.05, quad_segs=1))))
        )  # rounding must not make them meet
    return apart


def _conflict(province: Province, parks: Parks) -> int:
    """The park that reaches into the red line on the river bank on purpose."""
    x, y, _, _ = _half_in_red_line(province)
    return _nearest(shapely.get_coordinates(shapely.centroid(parks.shapes)), (x, y))


def _polygonal(shape: BaseGeometry) -> BaseGeometry:
    parts = [p for p in shapely.get_parts(shape) if p.geom_type == "Polygon" and p.area > 0.5]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)


def red_line_layer(province: Province, regions: Regions, parks: Parks, *, seed: int) -> gpd.GeoDataFrame:
    """Ecological red lines: river banks, coastal wetlands and hills."""
    return _protected(
        _ground(province, regions, parks, stream(seed, "red lines")), "R", "生态保护红线", "Red Line", seed
    )


def priority_layer(province: Province, regions: Regions, parks: Parks, *, seed: int) -> gpd.GeoDataFrame:
    """Priority protection units: the red lines of hills and wetlands with the ground around them, still clear of the parks."""
    land = _on_land(regions)
    built = shapely.union_all([s.buffer(0.6) for s in parks.shapes])
    wide = [
        (kind, shape.buffer(2.2, quad_segs=2).simplify(0.3).intersection(land).difference(built))
        for kind, shape in _ground(province, regions, parks, stream(seed, "red lines"))
        if not kind.startswith("水源")
    ]
    return _protected(_apart(wide), "Y", "优先保护单元", "Priority Protection Unit", seed)


def _protected(
    ground: list[tuple[str, BaseGeometry]], letter: str, kind_zh: str, kind_en: str, seed: int
) -> gpd.GeoDataFrame:
    names = Names(stream(seed, f"names {letter}"))
    named = [names.take().of(kind_zh, kind_en) for _ in ground]
    return gpd.GeoDataFrame(
        {
            "code": [f"{PROVINCE_CODE}{letter}{k + 1:02d}" for k in range(len(ground))],
            "name_zh": [n.zh for n in named],
            "name_en": [n.en for n in named],
            "kind": [kind for kind, _ in ground],
            "note": NOTE,
        },
        geometry=[degrees(s) for _, s in ground],
        crs="EPSG:4490",
    )


def buffer_layer(regions: Regions, *, width_km: float = 40) -> gpd.GeoDataFrame:
    """The neighbourhood: a ring of coastal waters and neighbours around the province."""
    land = _on_land(regions)
    ring = land.buffer(width_km, quad_segs=6).simplify(0.5).difference(land)
    return gpd.GeoDataFrame(
        {"code": [f"{PROVINCE_CODE}B"], "name_zh": ["近岸海域与邻省(合成)"], "name_en": ["Coastal waters and neighbours (synthetic)"],
         "note": [NOTE]},
        geometry=[degrees(ring)],
        crs="EPSG:4490",
    )  # fmt: skip
