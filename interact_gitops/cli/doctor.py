"""`doctor`: can this work? Each line says ok, warn or fail, with the remedy."""

from __future__ import annotations

from typing import Any

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, visible
from interact_gitops.errors import ExitCode

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@command(
    "doctor",
    examples="""
interact-gitops doctor
interact-gitops doctor --target production --format json
""",
)
@json_format()
def doctor(workspace: Workspace, form: str) -> int:
    """Check the configuration, definitions, ownership, time zones, the target and what the key may do."""
    from interact_gitops.cli.diagnosis import diagnose

    findings = []
    for finding in diagnose(workspace):
        findings.append(finding)
        if form == "text":
            say(
                click.style(f"{finding.level:<5}", fg=COLOURS[finding.level])
                + visible(f"{finding.subject}: {finding.said}")
            )
            if finding.remedy:
                say("     " + visible(finding.remedy))
    failed = any(finding.level == "fail" for finding in findings)
    if form == "json":
        checks: list[dict[str, Any]] = [
            {"subject": f.subject, "level": f.level, "message": f.said, "remedy": f.remedy} for f in findings
        ]
        say_json({"healthy": not failed, "checks": checks})
    return ExitCode.FAILED if failed else ExitCode.DONE
