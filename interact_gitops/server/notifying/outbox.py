"""What the end of a run puts into the outbox, inside the transaction that ends it: all of it, or nothing.

Who is told is decided here, by the job's definition as it is now; what the message says is read when it is sent.
"""

from __future__ import annotations

from datetime import timedelta

from interact_gitops.jobs.model import Notification
from interact_gitops.notify.admission import heard
from interact_gitops.notify.events import LEVELS, Level, Remark, Result, topics
from interact_gitops.notify.retrying import GIVE_UP
from interact_gitops.server.clock import from_text, to_text
from interact_gitops.server.identity import new_id
from interact_gitops.server.store import channels, chats, deliveries, jobs, records, streaks
from interact_gitops.server.store.channels import StoredChannel
from interact_gitops.server.store.database import Connection
from interact_gitops.server.store.deliveries import NewDelivery
from interact_gitops.server.store.groups import StoredGroup

TEST = "test"


def tell_of_run(db: Connection, group: StoredGroup, *, now: str) -> None:
    """Counts failures in a row on, and writes a row per channel that hears of this run's end."""
    counts = chats.results_of_group(db, group.seq)
    result: Result = "failed" if counts["failed"] else "cancelled" if counts["cancelled"] else "completed"
    before = streaks.failures(db, group.job_id)
    failures = before + 1 if result == "failed" else 0
    recovered_after = before if result == "completed" else 0
    if result != "cancelled" and failures != before:
        streaks.set_failures(db, group.job_id, failures)
    job = jobs.find(db, group.organisation_id, group.job_id)
    if job is None:  # deleted while the run was going on, and its attachments with it
        return
    news = topics(result, _worst_finding(db, group.seq))
    for attached in _each_channel_once(job.job().notifications):
        channel = channels.find_by_name(db, group.organisation_id, attached.channel)
        topic = heard(
            news, attached, topics=channel.topics if channel else None, level=channel.level if channel else "info",
            failures=failures, recovered_after=recovered_after,
        )  # fmt: skip
        if topic is None:
            continue
        new = NewDelivery(
            organisation_id=group.organisation_id,
            event=f"run:{group.id}",
            channel=attached.channel,
            topic=topic,
            level=news.get(topic, "info"),
            group_seq=group.seq,
            failures=failures,
            recovered_after=recovered_after,
            give_up_at=give_up_at(now),
            error=None if channel else no_channel(attached.channel),
        )
        deliveries.add(db, new, now=now)


def tell_test(db: Connection, channel: StoredChannel, *, now: str) -> str:
    """Puts a test message for a channel into the outbox; its id. It is tried once."""
    remark = Remark(
        id=new_id(TEST),
        time=now,
        topic=TEST,
        level="info",
        title=f"Test message to {channel.name}",
        text="Somebody asked Interact to send this. The channel works: nothing else is to be done.",
    )
    new = NewDelivery(
        organisation_id=channel.organisation_id, event=remark.id, channel=channel.name, topic=TEST, level=remark.level,
        remark={"time": now, "title": remark.title, "text": remark.text}, give_up_at=now,
    )  # fmt: skip
    delivery_id = deliveries.add(db, new, now=now)
    assert delivery_id is not None  # the event is new
    return delivery_id


def give_up_at(now: str) -> str:
    """When a message that becomes due now is given up."""
    return to_text(from_text(now) + timedelta(seconds=GIVE_UP))


def no_channel(name: str) -> str:
    """Why a message to a channel that is not there is not sent."""
    return f"there is no channel {name!r}"


def _each_channel_once(attached: tuple[Notification, ...]) -> list[Notification]:
    """A channel that a job names twice hears of what either admits, once."""
    by_name: dict[str, Notification] = {}
    for one in attached:
        other = by_name.get(one.channel)
        by_name[one.channel] = one if other is None else Notification(
            channel=one.channel,
            topics=(*other.topics, *one.topics),
            after_failures=min(other.after_failures, one.after_failures),
            on_recovery=other.on_recovery or one.on_recovery,
        )  # fmt: skip
    return list(by_name.values())


def _worst_finding(db: Connection, group_seq: int) -> Level | None:
    found = records.anomalies_of_group(db, group_seq)
    return max(found, key=LEVELS.index, default=None)
