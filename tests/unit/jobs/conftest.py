"""What the tests of jobs share: loading text, and a small job to vary."""

from pathlib import PurePosixPath

import pytest

from interact_gitops.jobs.loading import load
from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.jobs.tree import SourceFile

SMALL = "key: small\nname: Small\nagent: analyst\nprompt: How did we do?\n"


@pytest.fixture
def load_files():
    """Load files given as {path: text or bytes}."""

    def read(files, **options):
        return load(
            [
                SourceFile(path=PurePosixPath(path), shown=path, raw=raw if isinstance(raw, bytes) else raw.encode())
                for path, raw in files.items()
            ],
            **options,
        )

    return read


@pytest.fixture
def problems_of(load_files):
    """The problems of one file's text, as lines."""

    def read(text, **options):
        return [str(problem) for problem in load_files({"a.yaml": text}, **options).problems]

    return read


@pytest.fixture
def small_job():
    """A job with the given fields changed."""

    def make(**fields):
        base = {
            "key": "small", "name": "Small", "agent": "analyst", "prompts": (Prompt(text="How did we do?"),),
            "parameters": {}, "labels": {},
        }  # fmt: skip
        return Job(**{**base, **fields})

    return make
