"""The configuration file and the environment → Settings, read once.

Secrets stay references (`${NAME}`, `${file:/path}`) until a target is chosen, so that offline
commands need none, and nothing that is printed can hold one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from interact_gitops.config.channels import read_channel, written_channel
from interact_gitops.config.reading import read_bytes, read_file
from interact_gitops.config.references import SECRETS, remember_secret, resolve_reference
from interact_gitops.config.windows import read_window
from interact_gitops.errors import Failure, did_you_mean
from interact_gitops.gitops.windows import Window
from interact_gitops.jobs.channels import Channel
from interact_gitops.jobs.model import Scalar

FILE_NAME = "interact-gitops.yaml"
ENVIRONMENT = ("INTERACT_URL", "INTERACT_API_KEY", "INTERACT_ORG_ID")
_AT_GITHUB = (
    "in the repository's settings at GitHub, set the variables INTERACT_URL and INTERACT_ORG_ID, and the secret"
    " INTERACT_API_KEY of the job's environment"
)
LOCAL_SERVER = ".interact"
CREDENTIALS = "credentials.env"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One Interact organisation, ready to be used: references are resolved."""

    name: str
    url: str
    organization: str
    api_key: str = field(repr=False)
    api: Literal["auto", "full", "public"] = "auto"
    schedules: Literal["runner", "interact"] | None = None
    trigger_body: Literal["omit", "send"] = "omit"
    protected: bool = False
    variables: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the configuration says. `folder` is where relative paths start: the file's own folder."""

    folder: Path
    file: str | None
    definitions: str
    managed_by: str | None
    ledger: str = field(repr=False)
    default_target: str | None
    targets: Mapping[str, Mapping[str, Any]] = field(repr=False)
    max_deletes: str | int
    max_changes: str | int
    channels: Mapping[str, Mapping[str, Any]] | None = field(repr=False)
    channel_lines: Mapping[str, int] = field(default_factory=dict)
    github: Mapping[str, Any] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    notices: Mapping[str, Any] = field(default_factory=dict)

    @property
    def definitions_folder(self) -> Path:
        """The definitions folder as a path."""
        return self.folder / self.definitions

    def target_name(self, named: str | None) -> str | None:
        """The configured target to use; None when the configuration has none.

        Raises Failure for an unknown name, and when there are several and none is named.
        """
        if named is not None and named not in self.targets:
            known = ", ".join(self.targets) or "none"
            remedy = did_you_mean(named, self.targets) or f"targets in {self.file or FILE_NAME}: {known}"
            raise Failure(f"there is no target {named!r}", remedy=remedy)
        chosen = named or self.default_target or (next(iter(self.targets)) if len(self.targets) == 1 else None)
        if chosen is None and self.targets:
            remedy = f"name one with --target, or set default_target: {', '.join(self.targets)}"
            raise Failure(f"{self.file} has {len(self.targets)} targets and no default_target", remedy=remedy)
        return chosen

    def variables(self, target: str | None) -> Mapping[str, Scalar]:
        """The variables of a target by name (none for the implicit one)."""
        found: Mapping[str, Scalar] = self.targets[target].get("variables", {}) if target else {}
        return found

    def declared_channels(self, environ: Mapping[str, str]) -> tuple[Channel, ...]:
        """The channels with their secrets, as far as the environment has them; `missing` says what it lacks."""
        return tuple(
            read_channel(name, raw, environ, self.file or FILE_NAME, self.channel_lines.get(name, 1), self.folder)
            for name, raw in (self.channels or {}).items()
        )

    def written_channels(self) -> tuple[Channel, ...]:
        """The channels as the file says them: no secret is resolved."""
        file, lines = self.file or FILE_NAME, self.channel_lines
        return tuple(
            written_channel(name, raw, file, lines.get(name, 1)) for name, raw in (self.channels or {}).items()
        )

    def target(self, named: str | None, environ: Mapping[str, str]) -> Target:
        """The target to talk to, with its secrets. Raises Failure when one is missing."""
        name = self.target_name(named)
        if name is None:
            return _implicit_target(self.folder, environ)
        raw = self.targets[name]
        resolved: dict[str, Any] = {
            part: resolve_reference(raw[part], environ, f"{self.file}: targets.{name}.{part}", folder=self.folder)
            for part in SECRETS
        }
        optional = ("api", "schedules", "trigger_body", "protected", "variables")
        options = {part: raw[part] for part in optional if part in raw}
        _refuse_credentials(resolved["url"], f"{self.file}: targets.{name}.url")
        remember_secret(resolved["api_key"])
        return Target(name=name, **resolved, **options)


def read_settings(file: Path | None, *, folder: Path, definitions: str | None = None) -> Settings:
    """Settings from `file`, or from `interact-gitops.yaml` in `folder` when it is there, or defaults.

    Raises ConfigurationInvalid with every problem and its position, Failure when a named file is missing.
    """
    path = file if file is not None else folder / FILE_NAME
    value: dict[str, Any] = {}
    lines: dict[str, int] = {}
    if path.exists() or path.is_symlink():
        value, lines = read_file(path, str(path) if file else FILE_NAME)
        folder = path.parent
    elif file is not None:
        raise Failure(f"there is no configuration file {str(file)!r}", remedy="check --config")
    return _settings(value, folder=folder, file=str(path) if file else FILE_NAME, definitions=definitions, lines=lines)


def settings_of(raw: bytes | None, *, folder: Path, shown: str, definitions: str | None = None) -> Settings:
    """Settings as another revision of the file says them; None where it had no file. Raises ConfigurationInvalid."""
    value, lines = read_bytes(raw, shown) if raw is not None else ({}, {})
    return _settings(value, folder=folder, file=shown, definitions=definitions, lines=lines)


def default_settings(folder: Path, *, definitions: str, managed_by: str) -> Settings:
    """Settings with no configuration file: what `demo` works with."""
    return _settings({"managed_by": managed_by}, folder=folder, file=None, definitions=definitions)


def _settings(
    value: Mapping[str, Any],
    *,
    folder: Path,
    file: str | None,
    definitions: str | None,
    lines: Mapping[str, int] | None = None,
) -> Settings:
    guards = value.get("guards", {})
    return Settings(
        folder=folder,
        file=file if value else None,
        definitions=definitions or value.get("definitions", "jobs.d"),
        managed_by=value.get("managed_by"),
        ledger=value.get("ledger", "sqlite:///.interact/ledger.db"),
        default_target=value.get("default_target"),
        targets=value.get("targets", {}),
        max_deletes=guards.get("max_deletes", "10%"),
        max_changes=guards.get("max_changes", "50%"),
        channels=value.get("channels"),
        channel_lines=lines or {},
        github=value.get("github", {}),
        windows=tuple(read_window(raw) for raw in value.get("sync", {}).get("windows", ())),
        notices=value.get("notices", {}),
    )


def owner(settings: Settings) -> str:
    """The ownership mark: configured, or the git remote's path and the configuration's folder in it.

    Raises Failure when there is neither.
    """
    if settings.managed_by:
        return settings.managed_by
    from interact_gitops.gitops.checkout import read_checkout

    checkout = read_checkout(settings.folder)
    if checkout is None or checkout.remote_path is None:
        why = "this folder is not in a git repository" if checkout is None else "this git repository has no remote"
        remedy = f"set managed_by: TEAM/REPOSITORY in {FILE_NAME}, or add a git remote"
        raise Failure(f"nothing says who manages these jobs: {why}", remedy=remedy)
    below = settings.folder.resolve().relative_to(checkout.top.resolve()).as_posix()
    name = Path(settings.file).name if settings.file else FILE_NAME
    parts = [checkout.remote_path, *([below] if below != "." else []), *([name] if name != FILE_NAME else [])]
    return "/".join(parts)[:200]


def read_credentials(path: Path) -> dict[str, str] | None:
    """The shell assignments in a credentials file that `serve` wrote; None when there is none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise Failure(f"{path} cannot be read: {reason}", remedy="check its permissions, or serve again") from None
    pairs = (line.removeprefix("export ").partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _implicit_target(folder: Path, environ: Mapping[str, str]) -> Target:
    given = {name: environ[name] for name in ENVIRONMENT if environ.get(name)}
    if given and len(given) < len(ENVIRONMENT):
        missing = ", ".join(name for name in ENVIRONMENT if name not in given)
        remedy = _AT_GITHUB if environ.get("GITHUB_ACTIONS") else f"export {missing} too"
        raise Failure(f"the environment sets {', '.join(given)} but not {missing}", remedy=remedy)
    name = "environment"
    if not given:
        name = "local"
        found = read_credentials(folder / LOCAL_SERVER / CREDENTIALS)
        if found is None or any(part not in found for part in ENVIRONMENT):
            remedy = "start one here with `interact-gitops serve`, or set " + ", ".join(ENVIRONMENT)
            remedy = _AT_GITHUB if environ.get("GITHUB_ACTIONS") else remedy
            raise Failure(
                "no Interact to talk to: no target is configured and no local server was started", remedy=remedy
            )
        given = found
    _refuse_credentials(given["INTERACT_URL"], "INTERACT_URL")
    return Target(
        name=name,
        url=given["INTERACT_URL"],
        api_key=remember_secret(given["INTERACT_API_KEY"]),
        organization=given["INTERACT_ORG_ID"],
    )


def _refuse_credentials(url: str, what: str) -> None:
    """A URL is shown in plans and messages, and so must hold no password."""
    if "@" in (url.partition("://")[2] or url).partition("/")[0]:
        raise Failure(f"{what} holds a user name or password", remedy="write the address alone; api_key is the secret")
