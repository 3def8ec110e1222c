"""What people tell a loop, running or not: pin, suspend, resume, approve, override."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from interact_gitops.cli.ledgers import person
from interact_gitops.cli.locking import read_wait
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say
from interact_gitops.cli.times import now
from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.gitops.controls import Controls, Word

C = TypeVar("C", bound=Callable[..., object])
STATE = ".interact/sync"
STATE_OPTION = click.Option(
    ["--state"], default=STATE, show_default=True, metavar="DIR", help="Where the loop keeps its mirror and memory."
)
_REASON = click.option("--reason", required=True, metavar="WHY", help="Why, for everybody who looks at it later.")


def _state(function: C) -> C:
    return click.option("--state", default=STATE, show_default=True, metavar="DIR", help="Where the loop keeps it.")(
        function
    )


@command("pin", examples="interact-gitops sync pin 3f2a8c… --reason 'the new prompts answer nonsense'")
@click.argument("commit")
@_REASON
@_state
def pin(_workspace: Workspace, commit: str, reason: str, state: str) -> None:
    """Keep the target at COMMIT, whatever the branch says, until `sync resume`.

    A rollback that the loop does not undo. COMMIT is a full hash.
    """
    from interact_gitops.gitops.address import is_commit

    if not is_commit(commit):
        raise Refused(f"{commit[:60]!r} is not a commit's full hash", remedy="see `git rev-parse HEAD~1`")
    _tell(state, lambda controls: replace(controls, pin=_word(reason, commit)))
    say(f"The loop goes to {commit[:7]} at its next pass, and stays there until `interact-gitops sync resume`.")


@command("suspend", examples="interact-gitops sync suspend --reason 'migration of the warehouse'")
@_REASON
@_state
def suspend(_workspace: Workspace, reason: str, state: str) -> None:
    """Let the loop write nothing until `sync resume`."""
    _tell(state, lambda controls: replace(controls, suspend=_word(reason)))
    say("The loop writes nothing until `interact-gitops sync resume`.")


@command("resume", examples="interact-gitops sync resume")
@_state
def resume(_workspace: Workspace, state: str) -> None:
    """Follow the branch again: end what `sync pin`, `sync suspend` and `sync override` began."""
    from interact_gitops.gitops.controls import read_controls

    folder = Path(state)
    ended = [name for name in ("pin", "suspend", "override") if getattr(read_controls(folder), name) is not None]
    _tell(state, lambda controls: replace(controls, pin=None, suspend=None, override=None))
    say(f"Ended: {', '.join(ended)}." if ended else "Nothing was pinned, suspended or overridden.")


@command("approve", examples="interact-gitops sync approve 5d1c…")
@click.argument("digest")
@click.option("--reason", default="", metavar="WHY", help="Why, for everybody who looks at it later.")
@_state
def approve(_workspace: Workspace, digest: str, reason: str, state: str) -> None:
    """Let the plan with DIGEST be written, once; `status` shows what waits.

    A plan that changed meanwhile has another digest, and waits again.
    """
    from interact_gitops.gitops.memory import read_standing

    standing = read_standing(Path(state))
    waits = standing.hold.digest if standing is not None and standing.hold is not None else None
    if waits is None:
        raise Refused("no plan waits for an approval", remedy="see `interact-gitops status`")
    if len(digest) < 8 or not waits.startswith(digest):
        raise Refused(f"the plan that waits has the digest {waits}, not {digest[:64]!r}",
                      remedy="look at it with `interact-gitops status`, then approve that one")  # fmt: skip
    _tell(state, lambda controls: replace(controls, approvals={**controls.approvals, waits: _word(reason)}))
    say("Approved: it is written at the next pass, if it is still the same plan.")


@command("override", examples="interact-gitops sync override --for 1h --reason 'incident 4711'")
@click.option("--for", "seconds", required=True, callback=read_wait, metavar="DURATION", help="How long, at most 1d.")
@_REASON
@_state
def override(_workspace: Workspace, seconds: int, reason: str, state: str) -> None:
    """Let the loop write outside its windows for a while."""
    if not 0 < seconds <= timedelta(days=1).total_seconds():
        raise Refused("an override lasts at most a day", remedy="write --for 1h, or change the windows in git")
    until = now() + timedelta(seconds=seconds)
    _tell(state, lambda controls: replace(controls, override=_word(reason, until.isoformat())))
    say(f"Windows do not count until {until:%Y-%m-%d %H:%M} UTC.")


def _word(reason: str, value: str = "") -> Word:
    from interact_gitops.gitops.controls import Word

    return Word(by=person(), at=now().isoformat(timespec="seconds"), reason=reason[:500], value=value)


def _tell(state: str, change: Callable[[Controls], Controls]) -> None:
    from interact_gitops.gitops.controls import change_controls

    change_controls(Path(state), change)
