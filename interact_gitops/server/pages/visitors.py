"""Who looks at a page: the one place that decides it.

Today it is the user of this machine, in the first organisation: the server is on loopback, and who can reach it can
read its data folder. A server that other machines reach shows no page until somebody signs in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from interact_gitops.server.failures import Forbidden, NotFound
from interact_gitops.server.instance import Instance
from interact_gitops.server.store import organisations


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whose jobs are shown, and who is named as the initiator of what is started. `name` is shown in the header."""

    organisation_id: str
    name: str

    @property
    def initiator(self) -> str:
        """As chats name whoever started them."""
        return f"ui:{self.name}"


def visitor_of(instance: Instance, headers: Mapping[str, str]) -> Visitor:  # noqa: ARG001 - whoever signed in says so there
    """Who is behind this request. Raises Forbidden, and NotFound where there is no organisation yet."""
    if instance.options.allow_remote:
        raise Forbidden(
            "this server is reachable from other machines, and its pages are shown to this machine only",
            remedy="serve without --allow-remote to use them, or use the API with a key",
        )
    with instance.database.read() as db:
        known = organisations.organisation_ids(db)
    if not known:
        raise NotFound("this server has no organisation yet")
    return Visitor(organisation_id=known[0], name="local")
