"""Memory of tiles: by address, the least recently asked for go first, never more than so many bytes."""

from __future__ import annotations

from collections import OrderedDict

from service.tiles.answers import Answer

__all__ = ["TileCache"]

_ALIASES = 50_000
_ALIAS_BYTES = 600


class TileCache:
    """Answers by key, and other addresses of the same answer. Used from the event loop alone, so it takes no lock.

    A key is made of an allow-list of parameters in one form. Another spelling of it leads to the same answer, so that nobody can fill
    the memory with copies of one tile.
    """

    def __init__(self, size_bytes: int) -> None:
        self._size = size_bytes
        self._answers: OrderedDict[bytes, Answer] = OrderedDict()
        self._aliases: OrderedDict[bytes, bytes] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, key: bytes) -> Answer | None:
        """The answer kept under a key or an alias of it."""
        found = self._answers.get(key)
        if found is None:
            real = self._aliases.get(key)
            found = None if real is None else self._answers.get(real)
            if real is None or found is None:
                return None
            key = real
        self._answers.move_to_end(key)
        return found

    def put(self, key: bytes, answer: Answer) -> None:
        """Keep an answer; one that would fill more than an eighth of the memory is not kept."""
        self._drop(key)
        if answer.size + len(key) > self._size // 8:
            return
        self._answers[key] = answer
        self.bytes += answer.size + len(key)
        while self.bytes > self._size:
            self._drop(next(iter(self._answers)))

    def alias(self, address: bytes, key: bytes) -> None:
        """Let an address lead to a key."""
        if address == key or len(address) > _ALIAS_BYTES:
            return
        self._aliases[address] = key
        self._aliases.move_to_end(address)
        if len(self._aliases) > _ALIASES:
            self._aliases.popitem(last=False)

    def _drop(self, key: bytes) -> None:
        gone = self._answers.pop(key, None)
        if gone is not None:
            self.bytes -= gone.size + len(key)
