"""Telling people of the machinery itself: a remark to each of the channels that the operator named."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from interact_gitops.notify.events import Remark
from interact_gitops.notify.messages.composing import compose
from interact_gitops.notify.sender import GivenUp, Outcome, Sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Herald:
    """`senders` by channel name. Use it from any thread."""

    senders: Mapping[str, Sender]

    def tell(self, channel: str, remark: Remark, *, reached: frozenset[str] = frozenset()) -> Outcome:
        """Send a remark to one channel; what became of it. The message's id is the same for every try."""
        sender = self.senders.get(channel)
        if sender is None:
            return GivenUp(why=f"the configuration no longer names the channel {channel!r} under notices")
        identity = hashlib.sha256(f"{remark.id}\n{channel}".encode()).hexdigest()[:24]
        message = compose(remark, delivery=f"ntc_{identity}", topic=remark.topic, public_url=None)
        return sender.send(message, reached=reached)
