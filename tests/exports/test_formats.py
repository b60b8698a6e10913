"""Every format, read back with another library: the sums are the ledger's, cells and CRS are where they belong."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import matplotlib.image
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import rasterio
import shapely
import xarray as xr
from pyarrow import csv

from gis.errors import InvalidParameter
from gis.exports.cells import outlines
from gis.exports.source import Selection
from gis.exports.thumbnail import Caption, write_thumbnail
from gis.grid import Grid
from gis.inventory.readers.smoke import read_smoke
from gis.workspace import Run, Workspace
from gis.workspace.export import Format, export_run, picture
from tests.workspace.made import CRS_M, allocation


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("run")
    with Workspace(root / "ws") as workspace:
        return workspace.publish(allocation(root / "in", gridded=True))


def ledger_t(run: Run, year: int, species: str) -> float:
    table = run.ledger.by_species()
    return float(table.loc[(table["year"] == year) & (table["species"] == species), "allocated_t"].iloc[0])


def check_cells(run: Run, frame: pd.DataFrame) -> None:
    for year in run.years:
        rows = frame[frame["year"] == year]
        for species in run.species:
            assert rows[f"{species}_t"].sum() == pytest.approx(ledger_t(run, year, species), rel=1e-12)
            np.testing.assert_allclose(rows[f"{species}_t"] / rows["area_km2"], rows[f"{species}_t_km2"], rtol=1e-12)
            expected = run.total(year, species).ravel()
            np.testing.assert_array_equal(rows[f"{species}_t"], expected[rows["cell"]])
        assert len(rows) == np.count_nonzero(sum(run.total(year, s) for s in run.species))


@pytest.mark.parametrize(
    ("format_", "name"), [("geoparquet", "a.parquet"), ("gpkg", "a.gpkg"), ("flatgeobuf", "a.fgb")]
)
def test_vector_formats_hold_every_emitting_cell_as_its_polygon(
    run: Run, tmp_path: Path, format_: str, name: str
) -> None:
    (path,) = export_run(run, Format(format_), tmp_path / name)
    frame = gpd.read_parquet(path) if format_ == "geoparquet" else pyogrio.read_dataframe(path)
    check_cells(run, frame)
    assert pyproj.CRS(frame.crs).equals(run.grid.crs, ignore_axis_order=True)
    expected = shapely.box(
        run.grid.x_edges[frame["col"]], run.grid.y_edges[frame["row"] + 1],
        run.grid.x_edges[frame["col"] + 1], run.grid.y_edges[frame["row"]],
    )  # fmt: skip
    assert shapely.equals(frame.geometry.to_numpy(), expected).all()
    assert shapely.is_ccw(shapely.get_exterior_ring(frame.geometry.to_numpy())).all()
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_sectors_stand_beside_their_total(run: Run, tmp_path: Path) -> None:
    chosen = Selection(years=(2020,), species=("nox",), by_sector=True)
    (path,) = export_run(run, Format.GEOPARQUET, tmp_path / "a.parquet", chosen)
    frame = gpd.read_parquet(path)
    columns = [f"nox_{s}_t" for s in ("power", "steel", "road", "shipping", "residential")]
    assert [c for c in frame.columns if c.endswith("_t")] == ["nox_t", *columns]
    np.testing.assert_allclose(frame[columns].sum(axis=1), frame["nox_t"], rtol=1e-14)
    assert frame["nox_steel_t"].sum() == 33.25


def test_csv_reads_back_to_the_last_digit(run: Run, tmp_path: Path) -> None:
    (path,) = export_run(run, Format.CSV, tmp_path / "a.csv")
    frame = csv.read_csv(path).to_pandas()
    check_cells(run, frame)
    lon, lat = pyproj.Transformer.from_crs(CRS_M, 4326, always_xy=True).transform(frame["x"], frame["y"])
    np.testing.assert_allclose(frame[["lon", "lat"]], np.stack([lon, lat], axis=1), atol=1e-9)


@pytest.mark.parametrize("by_sector", [False, True])
def test_netcdf_follows_cf_and_opens_in_xarray(run: Run, tmp_path: Path, by_sector: bool) -> None:
    (path,) = export_run(run, Format.NETCDF, tmp_path / "a.nc", Selection(by_sector=by_sector))
    with xr.open_dataset(path) as data:
        assert data.attrs["Conventions"].startswith("CF-")
        for i, year in enumerate(run.years):
            assert int(data["year"][i]) == year
            for species in run.species:
                found = data[f"{species}_t"][i].values
                np.testing.assert_array_equal(found, run.total(year, species))
                assert found.sum() == pytest.approx(ledger_t(run, year, species), rel=1e-12)
        if by_sector:
            power = data["nox_sector_t"].sel(sector="power").values[1]
            np.testing.assert_array_equal(power, run.layer(2020, "nox", "power"))
            assert not np.isnan(data["nox_sector_t"].values).any()
        assert data["nox_t"].attrs["units"] == "t year-1"
        assert pyproj.CRS.from_cf(data[data["nox_t"].attrs["grid_mapping"]].attrs).equals(run.grid.crs)
        np.testing.assert_array_equal(data["x"], run.grid.x_centres)
        np.testing.assert_array_equal(data["y_bounds"][:, 0], run.grid.y_edges[:-1])
        np.testing.assert_allclose(data["cell_area"], run.grid.cell_area_m2)


def test_cogs_are_the_stored_layers(run: Run, tmp_path: Path) -> None:
    written = export_run(run, Format.COG, tmp_path / "cogs", Selection(years=(2020,), species=("nox",)))
    total = 0.0
    for path in written:
        with rasterio.open(path) as raster:
            total += raster.read(1).sum()
            assert raster.tags()["unit"] == "t/yr per cell" and raster.tags()["year"] == "2020"
    assert len(written) == 5 and total == pytest.approx(ledger_t(run, 2020, "nox"), rel=1e-12)


def test_smoke_tables_split_each_county_into_shares_of_one(run: Run, tmp_path: Path) -> None:
    written = export_run(run, Format.SMOKE, tmp_path / "smoke", Selection(years=(2020,)))
    table = read_smoke(written[1], "2")
    assert table.grid == run.grid
    sums = table.table.groupby("region")["fraction"].sum()
    assert sums.index.tolist() == ["330001", "330002"]
    np.testing.assert_allclose(sums, 1.0, rtol=1e-12)
    left = run.total(2020, "nox")[:, :10].sum() + run.total(2020, "nox")[:, 10].sum() / 2
    share = table.table.set_index(["region", "row", "col"])["fraction"]
    assert share["330001", 15, 0] == pytest.approx(run.total(2020, "nox")[15, 0] / left, rel=1e-12)


def test_what_is_not_in_the_run_is_refused(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InvalidParameter, match="year 1999 cannot be exported; there is 2019, 2020"):
        export_run(run, Format.CSV, tmp_path / "a.csv", Selection(years=(1999,)))
    with pytest.raises(InvalidParameter, match=r"species \(none\)"):
        export_run(run, Format.CSV, tmp_path / "a.csv", Selection(species=()))
    assert list(tmp_path.iterdir()) == []


def test_outlines_meet_without_gaps_on_a_grid_whose_edges_are_not_exact() -> None:
    grid = Grid.covering((0.1, 0.1, 1.3, 0.7), crs="EPSG:4490", cell=0.1)
    row, col = grid.row_col(np.arange(grid.size))
    shapes = shapely.from_wkb(outlines(grid, row, col).to_pylist())
    assert shapely.union_all(shapes).equals(
        shapely.box(*[grid.x_edges[0], grid.y_edges[-1], grid.x_edges[-1], grid.y_edges[0]])
    )


@pytest.mark.parametrize(("crs", "filled"), [(CRS_M, 40), ("EPSG:4490", 0), ("EPSG:4490", 1)])
def test_thumbnail_is_a_picture_whatever_the_layer_holds(tmp_path: Path, crs: str, filled: int) -> None:
    west, cell = (500_000, 1000) if crs == CRS_M else (110, 0.1)
    grid = Grid.covering((west, 30 * cell, west + 30 * cell, 60 * cell), crs=crs, cell=cell)
    values = np.zeros(grid.shape)
    values.ravel()[:filled] = np.logspace(-3, 5, filled) if filled else []
    write_thumbnail(tmp_path / "a.png", values, grid, Caption("浙江 demo", "NOx", 2020))
    image = matplotlib.image.imread(tmp_path / "a.png")
    assert (
        image.shape[0] > 300 and image.shape[1] > 300 and len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 3
    )


def test_picture_of_a_run(run: Run, tmp_path: Path) -> None:
    path = picture(run, tmp_path / "a.png", species="nox")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(InvalidParameter, match="so2"):
        picture(run, tmp_path / "b.png", species="so2")
