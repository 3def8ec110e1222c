"""What `doctor` looks at on this machine, one finding after the other, each with its remedy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from interact_gitops import __version__
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.jobs.tree import SourceFile

OLDEST_ZONES = 2025  # the year of time-zone data below which recent rule changes are missing
PROBE = "Europe/Amsterdam"  # a zone that every tz database has
MODELINE = re.compile(rb"^# *yaml-language-server: *\$schema=(\S+)", re.MULTILINE)
EDITOR_SETTINGS = ".vscode/settings.json"
JOB_SCHEMA = "job.schema.json"

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line: what was looked at, how it is, what was seen, what to do."""

    subject: str
    level: Level
    said: str
    remedy: str | None = None


def diagnose(workspace: Workspace) -> Iterator[Finding]:
    """Every finding; a failure of one part does not hide the next."""
    from interact_gitops.cli.diagnosis_of_target import target

    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding(subject="program", level="ok", said=f"interact-gitops {__version__} on Python {python}")
    try:
        settings = workspace.settings
        said = settings.file or "no file: defaults and the environment"
        yield Finding(subject="configuration", level="ok", said=said)
    except Failure as failure:
        yield failed("configuration", failure)
        return
    yield from _definitions(workspace)
    yield from _channels(workspace)
    yield _git(workspace)
    yield _owner(workspace)
    yield _zones()
    yield _holidays()
    yield _ledger(workspace)
    yield _server()
    yield from target(workspace)


def failed(subject: str, failure: Failure) -> Finding:
    """A part that cannot be used."""
    problems = getattr(failure, "problems", ())
    said = f"{failure.message}: {problems[0]}".replace("\n ", ";") if problems else failure.message
    return Finding(subject=subject, level="fail", said=said, remedy=failure.remedy)


def counted(number: int, word: str) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def _definitions(workspace: Workspace) -> Iterator[Finding]:
    from interact_gitops.jobs.tree import read_tree

    try:
        loaded = workspace.load()
        files, _ = read_tree(workspace.settings.definitions_folder, shown=workspace.settings.definitions)
    except Failure as failure:
        yield failed("definitions", failure)
        return
    warnings = len(loaded.problems) - len(loaded.errors)
    remedy = "see `interact-gitops validate`" if loaded.problems else None
    if loaded.errors:
        said = f"{counted(len(loaded.errors), 'problem')} in {workspace.settings.definitions}"
        yield Finding(subject="definitions", level="fail", said=said, remedy=remedy)
    else:
        said = f"{counted(len(loaded.definitions), 'job')}, {counted(warnings, 'warning')}"
        yield Finding(subject="definitions", level="warn" if warnings else "ok", said=said, remedy=remedy)
    if files:
        yield _editors(files, workspace.settings.folder, workspace.settings.definitions_folder)


def _editors(files: Sequence[SourceFile], folder: Path, definitions: Path) -> Finding:
    """Whether editors know the schema, and the right one."""
    from interact_gitops.shapes import schema_path

    named = {file.shown: (file.path, found[1].decode()) for file in files if (found := MODELINE.search(file.raw[:500]))}
    configured = (folder / EDITOR_SETTINGS).exists()
    if not named and not configured:
        line = "# yaml-language-server: $schema=../schema/job.schema.json"
        return Finding(subject="editors", level="warn", remedy=f"begin files with `{line}`, as `init` does",
                       said="no file names its schema: editors check and complete nothing")  # fmt: skip
    local = {name: definitions / path.parent / said for name, (path, said) in named.items() if "://" not in said}
    lost = next((name for name, schema in local.items() if not schema.is_file()), None)
    if lost:
        said = f"{lost} names a schema that is not there: {named[lost][1]}"
        return Finding(subject="editors", level="warn", said=said, remedy="`interact-gitops init` writes the schemas")
    ours = schema_path(JOB_SCHEMA).read_bytes()
    kept = {path.resolve() for path in (*local.values(), folder / "schema" / JOB_SCHEMA) if path.is_file()}
    other = next((path for path in sorted(kept) if path.read_bytes() != ours), None)
    if other:
        said = f"{_near(other, folder.resolve())} is another version's: editors check by other rules than `validate`"
        return Finding(subject="editors", level="warn", said=said, remedy="remove it, and run `interact-gitops init`")
    said = f"{len(named)} of {counted(len(files), 'file')} {'names' if len(named) == 1 else 'name'} the schema"
    return Finding(subject="editors", level="ok", said=f"{said}, and {EDITOR_SETTINGS} does" if configured else said)


def _channels(workspace: Workspace) -> Iterator[Finding]:
    channels = workspace.channels
    missing = [f"{c.name}: {why}" for c in channels for why in c.missing.values()]
    if missing:
        said = f"{counted(len(missing), 'secret')} cannot be read: {'; '.join(missing[:5])}"
        yield Finding(
            subject="channels", level="warn", said=said, remedy="plan does not compare them; apply needs them"
        )
    elif channels:
        yield Finding(subject="channels", level="ok", said=f"{counted(len(channels), 'channel')}, secrets at hand")


def _git(workspace: Workspace) -> Finding:
    from interact_gitops.gitops.checkout import read_checkout
    from interact_gitops.gitops.program import ask_git

    version = ask_git(workspace.settings.folder, "version")
    if version is None:
        return Finding(subject="git", level="warn", said="there is no git program",
                       remedy="install git: plan --base, ownership and commits come from it")  # fmt: skip
    said = version.out.decode("utf-8", "replace").strip()
    try:
        checkout = read_checkout(workspace.settings.folder)
    except Failure as failure:
        return failed("git", failure)
    if checkout is None:
        return Finding(subject="git", level="warn", said=f"{said}; this folder is not in a repository",
                       remedy="`git init`: reviews, ownership and the commit of each run need one")  # fmt: skip
    commit = checkout.commit[:7] if checkout.commit else "no commit yet"
    return Finding(subject="git", level="ok", said=f"{said}; {checkout.remote_path or 'no remote'} at {commit}")


def _owner(workspace: Workspace) -> Finding:
    from interact_gitops.config import owner

    try:
        return Finding(subject="ownership", level="ok", said=f"jobs are marked {owner(workspace.settings)!r}")
    except Failure as failure:
        return failed("ownership", failure)


def _zones() -> Finding:
    """Which time-zone data is read: Python takes the system's before the package's."""
    from importlib.metadata import PackageNotFoundError, version
    from zoneinfo import TZPATH, ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo.no_cache(PROBE)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Finding(subject="time zones", level="fail", said="there is no time-zone data that can be read",
                       remedy="pip install tzdata, or install the system's tzdata package")  # fmt: skip
    try:
        package = version("tzdata")
    except PackageNotFoundError:
        package = None
    system = next((Path(folder) for folder in TZPATH if (Path(folder) / PROBE).is_file()), None)
    release = package if system is None else _release(system)
    said = f"{'the package tzdata' if system is None else system}, release {release or 'unknown'}"
    if system and package:
        said += f"; the package has {package}, which PYTHONTZPATH= reads instead"
    if release and release[:4].isdigit() and int(release[:4]) < OLDEST_ZONES:
        remedy = f"upgrade {'the package' if system is None else 'the system package'} tzdata: later rules are missing"
        return Finding(subject="time zones", level="warn", said=said, remedy=remedy)
    return Finding(subject="time zones", level="ok", said=said)


def _release(folder: Path) -> str | None:
    """The release of a tz database, such as 2026a, where it says so in one of the two usual places."""
    for name, begins in (("+VERSION", ""), ("tzdata.zi", "# version ")):
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as lines:
                first = lines.readline(80).strip()
        except OSError:
            continue
        if first.startswith(begins):
            return first.removeprefix(begins)
    return None


def _holidays() -> Finding:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Finding(subject="holidays", level="ok", said=f"holidays {version('holidays')}")
    except PackageNotFoundError:
        return Finding(subject="holidays", level="fail", said="the package `holidays` is not installed",
                       remedy="install interact-gitops again: business days need it")  # fmt: skip


def _ledger(workspace: Workspace) -> Finding:
    from interact_gitops.config import resolve_reference
    from interact_gitops.ledger.opening import open_database, shown, sqlite_path

    settings = workspace.settings
    try:
        url = resolve_reference(settings.ledger, workspace.environ, "ledger", folder=settings.folder)
        if not url.lower().startswith("sqlite:"):
            if url.partition(":")[0].lower() not in {"postgresql", "postgres"}:
                open_database(url, folder=settings.folder)  # refuses it, and says what is one
            if find_spec("psycopg") is None:
                return Finding(subject="ledger", level="fail", said=f"{shown(url)} needs the PostgreSQL driver",
                               remedy="pip install 'interact-gitops[postgres]'")  # fmt: skip
            # Opening it would make its tables: doctor changes nothing.
            return Finding(subject="ledger", level="ok", said=f"{shown(url)}, which was not connected to")
        path = settings.folder / sqlite_path(url)
    except Failure as failure:
        return failed("ledger", failure)
    place = _not_writable(path)
    if place is not None:
        return Finding(subject="ledger", level="fail", said=f"{_near(path, settings.folder)} cannot be written",
                       remedy=f"check {_near(place, settings.folder)} and its permissions")  # fmt: skip
    made = "" if path.exists() else ", made when a run is started"
    return Finding(subject="ledger", level="ok", said=f"{_near(path, settings.folder)}{made}")


def _not_writable(path: Path) -> Path | None:
    """What keeps a database from being written at `path`, which puts files of its own beside it."""
    folder = next(parent for parent in path.parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        return folder
    return path if path.exists() and not (path.is_file() and os.access(path, os.R_OK | os.W_OK)) else None


def _near(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) and path != folder else str(path)


def _server() -> Finding:
    missing = [name for name in ("starlette", "uvicorn", "duckdb") if find_spec(name) is None]
    if missing:
        remedy = "pip install 'interact-gitops[server]' to use `serve` and `demo`"
        return Finding(
            subject="embedded server", level="warn", said=f"not installed: {', '.join(missing)}", remedy=remedy
        )
    return Finding(subject="embedded server", level="ok", said="installed")
