"""For all tests: nothing beyond loopback is reached (see addopts), nothing of the user's is read."""

from __future__ import annotations

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow example on a busy machine is no failure. In CI the examples are the same each time, so that a change is
# judged by itself; everywhere else they are new ones, and what they find is kept in .hypothesis.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The INTERACT_* variables of whoever runs the tests must not steer them."""
    for name in [name for name in os.environ if name.startswith("INTERACT_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample warehouse, made once for all of pytest's workers: it takes seconds."""
    from interact_gitops.server.sample.warehouse import ensure_sample  # only where a server is wanted

    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "sample-warehouse"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ensure_sample(folder, datetime.now(UTC).date())
    return folder
