"""The committed demo: it is what the generator makes, it holds together, and it tells the stories its README promises."""

import tomllib
from decimal import Decimal
from pathlib import Path

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr

from data.generate.__main__ import SEED
from data.generate.demo import COMMITTED, Demo, draw, write
from data.generate.emissions import SPECIES, YEARS
from data.generate.industry import GIANT, build
from data.generate.national import National, generate
from data.generate.plane import plane
from data.generate.province import Province
from data.generate.regions import divide
from gis.errors import RefusedInput
from gis.grid import Grid, read_grid
from gis.inventory.check import check_inventory
from gis.inventory.coordinates import gcj02_to_wgs84
from gis.inventory.description import Description, read_description
from gis.inventory.findings import Severity
from gis.inventory.load import read_inventory
from gis.inventory.model import Inventory, SourcePart

MB = 1_000_000
COMPANIONS = {".shx", ".dbf", ".prj"}  # read through their .shp


@pytest.fixture(scope="module")
def demo() -> Demo:
    return draw(seed=SEED)


@pytest.fixture(scope="module")
def made(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("demo")
    write(demo, out)
    return out


@pytest.fixture(scope="module")
def inventory() -> Inventory:
    return read_inventory(COMMITTED / "inventory.toml")


def names(directory: Path) -> list[str]:
    return sorted(str(p.relative_to(directory)) for p in directory.rglob("*") if p.is_file())


def vectors(path: Path) -> list[pd.DataFrame]:
    if path.suffix == ".parquet":
        frames = [gpd.read_parquet(path)]
    elif path.suffix == ".gpkg":
        frames = [gpd.read_file(path, layer=name) for name in gpd.list_layers(path)["name"]]
    else:
        frames = [gpd.read_file(path, encoding="GBK" if path.suffix == ".shp" else None)]
    return [
        pd.DataFrame(f.drop(columns="geometry")).assign(geometry=shapely.to_wkb(f.geometry.to_numpy()), crs=str(f.crs))
        for f in frames
    ]


def assert_same_content(one: Path, two: Path) -> None:
    match one.suffix:
        case ".csv" | ".toml":
            assert one.read_bytes() == two.read_bytes()
        case ".xlsx":
            sheets = [[list(r) for r in openpyxl.load_workbook(p).active.values] for p in (one, two)]
            assert sheets[0] == sheets[1]
        case ".tif":
            with rasterio.open(one) as a, rasterio.open(two) as b:
                assert (a.crs, a.transform, a.nodata) == (b.crs, b.transform, b.nodata)
                np.testing.assert_array_equal(a.read(), b.read())
        case ".nc":
            with xr.open_dataset(one) as a, xr.open_dataset(two) as b:
                xr.testing.assert_identical(a, b)
        case _:
            for a, b in zip(vectors(one), vectors(two), strict=True):
                pd.testing.assert_frame_equal(a, b, check_exact=True)


# -- the files ----------------------------------------------------------------------------------------------------------


def test_the_generator_makes_the_committed_files(made: Path) -> None:
    assert names(made) == names(COMMITTED)
    for name in names(made):
        if Path(name).suffix not in COMPANIONS:
            assert_same_content(made / name, COMMITTED / name)


def test_written_twice_the_bytes_are_the_same(demo: Demo, made: Path, tmp_path: Path) -> None:
    write(demo, tmp_path)
    differing = [n for n in names(made) if (made / n).read_bytes() != (tmp_path / n).read_bytes()]
    assert differing == []


def test_another_seed_is_another_province() -> None:
    one, two = (divide(Province(s), counties=20, townships=150, seed=s) for s in (1, 2))
    assert not one.province.geometry.iloc[0].equals(two.province.geometry.iloc[0])
    assert one.counties["name_zh"].tolist() != two.counties["name_zh"].tolist()


def test_scale_multiplies_the_sources(demo: Demo) -> None:
    half = build(demo.province, demo.regions, demo.parks, scale=0.5, seed=SEED)
    assert len(half.frame) == pytest.approx(len(demo.plants.frame) / 2, rel=0.02)


def test_committed_data_stay_small() -> None:
    sizes = {n: (COMMITTED / n).stat().st_size for n in names(COMMITTED)}
    assert sum(sizes.values()) < 3 * MB
    assert max(sizes.values()) < MB


def test_every_vector_layer_and_table_says_that_it_is_synthetic() -> None:
    for name in names(COMMITTED):
        path = COMMITTED / name
        if path.suffix in {".parquet", ".gpkg", ".shp", ".fgb", ".geojson"}:
            for frame in vectors(path):
                column = "备注" if "备注" in frame else "note"
                assert frame[column].str.contains("SYNTHETIC").all(), name
        elif path.suffix == ".csv":
            text = path.read_bytes().decode("gb18030" if name in ("power.csv", "county_totals.csv") else "utf-8")
            assert all("合成" in line for line in text.splitlines()[1:]), name


# -- the regions --------------------------------------------------------------------------------------------------------


def test_regions_are_as_many_as_promised(demo: Demo) -> None:
    counties = demo.regions.counties
    assert (counties["city"].nunique(), len(counties), len(demo.regions.townships)) == (13, 95, 1300)
    assert len(demo.parks.frame) == 60


def test_layers_are_valid_coverages(demo: Demo) -> None:
    for frame in (demo.regions.townships, demo.regions.counties):
        assert shapely.coverage_is_valid(frame.geometry.to_numpy())
        assert frame.is_valid.all()
        assert (shapely.get_num_interior_rings(shapely.get_parts(frame.geometry.to_numpy())) == 0).all()


def test_townships_nest_in_counties_and_counties_in_the_province(demo: Demo) -> None:
    regions = demo.regions
    assert regions.townships["county"].equals(regions.townships["code"].str[:6])
    for code, county in zip(regions.counties["code"], regions.counties.geometry, strict=True):
        members = regions.townships.geometry[regions.townships["county"] == code].to_numpy()
        assert shapely.coverage_union_all(members).equals(county)
    assert shapely.coverage_union_all(regions.counties.geometry.to_numpy()).equals(regions.province.geometry.iloc[0])


def test_codes_are_unique_and_of_no_real_province(demo: Demo) -> None:
    regions = demo.regions
    for codes, digits in ((regions.counties["code"], 6), (regions.townships["code"], 9)):
        assert codes.is_unique
        assert codes.str.fullmatch(rf"99\d{{{digits - 2}}}").all()
    pair = regions.counties[["name_zh", "city_zh"]]
    assert not pair.duplicated().any()
    assert regions.townships["name_zh"].is_unique


def test_decision_layers_are_valid_and_lie_in_the_province(demo: Demo) -> None:
    province = demo.regions.province.geometry.iloc[0].buffer(1e-5)
    for frame in (demo.parks.frame, demo.red_lines, demo.priority):
        assert frame.is_valid.all()
        assert frame.within(province).all()
        first, second = shapely.STRtree(frame.geometry.to_numpy()).query(
            frame.geometry.to_numpy(), predicate="overlaps"
        )
        shared = shapely.area(shapely.intersection(*(frame.geometry.to_numpy()[i] for i in (first, second))))
        assert (shared == 0).all()


# -- the numbers --------------------------------------------------------------------------------------------------------


def test_plants_stand_in_the_county_they_state(demo: Demo) -> None:
    frame = demo.plants.frame.merge(demo.regions.counties[["code", "geometry"]], left_on="county", right_on="code")
    away = shapely.distance(frame["geometry"].to_numpy(), shapely.points(frame["lon"], frame["lat"]))
    assert away.max() < 1e-4


def test_the_province_total_is_the_sum_of_its_counties_to_the_last_digit(demo: Demo) -> None:
    final = demo.totals[demo.totals["状态"] == "终稿"]
    amounts = [c for c in final if c.endswith("吨/年)")]
    for _, block in final.groupby(["部门", "年份"]):
        whole = block["区县"] == "全省合计"
        assert whole.sum() == 1
        assert len(block) == 96
        for column in amounts:
            counties = sum(Decimal(v) for v in block.loc[~whole, column])
            assert counties == Decimal(block.loc[whole, column].item())


def test_totals_of_other_industry_contain_its_plants_but_for_one_excess(demo: Demo) -> None:
    rows = demo.totals[(demo.totals["部门"] == "其他工业") & (demo.totals["区县"] != "全省合计")]
    works = demo.plants.of("other_industry")
    excess = set()
    for y, year in enumerate(YEARS):
        stated = rows[rows["年份"] == year].set_index("区县代码")
        known = pd.DataFrame(np.nan_to_num(works.mass_t[:, y]), columns=SPECIES).groupby(works.frame["county"]).sum()
        for column, species, factor in (
            ("CO2(万吨/年)", "co2", 1e4),
            ("NOx(吨/年)", "nox", 1),
            ("SO2(吨/年)", "so2", 1),
        ):
            above = known[species] > stated[column].astype(float)[known.index] * factor + 0.01
            excess |= {(species, code) for code in known.index[above]}
    assert len(excess) == 1
    assert next(iter(excess))[0] == "nox"


def test_plants_are_heavy_tailed_and_some_open_and_close(demo: Demo) -> None:
    co2 = demo.plants.mass_t[:, :, 0]
    first = np.sort(np.nan_to_num(co2[:, 0]))[::-1]
    assert first[: len(first) // 20].sum() > 0.4 * first.sum()
    assert np.isnan(co2[:, 0]).sum() > 5
    assert np.isnan(co2[:, -1]).sum() > 5


def test_chemical_plants_are_shifted_by_the_web_map(demo: Demo) -> None:
    table = pd.read_csv(COMMITTED / "chemical_gcj02.csv", dtype={"county": str}).drop_duplicates("id").set_index("id")
    lon, lat = gcj02_to_wgs84(table["lon_gcj02"].to_numpy(), table["lat_gcj02"].to_numpy())
    true = demo.plants.of("chemical").frame.set_index("id").loc[table.index]
    assert np.abs(lon - true["lon"]).max() < 2e-6
    assert np.abs(lat - true["lat"]).max() < 2e-6
    assert np.hypot(table["lon_gcj02"] - true["lon"], table["lat_gcj02"] - true["lat"]).min() > 1e-3


def test_the_raster_of_people_ends_at_the_border(demo: Demo) -> None:
    with rasterio.open(COMMITTED / "population.tif") as raster:
        people, nodata = raster.read(1), raster.nodata
    np.testing.assert_array_equal(people == nodata, demo.surface.county < 0)
    assert (people[people != nodata] > 0).mean() > 0.99


# -- the stories --------------------------------------------------------------------------------------------------------


def test_a_lone_giant_stands_far_from_everything(demo: Demo) -> None:
    frame = demo.plants.frame
    xy = plane(frame[["lon", "lat"]].to_numpy())
    away = np.hypot(*(xy - GIANT).T)
    giant = int(np.argmin(away))
    co2 = np.nan_to_num(demo.plants.mass_t[:, 0, 0])
    assert giant == np.argmax(co2)
    assert frame["park"][giant] == ""
    assert np.sort(away)[1] > 15
    assert co2[(away > 1) & (away < 30)].sum() < 0.05 * co2[giant]


def test_one_park_reaches_into_a_red_line_and_one_group_lies_across_cities(demo: Demo) -> None:
    parks, red = demo.parks.frame, shapely.union_all(demo.red_lines.geometry.to_numpy())
    share = shapely.area(shapely.intersection(parks.geometry.to_numpy(), red)) / shapely.area(parks.geometry.to_numpy())
    assert (share > 0.1).sum() == 1
    assert (share[share < 0.1] == 0).all()
    counties = demo.regions.counties
    cities = [counties["city"][counties.intersects(p)].nunique() for p in parks.geometry]
    assert sum(c >= 2 for c in cities) >= 2


def test_most_industry_stands_in_parks(demo: Demo) -> None:
    industry = demo.plants.frame["sector"] != "power"
    co2 = np.nan_to_num(demo.plants.mass_t[:, 0, 0])
    assert co2[industry & (demo.plants.frame["park"] != "")].sum() > 0.6 * co2[industry].sum()


# -- the descriptions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["inventory.toml", "blemished.toml"])
def test_descriptions_validate_and_their_files_exist(name: str) -> None:
    description = read_description(COMMITTED / name)
    for part in description.parts:
        for pattern in [part.file] if isinstance(part.file, str) else part.file:
            assert list(COMMITTED.glob(pattern)), pattern
    for other in (*description.surrogates, *description.regions):
        assert other.file is None or (COMMITTED / other.file).exists()


def test_the_model_description_uses_nearly_every_key() -> None:
    text = tomllib.loads((COMMITTED / "inventory.toml").read_text("utf-8"))
    used = {key for part in text["parts"] for key in part}
    unused = set(Description.model_fields["parts"].annotation.__args__[0].model_fields) - used
    # No GeoPackage of sources, no gridded fields one by one, no part of one year, no source in several places, none to spread others only.
    assert unused == {"layer", "fields", "year", "duplicates", "use"}


def test_the_grid_holds_the_province_and_lies_in_the_national_one(demo: Demo) -> None:
    grid, national = read_grid(COMMITTED / "grid-1km.toml"), Grid.named("china-1km")
    for outer in (grid, national):
        west, south, east, north = demo.regions.province.to_crs(outer.crs).total_bounds
        left, bottom, right, top = outer.bounds
        assert left < west and bottom < south and east < right and north < top


def test_the_demo_reads_strictly_and_every_amount_arrives(demo: Demo, inventory: Inventory) -> None:
    assert not inventory.findings.errors
    totals = inventory.totals().groupby(["part", "species"])["mass_t"].sum()
    plants = {
        "power plants": ("power",), "metal works": ("steel", "non_ferrous"), "building materials": ("building_materials",),
        "refineries": ("petrochemical",), "chemical plants": ("chemical",), "works": ("other_industry",),
    }  # fmt: skip
    for part, sectors in plants.items():
        expected = np.nansum(demo.plants.of(*sectors).mass_t, axis=(0, 1))
        for s, species in enumerate(SPECIES):
            assert totals[part, species] == pytest.approx(expected[s], rel=1e-12)
    counties = demo.totals[(demo.totals["区县"] != "全省合计") & (demo.totals["状态"] == "终稿")]
    read = totals["county totals", "nox"] + totals["county industry", "nox"]
    assert read == pytest.approx(counties["NOx(吨/年)"].astype(float).sum(), rel=1e-12)
    assert {len(p) for p in inventory.parts if isinstance(p, SourcePart) and p.name.startswith("county")} == {95}


def test_check_finds_the_blemishes_of_the_demo() -> None:
    found = check_inventory(COMMITTED / "inventory.toml")
    assert not found.errors
    warnings = {f.rule for f in found if f.severity is Severity.WARNING}
    assert warnings >= {"unusual-ratio", "same-facility", "points-exceed-total"}


def test_the_blemished_files_are_refused_strictly_and_explained() -> None:
    with pytest.raises(RefusedInput):
        read_inventory(COMMITTED / "blemished.toml")
    errors = check_inventory(COMMITTED / "blemished.toml").errors
    rows = {f.row for f in errors if f.file.endswith("blemished_points.csv")}
    assert rows >= {
        5,
        6,
        7,
        8,
        9,
        12,
        13,
    }  # negative, (0, 0), swapped, no number, infinite, no longitude, beyond the pole
    assert any(f.file.endswith("blemished_areas.geojson") for f in errors)


# -- the national input -------------------------------------------------------------------------------------------------


def test_the_national_input_has_the_counts_asked_for_on_the_national_grid(tmp_path: Path) -> None:
    size = National(points=3000, roads=800, counties=40, surrogates=0)
    generate(size, tmp_path, seed=SEED)
    description = read_description(tmp_path / "inventory.toml")
    assert [p.name for p in description.parts] == ["points", "roads", "totals"]
    counties, roads = (gpd.read_parquet(tmp_path / f"{name}.parquet") for name in ("counties", "roads"))
    assert shapely.coverage_is_valid(counties.geometry.to_numpy())
    assert len(gpd.read_parquet(tmp_path / "points.parquet")) == size.points
    assert (shapely.get_num_coordinates(roads.geometry.to_numpy()) == 11).all()
    assert len(pd.read_csv(tmp_path / "totals.csv")) == 10 * size.counties
    area_km2 = counties.to_crs(Grid.named("china-1km").crs).area.sum() / 1e6
    assert area_km2 == pytest.approx(9.6e6, rel=0.1)
    left, bottom, right, top = Grid.named("china-1km").bounds
    west, south, east, north = counties.to_crs(Grid.named("china-1km").crs).total_bounds
    assert left < west and bottom < south and east < right and north < top


@pytest.mark.slow
def test_a_national_surrogate_covers_the_land_at_a_hundredth_of_a_degree(tmp_path: Path) -> None:
    generate(National(points=100, roads=100, counties=40, surrogates=1), tmp_path, seed=SEED)
    assert [s.file for s in read_description(tmp_path / "inventory.toml").surrogates] == ["surrogate_1.tif"]
    with rasterio.open(tmp_path / "surrogate_1.tif") as raster:
        assert raster.res == pytest.approx((0.01, 0.01))
        assert 0.3 < np.mean(raster.read(1) > 0) < 0.7
