"""What `doctor` looks at, one finding after the other, each with its remedy."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace

OLDEST_ZONES = 2025  # the year of time-zone data below which recent rule changes are missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, what to do."""

    subject: str
    level: Literal["ok", "warn", "fail"]
    said: str
    remedy: str | None = None


def diagnose(workspace: Workspace) -> Iterator[Finding]:
    """Every finding; a failure of one part does not hide the next."""
    yield Finding(subject="python", level="ok", said=".".join(map(str, sys.version_info[:3])))
    try:
        settings = workspace.settings
        said = settings.file or "no file: defaults and the environment"
        yield Finding(subject="configuration", level="ok", said=said)
    except Failure as failure:
        yield _failed("configuration", failure)
        return
    yield from _definitions(workspace)
    yield _owner(workspace)
    yield _zones()
    yield _server()
    yield from _target(workspace)


def _failed(subject: str, failure: Failure) -> Finding:
    problems = getattr(failure, "problems", ())
    said = f"{failure.message}: {problems[0]}".replace("\n ", ";") if problems else failure.message
    return Finding(subject=subject, level="fail", said=said, remedy=failure.remedy)


def counted(number: int, word: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _definitions(workspace: Workspace) -> Iterator[Finding]:
    try:
        loaded = workspace.load()
    except Failure as failure:
        yield _failed("definitions", failure)
        return
    warnings = len(loaded.problems) - len(loaded.errors)
    if loaded.errors:
        said = f"{len(loaded.errors)} problems in {workspace.settings.definitions}"
        yield Finding(subject="definitions", level="fail", said=said, remedy="see `interact-gitops validate`")
    else:
        level: Literal["ok", "warn"] = "warn" if warnings else "ok"
        said = f"{counted(len(loaded.definitions), 'job')}, {counted(warnings, 'warning')}"
        yield Finding(
            subject="definitions", level=level, said=said, remedy="see `interact-gitops validate`" if warnings else None
        )


def _owner(workspace: Workspace) -> Finding:
    from interact_gitops.config import owner

    try:
        return Finding(subject="ownership", level="ok", said=f"jobs are marked {owner(workspace.settings)!r}")
    except Failure as failure:
        return _failed("ownership", failure)


def _zones() -> Finding:
    from importlib.metadata import version

    found = version("tzdata")
    old = int(found.split(".")[0]) < OLDEST_ZONES
    return Finding(
        subject="time zones",
        level="warn" if old else "ok",
        said=f"tzdata {found}",
        remedy="upgrade tzdata" if old else None,
    )


def _server() -> Finding:
    missing = [name for name in ("starlette", "uvicorn", "duckdb") if find_spec(name) is None]
    if missing:
        remedy = "pip install 'interact-gitops[server]' to use `serve` and `demo`"
        return Finding(
            subject="embedded server", level="warn", said=f"not installed: {', '.join(missing)}", remedy=remedy
        )
    return Finding(subject="embedded server", level="ok", said="installed")


def _target(workspace: Workspace) -> Iterator[Finding]:
    try:
        target = workspace.target
        with workspace.client() as client:
            surface = client.surface() if target.api == "auto" else target.api
            yield Finding(subject="target", level="ok", said=f"{target.name} at {target.url}, {surface} API")
            if surface == "public":
                said = "definitions cannot be read or changed there; runs and chats can"
                yield Finding(subject="target", level="warn", said=said)
                next(iter(client.chats(most=1)), None)
                return
            yield from _agents(workspace, {agent.slug: agent.active for agent in client.agents()})
    except Failure as failure:
        yield _failed("target", failure)


def _agents(workspace: Workspace, known: dict[str, bool]) -> Iterator[Finding]:
    try:
        wanted = {d.job.agent for d in workspace.load().definitions}
    except Failure:
        return  # said above, with the definitions
    missing = sorted(wanted - known.keys())
    inactive = sorted(slug for slug in wanted if known.get(slug) is False)
    if missing:
        remedy = f"agents there: {', '.join(sorted(known))}"
        yield Finding(subject="agents", level="fail", said=f"not on the target: {', '.join(missing)}", remedy=remedy)
    if inactive:
        yield Finding(
            subject="agents",
            level="warn",
            said=f"not active: {', '.join(inactive)}",
            remedy="activate them in Interact",
        )
    if not missing and not inactive:
        yield Finding(subject="agents", level="ok", said=f"all {len(wanted)} that jobs name are there")
