"""The parts of `up`, put together: the loop, the runner that works from its last good commit, and a server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.logs import announce, start_logging
from interact_gitops.cli.looping import keep_going, read_secret, stopping
from interact_gitops.cli.notifying import NAMES, ui_password
from interact_gitops.cli.options import Workspace
from interact_gitops.cli.running import audience, leave, runner_options
from interact_gitops.cli.supervising import Part, supervise
from interact_gitops.errors import ExitCode, Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.gitops.loop import Loop
    from interact_gitops.runner.runner import Runner
    from interact_gitops.server.serving import EmbeddedServer

_LOOK = 1.0  # seconds between two looks whether a commit can be used


def run_together(workspace: Workspace, options: Mapping[str, Any]) -> int:
    """`up`, until it is told to stop. Raises Failure for what no later attempt could mend."""
    from interact_gitops.cli.syncing import loop_of
    from interact_gitops.gitops.listening import listener
    from interact_gitops.gitops.memory import only_loop
    from interact_gitops.gitops.report import Report

    if not options["repo"]:
        raise Refused("no repository is named", remedy="add --repo URL; see `interact-gitops up --help`")
    start_logging(workspace.log_format, quiet=workspace.quiet)
    folder = Path(options["state"])
    stop, wake = threading.Event(), threading.Event()
    with ExitStack() as stack:
        stack.enter_context(only_loop(folder))
        parts = []
        if options["serves"]:
            _demand_no_other(workspace)
            server = Served(workspace, options["port"], stop, {name: options[name] for name in NAMES})
            stack.callback(server.end)  # last of all: the others still talk to it while they stop
            workspace = replace(workspace, environ={**workspace.environ, **server.credentials})
            if workspace.target.url != server.credentials["INTERACT_URL"]:
                said = f"--serve is given, and the configuration names the target {workspace.target.url}"
                raise Refused(said, remedy="leave out --serve, or write ${INTERACT_URL} as the target's url")
            parts.append(Part(name="server", work=server.once, stop=stop.set))
        client = stack.enter_context(workspace.client())
        loop = loop_of(workspace, client, options)
        loop.commits.recall()
        report = Report(latest=loop.standing)
        if options["listen"]:
            address = stack.enter_context(
                listener(options["listen"], loop, report, wake, secret=read_secret(workspace))
            )
            announce("listening", f"listening at {address}", url=address)
        work = Work(workspace, loop, options, stop)
        stack.enter_context(stopping(stop, wake))
        parts += [
            Part(name="sync loop", work=lambda: keep_going(loop, report, wake, stop), stop=wake.set),
            Part(name="runner", work=work.once, stop=work.stop),
        ]
        left = supervise(parts, stop, drain_seconds=options["drain_timeout"] + 5)
        if left:
            said = (
                f"the {' and the '.join(left)} did not end in time; the next start goes on from what was written down"
            )
            announce("left_behind", said, parts=left)
    if left or work.left_behind:
        leave()
    return ExitCode.DONE


def _demand_no_other(workspace: Workspace) -> None:
    """What is served here is what is written to. Raises Refused where another target is named."""
    from interact_gitops.config.settings import ENVIRONMENT

    given = [name for name in ENVIRONMENT if workspace.environ.get(name)]
    if given:
        said = f"--serve writes to the Interact that is served here, and {given[0]} names another"
        raise Refused(said, remedy=f"unset {' '.join(given)}, or leave out --serve")


class Served:
    """The embedded Interact, made anew when it no longer answers."""

    def __init__(
        self, workspace: Workspace, port: int, stopped: threading.Event, means: Mapping[str, Any]
    ) -> None:  # fmt: skip
        """Serves at once. Raises Refused where that cannot be."""
        self._workspace, self._port, self._stopped, self._means = workspace, port, stopped, means
        self._server: EmbeddedServer | None = self._start()

    @property
    def credentials(self) -> Mapping[str, str]:
        """How to reach it, under the names that commands read from the environment."""
        server = self._server
        assert server is not None, "it was just started"
        return {
            "INTERACT_URL": server.url, "INTERACT_API_KEY": server.api_key, "INTERACT_ORG_ID": server.organization_id
        }  # fmt: skip

    def once(self) -> None:
        """Watch it until everything stops. Raises Failure when it died."""
        server = self._server = self._server or self._start()
        while not self._stopped.wait(_LOOK):
            if not server.http_alive:
                self.end()
                raise Failure("it no longer answers")

    def end(self) -> None:
        """Serve no more; nothing happens where nothing is served."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def _start(self) -> EmbeddedServer:
        from interact_gitops.config import LOCAL_SERVER
        from interact_gitops.server.serving import EmbeddedServer

        server = EmbeddedServer(
            self._workspace.settings.folder / LOCAL_SERVER,
            port=self._port,
            ui_password=ui_password(self._workspace),
            **self._means,
        )
        self._port = server.options.port
        announce("serving", f"Interact is served at {server.url}", url=server.url)
        return server


class Work:
    """The runner, made anew each time that it is started."""

    def __init__(
        self, workspace: Workspace, loop: Loop, options: Mapping[str, Any], stopped: threading.Event
    ) -> None:  # fmt: skip
        self._workspace, self._loop, self._options, self._stopped = workspace, loop, options, stopped
        self._runner: Runner | None = None
        self.left_behind = False
        names = ("metrics_port", "metrics_host", "ping_url")
        show: Callable[[object], object] = lambda _standing: None  # noqa: E731  # nothing is shown
        self._journal, self._tick = audience(show, **{name: options[name] for name in names})
        self._runner_options = runner_options(options["parallelism"], options["lease"], options["on_unknown"])

    def once(self) -> None:
        """Work until it is stopped. Raises Failure."""
        from interact_gitops.cli.assembly import runner_of
        from interact_gitops.gitops.in_force import LastGood

        commits = self._loop.commits
        while commits.in_force is None:
            if self._stopped.wait(_LOOK):
                return
        workspace = managed_as(self._workspace, commits.in_force.managed_by)
        with runner_of(
            workspace, self._runner_options, self._journal, tick=self._tick, source=LastGood(commits)
        ) as runner:
            self._runner = runner
            if self._stopped.is_set():
                runner.stop()
            runner.run(drain_seconds=self._options["drain_timeout"])
            self.left_behind = runner.left_behind

    def stop(self) -> None:
        """Start nothing new, and let what was sent be answered."""
        if self._runner is not None:
            self._runner.stop()


def managed_as(workspace: Workspace, mark: str) -> Workspace:
    """The workspace of what a commit owns, whatever the folder says of itself."""
    return replace(workspace, settings_given=replace(workspace.settings, managed_by=mark))
