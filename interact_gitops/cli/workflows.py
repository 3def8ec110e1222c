"""`workflows`: the GitHub workflows of a jobs repository, made of its jobs."""

from __future__ import annotations

import click

from interact_gitops.cli.grouping import group
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import note, say, visible
from interact_gitops.errors import ExitCode, Refused


@command("generate", examples="interact-gitops workflows generate\ninteract-gitops workflows generate --check")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when something is to be written.")
def generate(workspace: Workspace, check: bool) -> int:
    """Write `.github`: a check of pull requests, apply, drift, a schedule, and a form to run each job with.

    A job's form has a typed field for each of its parameters. Files that this command did not write are never touched;
    forms of jobs that are gone are removed.
    """
    from interact_gitops.cli.saving import save_generated
    from interact_gitops.cli.scaffolding import wanted_workflows
    from interact_gitops.github.workflows.writing import compare, lines, read_there, write

    top, wanted = wanted_workflows(workspace)
    steps = compare(wanted, read_there(top, wanted))
    for word, path in lines(steps):
        say(f"  {f'to be {word}' if check else word:13} {visible(path)}")
    for path in steps.foreign:
        note(f"{visible(path)} was not written by this command, and is left as it is")
    if check and steps.foreign:
        # A file of ours whose first line was taken away would else never be looked at again.
        raise Refused(
            f"{visible(steps.foreign[0])} stands where a file of ours belongs",
            remedy="rename it, or leave ours out (github.leave_out); or remove it, and generate again",
        )
    if check and steps.writes:
        raise Refused(
            "the workflows are not in step with the jobs", remedy="run `interact-gitops workflows generate`, and commit"
        )
    if not check:
        write(top, wanted, steps, put=save_generated)
    if not steps.writes:
        say(f"The {len(wanted)} files in .github are in step with the jobs.")
    return ExitCode.DONE


workflows = group(
    "workflows", generate,
    help="Write the GitHub workflows of this repository.",
    examples="""
interact-gitops workflows generate
interact-gitops workflows generate --check
""",
)  # fmt: skip
