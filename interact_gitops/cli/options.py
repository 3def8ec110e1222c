"""Options that every command takes, before or after its name, and what is made of them.

`Workspace` is one command's view of the world: settings, definitions, target, client, each made when
it is first asked for, so that `validate` needs no secret and `--help` reads no file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from interact_gitops.cli.everywhere import global_options

if TYPE_CHECKING:
    from interact_gitops.config import Settings, Target
    from interact_gitops.errors import Problem
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
    ledger_named: str | None = None
    log_format: str = "text"
    settings_given: Settings | None = None
    definitions_read: tuple[Definition, ...] | None = None
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
        beyond = self._beyond_the_target(loaded, named)
        return Loaded(definitions=loaded.definitions, problems=(*unreadable, *loaded.problems, *beyond))

    def _beyond_the_target(self, loaded: Loaded, named: str | None) -> Sequence[Problem]:
        """Warnings of jobs that the target can never run, where the configuration says that its API is public."""
        target = self.settings.targets.get(named or "", {})
        if target.get("api") != "public":
            return ()
        from interact_gitops.planning.binding import target_problems

        sends_body = target.get("trigger_body") == "send"
        return target_problems(loaded.definitions, target=str(named), sends_body=sends_body)

    def definitions(self) -> tuple[Definition, ...]:
        """The valid definitions, read once. Raises DefinitionsInvalid with every problem."""
        if self.definitions_read is None:
            self.definitions_read = self.load().valid(self.settings.definitions)
        return self.definitions_read

    def client(self, **options: Any) -> Client:
        """A client of the target; use it in a `with`. `options` are the client's: its patience, for one."""
        from interact_gitops.interact.client import Client

        if self.verbose:
            import logging

            # The HTTP library names each request and its status; headers, and so the key, are not among it.
            logging.basicConfig(level=logging.INFO, format="%(message)s")
        target = self.target
        given: dict[str, Any] = {"api": target.api, "trigger_body": target.trigger_body, **options}
        return Client(target.url, target.api_key, target.organization, **given)


def command(name: str, *, examples: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A click command with the global options and its examples in the help."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        epilog = "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples.strip().splitlines())
        made = click.command(name, epilog=epilog)(click.make_pass_decorator(Workspace, ensure=True)(function))
        made.params.extend(global_options())
        return made

    return decorate


def json_format(*formats: str) -> Callable[[C], C]:
    """The `--format` option: text first, json always."""
    return click.option(
        "--format", "form", type=click.Choice(["text", "json", *formats]), default="text", help="How to print it."
    )
