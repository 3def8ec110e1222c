"""What import writes: files that load to what the target has, with everything else as it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Failure
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.model import Definition, FanOut, Notification, Prompt, Retries
from interact_gitops.jobs.selectors import select
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.planning.imported import Import, ImportedJob, Tree
from interact_gitops.planning.importing import plan_import
from interact_gitops.planning.rendering.importing import import_to_json, render_import
from interact_gitops.planning.rendering.styled import plain
from interact_gitops.schedule import Schedule

from ..jobs.writing.layouts import Writer
from .conftest import OURS, THEIRS, definition, plan, remote

TEXT = st.text("ab: #'\"\\\n-é$&*\t[]%@!|>?,", min_size=1, max_size=12) | st.sampled_from(
    ["${var.x}", "$${", "on", "12:30", "null", "---", "%TAG x", "\u202eRTL", "1.0", "x" * 200]
)
FIELDS = st.fixed_dictionaries(
    {
        "parameters": st.just({})
        | st.fixed_dictionaries({"a": st.fixed_dictionaries({"type": st.just("string"), "default": TEXT})})
    },
    optional={
        "name": TEXT,
        "description": st.none() | TEXT,
        "owner": st.none() | TEXT,
        "prompts": st.lists(st.builds(Prompt, text=TEXT, query=st.none() | st.just("q")), min_size=1, max_size=3).map(
            tuple
        ),
        "schedule": st.none()
        | st.builds(
            Schedule,
            cron=st.sampled_from(["0 8 * * 1", "@daily 08:00"]),
            timezone=st.sampled_from(["UTC", "Europe/Paris"]),
            jitter=st.sampled_from([0, 60]),
        ),
        "overlap": st.sampled_from(["skip", "allow"]),
        "timeout": st.sampled_from([60, 1800, 5400]),
        "retries": st.none() | st.builds(Retries, max_attempts=st.integers(2, 5)),
        "notifications": st.lists(
            st.builds(Notification, channel=st.sampled_from(["s", "m"]), on_recovery=st.booleans()), max_size=2
        ).map(tuple),
        "enabled": st.booleans(),
        "protect": st.booleans(),
        "labels": st.dictionaries(st.sampled_from("xy"), TEXT, max_size=2),
    },
)


@st.composite
def states(draw: st.DrawFn) -> list[Definition]:
    found = []
    for key in sorted(draw(st.sets(st.sampled_from("abcde"), max_size=4))):
        fields = draw(FIELDS)
        if fields["parameters"] and draw(st.booleans()):
            values = draw(st.lists(TEXT, min_size=1, max_size=3, unique=True))
            fields["fan_out"] = FanOut(matrix={"a": tuple(values)})
        found.append(definition(key, **fields))
    return found


def source(path: str, text: str | bytes) -> SourceFile:
    raw = text if isinstance(text, bytes) else text.encode()
    return SourceFile(path=PurePosixPath(path), shown=f"jobs.d/{path}", raw=raw)


def tree_of(files: Mapping[str, str | bytes], **variables: Any) -> Tree:
    sources = [source(path, text) for path, text in files.items()]
    definitions = load(sources, variables=variables).valid("jobs.d")
    return Tree(files=sources, definitions=definitions, variables=variables, shown="jobs.d")


def files_after(tree: Tree, made: Import) -> dict[str, bytes]:
    return {file.path.as_posix(): file.raw for file in tree.files} | {
        file.path.as_posix(): file.after for file in made.files
    }


def imported(tree: Tree, there: Iterable[RemoteJob], **options: Any) -> Import:
    return plan_import(tree, there, managed_by=OURS, **options)


def job_of(made: Import, key: str) -> ImportedJob:
    return next(job for job in made.jobs if job.key == key)


def text_of(made: Import) -> str:
    (file,) = made.files
    return file.after.decode()


@given(states(), states(), st.integers(0, 2**64).map(Random))
def test_importing_what_was_applied_gives_it_back(
    here: list[Definition], there: list[Definition], chance: Random
) -> None:
    writer = Writer(chance)
    texts = {f"{one.job.key}.yaml": writer.file(new_document(one.job, {})) for one in here[:2]}
    if here[2:]:
        texts["rest.yaml"] = writer.file(*(new_document(one.job, {}) for one in here[2:]))
    tree = tree_of(texts)
    jobs = [remote(one) for one in there]
    made = imported(tree, jobs)
    assert made.complete, made.jobs
    after = tree_of(files_after(tree, made))
    assert plan([one for one in after.definitions if one.job.key in {job.key for job in jobs}], jobs).changes == ()
    assert {one.job.key for one in made.missing} == {one.job.key for one in here} - {one.job.key for one in there}
    again = imported(after, jobs)
    assert again.files == ()
    assert again.count("unchanged") == len(jobs)


SMALL = "key: a\nname: A\nagent: analyst\nprompt: What?\n"


def test_a_new_job_gets_a_file_of_its_own() -> None:
    tree = replace(tree_of({}), modeline="../schema/job.schema.json")
    made = imported(tree, [remote(definition("weekly", name="Weekly: on", prompts=(Prompt(text="One\ntwo"),)))])
    assert [(file.shown, file.before) for file in made.files] == [("jobs.d/weekly.yaml", None)]
    assert text_of(made) == (
        "# yaml-language-server: $schema=../schema/job.schema.json\n"
        'key: weekly\nname: "Weekly: on"\nagent: analyst\nprompt: |-\n  One\n  two\n'
    )
    assert job_of(made, "weekly").action == "create"


def test_a_file_that_is_there_keeps_its_name() -> None:
    tree = tree_of({"Weekly.yml": SMALL, "weekly-2.yaml": SMALL.replace("key: a", "key: b")})
    made = imported(tree, [remote(definition("weekly")), remote(definition("con"))])
    assert [file.shown for file in made.files] == ["jobs.d/con-2.yaml", "jobs.d/weekly-3.yaml"]


def test_what_a_variable_makes_equal_stays() -> None:
    text = 'key: a\nname: "A${var.suffix}"\nagent: analyst\ndescription: for ${var.who} # why\nprompt: What?\n'
    tree = tree_of({"a.yaml": text}, suffix=" (staging)", who="us")
    there = definition("a", name="A (staging)", description="for them, $${who}", prompts=(Prompt(text="What?"),))
    made = imported(tree, [remote(there)])
    assert text_of(made) == text.replace("for ${var.who}", "for them, $$${who}")
    assert job_of(made, "a").notes == ("description: a variable gave way to the target's own value",)
    assert imported(tree_of(files_after(tree, made), suffix=" (staging)", who="us"), [remote(there)]).files == ()


def test_what_the_folder_gives_is_not_written_and_what_it_must_not_give_is() -> None:
    defaults = "schedule: {cron: '@daily 08:00', timezone: Europe/Paris}\nlabels: {tier: gold}\ntimeout: 10m\n"
    tree = tree_of({"_defaults.yaml": defaults, "a.yaml": SMALL + "labels: {team: x}\nretries: {max_attempts: 2}\n"})
    there = definition("a", schedule=None, timeout=1800, labels={"tier": "gold", "team": "z"})
    made = imported(tree, [remote(there)])
    assert text_of(made) == SMALL + "schedule: null\ntimeout: 30m\nlabels: {team: z}\n"
    assert made.complete


def test_what_no_file_can_say_is_told() -> None:
    tree = tree_of(
        {"_defaults.yaml": "labels: {tier: gold}\n", "a.yaml": SMALL, "b.yaml": SMALL.replace("key: a", "key: b")}
    )
    there = [
        remote(definition("a", name="A2", labels={"team": "x"})),
        remote(definition("b", name="A")),
        remote(definition("c")),
    ]
    made = imported(tree, there)
    assert [(job.key, job.action, job.unsaid) for job in made.jobs] == [
        ("a", "update", ("labels.tier",)), ("b", "unchanged", ("labels.tier",)), ("c", "create", ("labels.tier",)),
    ]  # fmt: skip
    assert not made.complete
    assert [file.shown for file in made.files] == ["jobs.d/a.yaml", "jobs.d/c.yaml"]
    shown = plain(render_import(made, written=False))
    assert "labels.tier comes from the folder's _defaults.yaml" in shown
    assert "plan goes on to show what no file can say" in shown


def test_anchors_that_are_in_the_way_are_written_out() -> None:
    text = (
        "key: a\nname: A\nagent: analyst\nprompt: '{{ days }} {{ weeks }}'\nowner: x # stays\n"
        "parameters:\n  # both\n  days: &span {type: integer, default: 7}\n  weeks:\n    <<: *span\n    default: 2\n"
    )
    tree = tree_of({"a.yaml": text})
    rules = {"days": {"type": "integer", "default": 9, "minimum": 1}, "weeks": {"type": "integer", "default": 2}}
    made = imported(
        tree,
        [
            remote(
                definition("a", name="A", prompts=(Prompt(text="{{ days }} {{ weeks }}"),), owner="x", parameters=rules)
            )
        ],
    )
    assert made.complete
    made_text = text_of(made)
    assert "owner: x # stays" in made_text
    assert "# both" in made_text
    assert "&span" not in made_text
    assert job_of(made, "a").fields == ("parameters",)


def test_an_alias_gives_way_to_a_value() -> None:
    text = "key: a\nname: &n A\nagent: analyst\nprompt: What?\ndescription: *n # as the name\n"
    tree = tree_of({"a.yaml": text})
    made = imported(tree, [remote(definition("a", name="A", description="Other"))])
    assert text_of(made) == text.replace("*n", "Other")
    made = imported(tree, [remote(definition("a", name="Other", description="A"))])
    assert (
        imported(tree_of(files_after(tree, made)), [remote(definition("a", name="Other", description="A"))]).files == ()
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"prompts": [{"text": "a\r\nb"}]}, "control character U+000D"),
        ({"name": "\x1b[31m"}, "control character U+001B"),
        ({"prompts": []}, "does not fit"),
        ({"key": "../../etc/passwd"}, "does not fit"),
        ({"name": "\ud800"}, "cannot be read"),
    ],
)
def test_a_job_that_no_file_can_hold_is_refused_and_the_others_are_not(body: dict[str, Any], said: str) -> None:
    made = imported(tree_of({}), [remote(definition("bad"), **body), remote(definition("good"))])
    assert [file.shown for file in made.files] == ["jobs.d/good.yaml"]
    (refused,) = [job for job in made.jobs if job.action == "refused"]
    assert said in (refused.reason or "")
    assert not made.complete
    assert "\n ! " in "\n" + plain(render_import(made, written=True))


def test_a_job_that_its_file_cannot_be_made_to_say_is_refused() -> None:
    tree = tree_of({"a.yaml": SMALL})
    made = imported(tree, [remote(definition("a", prompts=(Prompt(text="a\rb"),)))])
    assert made.files == ()
    assert job_of(made, "a").path == "jobs.d/a.yaml"
    assert job_of(made, "a").remedy == "change it in the file by hand"


def test_jobs_of_others_are_left_out() -> None:
    made = imported(tree_of({}), [remote(definition("a"), managed_by=THEIRS), remote(definition("b"), managed_by=None)])
    assert made.foreign == (("a", THEIRS),)
    assert [(job.key, job.ours) for job in made.jobs] == [("b", False)]
    shown = plain(render_import(made, written=True))
    assert "managed by 'other/jobs': left out" in shown
    assert "1 job is managed by nobody yet" in shown
    assert "managed by nobody" not in plain(render_import(made, written=True, adopting=True))
    assert "managed by nobody" not in plain(render_import(made, written=False))


def test_a_rename_that_is_not_applied_yet() -> None:
    tree = tree_of({"a.yaml": SMALL + "moved_from: [old]\n"})
    made = imported(tree, [remote(definition("old", name="New name"))])
    assert text_of(made) == SMALL.replace("name: A", "name: New name") + "moved_from: [old]\n"
    assert job_of(made, "a").notes == ("the target knows it as old: apply renames it",)
    assert made.missing == ()
    assert "     the target knows it as old: apply renames it" in plain(render_import(made, written=True)).splitlines()


def test_a_key_that_another_job_had_before() -> None:
    tree = tree_of({"a.yaml": SMALL + "moved_from: [old]\n"})
    with pytest.raises(Failure, match=r"(?s)would not be valid: .*moved_from names 'old'"):
        imported(tree, [remote(definition("a", name="A")), remote(definition("old"))])


def test_selectors_choose() -> None:
    tree = tree_of({"b.yaml": SMALL.replace("key: a", "key: b")})
    there = [remote(definition("a")), remote(definition("c", agent="other")), remote(definition("d"), prompts=3)]
    made = imported(tree, there, choose=lambda found: select(found, ["agent:other"]))
    assert [job.key for job in made.jobs] == ["c"]
    assert made.missing == ()
    made = imported(tree, there, choose=lambda found: select(found, ["path:jobs.d/a.yaml"]))
    assert [job.key for job in made.jobs] == ["a"]
    made = imported(tree, [remote(definition("b", name="B2"))], choose=lambda found: select(found, ["b"]))
    assert [job.action for job in made.jobs] == ["update"]
    assert [one.job.key for one in imported(tree, there).missing] == ["b"]


def test_what_people_may_edit_there_stays_as_it_is_here() -> None:
    tree = tree_of({"a.yaml": SMALL + "ignore_changes: [prompts]\n"})
    there = definition("a", name="A", prompts=(Prompt(text="Theirs"),), ignore_changes=("prompts",))
    assert imported(tree, [remote(there)]).files == ()


def test_what_nobody_knows_of_is_told() -> None:
    made = imported(tree_of({}), [remote(definition("a"), colour="\x1b[31mred")])
    assert job_of(made, "a").notes == ("the target also tells 'colour', for which a definition has no field",)


@pytest.mark.parametrize(("start", "end"), [(b"", b"\n"), (b"\xef\xbb\xbf", b"\r\n")])
def test_line_ends_and_byte_order_marks_stay(start: bytes, end: bytes) -> None:
    raw = start + SMALL.encode().replace(b"\n", end)
    made = imported(tree_of({"a.yaml": raw}), [remote(definition("a", name="B", owner="x"))])
    after = start + SMALL.replace("A\n", "B\n").replace("analyst\n", "analyst\nowner: x\n").encode().replace(b"\n", end)
    assert made.files[0].after == after


def test_several_jobs_of_one_file() -> None:
    second, third = (SMALL.replace("key: a", f"key: {key}") for key in "bc")
    text = f"# one\n{SMALL}---\n# two\n{second}timeout: 10m # short\n---\n{third}"
    tree = tree_of({"all.yaml": text})
    there = [
        remote(definition(key, name=name, timeout=600 if key == "b" else 1800))
        for key, name in (("a", "A1"), ("b", "B1"), ("c", "A"))
    ]
    made = imported(tree, there)
    assert text_of(made) == text.replace("name: A", "name: A1", 1)[: text.index("# two") + 1] + text[
        text.index("# two") :
    ].replace("name: A", "name: B1", 1)
    assert [(job.key, job.line) for job in made.jobs] == [("a", 2), ("b", 8), ("c", 14)]


def test_the_counts_and_the_document() -> None:
    tree = tree_of({"a.yaml": SMALL})
    made = imported(tree, [remote(definition("b"))])
    rows = plain(render_import(made, written=False)).splitlines()
    assert rows[0] == " + b  jobs.d/b.yaml"
    assert rows[1] == " ? a  jobs.d/a.yaml:1  the target has no such job; nothing is deleted here"
    assert rows[2] == "Import: 1 new, 0 changed, 0 unchanged, 1 not on the target; 1 file to write."
    assert rows[3].startswith("Nothing was written: pass --write.")
    assert len(render_import(made, written=True, quiet=True)) == 2
    document = import_to_json(made, written=False)
    assert document["files"][0]["text"].startswith("key: b\n")
    assert document["missing"] == [{"key": "a", "path": "jobs.d/a.yaml", "line": 1}]


def test_what_does_not_do_in_place_is_written_anew() -> None:
    tree = tree_of({"a.yaml": SMALL + "labels:\n  a: b\nprotect: true\n\n# below\n"})
    made = imported(tree, [remote(definition("a", name="A", labels={"a": "b", "c": "x\n\n"}))])
    assert text_of(made) == SMALL + 'labels:\n  a: b\n  c: "x\\n\\n"\n\n# below\n'
    assert made.complete
