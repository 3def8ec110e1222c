"""The options that every command takes, before or after its name.

Apart from what is made of them (`options.py`), so that `--help` pays for click alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def _into(attribute: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def remember(ctx: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value not in (None, False):
            from pathlib import Path

            from interact_gitops.cli.options import Workspace

            setattr(ctx.ensure_object(Workspace), attribute, Path(value) if attribute == "config" else value)
        return value

    return remember


def global_options() -> list[click.Option]:
    """Fresh options: click binds each to one command."""
    shared: dict[str, Any] = {"expose_value": False, "is_eager": True}
    return [
        click.Option(["--config"], metavar="FILE", callback=_into("config"), help="Configuration file.", **shared),
        click.Option(["--target"], metavar="NAME", callback=_into("target_named"), help="Target to use.", **shared),
        click.Option(
            ["--definitions"], metavar="DIR", callback=_into("definitions_named"), help="Definitions folder.", **shared
        ),
        click.Option(
            ["--ledger"],
            metavar="URL",
            callback=_into("ledger_named"),
            help="Ledger of runs, if not the configured one.",
            **shared,
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            callback=_into("log_format"),
            help="How logs are written.",
            **shared,
        ),
        click.Option(["-q", "--quiet"], is_flag=True, callback=_into("quiet"), help="Say less.", **shared),
        click.Option(
            ["-v", "--verbose"], is_flag=True, callback=_into("verbose"), help="Name every request.", **shared
        ),
    ]


def accept_globals_before_the_command(group: click.Group) -> None:
    """Let `interact-gitops --target staging plan` mean what `interact-gitops plan --target staging` means."""
    group.params.extend(global_options())
