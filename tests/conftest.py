"""For all tests: nothing beyond loopback is reached (see addopts), nothing of the user's is read."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The INTERACT_* variables of whoever runs the tests must not steer them."""
    for name in [name for name in os.environ if name.startswith("INTERACT_")]:
        monkeypatch.delenv(name)
