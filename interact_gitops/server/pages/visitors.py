"""Who looks at a page: the one place that decides it.

Without a password it is whoever uses this machine: the server is on loopback then, and who can reach it can read its
data folder. With `INTERACT_UI_PASSWORD` it is whoever signed in. A server that other machines reach shows pages with a
password only. Pages are of the first organisation.
"""

from __future__ import annotations

from dataclasses import dataclass

from interact_gitops.server.failures import Forbidden, NotFound, Unauthenticated
from interact_gitops.server.instance import Instance
from interact_gitops.server.pages.sessions import Session
from interact_gitops.server.store import organisations, sessions


class SignInNeeded(Unauthenticated):
    """Nobody is signed in, and somebody must be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Whose jobs are shown, and who is named as the initiator of what is started. `name` is shown in the header."""

    organisation_id: str
    name: str
    signed_in: bool = False

    @property
    def initiator(self) -> str:
        """As chats name whoever started them."""
        return f"ui:{self.name}"


NOBODY = Visitor(organisation_id="", name="")


def visitor_of(instance: Instance, session: Session) -> Visitor:
    """Who is behind a session. Raises SignInNeeded, Forbidden, and NotFound where there is no organisation yet."""
    if instance.password is None and instance.options.allow_remote:
        raise Forbidden(
            "this server is reachable from other machines, and its pages have no password",
            remedy="set INTERACT_UI_PASSWORD where it is started; the API works with keys all the same",
        )
    with instance.database.read() as db:
        if instance.password is not None:
            known = not session.fresh and sessions.is_known(
                db, session.id, password=instance.password.mark, now=instance.now()
            )
            if not known:
                raise SignInNeeded("you are not signed in", remedy="sign in, and send the form again")
        organisation_ids = organisations.organisation_ids(db)
    if not organisation_ids:
        raise NotFound("this server has no organisation yet")
    return Visitor(organisation_id=organisation_ids[0], name="local", signed_in=instance.password is not None)
