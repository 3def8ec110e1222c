"""How a plan looks: for people, in pull requests and for programs."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from .conftest import COMMAND, Shell

WEEKLY = "jobs.d/paid-search/03-weekly-campaign-performance.yaml"


@pytest.fixture
def edited(interact: Shell) -> Shell:
    """An applied repository in which a prompt, a schedule, a fan-out, a key and a defaults file were edited."""
    interact("apply", "--yes")
    edit(interact.folder / WEEKLY, ("Highlight it if", "Highlight the campaign in bold if"),
         ("days: [7, 28]", "days: [7, 14, 28]"), ('"0 8 * * 1"', '"15 9 * * 1-5"'))  # fmt: skip
    edit(interact.folder / "jobs.d/paid-search/_defaults.yaml", ("team: paid-search", "team: search"))
    edit(interact.folder / "jobs.d/paid-search/06-search-term-waste.yaml",
         ("key: search-term-waste", "key: wasted-search-terms\nmoved_from: [search-term-waste]"))  # fmt: skip
    (interact.folder / "jobs.d/ecommerce/top-products.yaml").unlink()
    return interact


def edit(file: Path, *changes: tuple[str, str]) -> None:
    text = file.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file.write_text(text)


RUN = r"\w{3} \d{4}-\d\d-\d\d 0{0} CES?T"


def test_a_plan_in_words(edited: Shell) -> None:
    said = edited("plan").out
    assert " - top-products                 (no file)\n" in said
    assert (
        " > wasted-search-terms          jobs.d/paid-search/06-search-term-waste.yaml:3 (was search-term-waste)" in said
    )
    assert "        -Highlight [-it-] if ROAS dropped below {{ roas_floor }}.\n" in said
    assert "        +Highlight {+the campaign in bold+} if ROAS dropped below {{ roas_floor }}.\n" in said
    assert "fan_out: 4 combinations, 4 at a time → 6 combinations, 4 at a time" in said
    assert "schedule: At 08:00 on Monday, Europe/Amsterdam → At 09:15, Monday through Friday, Europe/Amsterdam" in said
    for name, time in (("before", "8:00"), ("after", "9:15")):
        runs = ", ".join([RUN.replace("{0}", time)] * 3)
        assert re.search(f"      next runs {name}: {runs}\n", said)
    assert re.search(r"      runs a month: about 4\.\d → 2[12]\n", said)
    assert re.search(r"      chats a month: 1[78] → 1[23]\d\n", said)
    assert re.search(
        r" ~ update 6 jobs: account-overview, .* and 1 more\n      labels\.team: paid-search → search\n", said
    )
    assert said.endswith("Plan: 0 to create, 7 to update, 1 to delete, 1 to move, 3 unchanged.\n")
    assert edited("plan", "-q").out == said[said.index("Plan: 0") :]
    assert "\x1b" not in said


def test_a_plan_as_a_comment(edited: Shell) -> None:
    answer = edited("plan", "--format", "markdown", "--detailed-exitcode", expect=2)
    lines = answer.out.split("\n")
    assert re.fullmatch(r"<!-- interact-gitops:plan [0-9a-f]{16} -->", lines[0])
    assert lines[1] == "### Plan: 0 to create, 7 to update, 1 to delete, 1 to move, 3 unchanged."
    assert "> **1 to be deleted:** `top-products`" in lines
    assert "> **`apply` would refuse this:** `this would change 8 of the 12 jobs" in answer.out
    assert "+    Highlight {+the campaign in bold+} if ROAS dropped below {{ roas_floor }}." in lines
    assert answer.out.count("<details>") == answer.out.count("</details>") == 4
    assert edited.environment["INTERACT_API_KEY"] not in answer.out
    edited("apply", "--yes", "--allow-changes", "8", "--allow-deletes", "1")
    after = edited("plan", "--format", "markdown").out.split("\n")
    assert after[:2] == [lines[0], "### Plan: no changes."]  # the same comment, edited in place


def test_the_same_plan_is_the_same_to_the_byte(edited: Shell) -> None:
    first, text = edited("plan", "--format", "json").out, edited("plan", "--full").out
    for file in sorted((edited.folder / "jobs.d").rglob("*.yaml"), reverse=True):
        file.touch()
    assert edited("plan", "--format", "json").out == first
    assert edited("plan", "--full").out == text


def on_a_terminal(shell: Shell, *arguments: str, **environment: str) -> str:
    """What the command writes to a terminal."""
    ours, theirs = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=shell.folder, env={**variables, **shell.environment, **environment}, stdout=theirs,
        stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        os.close(theirs)
        said = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # a terminal whose other end is closed
                part = b""
            if not part:
                break
            said += part
        process.wait()
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def test_colours_stand_for_marks_on_a_terminal(edited: Shell) -> None:
    said = on_a_terminal(edited, "plan")
    assert "\x1b[32m\x1b[7mthe campaign in bold\x1b[0m" in said
    assert "{+" not in said
    assert "[-it-]" not in said
    plain = on_a_terminal(edited, "plan", NO_COLOR="1")
    assert "\x1b" not in plain
    assert "{+the campaign in bold+}" in plain


def test_hostile_prompts_are_shown_and_do_nothing(interact: Shell) -> None:
    file = interact.folder / "jobs.d/hostile.yaml"
    head = "key: hostile\nname: '@everyone <b>`#1`'\nagent: paid-search-analyst\nprompt: "
    file.write_text(head + '"' + "a " * 24_000 + '"\n')
    interact("apply", "--yes")
    file.write_text(head + '"``` ' + "a " * 23_000 + r"c\n</details>@team" + '"\n')
    said = interact("plan", "--full").out
    assert "        +``` a a" in said
    comment = interact("plan", "--format", "markdown").out
    assert "````diff\n  @everyone <b>`#1`\n" in comment
    assert "</details>@team" not in comment.split("\n")
