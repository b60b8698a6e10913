"""Every notebook runs alone from a clean folder, says nothing on standard error, draws its figures, and tells the truth."""

from __future__ import annotations

import csv
import socket
from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.workspace import Run, StoredZoning, Workspace
from tests.notebooks.form import NOTEBOOKS
from tests.notebooks.running import Ran, place, run

pytestmark = pytest.mark.slow

DEMO = NOTEBOOKS.parent / "data" / "demo"
FIGURES = {"01": 7, "02": 7, "03": 7, "04": 4}
# What is asked of each notebook when it is through.
FACTS = {
    "01": {
        "run": "run.id", "gap": "gap.max()", "power_t": "values.sum()", "co2_t": "total_t['co2'].sum()", "cell": "cell",
        "source": "behind['source_id'].iloc[0]", "county_t": "float(table['co2'].iloc[0] * 1e3)", "county": "table['code'].iloc[0]",
        "errors": "sorted(set(errors['rule']))", "proxies": "proxies['pm25']",
    },
    "02": {
        "run": "run.id", "zoning": "zoning.id", "nox": "over_all", "counts": "counts", "place": "rows[4]",
        "overlap": "overlap.set_index(['a', 'b'])['jaccard'].loc[('co2', 'nox')]",
        "freer": "bool((overlap['free_jaccard'] > overlap['jaccard']).all())",
    },
    "03": {
        "before": "before.id", "zoning": "zoning.id", "comparison": "comparison.id", "parks": "reach['code'].tolist()",
        "changes": "changed['change'].value_counts().to_dict()", "jaccard": "jaccard['co_control']", "unit": "unit['unit']",
        "unit_co2_t": "emitted.loc['CO2', 't/yr']", "times": "emitted.loc['CO2', 'times its share of the area']",
    },
    "04": {
        "zoning": "zoning.id", "matched": "matched", "firm": "sorted(firm['unit'])", "there": "sorted(there['unit'])",
        "box": "BOX", "cells_t": "cells['co2_t'].sum()", "off": "max(off)", "port": "port", "ended": "server.poll()",
        "held": "asked.loc[0.05, 'nox']", "painted": "int((mosaic[..., 3] > 0).sum())", "same": "bool(same)",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> object:
    @lru_cache
    def of(name: str) -> Ran:
        return run(name, place(tmp_path_factory.mktemp(f"alone{name}")), FACTS[name])

    return of


def published(ran: Ran) -> tuple[Run, StoredZoning]:
    kept = Workspace(ran.folder / "workspace")
    return kept.run(ran.facts["run"]) if "run" in ran.facts else kept.run("latest"), kept.zoning(ran.facts["zoning"])


def checked(ran: Ran, name: str) -> None:
    assert ran.errors == ""
    assert ran.pictures >= FIGURES[name] and len(ran.figures) == ran.pictures
    for figure in ran.figures:
        panels = [axes for axes in figure if not axes["bar"]]
        assert any(axes["title"] or axes["suptitle"] for axes in figure)
        # A scale with its unit, or a legend; a line or a bar with what it measures, or a map with its degrees.
        assert any(axes["key"] for axes in panels) or any(axes["bar"] for axes in figure)
        assert all(axes["x"] or axes["y"] for axes in figure if axes["bar"])
        for axes in panels:
            degrees = [t for t in axes["ticks"] if t.endswith(("°E", "°N"))]
            assert axes["x"] or len(degrees) >= 2 or any(c.isalpha() for t in axes["ticks"] for c in t)


@pytest.mark.parametrize("name", FACTS)
def test_it_runs_alone_from_a_clean_folder(name: str, alone: object) -> None:
    ran = alone(name)  # type: ignore[operator]
    checked(ran, name)
    # What it made lies in the one folder that git ignores; beside it, only what Python compiled.
    made = {p.name for p in ran.folder.iterdir()} - {p.name for p in NOTEBOOKS.iterdir()}
    assert made <= {"workspace", "__pycache__", ".ipynb_checkpoints"}


@pytest.mark.parametrize("name", ["02", "04"])
def test_it_reuses_what_another_has_published(name: str, alone: object) -> None:
    first = alone("03")  # type: ignore[operator]
    kept = Workspace(first.folder / "workspace")
    before = sorted(z.created for z in kept.zonings()), [r.created for r in kept.runs()]
    ran = run(name, first.folder, FACTS[name])
    checked(ran, name)
    assert ran.facts["zoning"] == first.facts["zoning"]
    assert (sorted(z.created for z in kept.zonings()), [r.created for r in kept.runs()]) == before


def test_the_inventory_is_what_its_files_say(alone: object) -> None:
    ran = alone("01")  # type: ignore[operator]
    with (DEMO / "power.csv").open(encoding="gb18030", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["年份"] == "2023" and r["二氧化碳排放量(万吨/年)"]]
    assert ran.facts["power_t"] == pytest.approx(
        sum(float(r["二氧化碳排放量(万吨/年)"]) for r in rows) * 1e4, rel=1e-12
    )
    # The cell with the most is that of the plant with the most.
    largest = max(rows, key=lambda r: float(r["二氧化碳排放量(万吨/年)"]))
    assert ran.facts["source"] == largest["企业编号"]
    kept = Workspace(ran.folder / "workspace").run(ran.facts["run"])
    point = gpd.GeoSeries([shapely.Point(float(largest["经度"]), float(largest["纬度"]))], crs=4490).to_crs(
        kept.grid.crs
    )
    col = int((point.x.iloc[0] - kept.grid.x_left) // 1000)
    row = int((kept.grid.y_top - point.y.iloc[0]) // 1000)
    assert ran.facts["cell"] == row * kept.grid.cols + col
    assert ran.facts["gap"] <= 1e-12
    assert {"negative-amount", "swapped-coordinates"} <= set(ran.facts["errors"])


def test_sums_of_layers_are_those_of_the_files_published(alone: object) -> None:
    ran = alone("01")  # type: ignore[operator]
    kept = Workspace(ran.folder / "workspace").run(ran.facts["run"])
    whole = kept.total(2023, "co2")
    assert ran.facts["co2_t"] == pytest.approx(whole.sum(), rel=1e-12)
    proxies = (
        sum(kept.tier_layer(2023, "pm25", t).sum() for t in ("surrogate", "uniform")) / kept.total(2023, "pm25").sum()
    )
    assert ran.facts["proxies"] == pytest.approx(proxies, rel=1e-9)
    # A county's sum, by the share of each cell that shapely finds inside it.
    counties = gpd.read_file(DEMO / "regions.gpkg", layer="counties").to_crs(kept.grid.crs).set_index("code")
    county = counties.geometry.loc[ran.facts["county"]]
    shapely.prepare(county)
    total = 0.0
    for row, col in zip(*np.nonzero(whole), strict=True):
        west, north = kept.grid.x_left + col * 1000.0, kept.grid.y_top - row * 1000.0
        cell = shapely.box(west, north - 1000.0, west + 1000.0, north)
        if county.intersects(cell):
            total += whole[row, col] * cell.intersection(county).area / 1e6
    assert ran.facts["county_t"] == pytest.approx(total, rel=1e-9)


def test_concentration_and_overlap_by_sorting(alone: object) -> None:
    ran = alone("02")  # type: ignore[operator]
    kept, zoning = published(ran)
    co2, nox = (kept.total(2023, s)[kept.valid] for s in ("co2", "nox"))
    held = np.concatenate([[0.0], np.cumsum(nox[np.argsort(-co2, kind="stable")])])
    first = np.interp(0.05 * len(nox), np.arange(len(held)), held) / nox.sum()
    assert ran.facts["nox"] == pytest.approx(first, rel=1e-6)
    cells = zoning.tables["cells"]
    both, either = (cells["co2_hot"] & cells["nox_hot"]).sum(), (cells["co2_hot"] | cells["nox_hot"]).sum()
    assert ran.facts["overlap"] == pytest.approx(both / either, rel=1e-12)
    assert ran.facts["freer"], "the text on overlap says that the hollow marks lie further to the right"
    pollutants = cells[["nox_hot", "pm25_hot", "vocs_hot", "so2_hot"]].sum(axis=1)
    assert ran.facts["counts"]["co_control"] == int((cells["co2_hot"] & (pollutants >= 2)).sum())
    assert ran.facts["counts"]["pollution_only"] == int((~cells["co2_hot"] & (pollutants >= 2)).sum())
    giant = ran.facts["place"]
    assert giant["place"].startswith("lone giant") and giant["isolated core"] == 1 and giant["clustered core"] == 0


def test_the_review_is_that_of_the_rasters_and_the_files(alone: object) -> None:
    ran = alone("03")  # type: ignore[operator]
    kept = Workspace(ran.folder / "workspace")
    a, b = kept.zoning(ran.facts["before"]).raster("class"), kept.zoning(ran.facts["zoning"]).raster("class")
    assert ran.facts["changes"] == {
        "entered": int(((a == 0) & (b > 0)).sum()), "left": int(((a > 0) & (b == 0)).sum()),
        "changed": int(((a > 0) & (b > 0) & (a != b)).sum()),
    }  # fmt: skip
    assert ran.facts["jaccard"] == pytest.approx(((a == 4) & (b == 4)).sum() / ((a == 4) | (b == 4)).sum(), rel=1e-9)
    units = kept.zoning(ran.facts["zoning"]).tables["units"].set_index("unit")
    red_lines = gpd.read_file(DEMO / "regions.gpkg", layer="red_lines").to_crs(units.crs).union_all()
    parks = gpd.read_file(DEMO / "parks.shp", encoding="GBK").to_crs(units.crs)
    inside = parks[parks.intersection(red_lines).area > 0]
    assert ran.facts["parks"] == inside["园区代码"].tolist() and len(inside) == 1
    unit = units.loc[ran.facts["unit"]]
    assert unit["fit"] == "park" and unit["rank"] == units[units["fit"] == "park"]["rank"].min()
    assert ran.facts["unit_co2_t"] == unit["co2_t"]
    province = gpd.read_file(DEMO / "regions.gpkg", layer="province").to_crs(units.crs).area.sum() / 1e6
    assert ran.facts["times"] == pytest.approx(unit["co2_share"] / (unit["area_km2"] / province), rel=1e-3)
    for language in ("zh", "en"):
        assert ran.facts["zoning"] in (ran.folder / "workspace" / f"review-{language}.html").read_text("utf-8")
    conflicts = gpd.read_file(ran.folder / "workspace" / "zoning.gpkg", layer="conflicts")
    assert f"{len(conflicts)} conflicts, {(conflicts['sources'] > 0).sum()} of them with point sources" in ran.printed


def test_what_the_service_said_is_what_is_published(alone: object) -> None:
    ran = alone("04")  # type: ignore[operator]
    kept, zoning = published(ran)
    units = zoning.tables["units"]
    firm = units[(units["class"] == "co_control") & (units["co2_t"] > 1e6) & ~units["proxy_led"]]
    assert ran.facts["firm"] == sorted(firm["unit"]) and ran.facts["matched"] == len(firm) > 20
    meets = units.to_crs(4326).intersects(shapely.box(*ran.facts["box"]))
    assert ran.facts["there"] == sorted(units.loc[meets, "unit"])
    cells = zoning.tables["cells"]
    assert ran.facts["cells_t"] == pytest.approx(cells["co2_t"].sum(), rel=1e-12) and ran.facts["same"]
    joint = cells[cells["class"] == "co_control"]
    hot_sets = zoning.tables["hot_sets"].set_index("species")
    hot = cells[cells["nox_hot"]]
    domain_t = hot["nox_t"].sum() / hot_sets.loc["nox", "share_mass"]
    assert ran.facts["held"] == pytest.approx(joint["nox_t"].sum() / domain_t, rel=1e-9)
    assert ran.facts["off"] < 1e-6 and ran.facts["painted"] > 1000
    assert kept.id in ran.printed
    # The server has ended, and with status 0 or by the signal it was sent.
    assert ran.facts["ended"] in (0, -15)
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.1", int(ran.facts["port"])))


def test_the_second_reader_gets_the_same_ids(alone: object) -> None:
    ids = {alone(name).facts["zoning"] for name in ("02", "03", "04")}  # type: ignore[operator]
    assert len(ids) == 1
    assert len({alone(name).facts["run"] for name in ("01", "02")}) == 1  # type: ignore[operator]


def test_a_notebook_that_warns_or_asks_elsewhere_is_found(tmp_path: Path) -> None:
    import nbformat

    folder = place(tmp_path)
    cells = [
        "import warnings, socket\nwarnings.warn('doubtful')",
        "try:\n    socket.create_connection(('192.0.2.1', 80), timeout=1)\nexcept RuntimeError as error:\n    print(error)",
    ]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbformat.write(book, folder / "99-bad.ipynb")
    ran = run("99", folder, {"one": "1"})
    assert "doubtful" in ran.errors and "a notebook asks for ('192.0.2.1', 80)" in ran.printed
    with pytest.raises(AssertionError):
        checked(ran, "01")
