"""The fonts that come with the package: three files, every sign in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

__all__ = ["FAMILY", "FILES", "FontFile", "characters"]

FAMILY = "Cozone Sans"
_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class FontFile:
    """A file, and the name that matplotlib finds it by."""

    name: str
    path: Path


# Letters, figures, signs and the ideographs of most texts; rarer ideographs; those of names. Asked in this order.
FILES = tuple(FontFile(f"{FAMILY} {n}", _HERE / f"CozoneSans-{n}.otf") for n in (1, 2, 3))


@lru_cache(maxsize=1)
def characters() -> tuple[frozenset[int], ...]:
    """Code points of each file."""
    # matplotlib takes a fifth of a second to import, which a server that is asked for tiles must not wait for.
    from matplotlib.ft2font import FT2Font

    return tuple(frozenset(FT2Font(str(file.path)).get_charmap()) for file in FILES)
