"""Units: plurals are no sulphur, and what can be read in two ways is not read."""

from __future__ import annotations

import pytest

from gis.errors import UnknownUnit
from gis.units import unit


@pytest.mark.parametrize(("plural", "one"), [("lbs", "lb"), ("LBS/yr", "lb/yr"), ("kgs", "kg"), ("kgs/h", "kg/h")])
def test_plurals_are_the_same_mass_for_every_species(plural: str, one: str) -> None:
    for species in ("so2", "co2", "pm25"):
        asked = {"year": 2020, "species": species}
        assert unit(plural).tonnes_per_year(**asked) == unit(one).tonnes_per_year(**asked)


def test_mass_as_sulphur_is_still_read() -> None:
    assert unit("kgS").tonnes_per_year(year=2020, species="so2") == pytest.approx(1e-3 * 64.0638 / 32.06, rel=1e-12)


@pytest.mark.parametrize("text", ["MT", "mt", "MTCO2/yr", "mt/year"])
def test_metric_tons_and_megatonnes_are_not_guessed(text: str) -> None:
    with pytest.raises(UnknownUnit, match="two ways; write Mt"):
        unit(text)
    assert unit("MtCO2/yr").mass_t == 1e6
