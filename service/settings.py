"""Settings of the service: every one of them, once, from ``COZONE_`` variables or the command line."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["Settings"]

_MB = 1_000_000


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
    def body_bytes(self) -> int:
        """Largest body of a request that is no upload."""
        return int(self.body_mb * _MB)

    @property
    def upload_bytes(self) -> int:
        """Largest upload."""
        return int(self.upload_mb * _MB)
