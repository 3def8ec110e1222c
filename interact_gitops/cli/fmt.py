"""`fmt`: definition files in one layout."""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import click

from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import on_github, say, say_json, visible
from interact_gitops.errors import DefinitionsInvalid, ExitCode, Position, Problem

_LONG = 500  # files from which on progress is shown
_Change = tuple[Path, str, bytes, bytes]  # where it is, its name, before, after


@command(
    "fmt",
    examples="""
interact-gitops fmt
interact-gitops fmt --check
interact-gitops fmt jobs.d/marketing jobs.d/weekly.yaml
""",
)
@click.argument("paths", nargs=-1)
@click.option("--check", is_flag=True, help="Write nothing: show what would change, and exit with 1 if anything would.")
@json_format()
def fmt(workspace: Workspace, paths: tuple[str, ...], check: bool, form: str) -> int:
    """Put definition files into the canonical layout: fields in the schema's order, one kind of quotes and indentation.

    Comments, blank lines, line breaks and columns lined up by hand stay, and what a file means never changes. A file
    whose YAML cannot be read is reported and left alone; the others are formatted. PATHS: only these files and folders.
    """
    from interact_gitops.cli.annotating import annotate
    from interact_gitops.cli.definition_files import named_files
    from interact_gitops.cli.differences import difference
    from interact_gitops.cli.progress import progress
    from interact_gitops.cli.saving import save
    from interact_gitops.jobs.writing.formatting import format_file

    files, problems = named_files(workspace, paths)
    changes: list[_Change] = []
    with progress("formatting", len(files), quiet=workspace.quiet or len(files) < _LONG) as step:
        for path, file in files:
            made = format_file(file.shown, file.raw)
            problems += made.problems
            if made.raw != file.raw:
                changes.append((path, file.shown, file.raw, made.raw))
                if not check:
                    save(path, made.raw, before=file.raw)
            step(not made.problems)
    if form == "json":
        rows = [{"path": name, "diff": difference(name, before, after)} for _, name, before, after in changes]
        say_json({"check": check, "files": len(files), "changed": rows, "unreadable": len(problems)})
    else:
        unreadable = len({problem.position.file for problem in problems})
        _say(workspace, changes, len(files) - unreadable, check=check)
        if check and on_github():
            folder = workspace.folder if paths else workspace.settings.folder
            annotate(workspace, [_problem(change) for change in changes], "github", folder=folder)
    if any(problem.severity == "error" for problem in problems):
        raise DefinitionsInvalid(problems, what="files that cannot be read; they were left as they are")
    return ExitCode.FAILED if check and changes else ExitCode.DONE


def _problem(change: _Change) -> Problem:
    """The first line of a file that would be another."""
    _, name, before, after = change
    pairs = zip(before.splitlines(), after.splitlines(), strict=False)
    same = len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
    line = min(same, len(before.splitlines()) - 1) + 1
    return Problem(position=Position(name, line), message="the file is not in the canonical layout", code="layout",
                   remedy="run `interact-gitops fmt`")  # fmt: skip


def _say(workspace: Workspace, changes: list[_Change], files: int, *, check: bool) -> None:
    from interact_gitops.cli.differences import coloured, difference

    for _, name, before, after in changes:
        say(coloured(difference(name, before, after)) if check else f"formatted {visible(name)}")
    if workspace.quiet:
        return
    one = "file" if len(changes) == 1 else "files"
    done = f"{len(changes):,} {one} {'would be ' if check else ''}formatted, " if changes else ""
    say(f"{done}{files - len(changes):,} as they should be." + (" Nothing was written." if check and changes else ""))
