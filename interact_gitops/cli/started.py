"""What `run` says of the chats that it started, on any target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from interact_gitops.cli.output import mark, note, say, say_json
from interact_gitops.errors import Failure

if TYPE_CHECKING:
    from interact_gitops.interact.client import Client
    from interact_gitops.interact.records import ChatSummary, StartedChat


def say_started(chats: Sequence[StartedChat]) -> None:
    """One line for each chat, when nobody waits."""
    from interact_gitops.cli.chats import parameters_words

    for chat in chats:
        say(f"started {chat.id}  {parameters_words(chat.parameters)}")
    note(f"see the answer with `interact-gitops chat {chats[0].id}`")


def note_started(chats: Sequence[StartedChat]) -> None:
    """That the wait begins, on stderr."""
    note(f"started {len(chats)} chat{'s' if len(chats) > 1 else ''}, from {chats[0].id}")


def say_end(client: Client, summary: ChatSummary, *, follow: bool) -> None:
    """A chat's end, or with `follow` the chat itself."""
    from interact_gitops.cli.chats import parameters_words
    from interact_gitops.cli.conversation import chat_text
    from interact_gitops.cli.transcripts import readable

    if follow:
        try:
            say("\n".join(chat_text(readable(client.chat(summary.id).raw), summary.state)) + "\n")
            return
        except Failure as failure:  # the run has ended all the same, and how is known
            note(str(failure))
    say(f"{summary.id}  {mark(summary.state)}  {parameters_words(summary.parameters)}")


def say_runs(
    job_id: str, key: str | None, chats: Sequence[StartedChat], ends: Mapping[str, ChatSummary], run_key: str | None
) -> None:
    """The chats as JSON, with how each ended as far as somebody waited, and their run's key in the ledger."""
    runs = [_as_json(chat.id, chat.parameters, ends.get(chat.id)) for chat in chats]
    say_json({"job": {"id": job_id, "key": key}, "runKey": run_key, "runs": runs})


def _as_json(chat_id: str, parameters: Any, end: ChatSummary | None) -> dict[str, Any]:
    return {
        "id": chat_id,
        "parameters": parameters,
        "status": end.status if end else None,
        "state": end.state if end else None,
    }
