"""One sample warehouse for all of these tests: making it takes seconds."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from interact_gitops.server.sample.warehouse import ensure_sample


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    ensure_sample(folder, date(2026, 11, 23))
    return folder
