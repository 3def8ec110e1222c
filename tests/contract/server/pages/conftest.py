"""Pages over real HTTP, read as a browser reads them: parsed, forms filled in and sent as they stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from ..conftest import TEST_AGENTS, Api, Description

Json = dict[str, Any]
VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})

# Beside the queries of the API's tests: one that fails when it runs.
BROKEN = """
      - name: broken
        title: Broken
        sql: select error('the warehouse closed the door') as mood
"""


@dataclass
class Element:
    """An element with its attributes, what is inside, and all text below it."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    inside: list[Element | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(self.raw.split())

    @property
    def raw(self) -> str:
        return "".join(part if isinstance(part, str) else part.raw for part in self.inside)

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Elements below this one, by tag and attributes (`class_` for class, one of its words)."""
        found = []
        for part in self.inside:
            if isinstance(part, Element):
                fits = (tag is None or part.tag == tag) and all(
                    value in part.attributes.get("class", "").split()
                    if name == "class_"
                    else part.attributes.get(name.replace("_", "-")) == value
                    for name, value in attributes.items()
                )
                found += [part] if fits else []
                found += part.all(tag, **attributes)
        return found

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} of {tag} {attributes}"
        return found[0]


class _Reader(HTMLParser):
    """Strict where it matters: what is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self.at = Element("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"an attribute twice in {self.get_starttag_text()}"
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.inside.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.at.inside.append(Element(tag, {name: value or "" for name, value in attrs}, self.at))

    def handle_endtag(self, tag: str) -> None:
        assert self.at.tag == tag, f"</{tag}> closes <{self.at.tag}>"
        assert self.at.parent is not None
        self.at = self.at.parent

    def handle_data(self, data: str) -> None:
        self.at.inside.append(data)


def parse(text: str) -> Element:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.at is reader.root, f"<{reader.at.tag}> is not closed"
    identifiers = [one.attributes["id"] for one in reader.root.all() if "id" in one.attributes]
    assert len(identifiers) == len(set(identifiers)), "an id twice"
    return reader.root


class Visitor:
    """A browser without scripts, cookies kept."""

    def __init__(self, server: EmbeddedServer) -> None:
        self.http = httpx.Client(base_url=server.url, timeout=30)
        self.url = server.url
        self.last: httpx.Response | None = None

    def get(self, path: str, status: int = 200) -> Element:
        self.last = self.http.get(path)
        assert self.last.status_code == status, (self.last.status_code, parse(self.last.text).one("main").text)
        return parse(self.last.text)

    def send(self, form: Element, status: int = 303, **values: str | None) -> httpx.Response:
        """Sends a form as it stands, with some fields filled in (None: left out, as an unchecked box is)."""
        data = self.fields(form)
        for name, value in values.items():
            key = name if name in data or name in {"what", "reason", "max_parallel"} else f"p.{name}"
            if value is None:
                data.pop(key, None)
            else:
                data[key] = value
        self.last = self.post(form.attributes["action"], data)
        assert self.last.status_code == status, (self.last.status_code, self.last.text[-3000:])
        return self.last

    def post(self, path: str, data: Json, **headers: str) -> httpx.Response:
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"}
        return self.http.post(path, data=data, headers={**own, **headers})

    def follow(self) -> Element:
        assert self.last is not None
        return self.get(self.last.headers["Location"].partition("#")[0])

    @staticmethod
    def fields(form: Element) -> dict[str, str]:
        """What a browser would send of a form that nobody touched."""
        data = {}
        for one in form.all():
            name = one.attributes.get("name")
            if one.tag == "input" and name:
                if one.attributes.get("type") in {"checkbox", "radio"} and "checked" not in one.attributes:
                    continue
                data[name] = one.attributes.get("value", "")
            elif one.tag == "textarea" and name:
                data[name] = "".join(part for part in one.inside if isinstance(part, str)).removeprefix("\n")
            elif one.tag == "select" and name:
                options = one.all("option")
                chosen = [option for option in options if "selected" in option.attributes] or options[:1]
                data[name] = chosen[0].attributes["value"]
        return data


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Iterator[EmbeddedServer]:
    """A server of the pages' own: they show its first organisation."""
    folder: Path = tmp_path_factory.mktemp("pages")
    agents = folder / "agents.yaml"
    agents.write_text(agents_file().read_text(encoding="utf-8") + TEST_AGENTS.rstrip() + BROKEN, encoding="utf-8")
    with EmbeddedServer(folder / "data", port=0, agents=agents, sample_folder=sample) as server:
        yield server


@pytest.fixture(scope="session")
def owner(house: EmbeddedServer, description: Description) -> Iterator[Api]:
    """The API of the organisation that the pages show."""
    with httpx.Client(base_url=house.url, timeout=30) as http:
        yield Api(description, http, house.api_key, house.organization_id)


@pytest.fixture
def visitor(house: EmbeddedServer) -> Iterator[Visitor]:
    found = Visitor(house)
    with found.http:
        yield found


@pytest.fixture
def busy(owner: Api) -> Iterator[Callable[..., Json]]:
    """Makes jobs whose runs do not end by themselves; they are stopped after the test."""
    made: list[Json] = []

    def job(**changes: Any) -> Json:
        made.append(owner.create(prompts=[{"text": "For ever", "query": "endless"}], **changes))
        return made[-1]

    yield job
    for one in made:
        for status in ("queued", "running"):
            for chat in owner.all("/api/agents/chats", "chats", jobId=one["id"], status=status):
                owner("POST", f"/api/agents/chats/{chat['id']}/cancel")


def run_form(page: Element) -> Element:
    return next(form for form in page.all("form") if re.fullmatch(r"/jobs/[^/]+/run", form.attributes["action"]))


def form_to(page: Element, ending: str) -> Element:
    return next(form for form in page.all("form") if form.attributes["action"].endswith(ending))
