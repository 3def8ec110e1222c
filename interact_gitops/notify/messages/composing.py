"""An event → the message that says it: title, what failed, answer, facts, commands. Pure.

The limits here are what a person reads; `forms` shortens further where a channel takes less.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from interact_gitops.notify.events import Event, Finding, Part, Remark, RunEnded
from interact_gitops.notify.messages.cleaning import first_lines, one_line, plain, shown, values
from interact_gitops.notify.messages.message import Failed, Message, Row, Table
from interact_gitops.notify.messages.record import record

NAME, VALUE, SAID = 120, 100, 300  # characters
ANSWER_LINES, ANSWER_CHARACTERS = 40, 6_000
MOST_ROWS, MOST_FAILED, MOST_FINDINGS, MOST_FACTS = 30, 5, 12, 20
_MARKS = {"info": "✔", "warning": "⚠", "error": "✖"}
_LONGEST_COMMAND = 400


def compose(event: Event, *, delivery: str, topic: str, public_url: str | None) -> Message:
    """The message of an event for one channel. `delivery` names it, `topic` is why the channel hears of it; links are
    made where `public_url` says under what address people reach the server."""
    if isinstance(event, Remark):
        return _remark(event, delivery)
    single = not event.fan_out and len(event.parts) == 1
    only = event.parts[0] if single else None
    lines, cut = first_lines(only.answer, lines=ANSWER_LINES, characters=ANSWER_CHARACTERS) if only else ((), False)
    findings = tuple(_findings(event))
    failed = [part for part in event.parts if part.result == "failed"]
    failures = tuple(_failed(event, part) for part in failed[:MOST_FAILED])
    look = next((part.chat_id for part in event.parts), None)
    level = "error" if event.result == "failed" else event.worst_finding or "info"
    return Message(
        id=delivery,
        event=event.id,
        topic=topic,
        level=level,
        time=event.time,
        mark=_MARKS[level],
        title=title(event),
        facts=tuple(_facts(event, only)),
        answer=lines,
        cut=cut,
        findings=findings,
        findings_left=max(0, event.findings - len(findings)),
        failed=failures,
        failed_left=max(0, event.total.get("failed", 0) - len(failures)),
        table=None if single else _table(event),
        look=None if look is None else f"interact-gitops chat {look}",
        url=_link(public_url, look) if look else None,
        record=record(event, delivery=delivery, topic=topic, level=level, title=title(event), public_url=public_url),
    )


def title(event: RunEnded) -> str:
    """Job and result in one line."""
    total, all_of = event.total, sum(event.total.values())
    failed, cancelled = total.get("failed", 0), total.get("cancelled", 0)
    said: list[str] = []
    if failed:
        said.append(f"{failed:,} of {all_of:,} failed" if event.fan_out else "failed")
        if event.failures > 1:
            said[-1] += f", {event.failures} times in a row"
    elif cancelled:
        said.append(f"{cancelled:,} of {all_of:,} cancelled" if event.fan_out else "cancelled")
    elif event.recovered_after:
        times = "1 failure" if event.recovered_after == 1 else f"{event.recovered_after} failures in a row"
        said.append(f"works again after {times}")
    if event.findings:
        said.append("1 anomaly" if event.findings == 1 else f"{event.findings:,} anomalies")
    if not said:
        said.append(f"{all_of:,} of {all_of:,} completed" if event.fan_out else "completed")
    return f"{one_line(event.job_name, NAME)}: {', '.join(said)}"


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _facts(event: RunEnded, only: Part | None) -> Sequence[tuple[str, str]]:
    facts = [("Job", event.job_key), ("Agent", one_line(event.agent, NAME))]
    if only is not None:
        facts += [(one_line(name, 40), one_line(shown(value), VALUE)) for name, value in only.parameters.items()]
    else:
        facts += [(one_line(name, 40), one_line(value, VALUE)) for name, value in _constants(event.parts)]
    del facts[MOST_FACTS:]
    by = event.trigger if event.trigger == event.initiator else f"{event.trigger} ({event.initiator})"
    scheduled = f"{event.scheduled_at[:10]} {event.scheduled_at[11:16]} UTC"
    return [*facts, ("Started by", one_line(by, NAME)), ("For", scheduled), ("Took", duration(event.seconds))]


def _constants(parts: Sequence[Part]) -> list[tuple[str, str]]:
    """The parameters that every combination shares; the table has the others."""
    varying = set(_varying(parts))
    return [(name, shown(value)) for name, value in parts[0].parameters.items() if name not in varying] if parts else []


def _varying(parts: Sequence[Part]) -> list[str]:
    names = list(dict.fromkeys(name for part in parts for name in part.parameters))
    return [name for name in names if len({repr(part.parameters.get(name)) for part in parts}) > 1]


def _table(event: RunEnded) -> Table:
    names = _varying(event.parts)[:6]
    rows = tuple(
        Row(
            values=tuple(one_line(shown(part.parameters.get(name)), 40) for name in names),
            result=part.result if not part.findings or part.result != "completed" else "anomaly",
            took="" if part.seconds is None else duration(part.seconds),
            said=_said(part),
        )
        for part in event.parts[:MOST_ROWS]
    )
    left = sum(event.total.values()) - len(rows)
    return Table(columns=tuple(one_line(name, 40) for name in names), rows=rows, left=left)


def _said(part: Part) -> str:
    """The one line that tells the most: why it failed, what was found, or how the answer begins."""
    if part.result != "completed":
        return one_line(part.error or "", VALUE)
    if part.findings:
        return one_line(part.findings[0].message, VALUE)
    lines, _ = first_lines(part.answer, lines=4, characters=VALUE * 2)
    return one_line(" ".join(line.text for line in lines), VALUE)


def _findings(event: RunEnded) -> Sequence[Finding]:
    found = [(part, finding) for part in event.parts for finding in part.findings][:MOST_FINDINGS]
    names = _varying(event.parts)
    return [
        Finding(level=one.level, message=one_line(": ".join(filter(None, [_which(part, names), one.message])), SAID))
        for part, one in found
    ]


def _which(part: Part, names: Sequence[str]) -> str:
    """What tells a combination from the others."""
    return values({name: part.parameters[name] for name in names if name in part.parameters})


def _failed(event: RunEnded, part: Part) -> Failed:
    return Failed(
        what=_which(part, _varying(event.parts)) or event.job_key,
        why=one_line(part.error or "no reason is known", SAID),
        remedy=one_line(part.remedy, SAID) if part.remedy else None,
        command=again(event.job_key, part),
    )


def again(job_key: str, part: Part) -> str:
    """The command that runs one chat again, safe to paste into a shell."""
    given = [
        f"-p {shlex.quote(f'{name}={shown(value)}')}" for name, value in part.parameters.items() if value is not None
    ]
    command = " ".join([f"interact-gitops run {shlex.quote(job_key)}", *given])
    # What cannot be shown whole cannot be pasted either.
    seen = len(command) <= _LONGEST_COMMAND and plain(command) == command and "\n" not in command
    return command if seen else f"interact-gitops run {shlex.quote(job_key)}"


def _link(public_url: str | None, chat_id: str) -> str | None:
    return None if public_url is None else f"{public_url.rstrip('/')}/chats/{chat_id}"


def _remark(event: Remark, delivery: str) -> Message:
    lines, cut = first_lines(event.text, lines=ANSWER_LINES, characters=ANSWER_CHARACTERS)
    named = (("Job", event.job_key), ("Run", event.run_key))
    facts = tuple((name, one_line(value, NAME)) for name, value in named if value is not None)
    said = one_line(event.title, NAME + 60)
    kept: dict[str, Any] = {
        "version": "1", "id": delivery, "event": event.id, "topic": event.topic, "level": event.level,
        "time": event.time, "title": said, "text": "\n".join(line.text for line in lines),
        "job": None if event.job_key is None else {"key": event.job_key, "name": None},
        "run": None, "parts": [], "partsLeftOut": 0,
    }  # fmt: skip
    return Message(
        id=delivery, event=event.id, topic=event.topic, level=event.level, time=event.time, mark=_MARKS[event.level],
        title=said, facts=facts, answer=lines, cut=cut, record=kept,
    )  # fmt: skip
