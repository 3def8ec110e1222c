"""`channels`: where a target sends notifications, whether that works, and what could not be delivered."""

from __future__ import annotations

import click

from interact_gitops.cli.grouping import group
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, table
from interact_gitops.cli.undelivered import dead, resend
from interact_gitops.errors import Failure


@command("list", examples="interact-gitops channels list\ninteract-gitops channels list --format json")
@json_format()
def list_(workspace: Workspace, form: str) -> None:
    """List the target's channels, without their secrets."""
    from interact_gitops.cli.deliveries import channel_json, channel_row

    with workspace.client() as client:
        found = client.channels.list()
    if form == "json":
        say_json({"channels": [channel_json(one) for one in found]})
    elif not found:
        say("No channels. Declare them under `channels:` in interact-gitops.yaml, and apply.")
    else:
        say(table(["CHANNEL", "TYPE", "LEVEL", "TOPICS", "MANAGED BY"], [channel_row(one) for one in found]))


@command("test", examples="interact-gitops channels test marketing-slack")
@click.argument("name")
@json_format()
def test(workspace: Workspace, name: str, form: str) -> None:
    """Send a test message to the channel NAME, and say whether it arrived."""
    from interact_gitops.cli.deliveries import find_channel, settled

    with workspace.client() as client:
        delivery = settled(client, client.channels.test(find_channel(client, name)).id)
    if form == "json":
        say_json({"delivery": delivery.raw})
    if delivery.state != "sent":
        raise Failure(f"the test message to {name!r} did not arrive: {delivery.error or 'it is still waiting'}")
    if form == "text":
        say(
            f"The test message to {name} was taken by its receiver."
            + (f" But: {delivery.error}" if delivery.error else "")
        )


channels = group(
    "channels", list_, test, dead, resend,
    help="See and test channels, and send again what failed.",
    examples="""
interact-gitops channels list
interact-gitops channels test marketing-slack
interact-gitops channels dead
interact-gitops channels resend --all
""",
)  # fmt: skip
