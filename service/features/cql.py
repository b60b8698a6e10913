"""CQL2 as a tree of JSON, read by the cql2 library, which is never given what it cannot bear.

Where a text is at fault, the library's parser takes time exponential in the depth of its brackets, and where brackets or
signs are nested by the hundred it ends the process. So brackets are taken out here first: each group becomes a name of its
own in the text around it, every text that the library reads is flat, and the trees are put together again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import cql2
import orjson

from gis.errors import InvalidParameter

__all__ = ["read_json", "read_text"]

Json = Any
_DEPTH = 48
# Brackets of functions, lists and shapes stay in the text that the library reads.
_KEPT_DEPTH = 6
_NODES = 2_000
_GROUP = "__group_{}__"
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^']|'')*')|(?P<name>"(?:[^"]|"")*")|(?P<word>[^\W\d][\w.:]*)|(?P<open>\()|(?P<close>\))"""
    r"""|(?P<signs>-\s*-\s*-)|(?P<stray>['"])|(?P<rest>[^'"()\-\w]+|\d[\w.]*|-|.)""",
    re.DOTALL,
)
# After one of these words a bracket opens a group; after any other it belongs to a function, a list or a shape.
_BEFORE_GROUP = frozenset({"and", "or", "not", "between", "like", "is", "null", "div", "escape"})
_SHAPES = frozenset(
    {
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "z",
        "m",
        "zm",
    }
)


def read_json(text: str) -> Json:
    """The tree of a filter in CQL2-JSON."""
    try:
        tree = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidParameter(f"filter is not JSON: {error}") from error
    _check(tree)
    try:
        return cql2.parse_json(text).to_json()
    except Exception as error:
        raise _refusal(error) from error


def read_text(text: str) -> Json:
    """The tree of a filter in CQL2-Text."""
    if "__group_" in text:
        raise InvalidParameter("filter: no property has a name with __group_")
    whole, groups = _flattened(text)
    trees: dict[str, Json] = {}
    for position, group in enumerate(groups):  # inner ones come first
        trees[_GROUP.format(position)] = _joined(_parsed(group), trees, 0)
        _check(trees[_GROUP.format(position)])
    tree = _joined(_parsed(whole), trees, 0)
    _check(tree)
    return tree


def _parsed(text: str) -> Json:
    try:
        return cql2.parse_text(text).to_json()
    except Exception as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> InvalidParameter:
    # The library draws an arrow below the place; its last line says what it expected there.
    lines = [line.strip(" |=^-") for line in str(error).splitlines() if line.strip(" |=^-")]
    said = re.sub(r'"?__group_\d+__"?', "(…)", "; ".join(lines))
    return InvalidParameter(f"filter cannot be read as CQL2: {said[:300]}")


# -- brackets ---------------------------------------------------------------------------------------------------------


def _flattened(text: str) -> tuple[str, list[str]]:
    """The text with names in the place of its groups, and the texts of the groups, inner ones first."""
    groups: list[str] = []
    # What was read of each bracket that is open, and whether it is a group.
    open_: list[tuple[list[str], bool]] = []
    out: list[str] = []
    before = ""
    shape = 0  # open brackets of a shape
    for kind, token in _tokens(text):
        if kind == "open":
            group = not shape and (not before or before in _BEFORE_GROUP)
            shape += 1 if shape or before in _SHAPES else 0
            open_.append((out, group))
            out = []
            if len(open_) > _DEPTH or sum(not is_group for _, is_group in open_) > _KEPT_DEPTH:
                raise InvalidParameter(
                    f"filter: more than {_DEPTH} brackets are open at a time, or more than {_KEPT_DEPTH} of functions and lists; "
                    "write it flatter"
                )
        elif kind == "close":
            if not open_:
                raise InvalidParameter("filter: a bracket is closed that was not opened")
            inside, (out, group) = "".join(out), open_.pop()
            shape -= 1 if shape else 0
            out.append(f' "{_GROUP.format(len(groups))}" ' if group else f"({inside})")
            if group:
                groups.append(inside)
        else:
            out.append(token)
        before = _word_before(kind, token, before)
    if open_:
        raise InvalidParameter("filter: a bracket is opened that is not closed")
    return "".join(out), groups


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind == "stray":
            raise InvalidParameter("filter: a quotation mark is opened that is not closed")
        if kind == "signs":
            raise InvalidParameter("filter: more than two minus signs in a row")
        yield kind, found.group()


def _word_before(kind: str, token: str, before: str) -> str:
    if kind == "word":
        return token.lower()
    return before if token.isspace() else ""


def _joined(tree: Json, groups: dict[str, Json], depth: int) -> Json:
    """The tree with those of the groups in the place of their names."""
    if depth > 2 * _DEPTH:
        raise InvalidParameter("filter is nested too deeply")
    if isinstance(tree, dict):
        name = tree.get("property")
        if isinstance(name, str) and name in groups:
            return groups[name]
        return {k: _joined(v, groups, depth + 1) for k, v in tree.items()}
    if isinstance(tree, list):
        return [_joined(v, groups, depth + 1) for v in tree]
    return tree


def _check(tree: Json) -> None:
    """Refuse a tree that is too deep or too large, without descending into it."""
    level, nodes = [tree], 0
    for _ in range(2 * _DEPTH):
        inside = [node.values() if isinstance(node, dict) else node for node in level if isinstance(node, dict | list)]
        if not inside:
            return
        level = [value for values in inside for value in values]
        nodes += len(level)
        if nodes > _NODES:
            raise InvalidParameter(f"filter has more than {_NODES} parts")
    raise InvalidParameter("filter is nested too deeply")
