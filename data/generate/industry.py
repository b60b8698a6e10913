"""Point sources: a few giants and many small plants, most of them in parks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from data.generate.emissions import YEARS, amounts, rounded
from data.generate.names import Names
from data.generate.parks import Parks
from data.generate.plane import lonlat, stream
from data.generate.province import CITIES, Province
from data.generate.regions import Regions

__all__ = ["GIANT", "PLANT_SECTORS", "Plants", "build"]

Array = NDArray[np.float64]
GIANT = (26.0, 326.0)  # a power base in the north-western hills, far from everything else


@dataclass(frozen=True, slots=True)
class Kind:
    """Plants of a sector: how many, how unequal (Pareto exponent), how many lie in parks, CO2 per unit of capacity."""

    count: int
    tail: float
    in_parks: float
    co2_t_per_unit: float
    industries: tuple[tuple[str, str, str], ...]  # GB/T 4754 class, what a Chinese and an English name call it
    point_share: float = 1.0  # the part of the sector that is known as plants


PLANT_SECTORS = {
    "power": Kind(58, 1.1, 0.35, 4.6e3, (("火力发电 D4411", "发电", "Power"), ("热电联产 D4412", "热电", "Cogeneration"))),
    "steel": Kind(20, 1.0, 0.85, 1.9e4, (("炼钢 C3120", "钢铁", "Iron and Steel"), ("炼铁 C3110", "铸铁", "Ironworks"))),
    "building_materials": Kind(96, 1.4, 0.45, 6.5e3, (
        ("水泥制造 C3011", "水泥", "Cement"), ("平板玻璃制造 C3041", "玻璃", "Glass"), ("建筑陶瓷制品制造 C3071", "陶瓷", "Ceramics"))),
    "petrochemical": Kind(12, 1.0, 1.0, 2.4e3, (("原油加工及石油制品制造 C2511", "石化", "Petrochemical"),)),
    "chemical": Kind(130, 1.3, 0.93, 1.8e4, (
        ("有机化学原料制造 C2614", "化工", "Chemical"), ("氮肥制造 C2621", "化肥", "Fertiliser"),
        ("初级形态塑料及合成树脂制造 C2651", "树脂", "Resin"), ("涂料制造 C2641", "涂料", "Coatings"))),
    "non_ferrous": Kind(26, 1.2, 0.75, 1.1e4, (("铝冶炼 C3216", "铝业", "Aluminium"), ("铜冶炼 C3211", "铜业", "Copper"))),
    "other_industry": Kind(150, 1.5, 0.8, 9.0e3, (
        ("机制纸及纸板制造 C2221", "纸业", "Paper"), ("棉印染精加工 C1713", "印染", "Dyeing"),
        ("木质家具制造 C2110", "家具", "Furniture"), ("包装装潢及其他印刷 C2319", "印刷", "Printing")), 0.55),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Plants:
    """One row a plant, and what each emits: tonnes (n, years, species), NaN in years it did not run."""

    frame: pd.DataFrame
    mass_t: Array

    def of(self, *sectors: str) -> Plants:
        """The plants of these sectors."""
        chosen = self.frame["sector"].isin(sectors).to_numpy()
        return Plants(self.frame[chosen].reset_index(drop=True), self.mass_t[chosen])


def build(province: Province, regions: Regions, parks: Parks, *, scale: float, seed: int) -> Plants:
    """All plants of the province, numbered through by sector."""
    names = Names(stream(seed, "plant names"))
    built = [_sector(s, k, province, regions, parks, scale, names, seed) for s, k in PLANT_SECTORS.items()]
    frame = pd.concat([f for f, _ in built], ignore_index=True)
    mass_t = np.concatenate([m for _, m in built])
    frame["owner_code"] = [f"91{c}SYN{k + 1:07d}" for k, c in enumerate(frame["county"])]
    return Plants(frame, mass_t)


def _sector(
    sector: str,
    kind: Kind,
    province: Province,
    regions: Regions,
    parks: Parks,
    scale: float,
    names: Names,
    seed: int,
) -> tuple[pd.DataFrame, Array]:
    rng = stream(seed, f"plants {sector}")
    count = max(6, round(kind.count * scale))
    size = np.sort(np.minimum(rng.pareto(kind.tail, count) + 0.15, 22))[::-1]
    xy, park = _places(sector, kind, count, province, regions, parks, rng)
    if sector == "power":
        xy[0], park[0] = np.array(GIANT), -1
        size[0] = 1.5 * size[1]
    if sector == "steel":
        xy[4] = xy[3]  # two of one name at one site (see below): a plant entered twice, or its second line?
        park[4] = park[3]
    mass_t = amounts(sector, kind.point_share * size / size.sum(), rng)
    if sector == "power":
        mass_t[min(12, count - 1), :, 0] /= (
            1000  # CO2 written in kt in a column of t: far from what such a plant emits with its NOx
        )
    mass_t[~_running(count, rng)] = np.nan
    mass_t = rounded(mass_t)
    degrees = np.round(lonlat(xy), 5)
    frame = pd.DataFrame(_attributes(sector, kind, mass_t, names, rng))
    if sector == "steel":
        frame.loc[4, ["name_zh", "name_en"]] = frame.loc[3, ["name_zh", "name_en"]].to_list()
    frame["county"] = _county(degrees, regions)
    frame["park"] = np.where(park >= 0, parks.frame["园区代码"].to_numpy()[park], "")
    frame["lon"], frame["lat"] = degrees.T
    return frame, mass_t


def _attributes(
    sector: str, kind: Kind, mass_t: Array, names: Names, rng: np.random.Generator
) -> dict[str, list[object]]:
    peak = np.nanmax(mass_t[:, :, 0], axis=1)
    unit = kind.co2_t_per_unit * np.exp(rng.normal(0, 0.15, len(peak)))
    made: dict[str, list[object]] = {
        k: [] for k in ("id", "name_zh", "name_en", "sector", "industry", "capacity", "supply_security")
    }
    for k in range(len(peak)):
        text, zh, en = kind.industries[int(rng.integers(len(kind.industries)))]
        name = names.take()
        secures = (sector == "power" and rng.uniform() < 0.4) or (sector == "petrochemical" and k < 2)
        made["id"].append(f"{sector[:2].upper()}{k + 1:04d}")
        made["name_zh"].append(f"{name.zh}{zh}厂(合成)")
        made["name_en"].append(f"{name.en} {en} Works (synthetic)")
        made["sector"].append(sector)
        made["industry"].append(text)
        made["capacity"].append(float(f"{peak[k] / unit[k]:.3g}"))
        made["supply_security"].append(bool(secures))
    return made


def _running(count: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Whether each plant ran in each year: one in fifteen opened later, one in fifteen closed before the end."""
    year = np.arange(len(YEARS))
    fate = rng.uniform(size=count)
    when = rng.integers(1, len(YEARS), count)[:, None]
    opened = (fate < 1 / 15)[:, None]
    closed = (fate > 14 / 15)[:, None]
    running = ~(opened & (year < when)) & ~(closed & (year >= when))
    running[:6] = True  # the giants run throughout
    return running


def _county(degrees: Array, regions: Regions) -> list[str]:
    points = shapely.points(degrees)
    counties = regions.counties.geometry.to_numpy()
    hit, county = shapely.STRtree(counties).query(points, predicate="intersects")
    found = np.full(len(points), -1)
    found[hit[::-1]] = county[::-1]
    for k in np.flatnonzero(found < 0):  # rounding put it a metre into the sea
        found[k] = np.argmin(shapely.distance(counties, points[k]))
    return [str(regions.counties["code"].iloc[c]) for c in found]


def _places(
    sector: str,
    kind: Kind,
    count: int,
    province: Province,
    regions: Regions,
    parks: Parks,
    rng: np.random.Generator,
) -> tuple[Array, NDArray[np.int64]]:
    """Where the plants stand, the largest first, and the park of each or -1."""
    main = np.array(parks.main)
    area = shapely.area(parks.shapes)
    draw = area * np.where(main == sector, 1.0, np.where(main == "other_industry", 0.03, 0.01))
    park = rng.choice(len(main), count, p=draw / draw.sum())
    own = np.flatnonzero(main == sector)
    leaders = own[np.argsort(-area[own])][:4]
    if len(leaders):  # the largest plants stand in the largest parks of their sector
        park[: min(count, 2 * len(leaders))] = np.resize(leaders, min(count, 2 * len(leaders)))
    outside = rng.uniform(size=count) > kind.in_parks
    park[outside] = -1
    xy = np.empty((count, 2))
    for k in range(count):
        xy[k] = _within(parks.shapes[park[k]], rng) if park[k] >= 0 else _in_the_open(sector, province, regions, rng)
    return xy, park.astype(np.int64)


def _within(shape: shapely.Polygon, rng: np.random.Generator) -> Array:
    west, south, east, north = shape.bounds
    while True:
        xy = rng.uniform((west, south), (east, north))
        if shape.contains(shapely.Point(xy)):
            return xy


def _in_the_open(sector: str, province: Province, regions: Regions, rng: np.random.Generator) -> Array:
    """A place outside the parks: power stations by water and cities, quarries and kilns by the hills, others by cities."""
    while True:
        if rng.uniform() < 0.4:
            city = CITIES[int(rng.integers(len(CITIES)))]
            xy = np.array([[city.x, city.y]]) + rng.normal(0, 9, (1, 2))
            appeal = 1.0
        else:
            xy = rng.uniform((0, 0), (290, 345), (1, 2))
            water = np.exp(-min(abs(province.seaward(xy)[0] - 2), province.from_river(xy)[0]) / 2.5)
            appeal = {"power": water, "building_materials": province.hills(xy)[0]}.get(sector, province.urban(xy)[0])
        if province.inside(xy)[0] > 2.5 and rng.uniform() < appeal:
            return xy[0]
