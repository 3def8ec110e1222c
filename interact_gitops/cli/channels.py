"""`channels`: where a target sends notifications, whether that works, and what could not be delivered."""

from __future__ import annotations

import click

from interact_gitops.cli.everywhere import global_options
from interact_gitops.cli.options import Workspace, command, json_format
from interact_gitops.cli.output import say, say_json, table
from interact_gitops.errors import Failure, Refused

EXAMPLES = """\b
Examples:
  interact-gitops channels list
  interact-gitops channels test marketing-slack
  interact-gitops channels dead
  interact-gitops channels resend --all"""
channels = click.Group(
    "channels",
    epilog=EXAMPLES,
    params=list(global_options()),
    help="See and test channels, and send again what failed.",
)


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


@command("dead", examples="interact-gitops channels dead\ninteract-gitops channels dead --channel ops-mail")
@click.option("--channel", metavar="NAME", help="Only messages to this channel.")
@json_format()
def dead(workspace: Workspace, channel: str | None, form: str) -> None:
    """List the messages that could not be delivered, newest first, with the reason."""
    from interact_gitops.cli.deliveries import dead_messages, delivery_row

    with workspace.client() as client:
        found = list(dead_messages(client, channel))
    if form == "json":
        say_json({"deliveries": [one.raw for one in found]})
    elif not found:
        say("No message is undelivered.")
    else:
        say(
            table(
                ["DELIVERY", "CHANNEL", "ABOUT", "WHEN", "TRIES", "WHY"],
                [delivery_row(one) for one in found],
                right=(4,),
            )
        )


@command("resend", examples="interact-gitops channels resend dlv_5f2b0c9d18d2\ninteract-gitops channels resend --all")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Every message that could not be delivered.")
@click.option("--channel", metavar="NAME", help="With --all: only messages to this channel.")
@json_format()
def resend(workspace: Workspace, ids: tuple[str, ...], everything: bool, channel: str | None, form: str) -> None:
    """Send undelivered messages again; they have another day to arrive."""
    from interact_gitops.cli.deliveries import dead_messages

    if bool(ids) == everything:
        raise Refused(
            "name the messages to send again, or pass --all", remedy="`interact-gitops channels dead` lists them"
        )
    with workspace.client() as client:
        wanted = [one.id for one in dead_messages(client, channel)] if everything else list(ids)
        sent = [client.channels.resend(one) for one in wanted]
    if form == "json":
        say_json({"deliveries": [one.raw for one in sent]})
    else:
        say(f"{len(sent)} {'message is' if len(sent) == 1 else 'messages are'} on the way again.")


for _command in (list_, test, dead, resend):
    channels.add_command(_command)
