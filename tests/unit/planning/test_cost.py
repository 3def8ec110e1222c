"""What a diff costs: printed for people to see (`pytest -s`), asserted by nobody, for machines differ."""

from __future__ import annotations

import time

import pytest

from .conftest import definition, plan, remote


@pytest.mark.parametrize("count", [1_000, 10_000])
def test_unchanged_jobs(count: int) -> None:
    definitions = [definition(f"job-{number:05}") for number in range(count)]
    there = [remote(one) for one in definitions]
    began = time.process_time()
    made = plan(definitions, there)
    spent = time.process_time() - began
    assert made.unchanged == count
    print(f"\ndiff of {count:,} unchanged jobs: {spent:.2f} s of CPU, {spent / count * 1e6:.0f} µs each")
