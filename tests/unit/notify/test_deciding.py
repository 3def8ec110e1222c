"""Who hears of a run, when a message is tried again, and what an answer means."""

from __future__ import annotations

import pytest

from interact_gitops.jobs.model import Notification
from interact_gitops.notify.admission import heard
from interact_gitops.notify.posting import verdict
from interact_gitops.notify.retrying import MOST_ASKED, Patience, pause
from interact_gitops.notify.sender import Again, Delivered, GivenUp

ALL = ("completed_run", "failed_run", "anomaly")
FAILED, COMPLETED = {"failed_run": "error"}, {"completed_run": "info"}
ODD = {"anomaly": "warning", "completed_run": "info"}


@pytest.mark.parametrize(
    ("news", "attached", "channel", "topic"),
    [
        (FAILED, {}, {}, "failed_run"),
        (COMPLETED, {}, {}, None),
        (COMPLETED, {"topics": ALL}, {}, "completed_run"),
        (COMPLETED, {"topics": ALL}, {"level": "warning"}, None),
        (COMPLETED, {"topics": ALL}, {"topics": ("failed_run",)}, None),
        (ODD, {}, {}, "anomaly"),
        (ODD, {"topics": ALL}, {}, "anomaly"),
        (ODD, {"topics": ("completed_run",)}, {}, "completed_run"),
        (ODD, {"topics": ALL}, {"level": "error"}, None),
        ({"anomaly": "warning", "failed_run": "error"}, {}, {}, "failed_run"),
        ({}, {"topics": ALL}, {}, None),
        # Failures in a row.
        (FAILED, {"after_failures": 3}, {"failures": 2}, None),
        (FAILED, {"after_failures": 3}, {"failures": 3}, "failed_run"),
        (FAILED, {"after_failures": 3}, {"failures": 4}, "failed_run"),
        ({**FAILED, "anomaly": "warning"}, {"after_failures": 3}, {"failures": 1}, "anomaly"),
        # Recovery: told to whoever heard of the failures, at any level.
        (COMPLETED, {"on_recovery": True}, {"recovered_after": 1}, "completed_run"),
        (COMPLETED, {"on_recovery": True}, {"recovered_after": 1, "level": "error"}, "completed_run"),
        (COMPLETED, {"on_recovery": True, "after_failures": 3}, {"recovered_after": 2}, None),
        (COMPLETED, {"on_recovery": True, "after_failures": 3}, {"recovered_after": 3}, "completed_run"),
        (COMPLETED, {"on_recovery": True}, {"recovered_after": 0}, None),
        (COMPLETED, {"on_recovery": True, "topics": ("anomaly",)}, {"recovered_after": 2}, None),
        (COMPLETED, {"on_recovery": True}, {"recovered_after": 2, "topics": ("anomaly",)}, None),
        (COMPLETED, {}, {"recovered_after": 2}, None),
        # A channel that is not there.
        (FAILED, {}, {"topics": None}, "failed_run"),
        (COMPLETED, {"on_recovery": True}, {"topics": None, "recovered_after": 1}, "completed_run"),
    ],
)
def test_who_hears(news, attached, channel, topic):
    wishes = {"topics": ALL, "level": "info", "failures": 1, "recovered_after": 0, **channel}
    assert heard(news, Notification(channel="c", **attached), **wishes) == topic


def test_waits_double_up_to_a_limit_and_spread():
    patience = Patience(first=5, longest=900)
    assert [pause(patience, tries, asked=None, spread=1) for tries in (1, 2, 3, 8, 9, 99)] == [5, 10, 20, 640, 900, 900]
    assert pause(patience, 3, asked=None, spread=0) == 10


def test_a_receiver_is_not_asked_sooner_than_it_wants():
    assert pause(Patience(), 1, asked=120, spread=0) == 120
    assert pause(Patience(), 9, asked=1, spread=1) == 900
    assert pause(Patience(), 1, asked=10**9, spread=0) == MOST_ASKED


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (200, {}, Delivered()),
        (204, {}, Delivered()),
        (429, {"retry-after": "7"}, Again(why="it answered 429: no", after=7)),
        (429, {"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, Again(why="it answered 429: no", after=90)),
        (429, {"retry-after": "soon"}, Again(why="it answered 429: no")),
        (503, {}, Again(why="it answered 503: no")),
        (408, {}, Again(why="it answered 408: no")),
        (302, {}, GivenUp(why="it answered 302 with a redirect, and none is followed")),
        (404, {}, GivenUp(why="it answered 404: no")),
        (400, {}, GivenUp(why="it answered 400: no")),
    ],
)
def test_what_an_answer_means(status, headers, outcome):
    assert verdict(status, headers, "no", now=10) == outcome


def test_what_an_answer_says_is_plain_and_short():
    assert verdict(500, {}, "", now=0).why == "it answered 500"
    assert verdict(404, {}, "<b>\x1b[31mx\n" * 900, now=0).why.startswith("it answered 404: <b>[31mx <b>[31mx")
    assert len(verdict(404, {}, "x" * 9_000, now=0).why) < 230
