"""Answers whose templates would take gigabytes or minutes: each is refused soon."""

from __future__ import annotations

import resource
import time

import pytest

from interact_gitops.errors import TemplateInvalid
from interact_gitops.server.agents.templates import check_template, holds, render

ROWS = [{"n": number, "zero": 0, "text": "x"} for number in range(10_000)]
TEXT = "{% set t = 'x' %}" + "{% set t = t ~ t %}" * 13  # 8,192 characters
LONG = "{% set t = 'x' %}" + "{% set t = t ~ t %}" * 16
DEAR = {
    "squares": "{% set a = 99999999 %}" + "{% set a = a * a %}" * 40 + "{{ a > 1 }}",
    "doubled numbers": "{% set a = 1 %}" + "{% set a = a + a %}" * 200 + "{{ a > 1 }}",
    "decimals": "{{ 1|number(900000000) }}",
    "decimals of money": "{{ 1|money(900000000) }}",
    "decimals of shares": "{{ 1|percent(900000000) }}",
    "decimals of changes": "{{ 1|change(2, 900000000) }}",
    "a list of one text": LONG + "{{ rows|map(attribute='no', default=t)|list|string|length }}",
    "a list of copies": LONG + "{{ rows|map(attribute='no', default=t)|map('upper')|list|length }}",
    "a list of lists": LONG + "{{ rows|map(attribute='no', default=t)|map('list')|list|length }}",
    "lists in lists, as text": TEXT + "{% set l = t|list %}"
    + "{% set l = rows|map(attribute='no', default=l)|list %}" * 3 + "{{ l|string|length }}",
    "lists in lists, shown": "{% set l = 'abcdefghijklmnopqrstuvwxyz'|list %}"
    + "{% set l = l|map(attribute='no', default=l)|list %}" * 12 + "{{ l }}",
    "lists in lists, joined": "{% set l = 'abcdefghijklmnopqrstuvwxyz'|list %}"
    + "{% set l = l|map(attribute='no', default=l)|list %}" * 12 + "{{ l ~ l }}",
    "lists in lists, in upper case": "{% set l = 'abcdefghijklmnopqrstuvwxyz'|list %}"
    + "{% set l = l|map(attribute='no', default=l)|list %}" * 12 + "{{ l|upper|length }}",
    "lists for nothing": LONG + "{% set l = t|list %}"
    + "{{ rows|map(attribute='zero')|map('d', l, true)|sum(start=[])|length }}",
    "one in many, many times": "{% set n = rows|map(attribute='n')|list %}"
    + "{% set x = n|select('in', n)|list|length %}" * 200,
}  # fmt: skip


@pytest.mark.parametrize("template", DEAR.values(), ids=DEAR)
def test_a_dear_answer_is_refused_soon(template):
    check_template(template)
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TemplateInvalid):
        render(template, {"rows": ROWS})
    assert time.process_time() - began < 6
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


def test_a_dear_rule_is_refused_soon():
    began = time.process_time()
    with pytest.raises(TemplateInvalid):
        holds("n" + " * n" * 100 + " > 1", {"n": 2**52})
    assert time.process_time() - began < 1


def test_what_answers_do_still_works():
    values = {"rows": ROWS[:3], "row": {"n": 3, "list": [1, {"a": None}]}}
    for template, said in [
        ("{{ rows|sum(attribute='n')|number }} {{ rows|map(attribute='n')|sum }}", "3 3"),
        ("{{ rows|map(attribute='n')|list }} {{ row.list }}", "[0, 1, 2] [1, {'a': None}]"),
        ("{{ rows|map(attribute='text')|list|join(', ') }}", "x, x, x"),
        ("{{ rows|selectattr('n', 'gt', 1)|map(attribute='n')|first }}", "2"),
        ("{{ rows|map(attribute='no', default='-')|list|join }} {{ row.n|money(2) }}", "--- €3.00"),
        ("{% for name, some in rows|groupby('zero') %}{{ name }}: {{ some|length }}{% endfor %}", "0: 3"),
    ]:
        assert render(template, values) == said, template
