"""What a served Interact is told: how its messages reach people, and the password of its pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from interact_gitops.cli.options import Workspace

C = TypeVar("C", bound=Callable[..., object])
NAMES = ("public_url", "smtp_url", "mail_from", "allow_private", "allow_apprise")


def notifying(function: C) -> C:
    """The options, under NAMES; see `ServerOptions`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def ui_password(workspace: Workspace) -> str | None:
    """What people sign in to the pages with: from the environment, where other users of the machine do not see it."""
    from interact_gitops.config.references import remember_secret

    found = workspace.environ.get("INTERACT_UI_PASSWORD")
    return remember_secret(found) if found else None


_OPTIONS = (
    click.option("--public-url", metavar="URL", help="Where people reach this server: messages then link to chats."),
    click.option(
        "--smtp-url", metavar="URL", envvar="INTERACT_SMTP_URL", help="Mail relay; better given by INTERACT_SMTP_URL."
    ),
    click.option("--mail-from", metavar="ADDRESS", envvar="INTERACT_MAIL_FROM", help="Where its mails come from."),
    click.option("--allow-private", multiple=True, metavar="HOST", help="Webhooks may lead to this internal host."),
    click.option("--allow-apprise", is_flag=True, help="Channels may send through apprise, wherever that leads."),
)
