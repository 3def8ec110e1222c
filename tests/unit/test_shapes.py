"""The shipped schemas: complete, valid, and read the same by both libraries."""

import pytest
from jsonschema import Draft202012Validator

from interact_gitops import shapes
from interact_gitops.shapes import build_fit, fit, schema, schema_path, shape

NAMES = ["job.schema.json", "config.schema.json"]


def properties(rule, root, path=()):
    """Every property below a schema with its path; a reference's target fills in what is missing."""
    for name, part in rule.get("properties", {}).items():
        yield (*path, name), resolved(part, root), name in rule.get("required", ())
        yield from properties(part, root, (*path, name))
    for word in ("items", "additionalProperties"):
        if isinstance(rule.get(word), dict):
            yield (*path, word), resolved(rule[word], root), True
            yield from properties(rule[word], root, (*path, word))
    for name, part in rule.get("$defs", {}).items():
        yield from properties(part, root, (*path, name))


def resolved(part, root):
    return {**root["$defs"][part["$ref"].rpartition("/")[2]], **part} if "$ref" in part else part


@pytest.mark.parametrize("name", NAMES)
def test_every_property_is_described_with_default_and_examples(name):
    document = schema(name)
    Draft202012Validator.check_schema(document)
    optional_without_default = {
        # absent means absent: a rule of a parameter, one of two ways to write something, a part of one kind of channel
        "title", "description", "default", "enum", "examples", "pattern", "format", "minLength", "maxLength", "minimum",
        "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "prompt", "prompts", "matrix", "combinations",
        "url", "to", "secret",
    }  # fmt: skip
    for path, rule, required in properties(document, document):
        assert rule.get("description"), path
        assert "default" in rule or required or path[-1] in optional_without_default, path
        structure = path[-1] in {"items", "additionalProperties"} and "properties" in rule
        assert rule.get("examples") or structure, path


@pytest.mark.parametrize("name", NAMES)
def test_defaults_and_examples_fit_their_own_rule(name):
    document = schema(name)
    for path, rule, _ in properties(document, document):
        own = build_fit({**rule, "$defs": document["$defs"]})
        for value in [*rule.get("examples", []), *([rule["default"]] if "default" in rule else [])]:
            if path == ("ignore_changes", "items"):
                continue
            assert own.is_valid(value), (path, value)


@pytest.mark.parametrize("name", NAMES)
def test_one_compiled_check_per_schema(name):
    assert shape(name) is shape(name)
    assert fit(name) is shape(name).fit
    assert not shape(name).is_valid([])
    assert "fit" not in repr(shape(name)) or "Draft" not in repr(shape(name))


def test_the_schema_is_found_in_a_checkout_and_in_a_wheel(tmp_path, monkeypatch):
    assert schema_path("job.schema.json").parent.name == "schema"
    monkeypatch.setattr(shapes, "_HERE", tmp_path)
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "job.schema.json").write_text("{}")
    assert schema_path("job.schema.json") == tmp_path / "schema" / "job.schema.json"


def test_a_pattern_that_is_not_linear_is_refused():
    with pytest.raises(ValueError, match="regex"):
        build_fit({"pattern": "(?=a)"})
