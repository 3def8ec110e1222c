"""Which query answers which question."""

from __future__ import annotations

import random

import pytest

from interact_gitops.server.agents.agent import VerifiedQuery
from interact_gitops.server.agents.catalog import load_agents
from interact_gitops.server.agents.matching import NoMatch, match, scores, stems
from interact_gitops.server.sample.warehouse import agents_file

AGENTS = {agent.slug: agent for agent in load_agents(agents_file(), {})}
PAID = AGENTS["paid-search-analyst"].queries
SHOP = AGENTS["ecommerce-analyst"].queries


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "Analyse campaign CMP-2026-001 for the 7 days before 2026-11-23.\nHighlight it if ROAS dropped below 2.",
            "campaign_performance",
        ),
        ("Weekly Campaign Performance Report", "campaign_performance"),
        ("Analyse campaign CMP-2026-001", "campaign_performance"),
        ("How are campaigns doing?", "campaign_performance"),
        ("How did CMP-2026-002 perform in the last 14 days?", "campaign_performance"),
        ("Give me yesterday's ROAS per campaign", "campaign_performance"),
        ("Check pacing", "budget_pacing"),
        ("Audit keywords", "keyword_quality"),
        ("How are our campaigns performing? Keep it to three bullets, in a friendly tone.", "campaign_performance"),
        ("Summarise the performance of all campaigns over the last 28 days", "campaign_performance"),
        ("Which campaigns dropped below the ROAS floor?", "campaign_performance"),
        ("Are we on budget this month? Which campaigns overspend?", "budget_pacing"),
        ("Check budget pacing and warn about overspending campaigns", "budget_pacing"),
        ("Find search terms that waste money and suggest negative keywords", "search_term_waste"),
        ("Which search terms cost money without any conversions?", "search_term_waste"),
        ("Which keywords have a poor quality score?", "keyword_quality"),
        ("Compare the markets: which country grows fastest?", "market_summary"),
        ("Give an overview of all campaigns with status and budget", "campaign_overview"),
    ],
)
def test_paid_search(question, expected):
    assert match(question, PAID).name == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How much revenue did the shop make last week?", "revenue_summary"),
        ("Which products have rising returns, and why are they sent back?", "returns_watch"),
        ("Show me returns", "returns_watch"),
        ("Watch the return rate of our products.", "returns_watch"),
        ("How many new customers did we win, and what do returning ones bring?", "new_vs_returning"),
        ("List the best selling products", "top_products"),
        ("What are our top products this month?", "top_products"),
        ("What is the channel mix of orders?", "channel_mix"),
    ],
)
def test_e_commerce(question, expected):
    assert match(question, SHOP).name == expected


@pytest.mark.parametrize(
    "question",
    [
        "What is the weather in Paris?",
        "What is the weather for campaigns?",
        "",
        "Hello",
        "Summarise this week",
        "2026-11-23 CMP-2026-001",
        "🚀",
    ],
)
def test_nothing_is_guessed(question):
    with pytest.raises(NoMatch, match="no verified query answers the question") as caught:
        match(question, PAID)
    assert len(caught.value.nearest) == 3
    assert "query: " in str(caught.value.remedy)


def test_a_name_wins_over_wording():
    wording = "Find search terms that waste money"
    assert match(wording, PAID, name="budget_pacing").name == "budget_pacing"
    assert match(f"query: budget_pacing\n{wording}", PAID).name == "budget_pacing"
    assert match("\n Query:  budget_pacing ", PAID).name == "budget_pacing"
    assert match(f"query: budget_pacing\n{wording}", PAID, name="keyword_quality").name == "keyword_quality"
    assert match(f"{wording}\nquery: budget_pacing", PAID).name == "search_term_waste"


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(NoMatch, match="no verified query 'budget_pacings'") as caught:
        match("query: budget_pacings", PAID)
    assert caught.value.nearest == ("budget_pacing",)


def test_two_that_answer_equally_well_are_named():
    twins = [VerifiedQuery(name=name, title="Stock by warehouse", sql="select 1") for name in ("stock_a", "stock_b")]
    with pytest.raises(NoMatch, match="more than one verified query") as caught:
        match("Show stock by warehouse", twins)
    assert caught.value.nearest == ("stock_a", "stock_b")


def test_an_agent_without_queries():
    with pytest.raises(NoMatch, match="no verified queries, and no model"):
        match("anything", ())


def test_the_order_of_the_catalogue_does_not_matter():
    shuffled = list(PAID)
    random.Random(7).shuffle(shuffled)
    question = "How are the campaigns performing against budget?"
    first = {query.name: score for score, query in scores(question, PAID)}
    assert {query.name: score for score, query in scores(question, shuffled)} == first


def test_stems():
    assert stems("Returns, returned, RETURNING return") == {"return"}
    assert stems("the campaigns' performance performing CMP-2026-001 2026 7days") >= {"perform"}
    assert stems("search_terms") == stems("Search terms")
