"""What `.github` should hold, from the configuration and the jobs of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from interact_gitops.errors import Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.github.workflows.generating import Choices


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
    found = workspace.load().valid(settings.definitions)
    wanted = settings.github.get("dispatch")
    formed = found if wanted is None else select(found, wanted) if wanted else ()
    forms = frozenset(definition.job.key for definition in formed)
    return top, generate(choices_of(settings), [definition.job for definition in found], forms=forms)


def choices_of(settings: Settings) -> Choices:
    """What the configuration says of workflows, with what it leaves open filled in."""
    from interact_gitops import __version__
    from interact_gitops.config.references import names_in
    from interact_gitops.github.workflows.generating import Choices

    said = settings.github
    target = settings.target_name(said.get("target")) if settings.targets else None
    raw = settings.targets[target] if target is not None else {}
    implicit = target is None
    secrets = ("INTERACT_API_KEY",) if implicit else tuple(dict.fromkeys(names_in(raw.get("api_key"))))
    open_ones = [name for part in ("url", "organization") for name in names_in(raw.get(part))]
    variables = ("INTERACT_URL", "INTERACT_ORG_ID") if implicit else tuple(dict.fromkeys(open_ones))
    return Choices(
        branch=said.get("branch", "main"), target=target, environment=said.get("environment", "production"),
        runs_on=said.get("runs_on", "ubuntu-24.04"), version=said.get("version") or __version__,
        drift_cron=said.get("drift_cron", "17 5 * * *"), schedule_cron=said.get("schedule_cron", "3-59/5 * * * *"),
        leave_out=frozenset(said.get("leave_out", ())), implicit=implicit, variables=variables,
        secrets=tuple(name for name in secrets if name not in variables),
        channel_secrets=tuple(dict.fromkeys(names_in(settings.channels))),
    )  # fmt: skip
