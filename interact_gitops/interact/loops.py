"""What sync loops say of themselves on a target: `client.loops`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from interact_gitops.interact.bodies import items

if TYPE_CHECKING:
    from interact_gitops.interact.transport import Transport

_SYNC = "/api/sync"


class Loops:
    """The standings of an organisation's sync loops, one for each ownership mark."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def repositories(self) -> dict[str, str]:
        """Which repository keeps the jobs of which mark. Raises NotFound where the target keeps no standings."""
        what = "list the sync loops"
        standings = items(self._transport.send("GET", _SYNC, what=what), "sync", what)
        return {str(standing.get("managedBy")): str(standing.get("repository")) for standing in standings}

    def report(self, standing: Mapping[str, Any]) -> None:
        """Say how a loop stands (`SyncStanding`). Raises NotFound."""
        self._transport.send("PUT", _SYNC, what="report the sync loop", body=standing, repeatable=True)
