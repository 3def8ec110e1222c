"""A call as an endpoint sees it, and what it gives back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from interact_gitops.server.api.bodies import read_body
from interact_gitops.server.api.queries import Query
from interact_gitops.server.failures import Invalid, PreconditionRequired, Stale
from interact_gitops.server.instance import Instance

_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls: the key's organisation and the key's name."""

    organisation_id: str
    key_name: str

    @property
    def initiator(self) -> str:
        """As chats name whoever started them."""
        return f"key:{self.key_name}"


NOBODY = Caller(organisation_id="", key_name="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, authenticated and read, not yet understood. Header names are in lower case."""

    instance: Instance
    caller: Caller
    path: Mapping[str, str]
    query: Query
    headers: Mapping[str, str]
    raw: bytes = field(repr=False)

    def body(self, schema: str) -> Any:
        """The body as JSON that fits a component schema; `{}` when there is none. Raises Malformed, Invalid,
        UnsupportedMediaType."""
        return read_body(self.raw, self.headers.get("content-type"), schema)

    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header. Raises Invalid for one that is empty, long or unprintable."""
        key = self.headers.get("idempotency-key")
        if key is not None and not (0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable()):
            raise Invalid(f"the header Idempotency-Key must be 1 to {_LONGEST_KEY} printable ASCII characters")
        return key

    def demand_match(self, etag: str) -> None:
        """Raises PreconditionRequired without If-Match, Stale when it does not name `etag`."""
        wanted = self.headers.get("if-match")
        if wanted is None:
            raise PreconditionRequired(
                "this write needs the header If-Match", remedy="send the ETag of the version that you read"
            )
        # Strong comparison (RFC 9110, 13.1.1): a weak tag never matches.
        if wanted.strip() != "*" and etag not in {tag.strip() for tag in wanted.split(",")}:
            raise Stale(
                f"it changed since: its ETag is {etag}, not {wanted[:60]}",
                members={"etag": etag},
                remedy="read it again and decide again",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer. `content` is sent as it is."""

    status: int = 200
    content: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


Endpoint: TypeAlias = Callable[[Call], Reply]


def to_json(value: object) -> bytes:
    """JSON as it is sent: UTF-8, no spaces; never NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def answer(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status=status, content=to_json(body), headers=headers or {})
