"""`import` from a target with the public API alone: every job that ever ran, as far as its chats tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.output import NEWLINE, note, say, say_json, visible
from interact_gitops.cli.saving import save

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.interact.client import Client
    from interact_gitops.planning.discovered import FoundJob

SCHEMA = Path("schema/job.schema.json")


def import_there(
    workspace: Workspace, client: Client, *, select: Sequence[str] = (), write: bool, full: bool = False, form: str
) -> None:
    """Files for the jobs seen there that no definition means; written with `write`, else shown. Files that are
    there already are never touched, and nothing on the target is."""
    from interact_gitops.planning.discovered import definition_text

    found, left_out, others = _found(workspace, client, select)
    settings = workspace.settings
    named = workspace.target.name in settings.targets
    schema = _schema(settings.folder, settings.definitions)
    texts = [definition_text(one, target=workspace.target.name, named=named, schema=schema) for one in found]
    if write:
        for one, text in zip(found, texts, strict=True):
            save(settings.definitions_folder / one.path, text.encode(), before=None)
    files: list[dict[str, Any]] = [
        {
            "path": f"{settings.definitions}/{one.path}",
            "key": one.key,
            "id": one.seen.id,
            "name": one.seen.name,
            "text": text,
        }
        for one, text in zip(found, texts, strict=True)
    ]
    if form == "json":
        say_json({"target": workspace.target.name, "api": "public", "written": write, "files": files,
                  "leftOut": list(left_out), "known": others})  # fmt: skip
        return
    for file in files:
        say(
            visible(
                f"{'wrote' if write else 'would write'} {file['path']}  {file['name'] or '(no name)'}  {file['id']}"
            )
        )
        if full:
            say(visible("".join(f"  {row}\n" for row in file["text"].splitlines()), keep=NEWLINE), nl=False)
    for said in left_out:
        note(said)
    _summarise(workspace, len(files), others, write=write)


def _found(
    workspace: Workspace, client: Client, select: Sequence[str]
) -> tuple[tuple[FoundJob, ...], tuple[str, ...], int]:
    """(the jobs to write, what is said of others, how many are in the tree already)."""
    from interact_gitops.cli.hosted import read_bindings
    from interact_gitops.planning.discovered import found_jobs

    folder = workspace.settings.definitions_folder
    definitions = workspace.definitions() if folder.is_dir() else ()
    bindings = read_bindings(workspace, client, definitions)
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*")] if folder.is_dir() else []
    found, left_out = found_jobs(bindings.others, keys=[d.job.key for d in definitions], paths=paths)
    known = len({job.id for one in bindings.jobs for job in one.candidates})
    return _chosen(found, select), left_out, known


def _chosen(found: Sequence[FoundJob], select: Sequence[str]) -> tuple[FoundJob, ...]:
    """Those that the selectors name, by the key and the agent that they get."""
    from interact_gitops.errors import Position
    from interact_gitops.jobs.model import Definition, Job
    from interact_gitops.jobs.selectors import select as choose

    definitions = [
        Definition(
            job=Job(key=one.key, name=one.name, agent=one.agent, prompts=(), parameters={}, labels={}),
            path=one.path,
            position=Position(one.path),
        )
        for one in found
    ]
    chosen = {definition.job.key for definition in choose(definitions, select)}
    return tuple(one for one in found if one.key in chosen)


def _schema(folder: Path, definitions: str) -> str | None:
    """The job schema's path as files in the definitions folder name it, where this repository has it."""
    if not (folder / SCHEMA).is_file() or Path(definitions).is_absolute():
        return None
    return "/".join([".."] * len(Path(definitions).parts)) + "/" + SCHEMA.as_posix()


def _summarise(workspace: Workspace, files: int, known: int, *, write: bool) -> None:
    if workspace.quiet:
        return
    words = "job" if files == 1 else "jobs"
    said = f"{files} {words} found that no definition means" if files else "Every job seen there has its definition"
    say(f"{said}; {known} in the tree already." if known or not files else f"{said}.")
    if files:
        say("Of each only id, name and agent are known; the files mark what has to be copied from Interact.")
    if files and not write:
        say("Nothing was written: pass --write.")
    note("A job that never ran cannot be seen through this target's API (public).")
