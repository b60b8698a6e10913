"""Pages for people: rendered here, escaped, with one style sheet in the page and nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from service.openapi.answers import FRESH, answer
from service.openapi.formats import HTML

__all__ = ["page", "rendered"]

_TEMPLATES = Path(__file__).with_name("templates")


@cache
def _style() -> str:
    return (_TEMPLATES / "style.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["shown"] = _shown
    return found


@cache
def _policy() -> str:
    """A content security policy that allows this page's own style and nothing else: no script at all."""
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'self'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    )


def rendered(template: str, /, **values: object) -> bytes:
    """A page as bytes."""
    return _environment().get_template(template).render(style=Markup(_style()), **values).encode()


def page(
    request: Request, template: str, /, *, cache: str = FRESH, private: bool = False, **values: object
) -> Response:
    """A page as an answer."""
    headers = {
        "Content-Security-Policy": _policy(),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }
    body = rendered(template, **values)
    return answer(request, body, HTML.media_type, cache=cache, private=private, headers=headers)


def _shown(value: object) -> str:
    """A value as people read it: nothing for what is missing, numbers without noise."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Tonnes as people write them: from six digits on without a fraction, and never as a power of ten.
        return f"{value:,.0f}" if 1e5 <= abs(value) < 1e15 else f"{value:,.6g}"
    return str(value)
