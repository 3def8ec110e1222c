"""GitHub's REST API on loopback: comments, issues, statuses, pull requests and artifacts of one repository.

It pages, redirects downloads to another address, and answers with limits and refusals when it is told to.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BOT = {"login": "github-actions[bot]", "type": "Bot"}
TOKEN = "ghs_c4naryOfTheTests"  # of the double


@dataclass
class Api:
    """What is there, and what was asked. `trouble` are answers (status, headers) that come first."""

    url: str = ""
    pulls: list[dict[str, Any]] = field(default_factory=list)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    issues: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    artifacts: dict[int, list[tuple[str, bytes]]] = field(default_factory=dict)
    files: dict[int, list[dict[str, str]]] = field(default_factory=dict)
    origin: Path | None = None  # whose branches there are
    login: str = BOT["login"]
    odd: bytes | None = None  # what every answer is instead
    trouble: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)  # answers to what was made all the same
    asked: list[str] = field(default_factory=list)
    per_page: int = 100
    _ids: int = 1000

    def new_id(self) -> int:
        self._ids += 1
        return self._ids

    def pull(self, number: int, sha: str, *, repository: int = 9, owner: str = "fork", branch: str = "change") -> None:
        self.pulls = [one for one in self.pulls if one["number"] != number]
        head = {"sha": sha, "ref": branch, "repo": {"id": repository, "owner": {"login": owner}}}
        self.pulls.append({"number": number, "state": "open", "head": head})

    def keep(self, run: int, name: str, file: Path) -> None:
        """An artifact of one file, as the runner uploads it."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(file, file.name)
        self.artifacts.setdefault(run, []).append((name, packed.getvalue()))

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """(status, JSON)."""
        base = "/repos/acme/jobs"
        if not path.startswith(base):
            return 404, {"message": "Not Found"}
        path = path.removeprefix(base)
        if path == "/pulls" and method == "GET":
            listed = [one for one in self.pulls if one["state"] == query.get("state", "open")]
            owner, _, branch = query.get("head", ":").partition(":")
            return 200, [one for one in listed if not owner or (one["head"]["repo"]["owner"]["login"],
                                                                one["head"]["ref"]) == (owner, branch)]  # fmt: skip
        if (found := re.fullmatch(r"/pulls/(\d+)/files", path)) and method == "GET":
            return 200, self.files.get(int(found[1]), [])
        if (found := re.fullmatch(r"/git/ref/heads/(.+)", path)) and method == "GET":
            return self._branch(unquote(found[1]))
        if body and len(body.get("body") or "") > 65_536:
            return 422, {"message": "Validation Failed: body is too long (maximum is 65536 characters)"}
        if found := re.fullmatch(r"/issues/(\d+)/comments", path):
            listed = self.comments.setdefault(int(found[1]), [])
            if method == "GET":
                return 200, listed
            listed.append({"id": self.new_id(), "body": body["body"], "user": BOT})
            return 201, listed[-1]
        if (found := re.fullmatch(r"/issues/comments/(\d+)", path)) and method == "PATCH":
            comment = next(one for some in self.comments.values() for one in some if one["id"] == int(found[1]))
            comment["body"] = body["body"]
            return 200, comment
        if path == "/issues":
            if method == "GET":
                wanted, creator = query.get("state", "open"), query.get("creator")
                return 200, [one for one in self.issues if wanted in {one["state"], "all"}
                             and creator in {None, one["user"]["login"]}]  # fmt: skip
            issue = {"number": self.new_id(), "state": "open", "user": BOT, **body}
            self.issues.append(issue)
            return 201, issue
        if (found := re.fullmatch(r"/issues/(\d+)", path)) and method == "PATCH":
            issue = next(one for one in self.issues if one["number"] == int(found[1]))
            issue.update(body)
            return 200, issue
        if (found := re.fullmatch(r"/statuses/(\w{40})", path)) and method == "POST":
            if len(body["description"]) > 140:
                return 422, {"message": "description is too long (maximum is 140 characters)"}
            if max(body["description"], default="") > "\uffff":
                return 422, {"message": "description doesn't accept 4-byte Unicode"}
            self.statuses.append((found[1], body))
            return 201, {}
        if (found := re.fullmatch(r"/actions/runs/(\d+)/artifacts", path)) and method == "GET":
            kept = [{"id": int(found[1]) * 10 + n, "name": name, "expired": False, "size_in_bytes": len(raw)}
                    for n, (name, raw) in enumerate(self.artifacts.get(int(found[1]), []))]  # fmt: skip
            return 200, {"total_count": len(kept), "artifacts": kept}
        return 404, {"message": "Not Found"}

    def _branch(self, name: str) -> tuple[int, Any]:
        if self.origin is None:
            return 404, {"message": "Not Found"}
        done = subprocess.run(["git", "-C", str(self.origin), "rev-parse", "--verify", f"refs/heads/{name}"],
                              capture_output=True, text=True, check=False)  # fmt: skip
        if done.returncode:
            return 404, {"message": "Not Found"}
        return 200, {"ref": f"refs/heads/{name}", "object": {"type": "commit", "sha": done.stdout.strip()}}


@contextmanager
def github_api() -> Iterator[Api]:
    """The double, served."""
    api = Api()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            return

        def do_GET(self) -> None:
            self._handle()

        def do_POST(self) -> None:
            self._handle()

        def do_PATCH(self) -> None:
            self._handle()

        def _handle(self) -> None:
            split = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            api.asked.append(f"{self.command} {split.path}")
            if blob := re.fullmatch(r"/blob/(\d+)", split.path):
                assert "Authorization" not in self.headers, "the token is not for the store"
                number = int(blob[1])
                return self._raw(200, api.artifacts[number // 10][number % 10][1], {})
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self._say(401, {"message": "Bad credentials"})
            if api.trouble:
                status, headers = api.trouble.pop(0)
                forbidden = (status, headers) == (403, {})
                said = (
                    "Resource not accessible by integration"
                    if forbidden
                    else "You have exceeded a secondary rate limit"
                )
                return self._say(status, {"message": said}, headers)
            if api.odd is not None:
                return self._raw(200, api.odd, {})
            if split.path == "/graphql" and self.command == "POST":
                assert json.loads(raw) == {"query": "{viewer{login}}"}
                return self._say(200, {"data": {"viewer": {"login": api.login}}})
            if zipped := re.fullmatch(r"/repos/acme/jobs/actions/artifacts/(\d+)/zip", split.path):
                return self._say(302, None, {"Location": f"{api.url}/blob/{zipped[1]}"})
            status, value = api.answer(self.command, split.path, query, json.loads(raw) if raw else None)
            headers = {}
            if api.lost and self.command == "POST":
                return self._say(api.lost.pop(0), {"message": "Server Error"})
            if isinstance(value, list):
                size, page = min(api.per_page, int(query.get("per_page", 30))), int(query.get("page", 1))
                more = len(value) > page * size
                value = value[(page - 1) * size : page * size]
                if more:
                    headers["Link"] = f'<{api.url}{split.path}?per_page={size}&page={page + 1}>; rel="next"'
            return self._say(status, value, headers)

        def _say(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
            self._raw(status, b"" if value is None else json.dumps(value).encode(), headers or {})

        def _raw(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, text in headers.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        api.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield api
        finally:
            server.shutdown()
