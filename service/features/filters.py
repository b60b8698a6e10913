"""Filters: a CQL2 tree becomes a predicate over a collection; names are looked up in its fields, types are checked."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gis.errors import InvalidParameter
from service.features.cql import read_json, read_text
from service.features.crs import Crs
from service.features.expressions import Arithmetic, Column, Expression, Folded, Literal
from service.features.fields import Field, FieldType, field_named
from service.features.places import RELATIONS, Spatial
from service.features.predicate import And, Between, Compare, Constant, In, Like, Missing, Not, Or, Predicate
from service.features.shapes import shape_of_json

__all__ = ["LANGUAGES", "read_filter", "same"]

Json = Any
# cql-text is what GDAL calls its subset of CQL2-Text.
LANGUAGES = ("cql2-text", "cql2-json", "cql-text")
_GEOMETRY = ("geometry", "geom")
_COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
_NUMERIC = ("+", "-", "*", "/", "%", "div", "^")
_YEAR = re.compile(r"(\d{4})-\d\d-\d\d(T[0-9:.]+Z)?")


@dataclass(frozen=True, slots=True)
class _Typed:
    """An expression with its type, and its field where it is one."""

    expression: Expression
    type: FieldType
    field: Field | None = None


def read_filter(text: str, language: str, fields: Sequence[Field], crs: Crs, *, vertices: int) -> Predicate:
    """The predicate of a filter; InvalidParameter that says what does not fit, and what would."""
    if language not in LANGUAGES:
        raise InvalidParameter(f"filter-lang {language[:30]!r} is not served; use one of {', '.join(LANGUAGES)}")
    tree = read_json(text) if language == "cql2-json" else read_text(text)
    return _Reader(fields, crs, vertices).condition(tree)


def same(field: Field, text: str) -> Predicate:
    """The predicate of a parameter ``property=value``."""
    value: str | float | int | bool = text
    if field.type is FieldType.BOOLEAN:
        if text not in ("true", "false"):
            raise InvalidParameter(f"{field.name}: {text[:40]!r} is neither true nor false")
        value = text == "true"
    elif field.type is not FieldType.TEXT:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InvalidParameter(f"{field.name}: {text[:40]!r} is no number")
    return Compare("=", Column(field.name), Literal(value))


class _Reader:
    """Reads the nodes of a tree one by one."""

    def __init__(self, fields: Sequence[Field], crs: Crs, vertices: int) -> None:
        self._fields = fields
        self._crs = crs
        self._vertices = vertices

    # -- conditions -------------------------------------------------------------------------------------------------

    def condition(self, node: Json) -> Predicate:
        """The predicate of a node."""
        if isinstance(node, bool):
            return Constant(node)
        if isinstance(node, dict) and "property" in node:
            return self._flag(node)
        op, args = self._call(node)
        if op in ("and", "or"):
            parts = tuple(self.condition(arg) for arg in args)
            if not parts:
                raise InvalidParameter(f"filter: {op} joins nothing")
            return And(parts) if op == "and" else Or(parts)
        if op in RELATIONS:
            return self._spatial(op, args)
        if op.startswith("t_"):
            return self._temporal(op, args)
        reader = self._readers().get(op)
        if reader is None:
            raise InvalidParameter(f"filter: {op[:40]!r} is no condition here; there is {', '.join(self._known())}")
        return reader(op, args)

    def _readers(self) -> dict[str, Callable[[str, list[Json]], Predicate]]:
        return {
            "not": self._not, "between": self._between, "in": self._in, "like": self._like, "isNull": self._missing,
            **dict.fromkeys(_COMPARISONS, self._compare),
        }  # fmt: skip

    def _known(self) -> list[str]:
        return ["and", "or", *self._readers(), *RELATIONS]

    @staticmethod
    def _call(node: Json) -> tuple[str, list[Json]]:
        if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
            raise InvalidParameter("filter: a condition is expected, such as rank <= 10, and a value came")
        op = node["op"]
        return (op.lower() if op != "isNull" else op), node["args"]

    def _flag(self, node: Json) -> Predicate:
        found = self._value(node)
        if found.type is not FieldType.BOOLEAN:
            raise InvalidParameter(f"filter: {node['property']!r} is no condition; compare it with a value")
        return Compare("=", found.expression, Literal(True))

    def _not(self, op: str, args: list[Json]) -> Predicate:
        (inner,) = self._count(op, args, 1)
        return Not(self.condition(inner))

    def _compare(self, op: str, args: list[Json]) -> Predicate:
        left, right = (self._value(arg) for arg in self._count(op, args, 2))
        self._alike(left, right)
        if left.type is FieldType.BOOLEAN and op not in ("=", "<>"):
            raise InvalidParameter(f"filter: true and false have no order; use = or <> instead of {op}")
        return Compare(op, left.expression, right.expression)

    def _between(self, op: str, args: list[Json]) -> Predicate:
        found = [self._value(arg) for arg in self._count(op, args, 3)]
        for each in found:
            if each.type not in (FieldType.NUMBER, FieldType.INTEGER):
                raise InvalidParameter("filter: between takes numbers")
        return Between(*(each.expression for each in found))

    def _in(self, op: str, args: list[Json]) -> Predicate:
        inner, values = self._count(op, args, 2)
        found = self._value(inner)
        if not isinstance(values, list):
            raise InvalidParameter("filter: in takes a list of values")
        found_values = [self._value(value) for value in values]
        for each in found_values:
            self._alike(found, each)
        return In(
            found.expression, tuple(_constant(each.expression, "in takes a list of constants") for each in found_values)
        )

    def _like(self, op: str, args: list[Json]) -> Predicate:
        inner, pattern = (self._value(arg) for arg in self._count(op, args, 2))
        if inner.type is not FieldType.TEXT or pattern.type is not FieldType.TEXT:
            raise InvalidParameter("filter: like compares a text with a pattern")
        return Like(inner.expression, str(_constant(pattern.expression, "the pattern of like is a constant")))

    def _missing(self, op: str, args: list[Json]) -> Predicate:
        (inner,) = self._count(op, args, 1)
        if isinstance(inner, dict) and inner.get("property") in _GEOMETRY:
            return Constant(False)  # every feature has a shape
        return Missing(self._value(inner).expression)

    @staticmethod
    def _count(op: str, args: list[Json], count: int) -> list[Json]:
        if len(args) != count:
            raise InvalidParameter(f"filter: {op} takes {count} values, and {len(args)} came")
        return args

    @staticmethod
    def _alike(left: _Typed, right: _Typed) -> None:
        numbers = (FieldType.NUMBER, FieldType.INTEGER)
        if left.type is right.type or (left.type in numbers and right.type in numbers):
            return
        named = left.field or right.field
        what = f"{named.name} is a {named.type}" if named else f"a {left.type} is no {right.type}"
        other = right.type if left.field else left.type
        raise InvalidParameter(f"filter: {what}, and it is compared with a {other}")

    # -- values -----------------------------------------------------------------------------------------------------

    def _value(self, node: Json) -> _Typed:
        if isinstance(node, bool):
            return _Typed(Literal(node), FieldType.BOOLEAN)
        if isinstance(node, int | float):
            if not math.isfinite(node) or abs(node) > 1e300:
                raise InvalidParameter("filter: a number is too large")
            return _Typed(Literal(float(node)), FieldType.NUMBER)
        if isinstance(node, str):
            return _Typed(Literal(node), FieldType.TEXT)
        if isinstance(node, dict) and isinstance(node.get("property"), str):
            return self._property(node["property"])
        if isinstance(node, dict) and ("date" in node or "timestamp" in node):
            raise InvalidParameter(
                "filter: years are whole numbers here, such as year >= 2022; or use datetime=2022-01-01/.."
            )
        op, args = self._call(node)
        if op in ("casei", "accenti"):
            return self._folded(op, args)
        if op in _NUMERIC:
            return self._arithmetic(op, args)
        raise InvalidParameter(f"filter: no function {op[:40]!r}; there is casei, accenti, {' '.join(_NUMERIC)}")

    def _property(self, name: str) -> _Typed:
        if name in _GEOMETRY:
            raise InvalidParameter(f"filter: {name} is a shape; use it in {', '.join(RELATIONS)}")
        field = field_named(self._fields, name, "filter")
        return _Typed(Column(field.name), field.type, field)

    def _folded(self, op: str, args: list[Json]) -> _Typed:
        inner = self._value(self._count(op, args, 1)[0])
        if inner.type is not FieldType.TEXT:
            raise InvalidParameter(f"filter: {op} takes a text")
        return _Typed(Folded(op, inner.expression), FieldType.TEXT, inner.field)

    def _arithmetic(self, op: str, args: list[Json]) -> _Typed:
        if op == "-" and len(args) == 1:
            args = [0.0, *args]
        sides = [self._value(arg) for arg in self._count(op, args, 2)]
        if any(side.type not in (FieldType.NUMBER, FieldType.INTEGER) for side in sides):
            raise InvalidParameter(f"filter: {op} takes numbers")
        return _Typed(Arithmetic(op, sides[0].expression, sides[1].expression), FieldType.NUMBER)

    # -- place and time ---------------------------------------------------------------------------------------------

    def _spatial(self, op: str, args: list[Json]) -> Predicate:
        left, right = self._count(op, args, 2)
        turned = isinstance(right, dict) and "property" in right
        named, shape = (right, left) if turned else (left, right)
        if not isinstance(named, dict) or named.get("property") not in _GEOMETRY:
            raise InvalidParameter(f"filter: {op} takes the property geometry and a shape")
        found, rectangle = shape_of_json(shape, self._crs, vertices=self._vertices)
        relation = {"s_within": "s_contains", "s_contains": "s_within"}.get(op, op) if turned else op
        return Spatial(relation, found, rectangle)

    def _temporal(self, op: str, args: list[Json]) -> Predicate:
        left, right = self._count(op, args, 2)
        if not isinstance(left, dict) or left.get("property") != "year":
            raise InvalidParameter(f"filter: {op} takes the property year and a date or an interval")
        year = self._property("year").expression
        first, last = _years(right)
        spans: dict[str, tuple[int | None, int | None]] = {
            "t_after": (None if last is None else last + 1, None),
            "t_before": (None, None if first is None else first - 1),
            "t_during": (None if first is None else first + 1, None if last is None else last - 1),
            "t_intersects": (first, last),
        }
        if op not in spans or (op == "t_after" and last is None) or (op == "t_before" and first is None):
            raise InvalidParameter(f"filter: {op[:40]!r} is not served for such a date; there is {', '.join(spans)}")
        low, high = spans[op]
        parts: list[Predicate] = [] if low is None else [Compare(">=", year, Literal(float(low)))]
        parts += [] if high is None else [Compare("<=", year, Literal(float(high)))]
        return And(tuple(parts)) if parts else Constant(True)


def _years(node: Json) -> tuple[int | None, int | None]:
    """Years of the ends of a date, a moment or an interval; None where it is open."""
    texts = [node.get("date"), node.get("timestamp")] if isinstance(node, dict) else []
    found = [text for text in texts if text is not None]
    ends = found * 2 if found else node.get("interval") if isinstance(node, dict) else None
    if not isinstance(ends, list) or len(ends) != 2:
        raise InvalidParameter("filter: DATE('2022-01-01'), TIMESTAMP('…') or INTERVAL('…','…') is expected")
    return _year(ends[0]), _year(ends[1])


def _year(text: Json) -> int | None:
    if text == "..":
        return None
    match = _YEAR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise InvalidParameter("filter: a date looks like 2022-01-01, a moment like 2022-01-01T00:00:00Z")
    return int(match[1])


def _constant(expression: Expression, otherwise: str) -> Any:
    """The value of an expression without a property."""
    if not expression.constant:
        raise InvalidParameter(f"filter: {otherwise}")
    return expression.value(_NOTHING, None).as_py()


class _Nothing:
    """A block without rows, over which constants are worked out."""

    count = 0


_NOTHING: Any = _Nothing()
