"""Predicates: a tree of conditions over the columns and shapes of a block, with the three-valued logic of CQL2.

A condition on a missing value is neither true nor false; a feature is selected where the whole is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from service.features.expressions import Column, Expression, Literal, by_value, plain
from service.features.rows import Block, Bounds, Ints

__all__ = [
    "And",
    "Between",
    "Compare",
    "Constant",
    "In",
    "Like",
    "Missing",
    "Not",
    "Or",
    "Predicate",
    "conjunction",
    "matches",
]


class Predicate(Protocol):
    """A condition. ``key`` is the same for equal conditions; ``wanted`` are the rows that matter, None for all."""

    @property
    def key(self) -> str:
        """A text that stands for the condition."""
        ...

    @property
    def bounds(self) -> Bounds | None:
        """A box in CRS84 outside of which it is never true, None if there is none."""
        ...

    @property
    def years(self) -> tuple[int, int] | None:
        """First and last year beyond which it is never true, None if it does not say."""
        ...

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """True, false or null for every row that matters."""
        ...


def matches(predicate: Predicate, block: Block) -> Ints:
    """Positions of the rows that are selected."""
    return np.flatnonzero(pc.fill_null(predicate.test(block, None), False).to_numpy(zero_copy_only=False))


def _size(block: Block, wanted: Ints | None) -> int:
    return block.count if wanted is None else len(wanted)


# -- conditions -------------------------------------------------------------------------------------------------------

_COMPARE = {
    "=": pc.equal, "<>": pc.not_equal, "<": pc.less, "<=": pc.less_equal, ">": pc.greater, ">=": pc.greater_equal,
}  # fmt: skip
_TURNED = {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class _Anywhere:
    """A condition that says nothing about place and time."""

    __slots__ = ()

    @property
    def bounds(self) -> Bounds | None:
        """No box."""
        return None

    @property
    def years(self) -> tuple[int, int] | None:
        """No span."""
        return None


@dataclass(frozen=True, slots=True)
class Constant(_Anywhere):
    """A condition that is true, or false, of everything."""

    holds: bool

    @property
    def key(self) -> str:
        """True or False."""
        return str(self.holds)

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """The constant, row by row."""
        return pa.array(np.full(_size(block, wanted), self.holds))


@dataclass(frozen=True, slots=True)
class Compare(_Anywhere):
    """A comparison of two values of one type."""

    op: str
    left: Expression
    right: Expression

    @property
    def key(self) -> str:
        """The comparison in brackets."""
        return f"({self.left.key}{self.op}{self.right.key})"

    @property
    def years(self) -> tuple[int, int] | None:
        """The span of a comparison of ``year`` with a number."""
        left, op, right = self.left, self.op, self.right
        if isinstance(right, Column):
            left, op, right = right, _TURNED[op], left
        if not (isinstance(left, Column) and left.name == "year" and isinstance(right, Literal)) or op == "<>":
            return None
        number = float(right.given)
        if not abs(number) < 1e9:
            return None
        low, high = int(np.floor(number)), int(np.ceil(number))
        return {"=": (low, high), "<": (-(10**9), high), "<=": (-(10**9), high)}.get(op, (low, 10**9))

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which rows compare so."""
        left, right = self.left.value(block, wanted), self.right.value(block, wanted)
        compare = _COMPARE[self.op]
        if isinstance(left, pa.Scalar) and isinstance(right, pa.Scalar):
            return pa.array(np.full(_size(block, wanted), compare(left, right).as_py()))
        if isinstance(right, pa.Scalar):
            return by_value(left, lambda values: compare(values, right))
        if isinstance(left, pa.Scalar):
            return by_value(right, lambda values: compare(left, values))
        return compare(plain(left), plain(right))


@dataclass(frozen=True, slots=True)
class Between(_Anywhere):
    """A number between two others, ends included."""

    inner: Expression
    low: Expression
    high: Expression

    @property
    def key(self) -> str:
        """The condition in brackets."""
        return f"({self.low.key}<={self.inner.key}<={self.high.key})"

    @property
    def years(self) -> tuple[int, int] | None:
        """The span of years it names."""
        return _within(Compare(">=", self.inner, self.low).years, Compare("<=", self.inner, self.high).years)

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which rows lie between."""
        parts = [Compare(">=", self.inner, self.low), Compare("<=", self.inner, self.high)]
        return pc.and_kleene(*(part.test(block, wanted) for part in parts))


@dataclass(frozen=True, slots=True)
class In(_Anywhere):
    """A value that is one of several."""

    inner: Expression
    values: tuple[Any, ...]

    @property
    def key(self) -> str:
        """The values in brackets."""
        return f"({self.inner.key} in {self.values!r})"

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which rows have one of them."""
        found = self.inner.value(block, wanted)
        if isinstance(found, pa.Scalar):
            found = pa.array([found.as_py()] * _size(block, wanted), found.type)

        def among(column: Any) -> Any:
            kind = (
                pa.float64() if pa.types.is_integer(column.type) or pa.types.is_floating(column.type) else column.type
            )
            held = pc.is_in(column.cast(kind), value_set=pa.array(self.values, kind))
            return pc.if_else(pc.is_valid(column), held, pa.scalar(None, pa.bool_()))

        return by_value(found, among)


@dataclass(frozen=True, slots=True)
class Like(_Anywhere):
    """A text of a pattern: ``%`` stands for any signs, ``_`` for one, a backslash takes their meaning."""

    inner: Expression
    pattern: str

    @property
    def key(self) -> str:
        """The pattern in brackets."""
        return f"({self.inner.key} like {self.pattern!r})"

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which rows have such a text."""
        found = self.inner.value(block, wanted)
        if isinstance(found, pa.Scalar):
            found = pa.array([found.as_py()] * _size(block, wanted), found.type)
        # Arrow matches with RE2: linear in the text, whatever the pattern.
        return by_value(found, lambda texts: pc.match_like(texts, self.pattern))


@dataclass(frozen=True, slots=True)
class Missing(_Anywhere):
    """A value that is not there."""

    inner: Expression

    @property
    def key(self) -> str:
        """The condition in brackets."""
        return f"({self.inner.key} is null)"

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """Which rows have none."""
        found = self.inner.value(block, wanted)
        if isinstance(found, pa.Scalar):
            return pa.array(np.full(_size(block, wanted), not found.is_valid))
        return pc.is_null(plain(found))


@dataclass(frozen=True, slots=True)
class Not(_Anywhere):
    """The opposite."""

    inner: Predicate

    @property
    def key(self) -> str:
        """The condition after ``not``."""
        return f"not {self.inner.key}"

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """True where the other is false."""
        return pc.invert(self.inner.test(block, wanted))


@dataclass(frozen=True, slots=True)
class And:
    """All of several conditions; those on shapes come last and see only the rows that the others left."""

    parts: tuple[Predicate, ...]

    @property
    def key(self) -> str:
        """The parts in brackets."""
        return f"({' and '.join(p.key for p in self.parts)})"

    @property
    def bounds(self) -> Bounds | None:
        """The box that all boxes have in common; one without an inside where they have none."""
        found = [p.bounds for p in self.parts if p.bounds is not None]
        if not found:
            return None
        west, south = max(b[0] for b in found), max(b[1] for b in found)
        return west, south, min(b[2] for b in found), min(b[3] for b in found)

    @property
    def years(self) -> tuple[int, int] | None:
        """The years that all of them allow."""
        out = None
        for part in self.parts:
            out = _within(out, part.years)
        return out

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """True where all are."""
        rows = np.arange(block.count) if wanted is None else wanted
        out = pa.array(np.ones(len(rows), bool))
        left = np.arange(len(rows))
        for part in sorted(self.parts, key=lambda p: p.bounds is not None):
            tested = part.test(block, None if len(left) == block.count else rows[left])
            out = pc.and_kleene(out, _spread(tested, left, len(rows)))
            left = np.flatnonzero(pc.fill_null(out, True).to_numpy(zero_copy_only=False))
        return out


def _spread(tested: pa.Array, at: Ints, size: int) -> pa.Array:
    """Results at some rows among all of them; those that are out already stay false."""
    if len(at) == size:
        return tested
    value, missing = np.zeros(size, bool), np.zeros(size, bool)
    value[at] = pc.fill_null(tested, False).to_numpy(zero_copy_only=False)
    missing[at] = pc.is_null(tested).to_numpy(zero_copy_only=False)
    return pa.array(value, mask=missing)


@dataclass(frozen=True, slots=True)
class Or:
    """One of several conditions."""

    parts: tuple[Predicate, ...]

    @property
    def key(self) -> str:
        """The parts in brackets."""
        return f"({' or '.join(p.key for p in self.parts)})"

    @property
    def bounds(self) -> Bounds | None:
        """The box around all boxes, if every part has one."""
        found = [p.bounds for p in self.parts]
        known = [b for b in found if b is not None]
        if len(known) < len(found):
            return None
        return min(b[0] for b in known), min(b[1] for b in known), max(b[2] for b in known), max(b[3] for b in known)

    @property
    def years(self) -> tuple[int, int] | None:
        """The span around all spans, if every part has one."""
        known = [p.years for p in self.parts if p.years is not None]
        if len(known) < len(self.parts):
            return None
        return min(y[0] for y in known), max(y[1] for y in known)

    def test(self, block: Block, wanted: Ints | None) -> pa.Array:
        """True where one is."""
        out = self.parts[0].test(block, wanted)
        for part in self.parts[1:]:
            out = pc.or_kleene(out, part.test(block, wanted))
        return out


def _within(a: tuple[int, int] | None, b: tuple[int, int] | None) -> tuple[int, int] | None:
    if a is None or b is None:
        return a or b
    return max(a[0], b[0]), min(a[1], b[1])


def conjunction(parts: Sequence[Predicate]) -> Predicate | None:
    """All of some conditions, None if there is none."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))
