"""The server's folder: its lock and its credentials."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from interact_gitops.errors import Refused
from interact_gitops.server.data_folder import Credentials, FolderLock, read_credentials, write_credentials

CREDENTIALS = Credentials(url="http://127.0.0.1:8642", api_key="int_abc", organization_id="org_1")


def test_credentials_are_shell_assignments_for_the_owner_alone(tmp_path):
    write_credentials(tmp_path, CREDENTIALS)
    file = tmp_path / "credentials.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_credentials(tmp_path) == CREDENTIALS
    script = '. "$1"; printf "%s %s %s" "$INTERACT_URL" "$INTERACT_API_KEY" "$INTERACT_ORG_ID"'
    said = subprocess.run(["sh", "-c", script, "sh", file], capture_output=True, text=True, check=True).stdout
    assert said == "http://127.0.0.1:8642 int_abc org_1"
    assert os.listdir(tmp_path) == ["credentials.env"]


def test_strange_values_survive_the_shell(tmp_path):
    strange = Credentials(url="http://[::1]:1", api_key="a b'c\"$(id)`id`;#", organization_id="ø")
    write_credentials(tmp_path, strange)
    assert read_credentials(tmp_path) == strange


@pytest.mark.parametrize("text", ["", "INTERACT_URL=x", "INTERACT_URL='x", "\0", "INTERACT_API_KEY=a INTERACT_ORG_ID"])
def test_what_are_no_credentials(tmp_path, text):
    (tmp_path / "credentials.env").write_text(text)
    assert read_credentials(tmp_path) is None


def test_there_may_be_none(tmp_path):
    assert read_credentials(tmp_path) is None
    (tmp_path / "credentials.env").write_bytes(b"\xff")
    assert read_credentials(tmp_path) is None


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(Refused, match="cannot be written"):
        write_credentials(tmp_path / "away", CREDENTIALS)


def test_a_folder_has_one_server(tmp_path):
    lock = FolderLock(tmp_path / "new" / "folder")
    with pytest.raises(Refused, match=f"another server \\(process {os.getpid()}\\) uses the data folder"):
        FolderLock(tmp_path / "new" / "folder")
    lock.release()
    FolderLock(tmp_path / "new" / "folder").release()
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"):
        FolderLock(tmp_path / "file")
