"""Which addresses become links, and where a definition's lead."""

from __future__ import annotations

import pytest

from interact_gitops.server.pages.provenance import provenance, web_address

COMMIT = "3f2a8c1d5e6f708192a3b4c5d6e7f8091a2b3c4d"


@pytest.mark.parametrize(
    "text",
    ["javascript:alert(1)", "JAVASCRIPT://x/%0aalert(1)", "data:text/html,x", "//evil.example", "/path", "http://", "",
     "https://user:secret@host/", "https://user@host/", "https://a b/", "https://host/\n", "ftp://host/",
     "https://host\\@evil.example/", "http://[::1", "mailto:a@b.example", "https:host", "see https://host/"],
)  # fmt: skip
def test_these_are_no_links(text):
    assert web_address(text) is None


@pytest.mark.parametrize("text", ["https://host/", "http://127.0.0.1:8080/a?b=c#d", "HTTPS://host/ä"])
def test_these_are_links(text):
    assert web_address(text) == text


@pytest.mark.parametrize(
    ("repository", "managed_by", "path", "file"),
    [
        ("https://github.com/acme/jobs.git", "acme/jobs", "jobs.d/a.yaml", "https://github.com/acme/jobs/blob/{}/jobs.d/a.yaml"),
        ("git@github.com:acme/jobs.git", "acme/jobs", "a b.yaml", "https://github.com/acme/jobs/blob/{}/a%20b.yaml"),
        ("ssh://git@gitlab.acme.example/a/b", "a/b", "a#?.yaml", "https://gitlab.acme.example/a/b/-/blob/{}/a%23%3F.yaml"),
        ("https://github.com/acme/jobs", "acme/jobs/eu/prod.yaml", "a.yaml", "https://github.com/acme/jobs/blob/{}/a.yaml"),
        ("https://github.com/acme/jobs", "acme/jobs/eu", "a.yaml", "https://github.com/acme/jobs/blob/{}/eu/a.yaml"),
        ("https://github.com/acme/jobs", "team-seven", "a.yaml", "https://github.com/acme/jobs/blob/{}/a.yaml"),
        ("https://git.acme.example/acme/jobs", "acme/jobs", "a.yaml", None),
        ("/srv/git/jobs", "acme/jobs", "a.yaml", None),
        ("javascript:alert(1)//github", "acme/jobs", "a.yaml", None),
        ("https://github.com/acme/jobs", "acme/jobs", "../../evil", None),
        ("https://github.com/acme/jobs", "acme/jobs", "/etc/passwd", None),
    ],
)  # fmt: skip
def test_a_file_is_linked_where_its_repository_is_known(repository, managed_by, path, file):
    standings = [{"managedBy": managed_by, "repository": repository}]
    found = provenance(managed_by=managed_by, path=path, commit=COMMIT, standings=standings)
    assert found.file_address == (file.format(COMMIT) if file else None)


def test_a_commit_is_a_commit():
    standings = [{"managedBy": "acme/jobs", "repository": "https://github.com/acme/jobs"}]
    for commit in ("", None, "main", "../..", "3f2a8c1d5e6f\n", '"><b>'):
        found = provenance(managed_by="acme/jobs", path="a.yaml", commit=commit, standings=standings)
        assert found.commit_address is None
    found = provenance(managed_by="others", path="a.yaml", commit=COMMIT, standings=standings)
    assert (found.commit_address, found.file_address, found.commit) == (None, None, COMMIT)
