"""The values that a verified query runs with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from interact_gitops.errors import ParametersInvalid
from interact_gitops.jobs.parameters import value_fault
from interact_gitops.server.agents.agent import VerifiedQuery
from interact_gitops.server.agents.connectors.connector import Scalar

RUN_DATE = "run_date"
"""Always bound: the date of the run, in the job's zone."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][\w.-]*[A-Za-z0-9]")


def bind(query: VerifiedQuery, given: Mapping[str, Scalar], *, text: str, run_date: date) -> dict[str, Scalar]:
    """A value for each of the query's parameters, and `run_date`.

    A given value that the query knows must fit its schema; others are the job's own business and are left
    out. A parameter that is not given is read from the question when it has a pattern that exactly one
    identifier in it fits (“Analyse CMP-2026-002”), and else takes its default. Raises ParametersInvalid with
    every fault.
    """
    values: dict[str, Scalar] = {}
    faults: list[tuple[str, str]] = []
    for name, schema in query.parameters.items():
        if given.get(name) is not None:
            fault = value_fault(schema, given[name])
            if fault:
                faults.append((name, fault))
            values[name] = given[name]
            continue
        named = _named_in(text, schema)
        if named is not None:
            values[name] = named
        elif "default" in schema:
            values[name] = schema["default"]
        else:
            faults.append((name, "a value is required: the query has no default for it"))
    if faults:
        raise ParametersInvalid(faults, job=f"query {query.name}")
    return {**values, RUN_DATE: run_date}


def _named_in(text: str, schema: Mapping[str, object]) -> str | None:
    if "pattern" not in schema:
        return None
    words = {word for word in _IDENTIFIER.findall(text) if any(letter.isdigit() for letter in word)}
    fitting = [word for word in words if value_fault(schema, word) is None]
    return fitting[0] if len(fitting) == 1 else None
