"""Schema errors in people's words, for any schema that this project or its server uses."""

import pytest

from interact_gitops.jobs.faults import MAX_FAULTS, shape_faults
from interact_gitops.shapes import build_shape

OBJECT = {"type": "object", "additionalProperties": False, "properties": {"kind": {}, "size": {}}}


@pytest.mark.parametrize(
    ("schema", "value", "faults"),
    [
        ({"type": "integer"}, 1, []),
        ({"type": "integer"}, "7", [((), "this must be a whole number, not the text '7'", "write it without quotes")]),
        ({"type": ["string", "null"]}, 7, [((), "this must be a text, not the number 7", "put it in quotes")]),
        ({"type": "null"}, 7, [((), "this must be empty, not the number 7", "write nothing")]),
        (
            {"type": ["number", "integer", "boolean"]},
            [],
            [((), "this must be a number or true or false, not a list", "write a number such as 2.5 or true or false")],
        ),
        ({"type": "string", "x-secret": True}, 1234, [((), "this must be a text, not the number", "put it in quotes")]),
        (
            {"pattern": "^a$", "x-secret": True, "x-remedy": "write a"},
            "pw",
            [((), "this does not have the right form", "write a")],
        ),
        ({"enum": ["a", None], "x-secret": True}, "pw", [((), "this is not allowed here", "write one of: a")]),
        ({"enum": [1, 2]}, 3, [((), "3 is not allowed here", "write one of: 1, 2")]),
        (OBJECT, {"knid": 1}, [(("knid",), "unknown field 'knid'", "did you mean 'kind'?")]),
        (OBJECT, {"zzz": 1}, [(("zzz",), "unknown field 'zzz'", "known here: kind, size")]),
        ({"required": ["a"]}, {}, [((), "the field 'a' is missing", None)]),
        ({"minProperties": 1}, {}, [((), "this map is empty", "give it an entry, or leave the field out")]),
        (
            {"minProperties": 2},
            {"a": 1},
            [((), "this map has 1 entry, at least 2 are needed", "give it an entry, or leave the field out")],
        ),
        ({"maxItems": 1}, [1, 2], [((), "this list has 2 items, the limit is 1", "leave some out")]),
        ({"minimum": 1}, 0, [((), "0 is below 1", "write a number from 1")]),
        ({"maximum": 1}, 2, [((), "2 is above 1", "write a number to 1")]),
        (
            {"uniqueItems": True},
            [1, "1", {"a": 1}, 1.0],
            [((), "1.0 stands twice in this list", "keep one of the two")],
        ),
        (
            {"uniqueItems": True},
            [{"a": 1}, {"a": 1.0}],
            [((), '{"a": 1} stands twice in this list', "keep one of the two")],
        ),
        ({"const": 1}, 2, [((), "2 breaks the rule const 1", None)]),
        (
            {"anyOf": [{"type": "null"}, {"type": "object", "required": ["a"]}]},
            {},
            [((), "the field 'a' is missing", None)],
        ),
        (
            {"anyOf": [{"type": "null"}, {"type": "integer"}]},
            "a",
            [((), "this must be a whole number, not the text 'a'", "write a whole number such as 7")],
        ),
        (
            {"anyOf": [{"properties": {"a": {"type": "integer"}}}, {"type": "string"}]},
            {"a": []},
            [(("a",), "this must be a whole number, not a list", "write a whole number such as 7")],
        ),
        ({"oneOf": [{"type": "integer"}, {"minimum": 1}]}, 3, [((), "3 fits more than one form allowed here", None)]),
        (
            {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {"b": 1, "a": 2},
            [(("a",), "both 'a' and 'b' are given", "keep one of them")],
        ),
        (
            {"propertyNames": {"pattern": "^a$", "x-remedy": "a"}, "additionalProperties": {"type": "integer"}},
            {"b": 1, "a": "x"},
            [
                (("a",), "this must be a whole number, not the text 'x'", "write a whole number such as 7"),
                (("b",), "the name 'b' does not have the right form", "a"),
            ],
        ),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {"items": {"type": "string", "x-remedy": "r"}}}},
            [{}],
            [((0,), "this must be a text, not a map", "r")],
        ),
        ({"if": {"type": "integer"}, "then": {"minimum": 4}}, 3, [((), "3 is below 4", "write a number from 4")]),
    ],
)
def test_a_fault_is_said_in_words(schema, value, faults):
    found = shape_faults(build_shape(schema), value)
    assert [(fault.path, fault.message, fault.remedy) for fault in found] == faults


@pytest.mark.parametrize("value", ["\ud800", {1: 2}, {"a": "\ud800"}])
def test_what_is_not_json_is_a_fault(value):
    (fault,) = shape_faults(build_shape({"type": "null"}), value)
    assert fault.message.startswith("this is not a JSON value")


def test_a_secret_stays_out_of_every_message():
    secret = {"x-secret": True, "minLength": 50, "enum": ["a"], "pattern": "^a$", "maxLength": 3, "const": "b"}
    for fault in shape_faults(build_shape(secret), "hunter2-canary"):
        assert "hunter2" not in fault.message + (fault.remedy or "")
    for fault in shape_faults(build_shape({"x-secret": True, "maximum": 3, "multipleOf": 5}), 12345678):
        assert "1234" not in fault.message


def test_very_many_faults_are_cut_and_none_is_lost_silently():
    shape = build_shape({"items": {"type": "string"}})
    assert len(shape_faults(shape, [1] * 100_000)) == MAX_FAULTS
    (beyond,) = shape_faults(shape, ["a"] * 100_000 + [1])
    assert beyond.message == "this does not fit the schema, and is too large to say where"
    required = build_shape({"required": ["last"], "properties": {"last": {"type": "string"}}})
    (beyond,) = shape_faults(required, {**{f"a{i}": 1 for i in range(2_000)}, "last": 1})
    assert "too large" in beyond.message


@pytest.mark.parametrize("name", ["7", "007", "+7", "²", "-7"])
def test_a_key_that_looks_like_a_number_is_a_key(name):
    shape = build_shape({"additionalProperties": {"additionalProperties": {"type": "string"}}})
    (fault,) = shape_faults(shape, {name: {"a": 1}})
    assert fault.path == (name, "a")
