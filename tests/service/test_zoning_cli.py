"""The commands on zonings: output, JSON, exit status, files, and errors in one message.

The zonings are published by hand; what a zoning says is tested elsewhere, and once here the whole way from an inventory.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pyogrio
import pytest

from gis.workspace import Workspace
from gis.workspace.export_zoning import ZoningFormat
from gis.zoning.comparison import compare
from gis.zoning.model import TABLES
from service.cli import app
from service.printing import print_sweep
from tests.service.inventories import write_tiny
from tests.service.test_cli import RUNNER, cozone, refused
from tests.workspace.zoned import published_run, zoning_of
from tests.zoning.made import made_zoning


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a run, two zonings of it and their comparison."""
    root = tmp_path_factory.mktemp("published")
    with Workspace(root / "ws") as workspace:
        run = published_run(workspace, root / "in")
        a = workspace.publish_zoning(zoning_of(run), name="初稿", label="第一次")
        b = workspace.publish_zoning(zoning_of(run, moved=2, scale=1.5))
        workspace.publish_comparison(compare(a.zoning, b.zoning), a, b, name="变化")
    return root / "ws"


def ids(published: Path) -> tuple[str, str, str]:
    with Workspace(published) as workspace:
        return workspace.zoning("初稿").id, workspace.zoning("latest").id, workspace.comparison("latest").id


# -- lists and show ---------------------------------------------------------------------------------------------------


def test_lists_name_what_is_there(published: Path) -> None:
    a, b, c = ids(published)
    lines = cozone("zonings", "-w", published).splitlines()
    assert [line[:14] for line in lines] == [b, a]
    assert (
        "初稿" in lines[1]
        and "2 co_control, 1 pollution_only, 1 carbon_only, 1 watch" in lines[1]
        and "第一次" in lines[1]
    )
    found = json.loads(cozone("zonings", "-w", published, "--json"))
    assert [z["units"]["watch"] for z in found] == [1, 1] and found[0]["species"] == ["co2", "nox", "pm25", "vocs"]
    assert cozone("comparisons", "-w", published).startswith(c)
    assert json.loads(cozone("comparisons", "-w", published, "--json"))[0] | {"created": ""} == {
        "id": c, "created": "", "name": "变化", "a": a, "b": b, "label": "",
    }  # fmt: skip


def test_empty_lists_say_so(tmp_path: Path) -> None:
    Workspace(tmp_path / "ws").close()
    for command, what in (("zonings", "zoning"), ("comparisons", "comparison")):
        done = RUNNER.invoke(app, [command, "-w", str(tmp_path / "ws")])
        assert (done.exit_code, done.stdout) == (0, "") and done.stderr.startswith(f"no {what} in ")
        assert json.loads(cozone(command, "-w", tmp_path / "ws", "--json")) == []


@pytest.mark.parametrize("which", ["id", "初稿", "latest"])
def test_show_finds_a_zoning_by_id_name_and_latest(published: Path, which: str) -> None:
    a, b, _ = ids(published)
    asked, expected = {"id": (a, a), "初稿": ("初稿", a), "latest": ("z-latest", b)}[which]
    assert json.loads(cozone("show", asked, "-w", published, "--json"))["id"] == expected


def test_show_prints_units_conflicts_notes_and_the_ledger(published: Path) -> None:
    out = cozone("show", "初稿", "-w", published, COLUMNS="200")
    assert "第一次" in out and "1 conflict(s) with red lines" in out
    assert "CZ-33000120001" in out and "东园区" in out
    # The shares that units of a class have of the domain's mass.
    units, total = made_zoning().units, made_zoning().tables["ledger"].set_index("species")
    share = units.loc[units["class"] == "co_control", "nox_t"].sum() / (total.loc["nox", "input_t"] - 10)
    row = next(line for line in out.splitlines() if "co_control" in line and "CZ-" not in line)
    assert f"{share * 100:.4g}" in row
    # Warnings in both languages; what is only to be noted is counted.
    assert "warning: Two years only: no trend can be told.\n         仅两年数据,不能判断趋势。" in out
    assert "1 note(s): " in out and "SO2" not in out
    assert "the ledger closes: units + conflicts + remainder + around = input within" in out


def test_show_as_json_has_the_tables(published: Path) -> None:
    found = json.loads(cozone("show", "初稿", "-w", published, "--json"))
    assert [u["rank"] for u in found["units_by_rank"]] == sorted(u["rank"] for u in found["units_by_rank"])
    assert "geometry" not in found["units_by_rank"][0] and found["conflicts"][0]["kind"] == "red_line"
    assert found["parameters"]["hot"]["q"] == 0.05
    by_species = {row["species"]: row for row in found["ledger"]}
    row = by_species["co2"]
    assert row["input_t"] == row["units_t"] + row["conflicts_t"] + row["remainder_t"] + row["around_t"]
    assert {row["class"]: row["units"] for row in found["classes"]} == {
        "co_control": 2, "pollution_only": 1, "carbon_only": 1, "watch": 1,
    }  # fmt: skip


def test_show_of_a_comparison(published: Path) -> None:
    _, _, c = ids(published)
    out = cozone("show", "c-latest", "-w", published, COLUMNS="200")
    assert out.startswith(c) and "t/yr of classed cells" in out and "cells by class" in out
    found = json.loads(cozone("show", "变化", "-w", published, "--json"))
    assert found["id"] == c and "cells" not in found
    assert {r["species"] for r in found["tonnes"]} == {"co2", "nox", "pm25", "vocs"}


def test_a_run_is_still_what_a_plain_name_finds_first(published: Path) -> None:
    assert json.loads(cozone("show", "latest", "-w", published, "--json"))["id"].startswith("r-")
    assert json.loads(cozone("show", "two-counties", "-w", published, "--json"))["id"].startswith("r-")


def test_options_of_runs_mean_nothing_for_zonings_and_the_other_way(published: Path, tmp_path: Path) -> None:
    a, _, c = ids(published)
    message = refused("show", a, "-w", published, "--map", tmp_path / "m.png", "--year", 2020)
    assert message == f"InvalidParameter: {a} is a zoning, for which --map, --year means nothing; leave it out"
    words = ("-w", published, "-o", tmp_path / "x")
    assert f"{c} is a comparison, for which --by-sector" in refused("export", c, *words, "--by-sector")
    assert "is a run, for which --layer, --wkt" in refused("export", "latest", *words, "--layer", "units", "--wkt")
    assert not list(tmp_path.iterdir())


# -- export -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(ZoningFormat))
def test_export_of_every_format(published: Path, tmp_path: Path, form: ZoningFormat) -> None:
    target = tmp_path / ("出.gpkg" if form is ZoningFormat.GPKG else "出")
    out = cozone("export", "z-latest", "-w", published, "-f", form, "-o", target)
    written = [Path(line) for line in out.splitlines()]
    assert written and all(p.stat().st_size > 0 for p in written)
    assert cozone("export", "z-latest", "-w", published, "-f", form, "-o", target, "--quiet") == ""


def test_export_is_a_geopackage_if_nothing_is_said(published: Path, tmp_path: Path) -> None:
    cozone("export", "初稿", "-w", published, "-o", tmp_path / "a.gpkg")
    assert {n for n, _ in pyogrio.list_layers(tmp_path / "a.gpkg")} == {*TABLES, "manifest", "layer_styles"}
    cozone("export", "c-latest", "-w", published, "-o", tmp_path / "c.gpkg")
    assert "lineage" in {n for n, _ in pyogrio.list_layers(tmp_path / "c.gpkg")}


def test_export_of_one_layer(published: Path, tmp_path: Path) -> None:
    target = tmp_path / "units.csv"
    assert (
        cozone("export", "初稿", "-w", published, "-f", "csv", "-o", target, "--layer", "units", "--wkt")
        == f"{target}\n"
    )
    table = pd.read_csv(target, encoding="utf-8-sig", dtype={"jurisdiction": str})
    assert table["jurisdiction"].tolist() == made_zoning().units["jurisdiction"].tolist()
    assert table["wkt"].str.startswith("MULTIPOLYGON").all()
    message = refused("export", "初稿", "-w", published, "-f", "netcdf", "-o", tmp_path / "x")
    expected = "gpkg, geoparquet, geojson, flatgeobuf, csv, cog"
    assert message == f"InvalidParameter: format 'netcdf' is not known; use one of {expected}"


# -- compare and verify -----------------------------------------------------------------------------------------------


def test_compare_publishes_what_it_prints(published: Path, tmp_path: Path) -> None:
    kept = tmp_path / "ws"
    shutil.copytree(published, kept)
    a, b, c = ids(kept)
    found = json.loads(cozone("compare", "z-latest", "初稿", "-w", kept, "--json", "--name", "back", "--label", "倒"))
    assert (found["a"], found["b"], found["name"], found["label"]) == (b, a, "back", "倒") and found["id"] != c
    changes = {(r["a_class"], r["b_class"]): r["cells"] for r in found["classes"]}
    assert changes["co_control", "none"] == changes["none", "co_control"] == 6
    assert cozone("compare", a, b, "-w", kept, "--quiet") == f"{c}\n"
    assert "units" in cozone("compare", a, b, "-w", kept)
    assert "no zoning has the id or name 'nobody'" in refused("compare", a, "nobody", "-w", kept)


def test_verify_of_a_comparison_and_of_damage(published: Path, tmp_path: Path) -> None:
    kept = tmp_path / "ws"
    shutil.copytree(published, kept)
    a, _, c = ids(kept)
    assert "every table is the same as computed anew" in cozone("verify", c, "-w", kept)
    found = json.loads(cozone("verify", "c-latest", "-w", kept, "--json"))
    assert found["comparison"] == c and found["differences"] == []
    with Workspace(kept) as workspace:
        paths = [
            workspace.zoning(a).member_path("raster", "tier"),
            workspace.comparison(c).member_path("table", "tonnes"),
        ]
    for path in paths:
        path.chmod(0o644)
        path.write_bytes(b"\0" * path.stat().st_size)
    for which in (a, c):
        out = cozone("verify", which, "-w", kept, status=2)
        assert "holds other bytes" in out and out.endswith(f"{which}: differs\n")
        assert cozone("verify", which, "-w", kept, "--quiet", status=2) == ""
    assert json.loads(cozone("verify", a, "-w", kept, "--json", status=2))["differences"]


# -- zone, sweep, report ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["zone", "sweep"])
def test_parameters_are_checked_before_anything_is_read(tmp_path: Path, command: str) -> None:
    params = tmp_path / "zoning.toml"
    params.write_text("[hot]\nq = 2\nmodus = 1\n", "utf-8")
    message = refused(command, "-w", tmp_path / "none", "-p", params)
    assert (
        message.startswith(f"InvalidDescription: {params}: 2 fault(s)")
        and "hot.q" in message
        and "hot.modus" in message
    )
    assert "no such file" in refused(command, "-w", tmp_path / "none", "-p", tmp_path / "nothing.toml")
    assert "holds no workspace" in refused(command, "-w", tmp_path / "none")


def test_a_rule_file_is_looked_for_beside_the_parameters(published: Path, tmp_path: Path) -> None:
    (tmp_path / "zoning.toml").write_text('[access]\nrules = "规则.toml"\n', "utf-8")
    message = refused("zone", "-w", published, "-p", tmp_path / "zoning.toml")
    assert message.startswith(
        f"InvalidDescription: {tmp_path / '规则.toml'}: the rule file named by access.rules cannot be read"
    )
    (tmp_path / "规则.toml").write_bytes(b"\xff\xfe\x00")
    assert "cannot be read" in refused("zone", "-w", published, "-p", tmp_path / "zoning.toml")


def test_a_broken_rule_file_is_named_before_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / "zoning.toml").write_text('[access]\nrules = "mine.toml"\n', "utf-8")
    (tmp_path / "mine.toml").write_text("as_of = 2024\nruels = []\n", "utf-8")
    message = refused("zone", "-w", tmp_path / "none", "-p", tmp_path / "zoning.toml")
    assert message.startswith(f"InvalidDescription: {tmp_path / 'mine.toml'}: 4 fault(s)")
    assert "ruels: no such key; did you mean rules? There are as_of, sectors, acts, rules" in message


def test_a_misspelt_sector_of_error_sizes_is_refused(published: Path, tmp_path: Path) -> None:
    # It would leave the defaults where the user believes to have changed them.
    params = tmp_path / "zoning.toml"
    params.write_text('[[membership.errors]]\nsector = "pwoer"\nactivity = 0.3\nsource = "survey"\n', "utf-8")
    message = refused("zone", "-w", published, "-p", params)
    assert "the sector(s) pwoer, which run r-" in message and "power" in message


def test_what_stands_in_the_way_of_an_export_is_not_replaced(published: Path, tmp_path: Path) -> None:
    words = ("export", "z-latest", "-w", published)
    (tmp_path / "file").write_text("kept", "utf-8")
    assert "is a file, and csv makes a directory" in refused(*words, "-f", "csv", "-o", tmp_path / "file")
    assert (tmp_path / "file").read_text("utf-8") == "kept"
    # GDAL and QGIS do not open a GeoPackage that is called otherwise.
    assert "name it zoning.gpkg" in refused(*words, "-f", "gpkg", "-o", tmp_path / "zoning")
    os.mkfifo(tmp_path / "pipe")
    one = (*words, "-f", "csv", "--layer", "units", "-o", tmp_path / "pipe")
    for command in (one, ("report", "z-latest", "-w", published, "-o", tmp_path / "pipe")):
        assert "is no plain file" in refused(*command)
    assert (tmp_path / "pipe").is_fifo() and sorted(p.name for p in tmp_path.iterdir()) == ["file", "pipe"]


def test_the_file_of_a_sweep_is_looked_at_before_the_work(tmp_path: Path) -> None:
    # There is no workspace: had it been opened first, that would be the message.
    assert "is a directory" in refused("sweep", "-w", tmp_path / "none", "--csv", tmp_path)


@pytest.mark.parametrize("name", ["", "x" * 201, "latest", "z-latest", "r-0123456789ab"])
def test_a_name_that_cannot_be_kept_is_refused_before_the_work(
    published: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gis.pipeline.zoning_of", lambda *_, **__: pytest.fail("the work was begun"))
    assert refused("zone", "-w", published, "--name", name).startswith("InvalidParameter: ")
    assert len(json.loads(cozone("zonings", "-w", published, "--json"))) == 2


def test_z_latest_without_a_zoning_says_how_to_make_one(tmp_path: Path) -> None:
    Workspace(tmp_path / "ws").close()
    assert refused("show", "z-latest", "-w", tmp_path / "ws").endswith("holds no zoning yet; `cozone zone` makes one")
    assert "`cozone compare` makes one" in refused("show", "c-latest", "-w", tmp_path / "ws")


def test_a_sweep_is_printed_a_row_a_variant(capsys: pytest.CaptureFixture[str]) -> None:
    tables = made_zoning().tables
    print_sweep(tables["sensitivity"], tables["stability"])
    out = capsys.readouterr().out
    assert sum("area 0." in line or "count 0." in line or "mass 0." in line for line in out.splitlines()) == 18
    base = next(line for line in out.splitlines() if "area 0.05 2" in line)
    assert [part.strip() for part in base.split("│")][-3:] == ["1", "base", ""]


def test_report_languages_and_places(published: Path, tmp_path: Path) -> None:
    words = ("report", "初稿", "-w", published)
    assert "language 'fr' is not known; use zh or en" in refused(*words, "--lang", "fr")
    assert "no zoning has the id or name 'nobody'" in refused("report", "nobody", "-w", published)
    assert refused("report", "r-latest", "-w", published).startswith("NotFound: no zoning")
    (tmp_path / "taken").mkdir()
    assert "is a directory, and this makes one file" in refused(*words, "-o", tmp_path / "taken")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_report_is_one_file_that_names_its_zoning(published: Path, tmp_path: Path, language: str) -> None:
    target = tmp_path / "报告.html"
    target.write_text("an older one")
    assert cozone("report", "初稿", "-w", published, "-o", target, "-l", language) == f"{target}\n"
    text = target.read_text("utf-8")
    assert ids(published)[0] in text and "CZ-33000120001" in text and "<html" in text
    assert [p.name for p in tmp_path.iterdir()] == ["报告.html"]


@pytest.mark.parametrize("command", ["zone", "zonings", "comparisons", "sweep", "report"])
def test_a_workspace_that_does_not_exist_is_not_made(tmp_path: Path, command: str) -> None:
    assert "holds no workspace; make one with `cozone grid`" in refused(command, "-w", tmp_path / "none")
    assert not (tmp_path / "none").exists()


# -- the whole way ----------------------------------------------------------------------------------------------------

_QUICK = """\
title_zh = "小样"
pollutants = ["nox", "so2"]
[hot]
q = 0.02
q_low = 0.03
min_pollutants = 1
[membership]
draws = 20
[overlap]
shifts = 19
[evidence]
draws = 999
"""


def write_plants(directory: Path) -> Path:
    """20 × 20 cells with a small source in each, nine large ones in a block, and a giant alone."""
    rows = []
    for row in range(20):
        for col in range(20):
            big = 200.0 if 4 <= row < 7 and 4 <= col < 7 else 5000.0 if (row, col) == (15, 15) else 1.0
            noise = 1 + ((7 * row + 13 * col) % 11) / 100
            rows.append(
                f"P{row}-{col},{110.05 + col / 10:.2f},{31.95 - row / 10:.2f},{big * noise:.4f},{big * noise * 3:.4f}"
            )
    path = write_tiny(directory, rows="\n".join(rows) + "\n")
    grid = 'crs = "EPSG:4490"\ncell = 0.1\nwest = 110.0\nnorth = 32.0\nrows = 20\ncols = 20\n'
    (directory / "grid.toml").write_text(grid, "utf-8")
    (directory / "zoning.toml").write_text(_QUICK, "utf-8")
    return path


@pytest.mark.slow
def test_from_an_inventory_to_a_zoning_and_back(tmp_path: Path) -> None:
    path, kept = write_plants(tmp_path), tmp_path / "ws"
    cozone("grid", path, "-g", tmp_path / "grid.toml", "-w", kept, "--quiet")
    words = ("zone", "-w", kept, "-p", tmp_path / "zoning.toml")
    found = json.loads(cozone(*words, "--name", "小样", "--json"))
    # Both are co-control: the block of nine, and the giant, which is a unit by its share.
    assert [(row["class"], row["units"]) for row in found["classes"]] == [("co_control", 2)]
    assert {u["cells"] for u in found["units_by_rank"]} >= {9}
    giant = max(found["units_by_rank"], key=lambda u: u["co2_t"])
    expected = 5e6 * (1 + ((7 * 15 + 13 * 15) % 11) / 100)
    assert (
        giant["co2_t"] == pytest.approx(expected, rel=1e-9) and giant["cells"] == 1 and giant["tier"] == "isolated_core"
    )
    for row in found["ledger"]:
        parts = row["units_t"] + row["conflicts_t"] + row["remainder_t"] + row["around_t"]
        assert parts == pytest.approx(row["input_t"], rel=1e-9)
    assert any("so2" in note["text_en"].lower() for note in found["notes"])
    assert cozone(*words, "--quiet") == f"{found['id']}\n"
    assert "every table is the same as computed anew" in cozone("verify", "z-latest", "-w", kept)
    assert "units by class" in cozone("show", "小样", "-w", kept)
    swept = json.loads(
        cozone("sweep", "-w", kept, "-p", tmp_path / "zoning.toml", "--csv", tmp_path / "v.csv", "--json")
    )
    assert len(pd.read_csv(tmp_path / "v.csv", encoding="utf-8-sig")) == len(swept["sensitivity"]) > 0
    assert [r["jaccard"] for r in swept["sensitivity"] if r["is_base"] and r["class"] == "co_control"] == [1.0]
    assert "year 1999" in refused(*words, "--year", 1999)
