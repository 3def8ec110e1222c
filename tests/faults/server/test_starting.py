"""Starts that cannot be, and starts after something went wrong."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing

import httpx
import pytest

from interact_gitops.errors import ConfigurationInvalid, Refused
from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.serving import EmbeddedServer


def test_the_first_start_makes_an_organisation_and_a_key_and_later_ones_keep_them(serve, visit):
    first = serve()
    file = first.data / "credentials.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.data.stat().st_mode) == 0o700
    made = read_credentials(first.data)
    assert (made.url, made.api_key, made.organization_id) == (first.url, first.api_key, first.organization_id)
    assert visit(first).ok("GET", "/api/agents/jobs") == {"jobs": [], "nextCursor": None}
    first.stop()

    second = serve()
    assert (second.api_key, second.organization_id) == (first.api_key, first.organization_id)
    assert read_credentials(second.data).url == second.url
    assert visit(second)("GET", "/api/agents/jobs").status_code == 200
    again = file.read_bytes()
    port = second.options.port
    second.stop()
    third = serve(port=port)
    assert third.url == second.url
    assert file.read_bytes() == again


@pytest.mark.parametrize("damage", ["gone", "empty", "another key"])
def test_lost_credentials_are_made_anew_for_the_same_organisation(serve, visit, damage):
    first = serve()
    job = visit(first).job("kept", "quick")
    first.stop()
    file = first.data / "credentials.env"
    if damage == "gone":
        file.unlink()
    else:
        key = "int_" + "x" * 48 if damage == "another key" else ""
        file.write_text(
            f"INTERACT_URL=http://127.0.0.1:1\nINTERACT_API_KEY={key}\nINTERACT_ORG_ID={first.organization_id}\n"
        )
    second = serve()
    assert second.api_key != first.api_key
    assert visit(second).ok("GET", f"/api/agents/jobs/{job['id']}")["job"] == job


def test_a_data_folder_has_one_server(serve):
    first = serve()
    with pytest.raises(Refused, match=f"another server \\(process {os.getpid()}\\) uses the data folder"):
        serve()
    assert httpx.get(f"{first.url}/readyz").status_code == 200


def test_a_port_that_is_taken(serve):
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Refused, match=f"cannot listen on 127.0.0.1 port {port}: Address already in use") as caught:
            serve(port=port)
        assert "--port" in caught.value.remedy
    serve(port=port)  # everything that the failed start took was given back


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "interact.example"])
def test_other_machines_are_not_served_unless_it_is_allowed(serve, host):
    with pytest.raises(Refused, match="reachable from other machines"):
        serve(host=host)


def test_a_remote_host_when_it_is_allowed(serve):
    server = serve(host="0.0.0.0", allow_remote=True)
    answer = httpx.get(f"http://127.0.0.1:{server.options.port}/healthz", headers={"Host": "interact.example"})
    assert answer.status_code == 200


def test_a_host_that_does_not_exist(serve):
    with pytest.raises(Refused, match="cannot listen on"):
        serve(host="192.0.2.1", allow_remote=True)
    with pytest.raises(Refused, match="cannot listen on"):
        serve(port=70_000)


def test_bad_agents_are_told_and_nothing_is_held(serve, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("agents:\n  - slug: A\n")
    with pytest.raises(ConfigurationInvalid):
        serve(agents=bad)
    serve()


def test_a_newer_store_is_left_alone(serve):
    first = serve()
    first.stop()
    with closing(sqlite3.connect(first.data / "interact.db")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(Refused, match="has schema 99"):
        serve()


def test_a_corrupt_store_is_a_clear_line(serve):
    first = serve()
    first.stop()
    (first.data / "interact.db").write_bytes(b"\0" * 10_000)
    with pytest.raises(Refused, match=r"cannot be used|another program"):
        serve()


def test_stopping_twice_is_stopping_once(tmp_path):
    with EmbeddedServer(tmp_path / "data") as server:
        server.stop()
        server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)


def test_keys_need_a_permission(serve):
    server = serve()
    for wrong in ((), ("agent_jobs_read", "everything")):
        with pytest.raises(Refused, match="at least one of the permissions"):
            server.create_key(wrong)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.5])
def test_a_server_that_is_stopped_while_it_makes_its_warehouse_ends_cleanly(tmp_path, seconds):
    """Not by an abort in the engine's threads, and with nothing said."""
    command = [sys.executable, "-m", "interact_gitops", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert process.stdout is not None
    assert "served at" in process.stdout.readline()
    time.sleep(seconds)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, f"\nstopped; everything is kept in {tmp_path / 'data'}\n")
