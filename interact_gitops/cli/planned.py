"""What plan, apply and demo share: definitions and target in, a Plan out; a Plan in, coloured lines out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.output import say
from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.planning.plan import Plan
    from interact_gitops.planning.rendering.styled import Line

STYLES: Mapping[str, Mapping[str, Any]] = {
    "create": {"fg": "green"},
    "update": {"fg": "yellow"},
    "delete": {"fg": "red"},
    "move": {"fg": "cyan"},
    "adopt": {"fg": "blue"},
    "refused": {"fg": "magenta"},
    "added": {"fg": "green"},
    "removed": {"fg": "red"},
    "added-word": {"fg": "green", "reverse": True},
    "removed-word": {"fg": "red", "reverse": True},
    "dim": {"dim": True},
    "bold": {"bold": True},
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
}


def is_public(workspace: Workspace, client: Client) -> bool:
    """Whether the target has the public API alone, asked once. Raises DefinitionsInvalid before it is asked."""
    workspace.definitions()
    return client.surface() == "public"


def make_plan(
    workspace: Workspace,
    client: Client,
    *,
    select: Sequence[str] = (),
    adopt: Sequence[str] = (),
    prune: bool | None = None,
) -> Plan:
    """The plan of the chosen definitions against the target, read now.

    It prunes unless told otherwise, but never with a selection or a folder named on the command line:
    what is not looked at must not be deleted. Raises DefinitionsInvalid before the target is asked.
    """
    from interact_gitops.cli.declared import plan_channels, split_selectors
    from interact_gitops.config import owner
    from interact_gitops.gitops.checkout import read_checkout
    from interact_gitops.jobs.selectors import select as choose
    from interact_gitops.planning.channels import with_channels
    from interact_gitops.planning.diff import diff

    settings, target = workspace.settings, workspace.target
    partial = bool(select) or workspace.definitions_named is not None
    if prune and partial:
        raise Refused("--prune deletes what is not in the tree", remedy="leave out --select and --definitions")
    prune = not partial if prune is None else prune
    wanted, channels = split_selectors(select)
    adopted_jobs, adopted_channels = split_selectors(adopt)
    everything = workspace.definitions()
    definitions = choose(everything, wanted) if wanted else () if channels else everything
    adopted = frozenset(d.job.key for d in choose(everything, adopted_jobs)) if adopted_jobs else frozenset()
    managed_by = owner(settings)
    if client.surface() == "public":
        said = f"the target {target.name!r} offers the public API only: its definitions cannot be read or changed"
        raise Refused(said, remedy="enter the jobs in Interact's own form; `run` and `history` work")
    checkout = read_checkout(settings.folder)
    jobs = diff(
        definitions,
        client.jobs(),
        managed_by=managed_by,
        commit=checkout.commit if checkout else None,
        schedule_enabled=target.schedules != "runner",
        prune=prune,
        adopt=adopted,
        agents=frozenset(agent.slug for agent in client.agents()),
        target=f"{target.url} {target.organization}",
    )
    beside = plan_channels(
        workspace, client, managed_by=managed_by, patterns=channels if select else None, adopt=adopted_channels,
        prune=prune,
    )  # fmt: skip
    return jobs if beside is None else with_channels(jobs, beside)


def say_lines(lines: Iterable[Line]) -> None:
    """Print styled lines; click leaves the colours out where they do not belong, and marks then stand for them."""
    marks = not _coloured()
    say(
        "\n".join(
            "".join(
                click.style(text, **STYLES[style]) if style in STYLES else text
                for text, style in line
                if marks or style != "mark"
            )
            for line in lines
        )
    )


def _coloured() -> bool:
    context = click.get_current_context(silent=True)
    return sys.stdout.isatty() if context is None or context.color is None else context.color
