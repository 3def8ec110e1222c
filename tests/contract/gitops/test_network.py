"""Repositories over real protocols, let in with real credentials, and what they do to us."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from interact_gitops.gitops.address import Credentials, read_address
from interact_gitops.gitops.network import GitTrouble, Network
from interact_gitops.gitops.source import GitSource

from .conftest import Repository, git, job
from .servers import HttpGit, SshGit, hang, http_git, ssh_git

TOKEN = "ghp_9f3Kq1vTz7LmB2sX"


@pytest.fixture
def http(repository: Repository) -> Iterator[HttpGit]:
    with http_git(repository.remote.parent) as served:
        yield served


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[SshGit]:
    folder = tmp_path / "ssh"
    folder.mkdir()
    with ssh_git(folder) as served:
        yield served


def source(
    folder: Path, url: str, *, seconds: float = 20, mib: float = 64, credentials: Credentials | None = None
) -> GitSource:
    network = Network(
        address=read_address(url), credentials=credentials or Credentials(), seconds=seconds,
        most_bytes=int(mib * (1 << 20)),
    )  # fmt: skip
    return GitSource(network=network, reference="refs/heads/main", folder=folder / "mirror")


def texts(found: GitSource, commit: str) -> dict[str, bytes]:
    files, problems = found.read(commit).tree("jobs.d")
    assert list(problems) == []
    return {file.path.as_posix(): file.raw for file in files}


def processes(url: str) -> set[str]:
    """Every git process that talks to a repository's server."""
    out = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    alive = [line for line in out.splitlines() if "<defunct>" not in line]
    return {line for line in alive if url in line}


def test_over_http_with_a_token(http: HttpGit, repository: Repository, tmp_path: Path) -> None:
    http.token = TOKEN
    sha = repository.commit(one=job("one"))
    found = source(tmp_path, f"{http.url}/jobs.git", credentials=Credentials(token=TOKEN))
    assert found.head() == sha
    found.fetch(sha)
    assert texts(found, sha) == {"one.yaml": job("one").encode()}
    # Nothing that was written down holds it.
    for file in (tmp_path / "mirror").rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("token", [None, "wrong"])
def test_who_is_not_let_in_is_told_what_to_do(http: HttpGit, repository: Repository, tmp_path: Path, token) -> None:
    http.token = TOKEN
    repository.commit(one=job("one"))
    with pytest.raises(GitTrouble) as refused:
        source(tmp_path, f"{http.url}/jobs.git", credentials=Credentials(token=token)).head()
    assert "INTERACT_GITOPS_GIT_TOKEN" in (refused.value.remedy or "")
    assert "wrong" not in str(refused.value)


def test_a_credential_helper_is_asked(http: HttpGit, repository: Repository, tmp_path: Path) -> None:
    http.token = TOKEN
    sha = repository.commit(one=job("one"))
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\n[ \"$1\" = get ] && printf 'username=x\\npassword={TOKEN}\\n'\n")
    helper.chmod(0o755)
    found = source(tmp_path, f"{http.url}/jobs.git", credentials=Credentials(helper=str(helper)))
    assert found.head() == sha


def test_a_token_is_not_taken_along_by_a_redirect(http: HttpGit, repository: Repository, tmp_path: Path) -> None:
    repository.commit(one=job("one"))
    with http_git(tmp_path) as elsewhere:

        def away(handler: BaseHTTPRequestHandler) -> bool:
            handler.send_response(302)
            handler.send_header("Location", f"{elsewhere.url}{handler.path}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        http.trouble = away
        with pytest.raises(GitTrouble):
            source(tmp_path, f"{http.url}/jobs.git", credentials=Credentials(token=TOKEN)).head()
        assert elsewhere.seen == []


def test_over_ssh_with_a_key_and_a_known_host(ssh: SshGit, repository: Repository, tmp_path: Path) -> None:
    sha = repository.commit(one=job("one"))
    credentials = Credentials(ssh_key=ssh.key, known_hosts=ssh.known_hosts)
    found = source(tmp_path, ssh.url(repository.remote), credentials=credentials)
    assert found.head() == sha
    found.fetch(sha)
    assert texts(found, sha) == {"one.yaml": job("one").encode()}
    assert {command.split()[0] for command in ssh.asked} == {"git-upload-pack"}


def test_an_unknown_host_is_not_believed(ssh: SshGit, repository: Repository, tmp_path: Path) -> None:
    repository.commit(one=job("one"))
    nobody = tmp_path / "nobody"
    nobody.write_text("")
    found = source(
        tmp_path, ssh.url(repository.remote), credentials=Credentials(ssh_key=ssh.key, known_hosts=nobody)
    )  # fmt: skip
    with pytest.raises(GitTrouble) as refused:
        found.head()
    assert "known_hosts" in (refused.value.remedy or "")
    assert ssh.asked == []


def test_a_wrong_ssh_key_is_not_let_in_and_asks_nobody(ssh: SshGit, repository: Repository, tmp_path: Path) -> None:
    repository.commit(one=job("one"))
    other = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a pass phrase", "-f", str(other)], check=True)
    found = source(
        tmp_path, ssh.url(repository.remote), credentials=Credentials(ssh_key=other, known_hosts=ssh.known_hosts)
    )  # fmt: skip
    with pytest.raises(GitTrouble) as refused:
        found.head()
    assert "ssh key" in (refused.value.remedy or "")


def test_a_server_that_says_nothing_is_not_waited_for(http: HttpGit, repository: Repository, tmp_path: Path) -> None:
    repository.commit(one=job("one"))
    http.trouble = hang
    began = time.monotonic()
    with pytest.raises(GitTrouble, match="took longer than 1 s"):
        source(tmp_path, f"{http.url}/jobs.git", seconds=1).head()
    assert time.monotonic() - began < 5
    assert processes(http.url) == set()


def test_a_fetch_that_hangs_leaves_nothing_behind(http: HttpGit, repository: Repository, tmp_path: Path) -> None:
    sha = repository.commit(one=job("one"))
    found = source(tmp_path, f"{http.url}/jobs.git", seconds=1)
    assert found.head() == sha
    http.trouble = lambda handler: handler.command == "POST" and hang(handler)
    with pytest.raises(GitTrouble, match="took longer"):
        found.fetch(sha)
    until = time.monotonic() + 10  # what was killed takes a moment to die on a busy machine
    while (left := processes(http.url)) and time.monotonic() < until:
        time.sleep(0.02)
    assert left == set()
    http.trouble = lambda _handler: False
    found.fetch(sha)
    assert set(texts(found, sha)) == {"one.yaml"}


@pytest.mark.parametrize("answer", [b"<html>gateway</html>", b"", b"001e# service=git-upload-pack\n0000zzzz"])
def test_an_answer_that_is_not_gits(http: HttpGit, repository: Repository, tmp_path: Path, answer: bytes) -> None:
    repository.commit(one=job("one"))

    def html(handler: BaseHTTPRequestHandler) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/x-git-upload-pack-advertisement")
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)
        return True

    http.trouble = html
    with pytest.raises(GitTrouble) as refused:
        source(tmp_path, f"{http.url}/jobs.git").head()
    assert "\n" not in refused.value.message


def test_more_than_the_limit_is_not_taken(repository: Repository, tmp_path: Path) -> None:
    (repository.work / "big.bin").write_bytes(os.urandom(4 << 20))
    sha = repository.commit("much", one=job("one"))
    found = source(tmp_path, str(repository.remote), mib=1)
    assert found.head() == sha
    with pytest.raises(GitTrouble) as refused:
        found.fetch(sha)
    assert "MiB" in (refused.value.remedy or "")
    kept = sum(file.stat().st_size for file in (tmp_path / "mirror").rglob("*") if file.is_file())
    assert kept < 2 << 20, "what broke off was taken away"


def test_a_submodule_is_not_followed(repository: Repository, tmp_path: Path) -> None:
    git(repository.work, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},jobs.d/sub")
    repository.write(".gitmodules", '[submodule "sub"]\npath = jobs.d/sub\nurl = ext::sh -c touch% /tmp/never\n')
    repository.write("jobs.d/one.yaml", job("one"))
    git(repository.work, "add", ".gitmodules", "jobs.d/one.yaml")
    git(repository.work, "commit", "-qm", "a submodule")
    repository.push()
    found = source(tmp_path, str(repository.remote))
    sha = found.head()
    found.fetch(sha)
    files, _ = found.read(sha).tree("jobs.d")
    assert [file.path.as_posix() for file in files] == ["one.yaml"]


def test_a_symlink_leads_nowhere(repository: Repository, tmp_path: Path) -> None:
    (repository.work / "jobs.d").mkdir()
    (repository.work / "jobs.d/passwd.yaml").symlink_to("/etc/passwd")
    sha = repository.commit("a link", one=job("one"))
    found = source(tmp_path, str(repository.remote))
    found.fetch(sha)
    files, problems = found.read(sha).tree("jobs.d")
    assert [file.path.as_posix() for file in files] == ["one.yaml"]
    assert b"root:" not in b"".join(file.raw for file in files)
    assert any("passwd.yaml" in str(problem) for problem in problems)


def test_names_like_options_are_names(repository: Repository, tmp_path: Path) -> None:
    for name in ("--upload-pack=touch never.yaml", "-rf.yaml"):
        repository.write(f"jobs.d/{name}", job("one" if name[1] == "-" else "two"))
    sha = repository.commit("odd names")
    found = source(tmp_path, str(repository.remote))
    assert found.head() == sha
    found.fetch(sha)
    assert set(texts(found, sha)) == {"--upload-pack=touch never.yaml", "-rf.yaml"}
    assert not (tmp_path / "never.yaml").exists()


def test_hooks_and_settings_of_the_mirror_do_not_count(repository: Repository, tmp_path: Path) -> None:
    sha = repository.commit(one=job("one"))
    found = source(tmp_path, str(repository.remote))
    found.fetch(sha)
    hook = tmp_path / "mirror/.git/hooks/reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    found.fetch(repository.commit(two=job("two")))
    assert not (tmp_path / "ran").exists()


def test_the_operators_git_settings_do_not_count(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = repository.commit(one=job("one"))
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "url./nowhere.insteadOf")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(repository.remote))
    found = source(tmp_path, str(repository.remote))
    assert found.head() == sha
    found.fetch(sha)


def test_a_branch_is_not_a_tag_of_its_name(repository: Repository, tmp_path: Path) -> None:
    sha = repository.commit(one=job("one"))
    git(repository.work, "tag", "other", "HEAD")
    git(repository.work, "push", "-q", "origin", "refs/tags/other:refs/tags/main", "HEAD:refs/heads/x/refs/heads/main")
    git(repository.work, "commit", "-q", "--allow-empty", "-m", "more")
    git(repository.work, "push", "-q", "origin", "HEAD:refs/heads/main")
    found = source(tmp_path, str(repository.remote)).head()
    assert found != sha
    assert found == git(repository.work, "rev-parse", "HEAD")


def test_a_repository_that_vanishes(repository: Repository, tmp_path: Path) -> None:
    repository.commit(one=job("one"))
    found = source(tmp_path, str(repository.remote))
    found.head()
    repository.remote.rename(tmp_path / "gone.git")
    with pytest.raises(GitTrouble) as refused:
        found.head()
    assert "check --repo" in (refused.value.remedy or "")
