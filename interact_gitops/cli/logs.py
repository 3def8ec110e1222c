"""What a runner logs, on stderr: lines for people, or one JSON object each."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from interact_gitops.cli.output import visible


def start_logging(form: str, *, quiet: bool, write: Callable[[str], object] | None = None) -> None:
    """Log the runner's own events; `write` takes a whole line (default: stderr). `quiet`: warnings only."""
    logger = logging.getLogger("interact_gitops.runner")
    logger.handlers = [_Lines(_as_json if form == "json" else _as_text, write or _to_stderr)]
    logger.setLevel(logging.WARNING if quiet else logging.INFO)
    logger.propagate = False


def announce(event: str, words: str, **fields: object) -> None:
    """Say something of the program itself where its log goes; `start_logging` comes first."""
    logging.getLogger("interact_gitops.runner").info(words, extra={"event": event, "fields": fields})


class _Lines(logging.Handler):
    def __init__(self, form: Callable[[logging.LogRecord], str], write: Callable[[str], object]) -> None:
        super().__init__()
        self._form, self._write = form, write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(self._form(record))


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _as_text(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC)
    mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
    return visible(f"{when:%H:%M:%S} {mark}{' '.join(record.getMessage().split())}")


def _as_json(record: logging.LogRecord) -> str:
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    event: dict[str, Any] = {"time": when, "level": record.levelname.lower()}
    event |= {"event": getattr(record, "event", record.getMessage())}
    event |= getattr(record, "fields", {})
    return json.dumps(event, ensure_ascii=True, default=str)
