"""Filters as trees: what the library reads is read; what would stall or end the process is refused at once."""

from __future__ import annotations

import time
from typing import Any

import cql2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import InvalidParameter
from service.features.cql import read_json, read_text

TEXTS = [
    "a = 1",
    "a = 1 or b = 2 and c = 3",
    "(a = 1 or b = 2) and c = 3",
    "((a = 1) AND (b = 2)) AND (c = 3)",
    "not (a in (1, 2, 3)) and not b = 1",
    "a not between 1 and 3",
    "a between (1 + 1) and 3 * (2 - 1)",
    "(a + 1) * 2 > 3",
    "a - -1 = 2",
    "casei(name) like casei('a(%')",
    "name = 'it''s (not' and (a = 1)",
    "\"class\" in ('co_control', 'x') AND \"a\" IS NOT NULL",
    "s_intersects(geometry, POLYGON((0 0,1 0,1 1,0 0)))",
    "s_within(geometry, MULTIPOLYGON(((0 0,1 0,1 1,0 0)),((5 5,6 5,6 6,5 5)))) or (a = 1)",
    "S_INTERSECTS(geometry, BBOX(1, 2, 3, 4)) and (b > 1 or (c < 2))",
    "s_intersects(geometry, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1)))",
    "t_during(year, INTERVAL('2020-01-01', '..'))",
    "名称 = '中文' and (类别 = '(')",
    "a = 1.5e3 or b = -2",
    "flag",
    "(flag) and not (flag)",
]


def flat(tree: Any) -> Any:
    """The tree with an ``and`` inside an ``and`` made one of all their parts, as the library does with brackets it reads itself."""
    if isinstance(tree, list):
        return [flat(v) for v in tree]
    if not isinstance(tree, dict):
        return tree
    found = {k: flat(v) for k, v in tree.items()}
    if found.get("op") in ("and", "or"):
        parts = [p["args"] if isinstance(p, dict) and p.get("op") == found["op"] else [p] for p in found["args"]]
        found["args"] = [part for several in parts for part in several]
    return found


@pytest.mark.parametrize("text", TEXTS)
def test_brackets_taken_out_and_put_back_change_nothing(text: str) -> None:
    assert flat(read_text(text)) == flat(cql2.parse_text(text).to_json())


def _condition(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " OR "]), inner).map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        inner.map(lambda t: f"not ({t})"),
        inner.map(lambda t: f"({t})"),
    )


LEAVES = st.sampled_from(
    [
        "a = 1",
        "b in (1,(2))",
        "name like '(%'",
        "(a + 2) * b > 3",
        "casei(n) = 'x)'",
        "s_disjoint(geometry, POINT(1 2))",
    ]
)


@given(st.recursive(LEAVES, _condition, max_leaves=5))
@settings(max_examples=80, deadline=None)
def test_any_nesting_reads_as_the_library_reads_it(text: str) -> None:
    assert flat(read_text(text)) == flat(cql2.parse_text(text).to_json())


HOSTILE = {
    "brackets": "(" * 1990 + "a=1" + ")" * 1990,
    "not": "not " * 990 + "a=1",
    "signs": "a=" + "-" * 3990 + "1",
    "spaced signs": "a=" + "- " * 1900 + "1",
    "signs in brackets": "a=" + "-(" * 1300 + "1" + ")" * 1300,
    "functions": "a=" + "f(" * 1300 + "1" + ")" * 1300,
    "arrays": "a in " + "(" * 1900 + "1" + ")" * 1900,
    "lists in lists": "a in (" * 40 + "1 1" + ")" * 40,
    "open": "(" * 4000,
    "open functions": "a(" * 2000,
    "open shapes": "s_intersects(g," + "GEOMETRYCOLLECTION(" * 190,
    "powers": "a=1" + "^1" * 1990,
    "sums": "a=1" + "+1" * 1990,
    "comparisons": "a" + "=a" * 1990,
    "between": "a" + " between a" * 390,
    "unclosed text": "a = '" + "x" * 3000,
    "unclosed name": '"' * 3999,
    "groups that fail": "((a)=(1)or" * 390,
    "failing inside": "(" * 40 + "a=1 and" + ")" * 40,
    "failing right": "(a=1 and " * 40 + "a=" + ")" * 40,
    "closed first": ")" * 3000,
    "wide": " and ".join(["a=1"] * 800),
    "names of groups": '"__group_0__" = (1)',
    "nothing": "",
    "blank": "   ",
    "zero": "\x00",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_texts_are_refused_at_once(name: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InvalidParameter, match="filter"):
        read_text(HOSTILE[name])
    assert (
        time.perf_counter() - start < 2.0
    )  # milliseconds on a quiet machine; without the care taken, minutes or a crash


@given(st.text(alphabet="ab1(),'\"- =<>+*^andortinlike POLYGON.\n", max_size=200))
@settings(max_examples=300, deadline=2_000)
def test_noise_is_a_tree_or_a_refusal(text: str) -> None:
    try:
        tree = read_text(text)
    except InvalidParameter:
        return
    assert isinstance(tree, dict | bool | int | float | str | list)


def test_a_refusal_says_what_was_expected() -> None:
    with pytest.raises(InvalidParameter, match="expected"):
        read_text("rank <> and b = 2")
    with pytest.raises(InvalidParameter) as refused:
        read_text("(a = 1) (b = 2)")
    assert "__group" not in str(refused.value)


def _nested(depth: int) -> str:
    return '{"op":"not","args":[' * depth + "true" + "]}" * depth


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[1,", '{"op":"="', _nested(100), _nested(2_000), '{"op":1}', '"x"x', "nan",
        '{"op":"and","args":[' + ",".join(["true"] * 3000) + "]}",
    ],
)  # fmt: skip
def test_hostile_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameter, match="filter"):
        read_json(text)


def test_json_reads_as_it_is() -> None:
    tree: Any = {
        "op": "and",
        "args": [{"op": "=", "args": [{"property": "a"}, 1]}, {"op": "isNull", "args": [{"property": "b"}]}],
    }
    text = '{"op":"and","args":[{"op":"=","args":[{"property":"a"},1]},{"op":"isNull","args":[{"property":"b"}]}]}'
    assert read_json(text) == tree
