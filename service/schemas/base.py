"""What every answer has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

__all__ = ["Answer", "Problem", "Texts", "described"]


class Answer(BaseModel):
    """An answer. Numbers that are none (NaN) are null, never a word that JSON does not know."""

    model_config = ConfigDict(from_attributes=True, populate_by_name=True, ser_json_inf_nan="null", frozen=True)


class Texts(Answer):
    """A sentence in both languages."""

    zh: str
    en: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    request_id: str | None = None


def described(status: int, text: str) -> dict[int | str, dict[str, Any]]:
    """The document of an error status."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": text, "content": content, "model": Problem}}
