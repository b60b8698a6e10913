"""Cities, counties and townships of the province: one coverage of townships, and unions of it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from data.generate.names import NOTE, PROVINCE, Names
from data.generate.partition import Cells, cells, groups, polygons, scatter
from data.generate.plane import PROVINCE_ALBERS, stream
from data.generate.province import BOX, CITIES, Province

__all__ = ["PROVINCE_CODE", "Regions", "divide", "province_layer"]

Array = NDArray[np.float64]
Labels = NDArray[np.int64]
PROVINCE_CODE = "990000"  # no province's codes begin with 99
_PIECE_KM = {"coast": 0.7, "county": 1.6, "township": 3.2}
_ROUGH = {"coast": 0.95, "county": 0.65, "township": 0.5}


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The coverage: a frame a level, sorted by code, and the seed and county of every township."""

    townships: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame
    province: gpd.GeoDataFrame
    seeds: Array
    county: Labels  # of every township, as a position in ``counties``
    centres: Array  # of the counties


def divide(province: Province, *, counties: int, townships: int, seed: int) -> Regions:
    """The province divided: ``townships`` seeds, the closer the more urban, grouped to counties, and these to 13 cities."""
    rng = stream(seed, "regions")
    mosaic = _mosaic(province, townships, rng)
    county = _counties(province, mosaic, counties, rng)
    centres = np.column_stack([np.bincount(county, c[mosaic.drawn]) for c in mosaic.seeds.T])
    centres /= np.bincount(county)[:, None]
    city = _cities(mosaic, county, centres)
    label = np.full(len(mosaic.seeds), -1)
    label[mosaic.drawn] = county
    shapes = polygons(mosaic, *_borders(mosaic, label), rng, crs=PROVINCE_ALBERS)
    return _named(shapes, mosaic.seeds[mosaic.drawn], county, city, centres, province, rng)


def province_layer(counties: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The domain: the union of the counties."""
    outline = shapely.coverage_union_all(counties.geometry.to_numpy())
    return gpd.GeoDataFrame(
        {"code": [PROVINCE_CODE], "name_zh": [PROVINCE.zh], "name_en": [PROVINCE.en], "note": [NOTE]},
        geometry=[outline],
        crs="EPSG:4490",
    )


def _mosaic(province: Province, townships: int, rng: np.random.Generator) -> Cells:
    """Cells over the whole box, sea and neighbours included, of which the innermost ``townships`` are drawn."""
    west, south, east, north = BOX
    cloud = rng.uniform((west, south), (east, north), (200_000, 2))
    density = 0.45 + 3 * province.urban(cloud) - 0.2 * province.hills(cloud)
    cloud = cloud[rng.uniform(0, density.max(), len(cloud)) < density]
    share = np.mean(province.inside(cloud) > 0)
    seeds = scatter(round(townships / share), cloud, rng)
    inside = province.inside(seeds)
    drawn = np.zeros(len(seeds), dtype=bool)
    drawn[np.argsort(-inside)[:townships]] = True
    return cells(seeds, drawn, BOX)


def _counties(province: Province, mosaic: Cells, count: int, rng: np.random.Generator) -> Labels:
    """The county of every drawn seed: the nearest of centres that began in the cities and among the seeds."""
    seeds = mosaic.seeds[mosaic.drawn]
    first = np.array([(c.x, c.y) for c in CITIES])[:count]
    centres = scatter(count, seeds, rng, rounds=12, first=first)
    label = np.full(len(mosaic.seeds), -1)
    label[mosaic.drawn] = cKDTree(centres).query(seeds)[1]
    label = groups(mosaic, label)[mosaic.drawn]
    return np.unique(label, return_inverse=True)[1]


def _cities(mosaic: Cells, county: Labels, centres: Array) -> Labels:
    """The city of every county: the nearest, larger cities reaching further; in one piece each."""
    reach = np.array([2 + c.million**0.5 for c in CITIES])
    away = np.hypot(*(centres[:, None, :] - np.array([(c.x, c.y) for c in CITIES])).transpose(2, 0, 1))
    label = np.full(len(mosaic.seeds), -1)
    label[mosaic.drawn] = np.argmin(away / reach, axis=1)[county]
    label = groups(mosaic, label)[mosaic.drawn]
    return np.array([np.bincount(label[county == c]).argmax() for c in range(len(centres))])


def _borders(mosaic: Cells, label: Labels) -> tuple[Labels, Array]:
    """Levels and roughness of the borders: coasts are ragged, county borders rough, township borders plain."""
    one, two = label[mosaic.edges].T
    kind = np.where((one < 0) | (two < 0), "coast", np.where(one != two, "county", "township"))
    length = np.hypot(*(mosaic.vertices[mosaic.ends[:, 0]] - mosaic.vertices[mosaic.ends[:, 1]]).T)
    piece = np.array([_PIECE_KM[k] for k in kind])
    levels = np.clip(np.round(np.log2(np.maximum(length / piece, 1))), 0, 6).astype(np.int64)
    return levels, np.array([_ROUGH[k] for k in kind])


def _named(
    shapes: NDArray[np.object_],
    seeds: Array,
    county: Labels,
    city: Labels,
    centres: Array,
    province: Province,
    rng: np.random.Generator,
) -> Regions:
    """Frames with codes and names, in the order of the codes: city by city, from the city's centre outwards."""
    names = Names(rng)
    middle = np.array([(c.x, c.y) for c in CITIES])
    cities = [names.take() for _ in CITIES]
    from_centre = np.hypot(*(centres - middle[city]).T)
    order = np.lexsort((from_centre, city))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    county, city, centres, from_centre = rank[county], city[order], centres[order], from_centre[order]
    serial = np.array([np.sum(city[:k] == city[k]) + 1 for k in range(len(city))])
    codes = [f"99{c + 1:02d}{s:02d}" for c, s in zip(city, serial, strict=True)]
    kinds = [_kind(s, away) for s, away in zip(serial, from_centre, strict=True)]
    county_names = [names.take().of(*kind) for kind in kinds]
    union = [shapely.coverage_union_all(shapes[county == k]) for k in range(len(centres))]
    counties = gpd.GeoDataFrame(
        {
            "code": codes,
            "name_zh": [n.zh for n in county_names],
            "name_en": [n.en for n in county_names],
            "city": [f"99{c + 1:02d}00" for c in city],
            "city_zh": [cities[c].zh + "市" for c in city],
            "city_en": [cities[c].en + " City" for c in city],
            "note": NOTE,
        },
        geometry=union,
        crs="EPSG:4490",
    )
    townships, seeds, county = _townships(shapes, seeds, county, codes, province, names)
    return Regions(townships, counties, province_layer(counties), seeds, county, centres)


def _kind(serial: int, from_centre_km: float) -> tuple[str, str]:
    if serial == 1 or from_centre_km < 16:
        return "区", "District"
    return ("市", "City") if serial % 4 == 2 else ("县", "County")


def _townships(
    shapes: NDArray[np.object_], seeds: Array, county: Labels, codes: list[str], province: Province, names: Names
) -> tuple[gpd.GeoDataFrame, Array, Labels]:
    """The townships sorted by county and, within it, from north to south."""
    order = np.lexsort((-seeds[:, 1], county))
    shapes, seeds, county = shapes[order], seeds[order], county[order]
    serial = np.arange(len(order)) - np.searchsorted(county, county) + 1
    urban, hills = province.urban(seeds), province.hills(seeds)
    named = []
    for u, h in zip(urban, hills, strict=True):
        kind = ("街道", "Subdistrict") if u > 0.18 else ("乡", "Rural Township") if h > 0.5 else ("镇", "Town")
        named.append(names.take().of(*kind))
    frame = gpd.GeoDataFrame(
        {
            "code": [f"{codes[c]}{s:03d}" for c, s in zip(county, serial, strict=True)],
            "name_zh": [n.zh for n in named],
            "name_en": [n.en for n in named],
            "county": [codes[c] for c in county],
            "note": NOTE,
        },
        geometry=shapes,
        crs="EPSG:4490",
    )
    return frame, seeds, county
