"""Jobs seen on a public target as definition files: id, name and agent, and what is unknown marked so. Pure.

Such a file validates, and is bound to its job by the id in it. Its question is not known, and says that it is not:
a trigger there carries no question, so the job runs as it stands in Interact all the same.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from interact_gitops.interact.discovery import SeenJob
from interact_gitops.jobs.scalars import control_character
from interact_gitops.planning.binding import UNKNOWN_PROMPT, slugified
from interact_gitops.planning.rendering.styled import visible

LONGEST = 200  # characters of a name or an id in a definition (job.schema.json)
_PLAIN = re.compile(r"[A-Za-z](?:[A-Za-z0-9 _./()-]*[A-Za-z0-9)])?")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})  # of some YAML or other


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundJob:
    """A job for the tree: its key and file there, its fields, and what had to be made up."""

    key: str
    path: str
    name: str
    agent: str
    seen: SeenJob
    unknown: tuple[str, ...]


def found_jobs(
    seen: Iterable[SeenJob], *, keys: Collection[str], paths: Collection[str]
) -> tuple[tuple[FoundJob, ...], tuple[str, ...]]:
    """(the jobs that become files, what is said of those that cannot). `keys` and `paths` are taken already; a path
    is relative to the definitions folder."""
    taken, taken_files = set(keys), {path.lower().removesuffix(".yaml") for path in paths}
    found, said = [], []
    for one in seen:
        if not _holds(one.id):
            said.append(f"a job whose id no file can hold is left out: {one.id[:40]!r}, of {one.name!r}")
            continue
        name = _without_controls(one.name or "").strip()
        unknown = [] if name else ["name"]
        agent = slugified(one.agent_name or "") or slugified(one.agent_id or "")
        unknown += [] if agent else ["agent"]
        key = _free(slugified(name) or slugified(one.id) or "job", taken)
        taken.add(key)
        file = _free(key, taken_files)
        taken_files.add(file)
        found.append(
            FoundJob(
                key=key,
                path=f"{file}.yaml",
                name=(name or one.id)[:LONGEST],
                agent=agent or "unknown-agent",
                seen=one,
                unknown=tuple(unknown),
            )
        )
    return tuple(found), tuple(said)


def definition_text(job: FoundJob, *, target: str, named: bool, schema: str | None = None) -> str:
    """The file of a job. `target` is the target's name, `named` whether the configuration has targets by name;
    `schema` is the path of the job schema from the file, for editors."""
    return "\n".join([*_head(job, target, schema), *_fields(job, target if named else None)]) + "\n"


def _holds(identity: str) -> bool:
    halves = any(0xD800 <= ord(character) <= 0xDFFF for character in identity)
    return len(identity) <= LONGEST and not halves and control_character(identity) is None


def _without_controls(text: str) -> str:
    """A name with a space in the place of every character that no definition may hold."""
    while (found := control_character(text)) is not None:
        text = text.replace(found, " ")
    return text


def _head(job: FoundJob, target: str, schema: str | None) -> Iterator[str]:
    if schema is not None:
        yield f"# yaml-language-server: $schema={schema}"
    runs = f"{job.seen.runs} run{'' if job.seen.runs == 1 else 's'}"
    yield f"# Seen on {target} through its chats ({runs} listed). Its API shows no definitions: copy what is marked"
    yield "# unknown from the job's page in Interact. Until then it runs there as it stands there."


def _fields(job: FoundJob, target: str | None) -> Iterator[str]:
    def of_target(value: str) -> str:
        return f"{{{target}: {quoted(value)}}}" if target else quoted(value)

    yield f"key: {quoted(job.key)}"
    yield f"name: {quoted(_literal(job.name))}" + ("  # unknown: no chat tells it" if "name" in job.unknown else "")
    why = f"made of the agent's name there, {visible(job.seen.agent_name or '')}" if job.seen.agent_name else ""
    yield f"agent: {quoted(job.agent)}  # " + (
        "unknown: no chat tells it" if "agent" in job.unknown else why or "its id there"
    )
    yield f"id: {of_target(job.seen.id)}"
    if job.seen.agent_id and _holds(job.seen.agent_id):  # the job is bound by its own id in any case
        yield f"agent_id: {of_target(_literal(job.seen.agent_id))}"
    yield f"prompt: {quoted(UNKNOWN_PROMPT)}"
    yield "# unknown: description, owner, schedule, overlap, timeout, notifications"


def quoted(text: str) -> str:
    """A text as a YAML scalar on one line, bare where no YAML takes it for anything else."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable():
        return character
    point = ord(character)
    if 0xD800 <= point <= 0xDFFF:
        return "\ufffd"  # half a character: no file can hold it
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _literal(text: str) -> str:
    """A text in which nothing is a variable of ours."""
    return text.replace("${", "$${")


def _free(wanted: str, taken: Collection[str]) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3` … that is not taken; at most 63 characters."""
    if wanted not in taken:
        return wanted
    number = 2
    while (name := f"{wanted[: 62 - len(str(number))].rstrip('-')}-{number}") in taken:
        number += 1
    return name
