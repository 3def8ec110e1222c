"""GitHub's deliveries: believed by their signature over the raw body, and once."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from interact_gitops.gitops.hook import MOST_REMEMBERED, Hook

BODY = b'{"ref": "refs/heads/main"}'


def signed(body: bytes, secret: str = "s3cret") -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_githubs_own_example() -> None:
    """Source: GitHub, "Validating webhook deliveries", test values."""
    hook = Hook("It's a Secret to Everybody")
    told = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert hook.judge(b"Hello, World!", told, "1") == "wake"


@pytest.mark.parametrize(
    "signature", [None, "", "sha256=", signed(BODY).upper(), signed(BODY)[7:], signed(BODY, "other"), "sha1=abc",
                  signed(BODY + b" "), "sha256=\udcff"],
)  # fmt: skip
def test_forgeries(signature: str | None) -> None:
    assert Hook("s3cret").judge(BODY, signature, "1") == "forged"


def test_a_replay_wakes_nobody() -> None:
    hook = Hook("s3cret")
    assert hook.judge(BODY, signed(BODY), "1") == "wake"
    assert hook.judge(BODY, signed(BODY), "1") == "known"
    assert hook.judge(BODY, signed(BODY), None) == "wake"
    assert hook.judge(BODY, signed(BODY), None) == "known"


def test_what_is_remembered_is_bounded() -> None:
    hook = Hook("s3cret")
    for number in range(MOST_REMEMBERED + 2):
        hook.judge(BODY, signed(BODY), str(number))
    assert len(hook._seen) == MOST_REMEMBERED
    assert hook.judge(BODY, signed(BODY), "0") == "wake"


def test_without_a_secret_nothing_is_believed() -> None:
    assert Hook(None).judge(BODY, signed(BODY, ""), "1") == "off"
