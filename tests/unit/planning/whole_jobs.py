"""Jobs with every field, valid in every way that a file is checked for, for properties over any of them."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from hypothesis import strategies as st

from interact_gitops.errors import Position
from interact_gitops.jobs.model import Definition, FanOut, Job, Notification, Prompt, Retries
from interact_gitops.jobs.wire import FIELDS
from interact_gitops.schedule import Schedule

# Texts of every kind, but for what a file takes for a reference or a template: tests of those are elsewhere.
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}$"), min_size=1, max_size=20).map(
    lambda text: "x" + text
)
NUMBER = st.integers(-5, 5) | st.sampled_from([0.0, 1.0, 2.5, -1e300])
VALUES = {"integer": st.integers(-5, 5), "number": NUMBER, "string": TEXT, "boolean": st.booleans()}
TOPICS = st.lists(st.sampled_from(["completed_run", "failed_run", "anomaly"]), unique=True, min_size=1).map(tuple)
SCHEDULES = st.builds(
    Schedule,
    cron=st.sampled_from(["0 8 * * 1", "*/5 * * * *", "@daily 08:00", "@first-weekday 09:30"]),
    timezone=st.sampled_from(["UTC", "Europe/Amsterdam", "Asia/Kolkata"]),
    calendar=st.none() | st.sampled_from(["NL", "ECB"]),
    catch_up=st.sampled_from(["skip", "latest", "all"]),
    start_deadline=st.sampled_from([1, 60, 21_600]),
    jitter=st.sampled_from([0, 61]),
    not_before=st.none() | st.just(date(2020, 2, 29)),
    not_after=st.none() | st.just(date(2096, 12, 31)),
)
NOTIFICATIONS = st.lists(
    st.builds(Notification, channel=st.sampled_from(["s", "m", "Ü b"]), topics=TOPICS),
    max_size=3, unique_by=lambda one: one.channel,
).map(tuple)  # fmt: skip
LEFT_TO_PEOPLE = st.lists(
    st.sampled_from([name for name in FIELDS if name not in {"key", "protect", "ignore_changes"}]),
    unique=True,
    max_size=4,
).map(tuple)
PLAIN = st.fixed_dictionaries(
    {
        "name": TEXT,
        "agent": st.sampled_from(["analyst", "clerk"]),
        "description": st.none() | TEXT,
        "owner": st.none() | TEXT,
        "prompts": st.lists(
            st.builds(Prompt, text=TEXT, query=st.none() | st.sampled_from(["q", "other"])), min_size=1, max_size=3
        ).map(tuple),
        "schedule": st.none() | SCHEDULES,
        "overlap": st.sampled_from(["skip", "queue_one", "allow"]),
        "pause_after_failures": st.integers(0, 3),
        "timeout": st.sampled_from([60, 61, 3600]),
        "grace": st.sampled_from([0, 900]),
        "retries": st.none() | st.builds(Retries, max_attempts=st.integers(1, 5), backoff=st.sampled_from([0, 300])),
        "notifications": NOTIFICATIONS,
        "enabled": st.booleans(),
        "labels": st.dictionaries(st.sampled_from(["x", "y.z-1"]), TEXT, max_size=2),
        "ignore_changes": LEFT_TO_PEOPLE,
        "protect": st.booleans(),
    }
)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """All fields of a job but its key; parameters and the combinations of their values belong together."""
    types = draw(st.dictionaries(st.sampled_from(["a", "b_1"]), st.sampled_from(sorted(VALUES)), max_size=2))
    parameters = {}
    for name, kind in types.items():
        parameters[name] = {"type": kind, "default": draw(VALUES[kind])}
        if draw(st.booleans()):
            parameters[name]["description"] = draw(TEXT)
    whole = {**draw(PLAIN), "parameters": parameters, "fan_out": None}
    if types and draw(st.booleans()):
        whole["fan_out"] = draw(fan_outs(types))
    return whole


@st.composite
def fan_outs(draw: st.DrawFn, types: dict[str, str]) -> FanOut:
    """Combinations that differ, of values that fit; something is left to run."""
    several = st.lists(st.fixed_dictionaries({name: VALUES[kind] for name, kind in types.items()}), max_size=3)
    most = draw(st.integers(1, 100))
    written = distinct(draw(several), but=[])
    if written and draw(st.booleans()):
        return FanOut(combinations=tuple(written), max_parallel=most)
    lists = {name: st.lists(VALUES[kind], min_size=1, max_size=3, unique=True) for name, kind in types.items()}
    matrix = draw(st.fixed_dictionaries(lists))
    every = [dict(zip(matrix, values, strict=True)) for values in itertools.product(*matrix.values())]
    return FanOut(
        matrix={name: tuple(values) for name, values in matrix.items()},
        include=tuple(distinct(written, but=every)),
        exclude=(every[0],) if len(every) > 1 and draw(st.booleans()) else (),
        max_parallel=most,
    )


def distinct(combinations: list[dict[str, Any]], *, but: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that are not the same as an earlier one, or as one of `but`."""
    kept: list[dict[str, Any]] = []
    for one in combinations:
        if one not in [*but, *kept]:
            kept.append(one)
    return kept


def made(key: str, whole: dict[str, Any], **more: Any) -> Definition:
    path = f"jobs.d/{key}.yaml"
    return Definition(job=Job(key=key, **{**whole, **more}), path=path, position=Position(path))


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    return made(draw(st.sampled_from("abc")), draw(fields()))
