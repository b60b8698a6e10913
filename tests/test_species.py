"""Species and sectors: every name finds its own, every crosswalk lands on a sector, near names are offered."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import UnknownName, UnknownSector, UnknownSpecies
from gis.species import CROSSWALKS, REQUIRED, SECTORS, SPECIES, Sector, Species, find_sector, find_species

NAMES = [(name, s.code) for s in SPECIES.values() for name in (s.code, s.name, s.name_zh, *s.aliases)]
ENTRIES = [(table, name, sector) for table, names in CROSSWALKS.items() for name, sector in names.items()]


@pytest.mark.parametrize(("name", "code"), NAMES)
def test_every_name_finds_its_species(name: str, code: str) -> None:
    for spelling in (name, name.lower(), name.upper(), f" {name} ", name.replace(" ", "_")):
        assert find_species(spelling).code == code


def test_the_species_of_the_tool_are_known() -> None:
    assert set(REQUIRED) <= set(SPECIES)
    assert {"so2", "nh3", "co", "ch4", "n2o", "bc", "pm10"} <= set(SPECIES)
    assert SPECIES["nox"].basis == "as NO2" and SPECIES["nox"].molar_mass_g == pytest.approx(46.0055, abs=1e-3)
    assert SPECIES["vocs"].molar_mass_g is None  # a lump of many


def test_a_declared_species_goes_first() -> None:
    oc = Species("oc", "OC", "有机碳", "as C", 12.011)
    assert find_species("有机碳", [oc]) is oc
    own = Species("pm25", "PM2.5", "细颗粒物", "filterable", None)
    assert find_species("PM2.5", [own]).basis == "filterable"


@pytest.mark.parametrize(("name", "near"), [("NO2x", "NOx"), ("pm2,5", "PM2.5"), ("nmvocss", "VOCs"), ("CO22", "CO2")])
def test_near_species_are_offered(name: str, near: str) -> None:
    with pytest.raises(UnknownSpecies, match=rf"near it: .*{near}.*Declare"):
        find_species(name)


@pytest.mark.parametrize("name", ["", "  ", "量子"])
def test_what_is_like_nothing_gets_the_whole_list(name: str) -> None:
    with pytest.raises(UnknownSpecies, match=r"CO2, NOx, PM2\.5, VOCs, SO2"):
        find_species(name)


@pytest.mark.parametrize(("table", "name", "sector"), ENTRIES)
def test_every_crosswalk_lands_on_a_sector(table: str, name: str, sector: str) -> None:
    assert sector in SECTORS
    assert find_sector(name, crosswalk=table).code == sector
    assert find_sector(f" {name.lower()} ", crosswalk=table).code == sector


@given(st.sampled_from(ENTRIES), st.sampled_from(sorted(SECTORS)))
@settings(deadline=None, max_examples=60)
def test_the_files_own_mapping_goes_before_a_crosswalk(entry: tuple[str, str, str], code: str) -> None:
    table, name, _ = entry
    assert find_sector(name, crosswalk=table, mapping={name: code}).code == code


@pytest.mark.parametrize("sector", SECTORS.values())
def test_sectors_go_by_code_and_both_names(sector: Sector) -> None:
    for name in (sector.code, sector.name, sector.name_zh, sector.name.upper(), sector.code.replace("_", "-")):
        assert find_sector(name) is sector
        assert find_sector(name, crosswalk="edgar") is sector


def test_ipcc_codes_are_those_of_2006() -> None:
    # 4A is landfill in 2006; in 1996 it was enteric fermentation, which is 3A1 now.
    assert find_sector("4A", crosswalk="edgar").code == find_sector("4.A", crosswalk="edgar").code == "waste"
    assert find_sector("3A1", crosswalk="edgar").code == "agriculture"


@pytest.mark.parametrize("name", ["TNR_Aviation_LTO", "1A3a", "TNR_Other", "1A3c"])
def test_aviation_and_railways_have_no_sector_and_are_not_guessed(name: str) -> None:
    with pytest.raises(UnknownSector, match=r"edgar crosswalk.*Map it in the part's `sectors`"):
        find_sector(name, crosswalk="edgar")
    aviation = Sector("aviation", "Aviation", "航空")
    assert find_sector(name, crosswalk="edgar", mapping={name: "aviation"}, declared=[aviation]) is aviation


@pytest.mark.parametrize(
    ("name", "table", "near"),
    [("POWER PLANT", None, "power"), ("Petro-chem", None, "petrochemical"), ("IPCC_1A1a", "edgar", "1A1A"), ("钢鉄", None, "钢铁")]
)  # fmt: skip
def test_near_sectors_are_offered(name: str, table: str | None, near: str) -> None:
    with pytest.raises(UnknownSector, match=f"near it: .*{near}"):
        find_sector(name, crosswalk=table)


def test_a_crosswalk_that_does_not_exist() -> None:
    with pytest.raises(UnknownName, match="'snap' is not known; use one of meic, edgar, gnfr, reas"):
        find_sector("1", crosswalk="snap")


def test_a_mapping_to_nowhere() -> None:
    with pytest.raises(UnknownSector, match="'elsewhere' is not known"):
        find_sector("x", mapping={"x": "elsewhere"})


def test_meic_has_five_sectors() -> None:
    assert len(CROSSWALKS["meic"]) == len(set(CROSSWALKS["meic"].values())) == 5
