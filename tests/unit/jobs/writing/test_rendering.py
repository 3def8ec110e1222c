"""A job as a new file: it says the job and nothing more, to us and to other readers of YAML."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from hypothesis import given

from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.formatting import format_file
from interact_gitops.jobs.writing.rendering import new_file
from interact_gitops.schedule import Schedule

from .conftest import JOBS, read, wire


@given(JOBS)
def test_a_new_file_says_its_job(job: Job) -> None:
    text = new_file(new_document(job, {}), modeline="../schema/job.schema.json")
    assert wire(read(text)) == wire(job)
    assert format_file("a", text.encode()).raw.decode() == text


def test_the_layout_of_a_new_file() -> None:
    job = Job(
        key="weekly", name="Weekly: on", agent="analyst", description="x" * 150,
        prompts=(Prompt(text="Which?"), Prompt(text="One\ntwo", query="q")),
        parameters={
            "a": {"type": "string", "enum": ["x" * 30, "y" * 30, "z" * 30], "default": "x" * 30},
            "b": {"type": "string", "description": "of\ntwo"},
        },
        fan_out=FanOut(combinations=({"a": "1"}, {"a": "x" * 150, "b": 2.0})),
        schedule=Schedule(cron="@daily 08:00", not_before=date(2026, 1, 31)),
        notifications=(Notification(channel="c"), Notification(channel="d", topics=("anomaly",))),
        labels={"on": "${x}"}, ignore_changes=("prompts",),
    )  # fmt: skip
    assert new_file(new_document(job, {}), modeline="../schema/job.schema.json").splitlines() == [
        "# yaml-language-server: $schema=../schema/job.schema.json",
        "key: weekly",
        'name: "Weekly: on"',
        "agent: analyst",
        "description: |-",
        "  " + "x" * 150,
        "prompts:",
        "  - Which?",
        "  - text: |-",
        "      One",
        "      two",
        "    query: q",
        "parameters:",
        "  a:",
        "    type: string",
        f"    enum: [{'x' * 30}, {'y' * 30}, {'z' * 30}]",
        f"    default: {'x' * 30}",
        "  b:",
        "    type: string",
        "    description: |-",
        "      of",
        "      two",
        "fan_out:",
        "  combinations:",
        '    - {a: "1"}',
        f"    - a: {'x' * 150}",
        "      b: 2.0",
        "schedule:",
        '  cron: "@daily 08:00"',
        "  not_before: 2026-01-31",
        "notifications:",
        "  - channel: c",
        "  - channel: d",
        "    topics: [anomaly]",
        'labels: {"on": "$${x}"}',
        "ignore_changes: [prompts]",
    ]


def test_short_forms() -> None:
    job = Job(key="a", name="A", agent="x", prompts=(Prompt(text="One\ntwo\n"),), parameters={}, labels={},
              schedule=Schedule(cron="0 8 * * 1"))  # fmt: skip
    assert new_file(new_document(job, {})) == (
        'key: a\nname: A\nagent: x\nprompt: |\n  One\n  two\nschedule: "0 8 * * 1"\n'
    )
    given = {"schedule": {"cron": "0 8 * * 1"}, "labels": {"a": "b"}}
    assert new_document(replace(job, schedule=None), given)["schedule"] is None
    assert new_file({"labels": {}, "notifications": [], "key": "a"}) == "key: a\nnotifications: []\nlabels: {}\n"
