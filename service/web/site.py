"""The files of the map, read once: each under an address that holds the digest of all, so that browsers keep them for good."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gis.errors import InvalidParameter, NotFound

__all__ = ["Site"]

_HERE = Path(__file__).parent
_FONTS = Path(__file__).parents[2] / "gis" / "fonts"
_FOLDERS = {"app": _HERE / "app", "style": _HERE / "style", "vendor": _HERE / "vendor", "fonts": _FONTS}
_TYPES = {
    ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8", ".txt": "text/plain; charset=utf-8", ".otf": "font/otf", ".woff2": "font/woff2",
}  # fmt: skip
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class File:
    """Bytes and their media type."""

    body: bytes = field(repr=False)
    media_type: str


class Site:
    """The page and its files. ``basemap_origins``: other hosts that pictures may come from, if a setting names one."""

    def __init__(self, basemap_origins: tuple[str, ...] = ()) -> None:
        self._files = dict(sorted(_read()))
        index = (_HERE / "index.html").read_text("utf-8")
        whole = hashlib.sha256(index.encode())
        for path, file in self._files.items():
            whole.update(path.encode() + b"\0" + hashlib.sha256(file.body).digest())
        # Browsers keep a file with its policy, and a worker is held by that.
        self.policy = _policy(basemap_origins)
        whole.update(self.policy.encode())
        self.digest = whole.hexdigest()[:_DIGITS]
        self.index = index.replace("{{assets}}", f"web/{self.digest}").encode()

    def file(self, digest: str, path: str) -> File:
        """A file of the page by its address below ``/web/``."""
        found = self._files.get(path)
        if found is None or digest != self.digest:
            raise NotFound(
                "the map has no such file; a page that was open while the service was renewed is loaded again"
            )
        return found

    @property
    def paths(self) -> tuple[str, ...]:
        """What there is, below the digest."""
        return tuple(self._files)


def _read() -> list[tuple[str, File]]:
    return [
        (f"{name}/{path.relative_to(folder).as_posix()}", File(path.read_bytes(), _TYPES[path.suffix]))
        for name, folder in _FOLDERS.items()
        for path in folder.rglob("*")
        if path.suffix in _TYPES
    ]


def _policy(origins: tuple[str, ...]) -> str:
    """What the page may do: its own scripts, styles, workers and data; pictures from the base map's host, if there is one.

    Workers are held by the policy of their own answer, so all files bring it.
    """
    for origin in origins:
        if not urlsplit(origin).scheme or set(origin) & set(" ;,'\""):
            raise InvalidParameter(f"{origin!r} is no origin; one like https://tiles.example.org is expected")
    away = "".join(f" {o}" for o in origins)
    return (
        f"default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; font-src 'self'; "
        f"img-src 'self' data: blob:{away}; connect-src 'self' blob:{away}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
