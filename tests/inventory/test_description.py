"""The description file: every key is read, every contradiction is named, and all faults at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidDescription
from gis.inventory.description import Description, Kind, OffGrid, Part, Region, Select, Surrogate, read_description

HEAD = 'name = "t"\nyears = [2023]\n'
PART = '[[parts]]\nname = "p"\nkind = "point"\nfile = "p.csv"\ncrs = "EPSG:4490"\nsector = "power"\nyear = 2023\n'
AMOUNTS = 'amounts = [{ column = "CO2 (t/yr)", species = "CO2" }]\n'
PLACE = '[parts.columns]\nx = "x"\ny = "y"\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "i.toml"
    path.write_text(text, "utf-8")
    return path


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(InvalidDescription) as caught:
        read_description(written(tmp_path, text))
    assert str(tmp_path / "i.toml") in str(caught.value)
    return str(caught.value)


def part(**keys: Any) -> dict[str, Any]:
    base: dict[str, Any] = {"name": "p", "kind": "point", "file": "p.csv"}
    if keys.get("kind") != "gridded":
        base["amounts"] = [{"column": "c", "species": "CO2", "unit": "t"}]
    return {**base, **keys}


def whole(*parts: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"name": "t", "years": [2023], "parts": list(parts) or [part()], **keys}


def test_a_small_file_and_its_defaults(tmp_path: Path) -> None:
    found = read_description(written(tmp_path, HEAD + PART + AMOUNTS + PLACE))
    assert found.species_used == ["CO2", "NOx", "PM2.5", "VOCs"]
    (one,) = found.parts
    assert (one.kind, one.off_grid, one.duplicates, one.fallback) == (Kind.POINT, OffGrid.KEEP, "refuse", "uniform")
    assert (one.header_row, one.use, one.totals) == (1, "emissions", [])


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "i.toml"
    path.write_text(HEAD + PART + AMOUNTS + PLACE, "utf-8-sig")
    assert read_description(path).name == "t"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name = ", "not valid TOML"),
        ("", "name: Field required"),
        (HEAD + PART + AMOUNTS + PLACE + 'colour = "red"\n', "parts.0.columns.colour: Extra inputs"),
        (
            HEAD + PART + 'amounts = [{ column = "c", species = "CO2", unit = "stone" }]\n' + PLACE,
            "unit 'stone' is not known",
        ),
        (HEAD.replace("[2023]", "[]") + PART + AMOUNTS + PLACE, "years"),
        (HEAD + PART.replace("point", "dot") + AMOUNTS, "parts.0.kind"),
        (
            HEAD + PART.replace('sector = "power"\n', "") + AMOUNTS + PLACE,
            "sector of the amounts under 'CO2 (t/yr)' missing",
        ),
        (HEAD + PART.replace("year = 2023\n", "") + AMOUNTS + PLACE, "year of the amounts"),
        (HEAD + PART + AMOUNTS.replace(" (t/yr)", "") + PLACE, "unit of the amounts under 'CO2' missing"),
        (
            HEAD + PART.replace('crs = "EPSG:4490"\n', "") + AMOUNTS + PLACE,
            "crs (or datum) of columns.x and columns.y is missing",
        ),
        (HEAD + PART + AMOUNTS, "where are the sources?"),
    ],
)
def test_faults_name_their_key(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text)


def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, 'years = ["x"]\nspecies_used = []\n' + PART.replace("point", "dot") + AMOUNTS)
    assert "4 fault(s)" in message
    for key in ("name", "years.0", "species_used", "parts.0.kind"):
        assert f"\n  {key}: " in message


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidDescription, match="no such file"):
        read_description(tmp_path / "none.toml")
    with pytest.raises(InvalidDescription, match="cannot be read"):
        read_description(tmp_path)
    (tmp_path / "gbk.toml").write_bytes('name = "清单"'.encode("gbk"))
    with pytest.raises(InvalidDescription, match="cannot be read as UTF-8"):
        read_description(tmp_path / "gbk.toml")


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"crosswalk": "snap"}, "crosswalk 'snap' is not one of meic, edgar, gnfr, reas"),
        ({"kind": "gridded", "amounts": [{"column": "c", "species": "CO2"}]}, "a gridded part has no amounts"),
        ({"kind": "gridded", "file": []}, "a gridded part needs file or fields"),
        ({"file": []}, "file is missing"),
        ({"amounts": []}, "one of the two"),
        ({"long": {"value": "v", "species": "s"}}, "one of the two"),
        ({"fields": [{"file": "x.nc"}]}, "fields belong to gridded parts"),
        ({"surrogate": "uniform"}, "belong to area parts"),
        ({"subtract": ["q"]}, "belong to area parts"),
        ({"datum": "GCJ-02", "crs": "EPSG:4490"}, "give crs or datum, not both"),
        ({"columns": {"x": "x"}}, "go together"),
        ({"densify_m": 0}, "greater than 0"),
        ({"header_row": 0}, "greater than or equal to 1"),
        ({"datum": "WGS-84"}, "GCJ-02"),
        (
            {"amounts": [], "long": {"value": "v", "species": "s", "unit": "t", "unit_column": "u"}},
            "unit or unit_column, not both",
        ),
        ({"name": ""}, "at least 1 character"),
    ],
)
def test_parts_that_contradict_themselves(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says.replace("(", r"\(").replace("[", r"\[")):
        Part.model_validate(part(**keys))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (whole(part(), part()), "part 'p' is named twice"),
        (whole(part(kind="area", surrogate=["people"])), "surrogate 'people' is not under"),
        (whole(part(kind="area", surrogates={"road": ["people"]})), "surrogate 'people' is not under"),
        (whole(part(kind="area", subtract=["q"])), "no part is named 'q'"),
        (whole(part(replaces=[{"parts": ["q"]}])), "no part is named 'q'"),
        (whole(part(kind="area", subtract=["p"])), "cannot subtract or replace itself"),
        (whole(surrogates=[{"name": "s", "kind": "sources", "part": "q"}]), "surrogate 's': no part is named 'q'"),
        (whole(surrogates=[{"name": "s", "kind": "raster", "file": "a"}] * 2), "surrogate 's' is named twice"),
        (whole(bounds=[1, 2, 3]), "bounds"),
        (whole(species=[{"code": "OC", "name": "OC"}]), "pattern"),
    ],
)
def test_descriptions_that_refer_to_nothing(table: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Description.model_validate(table)


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"name": "uniform", "kind": "raster", "file": "a.tif"}, "always there"),
        ({"name": "s", "kind": "sources"}, "names their part"),
        ({"name": "s", "kind": "raster"}, "of kind raster names its file"),
        ({"name": "s", "kind": "polygons", "file": "a.shp"}, "names the attribute"),
        ({"name": "s", "kind": "smoke", "file": "a.txt"}, "names its `code`"),
        ({"name": "s", "kind": "magic", "file": "a.txt"}, "raster"),
    ],
)
def test_surrogates_that_are_not_whole(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Surrogate.model_validate(keys)


def test_only_a_buffer_needs_no_file() -> None:
    assert Region.model_validate({"role": "buffer", "buffer_m": 1000}).file is None
    for keys in ({"role": "buffer"}, {"role": "county", "buffer_m": 1000}, {"role": "park"}):
        with pytest.raises(ValueError, match="file is missing"):
            Region.model_validate(keys)


def test_a_condition_says_something() -> None:
    with pytest.raises(ValueError, match="give values, not_values, min or max"):
        Select.model_validate({"column": "c", "missing": True})


@given(
    st.lists(st.sampled_from(["a", "b", "uniform"]), max_size=4),
    st.lists(st.sampled_from(["c", "uniform"]), max_size=3),
)
@settings(deadline=None, max_examples=60)
def test_a_chain_is_the_sectors_own_or_the_parts_without_its_end(general: list[str], own: list[str]) -> None:
    one = Part.model_validate(part(kind="area", surrogate=general, surrogates={"road": own}))
    assert one.chain("road") == tuple(n for n in own if n != "uniform")
    assert one.chain("steel") == tuple(n for n in general if n != "uniform")


def test_one_name_is_a_chain_of_one() -> None:
    assert Part.model_validate(part(kind="area", surrogate="people")).chain("road") == ("people",)


def test_a_description_is_frozen() -> None:
    found = Description.model_validate(whole())
    with pytest.raises(ValueError, match="frozen"):
        found.name = "other"  # type: ignore[misc]
