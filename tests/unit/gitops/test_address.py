"""What may be an address, a branch and a commit; and how secrets travel."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import Refused
from interact_gitops.gitops.address import Credentials, environment, is_commit, read_address, read_branch

TOKEN = "ghp_9f3Kq1vTz7LmB2sX"


@pytest.mark.parametrize(
    ("text", "url", "protocol"),
    [
        ("/srv/git/jobs.git", "file:///srv/git/jobs.git", "file"),
        ("file:///srv/git/jobs.git", "file:///srv/git/jobs.git", "file"),
        ("https://github.com/acme/jobs", "https://github.com/acme/jobs", "https"),
        ("http://127.0.0.1:8000/jobs.git", "http://127.0.0.1:8000/jobs.git", "http"),
        ("ssh://git@example.com:2222/acme/jobs", "ssh://git@example.com:2222/acme/jobs", "ssh"),
        ("git@github.com:acme/jobs.git", "git@github.com:acme/jobs.git", "ssh"),
        ("example.com:acme/jobs.git", "example.com:acme/jobs.git", "ssh"),
    ],
)
def test_forms_that_are_let_through(text: str, url: str, protocol: str) -> None:
    found = read_address(text)
    assert (found.url, found.protocol) == (url, protocol)


@pytest.mark.parametrize(
    "text",
    ["", "-u./x", "--upload-pack=touch x", "ext::sh -c touch% /tmp/x", "fd::17", "jobs", "./jobs", "../jobs",
     "http://example.com/jobs", "git://example.com/jobs", "ftp://example.com/jobs", "https://", "https:///jobs",
     "https://-oProxyCommand=x/jobs", "ssh://-oProxyCommand=x/jobs", "ssh://-x@example.com/jobs",
     "-oProxyCommand=x:jobs", "git@-host:jobs", "git@host:-x", "https://example.com", "https://example.com/",
     "file://host/jobs", "file:jobs", "https://[::1/jobs", "git@host:a b", "https://example.com/a\nb",
     "https://example.com/\x1b[31m", "git@host::x"],
)  # fmt: skip
def test_forms_that_are_not(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_address(text)
    assert refused.value.remedy
    assert "\x1b" not in refused.value.message


@pytest.mark.parametrize("text", [f"https://x:{TOKEN}@github.com/acme/jobs", f"https://{TOKEN}@github.com/acme/jobs"])
def test_a_secret_in_the_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_address(text)
    assert TOKEN not in f"{refused.value.message} {refused.value.remedy}"
    assert "INTERACT_GITOPS_GIT_TOKEN" in str(refused.value.remedy)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        found = read_address(text)
    except Refused:
        return
    assert not found.url.startswith("-")
    assert "::" not in found.url.split("//")[0]


def test_branches() -> None:
    assert read_branch("main") == "refs/heads/main"
    assert read_branch("refs/heads/a/b") == "refs/heads/a/b"
    for name in ("", "-x", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a/", "a.", "a.lock", "a//b",
                 "a@{1}", ".a", "a/.b", "x" * 201, "a\nb"):  # fmt: skip
        with pytest.raises(Refused):
            read_branch(name)


def test_commits_are_full_hashes() -> None:
    assert is_commit("a" * 40)
    assert is_commit("0" * 64)
    for text in ("a" * 39, "HEAD", "A" * 40, "g" * 40, f"{'a' * 40}\n", "-" + "a" * 39):
        assert not is_commit(text)


def test_a_token_stands_in_the_environment_and_for_its_address_alone() -> None:
    address = read_address("https://github.com/acme/jobs")
    found = environment(Credentials(token=TOKEN, helper="store"), address)
    assert found["GIT_CONFIG_COUNT"] == "2"
    assert found["GIT_CONFIG_KEY_1"] == "http.https://github.com/acme/jobs.extraHeader"
    told = found["GIT_CONFIG_VALUE_1"].removeprefix("Authorization: Basic ")
    assert base64.b64decode(told).decode() == f"x-access-token:{TOKEN}"
    assert environment(Credentials(token=TOKEN), read_address("/srv/jobs"))["GIT_CONFIG_COUNT"] == "0"
    assert TOKEN not in repr(Credentials(token=TOKEN))


def test_ssh_asks_nobody() -> None:
    address = read_address("git@github.com:acme/jobs.git")
    credentials = Credentials(token=TOKEN, ssh_key=Path("/keys/a key"), known_hosts=Path("/keys/hosts"))
    command = environment(credentials, address)["GIT_SSH_COMMAND"]
    for part in ("BatchMode=yes", "StrictHostKeyChecking=yes", "ForwardAgent=no", "-i '/keys/a key'",
                 "IdentitiesOnly=yes", "UserKnownHostsFile=/keys/hosts"):  # fmt: skip
        assert part in command
    assert TOKEN not in command
