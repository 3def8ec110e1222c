"""The sync windows of the configuration: their shape is the schema's, what they mean is checked here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from interact_gitops.errors import ScheduleInvalid
from interact_gitops.gitops.windows import LONGEST, Window
from interact_gitops.jobs.durations import parse_duration
from interact_gitops.jobs.faults import Fault


def read_window(raw: Mapping[str, Any]) -> Window:
    """A window that has passed the schema and `window_faults`."""
    zone = raw.get("timezone", "UTC")
    return Window(kind=raw["kind"], cron=raw["cron"], seconds=parse_duration(raw["for"]), timezone=zone)


def window_faults(windows: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    """Cron expressions and zones that do not exist, and windows that are no windows."""
    from interact_gitops.schedule import parse, zone

    for number, raw in enumerate(windows):
        path = ("sync", "windows", number)
        seconds = parse_duration(raw["for"])
        if not 60 <= seconds <= LONGEST.total_seconds():
            yield Fault(path=(*path, "for"), code="out-of-range", message="a window lasts from 1m to 31d",
                        remedy="write a duration such as 8h")  # fmt: skip
        for name, check in (("cron", parse), ("timezone", zone)):
            try:
                check(raw.get(name, "UTC"))
            except ScheduleInvalid as error:
                yield Fault(path=(*path, name), code=error.code, message=error.message, remedy=error.remedy,
                            offset=error.offset)  # fmt: skip
