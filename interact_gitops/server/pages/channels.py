"""`/settings/channels/…`: a channel's form. Its address and key are taken and never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interact_gitops.jobs.channels import TOPICS
from interact_gitops.server.api import channels as api
from interact_gitops.server.api.deliveries import test_channel
from interact_gitops.server.failures import Declined, Forbidden, Invalid, KeyTaken, Stale
from interact_gitops.server.pages.answers import Outcome, Page, Redirect
from interact_gitops.server.pages.calling import call_of
from interact_gitops.server.pages.settings import TOPIC_WORDS
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.pages.words import sentence
from interact_gitops.server.store.channels import StoredChannel

TYPE_WORDS = {
    "email": "Email", "slack": "Slack", "teams": "Microsoft Teams", "webhook": "Webhook (signed JSON)",
    "apprise": "Another service, by apprise",
}  # fmt: skip
MISSING_WORDS = {"url": "Give the webhook's address.", "to": "Give at least one receiver."}
LEVEL_WORDS = {"info": "Everything", "warning": "Warnings and errors", "error": "Errors only"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPage:
    """A form with what is in it. `id` None: a new one. `faults` are by field, those of the whole under `""`."""

    id: str | None
    etag: str
    name: str
    type: str
    receivers: str
    level: str
    topics: tuple[str, ...]
    has_url: bool
    has_secret: bool
    owner: str | None
    faults: Mapping[str, str]
    types: Mapping[str, str]
    levels: Mapping[str, str]
    all_topics: Mapping[str, str]


def show_new_channel(_visit: Visit) -> Outcome:
    """GET /settings/channels/new"""
    return Page(template="channel.html", value=_blank())


def show_channel(visit: Visit) -> Outcome:
    """GET /settings/channels/{channel_id}"""
    return Page(template="channel.html", value=_filled(_find(visit)))


def create_channel(visit: Visit) -> Outcome:
    """POST /settings/channels"""
    try:
        api.create_channel(call_of(visit, body=_body(visit)))
    except (Invalid, KeyTaken) as declined:
        return _again(visit, declined, None)
    return Redirect(location="/settings?said=made#channels")


def save_channel(visit: Visit) -> Outcome:
    """POST /settings/channels/{channel_id}: an address or key that is left empty stays what it was."""
    present = _own(visit)
    path, etag = {"channel_id": present.id}, visit.form.text("etag")
    try:
        api.replace_channel(call_of(visit, path=path, body=_body(visit), etag=etag or '"0"'))
    except (Invalid, KeyTaken, Stale) as declined:
        return _again(visit, declined, present)
    return Redirect(location="/settings?said=saved#channels")


def delete_channel(visit: Visit) -> Outcome:
    """POST /settings/channels/{channel_id}/delete"""
    present = _own(visit)
    api.delete_channel(call_of(visit, path={"channel_id": present.id}, etag=visit.form.text("etag") or '"0"'))
    return Redirect(location="/settings?said=deleted#channels")


def send_test(visit: Visit) -> Outcome:
    """POST /settings/channels/{channel_id}/test"""
    test_channel(call_of(visit, path={"channel_id": visit.path["channel_id"]}))
    return Redirect(location="/settings?said=test#messages")


def _find(visit: Visit) -> StoredChannel:
    with visit.instance.database.read() as db:
        return api.find_channel(db, call_of(visit, path={"channel_id": visit.path["channel_id"]}))


def _own(visit: Visit) -> StoredChannel:
    """The channel, where it is nobody's. Raises Forbidden for one that git would put back."""
    found = _find(visit)
    if found.managed_by is not None:
        said = f"this channel is managed by {found.managed_by}"
        raise Forbidden(said, remedy="change it in that repository: what is changed here would be put back")
    return found


def _body(visit: Visit) -> dict[str, Any]:
    """What the form says, as the API's ChannelDefinition: empty secrets are left out, and so kept."""
    form = visit.form
    kind = form.text("type")
    receivers = [one for line in form.text("to").splitlines() for one in line.replace(",", " ").split()]
    body: dict[str, Any] = {
        "name": form.text("name").strip(),
        "type": kind,
        "level": form.text("level") or "info",
        "topics": [topic for topic in TOPICS if topic in form.values.get("topic", ())],
    }
    if kind == "email":
        return {**body, "to": list(dict.fromkeys(receivers)), "url": None, "secret": None}
    secrets = {"url": form.text("url").strip(), "secret": form.text("secret") if kind == "webhook" else None}
    return {**body, "to": [], **{name: value for name, value in secrets.items() if value or value is None}}


def _blank() -> ChannelPage:
    return ChannelPage(
        id=None, etag="", name="", type="slack", receivers="", level="info", topics=TOPICS, has_url=False,
        has_secret=False, owner=None, faults={}, types=TYPE_WORDS, levels=LEVEL_WORDS, all_topics=_topics(),
    )  # fmt: skip


def _filled(channel: StoredChannel) -> ChannelPage:
    return ChannelPage(
        id=channel.id, etag=channel.etag, name=channel.name, type=channel.type,
        receivers="\n".join(channel.receivers), level=channel.level, topics=channel.topics,
        has_url=channel.url is not None, has_secret=channel.secret is not None, owner=channel.managed_by, faults={},
        types=TYPE_WORDS, levels=LEVEL_WORDS, all_topics=_topics(),
    )  # fmt: skip


def _again(visit: Visit, declined: Declined, present: StoredChannel | None) -> Page:
    """The form with what was given, but for secrets, and what is wrong with it."""
    form = visit.form
    faults: dict[str, str] = {}
    for fault in declined.faults:
        name = fault.pointer.split("/")[1] if "/" in fault.pointer else _missing(fault.message)
        missing = MISSING_WORDS.get(name) if "/" not in fault.pointer else None
        faults.setdefault(name, missing or sentence(fault.message))
    if not faults:
        remedy = "this page shows what it is now; decide again" if isinstance(declined, Stale) else declined.remedy
        faults[""] = sentence(declined.message + (f"; {remedy}" if remedy else ""))
    filled = _filled(present) if present is not None else _blank()
    value = ChannelPage(
        id=filled.id, etag=filled.etag, name=form.text("name")[:200], type=form.text("type") or filled.type,
        receivers=form.text("to")[:20_000], level=form.text("level") or filled.level,
        topics=tuple(form.values.get("topic", ())), has_url=filled.has_url, has_secret=filled.has_secret,
        owner=filled.owner, faults=faults, types=TYPE_WORDS, levels=LEVEL_WORDS, all_topics=_topics(),
    )  # fmt: skip
    return Page(template="channel.html", value=value, status=declined.status, private=True)


def _missing(message: str) -> str:
    """The field whose absence is a fault of the whole body: `a slack channel needs its 'url'`."""
    return next((name for name in ("url", "to") if f"'{name}'" in message), "")


def _topics() -> Mapping[str, str]:
    return {topic: TOPIC_WORDS[topic].capitalize() for topic in TOPICS}
