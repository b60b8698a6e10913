"""Answers: the bytes of a tile with their headers, made once and sent many times."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from isal import isal_zlib
from starlette.requests import Request
from starlette.responses import Response

__all__ = [
    "IMMUTABLE",
    "MVT",
    "PBF",
    "PNG",
    "PRIVATE",
    "Answer",
    "answer_of",
    "entity_tag",
    "response_for",
    "takes_gzip",
]

PNG = "image/png"
MVT = "application/vnd.mapbox-vector-tile"
PBF = "application/x-protobuf"
IMMUTABLE = "public, max-age=31536000, immutable"
PRIVATE = "private, max-age=31536000, immutable"

Headers = tuple[tuple[bytes, bytes], ...]

_GZIP = 16 + 15
_LEVEL = 2
# Below this a packet is as long either way.
_WORTH_PACKING = 200
# Of the objects around the bytes, near enough for a budget.
_OVERHEAD = 900
_REFUSED = re.compile(rb"gzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a client gets. ``packed`` is the same in gzip, where that is shorter; its entity tag is another one."""

    status: int
    body: bytes
    headers: Headers
    tag: bytes
    packed: bytes = b""
    packed_headers: Headers = ()
    packed_tag: bytes = b""
    unchanged: Headers = field(default=())

    @property
    def size(self) -> int:
        """Bytes it takes in memory."""
        return len(self.body) + len(self.packed) + _OVERHEAD

    def pick(self, *, gzip: bool, known: bytes) -> tuple[int, Headers, bytes]:
        """Status, headers and body for a client that takes gzip or not and knows these entity tags already."""
        packed = gzip and bool(self.packed)
        if known and _knows(known, self.tag, self.packed_tag):
            return 304, (*self.unchanged, (b"etag", self.packed_tag if packed else self.tag)), b""
        if packed:
            return self.status, self.packed_headers, self.packed
        return self.status, self.headers, self.body


def answer_of(body: bytes | None, media_type: str, *, cache_control: str = IMMUTABLE, pack: bool = False) -> Answer:
    """The answer with these bytes; None is an answer without any: 204."""
    common: list[tuple[bytes, bytes]] = [(b"cache-control", cache_control.encode())]
    vary = [*(["Accept-Encoding"] if pack else []), *(["Authorization"] if cache_control == PRIVATE else [])]
    if vary:
        common.append((b"vary", ", ".join(vary).encode()))
    if body is None:
        tag = entity_tag(b"", media_type)
        return Answer(204, b"", (*common, (b"etag", tag)), tag, unchanged=tuple(common))
    tag = entity_tag(body, media_type)
    kind = [(b"content-type", media_type.encode()), *common]
    packed = _packed(body) if pack and len(body) > _WORTH_PACKING else b""
    packed_tag = tag[:-1] + b'-gzip"' if packed else b""
    plain = (*kind, (b"content-length", b"%d" % len(body)), (b"etag", tag))
    other = (
        *kind, (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(packed)), (b"etag", packed_tag)
    )  # fmt: skip
    return Answer(200, body, plain, tag, packed, other if packed else (), packed_tag, tuple(common))


def entity_tag(body: bytes, media_type: str) -> bytes:
    """A strong entity tag of bytes."""
    digest = hashlib.blake2b(body, digest_size=12, person=media_type.encode()[-16:]).hexdigest()
    return f'"{digest}"'.encode()


def response_for(request: Request, answer: Answer) -> Response:
    """The answer as the framework sends it to this client."""
    given = request.headers
    gzip = takes_gzip(given.get("accept-encoding", "").encode("latin-1"))
    status, headers, body = answer.pick(gzip=gzip, known=given.get("if-none-match", "").encode("latin-1"))
    response = Response(b"" if request.method == "HEAD" else body, status)
    response.raw_headers = list(headers)
    return response


def takes_gzip(accepted: bytes) -> bool:
    """Whether an Accept-Encoding allows gzip."""
    if b"gzip" not in accepted:
        return False
    return not _REFUSED.search(accepted)


def _knows(known: bytes, tag: bytes, packed_tag: bytes) -> bool:
    # If-None-Match compares weakly (RFC 9110, 13.1.2): W/ does not matter.
    found = {part.strip().removeprefix(b"W/") for part in known.split(b",")}
    return tag in found or b"*" in found or bool(packed_tag and packed_tag in found)


def _packed(body: bytes) -> bytes:
    packer = isal_zlib.compressobj(_LEVEL, wbits=_GZIP)
    packed: bytes = packer.compress(body) + packer.flush()
    return packed if len(packed) < len(body) else b""
