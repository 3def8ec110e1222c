"""The channels of a target as methods: `client.channels`. Their secrets go in and never come out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from interact_gitops.interact.bodies import part, read, whole
from interact_gitops.interact.errors import KeyTaken, NotFound, Stale, UnexpectedAnswer
from interact_gitops.interact.paging import PAGE, pages
from interact_gitops.interact.records import Misread, read_etag
from interact_gitops.interact.transport import Answer, Transport
from interact_gitops.jobs.channels import CHANNEL_FIELDS, FINGERPRINTS, channel_definition, channel_hash

_CHANNELS, _FINGERPRINTS = "/api/notifications/channels", "/api/notifications/fingerprints"
_DELIVERIES = "/api/notifications/deliveries"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteChannel:
    """A channel on a target. `definition` has its fields in one form, fingerprints instead of secrets."""

    id: str
    name: str
    etag: str | None
    managed_by: str | None
    applied_hash: str | None
    definition: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one channel. `state` is waiting, sent or dead; `error` why the last try failed."""

    id: str
    channel: str
    topic: str
    state: str
    tries: int
    error: str | None
    raw: Mapping[str, Any] = field(repr=False)


class Channels:
    """The channels of one organisation, and what was told to them."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self) -> list[RemoteChannel]:
        """Every channel, whoever manages it. Raises NotFound where the target has no channels."""
        found = pages(self._transport, _CHANNELS, "channels", {"limit": PAGE}, "list channels")
        return [read(read_channel, raw, "list channels") for raw in found]

    def fingerprints(self, secrets: Sequence[str]) -> dict[str, str]:
        """What each secret shows as on this target; asked without keeping anything there."""
        distinct = sorted(set(secrets))
        if not distinct:
            return {}
        self._transport.mask.add(distinct)
        what = "compare the channels' secrets"
        body = {"secrets": distinct}
        answer = self._transport.send("POST", _FINGERPRINTS, what=what, body=body, repeatable=True)
        found = whole(answer, what).get("fingerprints")
        if not isinstance(found, list) or len(found) != len(distinct) or not all(isinstance(f, str) for f in found):
            raise UnexpectedAnswer(f"{what}: the answer has no fingerprints", remedy="check the target's version")
        return dict(zip(distinct, found, strict=True))

    def create(self, body: Mapping[str, Any], *, idempotency_key: str) -> RemoteChannel:
        """Create a channel; repeating the call with the same key makes nothing twice. Raises KeyTaken."""
        what = self._writing("create", body)
        try:
            answer = self._transport.send(
                "POST", _CHANNELS, what=what, body=body, headers={"Idempotency-Key": idempotency_key}, repeatable=True
            )
        except KeyTaken as taken:
            ours = [one for one in self.list() if one.name == body.get("name")] if taken.maybe_done else []
            if not ours or not _is_written(ours[0], body):
                raise
            return ours[0]
        return _one(answer, what)

    def replace(self, channel_id: str, body: Mapping[str, Any], *, etag: str) -> RemoteChannel:
        """Write a whole channel if it is still at `etag`; a secret left out stays. Raises Stale when it moved."""
        what = self._writing("update", body)
        path = f"{_CHANNELS}/{part(channel_id)}"
        try:
            answer = self._transport.send(
                "PUT", path, what=what, body=body, headers={"If-Match": etag}, repeatable=True
            )
        except Stale as stale:
            if stale.maybe_done:
                now = _one(self._transport.send("GET", path, what=what), what)
                if _is_written(now, body):
                    return now  # our own first attempt, whose answer was lost
            raise
        return _one(answer, what)

    def delete(self, channel_id: str, *, etag: str) -> None:
        """Delete a channel if it is still at `etag`; jobs keep its name. Raises Stale, NotFound."""
        path = f"{_CHANNELS}/{part(channel_id)}"
        what = f"delete channel {channel_id}"
        try:
            self._transport.send("DELETE", path, what=what, headers={"If-Match": etag}, repeatable=True)
        except NotFound as gone:
            if not gone.maybe_done:
                raise

    def test(self, channel: RemoteChannel) -> Delivery:
        """Ask for a test message; `delivery` tells what became of it. Raises NotFound."""
        path, what = f"{_CHANNELS}/{part(channel.id)}/test", f"test channel {channel.name}"
        return _delivery(self._transport.send("POST", path, what=what, body={}), what)

    def deliveries(self, *, state: str | None = None, channel: str | None = None) -> Iterator[Delivery]:
        """What was told to channels, newest first. Raises NotFound where the target tells nothing."""
        query = {"limit": PAGE, "state": state, "channel": channel}
        for raw in pages(self._transport, _DELIVERIES, "deliveries", query, "list deliveries"):
            yield read(read_delivery, raw, "list deliveries")

    def delivery(self, delivery_id: str) -> Delivery:
        """One delivery as it stands now. Raises NotFound."""
        what = f"read delivery {delivery_id}"
        return _delivery(self._transport.send("GET", f"{_DELIVERIES}/{part(delivery_id)}", what=what), what)

    def resend(self, delivery_id: str) -> Delivery:
        """Send a dead message again. Raises NotFound, or ApiRefusal for one that has arrived."""
        what = f"send delivery {delivery_id} again"
        # Asked twice it does the same: what waits is tried now.
        path = f"{_DELIVERIES}/{part(delivery_id)}/resend"
        return _delivery(self._transport.send("POST", path, what=what, body={}, repeatable=True), what)

    def _writing(self, verb: str, body: Mapping[str, Any]) -> str:
        """What failures call a write, whose secrets no answer may bring back."""
        self._transport.mask.add(str(body[name]) for name in FINGERPRINTS if body.get(name))
        return f"{verb} channel {body.get('name')}"


def read_channel(raw: Mapping[str, Any]) -> RemoteChannel:
    """A channel of the API. Raises Misread for a body without what every channel has."""
    name, channel_id = raw.get("name"), raw.get("id")
    if not isinstance(name, str) or not name or not isinstance(channel_id, str) or not channel_id:
        raise Misread("a channel without a name or an id")
    texts = ("type", "level")
    lists = ("topics", "to")
    if not (
        all(isinstance(raw.get(field), str) for field in texts)
        and all(isinstance(raw.get(f), list) and all(isinstance(one, str) for one in raw[f]) for f in lists)
        and all(raw.get(f) is None or isinstance(raw[f], str) for f in (*CHANNEL_FIELDS[-2:], "managedBy"))
    ):
        raise Misread(f"the channel {name} in another form than the API's")
    applied = raw.get("appliedHash")
    return RemoteChannel(
        id=channel_id,
        name=name,
        etag=read_etag(raw.get("etag")),
        managed_by=raw.get("managedBy"),
        applied_hash=applied if isinstance(applied, str) else None,
        definition=channel_definition({**dict.fromkeys(CHANNEL_FIELDS), **raw}),
    )


def read_delivery(raw: Mapping[str, Any]) -> Delivery:
    """A delivery of the API. Raises Misread for a body without what every delivery has."""
    texts = {name: raw.get(name) for name in ("id", "channel", "topic", "state")}
    tries, error = raw.get("tries"), raw.get("error")
    if not all(isinstance(text, str) and text for text in texts.values()) or not isinstance(tries, int):
        raise Misread("a delivery in another form than the API's")
    return Delivery(**texts, tries=tries, error=error if isinstance(error, str) else None, raw=raw)  # type: ignore[arg-type]  # texts by now


def _delivery(answer: Answer, what: str) -> Delivery:
    raw = whole(answer, what).get("delivery")
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(f"{what}: the answer names no delivery", remedy="check the target's version")
    return read(read_delivery, raw, what)


def _one(answer: Answer, what: str) -> RemoteChannel:
    raw = whole(answer, what).get("channel")
    if not isinstance(raw, dict):
        raise UnexpectedAnswer(f"{what}: the answer names no channel", remedy="check the target's version")
    return read(read_channel, {**raw, "etag": read_etag(raw.get("etag")) or answer.etag}, what)


def _is_written(channel: RemoteChannel, body: Mapping[str, Any]) -> bool:
    """Whether a channel is as `body` says. Its hash covers the secrets too, by their fingerprints."""
    return channel.managed_by == body.get("managedBy") and channel_hash(channel.definition) == body.get("appliedHash")
