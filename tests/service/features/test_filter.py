"""Filters: what they select is what a look at every single feature selects."""

from __future__ import annotations

import json
import operator
import unicodedata
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from service.features.crs import CRS84_URI, crs_named
from service.features.fields import Field, FieldType
from service.features.filters import read_filter, same
from service.features.places import RELATIONS
from service.features.predicate import Predicate, matches
from service.library import Library
from tests.service.features.conftest import Ask

Row = dict[str, Any]

CASES: list[tuple[str, str, Callable[[Row], bool]]] = [
    ("units", "class = 'co_control'", lambda r: r["class"] == "co_control"),
    ("units", "class <> 'co_control'", lambda r: r["class"] != "co_control"),
    ("units", "\"class\" in ('watch', 'carbon_only')", lambda r: r["class"] in ("watch", "carbon_only")),
    ("units", "class not in ('watch')", lambda r: r["class"] != "watch"),
    ("units", "rank <= 3", lambda r: r["rank"] <= 3),
    ("units", "3 >= rank", lambda r: r["rank"] <= 3),
    ("units", "rank = 2.5", lambda r: False),
    ("units", "rank in (1, 2.0, 2.5)", lambda r: r["rank"] in (1, 2)),
    ("units", "score > 0.5 and not (class = 'watch' or rank > 4)", lambda r: r["score"] > 0.5 and r["class"] != "watch" and r["rank"] <= 4),
    ("units", "area_km2 between 10 and 40", lambda r: 10 <= r["area_km2"] <= 40),
    ("units", "area_km2 not between 10 and 40", lambda r: not 10 <= r["area_km2"] <= 40),
    ("units", "co2_t / area_km2 > 1e5 and co2_t - 1 > 2 * 3", lambda r: r["co2_t"] / r["area_km2"] > 1e5 and r["co2_t"] > 7),
    ("units", "rank % 2 = 1", lambda r: r["rank"] % 2 == 1),
    ("units", "rank div 2 = 1", lambda r: r["rank"] // 2 == 1),
    ("units", "rank ^ 2 < 10", lambda r: r["rank"] ** 2 < 10),
    ("units", "rank / 0 = 1", lambda r: False),
    ("units", "-rank < -3", lambda r: r["rank"] > 3),
    ("units", "rank_low = rank_high", lambda r: r["rank_low"] == r["rank_high"]),
    ("units", "unit like 'CZ-330101%'", lambda r: r["unit"].startswith("CZ-330101")),
    ("units", "unit like '_Z-%' and unit not like '%1'", lambda r: r["unit"][1:3] == "Z-" and not r["unit"].endswith("1")),
    ("units", "casei(class) like casei('CO%')", lambda r: r["class"].startswith("co")),
    ("units", "casei(class) = casei('WATCH')", lambda r: r["class"] == "watch"),
    ("units", "proxy_led", lambda r: r["proxy_led"]),
    ("units", "proxy_led = false and not supply_security", lambda r: not r["proxy_led"] and not r["supply_security"]),
    ("units", "cross_id is null", lambda r: r["cross_id"] is None),
    ("units", "score is not null", lambda r: r["score"] is not None),
    ("units", "true", lambda r: True),
    ("units", "false or rank = 1", lambda r: r["rank"] == 1),
    ("hotspots", "kept and cells >= 5", lambda r: r["kept"] and r["cells"] >= 5),
    ("hotspots", "reason in ('small','share')", lambda r: r["reason"] in ("small", "share")),
    ("zoned", "co2_hot = true and tier = 'clustered_core'", lambda r: r["co2_hot"] and r["tier"] == "clustered_core"),
    ("zoned", "membership >= 0.9 or bits = 7", lambda r: (r["membership"] is not None and r["membership"] >= 0.9) or r["bits"] == 7),
    ("zoned", "not (membership < 0.9)", lambda r: r["membership"] is not None and not r["membership"] < 0.9),
    ("cells", "year = 2022 and co2_t > 100", lambda r: r["year"] == 2022 and r["co2_t"] > 100),
    ("cells", "nox_t_km2 >= 1 and row < 20", lambda r: r["nox_t_km2"] >= 1 and r["row"] < 20),
    ("cells", "t_after(year, DATE('2020-06-01'))", lambda r: r["year"] > 2020),
    ("cells", "t_intersects(year, INTERVAL('..', '2021-01-01'))", lambda r: r["year"] <= 2021),
    ("cells", "lon > 111.1 and cell < 900", lambda r: r["lon"] > 111.1 and r["cell"] < 900),
    ("sources", "name_zh like '%script%'", lambda r: "script" in r["name_zh"]),
    ("sources", "kind = 'point' and co2_2020_t > co2_2022_t", lambda r: r["kind"] == "point" and r["co2_2020_t"] > r["co2_2022_t"]),
    ("changes", "element = 'cell' and a_class <> b_class", lambda r: r["element"] == "cell" and r["a_class"] != r["b_class"]),
    ("changes", "cell is null", lambda r: r["cell"] is None),
]  # fmt: skip


@pytest.mark.parametrize(("which", "text", "holds"), CASES, ids=[c[1] for c in CASES])
def test_a_filter_selects_what_holds(ask: Ask, whole: Any, which: str, text: str, holds: Callable[[Row], bool]) -> None:
    found = ask(which, filter=text, limit="50000")
    expected = [f["id"] for f in whole(which) if holds(f["properties"])]
    assert [f["id"] for f in found["features"]] == expected
    assert found["numberMatched"] == len(expected)


def test_cases_are_no_empty_truths(whole: Any) -> None:
    """Most filters select some and leave some, or a test of them would say little."""
    some = sum(0 < sum(holds(f["properties"]) for f in whole(which)) < len(whole(which)) for which, _, holds in CASES)
    assert some >= len(CASES) / 2


# -- three-valued logic, over rows made for it --------------------------------------------------------------------------


class Rows:
    """A block in memory."""

    def __init__(self, columns: dict[str, pa.Array]) -> None:
        self._columns = columns
        self.count = len(next(iter(columns.values())))

    def column(self, name: str, at: Any = None) -> pa.Array:
        values = self._columns[name]
        return values if at is None else values.take(pa.array(at))


FIELDS = (
    Field("n", FieldType.NUMBER, "", ""),
    Field("m", FieldType.INTEGER, "", ""),
    Field("t", FieldType.TEXT, "", ""),
    Field("b", FieldType.BOOLEAN, "", ""),
)
N = [None, 1.0, 2.0, -3.5, 2.0, None]
M = [1, None, 2, 3, 2, None]
T = ["Å b", "a", None, "%", "a", ""]
B = [True, False, None, True, False, None]
BLOCK: Any = Rows({
    "n": pa.array(N), "m": pa.array(M, pa.int32()), "b": pa.array(B),
    "t": pa.array(T).dictionary_encode(),
})  # fmt: skip


def predicate(text: str, language: str = "cql2-text") -> Predicate:
    return read_filter(text, language, FIELDS, crs_named(_GRID, CRS84_URI, "crs"), vertices=100)


def _compared(op: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool | None]:
    return lambda a, b: None if a is None or b is None else op(a, b)


OPS = {"=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
Tree = tuple[str, list[bool | None]]


def _leaf(draw: tuple[str, float]) -> Tree:
    op, constant = draw
    return f"n {op} {constant}", [_compared(OPS[op])(v, constant) for v in N]


LEAF = st.one_of(
    st.tuples(st.sampled_from(list(OPS)), st.sampled_from([1.0, 2.0, -3.5])).map(_leaf),
    st.just(("n = m", [_compared(operator.eq)(a, b) for a, b in zip(N, M, strict=True)])),
    st.just(("b", list(B))),
    st.just(("m is null", [v is None for v in M])),
    st.just(("t in ('a', '%')", [None if v is None else v in ("a", "%") for v in T])),
    st.just(("t like 'a%'", [None if v is None else v.startswith("a") for v in T])),
    st.just(("m between 2 and 3", [None if v is None else 2 <= v <= 3 for v in M])),
)


def _and(a: bool | None, b: bool | None) -> bool | None:
    return False if a is False or b is False else None if a is None or b is None else True


def _or(a: bool | None, b: bool | None) -> bool | None:
    return True if a is True or b is True else None if a is None or b is None else False


def _joined(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    def join(op: str, of: Callable[[Any, Any], Any]) -> st.SearchStrategy[Tree]:
        return st.tuples(inner, inner).map(
            lambda p: (f"({p[0][0]} {op} {p[1][0]})", [of(a, b) for a, b in zip(p[0][1], p[1][1], strict=True)])
        )

    negated = inner.map(lambda p: (f"not ({p[0]})", [None if v is None else not v for v in p[1]]))
    return st.one_of(join("and", _and), join("or", _or), negated)


@given(st.recursive(LEAF, _joined, max_leaves=6))
@settings(max_examples=120, deadline=None)
def test_a_missing_value_is_neither_true_nor_false(tree: Tree) -> None:
    text, expected = tree
    assert predicate(text).test(BLOCK, None).to_pylist() == expected
    assert matches(predicate(text), BLOCK).tolist() == [i for i, v in enumerate(expected) if v is True]


def test_accents_and_case_are_folded() -> None:
    assert predicate("accenti(t) = 'A b'").test(BLOCK, None).to_pylist() == [True, False, None, False, False, False]
    assert predicate("casei(accenti(t)) = 'a b'").test(BLOCK, None).to_pylist()[0] is True
    assert predicate("accenti(t) = accenti('Å b')").test(BLOCK, None).to_pylist()[0] is True
    assert unicodedata.normalize("NFD", "Å") != "Å"


def test_a_backslash_takes_the_meaning_of_a_sign() -> None:
    assert predicate("t like '\\%'").test(BLOCK, None).to_pylist() == [False, False, None, True, False, False]
    assert predicate("t like '%'").test(BLOCK, None).to_pylist() == [True, True, None, True, True, True]


def test_a_costly_pattern_costs_nothing() -> None:
    block: Any = Rows({"t": pa.array(["a" * 20_000 + "b"] * 20)})
    text = "t like '" + "%a" * 60 + "c'"
    assert predicate(text).test(block, None).to_pylist() == [False] * 20


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour = 1", "no property 'colour'"),
        ("tt = 'a'", "near: t"),
        ("n = 'a'", "n is a number, and it is compared with a string"),
        ("'a' = n", "n is a number"),
        ("t > 1", "t is a string"),
        ("b < true", "no order"),
        ("n", "compare it with a value"),
        ("t + 1 = 2", "takes numbers"),
        ("sleep(10) = 1", "no function 'sleep'"),
        ("n = sleep(10)", "no function 'sleep'"),
        ("casei(n) = 'a'", "takes a text"),
        ("n like 'a'", "compares a text"),
        ("t like t", "is a constant"),
        ("n in (1, 'a')", "compared with a string"),
        ("n in (m)", "constants"),
        ("t in (casei(t))", "constants"),
        ("n in (1, m + 1)", "constants"),
        ("t like casei(t)", "is a constant"),
        ("t between 'a' and 'b'", "takes numbers"),
        ("n = 1e999", "too large"),
        ("geometry = 1", "is a shape"),
        ("s_intersects(n, POINT(1 2))", "takes the property geometry"),
        ("s_intersects(geometry, geometry)", "a shape is expected"),
        ("s_nearby(geometry, POINT(1 2))", "is no condition"),
        ("s_intersects(geometry, POLYGON((0 0,1 1,0 1,1 0,0 0)))", "not valid"),
        ("s_intersects(geometry, POLYGON((0 0,1 1)))", "cannot be read"),
        ("s_intersects(geometry, BBOX(1,2,3))", "four or six"),
        ("s_intersects(geometry, BBOX(1,5,3,2))", "lies north"),
        ("s_intersects(geometry, LINESTRING(" + ",".join(f"{i} 0" for i in range(101)) + "))", "101 vertices"),
        ("n = DATE('2020-01-01')", "whole numbers"),
        ("t_after(n, DATE('2020-01-01'))", "takes the property year"),
        ("a_contains(t, ('a'))", "is no condition"),
        ("1", "a condition is expected"),
        ("'a'", "a condition is expected"),
        ("n = 1; drop table units", "filter"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(text: str, said: str) -> None:
    with pytest.raises(InvalidParameter, match=said.replace("(", r"\(")):
        predicate(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"op":"=","args":[{"property":"n"}]}',
        '{"op":"=","args":[{"property":5},1]}',
        '{"op":"and","args":[]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"bbox":["a",1,2,3]}]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Polygon","coordinates":"x"}]}',
        '{"op":"s_intersects","args":[{"property":"geometry"},{"type":"Point","coordinates":[]}]}',
        '{"op":"in","args":[{"property":"n"},5]}',
        "[]",
        "null",
    ],
)
def test_json_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter):
        predicate(text, "cql2-json")


def test_languages_are_listed() -> None:
    with pytest.raises(InvalidParameter, match="cql2-text, cql2-json, cql-text"):
        predicate("n = 1", "sql")
    assert predicate("n = 1", "cql-text").key == predicate("n = 1").key


def test_a_parameter_is_an_equality() -> None:
    number, whole, text, truth = FIELDS
    assert same(number, "2").test(BLOCK, None).to_pylist() == [None, False, True, False, True, None]
    assert same(whole, "2").test(BLOCK, None).to_pylist() == [False, None, True, False, True, None]
    assert same(text, "a").test(BLOCK, None).to_pylist() == [False, True, None, False, True, False]
    assert same(truth, "true").test(BLOCK, None).to_pylist() == [True, False, None, True, False, None]
    for field, wrong in ((number, "x"), (number, "nan"), (whole, "inf"), (truth, "1")):
        with pytest.raises(InvalidParameter, match=field.name):
            same(field, wrong)


WORDS = [
    "n", "m", "t", "b", "geometry", "1", "-2.5", "1e3", "'a'", "'%_\\'", "true", "and", "or", "not", "=", "<>", "<", "in", "like",
    "between", "is null", "is not null", "(", ")", ",", "+", "-", "*", "/", "%", "^", "div", "casei(", "accenti(", "POINT(1 2)",
    "BBOX(0,0,1,1)", "s_within(", "t_after(", "DATE('2020-01-01')", "INTERVAL('..','2020-01-01')",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=14))
@settings(max_examples=200, deadline=None)
def test_any_words_are_a_predicate_or_a_refusal(words: list[str]) -> None:
    try:
        made = predicate(" ".join(words))
    except InvalidParameter:
        return
    if not {"geometry", "s_within("} & set(words):
        assert len(made.test(BLOCK, None)) == BLOCK.count
        assert made.key


JSON_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.sampled_from("nmtb").map(lambda n: {"property": n}),
    st.sampled_from([{"property": "geometry"}, {"bbox": [0, 0, 1, 1]}, {"type": "Point", "coordinates": [1, 2]}]),
    st.sampled_from([{"date": "2020-01-01"}, {"interval": ["..", 5]}]),
)  # fmt: skip
OPERATIONS = (
    *OPS, "and", "or", "not", "in", "like", "between", "isNull", "+", "-", "/", "div", "casei", "accenti", *RELATIONS, "t_after", "x",
)  # fmt: skip


def _operation(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    made = st.builds(
        lambda op, args: {"op": op, "args": args}, st.sampled_from(OPERATIONS), st.lists(inner, max_size=4)
    )
    return st.one_of(made, st.lists(inner, max_size=3))


@given(st.recursive(JSON_LEAVES, _operation, max_leaves=8))
@settings(max_examples=200, deadline=None)
def test_any_json_is_a_predicate_or_a_refusal(tree: Any) -> None:
    text = json.dumps(tree)
    try:
        made = predicate(text, "cql2-json")
    except InvalidParameter:
        return
    if "geometry" not in text:
        assert len(made.test(BLOCK, None)) == BLOCK.count


def _grid(library: Library) -> Any:
    return library.results()[0].grid


@pytest.fixture(scope="module", autouse=True)
def _the_grid(library: Library) -> None:
    globals()["_GRID"] = _grid(library)


_GRID: Any = None
