"""Changes in place: the file says the new job, and what nobody changed is as it was."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.variables import fill
from interact_gitops.jobs.wire import FIELDS
from interact_gitops.jobs.writing.changing import Wish, change_documents
from interact_gitops.jobs.writing.declaring import left_over, new_document, normal, whole_document
from interact_gitops.jobs.writing.parts import Text
from interact_gitops.jobs.writing.rendering import new_file

from .conftest import JOBS, read, wire
from .layouts import Writer

SMALL = Job(key="job", name="x", agent="x", prompts=(Prompt(text="x"),), parameters={}, labels={})
CHANCE = st.integers(0, 2**64).map(Random)


def changed(
    text: str, job: Job, *, number: int = 0, defaults=None, variables=None, whole=False, fields=tuple(FIELDS)
) -> str:
    value = read_documents("a", text.encode())[0][number].value
    wish = Wish(number=number, value=value, job=job, fields=fields, defaults=defaults or {}, whole=whole)
    return change_documents(text, [wish], variables=variables or {}).text


@given(JOBS, JOBS, JOBS, CHANCE, st.booleans())
def test_any_file_can_be_made_to_say_any_job(before: Job, after: Job, other: Job, chance: Random, whole: bool) -> None:
    writer = Writer(chance, shuffle=chance.random() < 0.3)
    text = writer.file(new_document(before, {}), new_document(other, {}))
    before, other = read(text), read(text, number=1)  # blank lines may have become part of a text
    made = changed(text, after, whole=whole)
    assert wire(read(made)) == wire(after)
    assert wire(read(made, number=1)) == wire(other)
    kept = {comment for comment in Text(text).comments() if comment.startswith("# own")}
    assert kept <= set(Text(made).comments())
    if not whole:
        assert changed(text, before) == text
        assert changed(made, after) == made


@given(JOBS, JOBS, JOBS, CHANCE)
def test_what_the_folder_gives_is_not_written(before: Job, after: Job, folder: Job, chance: Random) -> None:
    defaults = {name: part for name, part in new_document(folder, {}).items() if name != "key"}
    given = normal(fill(defaults, {}, []))
    text = Writer(chance).file(new_document(before, given))
    made = changed(text, after, defaults=given)
    left = {str(place[0]) for place in left_over(whole_document(after), given)}
    assert said(read(made, defaults), without=left) == said(after, without=left)
    assert changed(made, after, defaults=given) == made
    new = new_file(new_document(after, given))
    assert said(read(new, defaults), without=left) == said(after, without=left)
    for name, value in new_document(after, given).items():
        assert {name: value} != {name: defaults.get(name)} or name in {"schedule", "fan_out", "retries"}


def said(job: Job, *, without: set[str]) -> str:
    return wire(replace(job, **{name: getattr(SMALL, name) for name in without}))
