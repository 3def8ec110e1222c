"""`/settings`: API keys, channels, and what was told to whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from interact_gitops.server.api.deliveries import resend_delivery
from interact_gitops.server.failures import NotFound
from interact_gitops.server.identity import PERMISSIONS
from interact_gitops.server.pages.answers import Outcome, Page, Redirect
from interact_gitops.server.pages.calling import call_of
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import at, sentence
from interact_gitops.server.store import channels, deliveries, organisations
from interact_gitops.server.store.channels import StoredChannel
from interact_gitops.server.store.deliveries import StoredDelivery
from interact_gitops.server.store.organisations import ApiKey

MESSAGES, DEAD = 20, 100  # of the latest messages, and of those that did not arrive, are shown
_MOST_CHANNELS = 500
_LONGEST_NAME = 100
PERMISSION_WORDS = {
    "agent_jobs_read": "Read: jobs, chats, channels",
    "agent_jobs_trigger": "Trigger: start and cancel runs",
    "agent_jobs_write": "Write: change jobs and channels",
}
TOPIC_WORDS = {
    "completed_run": "completed runs", "failed_run": "failed runs", "anomaly": "anomalies", "test": "test"
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key, never the key itself: `begins` is what is kept readable of it."""

    id: str
    name: str
    begins: str
    permissions: tuple[str, ...]
    created: datetime
    used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that was told, or is to be told, to a channel."""

    id: str
    channel: str
    about: str
    topic: str
    state: str
    tries: int
    error: str | None
    made: datetime
    settled: datetime | None
    chat_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRow:
    """A channel. `owner` is the ownership mark of the configuration that manages it; `last` its latest message."""

    id: str
    name: str
    type: str
    level: str
    topics: tuple[str, ...]
    receivers: tuple[str, ...]
    signed: bool
    owner: str | None
    last: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsPage:
    """`new_key` is shown this once, under `new_name`. `fault` is what was wrong with the key's form, which had `name`
    and `chosen`."""

    keys: tuple[KeyRow, ...]
    channels: tuple[ChannelRow, ...]
    dead: tuple[Message, ...]
    more_dead: bool
    latest: tuple[Message, ...]
    permissions: tuple[tuple[str, str], ...]
    busy: bool
    said: str | None = None
    new_key: str | None = None
    new_name: str = ""
    fault: str | None = None
    fault_at: str = ""
    name: str = ""
    chosen: tuple[str, ...] = ("agent_jobs_read",)


_SAID = {
    "revoked": "The key is revoked: it stopped working.",
    "test": "The test message is on its way; what became of it stands below.",
    "resent": "The message is on its way again.",
    "made": "The channel is made. Send a test message to see whether it works.",
    "saved": "The channel is saved.",
    "deleted": "The channel is deleted; jobs that name it tell nobody there any more.",
}


def show_settings(visit: Visit) -> Outcome:
    """GET /settings"""
    return Page(template="settings.html", value=_page(visit, said=_SAID.get(visit.query.text("said"))))


def to_settings(_visit: Visit) -> Redirect:
    """GET of the address of a form of this page, where somebody stands who was answered there."""
    return Redirect(location="/settings")


def create_key(visit: Visit) -> Outcome:
    """POST /settings/keys: the answer shows the key, this once."""
    name = visit.form.text("name").strip()
    chosen = tuple(one for one in PERMISSIONS if one in visit.form.values.get("permission", ()))
    fault, fault_at = _key_fault(name, chosen)
    if fault:
        value = _page(visit, fault=fault, fault_at=fault_at, name=name[:_LONGEST_NAME], chosen=chosen)
        return Page(template="settings.html", value=value, status=422, private=True)
    key = visit.instance.create_key(visit.organisation_id, chosen, name=name)
    return Page(template="settings.html", value=_page(visit, new_key=key, new_name=name), private=True)


def revoke_key(visit: Visit) -> Outcome:
    """POST /settings/keys/{key_id}/revoke"""
    with visit.instance.database.write() as db:
        if not organisations.delete_key(db, visit.organisation_id, visit.path["key_id"]):
            raise NotFound("there is no such key (any more)")
    return Redirect(location="/settings?said=revoked#keys")


def send_again(visit: Visit) -> Outcome:
    """POST /settings/messages/{delivery_id}/resend"""
    resend_delivery(call_of(visit, path={"delivery_id": visit.path["delivery_id"]}))
    return Redirect(location="/settings?said=resent#messages")


def _key_fault(name: str, chosen: Sequence[str]) -> tuple[str | None, str]:
    if not name:
        return "Give the key a name: who or what uses it.", "name"
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return f"A name has at most {_LONGEST_NAME} characters, all of them printable.", "name"
    if not chosen:
        return "Choose at least one permission.", "permissions"
    return None, ""


def _page(
    visit: Visit,
    *,
    said: str | None = None,
    new_key: str | None = None,
    new_name: str = "",
    fault: str | None = None,
    fault_at: str = "",
    name: str = "",
    chosen: tuple[str, ...] = ("agent_jobs_read",),
) -> SettingsPage:
    organisation = visit.organisation_id
    with visit.instance.database.read() as db:
        keys = organisations.keys_of(db, organisation)
        found = channels.listed(db, organisation, after=0, managed_by=None, count=_MOST_CHANNELS)
        dead = deliveries.listed(db, organisation, state="dead", channel=None, before=None, count=DEAD + 1)
        latest = deliveries.listed(db, organisation, state=None, channel=None, before=None, count=MESSAGES)
        last = {one.name: deliveries.listed(db, organisation, state=None, channel=one.name, before=None, count=1)
                for one in found}  # fmt: skip
    return SettingsPage(
        keys=tuple(_key(one) for one in keys),
        channels=tuple(_channel(one, last[one.name]) for one in found),
        dead=tuple(_message(one) for one in dead[:DEAD]),
        more_dead=len(dead) > DEAD,
        latest=tuple(_message(one) for one in latest),
        permissions=tuple(PERMISSION_WORDS.items()),
        busy=any(one.state == "waiting" for one in latest),
        said=said,
        new_key=new_key,
        new_name=new_name,
        fault=fault,
        fault_at=fault_at,
        name=name,
        chosen=chosen,
    )


def _key(key: ApiKey) -> KeyRow:
    return KeyRow(
        id=key.id,
        name=key.name,
        begins=key.prefix,
        permissions=tuple(one.removeprefix("agent_jobs_") for one in PERMISSIONS if one in key.permissions),
        created=at(key.created_at),
        used=at(key.last_used_at) if key.last_used_at else None,
    )


def _channel(channel: StoredChannel, last: Sequence[StoredDelivery]) -> ChannelRow:
    return ChannelRow(
        id=channel.id,
        name=channel.name,
        type=channel.type,
        level=channel.level,
        topics=tuple(TOPIC_WORDS.get(topic, topic) for topic in channel.topics),
        receivers=channel.receivers,
        signed=channel.secret is not None,
        owner=channel.managed_by,
        last=_message(last[0]) if last else None,
    )


def _message(delivery: StoredDelivery) -> Message:
    title = (delivery.remark or {}).get("title")
    return Message(
        id=delivery.id,
        channel=delivery.channel,
        about=delivery.job_name or (str(title) if title else delivery.event),
        topic=TOPIC_WORDS.get(delivery.topic, delivery.topic),
        state=delivery.state,
        tries=delivery.tries,
        error=sentence(delivery.error) if delivery.error else None,
        made=at(delivery.created_at),
        settled=at(delivery.settled_at) if delivery.settled_at else None,
        chat_id=delivery.chat_id,
    )
