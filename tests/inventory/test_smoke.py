"""SMOKE surrogate tables: read, checked, written and read again."""

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS, Transformer
from scipy.sparse import csr_array

from gis.errors import GisError, InvalidParameter, ReadError
from gis.grid import Grid
from gis.inventory.readers.smoke import read_smoke, smoke_codes, smoke_findings, write_smoke

LAMBERT = (
    "#GRID\tTEST\t-1000000.0\t-500000.0\t250000.0\t250000.0\t4\t3\t1\tLAMBERT\tmeters\t25.0\t40.0\t110.0\t110.0\t34.0\n"
    "#SRGDESC=100,Population\n"
    "100\t330100\t1\t1\t0.25\t!\t25.0\t100.0\n"
    "100 330100 2 3 0.75 ! 75.0 100.0\n"
    "\n"
    "100\t330200\t4\t2\t1E-36\n"
    "110\t330100\t1\t1\t1.0\n"
)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "CHN_100.txt"
    path.write_text(LAMBERT)
    return path


def test_rows_count_from_the_north(table):
    found = read_smoke(table, "100", name="population")
    assert found.name == "population"
    assert found.table.to_dict("list") == {
        "region": ["330100", "330100", "330200"], "row": [0, 2, 1], "col": [1, 0, 3], "fraction": [0.75, 0.25, 0.0],
    }  # fmt: skip


def test_the_header_places_the_grid_on_the_sphere(table):
    grid = read_smoke(table, "100").grid
    assert grid.shape == (3, 4)
    assert grid.bounds == (-1e6, -5e5, 0.0, 2.5e5)
    assert grid.crs.ellipsoid.semi_major_metre == 6_370_000.0
    lon, lat = Transformer.from_crs(grid.crs, grid.crs.geodetic_crs, always_xy=True).transform(0.0, 0.0)
    assert (lon, lat) == pytest.approx((110.0, 34.0), abs=1e-9)


def test_a_stated_crs_goes_before_the_header(table):
    assert read_smoke(table, "100", crs="EPSG:3857").grid.crs == CRS("EPSG:3857")


def test_the_sentinel_of_zero_is_zero_and_reported(table):
    found = smoke_findings(read_smoke(table, "100"), file="CHN_100.txt")
    assert [f.rule for f in found] == ["surrogate-empty"]
    assert "330200" in found[0].reason


def test_sums_above_one_are_found(tmp_path):
    path = tmp_path / "t.txt"
    path.write_text(LAMBERT + "110 330100 2 2 0.001\n")
    found = smoke_findings(read_smoke(path, "110"))
    assert [f.rule for f in found] == ["surrogate-above-one"]
    assert found[0].value == "1.001" and "330100" in found[0].reason


def test_codes(table):
    assert smoke_codes(table) == ["100", "110"]
    assert read_smoke(table, "0110").table["fraction"].tolist() == [1.0]
    with pytest.raises(ReadError, match="no surrogate of code '999'; it holds 100, 110"):
        read_smoke(table, "999")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("100 330100 5 1 0.5", "column 5, row 1"),
        ("100 330100 1 0 0.5", "column 1, row 0"),
        ("100 330100 1 1 0.5", "two fractions"),
        ("100 330100 3 1", "row 9 has 4 fields"),
        ("100 330100 3 1 a", "row 9: could not convert"),
        ("100 330100 3 1 -0.5", "fraction -0.5"),
        ("100 330100 3 1 nan", "fraction nan"),
        ("100 330100 3 1 inf", "fraction inf"),
        ("100 330100 3.5 1 0.5", "row 9: invalid literal"),
    ],
)
def test_a_bad_row_is_named(tmp_path, line, message):
    path = tmp_path / "bad.txt"
    path.write_text(LAMBERT + "# a comment\n" + line + "\n")
    with pytest.raises(ReadError, match=message) as error:
        read_smoke(path, "100")
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "no #GRID line"),
        ("#GRID\tTEST\t0\t0\t1\n", "#GRID line has 4 fields"),
        ("#GRID\tTEST\tx\t0\t1\t1\t2\t2\t1\tLAT-LON\tdegrees\n", "cannot be read"),
        ("#GRID\tTEST\t0\t0\t1\t1\t2\t2\t1\tMOLLWEIDE\tmeters\n", "projection 'MOLLWEIDE'"),
        ("#GRID\tTEST\t0\t0\t1\t1\t2\t2\t1\tLAMBERT\tmeters\t25\n", "five parameters"),
        ("#GRID\tTEST\t0\t0\t1\t1\t2\t2\t1\tLAMBERT\tmeters\t25\t40\t110\t100\t34\n", "XCENT"),
        ("#GRID\tTEST\t0\t89\t1\t1\t2\t2\t1\tLAT-LON\tdegrees\n", "leave the globe"),
    ],
)
def test_a_bad_header_is_named(tmp_path, head, message):
    path = tmp_path / "bad.txt"
    path.write_text(head + "100 330100 1 1 0.5\n")
    with pytest.raises(GisError, match=message) as error:
        read_smoke(path, "100")
    assert str(path) in str(error.value)


def test_missing_and_binary_files_are_named(tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        read_smoke(tmp_path / "none.txt", "100")
    path = tmp_path / "binary.txt"
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(ReadError, match="cannot be read as text"):
        read_smoke(path, "100")


GRIDS = {
    "longitude-latitude": Grid.covering((100, 20, 110, 25), crs="EPSG:4490", cell=1),
    "china albers": Grid(crs=Grid.named("china-10km").crs, transform=Affine(1e4, 0, 1e5, 0, -1e4, 4e6), shape=(5, 10)),
    "utm": Grid.covering((500000, 3400000, 510000, 3405000), crs="EPSG:32650", cell=1000),
    "lambert on the sphere": Grid.covering(
        (0, 0, 10000, 5000), crs="+proj=lcc +lat_1=25 +lat_2=40 +lat_0=34 +lon_0=110 +R=6370000 +type=crs", cell=1000
    ),
    "polar": Grid.covering(
        (0, 0, 10000, 5000), crs="+proj=stere +lat_0=90 +lat_ts=60 +lon_0=110 +R=6370000 +type=crs", cell=1000
    ),
    "mercator": Grid.covering(
        (0, 0, 10000, 5000), crs="+proj=merc +lat_ts=20 +lon_0=110 +R=6370000 +type=crs", cell=1000
    ),
}


@pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS.keys())
def test_what_is_written_is_read_again(tmp_path, grid):
    rng = np.random.default_rng(5)
    dense = rng.uniform(size=(3, grid.size)) * (rng.uniform(size=(3, grid.size)) < 0.3)
    dense /= dense.sum(axis=1, keepdims=True)
    path = tmp_path / "out.txt"
    regions = ["330100", "330200", "000001"]
    write_smoke(
        path,
        csr_array(dense),
        grid=grid,
        regions=regions,
        code="100",
        description="人口 population",
        denominators=np.full(3, 8.0),
    )
    found = read_smoke(path, "100")
    assert found.grid == grid
    again = np.zeros_like(dense)
    for row in found.table.itertuples():
        again[regions.index(row.region), row.row * grid.cols + row.col] = row.fraction
    np.testing.assert_array_equal(again, dense)
    assert smoke_findings(found) == []


@pytest.mark.parametrize("name", ["lambert on the sphere", "polar", "mercator"])
def test_the_header_alone_says_the_same_place(tmp_path, name):
    grid = GRIDS[name]
    path = tmp_path / "out.txt"
    shares = csr_array(([1.0], ([0], [7])), shape=(1, grid.size))
    write_smoke(path, shares, grid=grid, regions=["1"], code="1")
    path.write_text("\n".join(line for line in path.read_text().splitlines() if not line.startswith("#COZONE")))
    found = read_smoke(path, "1").grid
    assert found.bounds == grid.bounds
    for x, y in ((0.0, 0.0), (1e4, 5e3)):
        places = [
            Transformer.from_crs(g.crs, g.crs.geodetic_crs, always_xy=True).transform(x, y) for g in (found, grid)
        ]
        assert places[0] == pytest.approx(places[1], abs=1e-10)


def test_what_smoke_cannot_hold_is_refused(tmp_path):
    grid = Grid.covering((0, 0, 2, 2), crs="EPSG:4326", cell=1)
    shares = csr_array((1, 4))
    with pytest.raises(InvalidParameter, match="need 2 regions"):
        write_smoke(tmp_path / "a", shares, grid=grid, regions=["1", "2"], code="1")
    with pytest.raises(InvalidParameter, match="cannot stand in"):
        write_smoke(tmp_path / "a", shares, grid=grid, regions=["杭州 市"], code="1")
    other = Grid.covering((0, 0, 2, 2), crs="EPSG:2180", cell=1)
    with pytest.raises(InvalidParameter, match="SMOKE header"):
        write_smoke(tmp_path / "a", shares, grid=other, regions=["1"], code="1")
