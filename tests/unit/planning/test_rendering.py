"""What people and programs read, to the letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from interact_gitops.jobs.model import Definition, FanOut, Notification, Prompt, Retries
from interact_gitops.planning.applying import Applied, Outcome
from interact_gitops.planning.plan import Change, FieldChange, Plan
from interact_gitops.planning.rendering.json import applied_to_json, plan_to_json
from interact_gitops.planning.rendering.markdown import render_markdown
from interact_gitops.planning.rendering.styled import Line, line, plain, visible
from interact_gitops.planning.rendering.text import DETAILED, render_applied, render_plan
from interact_gitops.planning.rendering.values import LONGEST, fan_out_words, field_details, schedule_words
from interact_gitops.schedule import Schedule
from interact_gitops.shapes import fit

from .conftest import NOW, THEIRS, definition, plan, remote

FAN_OUT = FanOut(matrix={"campaign": ("A", "B"), "days": (7, 28)}, max_parallel=4)
MONDAY = Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam")


def everything() -> tuple[list[Definition], Any]:
    """A plan with a change of every kind."""
    report = definition(
        "report", line=3, fan_out=FanOut(matrix={"campaign": ("A", "B"), "days": (7, 14, 28)}, max_parallel=4),
        schedule=Schedule(cron="30 9 * * 1", timezone="Europe/Amsterdam"), labels={"team": "x"},
        prompts=(Prompt(text="One\nTwo\nThree\nFour, new\nFive\n"),), timeout=3600,
    )  # fmt: skip
    before = definition(
        "report",
        fan_out=FAN_OUT,
        schedule=MONDAY,
        prompts=(Prompt(text="One\nTwo\nThree\nFour\nFive\n"),),
        description="old",
    )
    here = [
        definition("fresh", schedule=MONDAY, protect=True), report, definition("renamed", moved_from=("earlier",)),
        definition("taken-over"), definition("nobodys"), definition("theirs"), definition("same"),
    ]  # fmt: skip
    there = [
        remote(before), remote(definition("earlier", name="Renamed")), remote(definition("gone", fan_out=FAN_OUT)),
        remote(definition("kept", protect=True)), remote(definition("taken-over"), managed_by=None),
        remote(definition("nobodys"), managed_by=None), remote(definition("theirs"), managed_by=THEIRS),
        remote(definition("same")), remote(definition("by-hand"), managed_by=None),
    ]  # fmt: skip
    return here, plan(here, there, adopt=frozenset({"taken-over"}))


TEXT = """\
 - gone        (no file)
 ~ report      jobs.d/report.yaml:3
 > renamed     jobs.d/renamed.yaml:1 (was earlier)
<= taken-over  jobs.d/taken-over.yaml:1
 + fresh       jobs.d/fresh.yaml:1
 ! kept        (no file)
 ! nobodys     jobs.d/nobodys.yaml:1
 ! theirs      jobs.d/theirs.yaml:1

 - delete gone  Gone
      by hand · 4 combinations, 4 at a time · agent analyst

 ~ update report  Report
      description: old → (none)
      prompt:
        … 1 line unchanged
         Two
         Three
        -Four
        +Four{+, new+}
         Five
      fan_out: 4 combinations, 4 at a time → 6 combinations, 4 at a time
      fan_out.matrix.days: [7, 28] → [7, 14, 28]
      schedule: At 08:00 on Monday, Europe/Amsterdam → At 09:30 on Monday, Europe/Amsterdam
      schedule.cron: "0 8 * * 1" → "30 9 * * 1"
      timeout: 30m → 1h
      labels.team: (none) → x
      next runs before: Mon 2026-11-30 08:00 CET, Mon 2026-12-07 08:00 CET, Mon 2026-12-14 08:00 CET
      next runs after: Mon 2026-11-30 09:30 CET, Mon 2026-12-07 09:30 CET, Mon 2026-12-14 09:30 CET
      chats a month: 17 → 26

 > move renamed  Renamed
      key: earlier → renamed

 + create fresh  Fresh
      At 08:00 on Monday, Europe/Amsterdam · one chat · agent analyst · protected
      next runs: Mon 2026-11-30 08:00 CET, Mon 2026-12-07 08:00 CET, Mon 2026-12-14 08:00 CET
      a month: about 4.3 runs

 ! refused kept  Kept
      its file is gone, but the job is protected
      bring the file back; to delete it, apply it once with `protect: false`

 ! refused nobodys  Nobodys
      a job with this key is there already, and nobody manages it
      take it over with --adopt nobodys

 ! refused theirs  Theirs
      it is managed by 'other/jobs', not by 'team/jobs'
      choose another key, or remove it there first

Plan: 1 to create, 1 to update, 1 to delete, 1 to move, 1 to adopt, 3 refused, 1 unchanged.
1 unmanaged, untouched."""


def text_of(lines: list[Line]) -> str:
    """The lines as text, without the blanks at their ends."""
    return "\n".join(row.rstrip() for row in plain(lines).split("\n"))


def test_a_plan_with_everything() -> None:
    assert text_of(render_plan(everything()[1], now=NOW)) == TEXT


def test_quiet_is_the_counts_alone() -> None:
    assert plain(render_plan(everything()[1], now=NOW, quiet=True)) == "\n".join(TEXT.splitlines()[-2:])


def test_full_shows_every_field_that_says_something() -> None:
    one = definition(
        "a", description="d" * 300, schedule=MONDAY,
        prompts=(Prompt(text="Who?"), Prompt(text="What?\nAnd why?\n", query="q")),
        fan_out=FAN_OUT, retries=Retries(max_attempts=2), notifications=(Notification(channel="slack"),),
        parameters={"days": {"type": "integer"}}, labels={"team": "true"}, enabled=False, overlap="allow",
    )  # fmt: skip
    assert (
        text_of(render_plan(plan([one]), now=NOW, full=True))
        == f"""\
 + a  jobs.d/a.yaml:1

 + create a  A
      agent: analyst
      description: {"d" * 300}
      prompt 1:
        +Who?
      prompt 2, query q:
        +What?
        +And why?
      parameters.days: {{"type": "integer"}}
      fan_out: 4 combinations, 4 at a time
      fan_out.matrix: {{"campaign": ["A", "B"], "days": [7, 28]}}
      fan_out.max_parallel: 4
      schedule: At 08:00 on Monday, Europe/Amsterdam
      schedule.cron: "0 8 * * 1"
      schedule.timezone: Europe/Amsterdam
      schedule.catch_up: latest
      schedule.start_deadline: 6h
      schedule.jitter: 0s
      overlap: allow
      pause_after_failures: 0
      timeout: 30m
      grace: 15m
      retries.max_attempts: 2
      retries.backoff: 5m
      notifications: [{{"channel": "slack", "topics": ["failed_run", "anomaly"]}}]
      enabled: false
      labels.team: "true"
      the target runs the schedule: true

Plan: 1 to create, 0 to update, 0 to delete, 0 unchanged."""
    )


def test_full_marks_what_goes_as_removed() -> None:
    rows = render_plan(plan([], [remote(definition("a"))]), now=NOW, full=True)
    assert {style for row in rows for _, style in row} == {"", "bold", "dim", "delete", "removed"}


def test_nothing_to_do() -> None:
    one = definition("a")
    assert plain(render_plan(plan([one], [remote(one)]), now=NOW)) == (
        "No changes. The target matches the definitions: 1 unchanged."
    )
    there = [remote(one), remote(definition("x"), managed_by=None)]
    assert plain(render_plan(plan([one], there, prune=False), now=NOW)) == (
        "No changes. The target matches the definitions: 1 unchanged.\n"
        "1 unmanaged, untouched.\n"
        "Nothing is deleted: only a part of the definitions was looked at, or --no-prune was given."
    )


def test_what_apply_did() -> None:
    made = everything()[1]
    results: list[Any] = ["done", "failed", "not tried", "done", "done"]
    said = ["", "update job report: no\n  plan again", "", "", ""]
    outcomes = tuple(
        Outcome(change=change, result=result, said=words or None)
        for change, result, words in zip(made.writes, results, said, strict=True)
    )
    done = Applied(plan=made, outcomes=outcomes, interrupted=True)
    assert not done.complete
    assert (
        plain(render_applied(done))
        == """\
  ✓ deleted gone
  ✗ update report
      update job report: no
        plan again
  ✓ adopted taken-over
  ✓ created fresh
Applied: 3 done, 1 failed, 1 not tried, 3 refused.
Interrupted: nothing more was started.
Run apply again to finish."""
    )
    document = applied_to_json(done)
    assert fit("apply.schema.json").is_valid(document)
    assert [(o["key"], o["result"]) for o in document["outcomes"]] == [
        ("gone", "done"), ("report", "failed"), ("renamed", "not tried"), ("taken-over", "done"), ("fresh", "done"),
    ]  # fmt: skip
    assert [change["key"] for change in document["refused"]] == ["kept", "nobodys", "theirs"]


def test_what_apply_left_when_its_lock_was_lost() -> None:
    made = plan([definition("a"), definition("b"), definition("c")])
    done, held, left = made.writes
    outcomes = (
        Outcome(change=done, result="done"),
        Outcome(change=held, result="not tried", said="its channel failed"),
        Outcome(change=left, result="not tried"),
    )
    rows = plain(render_applied(Applied(plan=made, outcomes=outcomes, lost=True), quiet=True)).split("\n")
    assert rows == [
        "  · create b: not tried: its channel failed",
        "Applied: 1 done, 2 not tried.",
        "The lock was lost on the way, and somebody else may be applying: nothing more was started.",
        "Run apply again to finish.",
    ]


def test_all_done() -> None:
    made = plan([definition("a")])
    done = Applied(plan=made, outcomes=(Outcome(change=made.writes[0], result="done"),))
    assert done.complete
    assert plain(render_applied(done)) == "  ✓ created a\nApplied: 1 done."


def test_the_plan_as_json() -> None:
    made = everything()[1]
    document = plan_to_json(made)
    assert fit("plan.schema.json").is_valid(document)
    assert document["digest"] == made.digest
    assert document["counts"] == {
        "delete": 1, "update": 1, "move": 1, "adopt": 1, "create": 1, "refused": 3, "unchanged": 1, "unmanaged": 1,
    }  # fmt: skip
    update = document["changes"][1]
    assert (update["action"], update["path"], update["line"], update["id"]) == (
        "update",
        "jobs.d/report.yaml",
        3,
        "job_report",
    )
    assert [field["field"] for field in update["fields"]] == [
        "description", "prompts", "fanOut", "schedule", "timeoutSeconds", "labels",
    ]  # fmt: skip
    assert not fit("plan.schema.json").is_valid({**document, "more": 1})


def shown(field: str, before: Any, after: Any) -> list[str]:
    return [
        row.strip()
        for row in plain(
            [one.parts for one in field_details(FieldChange(field=field, before=before, after=after))]
        ).split("\n")
    ]


@pytest.mark.parametrize(
    ("field", "before", "after", "rows"),
    [
        ("agent", {"slug": "a"}, {"slug": "b"}, ["agent: a → b"]),
        ("description", None, "none", ["description: (none) → none"]),
        ("description", "(none)", None, ['description: "(none)" → (none)']),
        ("description", "", " a", ['description: "" → " a"']),
        ("description", "true", "5", ['description: "true" → "5"']),
        ("description", "a\nb", "a\u202eb", [r'description: "a\nb" → "a\u202eb"']),
        ("owner", "a: b", "- c", ["owner: a: b → - c"]),
        ("enabled", True, False, ["enabled: true → false"]),
        ("overlap", "skip", "allow", ["overlap: skip → allow"]),
        ("timeoutSeconds", 90, 7200, ["timeout: 1m30s → 2h"]),
        ("graceSeconds", 900, 0, ["grace: 15m → 0s"]),
        ("pauseAfterFailures", 0, 3, ["pause_after_failures: 0 → 3"]),
        ("scheduleEnabled", True, False, ["the target runs the schedule: true → false"]),
        ("ignoreChanges", [], ["prompts"], ['ignore_changes: [] → ["prompts"]']),
        ("retries", None, {"maxAttempts": 2}, ['retries: (none) → {"maxAttempts": 2}']),
        ("retries", {"maxAttempts": 2, "backoffSeconds": 60}, {"maxAttempts": 3, "backoffSeconds": 90},
         ["retries.backoff: 1m → 1m30s", "retries.max_attempts: 2 → 3"]),
        ("parameters", {"a": {"default": 1}, "b": {}}, {"a": {"default": True}},
         ["parameters.a.default: 1 → true", "parameters.b: {} → (none)"]),
        ("labels", {"a": "1"}, {"a": "1", "b": "2"}, ['labels.b: (none) → "2"']),
        ("schedule", None, {"cron": "0 8 * * 1"}, ["schedule: by hand → At 08:00 on Monday, UTC"]),
        ("schedule", {"cron": "nonsense", "timezone": "UTC"}, None, ["schedule: nonsense, UTC → by hand"]),
        ("schedule", {"cron": "0 8 * * 1", "jitterSeconds": 0}, {"cron": "0 8 * * 1", "jitterSeconds": 60},
         ["schedule.jitter: 0s → 1m"]),
        ("fanOut", None, {"combinations": [{"a": 1}], "maxParallel": 2},
         ["fan_out: one chat → 1 combination, 2 at a time"]),
    ],
)  # fmt: skip
def test_fields_in_words(field: str, before: Any, after: Any, rows: list[str]) -> None:
    assert shown(field, before, after) == rows


def test_a_long_text_shows_the_place_where_it_changes() -> None:
    (row,) = shown("description", "x" * 200 + "old" + "y" * 200, "x" * 200 + "new" + "y" * 200)
    before, after = row.removeprefix("description: ").split(" → ")
    assert (len(before), len(after)) == (LONGEST + 1, LONGEST + 1)
    assert before.startswith("…xxx")
    assert "xold" in before
    assert "xnew" in after
    (row,) = shown("description", "x" * 200, "x" * 201)
    assert row.endswith("x")


def test_a_fan_out_too_large_to_build_is_counted() -> None:
    huge = {"matrix": {name: list(range(1000)) for name in "abcd"}}
    assert fan_out_words(huge) == "1,000,000,000,000 combinations, 8 at a time"
    assert schedule_words({}) == "by hand"


def test_escapes_never_reach_a_terminal() -> None:
    wild = "\x1b[31mred\u202e\u2028"
    one = definition("a", name=wild, description=wild, prompts=(Prompt(text=wild),))
    rows = render_plan(plan([one]), now=NOW, full=True)
    text = plain(rows)
    assert text.count("[31mred") == 3
    assert "\x1b" not in text
    assert visible("\ud800") == r"\ud800"
    assert visible("a\nb\x07", keep=frozenset("\n")) == "a\nb\\x07"
    assert line("a\x00", ("b\x00", "bold")) == ((r"a\x00", ""), (r"b\x00", "bold"))


def relabelled(count: int) -> tuple[list[Definition], list[Any]]:
    """Jobs of which one line of a defaults file changed, and the last a field of its own, too."""
    here = [definition(f"job-{number:04}", labels={"team": "search"}) for number in range(count)]
    here[-1] = definition(f"job-{count - 1:04}", labels={"team": "search"}, timeout=60)
    return here, [remote(definition(one.job.key, labels={"team": "ads"})) for one in here]


def test_a_thousand_changes_stay_readable() -> None:
    """Complaint 11: an index of one line per job, and what they have in common once."""
    rows = text_of(render_plan(plan(*relabelled(1_000)), now=NOW)).split("\n")
    assert rows[0] == " ~ job-0000  jobs.d/job-0000.yaml:1"
    assert rows[1_000:] == [
        "",
        " ~ update 999 jobs: job-0000, job-0001, job-0002, job-0003, job-0004 and 994 more",
        "      labels.team: ads → search",
        "",
        " ~ update job-0999  Job-0999",
        "      timeout: 30m → 1m",
        "      labels.team: ads → search",
        "",
        "Plan: 0 to create, 1,000 to update, 0 to delete, 0 unchanged.",
    ]
    full = text_of(render_plan(plan(*relabelled(20)), now=NOW, full=True)).split("\n")
    assert full[21].endswith(", ".join(f"job-{number:04}" for number in range(19)))


def test_what_is_not_alike_is_not_put_together() -> None:
    daily = Schedule(cron="@daily")
    here = [definition("a", enabled=False, schedule=daily), definition("b", enabled=False, schedule=MONDAY),
            definition("c", prompts=(Prompt(text="x"),)), definition("d", prompts=(Prompt(text="y"),))]  # fmt: skip
    there = [remote(definition("a", schedule=daily)), remote(definition("b", schedule=MONDAY))]
    rows = text_of(render_plan(plan(here, there), now=NOW)).split("\n")
    assert [row for row in rows if row.startswith((" ~ update", " + create"))] == [
        " ~ update a  A", " ~ update b  B", " + create 2 jobs: c, d",
    ]  # fmt: skip
    assert " + create c  C" in text_of(render_plan(plan(here, there), now=NOW, full=True))


def test_more_details_than_anybody_reads_are_counted() -> None:
    here = [definition(f"job-{number:04}", description=f"{number}") for number in range(DETAILED + 5)]
    made = plan(here, [remote(definition(one.job.key)) for one in here])
    rows = text_of(render_plan(made, now=NOW)).split("\n")
    assert rows[-3:-1] == ["… 5 more details: see --full", ""]
    assert len([row for row in rows if row.startswith(" ~ ")]) == 2 * DETAILED + 5
    assert "more details" not in text_of(render_plan(made, now=NOW, full=True))


SLACK = {
    "name": "slack", "type": "slack", "level": "info", "topics": ["failed_run"], "to": [],
    "urlFingerprint": "0ff1ce", "secretFingerprint": None,
}  # fmt: skip
MAIL = {**SLACK, "name": "mail", "type": "email", "to": ["a@example.com"], "urlFingerprint": None}


def channels() -> Plan:
    """A plan of channels alone, of every action that they have."""
    changes = (
        Change(action="delete", kind="channel", key="mail", name="mail", before=MAIL),
        Change(
            action="update", kind="channel", key="slack", name="slack", path="interact-gitops.yaml", line=3,
            fields=(
                FieldChange(field="topics", before=["failed_run"], after=["anomaly", "failed_run"]),
                FieldChange(field="urlFingerprint", before="0ff1ce", after="c0ffee"),
                FieldChange(field="secretFingerprint", before=None, after="c0ffee"),
            ),
        ),
        Change(action="adopt", kind="channel", key="teams", name="teams",
               fields=(FieldChange(field="urlFingerprint", before="0ff1ce", after=None),)),
        Change(action="create", kind="channel", key="new", name="new", after=SLACK, notes=("no ${URL}",)),
        Change(action="refused", kind="channel", key="theirs", name="theirs", reason="it is managed by 'x'"),
    )  # fmt: skip
    return Plan(target="t", managed_by="m", changes=changes, unchanged=1, managed=0, unmanaged=0, definitions=0,
                prune=True, notes=("channel other: url is not compared: ${URL} is not set",))  # fmt: skip


def test_channels_are_named_as_such_and_their_secrets_are_not_shown() -> None:
    assert (
        text_of(render_plan(channels(), now=NOW))
        == """\
 - channel mail    (no file)
 ~ channel slack   interact-gitops.yaml:3
<= channel teams   (no file)
 + channel new     (no file)
 ! channel theirs  (no file)

 - delete channel mail
      email channel · level info · failed_run · a@example.com

 ~ update channel slack
      topics: ["failed_run"] → ["anomaly", "failed_run"]
      url: changed (never shown)
      secret: set (never shown)

<= adopt channel teams
      url: removed (never shown)

 + create channel new
      slack channel · level info · failed_run
      note: no ${URL}

 ! refused channel theirs
      it is managed by 'x'

Plan: 1 to create, 1 to update, 1 to delete, 1 to adopt, 1 refused, 1 unchanged.
note: channel other: url is not compared: ${URL} is not set"""
    )
    full = text_of(render_plan(channels(), now=NOW, full=True))
    assert '      type: slack\n      level: info\n      topics: ["failed_run"]\n      url: set (never shown)\n' in full
    shown = full + render_markdown(channels(), now=NOW, full=True)
    assert not [secret for secret in ("0ff1ce", "c0ffee", "Fingerprint") if secret in shown]
    done = Applied(plan=channels(), outcomes=(Outcome(change=channels().changes[3], result="done"),))
    assert "created channel new" in plain(render_applied(done))


def test_channels_alike_are_put_together() -> None:
    made = channels()
    twin = replace(made.changes[3], key="newer", name="newer")
    rows = text_of(render_plan(replace(made, changes=(made.changes[3], twin)), now=NOW))
    assert " + create 2 channels: new, newer\n      slack channel" in rows


def test_the_order_of_files_changes_no_byte() -> None:
    here, made = everything()
    again = everything()[1]
    mixed = plan(here[::-1], [], adopt=frozenset({"taken-over"}))
    straight = plan(here, [], adopt=frozenset({"taken-over"}))
    for one, other in ((made, again), (mixed, straight)):
        assert render_plan(one, now=NOW, full=True) == render_plan(other, now=NOW, full=True)
        assert render_markdown(one, now=NOW) == render_markdown(other, now=NOW)
    later = NOW + timedelta(days=1)
    assert plan_to_json(made) == plan_to_json(again)  # which knows no clock
    assert render_plan(made, now=NOW) == render_plan(made, now=later)  # until Monday's run has passed
    assert render_plan(made, now=NOW) != render_plan(made, now=NOW + timedelta(days=7))
