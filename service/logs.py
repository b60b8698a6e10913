"""Structured logs: one line an event, in text or JSON, each with the id of the request it belongs to."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import orjson

from service.settings import Settings

__all__ = ["REQUEST_ID", "configure", "logger"]

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
logger = logging.getLogger("cozone")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return orjson.dumps(_fields(self, record), default=str).decode()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields = _fields(self, record)
        head = f"{fields.pop('time')} {fields.pop('level'):7} {fields.pop('event')}"
        trace = fields.pop("exception", "")
        # A line stays a line, whatever a client sent.
        rest = " ".join(
            f"{k}={str(v)!r}" if " " in str(v) or not str(v).isprintable() else f"{k}={v}" for k, v in fields.items()
        )
        return f"{head} {rest}".rstrip() + (f"\n{trace}" if trace else "")


def _fields(formatter: logging.Formatter, record: logging.LogRecord) -> dict[str, Any]:
    moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {"time": moment, "level": record.levelname.lower(), "event": record.getMessage()}
    if REQUEST_ID.get():
        fields["request_id"] = REQUEST_ID.get()
    fields |= getattr(record, "fields", {})
    if record.exc_info:
        fields["exception"] = formatter.formatException(record.exc_info)
    return fields


def configure(settings: Settings) -> None:
    """Send what cozone and uvicorn log to standard error, in the form of the settings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if settings.log_format == "json" else _Text())
    for name in ("cozone", "uvicorn.error"):
        found = logging.getLogger(name)
        found.handlers, found.propagate = [handler], False
        found.setLevel(settings.log_level.upper())
