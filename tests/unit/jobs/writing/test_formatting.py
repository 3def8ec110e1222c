"""fmt: one layout, the same meaning, every comment."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.formatting import format_file, meaning
from interact_gitops.jobs.writing.parts import Text

from .conftest import JOBS, read, wire
from .layouts import Writer

CHANCE = st.integers(0, 2**64).map(Random)


def formatted(text: str) -> str:
    made = format_file("a.yaml", text.encode())
    assert not made.problems, made.problems
    return made.raw.decode()


@given(st.lists(JOBS, min_size=1, max_size=2), CHANCE)
def test_any_layout_becomes_one_that_stays(jobs: list[Job], chance: Random) -> None:
    writer = Writer(chance, shuffle=True)
    text = writer.file(*(new_document(job, {}) for job in jobs))
    made = formatted(text)
    assert formatted(made) == made
    assert [wire(read(made, number=number)) for number in range(len(jobs))] == [wire(job) for job in jobs]
    assert meaning(read_documents("a", made.encode())[0]) == meaning(read_documents("a", text.encode())[0])
    assert sorted(Text(made).comments()) == sorted(Text(text).comments())
    assert len(Text(made).comments()) == writer.count
