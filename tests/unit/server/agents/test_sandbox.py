"""What an answer template may not cost, and where it may not reach."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

import pytest

from interact_gitops.errors import TemplateInvalid
from interact_gitops.server.agents.templates import check_rule, check_template, holds, render

ROWS = [{"a": number, "t": "x" * 100, "items": number} for number in range(10_000)]
GIGABYTE = 1 << 30


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """What asks for a gigabyte more than there is now gets none: it fails the test and not the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + GIGABYTE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


DOUBLED = "{% set a = 'xxxxxxxxxx' %}" + "{% set a = EXPRESSION %}" * 60
BOMBS = [
    "{{ 'x'.center(9999999999) | length }}",
    "{{ 'x' | center(9999999999) | length }}",
    "{{ '%9999999999d' | format(1) | length }}",
    "{{ '{:>9999999999}'.format(1) | length }}",
    "{{ 'a\\tb'.expandtabs(9999999999) | length }}",
    "{{ 1.to_bytes(9999999999) }}",
    "{{ (1).to_bytes(9999999999) }}",
    "{{ 'x'.zfill(9999999999) }}",
    "{{ ['x'] | batch(9999999999, 'x') | list | length }}",
    "{{ 'x' | indent(9999999999) }}",
    "{{ 'x' | wordwrap(1, wrapstring='x') }}",
    "{{ 1.5 | round(9999999999) }}",
    "{{ ('x' ~ rows) | replace('x', rows) | length }}",
    "{{ rows | join(rows) | length }}",
    DOUBLED.replace("EXPRESSION", "a ~ a") + "{{ a | length }}",
    DOUBLED.replace("EXPRESSION", "a + a") + "{{ a | length }}",
    DOUBLED.replace("EXPRESSION", "[a, a]") + "{{ a }}",
    DOUBLED.replace("EXPRESSION", "(a, a)") + "{{ a | string | length }}",
    DOUBLED.replace("EXPRESSION", "{'b': a, 'c': a}") + "{{ a }}",
    "{% set a = 'x' %}" + "{% set a %}{{ a }}{{ a }}{% endset %}" * 60 + "{{ a | length }}",
    "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% for a in rows recursive %}{{ loop(rows) }}{% endfor %}",
    "{% for a in rows %}{% for b in rows %}{% for c in rows %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in rows %}{% set x = rows | sum(attribute='a') %}{% endfor %}",
    "{% for a in rows %}{% for b in rows | sort(attribute='t') %}{% endfor %}{% endfor %}",
    "{% for a in rows if rows | sum(attribute='a') %}{% endfor %}",
    "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "{{ " + "-" * 50_000 + "1 }}",
    "{{ " + "9" * 100_000 + " }}",
    "{{ 1 }}" * 5_000,
    "{{ 'x' }}" * 1_000 + "{% for a in rows %}{{ a.t }}{% endfor %}",
    "{% if 1 %}" * 500 + "{% endif %}" * 500,
]
ESCAPES = [
    "{{ rows.__class__ }}",
    "{{ ''|attr('__cl' ~ 'ass__') }}",
    "{{ rows | map('attr', '__class__') | first }}",
    "{{ rows | sort(attribute='__class__') }}",
    "{{ rows | groupby('__class__') }}",
    "{{ rows | sum(attribute='__class__') }}",
    "{{ '{0.__class__}'.format(rows) }}",
    "{{ '%s' | format(rows) }}",
    "{{ self._TemplateReference__context }}",
    "{{ self }}{{ caller() }}",
    "{{ cycler }}",
    "{{ lipsum.__globals__ }}",
    "{{ namespace(a=1) }}",
    "{{ row.get('a') }}",
    "{{ row.pop('a') }}",
    "{{ rows.clear() }}",
    "{{ [].append(1) }}",
    "{{ rows | xmlattr }}",
    "{{ rows | random }}",
    "{{ rows | pprint }}",
    "{% import 'os' as os %}",
    "{% include '/etc/passwd' %}",
    "{% extends 'x' %}",
    "{{ rows | map('_counted') }}{{ [1] | _joined(5) }}",
    "{{ number.__globals__ }}",
    "{{ (rows | map(attribute='a')).gi_frame.f_globals }}",
    "{{ rows | select('nosuchtest') | list }}",
]


@pytest.mark.parametrize("template", BOMBS, ids=lambda text: text[:60])
def test_a_bomb_is_refused_soon(template):
    began = time.thread_time()
    with pytest.raises(TemplateInvalid):
        render(template, {"rows": ROWS, "row": ROWS[0]})
    assert time.thread_time() - began < 6


@pytest.mark.parametrize("template", ESCAPES, ids=lambda text: text[:60])
def test_a_template_reaches_nothing_but_its_values(template):
    before = [dict(row) for row in ROWS[:3]]
    with pytest.raises(TemplateInvalid):
        render(template, {"rows": ROWS, "row": ROWS[0]})
    assert (len(ROWS), ROWS[:3]) == (10_000, before)


@pytest.mark.parametrize(
    "rule",
    ["a.to_bytes(9999999999)", "'x' | center(9999999999) == ''", "a.__class__", "[a, [a]] == 1", "f()", "a ** a ** a",
     "t.format(a)", "'%9999999999d' % a", "a }}{% include 'x' %}{{ a", "1" + " + 1" * 5_000],
)  # fmt: skip
def test_a_rule_is_bounded_as_a_template_is(rule):
    with pytest.raises(TemplateInvalid):
        holds(rule, {"a": 9, "t": "x"})
    with pytest.raises(TemplateInvalid):
        check_rule(rule)
        holds(rule, {"a": 9, "t": "x"})


def test_honest_answers_are_as_before():
    template = (
        "{% set best = rows | sort(attribute='a', reverse=true) | first %}"
        "{% for row in rows if row.a < 3 %}{{ loop.index }}/{{ loop.length }} {{ row.items ~ '!' }} {% endfor %}"
        "{% if best.a in (1, 9999) %}{{ best.a }} {{ rows | map(attribute='a') | sum }} {% endif %}"
        "{{ [1, 2] | join('-') }}"
    )
    check_template(template)
    assert render(template, {"rows": ROWS}) == "1/3 0! 2/3 1! 3/3 2! 9999 49995000 1-2"


def test_each_answer_has_its_own_time():
    template = "{% for a in rows %}{% for b in rows[:400] %}{% endfor %}{% endfor %}"
    for _ in range(30):
        assert render(template.replace("rows[:400]", "rows | select('none')"), {"rows": ROWS[:300]}) == ""
