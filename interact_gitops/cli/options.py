"""Options that every command takes, before or after its name, and what is made of them.

`Workspace` is one command's view of the world: settings, definitions, target, client, each made when
it is first asked for, so that `validate` needs no secret and `--help` reads no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from interact_gitops.config import Settings, Target
    from interact_gitops.interact.client import Client
    from interact_gitops.jobs.channels import Channel
    from interact_gitops.jobs.loading import Loaded
    from interact_gitops.jobs.model import Definition

C = TypeVar("C", bound=Callable[..., Any])


@dataclass
class Workspace:
    """The world of one command: the folder, the options given, and what follows from them."""

    folder: Path = field(default_factory=Path)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    config: Path | None = None
    target_named: str | None = None
    definitions_named: str | None = None
    settings_given: Settings | None = None
    quiet: bool = False
    verbose: bool = False

    @cached_property
    def settings(self) -> Settings:
        """The configuration, read once."""
        from interact_gitops.config import read_settings

        if self.settings_given is not None:
            return self.settings_given
        return read_settings(self.config, folder=self.folder, definitions=self.definitions_named)

    @cached_property
    def target(self) -> Target:
        """The target to talk to, with its secrets."""
        return self.settings.target(self.target_named, self.environ)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """The channels that the configuration declares, with their secrets as far as the environment has them."""
        return self.settings.declared_channels(self.environ)

    def load(self, target: str | None = None) -> Loaded:
        """The definitions as `target`'s variables make them (default: the chosen target's), problems included."""
        from interact_gitops.jobs.loading import Loaded, load
        from interact_gitops.jobs.tree import read_tree

        settings = self.settings
        named = target or settings.target_name(self.target_named)
        files, unreadable = read_tree(settings.definitions_folder, shown=settings.definitions)
        loaded = load(files, variables=settings.variables(named), channels=settings.channels)
        return Loaded(definitions=loaded.definitions, problems=(*unreadable, *loaded.problems))

    def definitions(self) -> tuple[Definition, ...]:
        """The valid definitions. Raises DefinitionsInvalid with every problem."""
        return self.load().valid(self.settings.definitions)

    def client(self) -> Client:
        """A client of the target; use it in a `with`."""
        from interact_gitops.interact.client import Client

        if self.verbose:
            import logging

            # The HTTP library names each request and its status; headers, and so the key, are not among it.
            logging.basicConfig(level=logging.INFO, format="%(message)s")
        target = self.target
        return Client(target.url, target.api_key, target.organization, api=target.api)


def _into(attribute: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def remember(ctx: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        workspace = ctx.ensure_object(Workspace)
        if value not in (None, False):
            setattr(workspace, attribute, Path(value) if attribute == "config" else value)
        return value

    return remember


def _global_options() -> list[click.Option]:
    """Fresh options: click binds each to one command."""
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True}
    return [
        click.Option(["--config"], metavar="FILE", callback=_into("config"), help="Configuration file.", **shared),
        click.Option(["--target"], metavar="NAME", callback=_into("target_named"), help="Target to use.", **shared),
        click.Option(
            ["--definitions"], metavar="DIR", callback=_into("definitions_named"), help="Definitions folder.", **shared
        ),
        click.Option(["-q", "--quiet"], is_flag=True, callback=_into("quiet"), help="Say less.", **shared),
        click.Option(
            ["-v", "--verbose"], is_flag=True, callback=_into("verbose"), help="Name every request.", **shared
        ),
    ]


def command(name: str, *, examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command with the global options and its examples in the help."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines())
        made = click.command(name, epilog=epilog)(click.make_pass_decorator(Workspace, ensure=True)(function))
        made.params.extend(_global_options())
        return made

    return decorate


def accept_globals_before_the_command(group: click.Group) -> None:
    """Let `interact-gitops --target staging plan` mean what `interact-gitops plan --target staging` means."""
    group.params.extend(_global_options())


def json_format(*formats: str) -> Callable[[C], C]:
    """The `--format` option: text first, json always."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json", *formats]), default="text", help="How to print it."
    )
