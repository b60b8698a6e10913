"""Counts of tiles: how they were answered."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Counts"]


@dataclass(slots=True)
class Counts:
    """Tiles since the process began: sent from memory, found unchanged at the client, drawn, found empty, refused."""

    memory: int = 0
    unchanged: int = 0
    drawn: int = 0
    empty: int = 0
    shared: int = 0
    refused: int = 0
    drawing_s: float = 0.0

    def from_memory(self, status: int) -> None:
        """One was answered by the cache."""
        if status == 304:
            self.unchanged += 1
        else:
            self.memory += 1
