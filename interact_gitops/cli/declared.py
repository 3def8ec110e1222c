"""The declared channels in a plan: chosen, compared with the target's, and given their secrets to apply."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused, SelectionInvalid, did_you_mean

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.jobs.channels import Channel
    from interact_gitops.planning.channels import ChannelDiff

PREFIX = "channel:"


def split_selectors(texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """(selectors of jobs, patterns of channels): `channel:NAME` or a glob names channels."""
    terms = [term.strip() for text in texts for term in text.split(",") if term.strip()]
    patterns = [term.removeprefix(PREFIX) for term in terms if term.startswith(PREFIX)]
    return [term for term in terms if not term.startswith(PREFIX)], patterns


def choose_channels(channels: Sequence[Channel], patterns: Sequence[str]) -> tuple[Channel, ...]:
    """The declared channels that match. Raises SelectionInvalid for a pattern that names none."""
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(channel.name, pattern) for channel in channels):
            names = [channel.name for channel in channels]
            remedy = did_you_mean(pattern, names) or f"declared: {', '.join(sorted(names)) or 'none'}"
            raise SelectionInvalid(f"no declared channel matches {pattern!r}", remedy=remedy)
    return tuple(c for c in channels if any(fnmatch.fnmatchcase(c.name, pattern) for pattern in patterns))


def plan_channels(
    workspace: Workspace,
    client: Client,
    *,
    managed_by: str,
    patterns: Sequence[str] | None,
    adopt: Sequence[str],
    prune: bool,
) -> ChannelDiff | None:
    """The channels' part of a plan; None where there is nothing to compare.

    `patterns`: only the channels that these name; None for all. Raises Refused where channels are declared and
    the target has none to offer.
    """
    from interact_gitops.interact.errors import NotFound
    from interact_gitops.planning.channels import diff_channels

    declared = workspace.channels
    chosen = declared if patterns is None else choose_channels(declared, patterns)
    adopted = frozenset(channel.name for channel in choose_channels(declared, adopt))
    if not chosen and not prune:
        return None
    try:
        remote = client.channels.list()
        secrets = [secret for channel in chosen for secret in channel.secrets.values()]
        fingerprints = client.channels.fingerprints(secrets)
    except NotFound as missing:
        if not chosen:
            return None
        said = f"the target {workspace.target.name!r} has no channels, and {chosen[0].path} declares {len(chosen)}"
        raise Refused(said, remedy="make them in Interact's own settings, and remove `channels` here") from missing
    return diff_channels(
        chosen, remote, managed_by=managed_by, fingerprints=fingerprints, prune=prune, adopt=adopted
    )  # fmt: skip


def channel_secrets(workspace: Workspace, select: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
    """The write-only fields of the channels that apply looks at, by name.

    Raises Refused when one cannot be resolved: what is not compared must not pass for applied.
    """
    chosen = choose_channels(workspace.channels, split_selectors(select)[1]) if select else workspace.channels
    for channel in chosen:
        for part, why in channel.missing.items():
            said = f"{channel.path}:{channel.line}: channels.{channel.name}.{part}: {why}; nothing was done"
            raise Refused(said, remedy="set it: a channel is applied with its secrets, or not at all")
    return {channel.name: channel.secrets for channel in chosen}
