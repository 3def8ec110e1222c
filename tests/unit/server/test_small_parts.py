"""Keys, fingerprints, the stop signal, rates, CSV."""

from __future__ import annotations

import csv
import io
import re
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.server.api.chats import write_csv
from interact_gitops.server.identity import fingerprint, key_digest, new_api_key, own_run_key
from interact_gitops.server.runs.stopping import StopSignal


def test_api_keys_are_as_documented():
    key = new_api_key()
    assert re.fullmatch(r"int_[A-Za-z0-9]{48}", key)
    assert key != new_api_key()
    assert key_digest(key) == key_digest(key) != key_digest(key[:-1])


def test_own_run_keys_sort_by_time():
    pattern = r"a-job![0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    keys = []
    for _ in range(3):
        keys.append(own_run_key("a-job"))
        time.sleep(0.002)
    assert all(re.fullmatch(pattern, key) for key in keys)
    assert keys == sorted(keys)


def test_fingerprints_tell_secrets_apart_and_need_the_servers_key():
    assert fingerprint("a", under=b"k") == fingerprint("a", under=b"k")
    assert len({fingerprint("a", under=b"k"), fingerprint("b", under=b"k"), fingerprint("a", under=b"l")}) == 3


def test_the_first_reason_to_stop_counts():
    signal = StopSignal(60)
    assert (signal.is_set(), signal.reason) == (False, None)
    signal.stop("cancelled")
    signal.stop("shutdown")
    assert (signal.is_set(), signal.reason) == (True, "cancelled")


def test_a_signal_sets_itself_at_its_deadline():
    signal = StopSignal(0.05)
    assert signal.wait()
    assert signal.reason == "timeout"
    assert StopSignal(0).is_set()


def test_waiting_for_a_signal():
    signal = StopSignal(60)
    assert not signal.wait(0.01)
    threading.Timer(0.02, signal.stop, ["shutdown"]).start()
    assert signal.wait(5)


def test_csv_says_what_json_says():
    rows = [[1, 'a,"b"\nc', None, True, 0.5, ["x", {"y": 1}]], [2, "", 0, False, -1, "-5"]]
    text = write_csv(["n", "text", "null", "flag", "float", "deep"], rows).decode()
    assert text.split("\r\n")[0] == "n,text,null,flag,float,deep"
    assert list(csv.reader(io.StringIO(text)))[1:] == [
        ["1", 'a,"b"\nc', "", "true", "0.5", '["x",{"y":1}]'],
        ["2", "", "0", "false", "-1", "-5"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text):
    found = next(csv.reader(io.StringIO(write_csv([text], [[text]]).decode(), newline="")))
    assert found == ["'" + text]


@given(st.lists(st.lists(st.text(alphabet=st.characters(codec="utf-8")), min_size=2, max_size=2), max_size=5))
def test_csv_keeps_texts(rows):
    text = write_csv(["a", "b"], rows).decode()
    found = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert [[cell.removeprefix("'") for cell in row] for row in found] == [
        [cell.removeprefix("'") for cell in row] for row in rows
    ]
