"""Channels and what was told to them, found and put into words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.output import instant, shorten
from interact_gitops.errors import SelectionInvalid, did_you_mean

if TYPE_CHECKING:
    from interact_gitops.interact.channels import Delivery, RemoteChannel
    from interact_gitops.interact.client import Client

_WAIT_SECONDS, _LOOK_SECONDS = 45.0, 0.2


def find_channel(client: Client, name: str) -> RemoteChannel:
    """The target's channel of this name. Raises SelectionInvalid with the nearest."""
    found = {channel.name: channel for channel in client.channels.list()}
    if name not in found:
        remedy = did_you_mean(name, found) or f"there are: {', '.join(sorted(found)) or 'none; declare it, and apply'}"
        raise SelectionInvalid(f"there is no channel {name!r} on the target", remedy=remedy)
    return found[name]


def settled(client: Client, delivery_id: str) -> Delivery:
    """A delivery once it was sent or given up; as it stands when that takes too long."""
    deadline = time.monotonic() + _WAIT_SECONDS
    delivery = client.channels.delivery(delivery_id)
    while delivery.state == "waiting" and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        delivery = client.channels.delivery(delivery_id)
    return delivery


def dead_messages(client: Client, channel: str | None) -> Iterator[Delivery]:
    """What could not be delivered; of tests somebody heard at once."""
    return (one for one in client.channels.deliveries(state="dead", channel=channel) if one.topic != "test")


def channel_row(channel: RemoteChannel) -> list[str]:
    """A channel's line in a table."""
    said = channel.definition
    return [channel.name, said["type"], said["level"], ", ".join(said["topics"]), channel.managed_by or "nobody"]


def channel_json(channel: RemoteChannel) -> dict[str, Any]:
    """A channel for programs; fingerprints stand for its secrets."""
    return {"id": channel.id, **channel.definition, "managedBy": channel.managed_by}


def delivery_row(delivery: Delivery) -> list[str]:
    """A message's line in a table."""
    job = delivery.raw.get("job")
    about = f"{job.get('key')}, {delivery.topic}" if isinstance(job, dict) else delivery.topic
    return [delivery.id, delivery.channel, about, _when(delivery.raw.get("createdAt")), str(delivery.tries),
            shorten(delivery.error or "—", 100)]  # fmt: skip


def _when(text: object) -> str:
    try:
        return instant(datetime.fromisoformat(str(text)).astimezone())
    except ValueError:
        return "—"
