"""Settings of the service: every one of them, once, from ``COZONE_`` variables or the command line."""

from __future__ import annotations

import re
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]

_MB = 1_000_000
_URL_CHARACTERS = re.compile(r"[A-Za-z0-9._~!$&()*+,;=:@%/?{}\[\]-]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:.]{2,45}", re.ASCII)
# Placeholders of XYZ, and what a RESTful WMTS calls the same.
_PLACEHOLDERS = {"{TileMatrix}": "{z}", "{TileCol}": "{x}", "{TileRow}": "{y}"}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a line without control characters is expected")
    return text


def _template(text: str | None) -> str | None:
    """The template with the placeholders {z}, {x} and {y}; none for an empty text."""
    if not text:
        return None
    for theirs, ours in _PLACEHOLDERS.items():
        text = text.replace(theirs, ours)
    if not _URL_CHARACTERS.fullmatch(text):
        raise ValueError(
            "letters, digits and marks of an address are expected; write others as %XX, and hosts as xn--…"
        )
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("https://host/… or http://host/… is expected")
    if "@" in parts.netloc:
        raise ValueError(
            "an address with a user is read by everybody who opens the map; no user or password is allowed"
        )
    if parts.port == 0:
        raise ValueError("port 0 is none")
    found = sorted(re.findall(r"\{[^{}]*\}", f"{parts.path}?{parts.query}"))
    if found != ["{x}", "{y}", "{z}"] or text.count("{") != 3 or text.count("}") != 3:
        raise ValueError(
            "{z}, {x} and {y} (or {TileMatrix}, {TileCol}, {TileRow}), each once, and no others are expected"
        )
    return text


_Line = Annotated[str, AfterValidator(_printable)]


class Settings(BaseSettings):
    """What a deployment may choose. Sizes are in the unit that their names end in."""

    model_config = SettingsConfigDict(env_prefix="COZONE_", frozen=True, extra="ignore")

    workspace: Path = Field(default=Path("workspace"), description="Workspace directory.")
    title: str = Field(default="cozone", max_length=200, description="Name of this service, as clients list it.")

    # -- where it listens, and under which names
    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(default=8765, ge=0, le=65535, description="Port to listen on; 0 for a free one.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests.")
    public_url: str | None = Field(
        default=None, pattern=r"^https?://[^\s?#]+$",
        description="Address under which clients see the service; left out: that of each request, if its host is trusted.",
    )  # fmt: skip
    trusted_hosts: tuple[str, ...] = Field(
        default=("localhost", "127.0.0.1", "[::1]", "testserver"),
        description="Host names that requests may carry beside that of public_url; * for any.",
    )
    cors_origins: tuple[str, ...] = Field(default=("*",), description="Origins whose pages may read answers.")

    # -- what the map lies on
    basemap_url: Annotated[str | None, AfterValidator(_template)] = Field(
        default=None, max_length=500,
        description="Base layer of the map: an XYZ template, `https://host/{z}/{x}/{y}.png`, or a WMTS tile template in Web Mercator. "
        "Browsers ask it, so whatever key it holds is public.",
    )  # fmt: skip
    basemap_title: _Line = Field(default="", max_length=200, description="Name of the base layer.")
    basemap_attribution: _Line = Field(default="", max_length=500, description="Whose base layer it is, as plain text.")

    # -- who may see and do what
    show_facilities: bool = Field(
        default=False, description="Facility names and contributions are shown to clients without a key."
    )
    open_writes: bool = Field(
        default=False, description="Writing needs no key; heeded only if the server listens on loopback alone."
    )
    uploads: bool = Field(default=True, description="Inventories may be uploaded, with a key of scope run.")

    # -- how much
    threads: int = Field(default=2, ge=1, le=64, description="Threads of a worker for tiles, features and statistics.")
    queue: int = Field(default=64, ge=1, description="Requests that may wait for such a thread; beyond it, 503.")
    request_s: float = Field(default=30.0, gt=0, description="Time a request may take.")
    tile_cache_mb: int = Field(default=128, ge=0, description="Tiles kept in the memory of a worker.")
    threshold_cache_mb: int = Field(default=256, ge=32, description="Hot sets kept in the memory of a worker.")
    views_gb: float = Field(default=20.0, gt=0, description="Planes kept on disk to draw from; the oldest go first.")
    body_mb: float = Field(default=2.0, gt=0, description="Body of a request that is no upload.")
    upload_mb: float = Field(default=256.0, gt=0, description="An uploaded file, as sent.")
    unpacked_mb: float = Field(default=1024.0, gt=0, description="What an uploaded archive may unpack to.")
    page_default: int = Field(default=1_000, ge=1, description="Features of a page.")
    page_max: int = Field(default=50_000, ge=1, description="Features of the largest page.")
    download_rows: int = Field(default=20_000_000, ge=1, description="Rows of the largest bulk download.")
    filter_chars: int = Field(default=4_000, ge=100, description="Length of a filter.")
    polygon_vertices: int = Field(default=20_000, ge=4, description="Vertices of a posted polygon.")
    polygon_cells: int = Field(default=5_000_000, ge=1, description="Cells a posted polygon may touch.")
    jobs: int = Field(default=1, ge=0, le=16, description="Processes that grid, zone, compare and export.")
    job_queue: int = Field(default=20, ge=1, description="Jobs that may wait.")

    # -- what it tells
    log_format: Literal["text", "json"] = Field(default="text", description="Form of the log on standard error.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least level logged.")
    log_tiles: bool = Field(default=False, description="Log tiles that were answered from memory, too.")

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    @property
    def basemap_origins(self) -> tuple[str, ...]:
        """Origins beside its own that the map may load pictures from: that of the base layer, if there is one."""
        if self.basemap_url is None:
            return ()
        parts = urlsplit(self.basemap_url)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return (f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else ""),)

    @property
    def body_bytes(self) -> int:
        """Largest body of a request that is no upload."""
        return int(self.body_mb * _MB)

    @property
    def upload_bytes(self) -> int:
        """Largest upload."""
        return int(self.upload_mb * _MB)
