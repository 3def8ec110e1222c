"""What `.github` should hold, from the configuration and the jobs of a folder."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.github.workflows.generating import Choices


# Variables that a runner, its shell or what it runs already uses: a secret of that name would change what they do.
_RESERVED = re.compile(
    r"(?:GITHUB|RUNNER|ACTIONS?|ALLOW|PYTHON|PIP|UV|LD|GIT|BASH|NODE|INTERACT_GITOPS|SSL|XDG)_.*|PATH|HOME|SHELL|ENV|IFS"
    r"|CI|INPUTS|VERSION|NEEDS|USER|TMPDIR|LANG|LC_.*|PYTHON(?:PATH|HOME|STARTUP)|(?:HTTPS?|ALL|NO|FTP)_PROXY"
    r"|(?:REQUESTS|CURL)_CA_BUNDLE",
    re.IGNORECASE,
)
# By git-check-ref-format, of what the configuration lets through; and what is a branch's name only to puzzle people.
_NO_BRANCH = re.compile(r"\.\.|//|/\.|\.lock(?:/|$)|[./]$|^refs/|^(?:HEAD|FETCH_HEAD|ORIG_HEAD)$")
# What the action's step tells apart, in its order (action.yml.j2).
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:[A-Za-z0-9.+!-]*)|interact-gitops(?:\[[a-z0-9,-]+\])?(?:[=<>~!@].*)?")
_ADDRESS = re.compile(r"(?:git\+)?(?:https|ssh|file)://.+")
_INSTALLABLE = (
    "write a version (0.1.0), a lock file or a folder of the repository (.github/interact-gitops.txt), an address"
)


def wanted_workflows(workspace: Workspace) -> tuple[Path, dict[str, str]]:
    """(the repository's top, path → text of every file). Raises Refused, DefinitionsInvalid."""
    from interact_gitops.github.workflows.generating import generate
    from interact_gitops.gitops.program import top_of
    from interact_gitops.jobs.selectors import select
    from interact_gitops.planning.binding import unmet_needs

    settings = workspace.settings
    top = top_of(settings.folder) or settings.folder.resolve()
    if top != settings.folder.resolve():
        raise Refused("workflows belong to the top of the repository, and the configuration is below it",
                      remedy=f"keep interact-gitops.yaml in {top}")  # fmt: skip
    choices = choices_of(settings)
    _demand_installable(choices.version, top)
    found = workspace.load(choices.target).valid(settings.definitions)
    wanted = settings.github.get("dispatch")
    formed = found if wanted is None else select(found, wanted) if wanted else ()
    jobs = [definition.job for definition in found]
    raw = settings.targets.get(choices.target or "", {})
    if raw.get("api") == "public":
        # A form that could never start its job helps nobody.
        jobs = [job for job in jobs if not unmet_needs(job, sends_body=raw.get("trigger_body") == "send")]
    forms = frozenset(definition.job.key for definition in formed)
    return top, generate(choices, jobs, forms=forms)


def choices_of(settings: Settings) -> Choices:
    """What the configuration says of workflows, with what it leaves open filled in. Raises Refused for what GitHub or
    its runners would not take."""
    from interact_gitops import __version__
    from interact_gitops.config.references import names_in
    from interact_gitops.github.workflows.generating import Choices

    said = settings.github
    _check(settings)
    target = settings.target_name(said.get("target")) if settings.targets else None
    raw = settings.targets[target] if target is not None else {}
    implicit = target is None
    secrets = ("INTERACT_API_KEY",) if implicit else tuple(dict.fromkeys(names_in(raw.get("api_key"))))
    open_ones = [name for part in ("url", "organization") for name in names_in(raw.get(part))]
    variables = ("INTERACT_URL", "INTERACT_ORG_ID") if implicit else tuple(dict.fromkeys(open_ones))
    channel_secrets = tuple(dict.fromkeys(names_in(settings.channels)))
    told = [(settings.channels or {}).get(name, {}) for name in settings.notices.get("channels", ())]
    notice_secrets = tuple(dict.fromkeys(names_in(told)))
    ledger_secrets = tuple(dict.fromkeys(names_in(settings.ledger)))
    _demand_apart(variables, [*secrets, *channel_secrets, *ledger_secrets])
    # What a target with the public API alone has cannot be compared or written: no workflow is made to fail at it.
    unable = {"apply", "drift"} if raw.get("api") == "public" else set()
    return Choices(
        branch=said.get("branch", "main"), target=target, environment=said.get("environment", "production"),
        runs_on=said.get("runs_on", "ubuntu-24.04"), version=said.get("version") or __version__,
        drift_cron=said.get("drift_cron", "17 5 * * *"), schedule_cron=said.get("schedule_cron", "3-59/5 * * * *"),
        leave_out=frozenset(said.get("leave_out", ())) | unable, implicit=implicit, variables=variables,
        secrets=secrets, channel_secrets=channel_secrets, notice_secrets=notice_secrets,
        ledger_secrets=ledger_secrets,
    )  # fmt: skip


def _check(settings: Settings) -> None:
    from interact_gitops.errors import ScheduleInvalid
    from interact_gitops.schedule import describe

    said = settings.github
    for name in ("drift_cron", "schedule_cron"):
        try:
            describe(said.get(name, "0 0 * * *"), None)
        except ScheduleInvalid as invalid:
            raise Refused(f"github.{name}: {invalid.message}", remedy=invalid.remedy) from invalid
    if _NO_BRANCH.search(said.get("branch", "main")):
        raise Refused(f"github.branch: {said['branch']!r} is no branch's name", remedy="write one, such as main")
    if len(settings.targets) > 1 and not (said.get("target") or settings.default_target):
        named = f"one of {', '.join(settings.targets)}"
        raise Refused("the workflows work with one target, and none is named", remedy=f"set github.target to {named}")


def installed_from(version: str) -> str | None:
    """The path from the repository's top that `github.version` names, `.` for all of it; None where it names none."""
    if not version.endswith(".txt") and (_RELEASE.fullmatch(version) or _ADDRESS.fullmatch(version)):
        return None
    return posixpath.normpath(version)


def _demand_installable(version: str, top: Path) -> None:
    """What pip would take for the name of somebody's package must not get that far."""
    path = installed_from(version)
    if path is None:
        return
    place, lock = top / path, version.endswith(".txt")
    named = lock or version == "." or "/" in version
    inside = place.resolve().is_relative_to(top.resolve())
    if named and inside and (place.is_file() if lock else place.is_dir()):
        return
    raise Refused(f"github.version: {version!r} is nothing that the workflows can install", remedy=_INSTALLABLE)


def _demand_apart(variables: Sequence[str], secrets: Sequence[str]) -> None:
    """Names that GitHub's variables and secrets can have, and that it tells apart: without regard to case."""
    seen: dict[str, str] = {}
    for name in (*variables, *secrets):
        other = seen.setdefault(name.lower(), name)
        if other != name:
            said = f"the variables {other} and {name} are one at GitHub, which has no regard to case"
            raise Refused(said, remedy="refer to one of them in interact-gitops.yaml")
    both = next((name for name in secrets if name in variables), None)
    if both is not None:
        said = f"the variable {both} is part of an address or an organisation, and a secret too"
        raise Refused(said, remedy="refer to two in interact-gitops.yaml: addresses are shown, and secrets are not")
    taken = next((name for name in seen.values() if _RESERVED.fullmatch(name)), None)
    if taken is not None:
        said = f"the variable {taken} is used by GitHub's runners or by what they run, and cannot hold a value of yours"
        raise Refused(said, remedy=f"refer to another in interact-gitops.yaml, such as INTERACT_{taken}")
