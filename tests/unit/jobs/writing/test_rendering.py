"""A job as a new file: it says the job and nothing more, to us and to other readers of YAML."""

from __future__ import annotations

from hypothesis import given

from interact_gitops.jobs.model import Job
from interact_gitops.jobs.writing.declaring import new_document
from interact_gitops.jobs.writing.formatting import format_file
from interact_gitops.jobs.writing.rendering import new_file

from .conftest import JOBS, read, wire


@given(JOBS)
def test_a_new_file_says_its_job(job: Job) -> None:
    text = new_file(new_document(job, {}), modeline="../schema/job.schema.json")
    assert wire(read(text)) == wire(job)
    assert format_file("a", text.encode()).raw.decode() == text
