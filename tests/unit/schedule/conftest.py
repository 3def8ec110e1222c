from datetime import UTC, datetime

import pytest


@pytest.fixture
def now():
    return datetime(2026, 1, 1, tzinfo=UTC)
