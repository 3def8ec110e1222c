"""What counts as changed on the target since the last apply, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from interact_gitops.errors import SelectionInvalid
from interact_gitops.interact.errors import UnexpectedAnswer
from interact_gitops.interact.records import RemoteJob, read_job
from interact_gitops.jobs.model import Definition, Notification, Prompt
from interact_gitops.jobs.wire import definition_hash
from interact_gitops.planning.drift import Drift, Drifted, find_drift
from interact_gitops.planning.rendering.drift import drift_to_json, drift_to_markdown, render_drift
from interact_gitops.planning.rendering.styled import plain

from .conftest import OURS, THEIRS, applied, definition, plan, remote

NOON = "2026-11-23T12:00:00Z"


def drift(
    there: Iterable[RemoteJob],
    definitions: Iterable[Definition] | None = None,
    stones: Iterable[RemoteJob] = (),
    **options: Any,
) -> Drift:
    git = None if definitions is None else list(definitions)
    return find_drift(there, stones, managed_by=OURS, target="t", definitions=git, **options)


def edited(of: Definition, **changes: Any) -> RemoteJob:
    """A job that apply wrote and somebody edited."""
    return remote(of, updatedAt=NOON, **changes)


def stone(key: str, *, hash_: str | None = "0" * 64, at: str | None = NOON, managed_by: str | None = OURS) -> RemoteJob:
    return read_job(
        {"id": f"job_{key.encode().hex()}_{at}", "key": key, "name": key.title(), "agent": {"id": "agt_1"},
         "managedBy": managed_by, "appliedHash": hash_, "deletedAt": at}
    )  # fmt: skip


def told(found: Drift) -> list[tuple[str, str]]:
    return [(one.what, one.key) for one in found.drifted]


def test_what_apply_wrote_is_no_drift() -> None:
    git = [definition("a"), definition("b", ignore_changes=("labels",), notifications=(Notification(channel="x"),))]
    there = applied(plan(git), [])
    for definitions in (git, None):
        found = drift(there, definitions)
        assert told(found) == []
        assert (found.as_applied, found.converged, found.foreign) == (2, (), 0)


def test_an_edit_there_counts_with_its_fields() -> None:
    found = drift([edited(definition("a"), name="Other", labels={"x": "y"})], [definition("a", line=4)])
    (one,) = found.drifted
    assert (one.what, one.key, one.name, one.path, one.line, one.commit) == (
        "changed", "a", "Other", "jobs.d/a.yaml", 4, "c0ffee",
    )  # fmt: skip
    assert str(one.at) == "2026-11-23 12:00:00+00:00"
    assert [(f.field, f.before, f.after) for f in one.fields or ()] == [
        ("name", "A", "Other"), ("labels", {}, {"x": "y"}),
    ]  # fmt: skip
    assert found.as_applied == 0


def test_the_targets_word_for_the_hash_counts_for_nothing() -> None:
    job = remote(definition("a"))
    liar = edited(definition("a"), name="Other", definitionHash=job.applied_hash)
    assert told(drift([liar])) == [("changed", "a")]
    assert told(drift([remote(definition("a"), definitionHash="f" * 64)])) == []


def test_changes_in_git_are_no_drift() -> None:
    assert told(drift([remote(definition("a"))], [definition("a", name="New"), definition("b")])) == []
    found = drift([edited(definition("a"), name="Other")], [definition("a", name="New")])
    (one,) = found.drifted
    assert one.fields is None
    assert one.path == "jobs.d/a.yaml"
    assert "cannot be told" in plain(render_drift(found))


def test_fields_left_to_people_do_not_count() -> None:
    git = definition("a", ignore_changes=("prompts", "labels"))
    there = edited(git, prompts=[{"text": "Mine", "query": None}], labels={"x": "y"})
    assert told(drift([there], [git])) == []
    assert told(drift([there])) == []
    found = drift([edited(git, prompts=[{"text": "Mine", "query": None}], owner="me")], [git])
    assert [f.field for f in found.drifted[0].fields or ()] == ["owner"]


def test_leaving_more_to_people_there_is_a_change_itself() -> None:
    found = drift([edited(definition("a"), ignoreChanges=["name"], name="Other")], [definition("a")])
    assert [f.field for f in found.drifted[0].fields or ()] == ["name", "ignoreChanges"]


def test_the_order_of_lists_that_have_none_is_no_drift() -> None:
    git = definition("a", notifications=(Notification(channel="x"), Notification(channel="y", topics=("a", "b"))))
    turned = [{"channel": "y", "topics": ["b", "a"]}, {"channel": "x", "topics": ["anomaly", "failed_run"]}]
    assert told(drift([edited(git, notifications=turned)], [git])) == []


def test_a_thin_server_that_leaves_defaults_out_makes_no_drift() -> None:
    raw = dict(remote(definition("a")).raw)
    for name in ("labels", "timeoutSeconds", "fanOut", "ignoreChanges"):
        del raw[name]
    assert told(drift([read_job(raw)], [definition("a")])) == []
    assert drift([read_job(raw)], [definition("a")]).as_applied == 1
    assert told(drift([read_job(raw)])) == []


def test_another_key_there_is_found_by_what_was_applied() -> None:
    (one,) = drift([edited(definition("a"), key="z")], [definition("a")]).drifted
    assert (one.key, one.path) == ("z", "jobs.d/a.yaml")
    assert [(f.field, f.before, f.after) for f in one.fields or ()] == [("key", "a", "z")]


def test_what_git_says_too_by_now_does_not_count() -> None:
    there = edited(definition("a"), name="Other")
    found = drift([there], [definition("a", name="Other")])
    assert told(found) == []
    assert (found.converged, found.as_applied) == (("a",), 0)
    assert "1 job changed there into what git says too, not counted: a" in plain(render_drift(found))


def test_our_mark_on_what_apply_never_wrote() -> None:
    copy = remote(definition("a"), appliedHash=None, sourcePath=None, commit=None)
    found = drift([copy], [])
    (one,) = found.drifted
    assert (one.what, one.path, one.commit, one.at, one.fields) == ("unapplied", None, None, None, None)
    assert "no apply wrote it; changed last: at an unknown time" in plain(render_drift(found))
    assert told(drift([copy], [definition("a")])) == []


def test_jobs_of_others_and_of_nobody_do_not_count() -> None:
    there = [
        edited(definition("b"), managed_by=None, name="X"),
        edited(definition("a"), managed_by=THEIRS, name="X", prompts=7),
    ]
    found = drift(there)
    assert told(found) == []
    assert ([one.key for one in found.unmanaged], found.foreign, found.as_applied) == (["b"], 1, 0)
    shown = plain(render_drift(found))
    assert "1 job there that nobody manages, not counted: b" in shown
    assert "1 job of other owners" in shown
    assert "No job on the target is managed from here." in shown


def test_a_job_of_ours_that_cannot_be_read_is_said() -> None:
    with pytest.raises(UnexpectedAnswer, match="the job a on the target"):
        drift([edited(definition("a"), prompts=7)])


def test_deleted_there() -> None:
    found = drift([], [definition("a", line=9)], [stone("a")])
    (one,) = found.drifted
    assert (one.what, one.path, one.line, one.fields) == ("deleted", "jobs.d/a.yaml", 9, None)
    assert "deleted there: Mon 2026-11-23 12:00 UTC" in plain(render_drift(found))


@pytest.mark.parametrize(
    ("there", "git", "stones"),
    [
        pytest.param([], ["a"], [stone("a", hash_=None)], id="apply deleted it, and git has it again"),
        pytest.param([], [], [stone("a")], id="git no longer has it"),
        pytest.param([], ["a"], [stone("a", managed_by=THEIRS), stone("a", managed_by=None)], id="another's"),
        pytest.param([remote(definition("a"))], ["a"], [stone("a")], id="it is there again"),
        pytest.param(
            [], ["a"], [stone("a"), stone("a", hash_=None, at="2026-11-24T00:00:00Z")], id="apply deleted it last"
        ),
        pytest.param([], ["a"], [stone("a", hash_=None), stone("a", at=None)], id="what has no time is older"),
    ],
)
def test_deletions_that_are_no_drift(there: list[RemoteJob], git: list[str], stones: list[RemoteJob]) -> None:
    assert told(drift(there, [definition(key) for key in git], stones)) == []
    assert told(drift(there, [definition(key) for key in git], stones[::-1])) == []


def test_a_job_deleted_there_and_renamed_in_git() -> None:
    renamed = definition("b", moved_from=("a",))
    assert told(drift([], [renamed], [stone("a")])) == [("deleted", "a")]
    assert told(drift([remote(renamed)], [renamed], [stone("a")])) == []


def test_without_a_whole_tree_every_deletion_counts() -> None:
    assert told(drift([], None, [stone("a")])) == [("deleted", "a")]
    part = drift([], [definition("b")], [stone("a")], whole=False)
    assert told(part) == [("deleted", "a")]
    assert part.drifted[0].path is None
    assert not part.definitions_known
    assert told(drift([], [], [stone("a")])) == []


def test_selecting_keys() -> None:
    there = [
        edited(definition("a"), name="X"), edited(definition("b"), name="X"), remote(definition("n"), managed_by=None)
    ]  # fmt: skip
    stones = [stone("c")]
    assert told(drift(there, stones=stones)) == [("deleted", "c"), ("changed", "a"), ("changed", "b")]
    assert told(drift(there, stones=stones, select=["a,c"])) == [("deleted", "c"), ("changed", "a")]
    only = drift(there, stones=stones, select=["!a", "!n"])
    assert told(only) == [("deleted", "c"), ("changed", "b")]
    assert only.unmanaged == ()
    assert told(drift(there, [definition("d")], select=["d"])) == []
    with pytest.raises(SelectionInvalid, match="no job matches 'x'"):
        drift(there, select=["x"])
    with pytest.raises(SelectionInvalid, match="by key, not by label"):
        drift(there, select=["label:team=x"])


def test_shown_in_one_order_with_counts() -> None:
    there = [edited(definition(key), name="X") for key in "cab"] + [remote(definition("u"), appliedHash=None)]
    found = drift(there, stones=[stone("z")])
    lines = plain(render_drift(found))
    assert [row.split()[2] for row in lines.splitlines() if re.match(r" [-~?] ", row)] == ["z", "a", "b", "c", "u"]
    assert "Drift: 1 deleted, 3 changed, 1 unapplied since the last apply; 0 as applied." in lines
    assert plain(render_drift(found, quiet=True)) == (
        "Drift: 1 deleted, 3 changed, 1 unapplied since the last apply; 0 as applied."
    )
    assert drift_to_json(found) == drift_to_json(drift(there[::-1], stones=[stone("z")]))
    assert "No drift. 1 job on the target as applied." in plain(render_drift(drift([remote(definition("a"))])))


def test_many_keys_that_do_not_count_are_cut() -> None:
    there = [remote(definition(f"n{number:02}"), managed_by=None) for number in range(23)]
    shown = plain(render_drift(drift(there)))
    assert "23 jobs there that nobody manages" in shown
    assert shown.endswith("n19 and 3 more")


def test_json_has_instants_and_fields() -> None:
    document = drift_to_json(drift([edited(definition("a"), name="X")], [definition("a")], [stone("b")]))
    assert document["drifted"] == [
        {"what": "changed", "kind": "job", "key": "a", "name": "X", "id": "job_a", "at": NOON, "commit": "c0ffee",
         "path": "jobs.d/a.yaml", "line": 1, "fields": [{"field": "name", "before": "A", "after": "X"}]}
    ]  # fmt: skip
    assert drift_to_json(drift([remote(definition("a"), appliedHash=None)]))["drifted"][0]["at"] is None


HOSTILE = "`|``` </details> @team #1 <!-- [x](http://evil.example) \x1b[31m\n| a |\n````\n</summary>"


def test_markdown_lets_nothing_out() -> None:
    there = edited(definition("a"), prompts=[{"text": HOSTILE, "query": None}], owner=HOSTILE, sourcePath=HOSTILE)
    nobody = remote(definition("n"), managed_by=None, key=HOSTILE)
    found = drift([there, nobody], None, [stone(HOSTILE)])
    in_git = drift([there], [definition("a")])
    text = drift_to_markdown(replace(found, drifted=(*found.drifted, *in_git.drifted)))
    assert "\x1b" not in text
    fences = list(re.finditer(r"^(`{3,})diff$(.*?)^\1$", text, re.MULTILINE | re.DOTALL))
    assert len(fences) == 2
    assert all("@team" in one.group(2) for one in fences)
    outside = re.sub(r"^(`{3,})diff$(.*?)^\1$", "FENCE", text, flags=re.MULTILINE | re.DOTALL)
    bare = re.sub(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", "CODE", outside)
    assert not re.search(r"@team|#1|http|evil", bare)
    assert bare.count("<!--") == bare.count("</details>") == bare.count("</summary>") == 1
    assert "there that nobody manages, not counted: CODE" in bare


def test_markdown_of_much_fits_an_issue() -> None:
    whole = [definition(f"job-{n:04}") for n in range(2_000)]
    there = [edited(one, labels={"a": "😀" * 200}) for one in whole]
    text = drift_to_markdown(drift([*there, *(remote(one, managed_by=None) for one in whole)], whole))
    assert 30_000 < len(text.encode("utf-16-le")) // 2 < 65_536
    assert text.count("more lines: run `interact-gitops drift`") == 2
    assert text.count("```") == 4


def test_markdown_is_found_again() -> None:
    nothing = drift_to_markdown(drift([]))
    mark, said = nothing.splitlines()
    assert said == "### No drift. No job on the target is managed from here."
    assert re.fullmatch(r"<!-- interact-gitops:drift [0-9a-f]{16} -->", mark)
    assert drift_to_markdown(drift([edited(definition("a"), name="X")])).splitlines()[0] == mark
    assert drift_to_markdown(replace(drift([]), target="another")).splitlines()[0] != mark


def test_there_is_room_for_other_kinds() -> None:
    channel = Drifted(what="changed", kind="channel", key="team-slack", name="team-slack", remote_id="c1", fields=())
    found = replace(drift([]), drifted=(channel,))
    assert " ~ changed channel team-slack" in plain(render_drift(found))
    assert "\n~ changed channel team-slack" in drift_to_markdown(found)


def test_the_hash_of_a_definition_is_over_what_it_declares() -> None:
    wire = remote(definition("a", ignore_changes=("prompts", "agent"))).raw
    base = definition_hash(wire)
    assert definition_hash({**wire, "prompts": [], "agent": {"slug": "other"}}) == base
    assert definition_hash({**wire, "ignoreChanges": ["agent", "prompts"]}) == base
    assert definition_hash({**wire, "ignoreChanges": ["agent"]}) != base
    assert definition_hash({**wire, "ignoreChanges": ["prompts", "agent", "no such field"]}) != base
    assert definition_hash({**wire, "key": "b"}) != base
    assert definition_hash(remote(definition("a", prompts=(Prompt(text="?"),))).raw) != base
