"""The demo inventory: every layer and table of the synthetic province, each in a format somebody uses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from data.generate import files
from data.generate.background import background
from data.generate.blemishes import blemished_areas, blemished_points
from data.generate.emissions import FILE_SPECIES, SPECIES, YEARS
from data.generate.industry import Plants, build
from data.generate.names import NOTE
from data.generate.parks import Parks, buffer_layer, lay_out, priority_layer, red_line_layer
from data.generate.plane import lonlat
from data.generate.population import NO_FARMLAND, NO_PEOPLE, Surface, paint
from data.generate.province import Province
from data.generate.regions import Regions, divide
from data.generate.roads import roads, shipping
from data.generate.totals import county_totals
from gis.inventory.coordinates import wgs84_to_gcj02

__all__ = ["Demo", "draw", "write"]

COMMITTED = Path(__file__).parent.parent / "demo"
DESCRIPTIONS = ("inventory.toml", "blemished.toml", "grid-1km.toml")
SECTOR_ZH = {"steel": "钢铁", "non_ferrous": "有色冶炼", "power": "电力"}


@dataclass(frozen=True, slots=True, eq=False)
class Demo:
    """Everything that is written, before it is written."""

    province: Province
    regions: Regions
    parks: Parks
    red_lines: gpd.GeoDataFrame
    priority: gpd.GeoDataFrame
    buffer: gpd.GeoDataFrame
    plants: Plants
    roads: gpd.GeoDataFrame
    shipping: gpd.GeoDataFrame
    surface: Surface
    totals: pd.DataFrame
    seed: int


def draw(*, scale: float = 1.0, seed: int) -> Demo:
    """The province of that seed; ``scale`` multiplies its counties, townships, plants and roads."""
    province = Province(seed)
    regions = divide(province, counties=round(95 * scale), townships=round(1300 * scale), seed=seed)
    parks = lay_out(province, regions, count=60, seed=seed)
    plants = build(province, regions, parks, scale=scale, seed=seed)
    surface = paint(province, regions, seed=seed)
    near = buffer_layer(regions)
    return Demo(
        province=province,
        regions=regions,
        parks=parks,
        red_lines=red_line_layer(province, regions, parks, seed=seed),
        priority=priority_layer(province, regions, parks, seed=seed),
        buffer=near,
        plants=plants,
        roads=roads(province, regions, seed=seed),
        shipping=shipping(province, regions, near, seed=seed),
        surface=surface,
        totals=county_totals(regions, surface, plants, seed=seed),
        seed=seed,
    )


def write(demo: Demo, out: Path) -> None:
    """Write the files of the demo and the descriptions that go with them."""
    (out / "background").mkdir(parents=True, exist_ok=True)
    _write_regions(demo, out)
    _write_plants(demo.plants, out)
    files.parquet(out / "roads.parquet", demo.roads)
    files.vector(out / "shipping.fgb", demo.shipping)
    files.csv(out / "county_totals.csv", demo.totals, encoding="gb18030")
    surface = demo.surface
    files.raster(out / "population.tif", surface.people_km2, surface.transform, nodata=NO_PEOPLE, unit="persons/km2")
    files.raster(out / "farmland.tif", surface.farmland_percent, surface.transform, nodata=NO_FARMLAND, unit="percent")
    for name, dataset in background(demo.province, seed=demo.seed):
        files.netcdf(out / "background" / name, dataset)
    files.csv(out / "blemished_points.csv", blemished_points(demo.plants), encoding="utf-8")
    files.vector(out / "blemished_areas.geojson", blemished_areas())
    for name in DESCRIPTIONS:
        files.copy(COMMITTED / name, out / name)


def _write_regions(demo: Demo, out: Path) -> None:
    layers = {
        "province": demo.regions.province, "counties": demo.regions.counties, "red_lines": demo.red_lines,
        "priority": demo.priority, "coastal_waters": demo.buffer, "rivers": _rivers(demo.province),
    }  # fmt: skip
    for k, (name, frame) in enumerate(layers.items()):
        files.vector(out / "regions.gpkg", frame, layer=name, append=k > 0, SPATIAL_INDEX="NO")
    files.parquet(out / "townships.parquet", demo.regions.townships)
    files.shapefile(out / "parks.shp", demo.parks.frame, encoding="GBK")


def _rivers(province: Province) -> gpd.GeoDataFrame:
    from_plane = [shapely.LineString(lonlat(line[::3])) for line in (province.river, province.tributary)]
    return gpd.GeoDataFrame({"code": ["R1", "R2"], "note": [NOTE] * 2}, geometry=from_plane, crs="EPSG:4490")


def _write_plants(plants: Plants, out: Path) -> None:
    files.csv(out / "power.csv", _chinese(_by_year(plants.of("power"))), encoding="gb18030")
    metals = _chinese(_by_year(plants.of("steel", "non_ferrous")))
    title = ["2019—2023 年钢铁与有色企业排放清单（合成数据，不是真实企业）"]
    rows = metals.astype(object).where(metals.notna(), None).values.tolist()
    files.workbook(out / "metals.xlsx", "企业清单", [title, [], list(metals.columns), *rows])
    files.vector(
        out / "building_materials.geojson", _by_columns(plants.of("building_materials")), COORDINATE_PRECISION="5"
    )
    files.csv(out / "petrochemical.csv", _long(plants.of("petrochemical")), encoding="utf-8-sig")
    files.csv(out / "chemical_gcj02.csv", _shifted(_by_year(plants.of("chemical"))), encoding="utf-8")
    works = _by_year(plants.of("other_industry"))
    shapes = gpd.points_from_xy(works.pop("lon"), works.pop("lat"))
    files.vector(
        out / "other_industry.fgb", gpd.GeoDataFrame(works.assign(note=NOTE), geometry=shapes, crs="EPSG:4490")
    )


def _by_year(plants: Plants) -> pd.DataFrame:
    """A row a plant and year in which it ran."""
    running = ~np.isnan(plants.mass_t[:, :, 0])
    plant, year = np.nonzero(running)
    table = plants.frame.iloc[plant].reset_index(drop=True)
    table["year"] = np.array(YEARS)[year]
    for s, species in enumerate(SPECIES):
        table[species] = plants.mass_t[plant, year, s]
    return table


def _by_columns(plants: Plants) -> gpd.GeoDataFrame:
    """A row a plant, a column a species and year."""
    table = plants.frame.drop(columns=["lon", "lat", "sector", "park"]).assign(note=NOTE)
    mass_t = np.nan_to_num(plants.mass_t)
    for s, species in enumerate(SPECIES):
        for y, year in enumerate(YEARS):
            table[f"{species}_{year}"] = mass_t[:, y, s]
    shapes = gpd.points_from_xy(plants.frame["lon"], plants.frame["lat"])
    return gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4490")


def _long(plants: Plants) -> pd.DataFrame:
    """A row an amount, CO2 in kt and the others in t."""
    table = _by_year(plants)
    keys = [
        "id",
        "name_zh",
        "name_en",
        "industry",
        "owner_code",
        "capacity",
        "supply_security",
        "county",
        "lon",
        "lat",
        "year",
    ]
    table = table.melt(id_vars=keys, value_vars=list(SPECIES), var_name="species", value_name="emission")
    carbon = table["species"] == "co2"
    table["unit"] = np.where(carbon, "kt/yr", "t/yr")
    table["emission"] = np.where(carbon, table["emission"] / 1000, table["emission"]).round(3)
    table["species"] = table["species"].map(dict(zip(SPECIES, FILE_SPECIES, strict=True)))
    return table.sort_values(["id", "year"], kind="stable").assign(note=NOTE)


def _shifted(table: pd.DataFrame) -> pd.DataFrame:
    """The table with coordinates as a Chinese web map gives them."""
    lon, lat = wgs84_to_gcj02(table["lon"].to_numpy(), table["lat"].to_numpy())
    table = table.assign(lon_gcj02=np.round(lon, 6), lat_gcj02=np.round(lat, 6), note=NOTE)
    table["co2"] = (table["co2"] / 1000).round(3)
    names = {"co2": "CO2 (kt/yr)", **{s: f"{n} (t/yr)" for s, n in zip(SPECIES[1:], FILE_SPECIES[1:], strict=True)}}
    return table.drop(columns=["lon", "lat", "sector", "park"]).rename(columns=names)


def _chinese(table: pd.DataFrame) -> pd.DataFrame:
    """The table with headings and units as a Chinese agency writes them."""
    out = pd.DataFrame(
        {
            "企业编号": table["id"], "企业名称": table["name_zh"], "英文名称": table["name_en"],
            "部门": table["sector"].map(SECTOR_ZH), "行业类别": table["industry"],
            "统一社会信用代码": table["owner_code"], "产能": table["capacity"],
            "是否保供": np.where(table["supply_security"], "是", "否"), "区县代码": table["county"],
            "经度": table["lon"], "纬度": table["lat"], "年份": table["year"],
            "二氧化碳排放量(万吨/年)": (table["co2"] / 1e4).round(4),
        }
    )  # fmt: skip
    for species, zh in (("nox", "氮氧化物"), ("pm25", "细颗粒物"), ("vocs", "挥发性有机物"), ("so2", "二氧化硫")):
        out[f"{zh}排放量(吨/年)"] = table[species]
    return out.assign(备注="合成数据")
