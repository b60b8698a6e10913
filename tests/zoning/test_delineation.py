"""Patches against a slow walk over sets of cells, against scipy's labels, and by hand."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from gis.errors import InvalidParameter
from gis.hotspots.domain import Domain
from gis.zoning.classes import CellClass, class_table, rule_table
from gis.zoning.delineation import delineate, keep, patch_sums
from tests.zoning.cases import (
    CLASSES,
    PRECEDENCE,
    RULES,
    domain_of,
    domains,
    drawn,
    globe,
    one_thread,
    plane,
    slow_owner,
    slow_patches,
    using,
)


def zoned(text: str, low: str | None = None, *, grid=None, outside: str | None = None, hole_cells: int = 1):
    """Delineation of drawings of the bits at q and at q_low, and the patches as a drawing."""
    bits = drawn(text)
    bits_low = bits | drawn(low) if low else bits
    domain = domain_of(grid or plane(*bits.shape), outside=drawn(outside).astype(bool) if outside else None)
    inside = np.unravel_index(domain.cells, bits.shape)
    made = delineate(domain, bits[inside], bits_low[inside], classes=CLASSES, rules=RULES, hole_cells=hole_cells)
    return made, picture(domain, made.patch)


def picture(domain, patch):
    full = domain.on_grid(patch, fill=-1)
    return "\n".join("".join("." if p < 0 else str(p) for p in row) for row in full)


def art(text: str) -> str:
    return "\n".join(text.split())


# -- by hand ------------------------------------------------------------------------------------------------------------


def test_seeds_join_at_corners_and_growth_over_edges_only():
    made, seen = zoned("7.... .7... ..... ....7", "7.... .77.. ...7. ....7")
    # The grown cell in the third row meets the patch and the plant in corners only: nothing reaches it.
    assert seen == art("0.... .00.. ..... ....1")
    assert made.patches["seeds"].tolist() == [2, 1]
    assert made.patches["cells"].tolist() == [3, 1]
    assert made.patches["first_cell"].tolist() == [0, 19]


def test_growth_crosses_only_cells_that_meet_the_rule():
    # 3 at q_low meets the rules of watch and carbon-only, not of co-control.
    assert zoned("7....", "73777")[1] == "0...."
    assert zoned("1....", "13777")[1] == "00000"


def test_greater_class_takes_what_both_could_have():
    made, seen = zoned("7...6", "77777")
    assert seen == "00001"
    assert made.patches["class"].tolist() == [CellClass.CO_CONTROL, CellClass.POLLUTION_ONLY]
    # Carbon-only goes before watch, and neither takes a seed of the other.
    assert zoned("3.1", "333")[1] == "100"
    assert zoned("3.7.1", "33733")[1] == "22011"


def test_components_of_a_class_that_meet_are_one():
    made, seen = zoned("7....7", "777777")
    assert seen == "000000"
    assert made.patches["seeds"].tolist() == [2]


def test_a_seed_of_another_class_stops_growth():
    assert zoned("7.1.7", "77777")[1] == "00211"


def test_numbers_go_by_class_then_first_cell():
    made, seen = zoned("1.3.. ..... 6.7.7")
    assert seen == art("3.4.. ..... 2.0.1")
    assert [CellClass(c).code for c in made.patches["class"]] == [
        "co_control", "co_control", "pollution_only", "carbon_only", "watch",
    ]  # fmt: skip
    assert made.grown.reshape(3, 5).tolist() == [[2, 0, 1, 0, 0], [0] * 5, [3, 0, 4, 0, 4]]


def test_a_hole_of_one_cell_is_filled_and_keeps_its_class():
    made, seen = zoned(".7. 7.7 .7.")
    assert seen == art(".0. 000 .0.")
    assert made.filled_at.tolist() == [4]
    assert made.klass[4] == CellClass.NONE
    assert made.patches.iloc[0][["cells", "seeds"]].tolist() == [5, 4]
    assert zoned(".7. 7.7 .7.", hole_cells=0)[1] == art(".0. 0.0 .0.")


def test_a_hole_between_two_patches_is_not_filled():
    assert zoned(".7. 7.1 .7.")[1] == art(".0. 0.1 .0.")
    assert zoned("77777 7.1.7 77777")[1] == art("00000 0.1.0 00000")


def test_a_patch_within_a_hole_is_not_swallowed():
    assert zoned("77777 7.1.7 77777", hole_cells=9)[1] == art("00000 0.1.0 00000")


def test_growth_winds_up_and_down_a_tall_grid():
    # Rows are worked on in bands: a path that crosses their borders both ways, whichever end it begins at.
    path = np.zeros((40, 5), np.uint8)
    path[:, [0, 2, 4]] = 7
    path[39, 1] = path[0, 3] = 7
    domain = domain_of(plane(40, 5))
    for begin in ((0, 0), (39, 4), (20, 2)):
        bits = np.zeros((40, 5), np.uint8)
        bits[begin] = 7
        made = delineate(domain, bits.ravel(), path.ravel(), classes=CLASSES, rules=RULES, hole_cells=0)
        assert ((made.patch == 0) == (path.ravel() == 7)).all()


@pytest.mark.parametrize("seed", range(4))
def test_holes_in_rows_with_many_gaps(seed):
    rng = np.random.default_rng(seed)
    grid = globe(12, 60)
    domain = Domain.of(grid, rng.random(grid.shape) < 0.93)
    bits = np.where(rng.random(domain.size) < 0.85, 7, 0).astype(np.uint8)
    made = delineate(domain, bits, bits, classes=CLASSES, rules=RULES, hole_cells=3)
    patch, filled, _ = slow_patches(domain, bits, bits, CLASSES, RULES, 3)
    assert filled.sum() > 10
    assert made.patch.tolist() == patch.tolist() and made.filled.tolist() == filled.tolist()


def test_holes_up_to_the_given_size():
    ring = "77777 7..77 77.77 77777"
    assert "." in zoned(ring, hole_cells=2)[1]
    assert "." not in zoned(ring, hole_cells=3)[1]


def test_a_hole_outside_the_domain_stays():
    made, seen = zoned("777 7.7 777", outside="000 010 000")
    assert seen == art("000 0.0 000")
    assert not len(made.filled_at)


def test_a_hole_beside_a_gap_of_the_domain_stays():
    assert zoned("7777 7..7 7777", outside="0000 0010 0000", hole_cells=5)[1] == art("0000 0..0 0000")


def test_a_gap_at_the_edge_of_the_grid_is_no_hole():
    assert zoned("7.7 777", hole_cells=5)[1] == art("0.0 000")


def test_cells_around_the_domain_are_never_classed():
    grid = plane(3, 3)
    valid = np.ones((3, 3), bool)
    valid[1, 1] = False
    domain = Domain.of(grid, valid, around=~valid)
    bits = np.full(8, 7, np.uint8)
    made = delineate(domain, bits, bits, classes=CLASSES, rules=RULES, hole_cells=9)
    assert len(made.patch) == 8
    assert made.patches["cells"].tolist() == [8]


def test_patches_join_across_the_seam():
    text = "7....7 ...... 7..... .....7"
    assert zoned(text, grid=globe(4, 6))[1] == art("0....0 ...... 1..... .....1")
    assert zoned(text)[1] == art("0....1 ...... 2..... .....3")


def test_a_hole_across_the_seam_is_filled():
    text = "77..77 .7..7. 77..77"
    made, seen = zoned(text, grid=globe(3, 6), hole_cells=2)
    assert made.filled_at.tolist() == [6, 11]
    assert seen == art("00..00 00..00 00..00")


def test_corridor_along_a_road_is_one_patch():
    text = "3......... .33....... ...333.... ......33.. ........33"
    made, _ = zoned(text)
    assert made.patches["cells"].tolist() == [10]


# -- nothing, everything, the wrong thing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0, 2])
def test_no_class_no_patch(value):
    made, seen = zoned(f"{value}" * 4)
    assert seen == "...."
    assert len(made.patches) == 0
    assert not made.seed.any() and not made.filled.any() and not made.grown.any()
    kept = keep(made, domain_of(plane(1, 4)), np.ones((2, 4)), ("co2", "nox"), min_cells=3, min_share=0.001)
    assert kept.kept.shape == (0,) and kept.amount_t.shape == (0, 2)


@pytest.mark.parametrize("grid", [plane(1, 1), globe(1, 1), globe(2, 1), globe(1, 2)])
def test_grids_of_one_or_two_cells(grid):
    domain = domain_of(grid)
    bits = np.full(grid.size, 7, np.uint8)
    made = delineate(domain, bits, bits, classes=CLASSES, rules=RULES, hole_cells=3)
    assert made.patches["cells"].tolist() == [grid.size]


def test_everything_hot_is_one_patch():
    made, _ = zoned("7777 7777")
    assert made.patches["area_km2"].tolist() == pytest.approx([domain_of(plane(2, 4)).total_area_km2])


def test_sets_that_are_not_nested_are_refused():
    domain, bits = domain_of(plane(1, 3)), np.array([7, 0, 3], np.uint8)
    with pytest.raises(InvalidParameter, match="1 of 3 cells are hot at q and not at q_low"):
        delineate(domain, bits, np.array([7, 7, 1], np.uint8), classes=CLASSES, rules=RULES, hole_cells=1)


def test_wrong_arrays_are_refused():
    domain, bits = domain_of(plane(1, 3)), np.zeros(3, np.uint8)
    for wrong in (bits[:2], bits.astype(np.int64), bits[None]):
        with pytest.raises(InvalidParameter, match=r"bits_low has shape .* expected uint8, shape \(3,\)"):
            delineate(domain, bits, wrong, classes=CLASSES, rules=RULES, hole_cells=1)
    with pytest.raises(InvalidParameter, match="rules has shape"):
        delineate(domain, bits, bits, classes=CLASSES, rules=RULES[:8], hole_cells=1)
    with pytest.raises(InvalidParameter, match="hole_cells is -1"):
        delineate(domain, bits, bits, classes=CLASSES, rules=RULES, hole_cells=-1)


def test_results_cannot_be_written_to():
    made, _ = zoned("77.7")
    for values in (made.klass, made.patch, made.filled_at):
        with pytest.raises(ValueError, match="read-only"):
            values[:1] = 0


# -- against the slow ways ------------------------------------------------------------------------------------------------


BITS = np.array([0, 0, 0, 0, 1, 2, 3, 6, 7, 7, 7], np.uint8)


@st.composite
def cases(draw):
    domain = draw(domains(10, 6))
    values = st.binary(min_size=domain.size, max_size=domain.size)
    bits, more = (BITS[np.frombuffer(draw(values), np.uint8) % len(BITS)] for _ in range(2))
    return domain, bits, bits | more, draw(st.integers(1, 2)), draw(st.sampled_from([0, 1, 2, 3, 40]))


@settings(max_examples=300, deadline=None)
@given(cases())
@one_thread
def test_equals_the_slow_way(case):
    domain, bits, low, needed, hole_cells = case
    tables = {"classes": class_table(2, needed), "rules": rule_table(2, needed)}
    made = delineate(domain, bits, low, **tables, hole_cells=hole_cells)
    patch, filled, classes = slow_patches(domain, bits, low, tables["classes"], tables["rules"], hole_cells)
    assert made.patch.tolist() == patch.tolist()
    assert made.filled.tolist() == filled.tolist()
    table = made.patches
    assert table["class"].tolist() == classes
    assert table["cells"].tolist() == np.bincount(patch[patch >= 0], minlength=len(classes)).tolist()
    assert table["seeds"].tolist() == np.bincount(patch[made.seed], minlength=len(classes)).tolist()
    assert table["first_cell"].tolist() == [domain.cells[patch == p][0] for p in range(len(classes))]
    area = [math.fsum(domain.area_km2[patch == p]) for p in range(len(classes))]
    assert table["area_km2"].tolist() == pytest.approx(area, rel=1e-14)


@settings(max_examples=100, deadline=None)
@given(cases())
@one_thread
def test_laws(case):
    domain, bits, low, needed, hole_cells = case
    tables = {"classes": class_table(2, needed), "rules": rule_table(2, needed)}
    made = delineate(domain, bits, low, **tables, hole_cells=hole_cells)
    # Core is never deleted and keeps its class; what grew meets the rule; filled cells have no class.
    assert (made.klass == tables["classes"][bits]).all()
    assert (made.grown[made.seed] == made.klass[made.seed]).all()
    grew = (made.patch >= 0) & ~made.seed & ~made.filled
    assert (tables["rules"][low[grew]] >> made.grown[grew] & 1).all()
    assert not (made.seed & made.filled).any()
    assert (made.patches["seeds"] >= 1).all()
    # Lowering q_low to q leaves the seeds alone.
    plain = delineate(domain, bits, bits, **tables, hole_cells=0)
    assert ((plain.patch >= 0) == plain.seed).all()


def labelled(mask, structure=None):
    return ndimage.label(mask, structure)[0]


def by_scipy(seed, rule):
    """Patches of a whole grid without holes filled, by scipy's labels."""
    owner = seed.astype(int)
    for c in PRECEDENCE:
        label = labelled((seed == c) | ((owner == 0) & (rule >> c & 1 == 1)))
        owner[np.isin(label, np.unique(label[seed == c])) & (label > 0)] = c
    patch = np.zeros(seed.shape, int)
    for c in PRECEDENCE:
        edge, corner = labelled(owner == c), labelled(seed == c, np.ones((3, 3)))
        ends = edge[corner > 0], corner[corner > 0] + edge.max()
        size = edge.max() + corner.max() + 1
        joined = connected_components(coo_array((np.ones(len(ends[0])), ends), shape=(size, size)), directed=False)[1]
        group = np.where(edge > 0, joined[edge] + 1, 0)
        names, first = np.unique(group[group > 0], return_index=True)
        for name in names[np.argsort(first)]:
            patch[group == name] = patch.max() + 1
    return patch - 1


@pytest.mark.parametrize("noise", [0.05, 0.3, 0.6])
def test_equals_scipys_labels(noise):
    rng = np.random.default_rng(7)
    smooth = [ndimage.gaussian_filter(rng.standard_normal((90, 130)), 3) for _ in range(3)]
    field = [f / f.std() * (1 - noise) + noise * rng.standard_normal(f.shape) for f in smooth]
    field[1] += field[0]
    bits = sum((f > np.quantile(f, 0.9)).astype(np.uint8) << k for k, f in enumerate(field))
    low = sum((f > np.quantile(f, 0.75)).astype(np.uint8) << k for k, f in enumerate(field))
    classes, rules = class_table(2, 1), rule_table(2, 1)
    domain = domain_of(plane(90, 130))
    made = delineate(domain, bits.ravel(), low.ravel(), classes=classes, rules=rules, hole_cells=0)
    assert len(made.patches) > 20
    assert (domain.on_grid(made.patch) == by_scipy(classes[bits], rules[low])).all()


def test_threads_change_nothing():
    rng = np.random.default_rng(3)
    grid = globe(300, 500)
    domain = Domain.of(grid, rng.random(grid.shape) < 0.97)
    bits = np.where(rng.random(domain.size) < 0.4, rng.integers(0, 8, domain.size), 0).astype(np.uint8)
    low = bits | np.where(rng.random(domain.size) < 0.4, 7, 0).astype(np.uint8)
    results = []
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        with using(threads):
            made = delineate(domain, bits, low, classes=CLASSES, rules=RULES, hole_cells=2)
        results.append((made.klass.tobytes(), made.patch.tobytes(), made.filled_at.tobytes(), made.patches.to_json()))
    assert results[0] == results[1]
    assert len(made.patches) > 100 and len(made.filled_at) > 100


def test_slow_owner_knows_precedence():
    # The oracle itself, by hand: a cell open to all goes to co-control however the seeds are listed.
    domain = domain_of(plane(1, 3))
    low = np.array([1, 7, 7], np.uint8)
    assert slow_owner(domain, np.array([1, 0, 7], np.uint8), low, CLASSES, RULES) == {(0, 0): 2, (0, 1): 4, (0, 2): 4}


# -- what is kept ---------------------------------------------------------------------------------------------------------


def test_size_rule_by_cells_or_by_share():
    made, seen = zoned("777... ...... 7....1")
    assert seen == art("000... ...... 1....2")
    domain = domain_of(plane(3, 6))
    amount = np.full((2, 18), 1.0)
    amount[1, 12] = 1e6  # one giant plant
    kept = keep(made, domain, amount, ("co2", "nox"), min_cells=3, min_share=0.1)
    assert kept.kept.tolist() == [True, True, False]
    assert kept.reason.tolist() == ["cells", "share", "small"]
    assert kept.amount_t.tolist() == [[3, 3], [1, 1e6], [1, 1]]
    assert kept.share[:, 0].tolist() == pytest.approx([3 / 18, 1 / 18, 1 / 18])


def test_share_is_met_exactly_at_its_bound():
    made, _ = zoned("7...")
    amount = np.array([[1.0, 1.0, 1.0, 1.0]])
    domain = domain_of(plane(1, 4))
    assert keep(made, domain, amount, ("co2",), min_cells=2, min_share=0.25).kept.all()
    assert not keep(made, domain, amount, ("co2",), min_cells=2, min_share=np.nextafter(0.25, 1)).kept.any()


def test_a_species_without_any_amount_has_no_share():
    made, _ = zoned("7...")
    amount = np.zeros((2, 4))
    amount[0] = 1.0
    kept = keep(made, domain_of(plane(1, 4)), amount, ("co2", "nox"), min_cells=2, min_share=0.5)
    assert kept.share.tolist() == [[0.25, 0.0]]
    assert kept.reason.tolist() == ["small"]


def test_a_filled_hole_counts_with_its_patch():
    made, _ = zoned(".7. 7.7 .7.")
    kept = keep(made, domain_of(plane(3, 3)), np.ones((1, 9)), ("co2",), min_cells=5, min_share=1.0)
    assert kept.kept.tolist() == [True]
    assert kept.amount_t.tolist() == [[5.0]]


def test_sums_by_patch_are_compensated():
    rng = np.random.default_rng(1)
    patch = rng.integers(-1, 4, 20_000).astype(np.int32)
    values = rng.lognormal(0, 12, (3, 20_000))
    slow = [[math.fsum(v[patch == p]) for v in values] for p in range(4)]
    np.testing.assert_allclose(patch_sums(patch, 4, values), slow, rtol=3e-16)


def test_wrong_size_rules_are_refused():
    made, _ = zoned("77")
    domain = domain_of(plane(1, 2))
    with pytest.raises(InvalidParameter, match="amount_t has shape"):
        keep(made, domain, np.ones((1, 3)), ("co2",), min_cells=3, min_share=0.1)
    with pytest.raises(InvalidParameter, match="min_cells is 0"):
        keep(made, domain, np.ones((1, 2)), ("co2",), min_cells=0, min_share=0.1)
    with pytest.raises(InvalidParameter, match=r"min_share 1\.5"):
        keep(made, domain, np.ones((1, 2)), ("co2",), min_cells=1, min_share=1.5)
