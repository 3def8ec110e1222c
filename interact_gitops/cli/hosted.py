"""`plan`, `apply`, `history` and the others on a target with the public API alone, such as hosted Interact.

Nothing is pretended there: no definition is read, compared or written (interact-api.md, section 3).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.output import note, say_document
from interact_gitops.errors import ExitCode, Failure, Refused, SelectionInvalid

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.cli.standing import Standing
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary
    from interact_gitops.jobs.model import Definition
    from interact_gitops.planning.binding import Binding, Bindings

API = "this target's API (public)"


def read_bindings(
    workspace: Workspace, client: Client, definitions: Sequence[Definition], chats: Sequence[ChatSummary] | None = None
) -> Bindings:
    """How the definitions are bound to the jobs that the target's chats tell of, read now unless given."""
    from interact_gitops.interact.discovery import seen_jobs
    from interact_gitops.planning.binding import bind

    target = workspace.target
    return bind(
        definitions,
        seen_jobs(client.chats() if chats is None else chats),
        target=target.name,
        shown=f"{target.url} {target.organization}",
        sends_body=target.trigger_body == "send",
        runner_schedules=target.schedules != "interact",
    )


def choose_bindings(workspace: Workspace, client: Client, select: Sequence[str]) -> Bindings:
    """The bindings of the selected jobs; all are bound, because one can be another's rival."""
    from dataclasses import replace

    from interact_gitops.jobs.selectors import select as choose

    definitions = workspace.definitions()
    chosen = {definition.job.key for definition in choose(definitions, select)}
    bindings = read_bindings(workspace, client, definitions)
    return replace(bindings, jobs=tuple(one for one in bindings.jobs if one.key in chosen))


def plan_there(workspace: Workspace, client: Client, *, full: bool, form: str, **options: Any) -> int:
    """`plan` on a public target: each job bound, unbound or ambiguous."""
    from interact_gitops.cli.planned import say_lines
    from interact_gitops.planning.rendering.binding import bindings_to_json, bindings_to_markdown, render_bindings

    _refuse_options(options)
    bindings = choose_bindings(workspace, client, options["select"])
    if form == "json":
        say_document(bindings_to_json(bindings))
    elif form == "markdown":
        from interact_gitops.cli.output import say

        say(bindings_to_markdown(bindings), nl=False)
    else:
        say_lines(render_bindings(bindings, full=full, quiet=workspace.quiet))
    pending = options["detailed_exitcode"] and not bindings.complete
    return ExitCode.CHANGES_PENDING if pending else ExitCode.DONE


def apply_there(workspace: Workspace, client: Client, *, form: str, **options: Any) -> int:
    """`apply` on a public target: changes nothing, and says what to enter in Interact's own form.

    Raises Failure unless every job is bound and can run there.
    """
    from interact_gitops.cli.planned import say_lines
    from interact_gitops.planning.rendering.binding import bindings_to_json, render_bindings

    _refuse_options(options)
    bindings = choose_bindings(workspace, client, options["select"])
    if form == "json":
        say_document(bindings_to_json(bindings))
    else:
        say_lines(render_bindings(bindings, full=True, quiet=workspace.quiet))
    said = f"nothing was changed: {API} has no call that writes a definition"
    if bindings.complete:
        note(said)
        return ExitCode.DONE
    counts = ((bindings.count("unbound"), "unbound"), (bindings.count("ambiguous"), "ambiguous"),
              (len(bindings.refused), "refused"))  # fmt: skip
    left = ", ".join(f"{number} {word}" for number, word in counts if number)
    raise Failure(f"{said}, and not every job is ready there: {left}", remedy="do what stands above, then plan again")


def binding_of(workspace: Workspace, client: Client, key: str) -> Binding:
    """How one definition is bound. Raises SelectionInvalid, with the nearest key, when there is none."""
    from interact_gitops.cli.subjects import find_definition

    definitions = workspace.definitions()
    find_definition(definitions, key)
    return next(one for one in read_bindings(workspace, client, definitions).jobs if one.key == key)


def bound_id(binding: Binding) -> str:
    """The id of the job that a definition is bound to. Raises SelectionInvalid, with the candidates or what to do."""
    from interact_gitops.planning.rendering.binding import binding_remedy, binding_words, candidate_words

    if binding.remote_id is None:
        listed = "".join(f"\n  {candidate_words(one)}" for one in binding.candidates)
        said = f"the job {binding.key!r} is {binding_words(binding)}{listed}"
        raise SelectionInvalid(said, remedy=binding_remedy(binding))
    return binding.remote_id


def past_runs(
    workspace: Workspace, client: Client, job: str | None, *, count: int, status: str | None
) -> list[ChatSummary]:
    """The newest runs that the target lists, of one job or all; `status` is its word or ours."""
    from interact_gitops.interact.discovery import newest_first
    from interact_gitops.interact.starting import job_chats

    found = list(client.chats()) if job is None else job_chats(client, bound_id(binding_of(workspace, client, job)))
    return [run for run in newest_first(found) if status is None or status in {run.state, run.status}][:count]


def standings_there(workspace: Workspace, client: Client, definitions: Sequence[Definition]) -> dict[str, Standing]:
    """How each job is bound, and its last run."""
    from interact_gitops.cli.standing import Standing

    bindings = read_bindings(workspace, client, workspace.definitions())
    wanted = {definition.job.key for definition in definitions}
    return {
        one.key: Standing(
            state="refused" if one.refused else one.state,
            last=one.candidates[0].last if one.state == "bound" and one.candidates else None,
        )
        for one in bindings.jobs
        if one.key in wanted
    }


def refuse_cancel(*, done: str = "nothing was done here") -> Failure:
    """What `cancel` says: the public API has no such call."""
    return Refused(f"{API} has no call that stops a run", remedy=f"stop it in Interact; {done}")


_MEANINGLESS: Mapping[str, str] = {
    "out": "a plan file is what apply writes, and it writes nothing there",
    "planfile": "a plan file is what apply writes, and it writes nothing there",
    "adopt": "jobs there carry no ownership mark",
    "prune": "nothing is deleted there",
}


def _refuse_options(options: Mapping[str, Any]) -> None:
    for name, why in _MEANINGLESS.items():
        if options.get(name):
            shown = "PLANFILE" if name == "planfile" else f"--{name}"
            raise Refused(f"{shown}: {API} has no definitions: {why}", remedy=f"leave {shown} out")
