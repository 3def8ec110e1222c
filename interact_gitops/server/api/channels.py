"""Notification channels. Their `url` and `secret` are taken and never given back: answers have fingerprints."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from interact_gitops.jobs.channels import TOPICS, channel_hash
from interact_gitops.notify.addresses import literal_fault
from interact_gitops.notify.relay import is_address
from interact_gitops.server.api.bodies import invalid
from interact_gitops.server.api.calls import Call, Reply, answer
from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.api.queries import DEFAULT_LIMIT
from interact_gitops.server.api.replays import remember, replayed
from interact_gitops.server.failures import BodyFault, KeyTaken, NotFound
from interact_gitops.server.identity import fingerprint, new_id
from interact_gitops.server.store import channels
from interact_gitops.server.store.channels import StoredChannel
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.paging import cut

CURSOR = "channels"


def list_channels(call: Call) -> Reply:
    """GET /api/notifications/channels"""
    limit = call.query.limit() or DEFAULT_LIMIT
    after = call.query.cursor(CURSOR) or 0
    with call.instance.database.read() as db:
        found = channels.listed(
            db,
            call.caller.organisation_id,
            after=after,
            managed_by=call.query.text("managedBy"),
            count=limit + 1,
        )
    page = cut(found, limit, kind=CURSOR, seq=lambda channel: channel.seq)
    forms = [channel_form(channel, call.instance.secret) for channel in page.items]
    return answer({"channels": forms, "nextCursor": page.next_cursor})


def create_channel(call: Call) -> Reply:
    """POST /api/notifications/channels"""
    body = call.body("ChannelDefinition")
    key, digest = call.idempotency_key(), body_digest(body)
    organisation_id, now = call.caller.organisation_id, call.instance.now()
    blank = StoredChannel(
        seq=0,
        id=new_id("channel"),
        organisation_id=organisation_id,
        name="",
        type=body["type"],
        level="info",
        topics=TOPICS,
        receivers=(),
        url=None,
        secret=None,
        managed_by=None,
        applied_hash=None,
        revision=1,
        created_at=now,
        updated_at=now,
    )
    fresh = _given(blank, body, call.instance.means.web.allowed)
    with call.instance.database.write() as db:
        earlier = replayed(db, organisation_id, "channel", key, digest) if key is not None else None
        if earlier:
            return earlier
        try:
            channels.insert(db, fresh)
        except sqlite3.IntegrityError as error:
            raise _name_taken(db, fresh) from error
        reply = _one(call, fresh, status=201)
        if key is not None:
            remember(db, organisation_id, "channel", key, digest, reply, now=now)
    return reply


def get_channel(call: Call) -> Reply:
    """GET /api/notifications/channels/{channel_id}"""
    with call.instance.database.read() as db:
        return _one(call, find_channel(db, call))


def replace_channel(call: Call) -> Reply:
    """PUT /api/notifications/channels/{channel_id}: absent secrets and managedBy are kept."""
    with call.instance.database.read() as db:
        find_channel(db, call)
    body = call.body("ChannelDefinition")
    with call.instance.database.write() as db:
        present = find_channel(db, call)
        call.demand_match(present.etag)
        bare = replace(present, level="info", topics=TOPICS, receivers=())
        given = _given(bare, body, call.instance.means.web.allowed)
        after = replace(given, revision=present.revision + 1, updated_at=call.instance.now())
        try:
            replaced = channels.replace(db, after, was=present.revision)
        except sqlite3.IntegrityError as error:
            raise _name_taken(db, after) from error
        assert replaced  # nobody else writes in this transaction
    return _one(call, after)


def delete_channel(call: Call) -> Reply:
    """DELETE /api/notifications/channels/{channel_id}"""
    with call.instance.database.write() as db:
        present = find_channel(db, call)
        call.demand_match(present.etag)
        channels.delete(db, present.id)
    return Reply(status=204)


def fingerprint_secrets(call: Call) -> Reply:
    """POST /api/notifications/fingerprints: what channels with these secrets would show, so that a plan can
    compare them. Whoever can ask holds the secrets already, and guessing one needs as many calls as guesses."""
    secrets = call.body("FingerprintRequest")["secrets"]
    return answer({"fingerprints": [fingerprint(one, under=call.instance.secret) for one in secrets]})


def channel_form(channel: StoredChannel, secret: bytes) -> dict[str, Any]:
    """A channel on the wire."""
    form = {
        "id": channel.id,
        "etag": channel.etag,
        "name": channel.name,
        "type": channel.type,
        "level": channel.level,
        "topics": list(channel.topics),
        "to": list(channel.receivers),
        "urlFingerprint": fingerprint(channel.url, under=secret) if channel.url else None,
        "secretFingerprint": fingerprint(channel.secret, under=secret) if channel.secret else None,
        "managedBy": channel.managed_by,
        "createdAt": channel.created_at,
        "updatedAt": channel.updated_at,
    }
    return {**form, "definitionHash": channel_hash(form), "appliedHash": channel.applied_hash}


def _given(channel: StoredChannel, body: Mapping[str, Any], allowed: Collection[str]) -> StoredChannel:
    """The channel with what a body says; `allowed` hosts may be internal ones. Raises Invalid."""
    columns = {"managedBy": "managed_by", "to": "receivers", "appliedHash": "applied_hash"}
    given = {columns.get(name, name): value for name, value in body.items()}
    for name in ("topics", "receivers"):
        if name in given:
            given[name] = tuple(given[name])
    found = replace(channel, **given)
    faults = tuple(_faults(found, allowed))
    if faults:
        raise invalid(faults)
    return found


def _faults(channel: StoredChannel, allowed: Collection[str]) -> Iterator[BodyFault]:
    if channel.type == "email":
        for index, receiver in enumerate(channel.receivers):
            if not is_address(receiver):
                said = "this is not an email address"
                yield BodyFault(pointer=f"/to/{index}", message=said, code="bad-form", remedy="write name@example.com")
        if not channel.receivers:
            yield BodyFault(pointer="", message="an email channel needs receivers in 'to'", code="missing-field")
        if channel.url:
            yield BodyFault(pointer="/url", message="an email channel has no url", code="not-allowed")
        return
    if channel.receivers:
        said = f"a {channel.type} channel has no receivers in 'to'"
        yield BodyFault(pointer="/to", message=said, code="not-allowed")
    if not channel.url:
        said = f"a {channel.type} channel needs its 'url'"
        yield BodyFault(pointer="", message=said, code="missing-field")
    elif channel.type == "apprise":
        if "://" not in channel.url:
            yield BodyFault(pointer="/url", message="the url is not an address of apprise", code="bad-form")
    # The address itself is a secret: it is not repeated.
    elif not _is_web_address(channel.url):
        yield BodyFault(pointer="/url", message="the url is not an http or https address", code="bad-form")
    elif fault := literal_fault(channel.url, allowed):
        yield BodyFault(pointer="/url", message=fault, code="not-allowed")


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def find_channel(db: Connection, call: Call) -> StoredChannel:
    """The channel that a path names. Raises NotFound."""
    found = channels.find(db, call.caller.organisation_id, call.path["channel_id"])
    if found is None:
        raise NotFound(f"there is no channel {call.path['channel_id'][:60]}")
    return found


def _name_taken(db: Connection, channel: StoredChannel) -> KeyTaken:
    other = channels.find_by_name(db, channel.organisation_id, channel.name)
    fault = BodyFault(pointer="/name", message="the name is taken", code="key-taken")
    return KeyTaken(
        f"another channel of this organisation has the name {channel.name!r}",
        faults=(fault,),
        members={"channelId": other.id if other else None},
    )


def _one(call: Call, channel: StoredChannel, *, status: int = 200) -> Reply:
    body = {"channel": channel_form(channel, call.instance.secret)}
    return answer(body, status=status, headers={"ETag": channel.etag})
