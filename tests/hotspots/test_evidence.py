"""Evidence as a whole: what it finds, what it must not find, and what it says about itself."""

import math

import numba
import numpy as np
import pytest
from scipy.stats import rankdata

from gis.errors import InvalidParameter
from gis.hotspots.conditional import Method
from gis.hotspots.domain import Domain
from gis.hotspots.evidence import evidence
from gis.hotspots.neighbours import Contiguity, neighbourhood
from gis.hotspots.ranks import rank_layer
from tests.hotspots.fields import globe, plane, whole

NONE = np.zeros(0)


def of(grid, values, *, domain=None, around=NONE, kind=Contiguity.QUEEN, draws=200_000, **options):
    domain = domain or whole(grid)
    band_m = options.pop("band_m", None)
    near = neighbourhood(grid, kind, band_m=band_m)
    return evidence(domain, np.asarray(values, float).ravel(), around, near, draws=draws, **options)


def topics(found):
    return [topic for topic, *_ in found.notes]


@pytest.mark.parametrize("value", [0.0, 3.7])
def test_a_constant_field_has_no_evidence(value):
    found = of(plane(30, 30), np.full(900, value))
    assert not found.bh.any() and not found.by.any() and found.cutoff_bh == 0 and (found.p == 1).all()
    assert topics(found) == ["no_variation"] and np.isnan(found.z).all()


def test_heavy_tailed_noise_is_hardly_ever_flagged():
    rng = np.random.default_rng(0)
    flagged = 0
    for seed in range(5):
        found = of(plane(95, 95), np.exp(3 * rng.normal(size=95 * 95)), seed=seed)
        flagged += found.bh.sum()
    # All cells null: with probability 0.95 a field has no discovery, and one that has, has few.
    assert flagged <= 5


def test_a_lone_giant_plant_is_no_cluster_and_makes_none_of_its_neighbours():
    rng = np.random.default_rng(1)
    values = rng.lognormal(size=(80, 80))
    values[40, 40] = 1e9
    found = of(plane(80, 80), values)
    assert not found.bh.any() and found.p.reshape(80, 80)[40, 40] > 0.001


def test_a_planted_cluster_is_found_and_little_else():
    rng = np.random.default_rng(2)
    values = rng.lognormal(size=(100, 100))
    values[20:30, 50:60] *= 50
    found = of(plane(100, 100), values)
    bh = found.bh.reshape(100, 100).copy()
    assert bh[21:29, 51:59].all()
    bh[19:31, 49:61] = False
    assert bh.sum() <= 5  # 5 % of some hundred
    assert not (found.by & ~found.bh).any() and found.by.sum() < found.bh.sum()
    assert found.method is Method.SHARED and found.least_p == 1 / 200_001
    assert found.p_error == pytest.approx(math.sqrt(found.cutoff_bh * (1 - found.cutoff_bh) / 200_000))
    assert np.array_equal(found.bh, found.p <= found.cutoff_bh)


def test_only_the_order_of_densities_matters():
    values = np.random.default_rng(3).lognormal(size=(40, 40)) * (np.random.default_rng(4).uniform(size=(40, 40)) > 0.4)
    first, second = of(plane(40, 40), values), of(plane(40, 40), 1e6 * values**3)
    assert np.array_equal(first.p, second.p) and np.array_equal(first.z, second.z)


def test_a_rank_layer_at_hand_and_one_thread_give_the_same_bits():
    values = np.random.default_rng(3).lognormal(size=120 * 100)
    grid = plane(120, 100)
    first = of(grid, values, draws=50_000, seed=9)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    second = of(grid, values, draws=50_000, seed=9, layer=rank_layer(whole(grid), values))
    numba.set_num_threads(before)
    assert first.method is Method.SHARED
    for name in ("z", "p", "bh", "by"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert not np.array_equal(first.p, of(grid, values, draws=50_000, seed=10).p)


def test_another_seed_moves_p_by_its_error_only():
    values = np.random.default_rng(3).lognormal(size=110 * 100)
    first, second = (of(plane(110, 100), values, seed=s).p for s in (1, 2))
    assert (np.abs(first - second) <= 6 * np.sqrt(2 * first * (1 - first) / 200_000) + 1e-4).all()


def test_cells_around_count_as_neighbours_and_in_the_population():
    grid = plane(20, 20)
    rng = np.random.default_rng(6)
    values = rng.lognormal(size=grid.shape)
    values[:, 9:12] *= 30
    mask = np.zeros(grid.shape, bool)
    mask[:, :10] = True
    domain = Domain.of(grid, mask, around=~mask)
    found = of(grid, values[mask], domain=domain, around=values[~mask])
    alone = of(grid, values[mask], domain=Domain.of(grid, mask))
    everywhere = of(grid, values)
    assert found.z == pytest.approx(everywhere.z.reshape(grid.shape)[mask], rel=1e-6)
    assert found.p == pytest.approx(everywhere.p.reshape(grid.shape)[mask], rel=1e-12)
    edge = np.flatnonzero(domain.cells % 20 == 9)
    assert found.window.neighbours[edge].max() == 8 and alone.window.neighbours[edge].max() == 5
    assert np.median(found.p[edge]) < np.median(alone.p[edge])


def test_islands_are_counted_and_have_no_evidence():
    grid = plane(40, 40)
    mask = np.zeros(grid.shape, bool)
    mask[:20] = True
    mask[[25, 30, 35], [5, 10, 15]] = True
    domain = Domain.of(grid, mask)
    found = of(grid, np.random.default_rng(0).lognormal(size=domain.size), domain=domain)
    assert found.islands == 3 and "islands" in topics(found)
    assert (found.p[-3:] == 1).all() and np.isnan(found.z[-3:]).all()
    assert any("3 个网格" in zh and "3 cells" in en for _, zh, en in found.notes)


def test_one_cell_alone():
    found = of(plane(1, 1), [5.0])
    assert found.p.tolist() == [1.0] and not found.bh.any() and found.islands == 1


def test_where_permutation_can_reject_nothing_the_normal_approximation_is_used_and_said():
    # Six cells in a row: 5 or 10 samples at most, none of which can be as rare as 5 %.
    found = of(plane(1, 6), [9.0, 8.0, 3.0, 1.0, 2.0, 0.5])
    assert found.method is Method.ANALYTIC and topics(found) == ["analytic"]
    assert "0.1," in found.notes[0][2] and found.p_error == 0.0
    ranks = rankdata([9.0, 8.0, 3.0, 1.0, 2.0, 0.5])
    z = (ranks[0] + ranks[1] - 7) / (ranks.std() * math.sqrt((6 * 2 - 4) / 5))
    assert found.z[0] == pytest.approx(z, rel=1e-6)
    assert found.p[0] == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), rel=1e-5)


def test_small_grids_are_exact_and_middling_bands_permuted():
    rng = np.random.default_rng(0)
    assert of(plane(6, 6), rng.lognormal(size=36)).method is Method.EXACT
    wide = of(plane(70, 70), rng.lognormal(size=4900), kind=Contiguity.BAND, band_m=9_000.0, draws=999)
    assert wide.method is Method.PERMUTATION and wide.window.neighbours.max() == 252


def test_what_the_number_of_draws_cannot_resolve_is_said():
    values = np.random.default_rng(0).lognormal(size=120 * 120)
    coarse, fine = of(plane(120, 120), values, draws=999), of(plane(120, 120), values, draws=300_000)
    assert topics(coarse) == ["resolution"] and "288 cells" in coarse.notes[0][2]  # 14,400 / 1000 / 0.05
    assert topics(fine) == []


def test_a_band_on_a_globe_sees_as_far_everywhere():
    grid = globe(40, 60, north=75, degrees=0.5)
    rng = np.random.default_rng(0)
    found = of(grid, rng.lognormal(size=grid.size), kind=Contiguity.BAND, band_m=80_000.0, draws=20_000)
    k = found.window.neighbours.reshape(grid.shape)
    # Inside, the discs hold area over cell area: more cells in the north, where they are small.
    area = grid.cell_area_m2
    disc = math.pi * 80_000.0**2
    assert k[5, 30] * area[5, 30] == pytest.approx(disc, rel=0.25) and k[5, 30] > k[35, 30]
    assert not found.bh.any() or found.bh.sum() < 20


def test_hostile_arguments_are_refused():
    with pytest.raises(InvalidParameter, match="alpha"):
        of(plane(3, 3), np.ones(9), alpha=1.0)
    with pytest.raises(InvalidParameter):
        of(plane(3, 3), np.ones(8))
    with pytest.raises(InvalidParameter):
        of(plane(3, 3), [1, 2, 3, 4, np.nan, 6, 7, 8, 9])
    with pytest.raises(InvalidParameter):
        of(plane(3, 3), [1, 2, 3, 4, -1, 6, 7, 8, 9])
