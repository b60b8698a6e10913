"""The access list: what the rule file says is what a unit gets, and what it may never say."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from gis.errors import InvalidDescription, InvalidParameter
from gis.species import SECTORS
from gis.zoning.access import access_list
from gis.zoning.model import TABLES, Zoning
from gis.zoning.rules import PARTS, Nature, Rules, names_industry, parse_rules, read_rules
from tests.zoning.made import made_zoning

CO, CO_EAST, POLLUTION, CARBON, WATCH = (
    "CZ-33000120001", "CZ-33000220001", "CZ-33000120002", "CZ-33000230002", "CZ-33000230003",
)  # fmt: skip
HEAD = 'as_of = "2024-12-31"\n[acts]\nlaw = { zh = "《法》(2020年)", en = "Law (2020)" }\n'


@pytest.fixture(scope="module")
def zoning() -> Zoning:
    return made_zoning()


def listed(zoning: Zoning, rules: Rules | str, **replaced: pd.DataFrame) -> pd.DataFrame:
    chosen = rules if isinstance(rules, Rules) else parse_rules(HEAD + rules, "test")
    tables = {
        "units": zoning.units,
        "sectors": zoning.tables["sectors"],
        "contributors": zoning.tables["contributors"],
    } | replaced
    return access_list(tables["units"], tables["sectors"], tables["contributors"], chosen, species=zoning.species)


def rule(when: str = "", *, nature: str = "control", part: str = "emission", more: str = "", name: str = "r") -> str:
    return (
        f'[[rules]]\nid = "{name}"\npart = "{part}"\nnature = "{nature}"\n{more}\nwhen = {{ {when} }}\n'
        'advice_zh = "建议"\nadvice_en = "Advice"\nlegal_basis = ["law"]\n'
    )


def who(table: pd.DataFrame, name: str = "r") -> set[str]:
    return set(table.loc[table["rule"] == name, "unit"])


# -- conditions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "more", "expected"),
    [
        ("", "", {CO, CO_EAST, POLLUTION, CARBON, WATCH}),
        ('class = ["co_control", "watch"]', "", {CO, CO_EAST, WATCH}),
        ('fit = ["park"]', "", {WATCH}),
        ('tier = ["isolated_core"]', "", {CARBON}),
        ('robustness = ["core"]', "", {CO, CO_EAST, CARBON}),
        ("proxy_led = true", "", {POLLUTION}),
        ("proxy_led = false", "", {CO, CO_EAST, CARBON, WATCH}),
        ("supply_security = true", "", {CARBON}),
        ("conflict = true", "", {POLLUTION}),
        ("cross_jurisdiction = true", "", {CO, CO_EAST}),
        ("review = true", "", {POLLUTION}),
        ("years_hot = 3", "", set()),
        ("years_hot = 2", "", {CO, CO_EAST, POLLUTION, CARBON, WATCH}),
        ("unit_share = { co2 = 0.4 }", "", {CARBON}),
        ("unit_share = { so2 = 0.5 }", "", set()),
        ("unit_share = { pollutant = 0.2 }", "", {CO, CO_EAST, POLLUTION}),
        ("sector_share = { carbon = 0.7 }", 'sectors = ["steel"]', {CO, CO_EAST}),
        ("sector_share = { vocs = 0.6 }", "", {CO, CO_EAST, POLLUTION, CARBON}),
        ("sector_share = { vocs = 0.71 }", 'sectors = ["steel"]', set()),
        ("quotient = { any = 6.9 }", "", {CO, CO_EAST, CARBON}),
        ("quotient = { any = 6.9 }, class = ['watch']", "", set()),
        ("focus = true", 'sectors = ["road"]', {POLLUTION, WATCH}),
        ("focus = false", 'sectors = ["road"]', {CO, CO_EAST}),
        ("", 'sectors = ["shipping"]', set()),
        ("", 'industry = ["C31"]', {CO, CO_EAST, CARBON}),
        ("", 'industry = ["C31"]\nsectors = ["steel"]', {CO, CO_EAST}),
        ("", 'industry = ["C32", "钢"]', set()),
    ],
)
def test_conditions(zoning: Zoning, when: str, more: str, expected: set[str]) -> None:
    assert who(listed(zoning, rule(when, more=more))) == expected


def test_one_sector_has_to_meet_all_that_is_asked_of_a_sector(zoning: Zoning) -> None:
    """In the pollution unit road holds 30 % and steel the region's share: neither does both."""
    both = rule("sector_share = { nox = 0.3 }, quotient = { nox = 1.0 }", more='sectors = ["steel", "road"]')
    assert who(listed(zoning, both)) == {CO, CO_EAST, WATCH}
    for one in ("sector_share = { nox = 0.3 }", "quotient = { nox = 1.0 }"):
        assert POLLUTION in who(listed(zoning, rule(one, more='sectors = ["steel", "road"]')))


def test_rows_say_why(zoning: Zoning) -> None:
    table = listed(
        zoning, rule("focus = true, sector_share = { pollutant = 0.7 }", more='sectors = ["steel"]\nindustry = ["31"]')
    )
    row = table[(table["unit"] == CO) & (table["rule"] == "r")].iloc[0]
    assert row["industry"] == "3120"
    assert row["condition"] == "class = co_control; steel: focus, nox 0.7, pm25 0.7, vocs 0.7; industry: 3120"
    assert (row["legal_basis"], row["blocked"]) == ("《法》(2020年)", False)
    assert list(table.columns) == list(TABLES["access"])
    assert table["blocked"].dtype == bool


def test_order_is_units_parts_rules(zoning: Zoning) -> None:
    table = listed(zoning, rule(part="risk", name="a") + rule(name="b") + rule(part="risk", name="c"))
    own = table[table["rule"] != "emission-verify"]
    assert own["unit"].tolist() == [u for u in zoning.units["unit"] for _ in range(3)]
    assert own["rule"].tolist() == ["b", "a", "c"] * 5


# -- what no rule may say ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "nature"), [("spatial", "manage"), ("emission", "exit"), ("resource", "siting"), ("spatial", "exit")]
)
def test_carbon_alone_gives_no_order_about_a_place(zoning: Zoning, part: str, nature: str) -> None:
    assert CARBON not in who(listed(zoning, rule(part=part, nature=nature)))
    with pytest.raises(InvalidDescription, match="a tonne of CO2 counts the same anywhere"):
        parse_rules(HEAD + rule('class = ["carbon_only"]', part=part, nature=nature), "test")


def test_supply_security_blocks_exit_and_nothing_else(zoning: Zoning) -> None:
    """The flag of a unit, or of one of its sources, blocks; the condition names the source."""
    rules = "".join(rule(nature=n, name=n) for n in Nature)
    units = zoning.units.copy()
    units.loc[units["unit"] == WATCH, "supply_security"] = True
    sources = zoning.tables["contributors"].copy()
    sources["supply_security"] |= sources["unit"] == CO
    table = listed(zoning, rules, units=units, contributors=sources)
    blocked = table[table["blocked"]]
    assert set(zip(blocked["unit"], blocked["rule"], strict=True)) == {
        (CO, "exit"), (WATCH, "exit"), (POLLUTION, "exit"), (POLLUTION, "siting"),
    }  # fmt: skip
    why = dict(zip(blocked["unit"] + blocked["rule"], blocked["condition"], strict=True))
    assert why[CO + "exit"].endswith("blocked: supply_security (S0 第0厂)")
    assert why[WATCH + "exit"].endswith("blocked: supply_security")
    assert why[POLLUTION + "exit"].endswith("blocked: proxy_led")


def test_proxy_led_units_are_told_to_verify_whatever_the_file_says(zoning: Zoning) -> None:
    table = listed(zoning, rule(name="emission-verify"))
    assert who(table, "cozone-emission-verify") == {POLLUTION}
    own = listed(zoning, rule("proxy_led = true", nature="verify", name="look"))
    assert set(own["rule"]) == {"look"}
    narrower = listed(zoning, rule('proxy_led = true, class = ["watch"]', nature="verify", name="look"))
    assert who(narrower, "emission-verify") == {POLLUTION}


# -- the rules that come with cozone ------------------------------------------------------------------------------------


def test_default_rules_fill_four_parts_for_every_unit(zoning: Zoning) -> None:
    table = listed(zoning, read_rules(None))
    parts = table.groupby("unit")["part"].agg(set)
    for unit, klass in zip(zoning.units["unit"], zoning.units["class"], strict=True):
        assert parts[unit] == set(PARTS) - ({"spatial"} if klass == "carbon_only" else set()), unit
    assert not table.duplicated(["unit", "rule"]).any()


@pytest.mark.parametrize("sector", list(SECTORS))
@pytest.mark.parametrize("klass", ["co_control", "pollution_only"])
def test_default_rules_have_emission_advice_for_every_sector(zoning: Zoning, sector: str, klass: str) -> None:
    units = zoning.units[zoning.units["unit"] == CO].assign(**{"class": klass})
    sectors = pd.DataFrame(
        [(CO, s, sector, 1.0, 1.0, 3.0, True) for s in zoning.species], columns=list(TABLES["sectors"])
    )
    table = listed(
        zoning, read_rules(None), units=units, sectors=sectors, contributors=zoning.tables["contributors"].head(0)
    )
    named = table[(table["part"] == "emission") & (table["industry"] == sector)]
    assert len(named) >= 1


def test_default_exit_advice_needs_firm_evidence_of_place() -> None:
    exits = [r for r in read_rules(None).rules if r.nature is Nature.EXIT]
    assert exits
    for r in exits:
        assert r.when.robustness == ("core",)
        assert set(r.when.tier) <= {"clustered_core", "isolated_core"}
        assert r.when.focus is True
        assert not set(r.when.classes) & {"carbon_only", "watch"}


def test_default_acts_carry_number_and_year_in_both_languages() -> None:
    rules = read_rules(None)
    used = {key for r in rules.rules for key in r.legal_basis}
    assert used == set(rules.acts)
    for key, act in rules.acts.items():
        assert re.search(r"《.+》", act.zh), key
        assert re.search(r"(19|20)\d\d", act.zh), key
        assert re.search(r"(19|20)\d\d", act.en), key
        assert set(re.findall(r"\d{3,5}", act.en)) <= set(re.findall(r"\d{3,5}", act.zh)), key
    first = rules.rules[0]
    assert rules.in_english(rules.citation(first)) == "; ".join(rules.acts[k].en for k in first.legal_basis)
    assert rules.in_english("《别的》") == "《别的》"


# -- the file -----------------------------------------------------------------------------------------------------------


def test_text_is_kept_and_read_from_a_file(tmp_path: Path) -> None:
    text = HEAD + rule()
    path = tmp_path / "rules.toml"
    path.write_text("\ufeff" + text, "utf-8")
    assert read_rules(path).text == text
    assert read_rules(None).text.startswith("# Draft of the access list")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "not valid TOML"),
        (HEAD, "rules: Field required"),
        (HEAD + rule() + rule(), "rule r is there 2 times"),
        (HEAD + rule(more='sectors = ["steal"]'), "no sector 'steal'"),
        (HEAD + rule("klass = 1"), "rules.0.when.klass: no such key; did you mean class"),
        (HEAD + rule(nature="ban"), "nature"),
        (HEAD + rule("sector_share = { co2 = 2 }"), "less than or equal to 1"),
        (HEAD.replace("law =", "other ="), "rules: Field required"),
        (HEAD.replace("law =", "other =") + rule(), "no act 'law'"),
        ('text = "x"\n' + HEAD + rule(), "`text` is not one"),
    ],
)
def test_faults_are_named(text: str, message: str) -> None:
    with pytest.raises(InvalidDescription, match=message):
        parse_rules(text, "mine.toml")


def test_further_sectors_are_declared() -> None:
    text = 'sectors = ["aviation"]\n' + HEAD + rule(more='sectors = ["aviation"]')
    assert parse_rules(text, "t").rules[0].sectors == ("aviation",)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidDescription, match="no such file"):
        read_rules(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("wanted", "industry", "expected"),
    [
        ("C25", "原油加工及石油制品制造 C2511", True), ("C25", "2511", True), ("25", "C2511", True), ("C25", "D2511", False),
        ("C25", "C3251", False), ("2511", "C25", False), ("D44", "火力发电 D4411", True), ("钢", "炼钢", True),
        ("steel", "Steel works", True),
        ("C31", "12C31", False), ("C31", "C31", True),
    ],
)  # fmt: skip
def test_industries(wanted: str, industry: str, expected: bool) -> None:
    assert names_industry(wanted, industry) is expected


def test_refusals(zoning: Zoning) -> None:
    doubled = pd.concat([zoning.units, zoning.units])
    with pytest.raises(InvalidParameter, match="same code"):
        listed(zoning, rule(), units=doubled)
    with pytest.raises(InvalidParameter, match="not among the units"):
        listed(zoning, rule(), units=zoning.units.head(1))


def test_no_units_no_list(zoning: Zoning) -> None:
    none = {k: zoning.tables[k].head(0) for k in ("units", "sectors", "contributors")}
    table = listed(zoning, read_rules(None), **none)
    assert table.empty
    assert list(table.columns) == list(TABLES["access"])
