"""agents.yaml: what is read, and how faults are said."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from jsonschema import Draft202012Validator

from interact_gitops.errors import ConfigurationInvalid
from interact_gitops.server.agents.agent import Chart, RowRule
from interact_gitops.server.agents.catalog import load_agents, parse_agents
from interact_gitops.shapes import schema

FOLDER = Path("/etc/interact")
WHOLE = r"""
agents:
  - slug: stock-analyst
    name: Stock Analyst
    description: Knows the stock.
    active: false
    context: Stock is counted in pieces.
    connector: {type: postgres, dsn: "postgresql://reader:${PASSWORD}@db/stock"}
    queries:
      - name: stock_level
        title: Stock level
        description: Pieces per product.
        questions: [How much stock is left?]
        parameters:
          product: {type: string, pattern: '^P\d+$', default: null, description: One product}
          least: {type: integer, default: 10}
        sql: |
          select product, pieces from stock where $product::text is null or product = $product
        answer: "{{ row.product }}: {{ row.pieces | number }}"
        chart: {type: bar, x: product, y: pieces, title: Stock}
        anomalies:
          - {when: pieces < least, message: "{{ product }} runs out", severity: error}
          - {when: pieces == 0, message: gone}
  - {slug: file-analyst, name: File Analyst, connector: {type: duckdb, path: sub/x.duckdb}}
"""


def parse(text: str, **environment: str):
    return parse_agents("agents.yaml", dedent(text).encode(), folder=FOLDER, environment=environment)


def problems(text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        parse(text, **environment)
    assert "agents.yaml" in caught.value.message
    return [str(problem) for problem in caught.value.problems]


def with_query(more: str, *, sql: str = "select 1 as one") -> str:
    base = "agents:\n  - slug: a\n    name: A\n    connector: {type: sample}\n    queries:\n"
    base += f"      - name: q\n        title: Q\n        sql: {sql!r}\n"
    return base + "".join(f"        {line}\n" for line in dedent(more).strip().splitlines())


def test_everything_is_read():
    stock, file = parse(WHOLE, PASSWORD="canary")
    assert (stock.slug, stock.name, stock.active) == ("stock-analyst", "Stock Analyst", False)
    assert stock.connector.dsn == "postgresql://reader:canary@db/stock"
    assert "canary" not in repr(stock)
    (query,) = stock.queries
    assert query.sql.startswith("select product")
    assert query.questions == ("How much stock is left?",)
    assert query.chart == Chart(type="bar", x="product", y=("pieces",), title="Stock")
    assert query.anomalies == (
        RowRule(when="pieces < least", message="{{ product }} runs out", severity="error"),
        RowRule(when="pieces == 0", message="gone", severity="warning"),
    )
    assert (file.active, file.description, file.context, file.queries) == (True, "", "", ())
    assert file.connector.path == FOLDER / "sub/x.duckdb"


def test_ids_follow_from_the_slug():
    first, second = parse(WHOLE, PASSWORD="x")
    assert first.id == parse(WHOLE, PASSWORD="y")[0].id
    assert first.id != second.id
    assert first.id.startswith("agt_")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agents: []", "agents.yaml:1:9: "),
        ("agent: []", "unknown field 'agent'"),
        ("", "0 YAML documents"),
        ("agents: [{slug: a, name: A, connector: {type: sample}}]\n---\nagents: []", "2 YAML documents"),
        ("agents: [{slug: a, name: A}]", "the field 'connector' is missing"),
        ("agents: [{slug: A, name: A, connector: {type: sample}}]", "'A' does not have the right form"),
        ("agents: [{slug: a, name: A, connector: {type: mysql}}]", "'mysql' is not allowed here"),
        ("agents: [{slug: a, name: A, connector: {type: sqlite}}]", "the field 'path' is missing"),
        ("agents: [{slug: a, name: A, connector: {type: sample, dsn: x}}]", "agents.yaml:1:"),
        ("agents: [{slug: a, name: A, connector: {type: sample}, colour: red}]", "unknown field 'colour'"),
        ("agents: [{slug: a, slug: b}]", "agents.yaml:1:"),
        ("agents:\n  - {slug: a, name: A, connector: {type: sample}}\n"
         "  - {slug: a, name: B, connector: {type: sample}}", "agents.yaml:3:12: the slug 'a' is taken"),
        ("agents: [{slug: a, name: A, connector: {type: postgres, dsn: '${NOWHERE}'}}]", "variable NOWHERE is not set"),
        (with_query("", sql="select $nowhere"), "$nowhere, which is not a parameter"),
        (with_query("", sql="select 'open"), "never closed"),
        (with_query("", sql="select pg_sleep(1)"), "pg_sleep, which reaches beyond the tables"),
        (with_query("chart: {type: line, x: a, y: b, sql: 'select $nowhere'}"), "$nowhere, which is not a parameter"),
        (with_query("answer: '{{ x'"), "agents.yaml:9:17: the answer cannot be written"),
        (with_query("anomalies: [{when: 'roas <', message: x}]"), "in the rule 'roas <'"),
        (with_query("anomalies: [{when: 'roas < 1', message: '{% x %}'}]"), "the answer cannot be written"),
        (with_query("parameters: {days: {type: integer, maximum: 5, default: 9}}"), "the default does not fit"),
        (with_query("parameters: {days: {type: array}}"), "'array' is not allowed here"),
        (with_query("parameters: {run_date: {type: string}}"), "run_date is always there"),
        (with_query("parameters: {id: {type: string, pattern: '('}}"), "not a regular expression"),
        (with_query("parameters: {id: {type: string, colour: red}}"), "unknown field 'colour'"),
    ],
)  # fmt: skip
def test_faults(text, said):
    assert said in "\n".join(problems(text))


def test_two_queries_of_one_name():
    text = with_query("description: x") + "      - {name: q, title: R, sql: select 2}\n"
    assert any("two queries 'q'" in line for line in problems(text))


def test_a_secret_is_in_no_problem():
    text = WHOLE.replace("slug: file-analyst", "slug: stock-analyst")
    assert "canary" not in "\n".join(problems(text, PASSWORD="canary-s3cret"))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationInvalid) as caught:
        load_agents(tmp_path / "agents.yaml", {})
    assert "cannot be read" in str(caught.value.problems[0])


def test_every_property_of_the_schema_is_described_with_an_example_that_fits():
    document = schema("agents.schema.json")

    def walk(node, path):
        for name, entry in node.get("properties", {}).items():
            if entry is False or "$ref" in entry:
                continue
            if "then" in path:
                continue
            assert entry.get("description"), (path, name)
            composite = entry.get("type") in ("array", "object") and "examples" not in entry
            assert composite or entry.get("examples"), (path, name)
            for example in entry.get("examples", ()):
                assert Draft202012Validator(document).evolve(schema=entry).is_valid(example), (path, name, example)
        if node.get("type") == "object":
            assert "additionalProperties" in node, path
            assert node.get("description"), path

    walk(document, "top")
    for name, entry in document["$defs"].items():
        walk(entry, name)
    Draft202012Validator.check_schema(document)
