"""A form as the API call that does the same: what a page may do, and what is refused, is decided once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from interact_gitops.server.api.calls import Call, Caller
from interact_gitops.server.api.queries import Query
from interact_gitops.server.pages.visits import Visit


def call_of(
    visit: Visit,
    *,
    path: Mapping[str, str] | None = None,
    body: Mapping[str, Any] | None = None,
    etag: str | None = None,
) -> Call:
    """The call of whoever looks at the page. `etag` is what a change must match."""
    headers = {"content-type": "application/json"} | ({"if-match": etag} if etag else {})
    return Call(
        instance=visit.instance,
        caller=Caller(organisation_id=visit.organisation_id, key_name=visit.visitor.name),
        path=path or {},
        query=Query(values={}),
        headers=headers,
        raw=b"" if body is None else json.dumps(body).encode(),
    )
