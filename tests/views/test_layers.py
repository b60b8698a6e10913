import json

import pytest

from gis.errors import InvalidParameter, NotFound
from gis.views.layers import Kind, find_layer, raster_layers, read_parameters
from gis.views.pictures import canonical
from tests.service.published import SPECIES, YEARS


def ids(result, run=None):
    return [layer.id for layer in raster_layers(result, run)]


def test_a_run_shows_every_species_and_the_sectors_it_emits_in(run):
    found = ids(run)
    assert len(found) == len(set(found))
    assert set(found) == {
        "class", *(f"{kind}-{s}" for kind in ("density", "rank", "hot", "change") for s in SPECIES),
        *(f"density-{s}-{sector}" for s in SPECIES for sector in ("power", "steel", "road", "residential")),
    }  # fmt: skip


def test_a_zoning_shows_itself_and_its_run_at_its_year(run, zoning):
    own = ["zoned", "tier", "membership", *(f"membership-{s}" for s in SPECIES)]
    assert ids(zoning) == own
    assert ids(zoning, run) == [*own, *ids(run)]
    assert find_layer(zoning, run, "density-co2").parameter("year").default == str(zoning.year)


def test_a_zonings_parameters_are_where_its_sliders_stand(worlds, world_zonings):
    by_area, by_mass = (find_layer(z, worlds.run("latest"), "class") for z in world_zonings)
    assert [p.default for p in by_area.parameters] == ["2020", "0.1", "area", "1", "1"]
    assert [p.default for p in by_mass.parameters] == ["2020", "0.7", "mass", "2", "1"]
    assert by_area.parameter("min_pollutants").choices == ("1", "2")


def test_a_comparison_shows_changes_and_one_year_none(comparison, world):
    assert ids(comparison) == ["changes"]
    assert not [i for i in ids(world) if i.startswith("change")]


def test_layers_are_told_in_both_languages_and_json(run, zoning, comparison):
    for layer in (*raster_layers(zoning, run), *raster_layers(comparison, None)):
        told = json.loads(json.dumps(layer.json(), allow_nan=False))
        assert told["title_zh"] and told["title_en"] and told["styles"] and len(told["styles"]) >= 2
        for parameter in told["parameters"]:
            schema = parameter["schema"]
            assert schema["default"] in schema.get("enum", [schema["default"]])
            assert parameter["title_zh"] and parameter["title_en"]


def test_a_strange_layer_is_not_found_and_near_ones_are_offered(run, zoning):
    with pytest.raises(NotFound, match="near it: density-co2"):
        find_layer(run, run, "densty-co2")
    with pytest.raises(NotFound):
        find_layer(run, run, "zoned")
    with pytest.raises(NotFound) as caught:
        find_layer(run, run, "x" * 10_000)
    assert len(str(caught.value)) < 2_000


def test_spellings_of_the_same_have_one_name(run):
    one = canonical(run, run, "class", {"share": "0.03"})
    assert one == canonical(run, run, "class", {"share": "0.030", "year": "2022", "mode": "area"}, "classes")
    assert one == canonical(run, run, "class", {"share": ".03", "year": "2022.0"}, "default") == (
        run.id, "class", "classes", "year=2022", "share=0.03", "mode=area", "min_pollutants=2", "min_cells=1",
    )  # fmt: skip
    assert one == canonical(run, run, "class", {"share": "0.03", "min_cells": "1.0"})
    others = [{"year": "2020"}, {"min_pollutants": "1"}, {"min_cells": "2"}, {"min_cells": "10000"}]
    others = [{"share": "0.031"}, *({"share": "0.03"} | other for other in others)]
    assert len({one, *(canonical(run, run, "class", o) for o in others)}) == 6


SHARES = [
    "nan", "inf", "-0.03", "1e-2", "0.03 ", " 0.03", "٠.٠٣", "0,03", "0.6", "0", "0.00001", "", "0.123456789", "1" * 400, "0x1",
    "1_0", "0.03\x00",
]  # fmt: skip


@pytest.mark.parametrize("share", SHARES)
def test_strange_shares_are_refused_with_what_is_allowed(run, share):
    with pytest.raises(InvalidParameter, match=r"a number from 0\.0001 to 0\.5 is expected") as caught:
        canonical(run, run, "class", {"share": share})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("size", ["0", "-1", "10001", "2.5", "1e2", "", "two", "٢", "0x2", "9" * 400])
def test_strange_sizes_are_refused_with_what_is_allowed(run, size):
    with pytest.raises(InvalidParameter, match=r"a whole number from 1 to 10,000 is expected"):
        canonical(run, run, "class", {"min_cells": size})
    schema = find_layer(run, run, "class").parameter("min_cells").schema()
    assert schema == {"type": "integer", "default": 1, "minimum": 1, "maximum": 10_000}


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": "2021"}, {"year": "2020.5"}, {"year": "20200000000"}, {"mode": "Area"}, {"mode": "mean"}, {"min_pollutants": "3"},
        {"min_pollutants": "0"}, {"url": "file:///etc/passwd"}, {"sql": "1"}, {"YEAR": "2020"},
    ],
)  # fmt: skip
def test_what_is_no_parameter_or_no_choice_is_refused(run, wrong):
    with pytest.raises(InvalidParameter, match=r"one of|it has year, share, mode, min_pollutants, min_cells"):
        canonical(run, run, "class", wrong)


def test_a_change_needs_two_years(run):
    layer = find_layer(run, run, "change-co2")
    assert layer.kind is Kind.CHANGE
    assert read_parameters(layer, {}) == {"from": YEARS[0], "to": YEARS[1]}
    assert read_parameters(layer, {"from": "2022", "to": "2020"}) == {"from": 2022, "to": 2020}
    with pytest.raises(InvalidParameter, match="two different years"):
        read_parameters(layer, {"from": "2022"})


def test_a_style_of_another_kind_is_refused(run):
    layer = find_layer(run, run, "density-co2")
    assert layer.style(None) == layer.style("") == layer.style("default") == "viridis"
    with pytest.raises(InvalidParameter, match="it has viridis, magma, cividis"):
        layer.style("classes")
