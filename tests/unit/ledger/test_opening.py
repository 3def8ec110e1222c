"""A ledger's URL: which ledger it names, or one clear line without a password."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from interact_gitops.ledger.errors import LedgerFailure, LedgerForeign
from interact_gitops.ledger.opening import open_ledger, shown, sqlite_path

SECRET = "hunter2-canary"


def test_paths():
    assert sqlite_path("sqlite:///.interact/ledger.db") == Path(".interact/ledger.db")
    assert sqlite_path("sqlite:////var/lib/ledger.db") == Path("/var/lib/ledger.db")
    assert sqlite_path("SQLite:///x") == Path("x")


def test_a_relative_path_starts_at_the_configurations_folder(tmp_path):
    ledger = open_ledger("sqlite:///deep/er/ledger.db", folder=tmp_path)
    assert ledger.describe() == str(tmp_path / "deep/er/ledger.db")
    assert (tmp_path / "deep/er/ledger.db").stat().st_mode & 0o777 == 0o600
    ledger.close()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "is no address of a ledger"),
        ("ledger.db", "is no address of a ledger"),
        ("sqlite:ledger.db", "names no file"),
        ("sqlite://ledger.db", "names no file"),
        ("sqlite:///", "names no file"),
        ("sqlite:///folder/", "names no file"),
        ("sqlite:///a\0b", "names no file"),
        ("sqlite:///:memory:", "would forget every run"),
        ("sqlite:///x.db?mode=ro", "options are not supported"),
        (f"mysql://me:{SECRET}@host/db", "'mysql://me@host/db' is no address of a ledger"),
        (f"redis:{SECRET}", "'redis:…' is no address of a ledger"),
        (f"x://[{SECRET}", "'x:…' is no address of a ledger"),
        ("git:origin", "there is no remote 'origin'"),
        ("git:--upload-pack=x", "names no repository"),
        ("git:ext::sh -c x", "names no repository"),
        ("git+ssh://host/repo", "is no address of a ledger"),
        (f"postgresql://me:{SECRET}%zz@host/db", "postgresql://me@host/db cannot be read"),
        (f"postgresql://me@host/db?password={SECRET}&nonsense=1", "postgresql://me@host/db cannot be read"),
    ],
)
def test_addresses_that_name_no_ledger(url, said, tmp_path):
    with pytest.raises(LedgerForeign) as caught:
        open_ledger(url, folder=tmp_path)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert caught.value.remedy
    assert SECRET not in repr(caught.value) + str(caught.value) + str(caught.value.__cause__)


def test_a_database_that_is_not_there(tmp_path):
    with pytest.raises(LedgerFailure, match=r"postgres://me@127\.0\.0\.1:9/db cannot be reached: ") as caught:
        open_ledger(f"postgres://me:{SECRET}@127.0.0.1:9/db?connect_timeout=2", folder=tmp_path)
    assert SECRET not in str(caught.value)
    assert caught.value.committed == "no"


def test_no_driver_is_said_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LedgerForeign, match="needs the PostgreSQL driver") as caught:
        open_ledger(f"postgresql://me:{SECRET}@host/db", folder=tmp_path)
    assert caught.value.remedy == "pip install 'interact-gitops[postgres]'"
    assert SECRET not in str(caught.value)


def test_what_is_shown_of_an_address():
    assert shown(f"postgresql://me:{SECRET}@host:5432/db?sslmode=require") == "postgresql://me@host:5432/db"
    assert shown("postgresql:///db") == "postgresql:…"
    assert shown("postgresql://host/db") == "postgresql://host/db"
