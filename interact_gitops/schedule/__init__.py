"""Schedules: cron expressions and shortcuts, business calendars, and the instants at which they fire.

Pure: no input or output, no clock; the same values in give the same values out. The heavy libraries
(croniter, holidays, cron-descriptor, zoneinfo) are imported by the calls that need them.
"""

from .calendars import BusinessCalendar, business_calendar, business_days
from .definition import CatchUp, Schedule, runs_per_month
from .evaluation import instants, matching_days, next_occurrence, occurrences, upcoming
from .expression import Expression, parse
from .notes import Note, notes
from .preview import Occurrence, preview
from .words import describe
from .zones import zone

__all__ = [
    "BusinessCalendar",
    "CatchUp",
    "Expression",
    "Note",
    "Occurrence",
    "Schedule",
    "business_calendar",
    "business_days",
    "describe",
    "instants",
    "matching_days",
    "next_occurrence",
    "notes",
    "occurrences",
    "parse",
    "preview",
    "runs_per_month",
    "upcoming",
    "zone",
]
