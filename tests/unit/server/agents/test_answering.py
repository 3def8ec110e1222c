"""From a question to blocks, documents and anomalies, over the shipped sample."""

from __future__ import annotations

import json
import threading
from datetime import date

import pytest

from interact_gitops.errors import ParametersInvalid
from interact_gitops.jobs.wire import canonical_json
from interact_gitops.server.agents.agent import Agent, Chart, RowRule, VerifiedQuery
from interact_gitops.server.agents.answering import MOST_ANOMALIES, Answer, Question, answer
from interact_gitops.server.agents.catalog import load_agents
from interact_gitops.server.agents.connectors.connector import Limits, QueryFailed
from interact_gitops.server.agents.connectors.opening import ConnectorConfig, open_connector
from interact_gitops.server.agents.matching import NoMatch
from interact_gitops.server.sample.warehouse import agents_file

TODAY = date(2026, 11, 23)  # the day of conftest.py's sample
AGENTS = {agent.slug: agent for agent in load_agents(agents_file(), {})}
SAMPLE = ConnectorConfig(kind="sample")


@pytest.fixture
def connector(sample_folder):
    made = open_connector(SAMPLE, sample_folder=sample_folder, today=lambda: TODAY)
    yield made
    made.close()


@pytest.fixture
def ask(connector):
    def run(text: str, *, agent: str | Agent = "paid-search-analyst", **more) -> Answer:
        who = AGENTS[agent] if isinstance(agent, str) else agent
        return answer(who, connector, Question(text=text, run_date=more.pop("run_date", TODAY), **more))

    return run


def one_query(**more) -> Agent:
    query = VerifiedQuery(**{"name": "q", "title": "Q", "sql": "select 1 as one", **more})
    return Agent(slug="a", name="A", connector=SAMPLE, queries=(query,))


def texts(found: Answer) -> str:
    return "\n".join(block["text"] for block in found.blocks if "text" in block)


def test_one_campaign(ask):
    long = {"campaign_id": "CMP-2026-002", "days": 7, "roas_floor": 2.0, "audience": "team"}
    found = ask("How did it perform?", query="campaign_performance", parameters=long)
    assert found.failure is None
    assert [block["type"] for block in found.blocks] == ["report", "text", "chart", "table", "query"]
    assert "Running shoes | Germany" in texts(found)
    assert "below the floor of 2.00" in texts(found)
    rows, chart = found.documents
    assert (rows["kind"], rows["rowCount"], rows["truncated"], rows["engine"]) == ("query", 1, False, "duckdb")
    assert rows["parameters"] == {"campaign_id": "CMP-2026-002", "days": 7, "run_date": "2026-11-23"}
    assert rows["rows"][0][0] == "CMP-2026-002"
    assert "$campaign_id" in rows["sql"]
    assert chart["chart"] == {"type": "line", "x": "date", "y": ["roas"], "series": "campaign"}
    assert chart["rowCount"] == len(chart["rows"]) == 28
    assert [column["name"] for column in chart["columns"]] == ["date", "roas", "campaign"]
    ids = [document["id"] for document in found.documents]
    assert len(set(ids)) == 2
    assert {block["document"] for block in found.blocks if "document" in block} == set(ids)
    (anomaly,) = found.anomalies
    assert (anomaly.query, anomaly.severity) == ("campaign_performance", "warning")
    assert anomaly.row["campaign_id"] == "CMP-2026-002"
    json.dumps([found.blocks, found.documents], allow_nan=False)


def test_all_campaigns_with_no_parameter_given(ask):
    found = ask("query: campaign_performance")
    assert found.failure is None
    assert found.documents[0]["rowCount"] == 11
    assert [(anomaly.row["campaign_id"], anomaly.severity) for anomaly in found.anomalies] == [
        ("CMP-2026-002", "warning"),
        ("CMP-2026-004", "error"),
    ]
    assert "11 campaigns spent €" in texts(found)


def test_the_campaign_is_read_from_the_question(ask):
    found = ask("Analyse the performance of campaign CMP-2026-001 and say if ROAS dropped below the floor.")
    assert found.documents[0]["parameters"]["campaign_id"] == "CMP-2026-001"
    assert found.anomalies == ()


DATES = [TODAY, date(2026, 5, 1), date(2027, 1, 1)]
QUERIES = [
    (agent.slug, query.name, run_date)
    for agent in AGENTS.values()
    for query in agent.queries
    for run_date in DATES
    if not (query.name == "search_term_waste" and run_date == DATES[1])  # search terms go back 90 days only
]


@pytest.mark.parametrize(("agent", "query", "run_date"), QUERIES)
def test_every_sample_query_answers_with_no_parameter_given(ask, agent, query, run_date):
    found = ask(f"query: {query}", agent=agent, run_date=run_date)
    assert found.failure is None, found.failure
    assert found.documents[0]["rowCount"] > 0
    report = found.blocks[0]
    assert report["type"] == "report"
    assert "{{" not in report["text"]
    assert "None" not in report["text"]
    assert "\n\n\n" not in report["text"]
    assert not report["text"].endswith(":")


def test_the_same_question_gives_the_same_rows(ask):
    first, second = ask("query: market_summary"), ask("query: market_summary")
    assert [d["sha256"] for d in first.documents] == [d["sha256"] for d in second.documents]
    assert [d["id"] for d in first.documents] != [d["id"] for d in second.documents]


def test_the_stories_are_there(ask):
    over = {anomaly.row["campaign_id"]: anomaly.severity for anomaly in ask("query: budget_pacing").anomalies}
    assert over == {"CMP-2026-007": "warning", "CMP-2026-011": "info"}
    (returned,) = ask("query: returns_watch", agent="ecommerce-analyst").anomalies
    assert returned.row["product"] == "Glide Trail Shoe"
    markets = {row[0]: row for row in ask("query: market_summary").documents[0]["rows"]}
    growth = {market: row[2] / row[6] for market, row in markets.items()}
    assert max(growth, key=growth.__getitem__) == "FR"
    assert growth["FR"] > 1.1


def test_no_rows_is_said(ask):
    found = ask("query: campaign_performance", parameters={"campaign_id": "CMP-2020-999"})
    assert found.failure is None
    assert "No rows were found for campaign_id CMP-2020-999" in texts(found)
    assert [block["type"] for block in found.blocks] == ["report", "table", "query"]


def test_no_match_is_a_failure_that_names_the_nearest(ask):
    found = ask("What is the weather?")
    assert isinstance(found.failure, NoMatch)
    (block,) = found.blocks
    assert (block["type"], block["kind"]) == ("error", "no_match")
    assert "nearest: " in block["remedy"]


def test_bad_parameters_are_a_failure(ask):
    found = ask("query: campaign_performance", parameters={"days": 0})
    assert isinstance(found.failure, ParametersInvalid)
    assert found.blocks[0]["kind"] == "invalid"
    assert found.documents == ()


def test_a_failed_query_is_a_failure(ask):
    found = ask("query: q", agent=one_query(sql="select no_such_column from campaigns"))
    assert isinstance(found.failure, QueryFailed)
    assert found.blocks[0]["kind"] == "failed"


def test_cancelled_and_timed_out(ask):
    cancelled = threading.Event()
    cancelled.set()
    found = ask("query: campaign_performance", cancelled=cancelled)
    assert found.blocks[-1]["kind"] == "cancelled"
    endless = one_query(
        sql="select count(*) as n from range(100000000) a, range(1000000) b where a.range % 7 = b.range"
    )
    assert ask("query: q", agent=endless, limits=Limits(timeout_seconds=0.2)).blocks[-1]["kind"] == "timeout"


def test_what_was_found_before_a_failure_is_kept(ask):
    chart = Chart(type="bar", x="one", y=("two",), title="Chart")
    found = ask("query: q", agent=one_query(chart=chart))
    assert "draws the column 'two'" in found.failure.message
    assert "its columns are one" in found.failure.remedy
    assert [block["type"] for block in found.blocks] == ["report", "error"]
    assert len(found.documents) == 1


def test_a_chart_of_the_querys_own_rows(ask):
    sql = "select i as x, i * i as y, 'unused' as z from range(3) r(i)"
    found = ask("query: q", agent=one_query(sql=sql, chart=Chart(type="bar", x="x", y=("y",))))
    rows, chart = found.documents
    assert chart["rows"] == [[0, 0], [1, 1], [2, 4]]
    assert chart["title"] == "Q"
    assert chart["sha256"] != rows["sha256"]
    assert canonical_json(chart["columns"]) == '[{"name":"x","type":"BIGINT"},{"name":"y","type":"BIGINT"}]'


def test_a_template_or_rule_that_fails_is_a_failure(ask):
    assert "nowhere" in ask("query: q", agent=one_query(answer="{{ nowhere }}")).failure.message
    rule = RowRule(when="nowhere > 1", message="x")
    assert "nowhere" in ask("query: q", agent=one_query(anomalies=(rule,))).failure.message


def test_truncation_is_said_and_anomalies_are_capped(ask):
    rule = RowRule(when="i >= 0", message="row {{ i }}")
    agent = one_query(sql="select i from range(200) r(i)", anomalies=(rule,))
    found = ask("query: q", agent=agent, limits=Limits(max_rows=100))
    assert "cut off after 100 rows" in texts(found)
    assert found.blocks[-2]["truncated"] is True
    assert len(found.anomalies) == MOST_ANOMALIES


def test_without_a_template_the_rows_are_counted(ask):
    assert texts(ask("query: q", agent=one_query())) == "Q: 1 row."


def test_text_from_a_prompt_never_becomes_sql(ask):
    agent = one_query(sql="select $name as said", parameters={"name": {"type": "string"}})
    text = "'; drop table campaigns; --"
    assert ask("query: q", agent=agent, parameters={"name": text}).documents[0]["rows"] == [[text]]
