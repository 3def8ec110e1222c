"""Jobs of every kind, and files that say them in every layout that people may choose."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from hypothesis import strategies as st

from interact_gitops.jobs.files import drop_partial_defaults, job_from_file, merge_defaults, whole_schedule
from interact_gitops.jobs.model import FanOut, Job, Notification, Prompt, Retries
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.variables import fill
from interact_gitops.jobs.wire import canonical_json, job_to_wire, unordered
from interact_gitops.schedule import Schedule

ODD = [
    "on",
    "No",
    "12:30",
    "2026-01-01",
    "0o7",
    "1e5",
    "~",
    "null",
    "a: b",
    "a #b",
    "- x",
    "---",
    "...",
    "%TAG",
    "{{ x }}",
    "${var.x}",
    "$${",
    "<<",
    "=",
    "!!str",
    "&a",
    "*a",
    " x ",
    "x:",
    "'",
    '"',
    "\\",
    'it\'s "x"',
    "é",
    "\u202eabc",
    "#",
    "a\nb",
    "a\n\n",
    "\n a",
    "  a\n b\n",
    "a\t",
    "\ta\nb",
    "a\n  \nb",
    "a \nb ",
    "x" * 150,
    "😀\u200d",
    "[a]",
    "{a}",
    "a,b",
    "?",
    ":",
    "-",
    "|",
    ">",
    "@x",
    "`x",
    "1_000",
    "0x1F",
    "y",
    "\ufeff",
    "\xa0",
    "a\n---\nb",
    "a\n...\nb",
    "\n",
    "\n\n",
]
TEXT = st.sampled_from(ODD) | st.text(
    st.characters(
        exclude_categories=["Cs"], exclude_characters=[chr(n) for n in [*range(9), *range(11, 32), *range(127, 160)]]
    ),
    min_size=1,
    max_size=20,
)
LINE = TEXT.filter(lambda text: text.strip() != "")
SCALAR = st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
NAME = st.sampled_from(["a", "b", "days", "on", "y", "x_1"])
COMBINATION = st.dictionaries(NAME, SCALAR, min_size=1, max_size=3)
RULES = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "integer", "number", "boolean"])},
    optional={
        "default": SCALAR,
        "description": TEXT,
        "enum": st.lists(SCALAR, min_size=1, max_size=3),
        "minimum": st.integers(-9, 9) | st.floats(-5, 5),
    },
)
SPAN = st.sampled_from([0, 1, 60, 90, 900, 1800, 3600, 86_400, 90_061])
FAN_OUT = st.builds(
    FanOut,
    matrix=st.dictionaries(NAME, st.lists(SCALAR, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2),
    exclude=st.lists(COMBINATION, max_size=2).map(tuple), include=st.lists(COMBINATION, max_size=2).map(tuple),
    max_parallel=st.sampled_from([8, 4]),
) | st.builds(FanOut, combinations=st.lists(COMBINATION, min_size=1, max_size=4).map(tuple))  # fmt: skip
SCHEDULE = st.builds(
    Schedule,
    cron=st.sampled_from(["0 8 * * 1", "@daily 08:00"]) | TEXT,
    timezone=st.sampled_from(["UTC", "Europe/Berlin"]),
    calendar=st.sampled_from([None, "NL"]),
    catch_up=st.sampled_from(["latest", "all"]),
    start_deadline=SPAN,
    jitter=SPAN,
    not_before=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
)
JOBS = st.builds(
    Job,
    key=st.just("job"),
    name=TEXT,
    agent=st.sampled_from(["analyst", "other"]),
    prompts=st.lists(st.builds(Prompt, text=TEXT, query=st.sampled_from([None, "q"])), min_size=1, max_size=3).map(
        tuple
    ),
    description=st.none() | TEXT,
    owner=st.none() | TEXT,
    parameters=st.dictionaries(NAME, RULES, max_size=2),
    fan_out=st.none() | FAN_OUT,
    schedule=st.none() | SCHEDULE,
    overlap=st.sampled_from(["skip", "allow"]),
    pause_after_failures=st.sampled_from([0, 3]),
    timeout=SPAN,
    grace=SPAN,
    retries=st.none() | st.builds(Retries, max_attempts=st.integers(1, 3), backoff=SPAN),
    notifications=st.lists(
        st.builds(
            Notification,
            channel=TEXT,
            topics=st.sampled_from([("failed_run", "anomaly"), ("anomaly",)]),
            after_failures=st.sampled_from([1, 3]),
            on_recovery=st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    enabled=st.booleans(),
    labels=st.dictionaries(NAME, TEXT, max_size=3),
    protect=st.booleans(),
    ignore_changes=st.sampled_from([(), ("prompts",), ("schedule", "prompts")]),
)


def read(
    text: str, defaults: Mapping[str, Any] | None = None, variables: Mapping[str, Any] | None = None, number: int = 0
) -> Job:
    """The job that a text says, with no check but that it can be read."""
    documents, problems = read_documents("a.yaml", text.encode())
    assert not problems, (text, [str(problem) for problem in problems])
    own = documents[number].value
    value = whole_schedule(own)
    if defaults:
        value = drop_partial_defaults(merge_defaults(whole_schedule(defaults), value), own)
    return job_from_file(fill(value, variables or {}, []), [])


def wire(job: Job) -> str:
    """What tells two jobs apart."""
    return canonical_json(
        {
            name: unordered(part) if name in {"notifications", "ignoreChanges"} else part
            for name, part in job_to_wire(job).items()
        }
    )
