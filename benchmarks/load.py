"""The embedded server under load: triggers at a steady rate while very many runs are in progress and others read.

`python -m benchmarks load [SECONDS]` starts `interact-gitops serve` as it is installed, twice. The first time nothing
disturbs it: what counts is how long calls take. The second time it is killed and later stopped in the middle, and
started again on the same port; clients send again what was not answered, with the same Idempotency-Key. Each time every
accepted trigger must have exactly one chat in the end.

Triggers come when they are due, however late the answers to earlier ones are, and are timed from when they were due.
"""

from __future__ import annotations

import os
import queue
import signal
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.served import Server

RATE = 50  # triggers a second
ACTIVE = 200  # runs in progress, once the first ones are
SECONDS = 60
SENDERS, READERS = 48, 6
READ_EVERY = 0.15  # seconds, of each reader
GIVE_UP = 60.0  # seconds after which a client that sends again and again has lost
ALLOWED_P99 = 0.250
SAMPLE_SHARE = 10  # one run in so many asks the sample warehouse; the others wait for a slow one

JOBS = {
    "slow": {"agent": {"slug": "patient"}, "prompts": [{"text": "Slowly", "query": "slow"}],
             "parameters": {"milliseconds": {"type": "integer"}}},
    "sample": {"agent": {"slug": "paid-search-analyst"},
               "prompts": [{"text": "How did they do?", "query": "campaign_performance"}]},
}  # fmt: skip

Json = dict[str, Any]


def main(seconds: float = SECONDS) -> None:
    """Print both tables; fails loudly when something was lost or a call took too long."""
    faults = []
    for disturbed in (False, True):
        with tempfile.TemporaryDirectory() as name:
            load = Load(folder=Path(name), seconds=seconds, disturbed=disturbed)
            load.run()
            load.print()
            faults += load.faults()
    if faults:
        raise SystemExit("\n".join(faults))


@dataclass(kw_only=True)
class Load:
    """One measurement."""

    folder: Path
    seconds: float
    disturbed: bool
    rate: float = RATE
    active: int = ACTIVE
    server: Server = field(init=False)
    jobs: dict[str, str] = field(init=False, default_factory=dict)
    took: dict[str, list[float]] = field(init=False, default_factory=lambda: defaultdict(list))
    accepted: dict[str, str] = field(init=False, default_factory=dict)
    repeated: Counter[str] = field(init=False, default_factory=Counter)
    errors: list[str] = field(init=False, default_factory=list)
    chats: list[Json] = field(init=False, default_factory=list)
    most_active: int = field(init=False, default=0)
    load_average: float = field(init=False, default=0.0)
    _ready: threading.Barrier = field(init=False, default_factory=lambda: threading.Barrier(SENDERS + READERS + 1))

    def run(self) -> None:
        """All of it, to the last chat's end."""
        self.server = Server(self.folder, workers=self.active + 50)
        self.server.start()
        try:
            with self._client() as client:
                self._prepare(client)
            self._send()
            self._count()
            self.load_average = os.getloadavg()[0]
        finally:
            self.server.end(signal.SIGTERM)

    def _prepare(self, client: httpx.Client) -> None:
        """The jobs, and one run of each: the first of a day makes the sample warehouse."""
        for key, one in JOBS.items():
            body = {
                "key": key,
                "name": key,
                "overlap": "allow",
                "retries": {"maxAttempts": 5, "backoffSeconds": 0},
                **one,
            }
            self.jobs[key] = _ok(client.post("/api/agents/jobs", json=body))["job"]["id"]
            more = {"parameters": {"milliseconds": 1}} if key == "slow" else {}
            self._trigger(client, key, more, f"first {key}")
        while _active(client):
            time.sleep(0.1)

    def _send(self) -> None:
        due: queue.SimpleQueue[tuple[float, int] | None] = queue.SimpleQueue()
        over = threading.Event()
        senders = [threading.Thread(target=self._sender, args=(due,)) for _ in range(SENDERS)]
        readers = [threading.Thread(target=self._reader, args=(number, over)) for number in range(READERS)]
        for thread in (*senders, *readers):
            thread.start()
        self._ready.wait()
        disturbing = threading.Thread(target=self._disturb)
        if self.disturbed:
            disturbing.start()
        began = time.monotonic()
        for number in range(int(self.rate * self.seconds)):
            at = began + number / self.rate
            time.sleep(max(0.0, at - time.monotonic()))
            due.put((at, number))
        for _ in senders:
            due.put(None)
        for thread in senders:
            thread.join()
        over.set()
        for thread in readers:
            thread.join()
        if self.disturbed:
            disturbing.join()

    def _sender(self, due: queue.SimpleQueue[tuple[float, int] | None]) -> None:
        with self._client() as client:
            self._ready.wait()
            while (one := due.get()) is not None:
                at, number = one
                key = "sample" if number % SAMPLE_SHARE == 0 else "slow"
                milliseconds = int(1_000 * self._run_seconds)
                more = {"parameters": {"milliseconds": milliseconds}} if key == "slow" else {}
                tries = self._trigger(client, key, more, f"{key} {number}")
                self.took["trigger" if tries == 1 else "trigger, sent again"].append(time.monotonic() - at)

    @property
    def _run_seconds(self) -> float:
        """How long a slow run has to take, so that `active` are in progress when one in `SAMPLE_SHARE` is quick."""
        return 1.15 * self.active / (self.rate * (1 - 1 / SAMPLE_SHARE))

    def _trigger(self, client: httpx.Client, job: str, body: Json, key: str) -> int:
        """Sends until it is answered; how often that was."""
        path = f"/api/agents/jobs/{self.jobs[job]}/trigger"
        answer, tries = self._call(client, "POST", path, headers={"Idempotency-Key": key}, json=body)
        if answer is not None:
            self.accepted[key] = answer["chat"]["id"]
        return tries

    def _call(self, client: httpx.Client, method: str, path: str, **more: Any) -> tuple[Json | None, int]:
        """The answer, and how often it was asked for; None when that was in vain."""
        deadline = time.monotonic() + GIVE_UP
        tries = 0
        while True:
            tries += 1
            try:
                answer = client.request(method, path, **more)
                if answer.is_success:
                    return answer.json() if answer.content.startswith(b"{") else {}, tries
                said = f"{method} {path}: {answer.status_code} {answer.text[:200]}"
                again = answer.status_code in {429, 503}
            except httpx.TransportError as error:
                said, again = f"{method} {path}: {type(error).__name__} {error}", True
            if not again or not self.disturbed or time.monotonic() > deadline:
                self.errors.append(said)
                return None, tries
            self.repeated[method] += 1
            time.sleep(0.1)

    def _reader(self, number: int, over: threading.Event) -> None:
        """What people and other programs look at meanwhile."""
        chat = next(iter(self.accepted.values()))
        reads: list[tuple[str, Mapping[str, str | int]]] = [
            ("/api/agents/chats", {"limit": 50}),
            (f"/api/agents/chats/{chat}", {}),
            ("/api/agents/jobs", {}),
            ("/api/agents/chats", {"status": "running", "limit": 50}),
            ("/api/agents/chats", {"jobId": self.jobs["sample"], "limit": 20}),
            ("/api/agents", {}),
            ("/readyz", {}),
            ("/metrics", {}),
            *((page, {}) for page in ("/", f"/jobs/{self.jobs['slow']}", f"/chats/{chat}", "/sync", "/settings")),
        ]
        with self._client() as client:
            self._ready.wait()
            while not over.wait(READ_EVERY):
                path, query = reads[number % len(reads)]
                number += 1
                began = time.monotonic()
                _, tries = self._call(client, "GET", path, params=query)
                kind = "read" if path.startswith(("/api/", "/readyz", "/metrics")) else "page"
                self.took[kind if tries == 1 else f"{kind}, asked again"].append(time.monotonic() - began)
                if number % 10 == 0 and tries == 1:
                    self.most_active = max(self.most_active, _active(client))

    def _disturb(self) -> None:
        """kill -9 after a third of the time, SIGTERM after two thirds; started again at once."""
        for number in (signal.SIGKILL, signal.SIGTERM):
            time.sleep(self.seconds / 3)
            self.server.end(number)
            self.server.start()

    def _count(self) -> None:
        """Waits until nothing is active, and reads every chat there is."""
        with self._client() as client:
            deadline = time.monotonic() + self.seconds + 120
            while _active(client):
                if time.monotonic() > deadline:
                    self.errors.append("runs are still in progress")
                    return
                time.sleep(0.2)
            query: dict[str, str | int] = {"limit": 500}
            while True:
                page = _ok(client.get("/api/agents/chats", params=query))
                self.chats += page["chats"]
                if page["nextCursor"] is None:
                    return
                query["cursor"] = page["nextCursor"]

    def _client(self) -> httpx.Client:
        # No certificates are read: that takes longer than the calls.
        return httpx.Client(base_url=self.server.url, headers=self.server.headers, timeout=30, verify=False)

    def faults(self) -> list[str]:
        """What must not have happened."""
        found = list(self.errors[:20])
        keys = Counter(chat["runKey"] for chat in self.chats)
        ids = {chat["runKey"]: chat["id"] for chat in self.chats}
        found += [f"{key} has {count} chats" for key, count in keys.items() if count > 1]
        found += [f"{key} was accepted and has no chat" for key in self.accepted if key not in keys]
        found += [
            f"{key} was answered with another chat" for key, chat in self.accepted.items() if ids.get(key) != chat
        ]
        found += [f"{key} has a chat that nobody asked for" for key in keys if key not in self.accepted]
        ends = Counter(chat["status"] for chat in self.chats)
        if set(ends) - {"completed"}:
            found.append(f"not all runs completed: {dict(ends)}")
        for kind in ("trigger", "read"):
            if not self.disturbed and quantile(self.took[kind], 0.99) > ALLOWED_P99:
                found.append(f"{kind}: the 99th percentile is over {ALLOWED_P99 * 1_000:.0f} ms")
        if not self.disturbed and self.most_active < self.active:
            found.append(f"at most {self.most_active} runs were in progress at a time, not {self.active}")
        if "Traceback" in self.server.log:
            found.append(self.server.log[-2_000:])
        return found

    def print(self) -> None:
        """The table."""
        how = "killed after a third, stopped after two thirds" if self.disturbed else "undisturbed"
        print(f"\n{self.rate:g} triggers a second for {self.seconds:g} s, {how}; load average {self.load_average:.1f}")
        print(f"{'':<24}{'calls':>8}{'p50 ms':>9}{'p99 ms':>9}{'longest':>9}")
        for kind in ("trigger", "trigger, sent again", "read", "read, asked again", "page", "page, asked again"):
            if times := self.took[kind]:
                cells = [1_000 * quantile(times, share) for share in (0.5, 0.99, 1.0)]
                print(f"{kind:<24}{len(times):>8,}" + "".join(f"{cell:>9.1f}" for cell in cells))
        ends = Counter(chat["status"] for chat in self.chats)
        print(f"chats: {len(self.chats):,} of {len(self.accepted):,} accepted triggers, {dict(ends)}; at most"
              f" {self.most_active} in progress; {sum(self.repeated.values())} calls sent again")  # fmt: skip
        print(f"server: {self.server.cpu:.1f} s of CPU, {self.server.peak:.0f} MiB at most", flush=True)


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed; 0 when there are none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _active(client: httpx.Client) -> int:
    """How many runs are queued or in progress, from the server's own count."""
    try:
        text = client.get("/metrics").text
    except httpx.TransportError:
        return 0
    wanted = ('interact_chats{status="queued"}', 'interact_chats{status="running"}')
    return sum(int(float(line.split()[-1])) for line in text.splitlines() if line.startswith(wanted))


def _ok(answer: httpx.Response) -> Json:
    if not answer.is_success:
        raise SystemExit(f"{answer.status_code} {answer.text[:500]}")
    found: Json = answer.json()
    return found
