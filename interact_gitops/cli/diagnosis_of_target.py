"""What `doctor` looks at on the target. It starts nothing and changes nothing there.

What a key may do is asked with requests for things that cannot be there: who may not is told so, who may is told
that there is no such thing. Hosted Interact is asked nothing but what it documents.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from interact_gitops.cli.diagnosis import Finding, counted, failed
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client

NEEDED = {
    "agent_jobs_read": "plan, list and history",
    "agent_jobs_trigger": "run and cancel",
    "agent_jobs_write": "apply and import --adopt",
}  # what does not work without each permission
MOST_SKEW = 30.0  # seconds; a run's date, and what counts as late, go by both clocks


def target(workspace: Workspace) -> Iterator[Finding]:
    """The surface, the clock, the key's permissions, the agents."""
    try:
        chosen = workspace.target
        with workspace.client() as client:
            surface = client.surface()
            yield Finding(subject="target", level="ok", said=f"{chosen.name} at {chosen.url}, {surface} API")
            yield from _public(client) if surface == "public" else _full(workspace, client)
            yield from _clock(client)
    except Failure as failure:
        yield failed("target", failure)


def _public(client: Client) -> Iterator[Finding]:
    said = "definitions cannot be read or changed there; runs and chats can"
    remedy = (
        "enter jobs in Interact's own form, as `apply` prints them, with 'Enable schedule' off: the runner runs them"
    )
    yield Finding(subject="target", level="warn", said=said, remedy=remedy)
    count = sum(1 for _ in client.chats())
    yield Finding(subject="key", level="ok", said=f"agent_jobs_read: {counted(count, 'chat')} can be read")
    said = "agent_jobs_trigger: not looked at, since the only documented way to know is to start a run"
    yield Finding(subject="key", level="ok", said=said)


def _full(workspace: Workspace, client: Client) -> Iterator[Finding]:
    from interact_gitops.interact.errors import NotFound

    nothing = f"doctor-{uuid.uuid4().hex}"
    try:
        has = ["agent_jobs_read"] if _may(client.agents) else []
    except NotFound:
        # Nothing else is asked of what is no definitions API: there a request may mean something else.
        said = "it has no definitions API, though the configuration says `api: full`"
        yield Finding(subject="target", level="fail", said=said, remedy="write `api: auto`, or correct the URL")
        return
    has += ["agent_jobs_trigger"] if _may_there(lambda: client.cancel_chat(nothing)) else []
    has += ["agent_jobs_write"] if _may_there(lambda: client.delete_job(nothing, etag='"0"')) else []
    for permission, needed in NEEDED.items():
        if permission not in has:
            remedy = f"use a key that has it for {needed}; `plan` needs agent_jobs_read alone"
            yield Finding(
                subject="key", level="warn", said=f"lacks {permission}: {needed} will not work", remedy=remedy
            )
    if has:
        yield Finding(subject="key", level="ok", said=f"has {', '.join(has)}")
    if "agent_jobs_read" in has:
        yield from _agents(workspace, {agent.slug: agent.active for agent in client.agents()})


def _may(ask: Callable[[], object]) -> bool:
    """Whether the key may ask this."""
    from interact_gitops.interact.errors import Forbidden

    try:
        ask()
    except Forbidden:
        return False
    return True


def _may_there(ask: Callable[[], object]) -> bool:
    """As `_may`, of what cannot be there: to hear that is to be allowed."""
    from interact_gitops.interact.errors import NotFound

    try:
        return _may(ask)
    except NotFound:
        return True


def _clock(client: Client) -> Iterator[Finding]:
    ahead = client.clock_ahead
    if ahead is None:
        return
    if abs(ahead) <= MOST_SKEW:
        yield Finding(subject="clock", level="ok", said=f"within {max(1, round(abs(ahead)))} s of the target's")
        return
    said = f"{abs(ahead):.0f} s {'behind' if ahead > 0 else 'ahead of'} the target's; up to {MOST_SKEW:.0f} s is well"
    remedy = "set this machine's clock (NTP): schedules are evaluated by it"
    yield Finding(subject="clock", level="warn", said=said, remedy=remedy)


def _agents(workspace: Workspace, known: dict[str, bool]) -> Iterator[Finding]:
    try:
        wanted = {d.job.agent for d in workspace.load().definitions}
    except Failure:
        return  # said above, with the definitions
    missing = sorted(wanted - known.keys())
    inactive = sorted(slug for slug in wanted if known.get(slug) is False)
    if missing:
        remedy = f"agents there: {', '.join(sorted(known))}"
        yield Finding(subject="agents", level="fail", said=f"not on the target: {', '.join(missing)}", remedy=remedy)
    if inactive:
        said = f"not active: {', '.join(inactive)}"
        yield Finding(subject="agents", level="warn", said=said, remedy="activate them in Interact")
    if not missing and not inactive:
        yield Finding(subject="agents", level="ok", said=f"all {len(wanted)} that jobs name are there")
