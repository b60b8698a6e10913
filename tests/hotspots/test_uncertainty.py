"""Error sizes: every number has a source, and what holds of several is what the file says."""

from __future__ import annotations

import math
import tomllib
from importlib.resources import files

import pytest

from gis.allocation.tiers import Tier
from gis.errors import InvalidParameter
from gis.hotspots.uncertainty import ErrorPart, ErrorSizes, Size, read_error_sizes
from gis.species import SECTORS, SPECIES
from gis.zoning.parameters import Membership

TABLE = tomllib.loads(files("gis.hotspots").joinpath("uncertainty.toml").read_text("utf-8"))


def test_every_number_has_a_source_and_a_plausible_size():
    rows = [row for part in ErrorPart for row in TABLE[part]] + list(TABLE["cell"].values())
    assert len(rows) > 100
    for row in rows:
        assert 0.0 < row["sigma"] <= 1.2
        source = row["source"]
        assert source.startswith(("judgement: ", "IPCC 2006 vol. ", "EMEP/EEA 2019, "))


def test_no_entry_is_written_twice_and_names_are_known():
    for part in ErrorPart:
        keys = [(row.get("sector"), row.get("species")) for row in TABLE[part]]
        assert len(set(keys)) == len(keys)
        assert {s for s, _ in keys} <= {None, *SECTORS}
        assert {s for _, s in keys} <= {None, *SPECIES}


@pytest.mark.parametrize("sector", [*SECTORS, "a_sector_of_one's_own"])
@pytest.mark.parametrize("species", [*SPECIES, "hg"])
def test_everything_has_a_size(sector, species):
    sizes = read_error_sizes()
    assert all(sizes.size(part, sector, species).sigma > 0 for part in ErrorPart)


def test_every_sector_has_its_own_activity_total_and_main_factors():
    for part in (ErrorPart.ACTIVITY, ErrorPart.TOTAL):
        assert {row.get("sector") for row in TABLE[part]} == {None, *SECTORS}
    named = {(row.get("sector"), row.get("species")) for row in TABLE["factor"]}
    assert {(z, s) for z in SECTORS for s in ("co2", "nox", "pm25", "vocs", "so2")} <= named


def test_ratings_are_converted_as_the_file_says():
    wide = {"A": (0.1, 0.3), "B": (0.2, 0.6), "C": (0.5, 2.0), "D": (1.0, 3.0)}
    seen = set()
    for row in TABLE["factor"]:
        for rating, (low, high) in wide.items():
            if f"rating {rating}" in row["source"]:
                assert row["sigma"] == pytest.approx(math.log1p(math.sqrt(low * high)) / 1.96, abs=0.006)
                seen.add(rating)
    assert seen == set(wide)


def test_intervals_in_sources_are_those_of_the_numbers():
    for part in ErrorPart:
        for row in TABLE[part]:
            if row["source"].startswith("judgement: ±"):
                half = float(row["source"].removeprefix("judgement: ±").split(" %")[0]) / 100
                assert row["sigma"] == pytest.approx(math.log1p(half) / 1.96, abs=0.006)


def test_the_more_specific_holds_and_the_users_own_before_defaults():
    sizes = read_error_sizes()
    part = ErrorPart.FACTOR
    assert sizes.size(part, "power", "co2").sigma == 0.04
    assert sizes.size(part, "unlisted", "co2").sigma == 0.10
    assert sizes.size(part, "unlisted", "hg").sigma == 0.35
    own = sizes.with_overrides(
        [
            {"sector": "power", "species": None, "activity": None, "factor": 0.5, "total": None, "source": "a survey"},
            {"sector": None, "species": "co2", "activity": None, "factor": 0.6, "total": 0.0, "source": "another"},
            {"sector": "power", "species": "nox", "factor": 0.7, "source": "CEMS"},
            {"sector": "power", "species": "nox", "factor": 0.8, "source": "CEMS, corrected"},
        ],
        cell={"point": 0.0},
    )
    assert own.size(part, "power", "co2") == Size(0.5, "a survey")
    assert own.size(part, "steel", "co2").sigma == 0.6
    assert own.size(part, "power", "nox").sigma == 0.8
    assert own.size(ErrorPart.TOTAL, "power", "co2").sigma == 0.0
    assert own.size(ErrorPart.ACTIVITY, "power", "co2") == sizes.size(ErrorPart.ACTIVITY, "power", "co2")
    assert own.cell[Tier.POINT].sigma == 0.0 and own.cell[Tier.LINE] == sizes.cell[Tier.LINE]
    assert sizes.size(part, "power", "nox").sigma == 0.15


def test_parameters_of_a_zoning_go_in_as_they_are():
    given = Membership.model_validate(
        {"errors": [{"sector": "road", "factor": 0.9, "source": "tunnel study"}], "cell": {"line": 0.3}}
    )
    own = read_error_sizes().with_overrides([e.model_dump() for e in given.errors], cell=given.cell)
    assert own.size(ErrorPart.FACTOR, "road", "nox") == Size(0.9, "tunnel study")
    assert own.cell[Tier.LINE].sigma == 0.3


def test_scaled():
    none = read_error_sizes().scaled(0.0)
    assert all(e.size.sigma == 0.0 for e in none.entries) and all(s.sigma == 0.0 for s in none.cell.values())
    with pytest.raises(InvalidParameter, match="factor"):
        read_error_sizes().scaled(float("nan"))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"sector": "road", "factor": 0.1}, "source"),
        ({"sector": "road", "factor": 0.1, "source": " "}, "source"),
        ({"sector": "road", "source": "x"}, "one of activity, factor, total"),
        ({"sektor": "road", "factor": 0.1, "source": "x"}, "sektor"),
        ({"factor": -0.1, "source": "x"}, "standard deviation"),
        ({"factor": float("nan"), "source": "x"}, "standard deviation"),
        ({"factor": 3.5, "source": "x"}, "standard deviation"),
    ],
)
def test_bad_entries_are_refused(entry, said):
    with pytest.raises(InvalidParameter, match=said):
        read_error_sizes().with_overrides([entry])


def test_sizes_need_every_tier_and_something_that_fits():
    whole = read_error_sizes()
    with pytest.raises(InvalidParameter, match="uniform"):
        ErrorSizes(whole.entries, {t: s for t, s in whole.cell.items() if t is not Tier.UNIFORM})
    with pytest.raises(InvalidParameter, match=r"factor error of co2 in steel"):
        ErrorSizes((), whole.cell).size(ErrorPart.FACTOR, "steel", "co2")
