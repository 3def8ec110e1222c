"""Runs that ended, to be told."""

from __future__ import annotations

from typing import Any

from interact_gitops.notify.events import Finding, Part, RunEnded

HOSTILE = (
    "<!channel> <!here> @everyone @channel <@U012AB3CD> <https://evil.example|click> [a](https://evil.example) *b*"
    " _c_ ~d~"
    ' `e` ```f``` **g** <script>alert(1)</script> <img src=x onerror=alert(1)> &amp; "}]}, \r\nBcc: evil@example.com'
    "\r\n\r\n<b>body</b> {{ 7*7 }} {% raw %} \u202egnp.exe\u2066 \x1b[31m \x00 \u2028 \ud800 \U000e0041"
)
WARN = Finding(level="warning", message="ROAS of Brand is 1.60, below the floor of 2.00")


def part(number: int = 1, **changes: Any) -> Part:
    given = {
        "chat_id": f"chat_{number}",
        "result": "completed",
        "parameters": {"campaign_id": f"CMP-2026-00{number}", "days": 7},
        "answer": "**Brand** spent 12,300.\n\n- Clicks fell by 12%\n- Best day: Tuesday",
        "seconds": 1.2,
    }
    return Part(**{**given, **changes})


def run(*parts: Part, **changes: Any) -> RunEnded:
    found = parts or (part(),)
    findings = [finding for one in found for finding in one.findings]
    given = {
        "id": "run:grp_1",
        "time": "2026-11-23T07:00:05.000Z",
        "job_key": "weekly",
        "job_name": "Weekly report",
        "agent": "Paid search analyst",
        "run_key": "weekly@2026-11-23T07:00Z",
        "trigger": "schedule",
        "initiator": "schedule",
        "scheduled_at": "2026-11-23T07:00:00.000Z",
        "fan_out": len(found) > 1,
        "parts": found,
        "total": {result: sum(p.result == result for p in found) for result in ("completed", "failed", "cancelled")},
        "findings": len(findings),
        "worst_finding": max((f.level for f in findings), default=None, key=("info", "warning", "error").index),
        "seconds": 12.3,
    }
    return RunEnded(**{**given, **changes})


def hostile(count: int = 60) -> RunEnded:
    """A run in which every text that somebody else chose is meant to do harm, and is long."""
    parts = [
        Part(
            chat_id=f"chat_{number}",
            result="failed" if number < 12 else "completed",
            parameters={"which": f"{number} {HOSTILE}", "other": HOSTILE},
            answer=f"{HOSTILE}\n" * 4_000,
            error=HOSTILE if number < 12 else None,
            remedy=HOSTILE,
            findings=(Finding(level="error", message=HOSTILE),) * 20,
            seconds=1.0,
        )
        for number in range(count)
    ]
    return run(
        *parts, job_key="weekly", job_name=HOSTILE, agent=HOSTILE, run_key=HOSTILE, trigger=HOSTILE, initiator=HOSTILE,
        fan_out=count > 1, failures=3,
    )  # fmt: skip
