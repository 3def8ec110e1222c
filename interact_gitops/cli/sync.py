"""`sync`: keep a target in step with a branch, and tell a running loop what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from interact_gitops.cli.controlling import STATE_OPTION, approve, override, pin, resume, suspend
from interact_gitops.cli.everywhere import global_options
from interact_gitops.cli.locking import read_wait
from interact_gitops.cli.options import Workspace

EXAMPLES = """\b
Examples:
  interact-gitops sync --repo https://github.com/acme/jobs --branch main
  interact-gitops sync --repo /srv/git/jobs.git --once --heal
  interact-gitops sync pin 3f2a… --reason 'the new prompts answer nonsense'
  interact-gitops sync approve DIGEST"""


def _duration(name: str, default: str, words: str) -> click.Option:
    return click.Option([name], default=default, show_default=True, metavar="DURATION", callback=read_wait, help=words)


def _file(name: str, words: str) -> click.Option:
    return click.Option([name], type=click.Path(path_type=Path), metavar="FILE", help=words)


def source_options() -> list[click.Option]:
    """What to follow, how often, and whom to trust."""
    return [
        click.Option(["--repo"], metavar="URL", help="The repository: https, ssh, or a folder's absolute path."),
        click.Option(["--branch"], default="main", show_default=True, help="The branch to follow."),
        click.Option(["--path"], metavar="DIR", help="The folder of interact-gitops.yaml in the repository."),
        click.Option(["--heal"], is_flag=True, help="Put back what people change on the target by hand."),
        click.Option(["--prune/--no-prune"], default=True,
                     help="Delete jobs that git no longer has.  [default: prune]"),
        _duration("--interval", "1m", "How often the branch is looked at."),
        _duration("--compare", "5m", "How often the whole target is compared."),
        click.Option(["--require-signed"], type=click.Choice(["ssh", "gpg"]), help="Demand such signatures."),
        _file("--allowed-signers", "Whose ssh keys count."),
        click.Option(["--credential-helper"], metavar="NAME", help="Git's credential helper for https."),
        _file("--ssh-key", "The private key for ssh."),
        _file("--known-hosts", "The servers' keys for ssh."),
        _duration("--git-timeout", "2m", "How long a git command may take."),
        click.Option(["--max-size"], type=click.IntRange(1, 1 << 20), default=1024, show_default=True, metavar="MIB",
                     help="How much one fetch may bring."),
        click.Option(["--listen"], metavar="[HOST:]PORT", help="Serve webhook, health and figures there."),
        click.Option(["--commit-status"], is_flag=True, help="Say on each commit at GitHub what became of it."),
        click.Option(["--channel-secret", "channel_secrets"], multiple=True, metavar="NAME",
                     help="Commits may use this variable, or file:/PATH, in their channels."),
        click.Option(["--managed-by", "mark"], metavar="MARK", help="The ownership mark that commits must have."),
        STATE_OPTION,
    ]  # fmt: skip


_ONCE = click.Option(["--once"], is_flag=True, help="One pass, then exit: 0 when the target is what git says.")


@click.make_pass_decorator(Workspace, ensure=True)
def _run(workspace: Workspace, /, **options: Any) -> int | None:
    if click.get_current_context().invoked_subcommand is not None:
        return None
    from interact_gitops.cli.looping import run_loop

    return run_loop(workspace, options)


sync = click.Group(
    "sync", epilog=EXAMPLES, params=[_ONCE, *source_options(), *global_options()], callback=_run,
    invoke_without_command=True,
    help="""Keep a target in step with a branch: fetch, verify, plan, guard, apply, and look again.

    What a commit changes is written. What people change on the target by hand is reported, and put back with --heal.
    Deletes and large changes wait for `sync approve` when they pass the guards, and so does everything on a protected
    target. A commit that cannot be used changes nothing.

    Read from the environment: INTERACT_GITOPS_GIT_TOKEN (https), INTERACT_GITOPS_WEBHOOK_SECRET (--listen),
    INTERACT_GITOPS_STATUS_TOKEN (--commit-status; else the first).
    """,
)  # fmt: skip

for _command in (pin, suspend, resume, approve, override):
    sync.add_command(_command)
