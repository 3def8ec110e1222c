"""The runner's notices on real ledgers, told over real sockets: each once to everybody, whoever dies on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.ledger.opening import open_ledger
from interact_gitops.ledger.protocol import FullLedger
from interact_gitops.notify.heralds import Herald
from interact_gitops.notify.posting import Web
from interact_gitops.notify.senders.webhook import WebhookSender
from interact_gitops.runner import events
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.telling import Teller

SPACE = "target acme/jobs"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOSTILE = "<!channel> @everyone \r\nBcc: x <script>alert(1)</script> \u202e"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FullLedger]:
    made = open_ledger("sqlite:///ledger.db", folder=tmp_path)
    yield made
    made.close()


@dataclass
class Ears:
    """Two receivers; `down` names those that answer 503."""

    url: str = ""
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    def ids(self, channel: str) -> list[str]:
        return [body["event"] for path, body in self.heard if path == f"/{channel}"]


@pytest.fixture
def ears() -> Iterator[Ears]:
    found = Ears()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            away = self.path.strip("/") in found.down
            if not away:
                found.heard.append((self.path, body))
            self.send_response(503 if away else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield found
        server.shutdown()


@pytest.fixture
def new_teller(ledger: FullLedger, ears: Ears) -> Callable[..., Teller]:
    web = Web(allowed=frozenset({"127.0.0.1"}), seconds=5.0, stopping=threading.Event())

    def make(owner: str = "r1", names: tuple[str, ...] = ("ops", "boss")) -> Teller:
        senders = {name: WebhookSender(url=f"{ears.url}/{name}", secret=None, web=web) for name in names}
        return Teller(ledger, SPACE, owner, Herald(senders=senders), Journal(teller=True))

    return make


def tell_all(teller: Teller, now: datetime = NOW) -> None:
    while teller.once(now):
        pass


def test_each_channel_hears_each_event_once(ledger: FullLedger, ears: Ears, new_teller) -> None:
    notices = [events.missed(f"job-{n}", NOW, NOW, 1) for n in range(5)]
    ledger.notify(SPACE, notices, now=NOW)
    tell_all(new_teller())
    ledger.notify(SPACE, notices, now=NOW)  # the same events, written once more
    tell_all(new_teller("r2"))
    for channel in ("ops", "boss"):
        assert sorted(ears.ids(channel)) == sorted(notice.id for notice in notices)
    _, body = ears.heard[0]
    assert body["topic"] == "missed_run"
    assert "A run was missed" in body["title"]


def test_two_events_with_one_text_are_two(ledger: FullLedger, ears: Ears, new_teller) -> None:
    one, two = (events.paused("job", 3, NOW + timedelta(hours=n)) for n in range(2))
    assert json.loads(one.body) == json.loads(two.body)
    ledger.notify(SPACE, [one, two], now=NOW)
    tell_all(new_teller())
    assert sorted(ears.ids("ops")) == sorted([one.id, two.id])


def test_a_channel_that_is_away_keeps_nothing_from_the_others(ledger: FullLedger, ears: Ears, new_teller) -> None:
    ears.down.add("boss")
    notice = events.missed("job", NOW, NOW, 1)
    ledger.notify(SPACE, [notice], now=NOW)
    teller = new_teller()
    tell_all(teller)
    assert (ears.ids("ops"), ears.ids("boss")) == ([notice.id], [])
    for minutes in range(1, 30):
        tell_all(teller, NOW + timedelta(minutes=minutes))
    ears.down.clear()
    tell_all(teller, NOW + timedelta(hours=2))
    assert (ears.ids("ops"), ears.ids("boss")) == ([notice.id], [notice.id])


def test_after_a_day_it_is_given_up(ledger: FullLedger, ears: Ears, new_teller) -> None:
    ears.down |= {"ops", "boss"}
    ledger.notify(SPACE, [events.missed("job", NOW, NOW, 1)], now=NOW)
    teller = new_teller()
    tell_all(teller)
    tell_all(teller, NOW + timedelta(days=1, minutes=1))
    ears.down.clear()
    tell_all(teller, NOW + timedelta(days=2))
    assert ears.heard == []
    assert teller._journal.counts["notice_missed_run"] == 1


def test_a_channel_that_is_no_longer_named(ledger: FullLedger, ears: Ears, new_teller) -> None:
    ears.down.add("boss")
    notice = events.missed("job", NOW, NOW, 1)
    ledger.notify(SPACE, [notice], now=NOW)
    tell_all(new_teller())
    ears.down.clear()
    tell_all(new_teller("r2", names=("ops",)), NOW + timedelta(hours=1))
    tell_all(new_teller("r3"), NOW + timedelta(hours=2))
    assert (ears.ids("ops"), ears.ids("boss")) == ([notice.id], [])


def test_hostile_names_arrive_as_text(ledger: FullLedger, ears: Ears, new_teller) -> None:
    ledger.notify(SPACE, [events.missed(HOSTILE, NOW, NOW, 1)], now=NOW)
    tell_all(new_teller(names=("ops",)))
    ((_, body),) = ears.heard
    assert "\n" not in body["title"]
    assert "\u202e" not in body["title"] + body["text"]


@pytest.mark.parametrize("step", ["after sending", "after writing for the channels", "before settling"])
def test_whoever_dies_on_the_way_costs_one_copy_at_most(ledger, ears, new_teller, monkeypatch, step) -> None:
    notices = [events.missed(f"job-{n}", NOW, NOW, 1) for n in range(3)]
    ledger.notify(SPACE, notices, now=NOW)

    class Killed(BaseException):
        pass

    def die(*_given: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        teller = new_teller("dead")
        if step == "after sending":
            real = Herald.tell
            patch.setattr(Herald, "tell", lambda *given, **more: (real(*given, **more), die()))
        elif step == "before settling":
            patch.setattr(ledger, "settle_notices", die)
        else:
            writing = ledger.notify
            patch.setattr(ledger, "notify", lambda *given, **more: (writing(*given, **more), die()))
        tell_all(teller)
    # Its lease ends.
    ledger.database.write(lambda s: s.do("UPDATE notices SET lease_until = lease_until - 100000"))
    tell_all(new_teller("heir"))
    for channel in ("ops", "boss"):
        found = ears.ids(channel)
        assert set(found) == {notice.id for notice in notices}
        assert len(found) <= len(notices) + 1
