"""What `.github` should hold, from the configuration and the jobs of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.github.workflows.generating import Choices


# Variables that a runner, its shell or what it runs already uses: a secret of that name would change what they do.
_RESERVED = re.compile(
    r"(?:GITHUB|RUNNER|ACTIONS?|ALLOW|PYTHON|PIP|LD|GIT|BASH|NODE|INTERACT_GITOPS)_.*|PATH|HOME|SHELL|ENV|IFS|CI|INPUTS"
    r"|NEEDS|USER|TMPDIR|LANG|LC_.*|PYTHON(?:PATH|HOME|STARTUP)",
    re.IGNORECASE,
)
# By git-check-ref-format, of what the configuration lets through.
_NO_BRANCH = re.compile(r"\.\.|//|/\.|\.lock(?:/|$)|[./]$")


def wanted_workflows(workspace: Workspace) -> tuple[Path, dict[str, str]]:
    """(the repository's top, path → text of every file). Raises Refused, DefinitionsInvalid."""
    from interact_gitops.github.workflows.generating import generate
    from interact_gitops.gitops.program import top_of
    from interact_gitops.jobs.selectors import select

    settings = workspace.settings
    top = top_of(settings.folder) or settings.folder.resolve()
    if top != settings.folder.resolve():
        raise Refused("workflows belong to the top of the repository, and the configuration is below it",
                      remedy=f"keep interact-gitops.yaml in {top}")  # fmt: skip
    choices = choices_of(settings)
    found = workspace.load(choices.target).valid(settings.definitions)
    wanted = settings.github.get("dispatch")
    formed = found if wanted is None else select(found, wanted) if wanted else ()
    forms = frozenset(definition.job.key for definition in formed)
    return top, generate(choices, [definition.job for definition in found], forms=forms)


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
    _demand_free([*secrets, *variables, *channel_secrets])
    # What a target with the public API alone has cannot be compared or written: no workflow is made to fail at it.
    unable = {"apply", "drift"} if raw.get("api") == "public" else set()
    return Choices(
        branch=said.get("branch", "main"), target=target, environment=said.get("environment", "production"),
        runs_on=said.get("runs_on", "ubuntu-24.04"), version=said.get("version") or __version__,
        drift_cron=said.get("drift_cron", "17 5 * * *"), schedule_cron=said.get("schedule_cron", "3-59/5 * * * *"),
        leave_out=frozenset(said.get("leave_out", ())) | unable, implicit=implicit, variables=variables,
        secrets=tuple(name for name in secrets if name not in variables),
        channel_secrets=channel_secrets,
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


def _demand_free(names: Iterable[str]) -> None:
    taken = next((name for name in names if _RESERVED.fullmatch(name)), None)
    if taken is not None:
        said = f"the variable {taken} is used by GitHub's runners or by what they run, and cannot hold a value of yours"
        raise Refused(said, remedy=f"refer to another in interact-gitops.yaml, such as INTERACT_{taken}")
