"""Every gridded format on a small file made here exactly as that format is, against sums worked out by hand."""

import calendar
import math
import pickle
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from gis.errors import InvalidDescription, MissingCrs, ReadError, RefusedInput
from gis.grid import Grid
from gis.inventory.description import Part
from gis.inventory.findings import Severity
from gis.inventory.readers.gridded import Wanted, read_gridded, read_raster, scan_field
from gis.inventory.readers.gridded.edgar import edgar_names
from gis.inventory.readers.gridded.lattice import fit_axis
from gis.inventory.readers.gridded.meic import meic_names
from gis.species import SECTORS, SPECIES, Sector, Species

CODES = list(SECTORS)


def wanted(species="co2 nox pm25 vocs", years=(2015,), declared=(), sectors=()):
    chosen = tuple(SPECIES[c] for c in species.split())
    return Wanted(tuple(years), chosen, (*SECTORS.values(), *sectors), tuple(declared))


def gridded(base: Path, lenient=False, what=None, **part):
    return read_gridded(Part(name="grids", kind="gridded", **part), base=base, wanted=what or wanted(), lenient=lenient)


def only(read):
    """The one field of a part, in t/yr."""
    assert [str(f) for f in read.findings if f.severity is Severity.ERROR] == []
    assert len(read.part.fields) == 1
    return read.part.fields[0].load()


def rules(read, severity=None):
    return [f.rule for f in read.findings if severity in (None, f.severity)]


def sphere_area(r, dlon, south, north):
    return r * r * math.radians(dlon) * (math.sin(math.radians(north)) - math.sin(math.radians(south)))


# -- EDGAR ------------------------------------------------------------------------------------------------------------


def edgar(
    path, values, *, lon, lat, variable="emissions", unit="Tonnes", attrs=None, dtype="float64", time=None, fill=None
):
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("lat", len(lat))
        file.createDimension("lon", len(lon))
        for name, centres, units in (("lat", lat, "degrees_north"), ("lon", lon, "degrees_east")):
            axis = file.createVariable(name, dtype, (name,))
            axis.units = units
            axis[:] = centres
        dims = ("lat", "lon")
        if time is not None:
            file.createDimension("time", len(time))
            file.createVariable("time", "f8", ("time",))[:] = time
            file["time"].units = "days since 2015-01-01"
            dims = ("time", *dims)
        data = file.createVariable(variable, "f8", dims, fill_value=fill)
        data.units = unit
        data.setncatts(attrs or {})
        data[:] = values
    return path


RECENT = {"substance": "CO2", "year": "2015", "long_name": "ENE"}


def test_edgar_recent_file_in_tonnes(tmp_path):
    lon, lat = np.linspace(100.05, 100.35, 4), np.linspace(30.05, 30.25, 3)
    values = np.arange(12.0).reshape(3, 4)
    edgar(tmp_path / "v8.0_FT2022_GHG_CO2_2015_ENE_emi.nc", values, lon=lon, lat=lat, attrs=RECENT)
    read = gridded(tmp_path, file="*.nc", format="edgar")
    np.testing.assert_array_equal(only(read), values[::-1])
    field, grid = read.part.fields[0], read.part.grid
    assert (field.species, CODES[field.sector], field.year) == (0, "power", 0)
    assert grid == Grid(crs="EPSG:4326", transform=Affine(0.1, 0, 100, 0, -0.1, 30.3), shape=(3, 4))
    assert read.files == [tmp_path / "v8.0_FT2022_GHG_CO2_2015_ENE_emi.nc"]
    assert read.part.area_model == ""


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("convention", ["from 0", "from -180", "from the north", "jumping at 180"])
def test_edgar_longitude_ranges_and_latitude_directions_agree(tmp_path, dtype, convention):
    truth = np.arange(180 * 360.0).reshape(180, 360)  # row 0 north, column 0 at 180 W
    lon, lat = np.arange(-179.5, 180), np.arange(89.5, -90, -1)
    stored = truth
    if convention != "from the north":
        lat, stored = lat[::-1], stored[::-1]
    if convention in ("from 0", "jumping at 180"):
        lon, stored = np.roll(lon, -180), np.roll(stored, -180, axis=1)
    if convention == "from 0":
        lon = lon % 360
    edgar(tmp_path / "v8.0_FT2022_GHG_CO2_2015_ENE_emi.nc", stored, lon=lon, lat=lat, dtype=dtype, attrs=RECENT)
    read = gridded(tmp_path, file="*.nc", format="edgar")
    assert read.part.grid.bounds == (-180, -90, 180, 90)
    np.testing.assert_array_equal(only(read), truth)


def test_edgar_global_lattice_in_float32_is_the_named_grid(tmp_path):
    lon = (np.arange(3600) * 0.1 + 0.05).astype("f4")
    axis = fit_axis(lon, file=Path("f"), name="lon", turn=True)
    assert (axis.start, axis.stop, axis.count) == (0, 360, 3600)
    lat = (np.arange(1800) * np.float32(0.1) + np.float32(-89.95)).astype("f4")
    axis = fit_axis(lat, file=Path("f"), name="lat")
    assert (axis.start, axis.stop) == (-90, 90)


@pytest.mark.parametrize(("year", "days"), [(2015, 365), (2016, 366)])
@pytest.mark.parametrize("variable", ["fluxes", "emi_nox"])
def test_edgar_fluxes_become_mass_with_the_cells_of_the_ellipsoid(tmp_path, variable, year, days):
    lon, lat = np.array([200.5, 201.5]), np.array([-10.5, -9.5, -8.5])
    flux = np.array([[[1e-9, np.nan], [2e-9, 0.0], [3e-9, 4e-9]]])
    name = (
        f"v432_NOx_{year}_IPCC_1A1a.0.1x0.1.nc" if variable == "emi_nox" else f"v8.1_FT2022_AP_NOx_{year}_ENE_flx_nc.nc"
    )
    edgar(tmp_path / name, flux, lon=lon, lat=lat, variable=variable, unit="kg m-2 s-1", time=[0], fill=np.nan)
    read = gridded(
        tmp_path, file=name, format="edgar", crs="+proj=longlat +R=6371000 +type=crs", what=wanted(years=[year])
    )
    got = only(read)
    seconds = days * 86400
    for row, (south, values) in enumerate(((-9, [3e-9, 4e-9]), (-10, [2e-9, 0.0]), (-11, [1e-9, np.nan]))):
        expected = np.array(values) * sphere_area(6371000, 1, south, south + 1) * seconds / 1000
        np.testing.assert_allclose(got[row], expected, rtol=1e-13)
    assert read.part.grid.bounds == (-160, -11, -158, -8)
    assert "6371000 m, sphere" in read.part.area_model
    assert read.part.fields[0].species == 1


def test_edgar_fluxes_on_wgs84_name_the_ellipsoid(tmp_path):
    edgar(
        tmp_path / "v8.1_FT2022_AP_NOx_2015_TRO_flx.nc", np.full((2, 2), 1.0), lon=[0.5, 1.5], lat=[0.5, 1.5],
        variable="fluxes", unit="kg m-2 s-1",
    )  # fmt: skip
    read = gridded(tmp_path, file="*.nc", format="edgar")
    grid = Grid.covering((0, 0, 2, 2), crs="EPSG:4326", cell=1)
    np.testing.assert_allclose(only(read), grid.cell_area_m2 * 31536.0, rtol=1e-14)
    assert "WGS 84 (a = 6378137 m, 1/f = 298.257224)" in read.part.area_model
    assert CODES[read.part.fields[0].sector] == "road"


def test_edgar_files_of_other_years_are_not_even_opened(tmp_path):
    (tmp_path / "v8.0_FT2022_GHG_CO2_1999_ENE_emi.nc").write_bytes(b"not a NetCDF file")
    edgar(
        tmp_path / "v8.0_FT2022_GHG_CO2_2015_ENE_emi.nc", np.ones((2, 2)), lon=[0.5, 1.5], lat=[0.5, 1.5], attrs=RECENT
    )
    edgar(tmp_path / "v8.0_FT2022_GHG_CO2bio_2015_ENE_emi.nc", np.ones((2, 2)), lon=[0.5, 1.5], lat=[0.5, 1.5])
    edgar(tmp_path / "v8.0_FT2022_GHG_CH4_2015_ENE_emi.nc", np.ones((2, 2)), lon=[0.5, 1.5], lat=[0.5, 1.5])
    read = gridded(tmp_path, file="*.nc", format="edgar")
    assert only(read).sum() == 4
    assert {f.rule: f.count for f in read.findings} == {"other-species": 2, "other-year": 1}


def edgar_sectors(tmp_path, **sectors):
    for sector, mass in sectors.items():
        edgar(
            tmp_path / f"v8.0_FT2022_GHG_CO2_2015_{sector}_emi.nc", np.full((2, 2), float(mass)),
            lon=[0.5, 1.5], lat=[0.5, 1.5], attrs={**RECENT, "long_name": sector},
        )  # fmt: skip


def test_edgar_totals_are_counted_and_not_read(tmp_path):
    edgar_sectors(tmp_path, ENE=1, AGS=2, MNM=3, TOTALS=6)
    read = gridded(tmp_path, file="*.nc", format="edgar")
    got = sorted((CODES[f.sector], f.load().sum()) for f in read.part.fields)
    assert got == [("agriculture", 8.0), ("agriculture", 12.0), ("power", 4.0)]
    assert read.unread_t == {("total", "co2"): 24.0}
    assert rules(read) == ["total"]


def test_edgar_totals_are_read_when_asked(tmp_path):
    edgar_sectors(tmp_path, TOTALS=6)
    assert only(gridded(tmp_path, file="*.nc", format="edgar", sector="other_industry")).sum() == 24
    asked = gridded(tmp_path, file="*.nc", format="edgar", sectors={"TOTALS": "other_industry"})
    assert only(asked).sum() == 24
    assert gridded(tmp_path, file="*.nc", format="edgar").part is None


def test_edgar_total_beside_its_parts_stays_out_under_one_sector(tmp_path):
    edgar_sectors(tmp_path, ENE=1, IND=2, TOTALS=3)
    read = gridded(tmp_path, file="*.nc", format="edgar", sector="other_industry")
    assert sum(f.load().sum() for f in read.part.fields) == 12
    assert read.unread_t == {("total", "co2"): 12.0}


def test_edgar_sector_without_a_home_is_an_error_until_mapped(tmp_path):
    edgar_sectors(tmp_path, ENE=1, TNR_Aviation_CDS=2)
    read = gridded(tmp_path, file="*.nc", format="edgar")
    assert rules(read) == ["unknown-sector"]
    assert "TNR_Aviation_CDS" in str(read.findings[0])
    left = gridded(tmp_path, file="*.nc", format="edgar", sectors={"TNR_Aviation_CDS": ""})
    assert only(left).sum() == 4
    assert left.unread_t == {("not selected", "co2"): 8.0}
    aviation = Sector("aviation", "Aviation", "航空")
    mapped = gridded(
        tmp_path, file="*.nc", format="edgar", sectors={"TNR_Aviation_CDS": "aviation"}, what=wanted(sectors=[aviation])
    )
    assert sorted((f.sector, f.load().sum()) for f in mapped.part.fields) == [(0, 4.0), (12, 8.0)]


def test_edgar_emissions_beside_fluxes_of_the_same_are_doubles(tmp_path):
    edgar_sectors(tmp_path, ENE=1)
    edgar(
        tmp_path / "v8.0_FT2022_GHG_CO2_2015_ENE_flx.nc", np.ones((2, 2)), lon=[0.5, 1.5], lat=[0.5, 1.5],
        variable="fluxes", unit="kg m-2 s-1",
    )  # fmt: skip
    read = gridded(tmp_path, file="*.nc", format="edgar")
    assert rules(read) == ["double-layer"] and read.part is None


def test_edgar_months_of_fluxes_sum_by_their_length(tmp_path):
    for month in range(1, 13):
        edgar(
            tmp_path / f"v50_SO2_2016_{month}_IND.0.1x0.1.nc", np.full((2, 2), 1e-9), lon=[0.5, 1.5], lat=[0.5, 1.5],
            variable="emi_so2", unit="kg m-2 s-1",
        )  # fmt: skip
    year = only(gridded(tmp_path, file="*.nc", format="edgar", what=wanted("so2", [2016])))
    area = Grid.covering((0, 0, 2, 2), crs="EPSG:4326", cell=1).cell_area_m2
    np.testing.assert_allclose(year, area * 1e-12 * 366 * 86400, rtol=1e-14)


def test_edgar_text_file_of_lower_left_corners(tmp_path):
    path = tmp_path / "v8.1_FT2022_AP_PM2.5_2015_RCO.txt"
    path.write_text(
        "Date\nEDGAR v8.1, tonnes\nlat;lon;emission\n30.0;120.1;1.5\n-0.1;-180;2\n89.9;179.9;4\n-90;359.9;8\n"
    )
    read = gridded(tmp_path, file="*.txt")
    got = only(read)
    assert read.part.grid == Grid.named("edgar-0.1deg")
    assert got.sum() == 15.5
    assert got[599, 3001] == 1.5  # 30.0-30.1 N, 120.1-120.2 E
    assert got[900, 0] == 2 and got[0, 3599] == 4 and got[1799, 1799] == 8
    assert (read.part.fields[0].species, CODES[read.part.fields[0].sector]) == (2, "residential")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("30.05;120.1;1", "row 3: lat 30.05 is no corner"),
        ("90;120.1;1", "row 3: cell 90;120.1 lies off the globe"),
        ("30.0;120.1;9", "row 3: cell 30;120.1 is listed twice"),
        ("30.0;120.1", "row 3 is '30.0;120.1'"),
        ("30.0;120.1;x", "row 3 is '30.0;120.1;x'"),
    ],
)
def test_edgar_text_rows_that_cannot_be(tmp_path, row, message):
    path = tmp_path / "v8.1_FT2022_AP_NOx_2015_RCO.txt"
    path.write_text(f"lat;lon;emission\n30.0;120.1;1.5\n{row}\n")
    read = gridded(tmp_path, file="*.txt")
    with pytest.raises(ReadError, match=message) as error:
        read.part.fields[0].load()
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v8.0_FT2022_GHG_CO2_2022_ENE_emi_nc.nc", ("CO2", 2022, None, "ENE")),
        ("v8.1_FT2022_AP_PM2.5_2015_TNR_Ship_emi.nc", ("PM2.5", 2015, None, "TNR_Ship")),
        ("v8.0_FT2022_GHG_CH4_2020_PRO_COAL_flx.nc", ("CH4", 2020, None, "PRO_COAL")),
        ("EDGAR_2024_GHG_CH4_2023_bkl_ENF_emi.nc", ("CH4", 2023, None, "ENF")),
        ("v50_CO2_excl_short-cycle_org_C_2015_ENE.0.1x0.1.nc", ("CO2", 2015, None, "ENE")),
        ("v50_CO2_org_short-cycle_C_2015_ENE.0.1x0.1.nc", ("CO2bio", 2015, None, "ENE")),
        ("v50_SO2_2015_3_IND.0.1x0.1.nc", ("SO2", 2015, 3, "IND")),
        ("v432_NOx_2012_IPCC_1A1a.0.1x0.1.nc", ("NOx", 2012, None, "1A1a")),
        ("v8.0_FT2022_GHG_CO2_2022_TOTALS.txt", ("CO2", 2022, None, "TOTALS")),
    ],
)
def test_edgar_file_names(name, expected):
    found = edgar_names(Path(name))
    assert (found.species, found.year, found.month, found.sector) == expected


def test_edgar_name_of_another_kind_is_none():
    assert edgar_names(Path("population.nc")) is None


# -- MEIC -------------------------------------------------------------------------------------------------------------


def meic(path, values, *, corner="corner", nodata="-9999"):
    rows, cols = values.shape
    west, south = (70, 59.5) if corner == "corner" else (70.125, 59.625)
    head = f"ncols         {cols}\nnrows         {rows}\nxll{corner}     {west}\nyll{corner}     {south}\ncellsize      0.25\n"
    head += f"NODATA_value  {nodata}\n"
    path.write_text(head + "\n".join(" ".join(repr(float(v)) for v in row) for row in values) + "\n")


def meic_year(tmp_path, months=range(1, 13), sep="_", year=2015, sector="industry", species="NOx"):
    for month in months:
        values = np.array([[-9999.0, 0.1], [month, month]])
        meic(tmp_path / f"{year}_{month:02d}{sep}{sector}{sep}{species}.asc", values)


@pytest.mark.parametrize("sep", ["_", "__"])
def test_meic_twelve_months_make_a_year(tmp_path, sep):
    meic_year(tmp_path, sep=sep)
    read = gridded(tmp_path, file="*.asc", format="meic")
    np.testing.assert_allclose(only(read), [[np.nan, 1.2], [78, 78]], rtol=1e-15)
    field, grid = read.part.fields[0], read.part.grid
    assert (field.species, CODES[field.sector]) == (1, "other_industry")
    assert grid == Grid(crs="EPSG:4326", transform=Affine(0.25, 0, 70, 0, -0.25, 60), shape=(2, 2))
    assert len(read.files) == 12


def test_meic_needs_no_stated_format(tmp_path):
    meic_year(tmp_path)
    assert np.nansum(only(gridded(tmp_path, file="*.asc"))) == pytest.approx(157.2)


def test_meic_centre_header_is_the_same_place(tmp_path):
    meic(tmp_path / "2015_00_power_CO2.asc", np.ones((2, 2)), corner="center")
    read = gridded(tmp_path, file="*.asc", format="meic")
    assert read.part.grid.bounds == (70, 59.5, 70.5, 60)
    assert only(read).sum() == 4


def test_meic_missing_months_are_named(tmp_path):
    meic_year(tmp_path, months=[1, 2, 3, 4, 6, 7, 8, 9, 10, 12])
    read = gridded(tmp_path, file="*.asc", format="meic")
    assert read.part is None
    assert rules(read) == ["missing-months"]
    assert "10 of the 12 months of 2015 are there; missing 05, 11" in read.findings[0].reason


def test_meic_year_beside_its_months_is_a_double(tmp_path):
    meic_year(tmp_path)
    meic(tmp_path / "2015_00_industry_NOx.asc", np.ones((2, 2)))
    read = gridded(tmp_path, file="*.asc", format="meic")
    assert rules(read) == ["double-layer"] and read.part is None


def test_meic_speciated_voc_is_not_taken_for_tonnes(tmp_path):
    meic(tmp_path / "2015_00_industry_CB05_PAR.asc", np.ones((2, 2)))
    read = gridded(tmp_path, file="*.asc", format="meic")
    assert rules(read) == ["moles-not-mass"] and "million moles" in read.findings[0].reason
    par = Species("cb05_par", "CB05_PAR", "", "as C", 14.43)
    # Declaring the species does not make its unit known.
    again = gridded(
        tmp_path, file="*.asc", format="meic", what=Wanted((2015,), (par,), tuple(SECTORS.values()), (par,))
    )
    assert rules(again) == ["no-unit"] and "million moles" in again.findings[0].reason


def test_meic_species_that_are_not_read_are_counted(tmp_path):
    for species in ("OC", "PMcoarse", "SO2", "NOx"):
        meic(tmp_path / f"2015_00_power_{species}.asc", np.ones((2, 2)))
    read = gridded(tmp_path, file="*.asc", format="meic")
    assert only(read).sum() == 4
    assert {f.rule: f.count for f in read.findings} == {"other-species": 3}


@pytest.mark.parametrize("ranges", ["edges", "centres"])
def test_meic_flat_netcdf(tmp_path, ranges):
    off = 0.125 if ranges == "centres" else 0.0
    for month in range(1, 13):
        with netCDF4.Dataset(tmp_path / f"2017_{month:02d}__power__PM25.nc", "w", format="NETCDF3_CLASSIC") as file:
            file.createDimension("side", 2)
            file.createDimension("xysize", 6)
            for name, values, kind in (
                ("x_range", [70 + off, 70.75 - off], "f8"),
                ("y_range", [59.5 + off, 60 - off], "f8"),
                ("z_range", [0, 9], "f8"),
                ("spacing", [0.25, 0.25], "f8"),
                ("dimension", [3, 2], "i4"),
            ):
                file.createVariable(name, kind, ("side",))[:] = values
            z = file.createVariable("z", "f4", ("xysize",))
            z.nodata_value = np.float32(-9999)
            z[:] = [1, 2, 3, 4, -9999, 6]
    read = gridded(tmp_path, file="*.nc", format="meic", what=wanted(years=[2017]))
    np.testing.assert_array_equal(only(read), np.array([[1, 2, 3], [4, np.nan, 6]]) * 12)
    assert read.part.grid.bounds == (70, 59.5, 70.75, 60)


def test_meic_names():
    found = meic_names(Path("2019_03__transportation__PM2.5.asc"))
    assert (found.year, found.month, found.sector, found.species) == (2019, 3, "transportation", "PM2.5")
    assert meic_names(Path("2019_13_power_NOx.asc")) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 2 3", "truncated"),
        (
            "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 2 3 4 5",
            "longer than its header",
        ),
        (
            "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 2 3 x",
            r"row 1, column 1 .*'x'",
        ),
        ("ncols 2\nnrows 2\nxllcorner 0\n1 2 3 4", "not an ESRI ASCII grid"),
        ("ncols two\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2 3 4", "not an ESRI ASCII grid"),
        ("", "not an ESRI ASCII grid"),
    ],
)
def test_broken_ascii_grids_are_named(tmp_path, text, message):
    path = tmp_path / "2015_00_power_NOx.asc"
    path.write_text(text)
    with pytest.raises(ReadError, match=message) as error:
        only(gridded(tmp_path, file="*.asc", format="meic"))
    assert str(path) in str(error.value)


# -- I/O API ----------------------------------------------------------------------------------------------------------

HEADER = {
    "IOAPI_VERSION": "ioapi-3.2", "GDTYP": np.int32(2), "P_ALP": 25.0, "P_BET": 40.0, "P_GAM": 110.0, "XCENT": 110.0, "YCENT": 34.0,
    "XORIG": -54000.0, "YORIG": -27000.0, "XCELL": 27000.0, "YCELL": 27000.0, "NCOLS": np.int32(3), "NROWS": np.int32(2),
    "SDATE": np.int32(2016001), "STIME": np.int32(0), "TSTEP": np.int32(10000),
}  # fmt: skip


def ioapi(path, variables, *, steps=25, layers=1, header=None):
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
        for name, size in (
            ("TSTEP", None),
            ("DATE-TIME", 2),
            ("LAY", layers),
            ("VAR", len(variables)),
            ("ROW", 2),
            ("COL", 3),
        ):
            file.createDimension(name, size)
        flags = file.createVariable("TFLAG", "i4", ("TSTEP", "VAR", "DATE-TIME"))
        for step in range(steps):
            flags[step, :, 0], flags[step, :, 1] = 2016001 + step // 24, step % 24 * 10000
        for name, (unit, values) in variables.items():
            data = file.createVariable(name, "f4", ("TSTEP", "LAY", "ROW", "COL"))
            data.units = unit.ljust(16)
            data.long_name = name.ljust(16)
            data[:] = values
        file.setncatts({**HEADER, **(header or {})})
    return path


def test_ioapi_rates_become_the_tonnes_of_a_leap_year(tmp_path):
    rate = np.arange(6.0).reshape(1, 1, 2, 3) + np.arange(25.0).reshape(25, 1, 1, 1)
    ioapi(tmp_path / "emis.nc", {"NO": ("moles/s", rate), "CO": ("moles/s", rate), "PMC": ("g/s", rate)})
    read = gridded(tmp_path, file="emis.nc", sector="power", what=wanted("co2 nox", [2016]))
    # The 25th hour opens the next day: the mean is over hours 0 to 23.
    mean = np.arange(6.0).reshape(2, 3) + 11.5
    np.testing.assert_allclose(only(read), mean[::-1] * 46.0055e-6 * 366 * 86400, rtol=1e-14)
    assert read.part.fields[0].species == 1
    assert set(rules(read)) == {"variable-not-read", "other-species"}


def test_ioapi_grid_lies_on_the_sphere_of_cmaq(tmp_path):
    ioapi(tmp_path / "emis.nc", {"NO2": ("g/s", np.ones((24, 1, 2, 3)))}, steps=24)
    grid = gridded(tmp_path, file="emis.nc", sector="power", what=wanted(years=[2016])).part.grid
    assert grid.bounds == (-54000, -27000, 27000, 27000)
    assert grid.crs.ellipsoid.semi_major_metre == grid.crs.ellipsoid.semi_minor_metre == 6_370_000
    # By hand, Snyder 15-1 to 15-3 on the sphere: the origin is at 110 E, 34 N, 27 km north of it further by the cone's scale.
    n = math.log(math.cos(math.radians(25)) / math.cos(math.radians(40))) / math.log(
        math.tan(math.radians(45 + 20)) / math.tan(math.radians(45 + 12.5))
    )
    f = math.cos(math.radians(25)) * math.tan(math.radians(45 + 12.5)) ** n / n
    rho = 6_370_000 * f / math.tan(math.radians(45 + 17)) ** n - 27000
    lat = 2 * math.degrees(math.atan((6_370_000 * f / rho) ** (1 / n))) - 90
    found = Transformer.from_crs(grid.crs, grid.crs.geodetic_crs, always_xy=True).transform(0.0, 27000.0)
    assert found == pytest.approx((110.0, lat), abs=1e-9)


def test_ioapi_layers_are_summed_and_two_variables_make_nox(tmp_path):
    ones = np.ones((24, 2, 2, 3))
    ioapi(tmp_path / "emis.nc", {"NO": ("moles/s", ones), "NO2": ("moles/s", 3 * ones)}, steps=24, layers=2)
    read = gridded(tmp_path, file="emis.nc", format="ioapi", sector="power", what=wanted(years=[2016]))
    total = sum(f.load() for f in read.part.fields)
    np.testing.assert_allclose(total, np.full((2, 3), 2 * 4 * 46.0055e-6 * 366 * 86400), rtol=1e-14)


def test_ioapi_moles_of_a_mixture_are_refused(tmp_path):
    ioapi(tmp_path / "emis.nc", {"NMVOC": ("moles/s", np.ones((24, 1, 2, 3)))}, steps=24)
    read = gridded(tmp_path, file="emis.nc", sector="power", what=wanted(years=[2016]))
    assert rules(read) == ["unknown-unit"] and "molar mass" in read.findings[0].reason


@pytest.mark.parametrize(
    ("header", "name", "bounds"),
    [
        (
            {"GDTYP": np.int32(1), "XORIG": 100.0, "YORIG": 20.0, "XCELL": 0.5, "YCELL": 0.5},
            "WGS 84",
            (100, 20, 101.5, 21),
        ),
        ({"GDTYP": np.int32(5), "P_ALP": 50.0, "XCENT": 0.0, "YCENT": 0.0}, "WGS 84 / UTM zone 50N", None),
    ],
)
def test_ioapi_other_projections(tmp_path, header, name, bounds):
    ioapi(tmp_path / "emis.nc", {"NO2": ("g/s", np.ones((24, 1, 2, 3)))}, steps=24, header=header)
    grid = gridded(tmp_path, file="emis.nc", sector="power", what=wanted(years=[2016])).part.grid
    assert grid.crs.name == name
    assert bounds is None or grid.bounds == bounds


@pytest.mark.parametrize(
    ("header", "lonlat"),
    [
        # True at its own latitude: a metre of easting at 20 N is a metre on the sphere there.
        ({"GDTYP": np.int32(7), "P_ALP": 20.0, "P_GAM": 110.0, "YCENT": 0.0},
         (110 + math.degrees(27000 / (6_370_000 * math.cos(math.radians(20)))), 0.0)),
        # Snyder 21-33, 21-34: rho = R (1 + sin 60) tan(45 - lat/2) from the pole, along 110 E to the south.
        ({"GDTYP": np.int32(6), "P_ALP": 1.0, "P_BET": 60.0, "P_GAM": 110.0},
         (200.0, 90 - 2 * math.degrees(math.atan(27000 / (6_370_000 * (1 + math.sin(math.radians(60)))))))),
    ],
)  # fmt: skip
def test_ioapi_mercator_and_polar_by_hand(tmp_path, header, lonlat):
    ioapi(tmp_path / "emis.nc", {"NO2": ("g/s", np.ones((24, 1, 2, 3)))}, steps=24, header=header)
    grid = gridded(tmp_path, file="emis.nc", sector="power", what=wanted(years=[2016])).part.grid
    lon, lat = Transformer.from_crs(grid.crs, grid.crs.geodetic_crs, always_xy=True).transform(27000.0, 0.0)
    assert (lon % 360, lat) == pytest.approx(lonlat, abs=1e-9)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"GDTYP": np.int32(11)}, "grid type 11 is not read"),
        ({"XCENT": 100.0}, "XCENT 100 is not the central meridian"),
        ({"GDTYP": np.int32(7)}, "Mercator grid with its origin at latitude 34"),
    ],
)
def test_ioapi_headers_that_leave_the_place_open_are_refused(tmp_path, header, message):
    path = ioapi(tmp_path / "emis.nc", {"NO2": ("g/s", np.ones((24, 1, 2, 3)))}, steps=24, header=header)
    with pytest.raises(ReadError, match=message) as error:
        gridded(tmp_path, file="emis.nc", sector="power", what=wanted(years=[2016]))
    assert str(path) in str(error.value)
    stated = gridded(tmp_path, file="emis.nc", sector="power", crs="EPSG:32650", what=wanted(years=[2016]))
    assert stated.part.grid.crs == CRS("EPSG:32650")


# -- any NetCDF -------------------------------------------------------------------------------------------------------


def plain(
    path, values, x, y, *, dims=("y", "x"), names=("x", "y"), units=(None, None), attrs=None, fmt="NETCDF4", crs=None
):
    with netCDF4.Dataset(path, "w", format=fmt) as file:
        for dim, centres, unit in zip(names, (x, y), units, strict=True):
            file.createDimension(dim, len(centres))
            axis = file.createVariable(dim, np.asarray(centres).dtype, (dim,))
            axis[:] = centres
            if unit:
                axis.units = unit
        data = file.createVariable("nox", np.asarray(values).dtype, dims)
        data.setncatts(attrs or {})
        data[:] = values
        if crs is not None:
            file.createVariable("crs", "i4").setncatts(CRS(crs).to_cf())
            data.grid_mapping = "crs"
    return path


SAID = {"sector": "power", "year": 2015, "fields": [{"file": "*.nc", "unit": "t"}]}


@pytest.mark.parametrize("dims", [("y", "x"), ("x", "y")])
@pytest.mark.parametrize("north_first", [True, False])
@pytest.mark.parametrize("east_first", [True, False])
def test_netcdf_in_any_order_is_one_array(tmp_path, dims, north_first, east_first):
    truth = np.arange(6.0).reshape(2, 3)
    x, y, stored = np.array([1000.0, 2000, 3000]), np.array([500.0, -500]), truth
    if not north_first:
        y, stored = y[::-1], stored[::-1]
    if east_first:
        x, stored = x[::-1], stored[:, ::-1]
    plain(tmp_path / "a.nc", stored if dims == ("y", "x") else stored.T, x, y, dims=dims)
    read = gridded(tmp_path, crs="EPSG:32650", **SAID)
    np.testing.assert_array_equal(only(read), truth)
    assert read.part.grid.bounds == (500, -1000, 3500, 1000)


def test_netcdf_names_of_axes_do_not_state_a_datum(tmp_path):
    path = plain(tmp_path / "a.nc", np.ones((2, 2)), [0.5, 1.5], [0.5, 1.5], dims=("lat", "lon"), names=("lon", "lat"))
    with pytest.raises(MissingCrs, match="do not tell a datum") as error:
        gridded(tmp_path, **SAID)
    assert str(path) in str(error.value)
    assert only(gridded(tmp_path, crs="EPSG:4490", **SAID)).sum() == 4


def test_netcdf_degrees_are_wgs84_with_a_note(tmp_path):
    plain(
        tmp_path / "a.nc", np.ones((2, 2)), [0.5, 1.5], [0.5, 1.5], dims=("lat", "lon"), names=("lon", "lat"),
        units=("degrees_east", "degrees_north"),
    )  # fmt: skip
    read = gridded(tmp_path, **SAID)
    assert read.part.grid.crs == CRS("EPSG:4326")
    assert rules(read, Severity.NOTE) == ["crs-assumed"]
    assert rules(gridded(tmp_path, crs="EPSG:4490", **SAID)) == []


def test_netcdf_grid_mapping_and_kilometres(tmp_path):
    plain(tmp_path / "a.nc", np.ones((2, 2)), [100.0, 101.0], [10.0, 11.0], units=("km", "km"), crs="EPSG:32650")
    read = gridded(tmp_path, **SAID)
    assert read.part.grid.crs == CRS("EPSG:32650")
    assert read.part.grid.bounds == (99500, 9500, 101500, 11500)
    other = gridded(tmp_path, crs="EPSG:32651", **SAID)
    assert other.part.grid.crs == CRS("EPSG:32650") and rules(other, Severity.WARNING) == ["crs-differs"]


def test_netcdf_packed_values_and_every_mark_of_no_value(tmp_path):
    stored = np.array([[1, 2], [-1, -2]], dtype="i2")
    attrs = {"scale_factor": 0.1, "add_offset": 5.0, "missing_value": np.int16(-2)}
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for dim in ("x", "y"):
            file.createDimension(dim, 2)
            file.createVariable(dim, "f8", (dim,))[:] = [0.0, 1.0]
        data = file.createVariable("nox", "i2", ("y", "x"), fill_value=np.int16(-1))
        data.set_auto_maskandscale(False)
        data.setncatts(attrs)
        data[:] = stored
    got = only(gridded(tmp_path, crs="EPSG:32650", **SAID))
    np.testing.assert_allclose(got, [[np.nan, np.nan], [5.1, 5.2]], rtol=1e-15)


def test_netcdf_default_fill_is_no_value(tmp_path):
    plain(tmp_path / "a.nc", np.ma.array(np.ones((2, 2), "f4"), mask=[[1, 0], [0, 0]]), [0.0, 1], [1.0, 0])
    assert np.isnan(only(gridded(tmp_path, crs="EPSG:32650", **SAID))[0, 0])


@pytest.mark.parametrize("fmt", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_netcdf_months_of_a_rate_weigh_by_their_length(tmp_path, fmt):
    flux = np.arange(1.0, 13.0)
    with netCDF4.Dataset(tmp_path / "a.nc", "w", format=fmt) as file:
        for dim, values in (("time", np.arange(12)), ("y", [0.5, 1.5]), ("x", [0.5, 1.5])):
            file.createDimension(dim, len(values))
            file.createVariable(dim, "f8", (dim,))
            file[dim][:] = values
        starts = [sum(calendar.monthrange(2016, m)[1] for m in range(1, k)) for k in range(1, 13)]
        file["time"][:] = starts
        file["time"].units = "days since 2016-01-01"
        data = file.createVariable("power", "f8", ("time", "y", "x"))
        data.units = "kg s-1"
        data.species = "CO2"
        data[:] = flux[:, None, None]
    got = only(gridded(tmp_path, crs="EPSG:4326", file="a.nc", what=wanted(years=[2016])))
    expected = sum(flux[m - 1] * calendar.monthrange(2016, m)[1] * 86.4 for m in range(1, 13))
    np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_netcdf_years_along_time_are_layers_of_their_years(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for dim, values in (("year", [2014, 2015, 2016]), ("lat", [0.5, 1.5]), ("lon", [0.5, 1.5])):
            file.createDimension(dim, len(values))
            file.createVariable(dim, "i4" if dim == "year" else "f8", (dim,))[:] = values
        for name in ("CO2", "NOx", "mystery"):
            data = file.createVariable(name, "f8", ("year", "lat", "lon"))
            data.units = "kt"
            data[:] = np.array([1.0, 2.0, 3.0])[:, None, None]
    read = gridded(tmp_path, file="a.nc", crs="EPSG:4326", sector="road", what=wanted(years=[2015, 2016]))
    got = [(f.year, f.species, f.load().sum()) for f in read.part.fields]
    assert got == [(0, 0, 8000), (0, 1, 8000), (1, 0, 12000), (1, 1, 12000)]
    assert set(rules(read)) == {"other-year", "variable-not-read"}
    one = gridded(
        tmp_path, crs="EPSG:4326", fields=[{"file": "a.nc", "variable": "mystery", "species": "VOCs", "sector": "road"}]
    )
    assert only(one).sum() == 8000
    # A year in the description picks one step, even where the others are wanted too.
    said = {"file": "a.nc", "variable": "CO2", "sector": "road", "year": 2016}
    picked = gridded(tmp_path, crs="EPSG:4326", fields=[said], what=wanted(years=[2014, 2015, 2016]))
    assert only(picked).sum() == 12000


def test_netcdf_steps_that_make_no_year_are_refused(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for dim, values in (("time", [0, 31]), ("y", [0.5, 1.5]), ("x", [0.5, 1.5])):
            file.createDimension(dim, len(values))
            file.createVariable(dim, "f8", (dim,))[:] = values
        file["time"].units = "days since 2015-01-01"
        file.createVariable("nox", "f8", ("time", "y", "x"))[:] = 1.0
    with pytest.raises(ReadError, match=r"2 time steps in 2015, months \[1, 2\]"):
        gridded(tmp_path, crs="EPSG:4326", **SAID)


def test_netcdf_own_cell_areas_go_before_the_ellipsoid(tmp_path):
    path = plain(tmp_path / "a.nc", np.full((2, 2), 1e-9), [0.5, 1.5], [1.5, 0.5], attrs={"units": "kg m-2 s-1"})
    with netCDF4.Dataset(path, "a") as file:
        area = file.createVariable("area", "f8", ("y", "x"))
        area.standard_name, area.units = "cell_area", "km2"
        area[:] = [[1, 2], [3, 4]]
    read = gridded(tmp_path, crs="EPSG:4326", sector="power", year=2015, file="a.nc")
    np.testing.assert_allclose(only(read), np.array([[1, 2], [3, 4]]) * 1e6 * 1e-12 * 31536000, rtol=1e-14)
    assert read.part.area_model == "cell areas of the file (a.nc: area)"


def test_netcdf_lines_left_out_are_lines_without_a_value(tmp_path):
    plain(tmp_path / "a.nc", np.arange(8.0).reshape(4, 2), [0.0, 1.0], [0.0, 1.0, 3.0, 4.0])
    read = gridded(tmp_path, crs="EPSG:32650", **SAID)
    np.testing.assert_array_equal(only(read), [[6, 7], [4, 5], [np.nan, np.nan], [2, 3], [0, 1]])
    assert rules(read, Severity.WARNING) == ["lines-left-out"]


def test_netcdf_irregular_axes_are_refused(tmp_path):
    gaussian = [88.572, 86.7225, 84.862, 82.999, 81.135]
    path = plain(tmp_path / "a.nc", np.ones((5, 2)), [0.0, 1.0], gaussian)
    with pytest.raises(ReadError, match="'y' is not evenly spaced") as error:
        gridded(tmp_path, crs="EPSG:4326", **SAID)
    assert str(path) in str(error.value)


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from([0.05, 0.1, 0.25, 0.5, 1 / 3, 1 / 12, 1 / 120, 0.3125, 1000.0, 27000.0]),
    st.integers(-700, 700), st.integers(3, 300), st.sampled_from(["f4", "f8", "rounded"]), st.booleans(),
)  # fmt: skip
def test_the_lattice_is_found_behind_rounded_centres(step, first, count, kind, falling):
    centres = (first + 0.5 + np.arange(count)) * step
    if kind == "f4":
        centres = centres.astype("f4")
    elif kind == "rounded":
        centres = np.round(centres, 4)
    axis = fit_axis(centres[::-1] if falling else centres, file=Path("f"), name="x")
    assert axis.count == count and axis.descending is falling
    edges = float(axis.start) + np.arange(count + 1) * float(axis.step)
    slack = 1e-12 if kind == "f8" else 2.4e-7 if kind == "f4" else 0.0
    slack = slack * max(abs(centres[0]), abs(centres[-1])) + (6e-5 if kind == "rounded" else 0.0)
    assert np.abs(edges - (first + np.arange(count + 1)) * step).max() <= 2 * slack + 1e-12 * abs(edges).max()
    if kind == "f8":
        assert float(axis.step) == pytest.approx(step, rel=1e-14)


# -- rasters ----------------------------------------------------------------------------------------------------------


KILOMETRES = Affine(1000, 0, 0, 0, -1000, 2000)


def tiff(path, bands, *, transform=KILOMETRES, crs="EPSG:32650", **profile):
    bands = np.asarray(bands)
    bands = bands[None] if bands.ndim == 2 else bands
    with rasterio.open(
        path, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands), dtype=bands.dtype,
        transform=transform, crs=crs, **profile,
    ) as out:  # fmt: skip
        out.write(bands)
    return path


TIFF = {"sector": "power", "year": 2015}


def test_geotiff_of_masses_by_band(tmp_path):
    tiff(tmp_path / "a.tif", [np.ones((2, 3)), np.array([[1, 2, -99], [3, 4, 5.0]])], nodata=-99)
    fields = [{"file": "a.tif", "band": 2, "species": "NOx", "unit": "kt/yr", "kind": "amount"}]
    read = gridded(tmp_path, fields=fields, **TIFF)
    np.testing.assert_array_equal(only(read), np.array([[1, 2, np.nan], [3, 4, 5]]) * 1000)
    assert read.part.grid.bounds == (0, 0, 3000, 2000)


def test_geotiff_of_densities_and_the_kind_that_contradicts(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)), crs="EPSG:4326", transform=Affine(1, 0, 110, 0, -1, 32))
    said = {"file": "a.tif", "species": "NOx", "unit": "t/km2", "kind": "density"}
    read = gridded(tmp_path, fields=[said], **TIFF)
    np.testing.assert_allclose(only(read), read.part.grid.cell_area_m2 / 1e6, rtol=1e-14)
    bad = gridded(tmp_path, fields=[{**said, "kind": "amount"}], **TIFF)
    assert rules(bad) == ["kind-differs"] and bad.part is None


def test_geotiff_scale_offset_and_unit_of_the_band(tmp_path):
    tiff(tmp_path / "a.tif", np.array([[1, 2], [0, 4]], dtype="i2"), nodata=0)
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.scales, file.offsets, file.units = (0.5,), (10.0,), ("t",)
    read = gridded(tmp_path, fields=[{"file": "a.tif", "species": "NOx"}], **TIFF)
    np.testing.assert_array_equal(only(read), [[10.5, 11], [np.nan, 12]])


def test_geotiff_mask_band_is_no_value(tmp_path):
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", width=2, height=1, count=1, dtype="float64", crs="EPSG:32650",
        transform=Affine(1, 0, 0, 0, -1, 1),
    ) as out:  # fmt: skip
        out.write(np.array([[[7.0, 8.0]]]))
        out.write_mask(np.array([[True, False]]))
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif")[1], [[7, np.nan]])


def test_south_up_raster_is_flipped_and_rotated_refused(tmp_path):
    values = np.arange(4.0).reshape(2, 2)
    tiff(tmp_path / "up.tif", values, transform=Affine(1, 0, 5, 0, 1, 7))
    grid, got = read_raster(tmp_path / "up.tif")
    np.testing.assert_array_equal(got, values[::-1])
    assert grid.bounds == (5, 7, 7, 9)
    tiff(tmp_path / "turned.tif", values, transform=Affine(1, 0.1, 5, 0.1, -1, 7))
    with pytest.raises(ReadError, match=r"turned\.tif: the raster is rotated"):
        read_raster(tmp_path / "turned.tif")


def test_raster_without_a_place_is_refused(tmp_path):
    path = tmp_path / "nowhere.png"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(path, "w", driver="PNG", width=2, height=2, count=1, dtype="uint8") as out,
    ):
        out.write(np.ones((1, 2, 2), "u1"))
    with pytest.raises(MissingCrs, match="states no CRS"):
        read_raster(path)
    with pytest.raises(ReadError, match="no georeference"):
        read_raster(path, crs="EPSG:4326")


def test_raster_crs_stated_only_where_missing(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)), crs=None)
    assert read_raster(tmp_path / "a.tif", crs="EPSG:32650")[0].crs == CRS("EPSG:32650")
    tiff(tmp_path / "b.tif", np.ones((2, 2)))
    fields = [{"file": "b.tif", "species": "NOx", "unit": "t"}]
    read = gridded(tmp_path, crs="EPSG:32651", fields=fields, **TIFF)
    assert read.part.grid.crs == CRS("EPSG:32650") and rules(read) == ["crs-differs"]


def test_band_that_is_not_there(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)))
    with pytest.raises(ReadError, match=r"a\.tif: band 2 of 1"):
        read_raster(tmp_path / "a.tif", band=2)


def test_read_raster_of_every_kind(tmp_path):
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    plain(tmp_path / "a.nc", values.T, [100.0, 101.0], [31.0, 30.0], dims=("x", "y"))
    meic(tmp_path / "b.asc", values)
    (tmp_path / "b.prj").write_text(CRS("EPSG:4490").to_wkt())
    tiff(tmp_path / "c.tif", values)
    for name, crs in (("a.nc", "EPSG:4326"), ("b.asc", None), ("c.tif", None)):
        grid, got = read_raster(tmp_path / name, crs=crs)
        np.testing.assert_array_equal(got, values)
        assert grid.shape == (2, 2) and got.dtype == np.float64
    with pytest.raises(MissingCrs, match="ASCII grid states no CRS"):
        (tmp_path / "b.prj").unlink()
        read_raster(tmp_path / "b.asc")


@pytest.mark.parametrize("value", [-1.0, np.inf, -np.inf])
def test_read_raster_refuses_what_cannot_share_out_mass(tmp_path, value):
    path = tiff(tmp_path / "a.tif", np.array([[1.0, 2.0], [value, np.nan]]))
    with pytest.raises(RefusedInput, match=r"row 1, column 0") as error:
        read_raster(path)
    assert str(path) in str(error.value)


# -- values, files, parts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [-2.5, np.inf])
def test_negative_and_infinite_values_are_refused_or_counted(tmp_path, value):
    tiff(tmp_path / "a.tif", np.array([[1.0, 2.0], [3.0, value]]))
    fields = [{"file": "a.tif", "species": "NOx", "unit": "kt"}]
    strict = gridded(tmp_path, fields=fields, **TIFF)
    with pytest.raises(RefusedInput, match=rf"a\.tif: row 1, column 1 .* holds {value:g}"):
        strict.part.fields[0].load()
    lenient = gridded(tmp_path, lenient=True, fields=fields, **TIFF)
    np.testing.assert_array_equal(lenient.part.fields[0].load(), [[1000, 2000], [3000, np.nan]])
    assert lenient.unread_t == {("refused", "nox"): -2500.0 if value < 0 else 0.0}
    found = scan_field(strict.part.fields[0], part="grids", species="nox")
    assert found == lenient.findings and strict.findings == []
    assert len(found) == 1 and found[0].severity is Severity.ERROR
    assert (found[0].file, found[0].row, found[0].column) == ("a.tif", 1, "1")
    assert found[0].mass_t == ({"nox": -2500.0} if value < 0 else {})


def test_fields_are_read_only_when_loaded_and_travel_between_processes(tmp_path):
    path = tiff(tmp_path / "a.tif", np.ones((2, 2)))
    read = gridded(tmp_path, fields=[{"file": "a.tif", "species": "NOx", "unit": "t"}], **TIFF)
    tiff(path, np.full((2, 2), 5.0))
    assert pickle.loads(pickle.dumps(read.part.fields[0].load))().sum() == 20


@pytest.mark.parametrize("name", ["v8.0_FT2022_GHG_CO2_2015_ENE_emi.nc", "emis.nc", "a.nc", "classic.nc", "a.tif"])
@pytest.mark.parametrize("damage", ["half", "a few bytes", "empty", "text"])
def test_damaged_files_are_named(tmp_path, name, damage):
    path = tmp_path / name
    size = 120
    if "emi.nc" in name:
        edgar(
            path,
            np.random.default_rng(1).random((size, size)),
            lon=np.arange(size) + 0.5,
            lat=np.arange(size) - 59.5,
            attrs=RECENT,
        )
    elif name == "emis.nc":
        ioapi(path, {"NO2": ("g/s", np.ones((24, 1, 2, 3)))}, steps=24)
    elif name == "a.tif":
        tiff(path, np.random.default_rng(1).random((size, size)))
    else:
        fmt = "NETCDF4" if name == "a.nc" else "NETCDF3_CLASSIC"
        plain(
            path, np.random.default_rng(1).random((size, size)), np.arange(size) + 0.5, np.arange(size) - 59.5, fmt=fmt
        )
    whole = path.read_bytes()
    path.write_bytes(
        {
            "half": whole[: len(whole) // 2],
            "a few bytes": whole[:20],
            "empty": b"",
            "text": b"lat;lon;emission\n1;2;3\n",
        }[damage]
    )
    fields = [{"file": name, "species": "NOx", "unit": "t", "sector": "power", "year": 2015}]
    with pytest.raises(ReadError) as error:
        gridded(tmp_path, crs="EPSG:4326", fields=fields).part.fields[0].load()
    assert str(path) in str(error.value)


@pytest.mark.parametrize("fmt", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("records", ["none", "one variable", "two variables"])
def test_a_classic_file_cut_by_one_value_is_not_read_as_zeros(tmp_path, fmt, records):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format=fmt) as file:
        file.title = "odd"
        for dim, size in (("time", 1 if records == "none" else None), ("y", 3), ("x", 3)):
            file.createDimension(dim, size)
        for dim in "yx":
            file.createVariable(dim, "f8", (dim,))[:] = [2.0, 1.0, 0.0]
        for name, kind in (("other", "i2"), ("nox", "f4"))[0 if records == "two variables" else 1 :]:
            file.createVariable(name, kind, ("time", "y", "x"))[0] = np.ones((3, 3))
    fields = [{"file": "a.nc", "variable": "nox", "unit": "t", "species": "NOx"}]
    said = {"crs": "EPSG:32650", "sector": "power", "year": 2015, "fields": fields}
    assert only(gridded(tmp_path, **said)).sum() == 9
    whole = path.read_bytes()
    for cut in (4, 20, len(whole) - 40):
        path.write_bytes(whole[:-cut])
        with pytest.raises(ReadError, match=r"a\.nc: .*(truncated|cut short|not a readable)"):
            gridded(tmp_path, **said)
    path.write_bytes(whole)
    assert only(gridded(tmp_path, **said)).sum() == 9


def test_missing_files_and_patterns_are_named(tmp_path):
    for name in ("no.nc", "no.tif", "no.asc", "no.txt"):
        with pytest.raises(ReadError, match=f"{name}: no such file|{name}: cannot be read"):
            gridded(tmp_path, file=name, format=None, crs="EPSG:4326")
    with pytest.raises(ReadError, match=r"no file matches '\*\.nc'"):
        gridded(tmp_path, file="*.nc")


def test_names_with_brackets_are_names(tmp_path):
    (tmp_path / "a[1]").mkdir()
    tiff(tmp_path / "a[1]" / "nox.tif", np.ones((2, 2)))
    read = gridded(tmp_path, fields=[{"file": "a[1]/*.tif", "species": "NOx", "unit": "t"}], **TIFF)
    assert only(read).sum() == 4


def test_two_grids_in_a_part_are_an_error(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)))
    tiff(tmp_path / "b.tif", np.ones((2, 3)))
    fields = [{"file": "a.tif", "species": "NOx", "unit": "t"}, {"file": "b.tif", "species": "CO2", "unit": "t"}]
    read = gridded(tmp_path, fields=fields, **TIFF)
    assert rules(read) == ["grid-differs"] and read.findings[0].file == "b.tif"


def test_one_entry_with_two_files_of_the_same_is_a_double_and_two_entries_are_not(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)))
    tiff(tmp_path / "b.tif", np.ones((2, 2)))
    twice = gridded(tmp_path, fields=[{"file": "*.tif", "species": "NOx", "unit": "t"}], **TIFF)
    assert rules(twice) == ["double-layer"]
    said = [{"file": n, "species": "NOx", "unit": "t"} for n in ("a.tif", "b.tif")]
    assert len(gridded(tmp_path, fields=said, **TIFF).part.fields) == 2


def test_what_nobody_says_is_an_error_by_name(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)))
    full = {"file": "a.tif", "species": "NOx", "sector": "power", "year": 2015, "unit": "t"}
    for key, rule in (("species", "no-species"), ("sector", "no-sector"), ("year", "no-year"), ("unit", "no-unit")):
        read = gridded(tmp_path, fields=[{k: v for k, v in full.items() if k != key}])
        assert rules(read) == [rule] and read.part is None
    for key, value, rule in (("species", "NOy", "unknown-species"), ("sector", "pwr", "unknown-sector")):
        read = gridded(tmp_path, fields=[{**full, key: value}])
        assert rules(read) == [rule] and "near it" in read.findings[0].reason


def test_a_year_the_file_contradicts_is_a_warning(tmp_path):
    edgar_sectors(tmp_path, ENE=1)
    read = gridded(tmp_path, file="*.nc", format="edgar", year=2020, what=wanted(years=[2020]))
    assert only(read).sum() == 4 and rules(read) == ["year-differs"]


def test_declared_species_that_are_not_read_are_other_species(tmp_path):
    tiff(tmp_path / "a.tif", np.ones((2, 2)))
    oc = Species("oc", "Organic carbon", "", "as C")
    fields = [{"file": "a.tif", "species": "oc", "unit": "t"}]
    read = gridded(tmp_path, fields=fields, what=wanted(declared=[oc]), **TIFF)
    assert read.part is None and rules(read) == ["other-species", "no-layer"]


def test_tables_keys_on_a_gridded_part_are_refused():
    for keys in ({"select": [{"column": "a", "min": 1}]}, {"datum": "GCJ-02"}):
        with pytest.raises(InvalidDescription, match="grid"):
            gridded(Path(), file="a.nc", **keys)
