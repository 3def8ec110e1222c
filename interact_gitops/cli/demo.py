"""`demo`: everything together on sample data, on this machine, in one minute."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from interact_gitops.cli.options import Workspace, command
from interact_gitops.cli.output import duration, note, say
from interact_gitops.cli.times import now
from interact_gitops.errors import Failure, RunFailed

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary
    from interact_gitops.server.serving import EmbeddedServer

JOB = "weekly-campaign-performance"
OWNER = "interact-gitops/demo"
ROWS = 5


@command(
    "demo",
    examples="""
interact-gitops demo
interact-gitops demo --no-keep
""",
)
@click.option("--data", type=click.Path(path_type=Path), help="Where everything is kept.  [default: .interact/demo]")
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to serve on.  [default: a free one]")
@click.option("--keep/--no-keep", default=None, help="Go on serving afterwards.  [default: on a terminal]")
def demo(workspace: Workspace, data: Path | None, port: int, keep: bool | None) -> None:
    """Serve a sample Interact, plan and apply the sample jobs, run one of them, show its answers."""
    from interact_gitops.config import LOCAL_SERVER
    from interact_gitops.server.serving import EmbeddedServer

    began = time.monotonic()
    folder = data or Path(LOCAL_SERVER) / "demo"
    _head("Start an Interact on this machine", "interact-gitops serve")
    note("starting; the first start of a day builds the sample warehouse …")
    with EmbeddedServer(folder, port=port) as server:
        server.warm()
        say(f"Interact is served at {server.url}")
        sample = _sample_workspace(workspace, server)
        with sample.client() as client:
            _plan_and_apply(sample, client)
            _run(client)
        _say_where(server, folder, sample, time.monotonic() - began)
        if keep if keep is not None else sys.stdout.isatty() and sys.stdin.isatty():
            _keep_serving(server)


def _sample_workspace(workspace: Workspace, server: EmbeddedServer) -> Workspace:
    """The sample jobs (or the folder named with --definitions) against the demo's own server."""
    from interact_gitops.config import default_settings, owner, read_settings
    from interact_gitops.shapes import shipped_path

    jobs = Path(workspace.definitions_named) if workspace.definitions_named else shipped_path("jobs.d")
    try:
        mark = owner(read_settings(None, folder=jobs.parent))  # as `plan` here would find it
    except Failure:
        mark = OWNER
    return Workspace(
        settings_given=default_settings(jobs.parent, definitions=jobs.name, managed_by=mark),
        environ={
            "INTERACT_URL": server.url,
            "INTERACT_API_KEY": server.api_key,
            "INTERACT_ORG_ID": server.organization_id,
        },
    )


def _plan_and_apply(sample: Workspace, client: Client) -> None:
    from interact_gitops.cli.planned import make_plan, say_lines
    from interact_gitops.planning.applying import apply
    from interact_gitops.planning.rendering.text import render_applied, render_plan

    _head(f"What would jobs.d change there? ({len(sample.definitions())} jobs)", "interact-gitops plan")
    plan = make_plan(sample, client)
    say_lines(render_plan(plan, now=now()))
    if plan.changes:
        _head("Do it", "interact-gitops apply --yes")
        applied = apply(plan, client)
        say_lines(render_applied(applied))
        if applied.bug:
            raise applied.bug
        if applied.interrupted:
            raise KeyboardInterrupt
        _head("And again?", "interact-gitops plan")
        say_lines(render_plan(make_plan(sample, client), now=now()))
    else:
        note("(an earlier demo applied these jobs; everything is kept)")


def _run(client: Client) -> None:
    from interact_gitops.cli.chats import find_remote_job, wait_for
    from interact_gitops.cli.conversation import chat_text

    _head("Run one job: a fan-out, its chats in parallel", f"interact-gitops run {JOB} --follow")
    job = find_remote_job(client, JOB)
    started = client.trigger(job.id, trigger="manual")

    def changed(summary: ChatSummary) -> None:
        if summary.state != "active":
            say("\n".join(chat_text(client.chat(summary.id).raw, summary.state, rows=ROWS)) + "\n")

    ends = wait_for(client, job.id, [chat.id for chat in started.chats], changed)
    failed = [summary.id for summary in ends.values() if summary.state != "succeeded"]
    if failed:
        raise RunFailed(f"{len(failed)} of {len(ends)} chats failed", remedy="see their errors above")
    say(click.style(f"{len(ends)} of {len(ends)} chats succeeded.", fg="green"))


def _say_where(server: EmbeddedServer, folder: Path, sample: Workspace, seconds: float) -> None:
    _head(f"That took {duration(seconds)}. Where everything is")
    for name, place in (
        ("jobs", sample.settings.definitions_folder),
        ("server state", folder),
        ("credentials", folder / "credentials.env"),
        (
            "API description",
            f"{server.url}/api/openapi.json" if sys.stdout.isatty() else "schema/interact-api.openapi.json",
        ),
    ):
        say(f"  {name:<16}{place}")


def _keep_serving(server: EmbeddedServer) -> None:
    say(f"\nStill serving; Ctrl-C stops it. Open {server.url}/ in a browser. Or in another terminal:")
    program = _as_typed()
    say(f"  set -a; . {server.data / 'credentials.env'}; set +a")
    say(f"  {program} history")
    say(f"  {program} plan")
    try:
        while True:
            time.sleep(3_600)
    except KeyboardInterrupt:
        note("\nstopped; `make demo` starts it again with all its chats")


def _as_typed() -> str:
    """The program as it can be typed here: by name where it is on the PATH, else by its path."""
    if shutil.which("interact-gitops"):
        return "interact-gitops"
    return os.path.relpath(Path(sys.executable).parent / "interact-gitops")


def _head(title: str, typed: str | None = None) -> None:
    say("\n" + click.style(title, bold=True))
    if typed:
        say(click.style(f"$ {typed}", dim=True))
