"""Heads of two meanings, and how long is too long."""

from __future__ import annotations

import pytest

from interact_gitops.server.listening.bounds import Bounds
from interact_gitops.server.listening.framing import LARGEST_HEAD, MOST_HEADERS, head_fault

HOST = (b"host", b"127.0.0.1")


@pytest.mark.parametrize(
    ("version", "headers", "said"),
    [
        (b"1.1", [], None),
        (b"1.1", [(b"transfer-encoding", b"chunked")], None),
        (b"1.1", [(b"content-length", b"5")], None),
        (b"1.0", [(b"content-length", b"5")], None),
        (b"1.1", [(b"accept", b"a"), (b"accept", b"b")], None),
        (b"1.1", [(b"x", b"y")] * (MOST_HEADERS - 1), None),
        (b"1.1", [(b"x", b"y")] * MOST_HEADERS, "more than 100 headers"),
        (b"1.1", [(b"x", b"y" * LARGEST_HEAD)], "more than 32,768 bytes"),
        (b"1.1", [(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], "in two ways"),
        (b"1.0", [(b"transfer-encoding", b"chunked")], "HTTP/1.0"),
        (b"1.1", [(b"x-api-key", b"a"), (b"x-api-key", b"a")], "x-api-key is given twice"),
        (b"1.1", [(b"x-organization-id", b"a"), (b"x-organization-id", b"b")], "x-organization-id is given twice"),
        (b"1.1", [(b"idempotency-key", b"a")] * 2, "idempotency-key is given twice"),
        (b"1.1", [(b"content-type", b"a")] * 2, "content-type is given twice"),
        (b"1.1", [HOST], "host is given twice"),
    ],
)
def test_a_head_means_one_thing(version, headers, said):
    found = head_fault(version, [HOST, *headers])
    assert found is None if said is None else said in str(found)


def test_what_moves_has_more_time_and_what_is_ours_has_all():
    bounds = Bounds(idle_seconds=1, head_seconds=2, body_seconds=3, answer_seconds=4, slowest=1_000)
    assert bounds.patience("work", 0) is None
    assert [bounds.patience("idle", 5_000), bounds.patience("head", 5_000)] == [1, 2]
    assert [bounds.patience("body", 5_000), bounds.patience("answer", 5_000)] == [8, 9]
    assert bounds.patience("body", 10) < 3.1
