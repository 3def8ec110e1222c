"""The API's description: valid, served as it is, and the same as the routes and the definitions it speaks of."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from starlette.routing import Route

from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.jobs.wire import FIELDS, job_to_wire, wire_pointer
from interact_gitops.schedule import Schedule
from interact_gitops.server import failures
from interact_gitops.server.api.operations import OPERATIONS as TABLE
from interact_gitops.server.app import build_app
from interact_gitops.shapes import schema

DOCUMENT = schema("interact-api.openapi.json")
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [(m, p, o) for p, methods in DOCUMENT["paths"].items() for m, o in methods.items()]
PROBES = {"/healthz", "/readyz", "/metrics"}
PERMISSIONS = {"agent_jobs_read", "agent_jobs_trigger", "agent_jobs_write"}
STATUS_OF_CODE = {
    "malformed": 400, "bad_host": 400, "unauthenticated": 401, "forbidden": 403, "not_found": 404,
    "method_not_allowed": 405, "too_slow": 408,
    "key_taken": 409, "protected": 409, "run_in_progress": 409, "definition_changed": 409,
    "agent_inactive": 409, "already_finished": 409, "already_sent": 409, "locked": 409, "stale": 412, "too_large": 413,
    "unsupported_media_type": 415, "invalid": 422, "idempotency_mismatch": 422,
    "precondition_required": 428, "rate_limited": 429, "internal": 500,
    "unavailable": 503,
}  # fmt: skip


def walk(part: Any, place: str = ""):
    if isinstance(part, dict):
        yield place, part
        for name, inner in part.items():
            if name not in {"example", "examples", "default", "enum", "const", "required", "allOf", "if"}:
                yield from walk(inner, f"{place}/{name}")
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from walk(inner, f"{place}/{number}")


def test_it_is_valid_openapi():
    validate(DOCUMENT)
    assert DOCUMENT["openapi"].startswith("3.1.")


def test_what_is_served_is_this_document(home):
    answer = home.http.get("/api/openapi.json")
    home.description.check(answer)
    assert answer.json() == DOCUMENT


def test_routes_and_paths_are_the_same(server):
    with ThreadPoolExecutor(1) as executor:
        routes = build_app(server.instance, executor).routes
    assert all(isinstance(route, Route) for route in routes)
    served = {(method.lower(), route.path) for route in routes for method in route.methods - {"HEAD"}}
    described = {(method, path) for method, path, _ in OPERATIONS}
    assert {(m, p) for m, p in served if p.startswith("/api/") or p in PROBES} == described


def test_the_table_of_operations_says_the_same(description):
    resolve = description.resolve
    described = {
        (operation["operationId"], method.upper(), path, operation["x-permission"],
         tuple(sorted(p["name"] for p in map(resolve, operation.get("parameters", ())) if p["in"] == "query")))
        for method, path, operation in OPERATIONS
    }  # fmt: skip
    assert {(o.id, o.method, o.path, o.permission, tuple(sorted(o.query))) for o in TABLE} == described


def test_every_operation_says_what_it_needs_and_answers():
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(names) == len(set(names))
    for method, path, operation in OPERATIONS:
        assert operation["summary"], path
        assert operation["description"], path
        permission = operation["x-permission"]
        if permission is None:
            assert operation["security"] == []
            continue
        assert permission in PERMISSIONS
        assert operation["security"] == [{"ApiKey": [], "Organization": []}]
        assert {"401", "403", "429"} <= set(operation["responses"]), path
        if method == "get":
            assert permission == "agent_jobs_read"
        if "{" in path:
            assert "404" in operation["responses"]
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(operation["responses"])


def test_problem_codes_belong_to_one_status():
    used = set()
    for name, answer in DOCUMENT["components"]["responses"].items():
        (status,) = {STATUS_OF_CODE[code] for code in answer["x-codes"]}
        conditions = answer["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]
        assert conditions == {"status": {"const": status}, "code": {"enum": answer["x-codes"]}}, name
        used |= set(answer["x-codes"])
    assert set(STATUS_OF_CODE) == set(SCHEMAS["Problem"]["properties"]["code"]["enum"])
    assert set(STATUS_OF_CODE) - used == {"method_not_allowed", "too_slow", "internal"}  # no operation answers so


def test_the_codes_are_those_of_the_servers_failures():
    classes = [c for c in vars(failures).values() if isinstance(c, type) and issubclass(c, failures.Declined)]
    assert {c.code: c.status for c in classes} == STATUS_OF_CODE


def test_every_schema_is_described_closed_and_has_examples_that_fit():
    lacking = []
    for place, part in walk(SCHEMAS, "#"):
        kind = part.get("type")
        if not isinstance(kind, str | list) or place.endswith("/properties"):
            continue
        if "description" not in part:
            lacking.append(f"{place} has no description")
        if "object" in kind and "properties" in part and part.get("additionalProperties") is not False:
            lacking.append(f"{place} is open")
        has_ref = any("$ref" in p for p in part.get("properties", {}).values())
        if "examples" not in part and not has_ref:
            lacking.append(f"{place} has no examples")
        if "object" in kind and "additionalProperties" not in part:
            lacking.append(f"{place} does not say what else it holds")
        validator = Draft202012Validator({"components": DOCUMENT["components"], **part})
        lacking += [f"{place}: {e.message}" for x in part.get("examples", ()) for e in validator.iter_errors(x)]
        if "default" in part:
            lacking += [f"{place}: default: {e.message}" for e in validator.iter_errors(part["default"])]
    assert lacking == []


def test_parameters_and_headers_are_described_by_example():
    for name, part in {**DOCUMENT["components"]["parameters"], **DOCUMENT["components"]["headers"]}.items():
        assert part["description"], name
        assert Draft202012Validator(part["schema"]).is_valid(part["example"]), name


def test_every_component_is_used():
    text = str(DOCUMENT)
    for kind, parts in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            for name in parts:
                assert f"'#/components/{kind}/{name}'" in text, f"{kind}/{name}"


MARKS = {"managedBy", "commit", "sourcePath", "appliedHash", "scheduleEnabled"}


def test_a_definition_has_the_wire_forms_fields_and_defaults():
    definition = SCHEMAS["JobDefinition"]
    assert set(definition["properties"]) == {*FIELDS.values(), *MARKS}
    assert definition["required"] == ["key", "name", "agent", "prompts"]
    job = Job(key="k", name="n", agent="a", prompts=(Prompt(text="t"),), parameters={}, labels={})
    wire = job_to_wire(job)
    for name in set(FIELDS.values()) - set(definition["required"]):
        assert definition["properties"][name]["default"] == wire[name], name
    assert SCHEMAS["Prompt"]["properties"]["query"]["default"] is None
    scheduled = job_to_wire(
        Job(key="k", name="n", agent="a", prompts=(), parameters={}, labels={}, schedule=Schedule(cron="0 8 * * 1"))
    )["schedule"]
    for name, part in definition["properties"]["schedule"]["properties"].items():
        if name != "cron":
            assert part["default"] == scheduled[name], name


def test_a_job_is_its_definition_and_what_the_server_knows():
    own = {"id", "etag", "definitionHash", "paused", "createdAt", "updatedAt"}
    assert set(SCHEMAS["Job"]["properties"]) == {*FIELDS.values(), *MARKS, *own}
    assert set(SCHEMAS["Job"]["required"]) == set(SCHEMAS["Job"]["properties"])


RULES = ("type", "pattern", "minLength", "maxLength", "enum", "minimum", "maximum", "minItems", "maxItems",
         "uniqueItems", "maxProperties", "minProperties")  # fmt: skip


@pytest.mark.parametrize(
    "file_name", [name for name in FIELDS if name not in {"agent", "timeout", "grace", "schedule"}]
)
def test_limits_are_those_of_definition_files(file_name):
    in_files = schema("job.schema.json")["properties"][file_name]
    in_bodies = SCHEMAS["JobDefinition"]["properties"][FIELDS[file_name]]
    for rule in RULES:
        assert in_files.get(rule) == in_bodies.get(rule), rule


def test_the_parts_limits_are_those_of_definition_files_too():
    files = schema("job.schema.json")["properties"]
    assert SCHEMAS["Parameter"]["properties"] == files["parameters"]["additionalProperties"]["properties"]
    assert SCHEMAS["Prompt"]["properties"] == files["prompts"]["items"]["properties"]
    in_files = files["notifications"]["items"]["properties"]
    on_the_wire = {wire_pointer(("notifications", 0, name)).rpartition("/")[2]: part for name, part in in_files.items()}
    assert SCHEMAS["Notification"]["properties"] == on_the_wire
    agent = SCHEMAS["JobDefinition"]["properties"]["agent"]["properties"]["slug"]
    assert agent == files["agent"]
    fan_out = SCHEMAS["JobDefinition"]["properties"]["fanOut"]["properties"]
    assert fan_out["maxParallel"] == files["fan_out"]["properties"]["max_parallel"]
    cron = SCHEMAS["JobDefinition"]["properties"]["schedule"]["properties"]["cron"]
    assert cron == files["schedule"]["properties"]["cron"]
