"""Changes in place: the file says the new job, and what nobody changed is as it was."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt, Retries
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.variables import fill
from interact_gitops.jobs.wire import FIELDS
from interact_gitops.jobs.writing.changing import Wish, change_documents, entangled_fields
from interact_gitops.jobs.writing.declaring import left_over, new_document, normal, whole_document
from interact_gitops.jobs.writing.parts import Text
from interact_gitops.jobs.writing.rendering import new_file
from interact_gitops.schedule import Schedule

from .conftest import JOBS, read, wire
from .layouts import Writer

SMALL = Job(key="job", name="x", agent="x", prompts=(Prompt(text="x"),), parameters={}, labels={})
CHANCE = st.integers(0, 2**64).map(Random)


def changed(
    text: str, job: Job, *, number: int = 0, defaults=None, variables=None, whole=False, fields=tuple(FIELDS)
) -> str:
    value = read_documents("a", text.encode())[0][number].value
    wish = Wish(number=number, value=value, job=job, fields=fields, defaults=defaults or {}, whole=whole)
    return change_documents(text, [wish], variables=variables or {}).text


@given(JOBS, JOBS, JOBS, CHANCE, st.booleans())
def test_any_file_can_be_made_to_say_any_job(before: Job, after: Job, other: Job, chance: Random, whole: bool) -> None:
    writer = Writer(chance, shuffle=chance.random() < 0.3)
    text = writer.file(new_document(before, {}), new_document(other, {}))
    before, other = read(text), read(text, number=1)  # blank lines may have become part of a text
    made = changed(text, after, whole=whole)
    if not whole and wire(read(made)) != wire(after) and "|+" in made:  # a blank line became part of a text
        whole, made = True, changed(text, after, whole=True)
    assert wire(read(made)) == wire(after)
    assert wire(read(made, number=1)) == wire(other)
    kept = {comment for comment in Text(text).comments() if comment.startswith("# own")}
    assert kept <= set(Text(made).comments())
    if not whole:
        assert changed(text, before) == text
        assert changed(made, after) == made


@given(JOBS, JOBS, JOBS, CHANCE)
def test_what_the_folder_gives_is_not_written(before: Job, after: Job, folder: Job, chance: Random) -> None:
    defaults = {name: part for name, part in new_document(folder, {}).items() if name != "key"}
    given = normal(fill(defaults, {}, []))
    text = Writer(chance).file(new_document(before, given))
    made = changed(text, after, defaults=given)
    left = {str(place[0]) for place in left_over(whole_document(after), given)}
    assert said(read(made, defaults), without=left) == said(after, without=left)
    assert changed(made, after, defaults=given) == made
    new = new_file(new_document(after, given))
    assert said(read(new, defaults), without=left) == said(after, without=left)
    for name, value in new_document(after, given).items():
        assert {name: value} != {name: defaults.get(name)} or name in {"schedule", "fan_out", "retries"}


def said(job: Job, *, without: set[str]) -> str:
    return wire(replace(job, **{name: getattr(SMALL, name) for name in without}))


HEAD = "key: job\nname: x\nagent: x\nprompt: x\n"


@pytest.mark.parametrize(
    ("before", "fields", "after"),
    [
        pytest.param("owner: a # why\n", {"owner": "b"}, "owner: b # why\n", id="the comment behind stays"),
        pytest.param("owner: 'a'\n", {"owner": "b"}, 'owner: "b"\n', id="a quoted text stays quoted"),
        pytest.param("owner:    a\n", {"owner": "b"}, "owner:    b\n", id="columns lined up stay"),
        pytest.param("owner: # c\n  a\n", {"owner": "b"}, "owner: b # c\n", id="a text on the next row"),
        pytest.param("# above\nowner: a # b\n# below\n", {"owner": None}, "# above\n# below\n", id="taken out"),
        pytest.param(
            "description: |  # c\n  a\n  b\n", {"description": "c"}, "description: c  # c\n", id="a block no more"
        ),
        pytest.param(
            "description: a  # c\n  # inside\n",
            {"description": "a\nb"},
            "description: |-  # c\n  a\n  b\n# inside\n",
            id="no comment gets into a text",
        ),
        pytest.param(
            "description: a\n\n\ntimeout: 5m\n",
            {"description": "a\n\n", "timeout": 300},
            "description: |+\n  a\n\ntimeout: 5m\n",
            id="no blank row gets into a text",
        ),
        pytest.param(
            "timeout: 5m\n\ngrace: 5m\n",
            {"timeout": 300, "grace": 300, "description": "a\n\n"},
            "timeout: 5m\n\ngrace: 5m\n",
            id="nothing but the fields asked for",
        ),
        pytest.param(
            "schedule: a # c\n",
            {"schedule": Schedule(cron="b", jitter=60)},
            'schedule: # c\n  cron: "b"\n  jitter: 1m\n',
            id="a text becomes a map",
        ),
        pytest.param(
            "schedule: # c\n  # own\n  cron: a # tail\n  jitter: 1m\n",
            {"schedule": None},
            "  # own\n"[2:],
            id="a map goes",
        ),
        pytest.param(
            "schedule: {cron: a, jitter: 1m, catch_up: all}\n",
            {"schedule": Schedule(cron="a", timezone="Europe/Berlin")},
            "schedule: {cron: a, timezone: Europe/Berlin}\n",
            id="in brackets",
        ),
        pytest.param(
            "schedule:\n  jitter: 1m\n  cron: a\n",
            {"schedule": Schedule(cron="a", catch_up="all")},
            "schedule:\n  cron: a\n  catch_up: all\n",
            id="the first goes",
        ),
        pytest.param(
            "retries:\n  backoff: 1m # b\n  max_attempts: 2 # m\n",
            {"retries": Retries(max_attempts=3, backoff=60)},
            "retries:\n  backoff: 1m # b\n  max_attempts: 3 # m\n",
            id="one of a map",
        ),
        pytest.param("retries: {backoff: 1m}\n", {"retries": None}, "", id="brackets go"),
        pytest.param(
            "labels: {a: b} # c\n",
            {"labels": {"c": "d"}},
            "labels: {c: d} # c\n",
            id="all that a map has goes",
        ),
        pytest.param(
            "labels: {'a':b, c: , d: 'e'}\n",
            {"labels": {"a": "x", "d": "f", "e": "z"}},
            "labels: {'a': x, d: f, e: z}\n",
            id="values close by",
        ),
        pytest.param(
            "labels: {d: e}\n", {"labels": {"d": "a, b"}}, 'labels: {d: "a, b"}\n', id="what brackets do not hold"
        ),
        pytest.param(
            "labels: {\n  a: b,\n  # own\n  c: d\n}\n",
            {"labels": {"a": "b"}},
            "labels: {\n  a: b\n  # own\n\n}\n",
            id="comments in brackets stay",
        ),
        pytest.param(
            "labels:\n  a: b\n  # own\n  c: d # tail\n",
            {"labels": {"a": "b"}},
            "labels:\n  a: b\n  # own\n",
            id="comments in blocks stay",
        ),
        pytest.param("labels:\n", {"labels": {"a": "b"}}, "labels: {a: b}\n", id="an empty value"),
        pytest.param(
            "notifications: [{channel: a}, {channel: b, topics: [anomaly]}]\n",
            {"notifications": (Notification(channel="b", topics=("anomaly",)), Notification(channel="a"))},
            "notifications: [{channel: a}, {channel: b, topics: [anomaly]}]\n",
            id="another order is no difference",
        ),
        pytest.param(
            "notifications:\n  - channel: a # a\n  - channel: b # b\n",
            {"notifications": (Notification(channel="c"), Notification(channel="b"))},
            "notifications:\n  - channel: b # b\n  - channel: c\n",
            id="one of a list",
        ),
        pytest.param(
            "notifications:\n  - channel: a\n    topics:\n    - anomaly # t\n    - failed_run\n",
            {"notifications": (Notification(channel="a", topics=("anomaly",)),)},
            "notifications:\n  - channel: a\n    topics:\n    - anomaly # t\n",
            id="a list in a map in a list",
        ),
        pytest.param(
            "notifications:\n  - channel: a\n",
            {"notifications": ()},
            "",
            id="a list goes",
        ),
        pytest.param(
            "parameters:\n  a: {type: string}\n  # of b\n  b:\n    type: integer # t\n    default: 1\n",
            {"parameters": {"b": {"type": "integer", "default": 2, "title": "B"}, "c": {"type": "string"}}},
            "parameters:\n  # of b\n  b:\n    type: integer # t\n    default: 2\n    title: B\n  c: {type: string}\n",
            id="parameters",
        ),
        pytest.param(
            "fan_out:\n  matrix:\n    a: [1, 2, 3, 4]\n    b: [x]\n  max_parallel: 4\n",
            {"fan_out": FanOut(matrix={"a": (0, 1, 3, 5), "b": ("x",)})},
            "fan_out:\n  matrix:\n    a: [0, 1, 3, 5]\n    b: [x]\n",
            id="lists in brackets",
        ),
        pytest.param(
            "fan_out:\n  combinations:\n    - {a: 1} # one\n    # two\n    - {a: 2}\n    - {a: 3} # three\n",
            {"fan_out": FanOut(combinations=({"a": 1}, {"a": 3}, {"a": 4}))},
            "fan_out:\n  combinations:\n    - {a: 1} # one\n    # two\n    - {a: 3} # three\n    - {a: 4}\n",
            id="lists in blocks",
        ),
        pytest.param(
            "fan_out:\n  combinations:\n    - a: 1 # tail\n      # own\n      b: 2\n    - a: 2\n",
            {"fan_out": FanOut(combinations=({"b": 2}, {"a": 2}))},
            "fan_out:\n  combinations:\n    - b: 2\n      # own\n    - a: 2\n",
            id="the first behind a dash",
        ),
        pytest.param(
            "fan_out:\n  combinations:\n    - b: 2\n",
            {"fan_out": FanOut(combinations=({"b": 2, "a": 1}, {"c": 1}))},
            "fan_out:\n  combinations:\n    - b: 2\n      a: 1\n    - {c: 1}\n",
            id="more of everything",
        ),
        pytest.param(
            "fan_out:\n  combinations:\n    -  {a: 1}\n",
            {"fan_out": FanOut(combinations=({"a": "x\ny"},))},
            'fan_out:\n  combinations:\n    -  {a: "x\\ny"}\n',
            id="a text of two lines in brackets",
        ),
        pytest.param(
            "owner: &o a\ndescription: *o\n", {"description": "b"}, "owner: &o a\ndescription: b\n", id="an alias"
        ),
        pytest.param(
            "labels: &l # c\n  a: b\n",
            {"labels": {}},
            "",
            id="an anchored map goes",
        ),
        pytest.param(
            "parameters:\n  a: &p {type: string}\n  b:\n    <<: *p\n    default: x\n",
            {"parameters": {"a": {"type": "string"}, "b": {"type": "integer", "default": "x"}}},
            "parameters:\n  a: &p {type: string}\n  b:\n    <<: *p\n    default: x\n    type: integer\n",
            id="over a merge",
        ),
    ],
)
def test_one_change(before: str, fields: dict[str, Any], after: str) -> None:
    text = HEAD + before
    assert (
        changed(text, replace(SMALL, **fields), fields=tuple(name for name in fields if f"{name}:" in before))
        == HEAD + after
    )


@pytest.mark.parametrize(
    ("before", "prompts", "after"),
    [
        ("prompt: a # c\n", [("b", None)], "prompt: b # c\n"),
        ("prompt: a # c\n", [("b", "q")], "prompts:\n  - text: b\n    query: q\n"),
        ("prompts: [a, b]\n", [("b", None)], "prompts: [b]\n"),
        ("prompts:\n  - a # c\n", [("a", "q")], "prompts:\n  - text: a # c\n    query: q\n"),
        ("prompts:\n  - text: a # c\n    query: q\n", [("a", None)], "prompts:\n  - text: a # c\n"),
        ("prompts:\n  - text: a\n    query: null\n", [("b", None)], "prompts:\n  - text: b\n"),
        (
            "prompts:\n  - a\n",
            [("x", None), ("a", None), ("c\nd", None)],
            "prompts:\n  - x\n  - a\n  - |-\n    c\n    d\n",
        ),
        ("", [("b", None)], "prompt: b\n"),
        ("", [("b", None), ("c", None)], "prompts:\n  - b\n  - c\n"),
    ],
)
def test_questions(before: str, prompts: list[tuple[str, str | None]], after: str) -> None:
    head = "key: job\nname: x\nagent: x\n"
    job = replace(SMALL, prompts=tuple(Prompt(text=text, query=query) for text, query in prompts))
    assert changed(head + before, job) == head + after


def test_a_question_that_the_folder_asks() -> None:
    given = {"prompts": [{"text": "b"}]}
    job = replace(SMALL, prompts=(Prompt(text="b"),))
    assert changed(HEAD, job, defaults=given) == HEAD.replace("prompt: x\n", "")
    assert changed(HEAD.replace("prompt: x\n", ""), job, defaults=given) == HEAD.replace("prompt: x\n", "")


def test_the_first_field_of_a_file() -> None:
    text = "description: a\nowner: b # c\nkey: job\nname: x\nagent: x\nprompt: x\n"
    assert changed(text, replace(SMALL, owner="b")) == text.removeprefix("description: a\n")
    assert changed("# top\n" + text, replace(SMALL, owner="b")) == "# top\n" + text.removeprefix("description: a\n")
    assert changed("name: x\nprompt: x\n", SMALL) == "key: job\nname: x\nagent: x\nprompt: x\n"
    assert changed("# top\nname: x\nprompt: x\n", SMALL) == "# top\nkey: job\nname: x\nagent: x\nprompt: x\n"
    assert changed("{name: x, prompt: x}\n", SMALL) == "{key: job, name: x, agent: x, prompt: x}\n"


def test_the_fields_that_hold_anchors() -> None:
    text = (
        "key: job\nprompt: &p x\ndescription: *p\nlabels: {a: &b c}\nowner: y\nparameters:\n  x: {<<: {type: string}}\n"
    )
    assert entangled_fields(text, 0) == {"prompts", "description", "labels"}


def test_variables_that_go_are_told() -> None:
    text = "key: job\nname: 'x ${var.a}'\nagent: x\nprompts: ['${var.a}', b]\nlabels: {a: '${var.a}', b: '$${x'}\n"
    value = read_documents("a", text.encode())[0][0].value
    job = replace(SMALL, name="y", prompts=(Prompt(text="b"),), labels={"a": "v"})
    wish = Wish(number=0, value=value, job=job, fields=tuple(FIELDS), defaults={})
    made = change_documents(text, [wish], variables={"a": "v"})
    assert made.text == "key: job\nname: \"y\"\nagent: x\nprompts: [b]\nlabels: {a: '${var.a}'}\n"
    assert made.filled == ((("name",), ("prompts", 0)),)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("labels: &l # c\n  a: b # t\n  # own\n", "labels: {z: x} # c\n  # own\n"),
        ("labels: &l\n  a: b\n", "labels: {z: x}\n"),
        ("labels: &l {a: b} # c\n", "labels: {z: x} # c\n"),
        ("labels:\n  {a: b} # c\n", "labels: {z: x}\n"),
        ("labels: {a: b,\n  # own\n  c: d} # c\n", "labels: {z: x} # c\n  # own\n"),
    ],
)
def test_a_field_written_anew(before: str, after: str) -> None:
    made = changed(HEAD + before, replace(SMALL, labels={"z": "x"}), fields=("labels",), whole=True)
    assert made == HEAD + after


def test_a_text_written_anew() -> None:
    text = HEAD + "description: &d |\n  a\n  b\n# below\n"
    made = changed(text, replace(SMALL, description="c\nd\n"), fields=("description",), whole=True)
    assert made == HEAD + "description: |\n  c\n  d\n# below\n"


def test_what_is_merged_in_and_the_folder_gives() -> None:
    text = HEAD + "labels:\n  <<: {tier: gold}\n  a: b\n"
    made = changed(text, replace(SMALL, labels={"tier": "silver", "a": "b"}), defaults={"labels": {"tier": "silver"}})
    assert made == HEAD + "labels:\n  <<: {tier: gold}\n  a: b\n  tier: silver\n"
    kept = changed(text, replace(SMALL, labels={"tier": "gold", "a": "c"}))
    assert kept == text.replace("a: b", "a: c")


def test_the_short_forms_of_a_folder() -> None:
    assert normal({"schedule": "@daily", "prompt": "x", "timeout": "90s", "agent_id": "a"}) == {
        "schedule": {"cron": "@daily"}, "prompts": [{"text": "x"}], "timeout": "1m30s", "agent_id": "a",
    }  # fmt: skip
    assert normal({"prompts": ["x", {"text": "y", "query": None}]}) == {"prompts": [{"text": "x"}, {"text": "y"}]}
    given = {"agent_id": "a", "labels": {"a": "b"}, "parameters": {"p": {"type": "string", "title": "T"}}}
    wanted = {"labels": {}, "parameters": {"p": {"type": "string"}}}
    assert list(left_over(wanted, given)) == [("labels", "a"), ("parameters", "p", "title")]


def test_blank_lines_that_would_become_part_of_a_text() -> None:
    text = HEAD + "labels:\n  a: b\nprotect: true\n\n# below\n"
    job = replace(SMALL, labels={"a": "b", "c": "x\n\n"})
    assert wire(read(changed(text, job))) != wire(job)
    made = changed(text, job, whole=True)
    assert wire(read(made)) == wire(job)
    assert 'c: "x\\n\\n"' in made
