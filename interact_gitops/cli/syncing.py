"""A loop for a repository and a target, put together from options, environment and configuration."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.controlling import STATE
from interact_gitops.cli.logs import announce
from interact_gitops.errors import Failure, Refused

if TYPE_CHECKING:
    from interact_gitops.cli.options import Workspace
    from interact_gitops.config import Settings
    from interact_gitops.gitops.desired import Desired
    from interact_gitops.gitops.loop import Loop
    from interact_gitops.gitops.revision import Revision
    from interact_gitops.gitops.signing import Trust
    from interact_gitops.gitops.source import GitSource
    from interact_gitops.gitops.standing import Standing
    from interact_gitops.gitops.telling import Audience
    from interact_gitops.interact.client import Client

STATUS_TOKEN = "INTERACT_GITOPS_STATUS_TOKEN"  # noqa: S105  # the name of a variable, not a secret
TOKEN = "INTERACT_GITOPS_GIT_TOKEN"  # noqa: S105  # the name of a variable, not a secret


def source_of(options: Mapping[str, Any], folder: Path, environ: Mapping[str, str]) -> GitSource:
    """The repository and branch that the options name. Raises Refused, Failure."""
    from interact_gitops.config.references import remember_secret
    from interact_gitops.gitops.address import Credentials, read_address, read_branch
    from interact_gitops.gitops.network import Network
    from interact_gitops.gitops.source import GitSource

    token = environ.get(TOKEN)
    credentials = Credentials(
        token=remember_secret(token) if token else None, helper=options["credential_helper"],
        ssh_key=options["ssh_key"], known_hosts=options["known_hosts"],
    )  # fmt: skip
    network = Network(
        address=read_address(options["repo"]), credentials=credentials, seconds=options["git_timeout"],
        most_bytes=options["max_size"] << 20,
    )  # fmt: skip
    return GitSource(network=network, reference=read_branch(options["branch"]), folder=folder / "mirror")


def loop_of(workspace: Workspace, client: Client, options: Mapping[str, Any]) -> Loop:
    """The loop that `sync` runs. Raises Refused for options that do not fit together, Failure for a bad target."""
    from dataclasses import replace

    from interact_gitops.cli.locking import holder
    from interact_gitops.gitops.commits import Commits
    from interact_gitops.gitops.loop import Loop, LoopOptions
    from interact_gitops.gitops.memory import read_standing
    from interact_gitops.gitops.place import Place
    from interact_gitops.gitops.standing import Standing
    from interact_gitops.gitops.telling import Teller

    folder, target = Path(options["state"]), workspace.target
    source = source_of(options, folder, workspace.environ)
    fresh = Standing(
        repository=source.network.address.url, branch=options["branch"],
        # What is served here is the same one at whatever port it is this time.
        target=f"{'served here,' if options.get('serves') else target.url} {target.organization}", managed_by="",
    )  # fmt: skip
    known = read_standing(folder)
    _say_what_is_forgotten(folder, known, fresh)
    same = known is not None and (known.repository, known.target) == (fresh.repository, fresh.target)
    standing = replace(known, branch=fresh.branch, health="Progressing") if known is not None and same else fresh
    where = "" if options["state"] == STATE else f" --state {shlex.quote(str(folder))}"
    place = Place(
        client=client, shown=fresh.target, schedule_enabled=target.schedules != "runner", prune=options["prune"],
        holder=f"sync of {fresh.repository} on {holder(workspace.environ)}",
    )  # fmt: skip
    reading = Reading(
        workspace=workspace, path=options["path"] or "", url=fresh.repository,
        secrets=frozenset(options["channel_secrets"]), mark=options["mark"],
    )  # fmt: skip
    return Loop(
        commits=Commits(source, reading.read, _trust(options)), place=place, folder=folder, standing=standing,
        teller=Teller(client), audience=_audience(workspace, fresh.repository, options),
        options=LoopOptions(
            interval=options["interval"], compare=options["compare"], heal=options["heal"],
            protected=target.protected, mark_given=options["mark"] is not None, where=where,
        ),
    )  # fmt: skip


def _say_what_is_forgotten(folder: Path, known: Standing | None, fresh: Standing) -> None:
    from interact_gitops.gitops.memory import FILE

    if known is None and (folder / FILE).exists():
        said = "what the loop remembered cannot be read: everything is compared anew"
    elif known is not None and (known.repository, known.target) != (fresh.repository, fresh.target):
        said = f"{str(folder)!r} belonged to a loop of {known.repository} on {known.target}: what it knew is forgotten"
    else:
        return
    announce("forgotten", said, folder=str(folder))


def _audience(workspace: Workspace, repository: str, options: Mapping[str, Any]) -> Audience | None:
    """Who hears of the loop. Raises Refused where GitHub should, and cannot."""
    from interact_gitops.cli.heralds import herald_of
    from interact_gitops.config.references import remember_secret
    from interact_gitops.gitops.commit_status import forge_of
    from interact_gitops.gitops.telling import Audience

    forge = None
    if options["commit_status"]:
        token = workspace.environ.get(STATUS_TOKEN) or workspace.environ.get(TOKEN)
        if not token:
            said = f"--commit-status needs a token that may write commit statuses, and {STATUS_TOKEN} is not set"
            raise Refused(said, remedy=f"export {STATUS_TOKEN}=…")
        forge = forge_of(repository, remember_secret(token), workspace.environ.get("GITHUB_API_URL"))
        if forge is None:
            raise Refused("--commit-status is for repositories at GitHub", remedy="set GITHUB_API_URL for your own")
    herald = herald_of(workspace, threading.Event())
    return Audience(herald=herald, forge=forge) if herald or forge else None


def _trust(options: Mapping[str, Any]) -> Trust | None:
    from interact_gitops.gitops.signing import Trust

    kind, signers = options["require_signed"], options["allowed_signers"]
    if kind is None:
        if signers is not None:
            raise Refused("--allowed-signers is given, and no signature is demanded", remedy="add --require-signed ssh")
        return None
    if (kind == "ssh") != (signers is not None):
        said = "--require-signed ssh needs --allowed-signers FILE" if kind == "ssh" else "gpg trusts its own keyring"
        raise Refused(said, remedy="see `ssh-keygen`, ALLOWED SIGNERS" if kind == "ssh" else "leave the file out")
    return Trust(kind=kind, allowed_signers=signers)


class Reading:
    """Reads commits as the operator's target sees them.

    Where to write and with which key is the operator's alone, and so is which secrets a commit may use: it decides
    where its channels send them. What to write, its variables, channels and guards are the commit's.
    """

    def __init__(
        self, *, workspace: Workspace, path: str, url: str, secrets: frozenset[str], mark: str | None
    ) -> None:  # fmt: skip
        self._workspace, self._path, self._url = workspace, path.strip("/"), url
        self._secrets, self._given_mark = secrets, mark

    def read(self, revision: Revision, before: Desired | None) -> Desired:
        """See `gitops.desired.Read`."""
        from interact_gitops.gitops.desired import Desired
        from interact_gitops.jobs.loading import Loaded, load
        from interact_gitops.jobs.sharing import Known, load_beside
        from interact_gitops.planning.guards import Guards

        settings = self._settings(revision)
        at = f"{self._path}/{settings.definitions}" if self._path else settings.definitions
        if not revision.has(at):
            said = f"the commit {revision.short} has no definitions folder {at!r}"
            raise Failure(
                said, remedy="an empty folder deletes nothing: remove jobs one by one, or name it with --path"
            )
        known = before.known if before is not None else None
        files, unreadable = revision.tree(at, at_hand=known.files if known else ())
        variables = self._variables(settings)
        loaded = load(files, variables=variables) if known is None else load_beside(files, known, variables=variables)
        definitions = Loaded(
            definitions=loaded.definitions, problems=(*unreadable, *loaded.problems)
        ).valid(f"{at} at {revision.short}")  # fmt: skip
        return Desired(
            commit=revision.commit,
            managed_by=self._mark(settings),
            definitions=definitions,
            channels=self._channels(settings),
            windows=settings.windows,
            guards=Guards(max_deletes=settings.max_deletes, max_changes=settings.max_changes),
            known=Known(files=files, variables=variables, definitions=definitions),
        )

    def _settings(self, revision: Revision) -> Settings:
        from interact_gitops.config import settings_of

        file = f"{self._path}/interact-gitops.yaml" if self._path else "interact-gitops.yaml"
        return settings_of(revision.file(file), folder=self._workspace.folder, shown=f"{file}@{revision.short}")

    def _variables(self, settings: Settings) -> Mapping[str, Any]:
        target = self._workspace.target
        return settings.variables(target.name) if target.name in settings.targets else target.variables

    def _channels(self, settings: Settings) -> tuple[Any, ...]:
        """The channels with their secrets. Raises Refused where one is missing: it would be written without; and for
        a secret that is not theirs."""
        from interact_gitops.config.references import references_in

        for channel in settings.written_channels():
            for part, text in channel.secrets.items():
                for name in references_in(text):
                    if name not in self._secrets:
                        said = f"channels.{channel.name}.{part}: commits may not use the secret {name!r}"
                        raise Refused(f"{channel.path}:{channel.line}: {said}",
                                      remedy=f"where the loop runs, allow it with --channel-secret {name}")  # fmt: skip
        found = settings.declared_channels(self._workspace.environ)
        for channel in found:
            for part, why in channel.missing.items():
                raise Refused(f"{channel.path}:{channel.line}: channels.{channel.name}.{part}: {why}",
                              remedy="set it where the loop runs")  # fmt: skip
        return found

    def _mark(self, settings: Settings) -> str:
        """Whose the jobs are: what `apply` in a clone of this repository says, too. Raises Refused for another than
        the operator's."""
        from interact_gitops.gitops.checkout import remote_path

        path = remote_path(self._url.removeprefix("file://"))
        mark = settings.managed_by or "/".join(part for part in (path, self._path) if part)[:200]
        if self._given_mark is not None and mark != self._given_mark:
            said = f"the commit's jobs are those of {mark!r}, and the loop keeps those of {self._given_mark!r}"
            raise Refused(said, remedy="correct managed_by in the commit, or --managed-by where the loop runs")
        return mark
