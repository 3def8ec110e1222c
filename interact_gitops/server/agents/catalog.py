"""agents.yaml → agents. The shape is schema/agents.schema.json; what a schema cannot say is checked here.

Every problem is reported at once, with its place in the file. `${NAME}` in a connector's path or dsn is the
environment variable NAME; its value never appears in a problem.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from interact_gitops.errors import ConfigurationInvalid, Failure, Position, Problem
from interact_gitops.jobs.faults import Fault, shape_faults
from interact_gitops.jobs.parameters import value_fault
from interact_gitops.jobs.source import Document, read_documents
from interact_gitops.server.agents.agent import Agent, Chart, RowRule, VerifiedQuery
from interact_gitops.server.agents.binding import RUN_DATE
from interact_gitops.server.agents.connectors.gate import refuse_reach
from interact_gitops.server.agents.connectors.lexing import parameters_used, tokens
from interact_gitops.server.agents.connectors.opening import ConnectorConfig
from interact_gitops.server.agents.templates import check_rule, check_template
from interact_gitops.shapes import shape

SCHEMA = "agents.schema.json"

_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")

Place = tuple[str | int, ...]


def load_agents(file: Path, environment: Mapping[str, str]) -> tuple[Agent, ...]:
    """The agents of `file`, in its order. Paths are relative to the file's folder.

    Raises ConfigurationInvalid with every problem.
    """
    try:
        raw = file.read_bytes()
    except OSError as error:
        said = f"the file cannot be read: {error.strerror}"
        problem = Problem(position=Position(str(file)), message=said, code="unreadable", remedy=None)
        raise ConfigurationInvalid([problem], what=str(file)) from error
    return parse_agents(str(file), raw, folder=file.parent, environment=environment)


def parse_agents(name: str, raw: bytes, *, folder: Path, environment: Mapping[str, str]) -> tuple[Agent, ...]:
    """The agents of a file's bytes; `name` is the file in problems. Raises ConfigurationInvalid."""
    documents, problems = read_documents(name, raw)
    if len(documents) != 1 and not problems:
        said = f"the file holds {len(documents)} YAML documents; it must be one"
        problems.append(Problem(position=Position(name), message=said, code="documents"))
    if problems:
        raise ConfigurationInvalid(problems, what=name)
    document = documents[0]
    faults = shape_faults(shape(SCHEMA), document.value) or list(_faults(document.value, environment))
    if faults:
        raise ConfigurationInvalid([_problem(document, fault) for fault in faults], what=name)
    return tuple(_agent(entry, folder, environment) for entry in document.value["agents"])


def _problem(document: Document, fault: Fault) -> Problem:
    return Problem(
        position=document.position(fault.path, key=fault.at_key) or document.start,
        message=fault.message,
        code=fault.code,
        remedy=fault.remedy,
        severity=fault.severity,
    )


def _faults(content: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, agent in enumerate(content["agents"]):
        place: Place = ("agents", index)
        if agent["slug"] in seen:
            yield _fault((*place, "slug"), f"the slug {agent['slug']!r} is taken by an earlier agent", "duplicate")
        seen.add(agent["slug"])
        for field in ("path", "dsn"):
            yield from _unset_variables((*place, "connector", field), agent["connector"].get(field, ""), environment)
        names: set[str] = set()
        for number, query in enumerate(agent.get("queries", ())):
            there: Place = (*place, "queries", number)
            if query["name"] in names:
                yield _fault((*there, "name"), f"the agent has two queries {query['name']!r}", "duplicate")
            names.add(query["name"])
            yield from _query_faults(there, query)


def _unset_variables(place: Place, text: str, environment: Mapping[str, str]) -> Iterator[Fault]:
    for match in _VARIABLE.finditer(text):
        if not environment.get(match["name"]):
            remedy = "export it before starting the server"
            yield _fault(place, f"the environment variable {match['name']} is not set", "unset", remedy)


def _query_faults(place: Place, query: Mapping[str, Any]) -> Iterator[Fault]:
    parameters = query.get("parameters", {})
    yield from _parameter_faults((*place, "parameters"), parameters)
    chart = query.get("chart", {})
    for where, sql in (((*place, "sql"), query["sql"]), ((*place, "chart", "sql"), chart.get("sql"))):
        if sql is not None:
            yield from _sql_faults(where, sql, parameters)
    if "answer" in query:
        yield from _template_faults((*place, "answer"), check_template, query["answer"])
    for number, rule in enumerate(query.get("anomalies", ())):
        yield from _template_faults((*place, "anomalies", number, "when"), check_rule, rule["when"])
        yield from _template_faults((*place, "anomalies", number, "message"), check_template, rule["message"])


def _parameter_faults(place: Place, parameters: Mapping[str, Mapping[str, Any]]) -> Iterator[Fault]:
    for name, schema in parameters.items():
        if name == RUN_DATE:
            yield _fault((*place, name), f"{name} is always there: the date of the run", "reserved", "remove it")
        if "pattern" in schema:
            try:
                re.compile(schema["pattern"])
            except re.error as error:
                yield _fault((*place, name, "pattern"), f"not a regular expression: {error}", "pattern")
                continue
        default = schema.get("default")
        said = value_fault(schema, default) if default is not None else None
        if said:
            yield _fault((*place, name, "default"), f"the default does not fit the parameter: {said}", "default")


def _sql_faults(place: Place, sql: str, parameters: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        found = tokens(sql)
        refuse_reach(found)
    except Failure as failure:
        yield _fault(place, failure.message.removeprefix("the query was not run: "), "sql", failure.remedy)
        return
    for name in parameters_used(found):
        if name not in parameters and name != RUN_DATE:
            yield _fault(place, f"the SQL uses ${name}, which is not a parameter", "unknown-parameter",
                         f"add {name} to parameters, or use ${RUN_DATE}")  # fmt: skip


def _template_faults(place: Place, check: Any, text: str) -> Iterator[Fault]:
    try:
        check(text)
    except Failure as failure:
        yield _fault(place, failure.message, "template", failure.remedy)


def _fault(place: Place, message: str, code: str, remedy: str | None = None) -> Fault:
    return Fault(path=place, message=message, code=code, remedy=remedy)


def _agent(entry: Mapping[str, Any], folder: Path, environment: Mapping[str, str]) -> Agent:
    return Agent(
        slug=entry["slug"],
        name=entry["name"],
        description=entry.get("description", ""),
        active=entry.get("active", True),
        context=entry.get("context", ""),
        connector=_connector(entry["connector"], folder, environment),
        queries=tuple(_query(query) for query in entry.get("queries", ())),
    )


def _connector(entry: Mapping[str, str], folder: Path, environment: Mapping[str, str]) -> ConnectorConfig:
    def filled(text: str) -> str:
        return _VARIABLE.sub(lambda match: environment[match["name"]], text)

    path = folder / filled(entry["path"]) if "path" in entry else None
    return ConnectorConfig(kind=cast(Any, entry["type"]), path=path, dsn=filled(entry.get("dsn", "")))


def _query(entry: Mapping[str, Any]) -> VerifiedQuery:
    chart = entry.get("chart")
    return VerifiedQuery(
        name=entry["name"],
        title=entry["title"],
        sql=entry["sql"].strip(),
        description=entry.get("description", ""),
        questions=tuple(entry.get("questions", ())),
        parameters=entry.get("parameters", {}),
        answer=entry.get("answer", ""),
        chart=_chart(chart) if chart else None,
        anomalies=tuple(RowRule(**rule) for rule in entry.get("anomalies", ())),
    )


def _chart(entry: Mapping[str, Any]) -> Chart:
    y = entry["y"]
    return Chart(
        type=entry["type"],
        x=entry["x"],
        y=(y,) if isinstance(y, str) else tuple(y),
        title=entry.get("title", ""),
        series=entry.get("series"),
        sql=entry.get("sql"),
    )
