"""Signed heads, verified by the real programs: ssh-keygen, and gpg where it is."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from interact_gitops.gitops.signing import Trust, verify

from .conftest import World, git, job


@dataclass
class Signer:
    """A key of ssh, and the file that trusts it."""

    folder: Path
    name: str

    @property
    def key(self) -> Path:
        return self.folder / self.name

    def make(self) -> Signer:
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", self.name, "-f", str(self.key)], check=True
        )
        return self

    @property
    def line(self) -> str:
        return f"{self.name}@example.com {' '.join(self.key.with_suffix('.pub').read_text().split()[:2])}\n"

    def commit(self, world: World, message: str = "a change", **files: str | None) -> str:
        work = world.repository.work
        for name, value in {"gpg.format": "ssh", "user.signingkey": str(self.key)}.items():
            git(work, "config", name, value)
        return world.repository.commit(message, "-S", **files)


@pytest.fixture
def ada(tmp_path: Path) -> Signer:
    return Signer(tmp_path, "ada").make()


@pytest.fixture
def trusted(tmp_path: Path, ada: Signer) -> Path:
    file = tmp_path / "allowed"
    file.write_text(ada.line)
    return file


def test_a_signed_head_is_written(world: World, ada: Signer, trusted: Path) -> None:
    ada.commit(world, one=job("one"))
    standing = world.once(require_signed="ssh", allowed_signers=trusted)
    assert standing.sync == "Synced"
    assert standing.signature == "good, by ada@example.com"


def test_an_unsigned_head_after_a_signed_one_changes_nothing(world: World, ada: Signer, trusted: Path) -> None:
    first = ada.commit(world, one=job("one"))
    world.once(require_signed="ssh", allowed_signers=trusted)
    world.repository.commit(one=job("one", name="Slipped in"))
    for _ in range(2):
        standing = world.once()
        assert (standing.sync, standing.health) == ("OutOfSync", "Degraded")
        assert "not signed" in standing.health_reason
        assert standing.good is not None
        assert standing.good.sha == first
    assert world.names() == {"one": "One"}
    ada.commit(world, one=job("one", name="Signed"))
    assert world.once().sync == "Synced"
    assert world.names() == {"one": "Signed"}


def test_a_key_that_nobody_trusts(world: World, trusted: Path, tmp_path: Path) -> None:
    Signer(tmp_path, "eve").make().commit(world, one=job("one"))
    standing = world.once(require_signed="ssh", allowed_signers=trusted)
    assert "not among the trusted" in standing.health_reason
    assert world.jobs() == {}


def test_a_key_taken_off_the_list_counts_no_more(world: World, ada: Signer, trusted: Path, tmp_path: Path) -> None:
    ada.commit(world, one=job("one"))
    world.once(require_signed="ssh", allowed_signers=trusted)
    bob = Signer(tmp_path, "bob").make()
    trusted.write_text(bob.line)
    world.later(minutes=1)
    standing = world.once()
    assert "not among the trusted" in standing.health_reason  # the very commit that was good before
    world.by_hand("one", name="By hand")
    world.later(minutes=10)
    world.once(heal=True)
    assert world.names() == {"one": "By hand"}
    bob.commit(world, one=job("one", name="By Bob"))
    assert world.once().sync == "Synced"
    trusted.unlink()
    world.later(minutes=1)
    assert "cannot be read" in world.once().health_reason


def test_what_a_commit_says_of_itself_is_no_signature(world: World, trusted: Path) -> None:
    """Source: CVE-2022-24347 and its like: text that looks like a verdict."""
    message = 'Good "git" signature for ada@example.com with ED25519 key SHA256:x\n\n%G?G [GNUPG:] GOODSIG x'
    world.repository.commit(message, one=job("one"))
    assert "not signed" in world.once(require_signed="ssh", allowed_signers=trusted).health_reason


def test_a_signature_of_another_commit_is_bad(world: World, ada: Signer, trusted: Path) -> None:
    ada.commit(world, one=job("one"))
    work = world.repository.work
    raw = git(work, "cat-file", "commit", "HEAD")
    forged = raw.replace("a change", "another")
    done = subprocess.run(["git", "-C", str(work), "hash-object", "-t", "commit", "-w", "--stdin"],
                          input=forged + "\n", capture_output=True, text=True, check=True)  # fmt: skip
    git(work, "reset", "-q", "--hard", done.stdout.strip())
    world.repository.push("--force")
    standing = world.once(require_signed="ssh", allowed_signers=trusted)
    assert "bad" in standing.health_reason
    assert world.jobs() == {}


@pytest.fixture
def keyring() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gpg-"))  # a socket's path must be short
    run(folder, "--quick-gen-key", "Ada <ada@example.com>", "ed25519", "sign", "1d")
    yield folder
    subprocess.run(["gpgconf", "--homedir", str(folder), "--kill", "all"], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)  # the agent takes its sockets away at the same time


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["gpg", "--homedir", str(folder), "--batch", "--passphrase", "", *arguments],
                          capture_output=True, text=True, check=True)  # fmt: skip
    return done.stdout


needs_gpg: Callable[..., object] = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed here")


@needs_gpg
def test_gpg_signatures(world: World, keyring: Path) -> None:
    work = world.repository.work
    key = next(line.split(":")[9] for line in run(keyring, "--list-keys", "--with-colons").splitlines()
               if line.startswith("fpr"))  # fmt: skip
    git(work, "config", "user.signingkey", key)
    world.repository.write("jobs.d/one.yaml", job("one"))
    git(work, "add", "-A")
    git(work, "commit", "-q", "-S", "-m", "signed", GNUPGHOME=str(keyring))
    git(work, "cat-file", "commit", "HEAD")
    found = verify(work, "HEAD", Trust(kind="gpg", keyring=keyring))
    assert found.good, found
    assert "Ada" in (found.signer or "")
    stranger = keyring / "stranger"
    stranger.mkdir(mode=0o700)
    assert not verify(work, "HEAD", Trust(kind="gpg", keyring=stranger)).good
    # A signature of one kind is none of the other.
    assert not verify(work, "HEAD", Trust(kind="ssh", allowed_signers=Path("/dev/null"))).good
