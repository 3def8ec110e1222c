"""Who hears of the end of a run: the job's attachment and the channel must both admit it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from interact_gitops.jobs.model import Notification
from interact_gitops.notify.events import LEVELS, Level


def heard(
    news: Mapping[str, Level],
    attached: Notification,
    *,
    topics: Collection[str] | None,
    level: str,
    failures: int,
    recovered_after: int,
) -> str | None:
    """The topic under which an attached channel hears of a run, the gravest first; None when it does not.

    `news` is what the run is news of (`events.topics`). `topics` and `level` are the channel's own; None for a
    channel that is not there, whose own wishes nobody knows. `failures` in a row end with this run. A recovery is
    told to whoever heard of the failures before it, whatever the channel's level: it takes an alarm back.
    """
    for topic, grave in sorted(news.items(), key=lambda one: -LEVELS.index(one[1])):
        if topic not in attached.topics or (topics is not None and topic not in topics):
            continue
        if LEVELS.index(grave) < LEVELS.index(level):
            continue
        if topic == "failed_run" and failures < attached.after_failures:
            continue
        return topic
    told_of_failures = "failed_run" in attached.topics and (topics is None or "failed_run" in topics)
    if attached.on_recovery and told_of_failures and recovered_after >= attached.after_failures:
        return "completed_run"
    return None
