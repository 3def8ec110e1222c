"""GitHub's REST API, as far as workflows need it: one repository, one token, JSON.

Source: GitHub's REST documentation, version 2022-11-28. Lists come in pages, named by the header `Link`. Limits come as
429, or as 403 with `Retry-After`, `x-ratelimit-remaining: 0` or the words "rate limit", and go by; every other 4xx
stays.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx

from interact_gitops.errors import Failure, Refused
from interact_gitops.planning.rendering.styled import visible

SECONDS = 20.0
TRIES, LONGEST_PAUSE = 4, 60.0
MOST_PAGES = 50
MOST_BYTES = 20 << 20
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_FOUND = "run this job again: what was made all the same is found, and edited"
_NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="next"')


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHub:
    """A repository there. `api` is the address of the API, without a slash at its end, `graphql` that of the other."""

    api: str
    graphql: str
    repository: str
    token: str = field(repr=False)
    sleep: Callable[[float], None] = time.sleep

    def get(self, path: str, **query: str | int) -> Any:
        """One answer's JSON. `path` begins after the repository. Raises Failure."""
        return _json(self._send("GET", self._url(path), params=query))

    def pages(self, path: str, *, key: str | None = None, **query: str | int) -> Iterator[Any]:
        """The entries of a list, page by page; `key` where it is a part of the answer. Raises Failure."""
        url = self._url(path)
        params: Mapping[str, str | int] | None = {"per_page": 100, **query}
        for _ in range(MOST_PAGES):
            answer = self._send("GET", url, params=params)
            said = _json(answer)
            listed = said.get(key) if key and isinstance(said, dict) else said
            if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
                raise Failure("GitHub answered with something else than a list", remedy="check GITHUB_API_URL")
            yield from listed
            following = _NEXT.search(answer.headers.get("link", ""))
            if following is None:
                return
            url, params = following[1], None  # not {}, which would take the query away
            if not url.startswith(f"{self.api}/"):
                raise Failure("GitHub named a page of a list at another address", remedy="check GITHUB_API_URL")
        said = f"a list at GitHub has more than {MOST_PAGES} pages: {urlsplit(url).path}"
        raise Failure(said, remedy="nothing is done, since what is looked for may be on a later one")

    def post(self, path: str, body: Mapping[str, object], *, once: bool = False) -> Any:
        """Make something; the answer's JSON. `once`: a second time would make another, so it is not sent again where
        nobody knows whether it was made. Raises Failure."""
        return _json(self._send("POST", self._url(path), json=body, once=once))

    def patch(self, path: str, body: Mapping[str, object]) -> Any:
        """Change something; the answer's JSON. Raises Failure."""
        return _json(self._send("PATCH", self._url(path), json=body))

    def login(self) -> str:
        """Who writes with this token, such as `github-actions[bot]`. Raises Failure.

        Only the other API tells that of the tokens of workflows and apps (`viewer`).
        """
        said = _json(self._send("POST", self.graphql, json={"query": "{viewer{login}}"}))
        try:
            return str(said["data"]["viewer"]["login"])
        except (KeyError, TypeError) as error:
            raise Failure("GitHub does not say whose token this is", remedy="check GITHUB_TOKEN") from error

    def download(self, path: str) -> bytes:
        """What an address of the API leads to, which is elsewhere: there the token does not go. Raises Failure."""
        answer = self._send("GET", self._url(path), follow=False)
        place = answer.headers.get("location")
        if answer.status_code not in {301, 302, 307, 308} or not place:
            return answer.content
        with self._connected() as client:
            try:
                with client.stream("GET", place) as found:
                    found.raise_for_status()
                    return _bounded(found.iter_bytes())
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Failure(f"what GitHub led to cannot be fetched: {type(error).__name__}") from error

    def _url(self, path: str) -> str:
        return f"{self.api}/repos/{self.repository}{path}"

    def _connected(self) -> httpx.Client:
        return httpx.Client(timeout=SECONDS, follow_redirects=False)

    def _send(
        self, method: str, url: str, *, params: Mapping[str, str | int] | None = None, json: object = None,
        follow: bool = True, once: bool = False,
    ) -> httpx.Response:  # fmt: skip
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json",
                   "X-GitHub-Api-Version": "2022-11-28"}  # fmt: skip
        what = f"{method} {urlsplit(url).path}"
        for attempt in range(1, TRIES + 1):
            try:
                with self._connected() as client:
                    answer = client.request(method, url, params=params, json=json, headers=headers)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                if once or attempt == TRIES:
                    said = f"GitHub does not answer {what}: {type(error).__name__}"
                    raise Failure(said, remedy=_FOUND if once else None) from error
                self.sleep(2.0**attempt)
                continue
            pause = None if once and answer.status_code >= 500 else _pause(answer, attempt)
            if pause is not None and attempt < TRIES:
                self.sleep(pause)
                continue
            if answer.is_success or (answer.is_redirect and not follow):
                return answer
            raise _refusal(answer, what, once=once)
        raise AssertionError  # the last attempt returned or raised


def github_of(environ: Mapping[str, str]) -> GitHub:
    """The repository of the workflow that runs, as its runner names it. Raises Refused outside of one."""
    token, repository = environ.get("GITHUB_TOKEN", ""), environ.get("GITHUB_REPOSITORY", "")
    if not token:
        raise Refused("GITHUB_TOKEN is not set", remedy="give the step `GITHUB_TOKEN: ${{ github.token }}` under env")
    if not _REPOSITORY.fullmatch(repository):
        raise Refused("GITHUB_REPOSITORY is not OWNER/NAME", remedy="run this in a workflow of GitHub")
    api = environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    graphql = environ.get("GITHUB_GRAPHQL_URL", f"{api}/graphql")
    return GitHub(api=api, graphql=graphql, repository=repository, token=token)


def _pause(answer: httpx.Response, attempt: int) -> float | None:
    """Seconds until it is worth another try; None when it is not."""
    asked, left = answer.headers.get("retry-after"), answer.headers.get("x-ratelimit-remaining")
    said = asked is not None or left == "0" or "rate limit" in _message(answer).lower()
    if not (answer.status_code == 429 or (answer.status_code == 403 and said)) and answer.status_code < 500:
        return None
    return min(float(asked) if asked and re.fullmatch("[0-9]{1,9}", asked) else 2.0**attempt, LONGEST_PAUSE)


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError) as error:
        raise Failure("GitHub answered with something else than JSON", remedy="check GITHUB_API_URL") from error


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))
    except (ValueError, AttributeError, RecursionError):
        return ""


def _refusal(answer: httpx.Response, what: str, *, once: bool) -> Failure:
    said = visible(_message(answer) or answer.reason_phrase)[:200]
    remedies = {
        401: "check GITHUB_TOKEN", 404: "check GITHUB_REPOSITORY and what the token may see",
        403: "give the job the permission that this needs; the token of a fork's pull request can only read",
    }  # fmt: skip
    remedy = _FOUND if once and answer.status_code >= 500 else remedies.get(answer.status_code)
    return Failure(f"GitHub refuses {what}: {answer.status_code} {said}", remedy=remedy)


def _bounded(parts: Iterator[bytes]) -> bytes:
    content = b""
    for part in parts:
        content += part
        if len(content) > MOST_BYTES:
            raise Failure(f"what GitHub led to is larger than {MOST_BYTES >> 20} MiB")
    return content
