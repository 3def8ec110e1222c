"""The form of a job: a field per parameter, and back from what GitHub gives to values."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Failure, Refused
from interact_gitops.github.workflows.forms import (
    LONGEST_LINE,
    TYPED,
    form,
    form_of_any,
    read_inputs,
    values_of,
    values_of_any,
)
from interact_gitops.github.workflows.generating import FOLDER, Choices, generate
from interact_gitops.jobs.model import FanOut, Job, Prompt


def job(parameters: dict[str, Any], *, fan_out: FanOut | None = None) -> Job:
    return Job(
        key="j", name="J", agent="a", prompts=(Prompt(text="x"),), parameters=parameters, labels={}, fan_out=fan_out
    )


def shown(parameters: dict[str, Any], **more: Any) -> dict[str, tuple[str, Any, bool]]:
    """name → (type, default as YAML reads it, required)."""
    fields = form(job(parameters, **more))
    return {
        one.name: (one.type, None if one.default is None else yaml.safe_load(one.default), one.required)
        for one in fields
    }


def test_types_defaults_and_what_must_be_filled_in() -> None:
    found = shown({
        "a": {"type": "string"}, "b": {"type": "integer", "default": 7}, "c": {"type": "number", "default": 1e-7},
        "d": {"type": "boolean", "default": True}, "e": {"type": "string", "enum": ["x", "yes", "1"], "default": "yes"},
        "f": {"type": "integer", "enum": [1, 2]},
    })  # fmt: skip
    assert found == {"a": ("string", None, True), "b": ("number", 7, False), "c": ("number", 1e-7, False),
                     "d": ("boolean", True, False), "e": ("choice", "yes", False),
                     "f": ("choice", None, True)}  # fmt: skip


def test_beyond_the_room_what_has_a_default_goes_into_json() -> None:
    parameters = {f"d{n:02}": {"type": "integer", "default": n} for n in range(20)}
    parameters |= {f"r{n:02}": {"type": "integer"} for n in range(10)}
    found = form(job(parameters))
    assert len(found) == TYPED + 1
    assert found[-1].name == "params_json"
    assert {f"r{n:02}" for n in range(10)} <= {one.name for one in found}


def test_a_fan_out_is_a_box_and_its_values_are_not_needed() -> None:
    fan_out = FanOut(combinations=({"days": 1}, {"days": 2}))
    found = shown({"days": {"type": "integer"}}, fan_out=fan_out)
    assert found == {"fan_out": ("boolean", True, False), "days": ("number", None, False)}
    one = job({"days": {"type": "integer"}}, fan_out=fan_out)
    assert values_of(one, {"fan_out": True, "days": ""}) is None
    assert values_of(one, {"fan_out": False, "days": "3"}) == {"days": 3}
    with pytest.raises(Refused, match="the fan-out is ticked"):
        values_of(one, {"fan_out": "true", "days": "3"})


@pytest.mark.parametrize("default", ["${{ secrets.X }}", "a\nb", "\u202ex", " x", "x" * 300])
def test_a_value_that_a_form_cannot_show_goes_into_json(default: str) -> None:
    (only,) = form(job({"p": {"type": "string", "default": default}}))
    assert only.name == "params_json"
    assert values_of(job({"p": {"type": "string", "default": default}}), {"params_json": ""}) == {"p": default}


def test_no_expression_of_github_gets_into_a_file() -> None:
    evil = "${{ secrets.INTERACT_API_KEY }}"
    fields = form(job({"p": {"type": "string", "description": evil, "title": evil}}))
    assert all("${{" not in one.description for one in fields)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"nope": "1"}, "has no field 'nope'"), ({"params_json": "["}, "not JSON"),
        ({"params_json": "[]"}, "not a JSON object"),
        ({"params_json": '{"n": NaN}'}, "no number"), ({"params_json": '{"n": 1, "n": 2}'}, "stands in it twice"),
        ({"n": "1", "params_json": '{"n": 2}'}, "once more"), ({"n": "x"}, "n"), ({"n": "1000"}, "n"),
        ({"params_json": "[" * 100_000}, "not JSON"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(inputs: dict[str, Any], words: str) -> None:
    parameters: dict[str, Any] = {f"p{n:02}": {"type": "integer", "default": n} for n in range(26)}
    parameters = {"n": {"type": "integer", "maximum": 9, "default": 1}, **parameters}
    with pytest.raises(Failure) as caught:
        values_of(job(parameters), inputs)
    assert words in str(caught.value)


def test_the_form_of_any_job() -> None:
    which, values = form_of_any(["a", "b"])
    assert (which.type, which.options, values.name) == ("choice", ("a", "b"), "params_json")
    (many, _) = form_of_any(f"j{n}" for n in range(500))
    assert many.type == "string"
    one = job({"n": {"type": "integer", "default": 1}})
    assert values_of_any(one, {"job": "j", "params_json": ""}) is None
    assert values_of_any(one, {"job": "j", "params_json": '{"n": 2}'}) == {"n": 2}
    with pytest.raises(Refused, match="no field 'x'"):
        values_of_any(one, {"x": ""})


def test_inputs_are_an_object() -> None:
    assert read_inputs("") == {}
    assert read_inputs("null\n") == {}  # of a form without fields
    with pytest.raises(Refused, match="INPUTS is not a JSON object"):
        read_inputs("1")


@pytest.mark.parametrize("name", ["on", "null", "y", "n", "True", "OFF", "yes", "plain"])
def test_a_parameters_name_stays_a_text(name: str) -> None:
    """Some words are other values to readers of YAML 1.1."""
    text = generate(CHOICES, [job({name: {"type": "string", "default": "x"}})], forms=frozenset({"j"}))
    inputs = yaml.safe_load(text[f"{FOLDER}/run-j.yml"])[True]["workflow_dispatch"]["inputs"]
    assert list(inputs) == [name]


@pytest.mark.parametrize("name", ["J\ufffe", "J\uffff", "\ufdd0", "J\u3164\u2800\U000e0141", "\x85", "\u2028"])
def test_a_file_can_be_read_whatever_the_name(name: str) -> None:
    one = replace(job({"a": {"type": "string", "description": name}}), name=name)
    text = generate(CHOICES, [one], forms=frozenset({"j"}))[f"{FOLDER}/run-j.yml"]
    said = yaml.safe_load(text)
    assert said["name"].startswith("Run ")
    assert "\\u" in text or "\\x" in text or "\\U" in text


def test_what_a_value_must_be_is_told_whole() -> None:
    """However much somebody wrote about it."""
    schema = {"type": "integer", "minimum": 3, "maximum": 90, "description": "How many days back, " * 40}
    (field,) = form(job({"days": schema}))
    assert len(field.description) <= LONGEST_LINE
    assert field.description.endswith("… (days, a whole number, at least 3, at most 90)")
    (field,) = form(job({"kind": {"type": "string", "enum": ["x" * 150, "y"], "description": "Which kind of it"}}))
    assert len(field.description) <= LONGEST_LINE
    assert field.description.startswith("Which kind of it (kind, one of xxx")


CHOICES = Choices(branch="main", target=None, environment="production", runs_on="ubuntu-24.04", version="1.2.3",
                  drift_cron="17 5 * * *", schedule_cron="3-59/5 * * * *")  # fmt: skip
SCALARS = st.one_of(st.booleans(), st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6), st.text(max_size=20))


@given(st.dictionaries(st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True), SCALARS, max_size=40))
def test_a_form_sent_back_as_it_is_gives_the_defaults(defaults: dict[str, Any]) -> None:
    """What GitHub does with a form that nobody touched."""
    kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
    parameters = {name: {"type": kinds[type(value)], "default": value} for name, value in defaults.items()}
    one = job(parameters)
    inputs: dict[str, Any] = {}
    for field in form(one):
        value = yaml.safe_load(field.default) if field.default is not None else ""
        inputs[field.name] = (
            value if field.type == "boolean" else value if isinstance(value, str) else json.dumps(value)
        )
    assert values_of(one, inputs) == defaults
    assert len(form(one)) <= 25
