"""Every feature of definition files, with the wire form that each job takes beside it."""

import json
from pathlib import Path

import pytest

from interact_gitops.jobs.fan_out import expand
from interact_gitops.jobs.wire import job_from_wire, job_to_wire

CASES = Path(__file__).parent / "valid"
NAMES = sorted(path.name for path in CASES.iterdir() if path.suffix != ".json")


def wire_forms(loaded):
    return {
        definition.job.key: job_to_wire(definition.job)
        | ({"combinations": [dict(c) for c in expand(definition.job.fan_out)]} if definition.job.fan_out else {})
        for definition in loaded.definitions
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_file_gives_the_wire_forms_beside_it(name, load_case):
    loaded = load_case(CASES / name)
    assert loaded.problems == ()
    written = json.loads((CASES / name).with_name(f"{Path(name).stem}.json").read_text())
    assert wire_forms(loaded) == written


@pytest.mark.parametrize("name", NAMES)
def test_file_job_wire_job_is_one_job(name, load_case):
    for definition in load_case(CASES / name).definitions:
        wire = job_to_wire(definition.job)
        assert json.loads(json.dumps(wire)) == wire
        again = job_from_wire(wire)
        assert job_to_wire(again) == wire
        for field in ("prompts", "parameters", "fan_out", "schedule", "notifications", "retries", "labels", "timeout"):
            assert getattr(again, field) == getattr(definition.job, field), field


def test_what_stays_out_of_the_wire_form(load_case):
    (definition,) = load_case(CASES / "every-field.yaml").definitions
    assert definition.job.id == {"production": "job_2f81"}
    assert definition.job.agent_id == "agt_77"
    assert definition.job.moved_from == ("older-key",)


def test_a_definition_knows_where_it_stands(load_case):
    places = [str(d.position) for d in load_case(CASES / "several-in-one-file.yaml").definitions]
    assert places == ["several-in-one-file.yaml:2:1", "several-in-one-file.yaml:9:1"]
