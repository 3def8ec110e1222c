"""The runs of a job as columns, its combinations as rows: where a run failed is seen at once. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from interact_gitops.jobs.wire import canonical_json
from interact_gitops.server.clock import from_text
from interact_gitops.server.pages import timetable
from interact_gitops.server.pages.bars import WORDS, Bars, Result, draw_bars, longest_of, result_of, seconds_of
from interact_gitops.server.pages.words import duration, values
from interact_gitops.server.store.overview import ChatLine, RunLine

MOST_ROWS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A run: when it was asked for, in the job's zone, and its bar."""

    when: datetime
    result: Result
    bars: Bars
    words: str
    chat: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A chat; `chat` is None where the run had no such combination."""

    chat: str | None
    state: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    """A combination; its words are empty for runs without fan-out."""

    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Oldest run on the left. `left_out` counts combinations that are not shown."""

    columns: tuple[Column, ...]
    rows: tuple[GridRow, ...]
    left_out: int
    fan_out: bool


def draw_grid(
    runs: Sequence[RunLine], chats: Sequence[ChatLine], first: Mapping[int, ChatLine], *, schedule: str | None
) -> Grid:
    """The grid of `runs` (newest first) and their chats. `first`: the chat of each run to look at first."""
    shown = list(reversed(runs))
    longest = longest_of(shown)
    columns = tuple(_column(run, first.get(run.seq), longest, schedule) for run in shown)
    by_row: dict[str, dict[int, ChatLine]] = {}
    names: dict[str, str] = {}
    widest = {run.seq: run.chats for run in runs}
    # A row's place is what it has in a whole run: running one combination again moves nothing.
    for chat in sorted(chats, key=lambda chat: -widest.get(chat.group_seq, 0)):
        row = "" if chat.combination is None else canonical_json(dict(chat.combination))
        names.setdefault(row, "" if chat.combination is None else values(chat.combination))
        by_row.setdefault(row, {})[chat.group_seq] = chat
    read = Counter(chat.group_seq for chat in chats)
    rows = [
        GridRow(
            words=names[row],
            cells=tuple(_cell(found.get(run.seq), whole=read[run.seq] == run.chats) for run in shown),
        )
        for row, found in by_row.items()
    ]
    if len(rows) > MOST_ROWS:  # what failed is what somebody looks for
        rows.sort(key=lambda row: all(cell.state != "failed" for cell in row.cells))
    return Grid(
        columns=columns,
        rows=tuple(rows[:MOST_ROWS]),
        left_out=max(len(rows), *(run.chats for run in shown)) - MOST_ROWS if len(rows) > MOST_ROWS else 0,
        fan_out=any(names.values()),
    )


def _column(run: RunLine, first: ChatLine | None, longest: float, schedule: str | None) -> Column:
    result, seconds = result_of(run), seconds_of(run)
    took = "" if seconds is None else f" in {duration(seconds)}"
    return Column(
        when=timetable.local(schedule, from_text(run.created_at)),
        result=result,
        bars=draw_bars([run], most=1, longest=longest),
        words=f"{WORDS[result]}{took}",
        chat=first.id if first else None,
    )


def _cell(chat: ChatLine | None, *, whole: bool) -> Cell:
    """`whole`: all chats of the run were read, so that one that is not there never was."""
    if chat is None:
        return Cell(chat=None, state="none", words="not part of this run" if whole else "not shown here")
    took = f" in {duration(chat.run_seconds)}" if chat.status in {"completed", "failed"} else ""
    words = {"queued": "waiting"}.get(chat.status, chat.status)
    why = f": {chat.error.message}" if chat.error and chat.status == "failed" else ""
    return Cell(chat=chat.id, state=chat.status, words=f"{words}{took}{why}")
