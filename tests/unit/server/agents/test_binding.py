"""The values that a query runs with."""

from __future__ import annotations

from datetime import date

import pytest

from interact_gitops.errors import ParametersInvalid
from interact_gitops.server.agents.agent import VerifiedQuery
from interact_gitops.server.agents.binding import bind

TODAY = date(2026, 11, 23)
QUERY = VerifiedQuery(
    name="campaign_performance",
    title="Campaign performance",
    sql="select 1",
    parameters={
        "campaign_id": {"type": "string", "pattern": r"^CMP-\d{4}-\d{3}$", "default": None},
        "days": {"type": "integer", "minimum": 1, "maximum": 90, "default": 7},
        "market": {"type": "string", "enum": ["NL", "DE"]},
    },
)


def bound(given, text=""):
    return bind(QUERY, given, text=text, run_date=TODAY)


def test_given_default_and_run_date():
    assert bound({"market": "NL", "days": 28, "audience": "board"}) == {
        "campaign_id": None,
        "days": 28,
        "market": "NL",
        "run_date": TODAY,
    }


def test_null_is_as_good_as_not_given():
    assert bound({"market": "NL", "days": None, "campaign_id": None})["days"] == 7


def test_every_fault_is_said():
    with pytest.raises(ParametersInvalid) as caught:
        bound({"campaign_id": "CMP-1'; drop table x", "days": 91})
    assert [name for name, _ in caught.value.faults] == ["campaign_id", "days", "market"]
    assert "query campaign_performance" in caught.value.message
    assert "at most 90" in caught.value.message or "90" in caught.value.message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Analyse CMP-2026-002.", "CMP-2026-002"),
        ("Analyse (CMP-2026-002), yes CMP-2026-002!", "CMP-2026-002"),
        ("Compare CMP-2026-001 and CMP-2026-002", None),
        ("Analyse xCMP-2026-002 and CMP-2026-0021", None),
        ("Analyse everything", None),
    ],
)
def test_an_id_in_the_question_is_read_when_it_is_the_only_one(text, expected):
    assert bound({"market": "NL"}, text)["campaign_id"] == expected


def test_a_given_value_wins_over_the_text():
    assert bound({"market": "NL", "campaign_id": "CMP-2026-001"}, "CMP-2026-002")["campaign_id"] == "CMP-2026-001"
