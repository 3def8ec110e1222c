"""Selectors: what they name, and that a name which names nothing is never "no change"."""

import pytest

from interact_gitops.errors import Position, SelectionInvalid
from interact_gitops.jobs.model import Definition
from interact_gitops.jobs.selectors import parse_selector, select


@pytest.fixture
def definitions(small_job):
    def one(key, path, agent="analyst", **labels):
        return Definition(job=small_job(key=key, agent=agent, labels=labels), path=path, position=Position(path))

    return (
        one("weekly", "jobs.d/marketing/a.yaml", team="marketing", tier="gold"),
        one("weekly-nl", "jobs.d/marketing/nl/b.yaml", team="marketing"),
        one("orders", "jobs.d/c.yaml", agent="shop", team="shop"),
    )


@pytest.mark.parametrize(
    ("texts", "keys"),
    [
        ([], "weekly weekly-nl orders"),
        (["weekly"], "weekly"),
        (["week*"], "weekly weekly-nl"),
        (["orders,weekly"], "weekly orders"),
        (["orders", "weekly"], "weekly orders"),
        (["label:team=marketing"], "weekly weekly-nl"),
        (["label:tier"], "weekly"),
        (["label:team=*op"], "orders"),
        (["agent:shop"], "orders"),
        (["path:jobs.d/marketing/*"], "weekly"),
        (["path:jobs.d/marketing/**"], "weekly weekly-nl"),
        (["path:jobs.d/?.yaml"], "orders"),
        (["!orders"], "weekly weekly-nl"),
        (["week*", "!weekly"], "weekly-nl"),
        (["!nothing-at-all"], "weekly weekly-nl orders"),
        (["", ","], "weekly weekly-nl orders"),
    ],
)
def test_what_selectors_name(definitions, texts, keys):
    assert " ".join(d.job.key for d in select(definitions, texts)) == keys


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("weekli", "no job matches 'weekli'\n  did you mean 'weekly'?"),
        ("label:team=sales", "no job matches 'label:team=sales'\n  see `interact-gitops list`"),
        ("labels:team=a", "'labels:team=a' is not a selector\n  did you mean 'label'?"),
        ("x:y", "'x:y' is not a selector\n  write a key, a glob, label:NAME=VALUE, agent:SLUG or path:GLOB"),
        ("agent:", "the selector 'agent:' is empty\n  write a key, or '*' for every job"),
        ("!", "the selector '!' is empty\n  write a key, or '*' for every job"),
    ],
)
def test_what_selectors_refuse(definitions, text, said):
    with pytest.raises(SelectionInvalid) as caught:
        select(definitions, [text])
    assert str(caught.value) == said


def test_a_pattern_is_no_regular_expression():
    assert parse_selector("path:a.b").matches is not None
    assert not parse_selector("path:a.b").matches(_definition("axb"))
    assert parse_selector("path:[a]").matches(_definition("[a]"))


def _definition(path):
    from interact_gitops.jobs.model import Job

    job = Job(key="k", name="n", agent="a", prompts=(), parameters={}, labels={})
    return Definition(job=job, path=path, position=Position(path))
