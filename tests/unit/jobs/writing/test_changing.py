"""Changes in place: the file says the new job, and what nobody changed is as it was."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.wire import FIELDS
from interact_gitops.jobs.writing.changing import Wish, change_documents
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.parts import Text

from .conftest import JOBS, read, wire
from .layouts import Writer

CHANCE = st.integers(0, 2**64).map(Random)


def changed(text: str, job: Job, *, number: int = 0, defaults=None, variables=None, whole=False, fields=tuple(FIELDS)) -> str:
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
