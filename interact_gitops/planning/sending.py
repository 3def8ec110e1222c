"""One change → one guarded request: every write of the package goes out here, under an etag or a key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interact_gitops.errors import Refused
from interact_gitops.interact.client import Client
from interact_gitops.planning.plan import Change

Secrets = Mapping[str, Mapping[str, str]]
"""The write-only fields of each channel, by its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Writes changes to one target. Safe to use from several threads.

    A create's idempotency key holds for one `run`: repeating a lost request makes nothing twice, and what was
    deleted by hand can be created again by the next apply.
    """

    client: Client
    secrets: Secrets = field(default_factory=dict, repr=False)
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def send(self, change: Change) -> None:
        """Write one change. Raises what the client raises, Refused where the target gave no etag."""
        if change.kind == "channel":
            self._send_channel(change)
        elif change.action == "create":
            self.client.create_job(change.body or {}, idempotency_key=f"apply-{self.run}-{change.key}")
        elif change.action == "delete":
            remote_id, etag = _place(change)
            self.client.delete_job(remote_id, etag=etag, applied=True)
        else:
            remote_id, etag = _place(change)
            self.client.replace_job(remote_id, change.body or {}, etag=etag)

    def _send_channel(self, change: Change) -> None:
        channels = self.client.channels
        body: dict[str, Any] = {**(change.body or {}), **self.secrets.get(change.key, {})}
        if change.action == "create":
            name = uuid.uuid5(uuid.NAMESPACE_URL, change.key)  # a channel's name may be more than a header can hold
            channels.create(body, idempotency_key=f"apply-{self.run}-channel-{name}")
            return
        remote_id, etag = _place(change)
        if change.action == "delete":
            channels.delete(remote_id, etag=etag)
        else:
            channels.replace(remote_id, body, etag=etag)


def _place(change: Change) -> tuple[str, str]:
    """(id, etag) of what is written over. Raises Refused where the target gave no etag."""
    if change.remote_id is None or change.etag is None:
        said = f"the target gave the {change.kind} {change.key} no etag: writing it could undo somebody else's change"
        raise Refused(said, remedy="check the target's version")
    return change.remote_id, change.etag
