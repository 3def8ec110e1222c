from datetime import UTC, datetime

import pytest
from hypothesis import settings

# Two cores shared by many: a slow example is no failure.
settings.register_profile("schedule", deadline=None)
settings.load_profile("schedule")


@pytest.fixture
def now():
    return datetime(2026, 1, 1, tzinfo=UTC)
