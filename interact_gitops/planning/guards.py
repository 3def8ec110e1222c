"""What apply refuses to do at once, before its first write. Pure.

Shares are of the jobs (or channels) that we manage on the target, rounded up, at least one; creates never count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from interact_gitops.errors import Failure, GuardHeld
from interact_gitops.planning.plan import Kind, Plan

_PERCENT = re.compile(r"(100|[0-9]{1,2})%\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """The configured limits: a count, or a share such as `10%`."""

    max_deletes: str | int = "10%"
    max_changes: str | int = "50%"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A limit that is passed: what to say, and the flag that lets it through."""

    said: str
    flag: str
    count: int = 0


def check_guards(
    plan: Plan,
    guards: Guards,
    *,
    allow_deletes: str | None = None,
    allow_changes: str | None = None,
    allow_empty: bool = False,
) -> None:
    """Raise GuardHeld when the plan deletes or changes more than is allowed, or would empty the target.

    `allow_…` override the configured limit for once. The failure tells everything that is in the way, and all
    flags at once. Raises Failure for a limit that cannot be read.
    """
    held: list[_Held] = []
    if plan.prune and plan.definitions == 0 and plan.managed and not allow_empty:
        said = f"the definitions hold no job, and the target has {plan.managed} that are managed from here"
        held.append(_Held(said=said, flag="--allow-empty"))
    managed: Mapping[Kind, int] = {"job": plan.managed, "channel": plan.managed_channels}
    for kind, there in managed.items():
        deletes, changes = plan.count("delete", kind=kind), plan.count("update", "move", kind=kind)
        held += _over(deletes, guards.max_deletes, allow_deletes, there, kind=kind, doing="delete", noun="deletes")
        held += _over(changes, guards.max_changes, allow_changes, there, kind=kind, doing="change", noun="changes")
    if held:
        flags = {one.flag: max(other.count for other in held if other.flag == one.flag) for one in held}
        needed = " ".join(f"{flag} {count}" if count else flag for flag, count in flags.items())
        look = "check the folder" if "--allow-empty" in flags else "check the plan"
        raise GuardHeld("; ".join(one.said for one in held), remedy=f"{look}; pass {needed} to go on this once")


def allowed(limit: str | int, managed: int, *, name: str) -> int:
    """How many a limit allows of `managed` jobs. Raises Failure for a text that is no count or share."""
    text = str(limit).strip()
    share = _PERCENT.match(text)
    if share:
        return max(1, -(-int(share.group(1)) * managed // 100)) if int(share.group(1)) else 0
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    raise Failure(f"{name}: {text[:40]!r} is not a limit", remedy="write a whole number, or a share such as 10%")


def _over(
    count: int, limit: str | int, once: str | None, managed: int, *, kind: Kind, doing: str, noun: str
) -> Iterator[_Held]:
    setting, flag = f"guards.max_{noun}", f"--allow-{noun}"
    name, limit = (setting, limit) if once is None else (flag, once)
    most = allowed(limit, managed, name=name)
    if count > most:
        said = f"this would {doing} {count} of the {managed} {kind}s managed from here; the limit is {most}"
        yield _Held(said=f"{said} ({name}: {limit})", flag=flag, count=count)
