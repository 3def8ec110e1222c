"""How far long work is: a bar on a terminal, a line every ten seconds in a log; all of it on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SAY_EVERY_SECONDS = 10.0


@contextmanager
def progress(what: str, total: int, *, quiet: bool = False) -> Iterator[Callable[[bool], None]]:
    """Something to call after each of `total` steps, with whether it went well. `what` is as in "applying"."""
    if quiet or total == 0:
        yield lambda _well: None
    elif sys.stderr.isatty():
        with _bar(what, total) as step:
            yield step
    else:
        yield _Lines(what, total).step


@contextmanager
def _bar(what: str, total: int) -> Iterator[Callable[[bool], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        failed = 0

        def step(well: bool) -> None:
            nonlocal failed
            failed += not well
            bar.update(task, advance=1, description=f"{what}, {failed} failed" if failed else what)

        yield step


class _Lines:
    """A line now and then, so that whoever reads a log knows that it goes on; none for short work."""

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._total, self._clock = what, total, clock
        self._said_at = clock()
        self._well = self._failed = 0

    def step(self, well: bool) -> None:
        self._well += well
        self._failed += not well
        now, done = self._clock(), self._well + self._failed
        if now - self._said_at >= SAY_EVERY_SECONDS and done < self._total:
            self._said_at = now
            failed = f", {self._failed:,} failed" if self._failed else ""
            sys.stderr.write(f"{self._what}: {done:,} of {self._total:,}{failed}\n")
            sys.stderr.flush()
