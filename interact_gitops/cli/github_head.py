"""`github head`: whether a workflow still runs for what its branch is at."""

from __future__ import annotations

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say
from interact_gitops.errors import ExitCode, Refused

_BRANCH = "refs/heads/"


@command("head", examples="interact-gitops github head")
def head(workspace: Workspace) -> int:
    """Refuse to go on where the run (GITHUB_REF, GITHUB_SHA) is not of what the configured branch is at.

    A run that waited for its approval, or is run again, would apply what has been reverted since.
    """
    from interact_gitops.github.api import github_of
    from interact_gitops.github.files import write_outputs
    from interact_gitops.github.posts import SHA, head_of

    github, environ = github_of(workspace.environ), workspace.environ
    ref, sha = environ.get("GITHUB_REF", ""), environ.get("GITHUB_SHA", "")
    if not ref.startswith(_BRANCH) or not SHA.fullmatch(sha):
        raise Refused("GITHUB_REF and GITHUB_SHA name no branch's commit", remedy="run this in a workflow of GitHub")
    branch, wanted = ref.removeprefix(_BRANCH), workspace.settings.github.get("branch", "main")
    if branch != wanted:  # GitHub compares without regard to case
        said = f"this run is of the branch {branch}, and {wanted} is applied"
        raise Refused(said, remedy=f"merge it into {wanted}, or change github.branch in interact-gitops.yaml")
    there = head_of(github, ref)
    if there != sha:
        said = f"{branch} is at {there[:12]} by now, and this run is of {sha[:12]}: nothing is applied"
        write_outputs(environ, summary=said)
        way = f"approve the run of {there[:12]}, whose plan holds what is still wanted; where there is none, "
        raise Refused(said, remedy=f"{way}start `apply` by hand")
    say(f"{branch} is at {sha[:12]}")
    return ExitCode.DONE
