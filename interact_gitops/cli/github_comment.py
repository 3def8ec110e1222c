"""`github comment`: the plan of a pull request in one comment under it, from forks too."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.github_posts import read_object
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import say, visible
from interact_gitops.errors import ExitCode, Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.github.posts import Head

_LEFT = "interact-plan-"  # and the pull request's number: the name of the artifact
_MOST_PLAN = 20 << 20  # bytes
_NAMED = 10  # files
_RULING = r"\.github/|(?:interact-gitops\.yaml|(?:docs/)?CODEOWNERS)$"  # what else than jobs decides
_VALIDATE = ".github/workflows/validate.yml"
_ENDS = ("success", "failure")  # of a run that came to its end
_HERE = "run this on the event workflow_run"


@command("comment", examples="interact-gitops github comment")
def comment(workspace: Workspace) -> int:
    """Put the plan that a pull request's workflow left into one comment under it.

    The run is that of the event `workflow_run` (GITHUB_EVENT_PATH). What it left is read as data: its shape is checked,
    and every text in it is shown as code. Where it left no plan, the comment that is there says so.
    """
    from interact_gitops.github.api import github_of
    from interact_gitops.github.posts import artifacts_of, changed_files, keep_comment, pull_requests_of
    from interact_gitops.planning.rendering.github import marker

    github, mark = github_of(workspace.environ), marker("base")
    run, path, ended, head = _event(workspace.environ)
    if path != _VALIDATE:
        say(f"the run is not one of {_VALIDATE}: nothing is said")  # any workflow may have its name
        return ExitCode.DONE
    if ended not in _ENDS or head is None:
        gone = "its repository is gone" if head is None else f"the run is {visible(ended)}"
        say(f"{gone}: nothing is said")  # a run that was broken off says nothing of its commit; a newer one will
        return ExitCode.DONE
    numbers = pull_requests_of(github, head)
    left = artifacts_of(github, run, _LEFT)
    # The run names its pull request; of a number that is not of this very branch nothing is believed.
    number = next((one for one in numbers if str(one) in left), numbers[0] if len(numbers) == 1 else None)
    if number is None:
        more = f"{len(numbers)} open pull requests have this commit, and the run does not say whose it is"
        say(more if numbers else "no open pull request has this commit as its head any more: nothing is said")
        return ExitCode.DONE
    try:
        packed = github.download(f"/actions/artifacts/{left[str(number)]}/zip")
        about = _about(head, changed_files(github, number), _rule(workspace))
        body = _shown(_unpacked(packed), list(about))
    except (KeyError, Refused) as why:
        place = f"{github.repository}/actions/runs/{run}"
        done = keep_comment(github, number, mark, _none(mark, head, place, good=ended == _ENDS[0]), begin=False)
        say(f"the run left no plan; that the comment under #{number} says so: {done}")
        if isinstance(why, Refused):
            raise
        return ExitCode.DONE
    say(f"the comment under #{number} is {keep_comment(github, number, mark, body)}")
    return ExitCode.DONE


def _shown(document: Any, about: Sequence[str]) -> str:
    """The comment's text. Raises Refused for what is no plan."""
    from interact_gitops.cli.times import now
    from interact_gitops.planning.reading import plan_from_json
    from interact_gitops.planning.rendering.markdown import render_markdown

    plan = plan_from_json(document, what="what the run left", between=True)
    held = document.get("held")
    return render_markdown(plan, now=now(), full=True, held=held, identity="base", about=about)


def _rule(workspace: Workspace) -> re.Pattern[str]:
    """Which paths decide what runs: workflows, configuration, owners, and what is installed from the repository."""
    from interact_gitops.cli.scaffolding import installed_from

    try:
        settings = workspace.settings
        place, jobs = installed_from(str(settings.github.get("version") or "0")), settings.definitions
    except Failure:
        place, jobs = ".", "jobs.d"  # a configuration that cannot be read hides nothing
    if place == ".":
        return re.compile(rf"(?!{re.escape(jobs)}/)")
    return re.compile("|".join([_RULING, *([rf"{re.escape(place)}(?:/|$)"] if place else [])]))


def _about(head: Head, files: Sequence[str], rule: re.Pattern[str]) -> Iterator[str]:
    from interact_gitops.github.posts import MOST_FILES
    from interact_gitops.planning.rendering.github import code, listed

    yield f"Of the commit `{head.sha[:12]}`. What is applied is planned again after the merge, and approved there."
    ruling = [name for name in files if rule.match(name)]
    if len(files) >= MOST_FILES:
        yield "> [!WARNING]\n> **It changes more files than GitHub lists**; some of them may decide what runs."
    if ruling:
        names = listed([code(name) for name in ruling[:_NAMED]], len(ruling))
        yield (
            f"> [!WARNING]\n> **It changes more than jobs:** {names}. Read these files: what they say may run with"
            " secrets after the merge, and this plan may be of their making."
        )


def _none(mark: str, head: Head, run: str, *, good: bool) -> str:
    why = "Its definitions cannot be planned; the checks say why, each problem on its line"
    if good:
        why = "There is nothing to compare it with: the definitions before it cannot be planned"
    said = f"{why} (run `{run}`). An earlier plan stood here, and holds no more."
    return f"{mark}\n### Plan: none of the commit `{head.sha[:12]}`\n\n{said}"


def _event(environ: Mapping[str, str]) -> tuple[int, str, str, Head | None]:
    """(run, its workflow's file, how it ended, head) of the workflow run that started this one; no head where its
    repository was deleted since. Raises Refused."""
    from interact_gitops.github.posts import SHA, Head

    place = environ.get("GITHUB_EVENT_PATH", "")
    try:
        text = Path(place).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("GITHUB_EVENT_PATH names no file that can be read", remedy=_HERE) from error
    try:
        run = read_object(text, "the event")["workflow_run"]
        path = str(run["path"]).partition("@")[0]  # some say which branch's, too
        ended, there = str(run["conclusion"]), run["head_repository"]
        if there is None:
            return int(run["id"]), path, ended, None
        head = Head(repository=int(there["id"]), owner=str(there["owner"]["login"]), branch=str(run["head_branch"]),
                    sha=str(run["head_sha"]))  # fmt: skip
        number = int(run["id"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Refused("the event is not that of a workflow run", remedy=_HERE) from error
    if not SHA.fullmatch(head.sha):
        raise Refused("the event names no commit", remedy=_HERE)
    return number, path, ended, head


def _unpacked(packed: bytes) -> Any:
    """The one JSON file in an artifact. Raises Refused for anything else, whatever is wrong with it."""
    import io
    import zipfile
    import zlib

    from interact_gitops.jobs.strict_json import read_strictly

    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            (entry,) = archive.infolist()
            # As the runner packs it: not encrypted, and with no method that asks for gigabytes.
            usual = not entry.flag_bits & 1 and entry.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
            with archive.open(entry) if usual else io.BytesIO() as file:
                raw = file.read(_MOST_PLAN + 1)
        return read_strictly((raw if len(raw) <= _MOST_PLAN else b"").decode())
    except (ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, OSError, EOFError) as odd:
        raise Refused("what the run left is no plan", remedy="see the run of validate") from odd
