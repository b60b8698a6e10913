"""Expressions: values of rows, from columns, constants and what is worked out from them."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from service.features.rows import Block, Ints

__all__ = ["Arithmetic", "Column", "Expression", "Folded", "Literal", "by_value", "plain"]


class Expression(Protocol):
    """A value of every row."""

    @property
    def key(self) -> str:
        """A text that stands for the expression."""
        ...

    @property
    def constant(self) -> bool:
        """Whether no property is in it."""
        ...

    def value(self, block: Block, wanted: Ints | None) -> Any:
        """An array, or a scalar for a constant."""
        ...


@dataclass(frozen=True, slots=True)
class Column:
    """A property."""

    name: str

    @property
    def constant(self) -> bool:
        """False."""
        return False

    @property
    def key(self) -> str:
        """The name, quoted."""
        return repr(self.name)

    def value(self, block: Block, wanted: Ints | None) -> Any:
        """The column."""
        return block.column(self.name, wanted)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    given: str | float | int | bool

    @property
    def constant(self) -> bool:
        """True."""
        return True

    @property
    def key(self) -> str:
        """The constant with its type."""
        return f"{type(self.given).__name__}:{self.given!r}"

    def value(self, block: Block, wanted: Ints | None) -> Any:
        """The constant as a scalar."""
        return pa.scalar(self.given)


_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": pc.add, "-": pc.subtract, "*": pc.multiply, "/": pc.divide, "%": lambda a, b: _modulo(a, b),
    "div": lambda a, b: pc.floor(pc.divide(a, b)), "^": pc.power,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum, difference, product, quotient, rest or power of numbers; what is no number is missing."""

    op: str
    left: Expression
    right: Expression

    @property
    def key(self) -> str:
        """The operation in brackets."""
        return f"({self.left.key}{self.op}{self.right.key})"

    @property
    def constant(self) -> bool:
        """Whether both sides are."""
        return self.left.constant and self.right.constant

    def value(self, block: Block, wanted: Ints | None) -> Any:
        """The result as floating-point numbers."""
        sides = [pc.cast(side.value(block, wanted), pa.float64()) for side in (self.left, self.right)]
        found = _ARITHMETIC[self.op](*sides)
        return pc.if_else(pc.is_finite(found), found, pa.scalar(None, pa.float64()))


def _modulo(a: Any, b: Any) -> Any:
    return pc.subtract(a, pc.multiply(pc.trunc(pc.divide(a, b)), b))


@dataclass(frozen=True, slots=True)
class Folded:
    """A text without its case (``casei``) or without its accents (``accenti``)."""

    function: str
    inner: Expression

    @property
    def key(self) -> str:
        """The function and what it is of."""
        return f"{self.function}({self.inner.key})"

    @property
    def constant(self) -> bool:
        """Whether the text is."""
        return self.inner.constant

    def value(self, block: Block, wanted: Ints | None) -> Any:
        """The folded texts."""
        found = self.inner.value(block, wanted)
        if isinstance(found, pa.Scalar):
            return pa.scalar(self._fold(found.as_py()))
        return by_value(found, self._folded)

    def _folded(self, texts: Any) -> Any:
        if pc.all(pc.string_is_ascii(texts)).as_py() is not False:
            return pc.utf8_lower(texts) if self.function == "casei" else texts
        return pa.array([None if t is None else self._fold(t) for t in texts.to_pylist()], pa.string())

    def _fold(self, text: str) -> str:
        if self.function == "casei":
            return text.casefold()
        return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def by_value(column: Any, function: Callable[[Any], Any]) -> Any:
    """A function of a column, of a dictionary's values only where it has one."""
    if not pa.types.is_dictionary(column.type):
        return function(column)
    return function(column.dictionary).take(column.indices)


def plain(value: Any) -> Any:
    """A column as it would be without a dictionary; anything else as it is."""
    return value.dictionary_decode() if isinstance(value, pa.DictionaryArray) else value
