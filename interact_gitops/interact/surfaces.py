"""Which API a target offers: the public one everywhere, the definitions API on some (interact-api.md, section 3)."""

from __future__ import annotations

from typing import Literal

from interact_gitops.interact.bodies import items
from interact_gitops.interact.errors import ApiRefusal, UnexpectedAnswer
from interact_gitops.interact.transport import Transport

Surface = Literal["public", "full"]
_NOT_THERE = frozenset({404, 405})


def ask_surface(transport: Transport) -> Surface:
    """Ask once, by the one call that only the definitions API has.

    Raises Unauthenticated or Forbidden when the key cannot tell, UnexpectedAnswer for what is no API.
    """
    what = "ask which API the target offers"
    try:
        items(transport.send("GET", "/api/agents/jobs", what=what, query={"limit": 1}), "jobs", what)
    except ApiRefusal as refused:
        if refused.status not in _NOT_THERE:
            raise
        return "public"
    except UnexpectedAnswer as strange:  # such as a web site's page for whatever it does not know
        remedy = "check the target's URL; if it has the public API only, set `api: public`"
        raise UnexpectedAnswer(strange.message, remedy=remedy) from strange
    return "full"
