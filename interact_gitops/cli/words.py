"""Parts of a job in words, as several commands show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interact_gitops.jobs.model import Job
    from interact_gitops.schedule import Schedule


def schedule_words(schedule: Schedule) -> str:
    """`At 08:00 on Monday, Europe/Amsterdam`, with its window."""
    from interact_gitops.schedule import describe

    words = f"{describe(schedule.cron, schedule.calendar)}, {schedule.timezone}"
    if schedule.not_before:
        words += f", from {schedule.not_before}"
    if schedule.not_after:
        words += f", until {schedule.not_after}"
    return words


def job_schedule_words(job: Job) -> str:
    """A job's schedule in words, `by hand` when it has none, `off` said when it is disabled."""
    if job.schedule is None:
        return "by hand"
    return schedule_words(job.schedule) + ("" if job.enabled else " (off)")
