"""How the files in these folders are loaded: all of them for one target with two variables."""

from pathlib import Path, PurePosixPath

import pytest

from interact_gitops.jobs.loading import Loaded, load
from interact_gitops.jobs.tree import SourceFile, read_tree

VARIABLES = {"suffix": " (staging)", "days": 7, "ratio": 0.5, "flag": True}


@pytest.fixture
def load_case():
    """Load one file, or a folder as a tree; problems name files as they stand in the case's own folder."""

    def read(path: Path) -> Loaded:
        if path.is_dir():
            files, unreadable = read_tree(path, shown=path.name)
            loaded = load(files, variables=VARIABLES)
            return Loaded(definitions=loaded.definitions, problems=(*unreadable, *loaded.problems))
        file = SourceFile(path=PurePosixPath(path.name), shown=path.name, raw=path.read_bytes())
        return load([file], variables=VARIABLES)

    return read


@pytest.fixture
def load_bytes():
    """Load one file from its bytes."""

    def read(raw: bytes, name: str = "a.yaml") -> Loaded:
        return load([SourceFile(path=PurePosixPath(name), shown=name, raw=raw)], variables=VARIABLES)

    return read
