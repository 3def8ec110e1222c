"""A stand-in for dbt Cloud's job API on loopback, for the peer dbt-jobs-as-code to talk to over a real socket.

It keeps what it is given and gives it back in the API's envelopes (v2 `jobs`, in pages of 100; v3 environment
variables, none), as far as that program's client asks: `python -m benchmarks.dbt_cloud` prints its address.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE = 100


class Jobs:
    """The account's jobs by id, and how many requests there were."""

    def __init__(self) -> None:
        self.by_id: dict[int, dict[str, Any]] = {}
        self.lock = threading.Lock()

    def write(self, body: dict[str, Any], number: int | None) -> dict[str, Any]:
        """Store a job, as a new one without `number`; returns it."""
        with self.lock:
            number = number or len(self.by_id) + 1
            self.by_id[number] = {**body, "id": number}
            return self.by_id[number]

    def page(self, offset: int) -> dict[str, Any]:
        """A page of the list, in its envelope."""
        with self.lock:
            found = list(self.by_id.values())
        return {
            "data": found[offset : offset + PAGE],
            "extra": {"filters": {"limit": PAGE, "offset": offset}, "pagination": {"total_count": len(found)}},
        }


class Connection(BaseHTTPRequestHandler):
    """One client's connection; kept open, as requests' sessions like it."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one segment
    disable_nagle_algorithm = True
    jobs: Jobs

    def do_GET(self) -> None:
        """The list, one job, or a job's environment variables."""
        url = urlsplit(self.path)
        if "/environment-variables/" in url.path:
            return self._answer({"data": {}})
        number = _number(url.path)
        if number is None:
            return self._answer(self.jobs.page(int(parse_qs(url.query).get("offset", ["0"])[0])))
        return self._answer({"data": self.jobs.by_id[number]})

    def do_POST(self) -> None:
        """Create a job, or replace one."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._answer({"data": self.jobs.write(body, _number(urlsplit(self.path).path))})

    def log_message(self, *_said: object) -> None:
        """Say nothing."""

    def _answer(self, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _number(path: str) -> int | None:
    """The id at the end of `…/jobs/ID/`."""
    last = path.rstrip("/").rpartition("/")[2]
    return int(last) if last.isdigit() else None


def main() -> None:
    """Serve until stopped."""
    kind = type("Account", (Connection,), {"jobs": Jobs()})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
