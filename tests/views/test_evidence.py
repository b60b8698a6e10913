"""Evidence: what it says about a unit is what was published, and its score's parts make the score."""

from __future__ import annotations

import hashlib

import pytest

from gis.errors import NotFound
from gis.views import Views
from gis.views.evidence import unit_evidence, unit_row
from gis.workspace import Run, StoredZoning


def test_the_parts_of_every_score_make_the_score(views: Views, zoning: StoredZoning) -> None:
    for row in zoning.tables["units"].itertuples():
        found = unit_evidence(views.directory, zoning, row.unit, facilities=True)
        parts = found.score
        assert parts.score == pytest.approx(row.score, abs=1e-8)
        assert 100 * (parts.carbon * parts.pollutants) ** 0.5 * parts.membership == pytest.approx(row.score, abs=1e-8)
        assert sum(parts.weights.values()) == pytest.approx(1.0)
        assert (found.rank, found.rank_low, found.rank_high) == (row.rank, row.rank_low, row.rank_high)


def test_every_step_names_its_numbers_and_its_outcome(views: Views, zoning: StoredZoning) -> None:
    cells = zoning.tables["cells"]
    classes = zoning.tables["units"].set_index("unit")["class"]
    for row in zoning.tables["units"].itertuples():
        found = unit_evidence(views.directory, zoning, row.unit, facilities=True)
        steps = {s.step: s for s in found.steps}
        assert list(steps) == ["hot_sets", "class", "size", "shape", "tier", "robustness", "proxy", "score", "access"]
        mine = cells[cells["patch"] == row.patch]
        assert steps["class"].outcome == classes[row.unit]
        assert steps["class"].values["seeds"] == int(mine["seed"].sum())
        assert sum(steps["class"].values["seeds_by_species"].values()) == int(mine["seed"].sum())
        assert steps["size"].values["cells"] == len(mine)
        assert sum(steps["tier"].values["seeds_by_tier"].values()) == int(mine["seed"].sum())
        assert (steps["tier"].outcome, steps["robustness"].outcome, steps["shape"].outcome) == (
            row.tier,
            row.robustness,
            row.fit,
        )
        rules = zoning.tables["access"].query("unit == @row.unit")
        assert [r["rule"] for r in steps["access"].values["rules"]] == rules["rule"].tolist()
        assert all(s.text_zh and s.text_en for s in found.steps)
        both = [steps["shape"].values[f"review_{language}"] for language in ("zh", "en")]
        assert steps["shape"].values["review"] == (" / ".join(both) if any(both) else "")


def test_seeds_meet_the_rule_of_their_class(views: Views, zoning: StoredZoning) -> None:
    """A co-control seed is hot for carbon and for as many pollutants as the parameters ask for."""
    least = zoning.parameters.hot.min_pollutants
    units = zoning.tables["units"]
    assert (units["class"] == "co_control").any()
    for unit in units[units["class"] == "co_control"]["unit"]:
        steps = {s.step: s for s in unit_evidence(views.directory, zoning, unit, facilities=True).steps}
        for species in steps["class"].values["seeds_by_species"]:
            hot = set(species.split("+"))
            assert zoning.parameters.carbon in hot and len(hot - {zoning.parameters.carbon}) >= least


def test_inputs_and_hashes_are_those_of_the_objects(views: Views, run: Run, zoning: StoredZoning) -> None:
    unit = zoning.tables["units"]["unit"].iloc[0]
    found = unit_evidence(views.directory, zoning, unit, facilities=True)
    assert found.inputs == run.manifest["inputs"] and found.run["id"] == run.id
    assert found.rules_sha256 == hashlib.sha256(zoning.rules.encode()).hexdigest()
    assert found.tables_sha256 == zoning.digests and found.seed == zoning.parameters.membership.seed
    assert found.parameters == zoning.parameters.model_dump(mode="json")
    assert all(abs(row["closure"]) < 1e-9 for row in found.ledger)


def test_an_unknown_unit_is_not_found(views: Views, zoning: StoredZoning) -> None:
    for name in ("", "CZ-0", "' or 1=1 --", "../../etc/passwd", "厂" * 100):
        with pytest.raises(NotFound, match="no unit"):
            unit_row(views.directory, zoning, name)
