"""Texts of agents and of warehouses: in pages, drawings, downloads and headers they are text."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import yaml

from interact_gitops.server.sample.warehouse import agents_file
from interact_gitops.server.serving import EmbeddedServer

from ..conftest import Api
from ..pages.conftest import Visitor, parse
from ..pages.test_security import check_inert

NASTY = [
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'--><svg onload=alert(1)>", "{{ 7*7 }}",
    "a\"b'c&d<e", "</title></style></textarea><b>", "javascript:alert(1)", "x\u202egpj\u2066", "]]><!--",
    "=cmd|' /C calc'!A0", "@SUM(1)", "+1+1", "-1+1", "\t=1+1", "\r=1+1", "a\r\nSet-Cookie: x=1", "\u2028line",
    "../../etc/passwd", "%0d%0aX: 1",
]  # fmt: skip


def quoted(text: str, mark: str) -> str:
    return mark + text.replace(mark, mark * 2) + mark


def hostile_agents() -> str:
    queries = []
    for number, nasty in enumerate(NASTY):
        name = re.sub(r"[\r\n\t\u2028]", " ", nasty)
        columns = [quoted(f"{name} {part}", '"') for part in ("x", "y", "s")]
        spelt = quoted(nasty.replace("\r", "¤"), "'")
        value = f"replace({spelt}, '¤', chr(13))"
        queries.append({
            "name": f"nasty_{number}", "title": name, "description": name,
            "sql": "select " + ", ".join(
                [f"{value} || n::varchar as {columns[0]}", f"n as {columns[1]}", f"{value} as {columns[2]}"]
            ) + " from range(5) t(n)",
            "answer": "**Said** {{ rows }}",
            "chart": {"type": ["bar", "line"][number % 2], "x": f"{name} x", "y": [f"{name} y"], "series": f"{name} s",
                      "title": name},
        })  # fmt: skip
    agent = {
        "slug": "nasty", "name": NASTY[0] + NASTY[1], "description": NASTY[2], "connector": {"type": "sample"},
        "queries": queries,
    }  # fmt: skip
    return yaml.safe_dump([agent], allow_unicode=False)


@pytest.fixture(scope="module")
def nasty_house(tmp_path_factory, sample):
    folder = tmp_path_factory.mktemp("nasty")
    agents = folder / "agents.yaml"
    indented = "".join(f"  {line}\n" for line in hostile_agents().splitlines())
    agents.write_text(agents_file().read_text(encoding="utf-8") + indented, encoding="utf-8")
    with EmbeddedServer(folder / "data", port=0, agents=agents, sample_folder=sample, scheduler=False) as server:
        yield server


@pytest.mark.parametrize("number", range(len(NASTY)))
def test_of_columns_rows_labels_and_titles(nasty_house, description, number):
    nasty = NASTY[number]
    visitor = Visitor(nasty_house)
    with visitor.http as http:
        api = Api(description, http, nasty_house.api_key, nasty_house.organization_id)
        job = api.create(agent={"slug": "nasty"}, prompts=[{"text": "x", "query": f"nasty_{number}"}])
        chat = api.run(job)
        assert chat["status"] == "completed", chat["error"]
        assert {one["kind"] for one in chat["documents"]} == {"query", "chart"}
        for path in ("/", f"/jobs/{job['id']}", f"/chats/{chat['id']}"):
            page = visitor.get(path)
            check_inert(visitor.last.text)
            allowed = {
                "svg",
                "rect",
                "line",
                "path",
                "g",
                "text",
                "title",
                "desc",
                "circle",
                "polyline",
                "use",
                "symbol",
            }
            for drawing in page.all("svg"):
                assert {one.tag for one in drawing.all()} <= allowed
        assert page.all("div", class_="chart-frame")
        for document in chat["documents"]:
            for form in ("csv", "json"):
                found = http.get(f"/chats/{chat['id']}/documents/{document['id']}.{form}")
                assert found.status_code == 200
                name = found.headers["content-disposition"]
                assert re.fullmatch(rf'attachment; filename="doc_[0-9a-z]+\.{form}"', name)
                assert "set-cookie" not in {key for key in found.headers if found.headers[key] == "x=1"}
                assert found.headers["x-content-type-options"] == "nosniff"
                if form == "csv":
                    rows = list(csv.reader(io.StringIO(found.text, newline="")))
                    assert len(rows) == 6
                    assert not [cell for row in rows for cell in row if re.match(r"[=+@\t\r-]", cell)]
                else:
                    body = json.loads(found.text)
                    assert nasty in body["document"]["rows"][0] or document["kind"] == "chart"


def test_the_address_of_a_download_decides_nothing_else(nasty_house, description):
    visitor = Visitor(nasty_house)
    with visitor.http as http:
        api = Api(description, http, nasty_house.api_key, nasty_house.organization_id)
        chat = api.run(api.create(agent={"slug": "nasty"}, prompts=[{"text": "x", "query": "nasty_0"}]))
        document = chat["documents"][0]["id"]
        for file in (".html", ".svg", "", ".csv.html", ".CSV", "%22.csv", ".csv%00", "%0d%0aX:1.csv", "/../x.csv"):
            answer = http.get(f"/chats/{chat['id']}/documents/{document}{file}")
            assert answer.status_code == 404, file
            parse(answer.text)
