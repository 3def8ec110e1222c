"""`serve`: the embedded Interact on this machine."""

from __future__ import annotations

import functools
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from interact_gitops.cli.notifying import notifying, ui_password
from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import note, say

if TYPE_CHECKING:
    from interact_gitops.server.serving import EmbeddedServer


@command(
    "serve",
    examples="""
interact-gitops serve
interact-gitops serve --port 0 --data /tmp/interact
interact-gitops serve --agents agents.yaml
interact-gitops serve --public-url https://interact.example.com --allow-private hooks.internal
interact-gitops serve --demo
""",
)
@click.option("--port", type=click.IntRange(0, 65_535), default=8642, show_default=True, help="0 picks a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--allow-remote", is_flag=True, help="Accept a --host that other machines can reach.")
@click.option("--data", type=click.Path(path_type=Path), help="Where everything is kept.  [default: .interact]")
@click.option(
    "--agents", type=click.Path(path_type=Path), help="Agents file.  [default: DATA/agents.yaml, or the sample]"
)
@notifying
@click.option("--workers", type=click.IntRange(1, 1_000), default=8, show_default=True, help="Chats run at a time.")
@click.option("--no-scheduler", is_flag=True, help="Do not run the schedules of its jobs.")
@click.option("--demo", is_flag=True, help="Show the demo first, then go on serving.")
@click.pass_context
def serve(  # click passes by name
    ctx: click.Context,
    /,
    workspace: Workspace,
    port: int,
    host: str,
    allow_remote: bool,
    data: Path | None,
    agents: Path | None,
    no_scheduler: bool,
    demo: bool,
    **more: Any,
) -> None:
    """Serve a small, real Interact on this machine: its API, agents that run queries, chats.

    The first start makes an organisation and an API key and writes them to DATA/credentials.env, which commands in
    this folder read by themselves. Its pages are open to whoever uses this machine; with INTERACT_UI_PASSWORD in the
    environment they ask for it, and without one they are not shown under --allow-remote.
    """
    from interact_gitops.config import LOCAL_SERVER
    from interact_gitops.server.serving import serve as run_server

    if demo:
        from interact_gitops.cli.demo import demo as show_demo

        ctx.invoke(show_demo, data=data, port=port, keep=True)
        return
    folder = data or workspace.settings.folder / LOCAL_SERVER
    run_server(
        folder, port=port, agents=agents, host=host, allow_remote=allow_remote, scheduler=not no_scheduler,
        started=functools.partial(_say_started, found=data is None), ui_password=ui_password(workspace), **more,
    )  # fmt: skip
    note("\nstopped; everything is kept in " + str(folder))


def _say_started(server: EmbeddedServer, *, found: bool) -> None:
    """Where everything is; `found`: commands in this folder find the server by themselves."""
    say(f"Interact is served at {click.style(server.url, bold=True)}  (Ctrl-C stops it)")
    say(f"  web UI:       {server.url}/")
    say(f"  API:          {server.url}/api/openapi.json")
    say(f"  credentials:  {server.data / 'credentials.env'}")
    if found:
        say("  next:         interact-gitops plan, in another terminal in this folder")
    else:
        given = shlex.quote(str((server.data / "credentials.env").absolute()))
        say(f"  next:         set -a; . {given}; set +a; interact-gitops plan, in another terminal")
