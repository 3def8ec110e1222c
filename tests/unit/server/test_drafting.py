"""From a trigger's body to the chats of a run, without a store."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from interact_gitops.jobs.model import FanOut, Job, Prompt
from interact_gitops.schedule import Schedule
from interact_gitops.server.failures import Invalid
from interact_gitops.server.runs import drafting
from interact_gitops.server.runs.drafting import draft
from interact_gitops.server.runs.requests import RunRequest

NOW = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
PARAMETERS = {"campaign": {"type": "string", "pattern": "^C-[0-9]+$"}, "days": {"type": "integer", "default": 7}}


def job(**changes):
    given = {
        "key": "a-job",
        "name": "A job",
        "agent": "tester",
        "prompts": (Prompt(text="{{ campaign }} for {{ days }} days", query="quick"),),
        "parameters": PARAMETERS,
        "labels": {},
    }
    return Job(**{**given, **changes})


def request(**given):
    return RunRequest(initiator="key:test", digest="d", **given)


def faults(one, **given):
    with pytest.raises(Invalid) as caught:
        draft(one, request(**given), now=NOW)
    return {(fault.pointer, fault.message) for fault in caught.value.faults}


def test_parameters_make_one_chat_with_defaults_filled():
    made = draft(job(), request(parameters={"campaign": "C-1"}), now=NOW)
    (chat,) = made.chats
    assert (made.fan_out, chat.combination, chat.parameters) == (False, None, {"campaign": "C-1", "days": 7})
    assert [(p.text, p.query) for p in chat.prompts] == [("C-1 for 7 days", "quick")]
    assert made.scheduled_at == NOW


def test_parameters_go_before_the_jobs_own_fan_out():
    one = job(fan_out=FanOut(combinations=({"campaign": "C-1"}, {"campaign": "C-2"}), max_parallel=3))
    assert len(draft(one, request(parameters={"campaign": "C-9"}), now=NOW).chats) == 1
    own = draft(one, request(), now=NOW)
    assert [chat.combination for chat in own.chats] == [{"campaign": "C-1"}, {"campaign": "C-2"}]
    assert (own.fan_out, own.max_parallel) == (True, 3)
    assert draft(one, request(max_parallel=1), now=NOW).max_parallel == 1


def test_combinations_of_one_are_a_fan_out_too():
    made = draft(job(), request(combinations=({"campaign": "C-1"},)), now=NOW)
    assert (made.fan_out, made.max_parallel, made.chats[0].combination) == (True, 8, {"campaign": "C-1"})


def test_whole_numbers_are_written_as_such():
    (chat,) = draft(job(), request(parameters={"campaign": "C-1", "days": 28.0}), now=NOW).chats
    assert chat.prompts[0].text == "C-1 for 28 days"


def test_the_runs_date_is_that_of_the_occurrence_in_the_jobs_zone():
    one = job(schedule=Schedule(cron="0 8 * * 1", timezone="Europe/Amsterdam"),
              prompts=(Prompt(text="{{ campaign }}{{ days }} {{ run.date }} {{ run.trigger }}"),))  # fmt: skip
    made = draft(one, request(parameters={"campaign": "C-1"}, trigger="backfill"), now=NOW)
    assert made.run_date == date(2026, 11, 24)
    then = datetime(2026, 1, 5, 7, tzinfo=UTC)
    made = draft(one, request(parameters={"campaign": "C-1"}, scheduled_at=then, trigger="backfill"), now=NOW)
    assert made.run_date == date(2026, 1, 5)
    assert made.chats[0].prompts[0].text == "C-17 2026-01-05 backfill"


def test_every_fault_is_told_with_its_place():
    assert faults(job()) == {("", "campaign: a value is required: the parameter has no default")}
    assert {pointer for pointer, _ in faults(job(), parameters={"campaign": "x", "day": 1})} == {
        "/parameters/campaign",
        "/parameters/day",
    }
    found = faults(job(), combinations=({"campaign": "C-1"}, {"days": 1}, {"campaign": "C-2", "days": "x"}))
    assert {pointer for pointer, _ in found} == {"/combinations/1", "/combinations/2/days"}


def test_what_excludes_each_other():
    assert {p for p, _ in faults(job(), parameters={}, combinations=({"campaign": "C-1"},))} == {"/combinations"}
    assert {p for p, _ in faults(job(), parameters={"campaign": "C-1"}, max_parallel=2)} == {"/maxParallel"}
    assert {p for p, _ in faults(job(), max_parallel=2)} == {"/maxParallel"}


def test_one_combination_twice_is_refused_also_when_a_default_makes_it_so():
    found = faults(job(), combinations=({"campaign": "C-1"}, {"campaign": "C-1", "days": 7}))
    assert found == {("/combinations/1", "combination 2 is the same as combination 1")}


def test_faults_are_capped():
    assert len(faults(job(), combinations=tuple({"campaign": f"x{n}"} for n in range(500)))) == drafting.MAX_FAULTS


def test_a_prompt_that_cannot_be_filled_in_starts_nothing():
    one = job(prompts=(Prompt(text="fine {{ campaign }}"), Prompt(text="{{ 1 // (days - 7) }}")))
    ((pointer, message),) = faults(one, parameters={"campaign": "C-1"})
    assert pointer == ""
    assert message.startswith("prompt 2 of the job cannot be filled in")


def test_all_prompts_together_have_a_limit(monkeypatch):
    monkeypatch.setattr(drafting, "MAX_TEXT", 100)
    ((_, message),) = faults(job(), combinations=tuple({"campaign": f"C-{n}"} for n in range(50)))
    assert "longer than 100 characters" in message
