"""An import in lines for people, and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interact_gitops.planning.imported import Import, ImportedJob
from interact_gitops.planning.rendering.styled import Line, line

_SIGNS = {"create": ("+", "create"), "update": ("~", "update"), "refused": ("!", "refused")}


def render_import(made: Import, *, written: bool, adopting: bool = False, quiet: bool = False) -> list[Line]:
    """One line for each job that is written or refused, what the target lacks, and the counts last.

    `adopting`: what nobody manages is taken over right after.
    """
    shown = [job for job in made.jobs if job.action != "unchanged" or job.notes or job.unsaid]
    widest = max((len(job.key) for job in shown), default=0)
    rows = [row for job in shown for row in _job(job, widest)]
    rows += [
        line((" ? ", "bold"), definition.job.key.ljust(widest), f"  {definition.path}:{definition.position.line}",
             "  the target has no such job; nothing is deleted here")
        for definition in made.missing
    ]  # fmt: skip
    rows += [
        line((" ! ", "refused"), key.ljust(widest), f"  managed by {owner!r}: left out") for key, owner in made.foreign
    ]
    return (
        rows
        if quiet
        else [*rows, line((_counts(made, written=written), "bold")), *_hints(made, written=written, adopting=adopting)]
    )


def import_to_json(made: Import, *, written: bool) -> dict[str, Any]:
    """The import as `schema/output.schema.json` describes it, with the text of each file."""
    return {
        "api": "full",
        "written": written,
        "jobs": [_job_to_json(job) for job in made.jobs],
        "files": [
            {"path": file.shown, "new": file.before is None, "text": file.after.decode()} for file in made.files
        ],
        "missing": [
            {"key": one.job.key, "path": one.path, "line": one.position.line} for one in made.missing
        ],
        "foreign": [{"key": key, "managedBy": owner} for key, owner in made.foreign],
    }  # fmt: skip


def _job(job: ImportedJob, widest: int) -> Iterator[Line]:
    sign, style = _SIGNS.get(job.action, ("=", "dim"))
    place = f"{job.path}:{job.line}" if job.action != "create" and job.path else job.path or "(no file)"
    fields = f"  {', '.join(job.fields)}" if job.fields else ""
    yield line((f" {sign} ", style), job.key.ljust(widest), f"  {place}{fields}")
    if job.reason is not None:
        yield line("     ", (job.reason, "bad"))
        yield line(f"     {job.remedy}")
    for place in job.unsaid:
        said = (
            f"{place} comes from the folder's _defaults.yaml, and the target's job has none: no file there can say so"
        )
        yield line("     ", (said, "bad"))
    for note in job.notes:
        yield line(f"     {note}")


def _counts(made: Import, *, written: bool) -> str:
    files = len(made.files)
    words = [f"{made.count('create'):,} new", f"{made.count('update'):,} changed"]
    words += [f"{made.count('unchanged'):,} unchanged"]
    words += [f"{made.count('refused'):,} refused"] if made.count("refused") else []
    words += [f"{len(made.foreign):,} managed by others"] if made.foreign else []
    words += [f"{len(made.missing):,} not on the target"] if made.missing else []
    done = (
        f"{files:,} {'file' if files == 1 else 'files'} {'written' if written else 'to write'}"
        if files
        else "nothing to write"
    )
    return f"Import: {', '.join(words)}; {done}."


def _hints(made: Import, *, written: bool, adopting: bool) -> Iterator[Line]:
    if made.files and not written:
        yield line("Nothing was written: pass --write. --full shows what would be.")
    if any(job.unsaid for job in made.jobs):
        yield line(
            "plan goes on to show what no file can say: take it out of _defaults.yaml, or change it on the target."
        )
    free = sum(not job.ours and job.action != "refused" for job in made.jobs)
    if free and written and not adopting:
        has = "job is" if free == 1 else "jobs are"
        yield line(
            f"{free:,} {has} managed by nobody yet: `import --write --adopt` takes them over, or `apply --adopt`."
        )


def _job_to_json(job: ImportedJob) -> dict[str, Any]:
    return {
        "key": job.key,
        "name": job.name,
        "action": job.action,
        "path": job.path,
        "line": job.line,
        "fields": list(job.fields),
        "unsaid": list(job.unsaid),
        "managed": job.ours,
        "notes": list(job.notes),
        "reason": job.reason,
        "remedy": job.remedy,
    }
