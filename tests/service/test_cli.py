"""Every command on an inventory whose numbers are known: output, JSON, exit status, and errors in one message."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import rasterio
from typer.testing import CliRunner

from gis.workspace.export import Format
from service.cli import app
from tests.service.inventories import write_tiny

RUNNER = CliRunner()


def cozone(*words: object, status: int = 0, **environment: str) -> str:
    done = RUNNER.invoke(app, [str(w) for w in words], env=environment)
    assert done.exit_code == status, f"{done.output}\n{done.exception!r}"
    assert "Traceback" not in done.output
    return done.stdout


def refused(*words: object) -> str:
    """The one message an error of cozone ends in, on standard error, with nothing on standard output."""
    done = RUNNER.invoke(app, [str(w) for w in words])
    assert done.exit_code == 1, done.output
    assert done.stdout == ""
    # Progress lines end in an ellipsis; the message is what follows them.
    return "\n".join(line for line in done.stderr.splitlines() if not line.endswith(" …"))


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the tiny inventory and a workspace that holds its run."""
    here = tmp_path_factory.mktemp("published")
    path = write_tiny(here)
    cozone("grid", path, "--grid", here / "grid.toml", "-w", here / "ws", "--label", "第一次", "--quiet")
    return here


# -- grid and show ----------------------------------------------------------------------------------------------------


def test_grid_quiet_prints_the_id_alone(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    out = cozone("grid", path, "-g", tmp_path / "grid.toml", "-w", tmp_path / "ws", "--quiet")
    assert out.startswith("r-") and len(out.strip()) == 14
    # The same inputs give the same run.
    assert cozone("grid", path, "-g", tmp_path / "grid.toml", "-w", tmp_path / "ws", "--quiet") == out
    assert len(json.loads(cozone("runs", "-w", tmp_path / "ws", "--json"))) == 1


def test_quiet_and_json_tell_no_progress(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    for word in ("--quiet", "--json"):
        done = RUNNER.invoke(app, ["check", str(path), word])
        assert (done.exit_code, done.stderr) == (0, "")
    assert "reading plants …" in RUNNER.invoke(app, ["check", str(path)]).stderr


def test_grid_json_has_the_numbers(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    found = json.loads(
        cozone("grid", path, "-g", tmp_path / "grid.toml", "-w", tmp_path / "ws", "--json", "--name", "一")
    )
    assert (found["name"], found["years"], found["species"]) == ("一", [2023], ["co2", "nox"])
    totals = {row["species"]: row for row in found["totals"]}
    assert (totals["co2"]["input_t"], totals["co2"]["allocated_t"], totals["co2"]["outside_t"]) == (14e3, 10e3, 4e3)
    assert (totals["nox"]["input_t"], totals["nox"]["allocated_t"], totals["nox"]["outside_t"]) == (250, 200, 50)
    assert {row["part"] for row in found["ledger"]} == {"plants"}
    assert found["unread"] == []


def test_grid_prints_totals_and_the_ledger(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    out = cozone("grid", path, "-g", tmp_path / "grid.toml", "-w", tmp_path / "ws")
    assert "14,000.000" in out and "10,000.000" in out and "the ledger closes within 1e-12" in out


def test_strict_stops_and_lenient_keeps_the_refused_rows(tmp_path: Path) -> None:
    path = write_tiny(tmp_path, rows="A,110.5,31.5,10,200\nB,110.6,31.6,-4,50\n")
    words = ("grid", path, "-g", tmp_path / "grid.toml", "-w", tmp_path / "ws")
    message = refused(*words)
    assert message.startswith("RefusedInput: ") and "[negative-amount]" in message
    out = cozone(*words, "--lenient")
    kept = next(line for line in out.splitlines() if line.startswith("refused rows: ")).removeprefix("refused rows: ")
    table = pd.read_csv(kept, encoding="utf-8-sig", dtype=str)
    assert table[["id", "row", "CO2 (kt/yr)"]].to_numpy().tolist() == [["B", "3", "-4"]]
    assert "not used (refused): plants, nox 50.000 t/yr" in out


def test_chinese_paths_and_names(tmp_path: Path) -> None:
    here = tmp_path / "排放 清单"
    path = write_tiny(here, csv="电厂.csv", name="清单.toml")
    found = json.loads(
        cozone(
            "grid",
            path,
            "-g",
            here / "grid.toml",
            "-w",
            here / "工作区",
            "--name",
            "两电厂[1]",
            "--label",
            "初稿",
            "--json",
        )
    )
    assert found["name"] == "两电厂[1]"
    out = cozone("show", "两电厂[1]", "-w", here / "工作区", "--map", here / "图.png")
    assert "两电厂[1]" in out
    assert (here / "图.png").read_bytes().startswith(b"\x89PNG")


def test_show_is_the_same_as_what_grid_said(published: Path) -> None:
    by_name = json.loads(cozone("show", "tiny", "-w", published / "ws", "--json"))
    latest = json.loads(cozone("show", "-w", published / "ws", "--json"))
    assert by_name == latest == json.loads(cozone("show", by_name["id"], "-w", published / "ws", "--json"))
    assert by_name["label"] == "第一次"
    assert sum(row["input_t"] for row in by_name["ledger"] if row["species"] == "co2") == 14e3


def test_the_map_takes_a_species_by_any_name(published: Path, tmp_path: Path) -> None:
    for name in ("nox", "NOx", "氮氧化物"):
        cozone("show", "-w", published / "ws", "--map", tmp_path / f"{name}.png", "--species", name, "--year", 2023)
    assert (tmp_path / "nox.png").read_bytes() == (tmp_path / "氮氧化物.png").read_bytes()
    assert "year 1999" in refused("show", "-w", published / "ws", "--map", tmp_path / "x.png", "--year", 1999)
    assert "species 'pm25'" in refused(
        "show", "-w", published / "ws", "--map", tmp_path / "x.png", "--species", "PM2.5"
    )


def test_runs(published: Path) -> None:
    (run,) = json.loads(cozone("runs", "-w", published / "ws", "--json"))
    assert (run["name"], run["label"]) == ("tiny", "第一次")
    assert cozone("runs", "-w", published / "ws").startswith(run["id"])


def test_the_workspace_may_come_from_the_environment(published: Path) -> None:
    assert cozone("runs", COZONE_WORKSPACE=str(published / "ws")).startswith("r-")


# -- check and init ---------------------------------------------------------------------------------------------------


def test_check_of_a_clean_inventory(tmp_path: Path) -> None:
    path = write_tiny(tmp_path)
    assert "0 error(s), 0 warning(s)" in cozone("check", path)
    found = json.loads(cozone("check", path, "--json", "--csv", tmp_path / "f.csv"))
    assert found == {"counts": {"error": 0, "warning": 0, "note": 0}, "findings": []}
    assert list(pd.read_csv(tmp_path / "f.csv"))[:5] == ["severity", "rule", "part", "file", "row"]


def test_check_with_errors_ends_with_status_2(tmp_path: Path) -> None:
    path = write_tiny(tmp_path, rows="A,0,0,10,200\nB,110.6,31.6,zehn,50\nC,110.7,31.6,-1,5\nD,110.8,31.6,1,5\n")
    out = cozone("check", path, status=2)
    assert "3 error(s)" in out and out.count("error: plants.csv, row ") == 3
    assert "… and 2 more" in cozone("check", path, "--limit", 1, status=2)
    assert cozone("check", path, "--quiet", status=2) == ""
    found = json.loads(cozone("check", path, "--json", "--csv", tmp_path / "f.csv", status=2))
    assert found["counts"]["error"] == 3
    rows = {f["rule"]: f for f in found["findings"]}
    assert (rows["null-island"]["row"], rows["unparsable-number"]["row"], rows["negative-amount"]["row"]) == (2, 3, 4)
    assert rows["null-island"]["co2_t"] == 10e3
    assert pd.read_csv(tmp_path / "f.csv", dtype=str)["row"].tolist() == [str(f["row"]) for f in found["findings"]]


def test_init_drafts_what_check_then_asks_about(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    text = cozone("init", tmp_path / "plants.csv", "--name", "草稿")
    assert 'name = "草稿"' in text and "# ?" in text
    out = tmp_path / "draft.toml"
    assert cozone("init", tmp_path / "plants.csv", "-o", out) == ""
    assert out.read_text("utf-8").startswith("# Drafted by")
    assert "exists; choose another name" in refused("init", tmp_path / "plants.csv", "-o", out)
    message = refused("check", out)
    assert message.startswith("InvalidDescription: ") and "years" in message


# -- export, verify, prune ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [f for f in Format if f is not Format.SMOKE])
def test_export_of_every_format(published: Path, tmp_path: Path, form: Format) -> None:
    target = tmp_path / f"出.{form}"
    out = cozone("export", "tiny", "-w", published / "ws", "-f", form, "-o", target)
    written = [Path(line) for line in out.splitlines()]
    assert written and all(p.stat().st_size > 0 for p in written)
    assert cozone("export", "tiny", "-w", published / "ws", "-f", form, "-o", target, "--quiet") == ""


def test_export_chooses_years_species_and_sectors(published: Path, tmp_path: Path) -> None:
    words = ("export", "latest", "-w", published / "ws", "-f", "csv", "-o", tmp_path / "c.csv")
    cozone(*words, "--species", "NOx", "--year", 2023, "--by-sector")
    table = pd.read_csv(tmp_path / "c.csv")
    assert table["nox_t"].tolist() == table["nox_power_t"].tolist() == [200.0]
    assert not [c for c in table if c.startswith("co2")]
    assert "year 1999 cannot be exported; there is 2023" in refused(*words, "--year", 1999)
    assert "species pm25 cannot be exported" in refused(*words, "--species", "PM2.5")
    assert "species 'XX' is not known" in refused(*words, "--species", "XX")


def test_exported_layers_hold_the_mass(published: Path, tmp_path: Path) -> None:
    out = cozone("export", "tiny", "-w", published / "ws", "-o", tmp_path / "cogs")
    found = {}
    for line in out.splitlines():
        with rasterio.open(line) as raster:
            found[Path(line).stem.split("_", 1)[1]] = raster.read(1).tolist()
    assert found == {"2023_co2_power": [[10e3, 0.0], [0.0, 0.0]], "2023_nox_power": [[200.0, 0.0], [0.0, 0.0]]}


def test_export_to_where_something_stands(published: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.gpkg").mkdir()
    words = ("export", "tiny", "-w", published / "ws")
    assert "taken.gpkg is a directory" in refused(*words, "-f", "gpkg", "-o", tmp_path / "taken.gpkg")
    (tmp_path / "file").touch()
    assert "cannot be written" in refused(*words, "-f", "cog", "-o", tmp_path / "file")
    assert "cannot be written" in refused(*words, "-f", "csv", "-o", tmp_path / "file" / "c.csv")
    cozone(*words, "-f", "csv", "-o", tmp_path / "file")
    assert (tmp_path / "file").stat().st_size > 0


def test_verify_and_prune(published: Path, tmp_path: Path) -> None:
    kept = tmp_path / "ws"
    shutil.copytree(published / "ws", kept)
    assert "the same as computed anew" in cozone("verify", "-w", kept)
    found = json.loads(cozone("verify", "latest", "-w", kept, "--json"))
    assert found["differences"] == [] and found["layers"] == 4
    assert json.loads(cozone("prune", "-w", kept, "--json")) == {"objects": 0, "unfinished": 0, "bytes": 0}
    assert cozone("prune", "-w", kept).startswith("removed 0 object(s)")
    victim = max((p for p in (kept / "objects").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    victim.chmod(0o644)
    victim.write_bytes(b"\0" * victim.stat().st_size)
    assert "differs" in cozone("verify", "-w", kept, status=2)
    assert json.loads(cozone("verify", "-w", kept, "--json", status=2))["differences"]
    assert cozone("verify", "-w", kept, "--quiet", status=2) == ""


def test_grids() -> None:
    rows: list[dict[str, Any]] = json.loads(cozone("grids", "--json"))
    assert {"china-1km", "china-10km", "edgar-0.1deg", "meic-0.25deg", "global-0.1deg"} <= {r["name"] for r in rows}
    assert all(row["name"] in cozone("grids") for row in rows)


# -- errors -------------------------------------------------------------------------------------------------------------


def test_an_unknown_grid_name_lists_near_ones(tmp_path: Path) -> None:
    message = refused("grid", write_tiny(tmp_path), "-g", "china-2km", "-w", tmp_path / "ws")
    assert message.startswith("NotFound: no grid is named 'china-2km'; did you mean china-1km")
    assert "no such grid file" in refused(
        "grid", write_tiny(tmp_path), "-g", tmp_path / "no.toml", "-w", tmp_path / "ws"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("crs = 3", "missing"),
        ('crs = "EPSG:4490"\ncell = "one"\nwest = 1\nnorth = 2\nrows = 3\ncols = 4', "numbers"),
        ('crs = "EPSG:4490"\ncell = 1\nbounds = 5', "numbers"),
        ('crs = "EPSG:4490"\ncell = 1\nbounds = [1, 2, 3]', "four finite numbers"),
        ('crs = "EPSG:4490"\ncell = -1\nbounds = [1, 2, 3, 4]', "positive"),
        ('crs = "EPSG:4490"\ncell = 1\nwest = 1\nnorth = 2\nrows = "x"\ncols = 4', "numbers"),
        ('crs = "nowhere"\ncell = 1\nbounds = [1, 2, 3, 4]', "pyproj"),
        ("crs = ", "not a readable grid file"),
    ],
)
def test_grid_files_that_are_none(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "g.toml").write_text(text, "utf-8")
    assert says in refused("grid", write_tiny(tmp_path), "-g", tmp_path / "g.toml", "-w", tmp_path / "ws")


def test_a_directory_in_place_of_a_file(published: Path, tmp_path: Path) -> None:
    path = write_tiny(tmp_path / "a")
    here = tmp_path / "directory.toml"
    here.mkdir()
    assert "cannot be read" in refused("check", here)
    assert "not a readable grid file" in refused("grid", path, "-g", here, "-w", tmp_path / "ws")
    assert "cannot be written" in refused("check", path, "--csv", here)
    assert "cannot be written" in refused("show", "-w", published / "ws", "--map", here)
    assert "cannot be written" in refused("init", tmp_path / "a" / "plants.csv", "-o", tmp_path / "nowhere" / "x.toml")
    (tmp_path / "a" / "plants.csv").unlink()
    (tmp_path / "a" / "plants.csv").mkdir()
    assert "plants.csv" in refused("check", path)
    (tmp_path / "taken").touch()
    assert "taken" in refused("grid", write_tiny(tmp_path / "b"), "-g", "china-10km", "-w", tmp_path / "taken")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    assert "no such file" in refused("check", tmp_path / "none.toml")
    assert "none.csv" in refused("init", tmp_path / "none.csv")
    path = write_tiny(tmp_path)
    (tmp_path / "plants.csv").unlink()
    assert "plants.csv" in refused("check", path)


@pytest.mark.parametrize("command", ["runs", "show", "verify", "prune"])
def test_a_workspace_that_does_not_exist_is_not_made(tmp_path: Path, command: str) -> None:
    assert "holds no workspace; make one with `cozone grid`" in refused(command, "-w", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_unknown_runs_and_formats(published: Path, tmp_path: Path) -> None:
    for words in (("show", "nobody"), ("verify", "r-000000000000"), ("export", "nobody", "-o", tmp_path / "x")):
        assert "no run has the id or name" in refused(*words, "-w", published / "ws")
    message = refused("export", "tiny", "-f", "shapefile", "-o", tmp_path / "x", "-w", published / "ws")
    assert (
        message
        == "InvalidParameter: format 'shapefile' is not known; use one of cog, geoparquet, gpkg, flatgeobuf, netcdf, csv, smoke"
    )
    assert "needs regions" in refused("export", "tiny", "-f", "smoke", "-o", tmp_path / "x", "-w", published / "ws")


def test_an_error_as_json(tmp_path: Path) -> None:
    found = json.loads(cozone("check", tmp_path / "none.toml", "--json", status=1))
    assert found["error"] == "InvalidDescription" and "no such file" in found["message"]


def test_wrong_words_are_the_shells_status_2() -> None:
    for words in (
        ("chek",),
        ("grid",),
        ("check", "x.toml", "--limit", "-1"),
        ("export", "latest", "--year", "abc", "-o", "x"),
    ):
        assert RUNNER.invoke(app, [*words]).exit_code == 2
