"""What a run fills in, and what a template can never do or cost."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from interact_gitops.errors import TemplateInvalid
from interact_gitops.jobs import admission
from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.jobs.templates import MAX_OUTPUT, RunFacts, inspect, render, run_date
from interact_gitops.schedule import Schedule

RUN = RunFacts(scheduled_at=datetime(2026, 3, 29, 23, 30, tzinfo=UTC), trigger="schedule")
PARAMETERS = {"days": {"type": "integer"}, "share": {"type": "number"}, "brief": {"type": "boolean"}, "text": {}}
VALUES = {"days": 7, "share": 0.25, "brief": True, "text": "<b>"}


def job(**fields):
    base = {"key": "k", "name": "Name", "agent": "a", "prompts": (Prompt(text="x"),), "labels": {"team": "m"}}
    return Job(**{"parameters": PARAMETERS, **base, **fields})


def asked(text, **fields):
    return render(text, job=job(**fields), parameters=VALUES, run=RUN)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("no markup { at all }", "no markup { at all }"),
        ("{{ days }} {{ share }} {{ text }}\n", "7 0.25 <b>\n"),
        ("{{ run.date }} {{ run.scheduled_at }} {{ run.timezone }} {{ run.trigger }}",
         "2026-03-29 2026-03-29T23:30:00Z UTC schedule"),
        ("{{ job.key }} {{ job.name }} {{ job.labels.team }} {{ job.labels['team'] }}", "k Name m m"),
        ("{% if brief and days > 3 %}a{% else %}b{% endif %}{{ 'x' if not brief else 'y' }}", "ay"),
        ("{{ days * 2 + 1 }} {{ -days // 2 }} {{ days % 4 }} {{ days ~ 'd' }}", "15 -4 3 7d"),
        ("{{ [days, 2]|join(', ') }} {{ 'ab'|replace('a', 'c')|upper }} {{ 2.675|round(1) }}", "7, 2 CB 2.7"),
        ("{{ 'one two three four five'|truncate(12) }}", "one two..."),
        ("{{ text|default('x') }} {{ 'abc'|length }} {{ '{{' }}", "<b> 3 {{"),
        ("{{ job.labels.team is defined }} {{ days is divisibleby(7) }} {# hidden #}", "True True "),
    ],
)  # fmt: skip
def test_what_is_filled_in(text, answer):
    assert asked(text) == answer


def test_the_date_is_that_of_the_jobs_zone():
    amsterdam = job(schedule=Schedule(cron="@daily", timezone="Europe/Amsterdam"))
    assert run_date(amsterdam, RUN.scheduled_at).isoformat() == "2026-03-30"
    facts = render("{{ run.date }} {{ run.timezone }}", job=amsterdam, parameters=VALUES, run=RUN)
    assert facts == "2026-03-30 Europe/Amsterdam"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ nobody }}", "neither a parameter"),
        ("{{ job.labels.absent }}", "not set"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ text * 3 }}", "two numbers"),
        ("{{ '%99999999d' % 1 }}", "two numbers"),
        ("{{ [1] + [2] }}", "two numbers"),
        ("{{ days * " + " * ".join(["9999999999999"] * 15) + " }}", "too large"),
        ("{{ 2.5|round(1000000000) }}", "up to 15 digits"),
        ("{{ text|default(1)|round }}", "needs a number"),
        ("{{ days|join }}", "needs a list"),
        ("{{ 'aaaa'|replace('a', text)|replace('b', '" + "x" * 30000 + "') }}", "replace would give"),
        ("{{ [text, text]|join('" + "x" * 60000 + "') }}", "join would give"),
        ("{{ '" + "x" * 40000 + "' ~ '" + "x" * 70000 + "' }}", "more than 100,000 characters"),
        ("{{ 'x" * 2, "cannot be read"),
        ("{{ '\\ud800' }}", "cannot be filled in"),
        ("{{ days|truncate(2) }}", "needs room"),
        ("{{ days|abs|abs(2) }}", "cannot be filled in"),
        ("{{ days[0] }}", "only run and job have members"),
    ],
)  # fmt: skip
def test_what_is_refused_while_rendering(text, said):
    with pytest.raises(TemplateInvalid) as caught:
        asked(text)
    assert said in str(caught.value)


def test_a_refusal_says_where_in_the_text():
    with pytest.raises(TemplateInvalid) as caught:
        asked("first line\n  {{ nobody }}")
    assert (caught.value.line, caught.value.column, caught.value.code) == (2, 6, "template-name")


def test_only_twenty_faults_of_one_template():
    faults, _ = inspect("{{ a }}" * 100, frozenset())
    assert len(faults) == 20
    assert [fault.offset for fault in faults] == [3 + 7 * i for i in range(20)]


def test_names_used_are_known():
    assert inspect("{{ a }} {% if b %}{{ c|default(d) }}{% endif %}", frozenset("abcde")) == ((), frozenset("abcd"))


PIECES = [
    "{{",
    "}}",
    "{%",
    "%}",
    "days",
    "text",
    "run",
    ".date",
    "'a'",
    "1",
    "9",
    "+",
    "*",
    "|upper",
    "|round(3)",
    "|join",
    "if",
    "else",
    "endif",
    "~",
    "(",
    ")",
    "[",
    "]",
    "is",
    "defined",
    "not",
    "in\n|replace('a','b')",
    "|truncate(3)",
    "|int",
    "|float",
    "|abs",
    "|title",
    "%",
    "//",
    "\\x",
    "#}",
    "{#",
    "-",
    "\n",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
@example("{{ " + "(" * 90 + "1" + ")" * 90 + " }}")
@example("{{ " + "-" * 500 + "1 }}")
@example("{% if 1 %}" * 45 + "{% endif %}" * 45)
@example("{% if 1 %}" + "{% elif 1 %}" * 400 + "{% endif %}")
@example("{{ " + "9" * 5000 + " }}")
@example("{{ 1" + "~text" * 900 + " }}")
@example("{{ 1" + "+1" * 45 + " }}")
@example("{{ days" + "|string" * 45 + " }}")
@example("{{ '\\d' }}")
@example("{{ 1e999 }} {{ 1e308 * 10 }}")
@example("{{ (0/0) }} {{ [1,2]|length }} {{ (1,2)|join }}")
@example("a\r\nb {{ nobody }}")
@example("{{ 5|int(base=99) }} {{ text|int(1, 99) }}")
@example("{{ 1|default(run) }}")
@example("{{ text|truncate(-5, leeway=-9) }}")
@example("{{ days.real.imag }}")
@example("{{ ['a']|join('b', 'c') }}")
def test_a_template_is_rendered_within_its_cap_or_refused(text):
    faults, used = inspect(text, frozenset(PARAMETERS))
    assert used <= set(PARAMETERS)
    assert all(0 <= fault.offset <= len(text) for fault in faults)
    with contextlib.suppress(TemplateInvalid):
        assert len(asked(text)) <= MAX_OUTPUT


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("a\n{% with a = 1 %}{% endwith %}", "2:1", "With expressions are not available in prompts"),
        ("{{ days is foo }}", "1:12", "the test 'foo' is not available in prompts"),
        ("{{ days\n  |foo }}", "2:4", "the filter 'foo' is not available in prompts"),
        ("{{ foo.bar }} bar {{ bar }}", "1:8", "only run and job have members in prompts"),
        ("foo {{ 'foo' ~ foo }}", "1:16", "'foo' is neither a parameter of this job nor a built-in"),
        ("{{ run['foo'] }}", "1:8", "'run.foo' is not a built-in value"),
        ("{{ job.labels.a.b }}", "1:17", "'job.labels.a.b' is not a built-in value"),
        ("{% if days %}", "1:1", "this template cannot be read: it ends inside {% if %}"),
        ("a\n\n{% nope %}", "3:1", "this template cannot be read: Encountered unknown tag 'nope'"),
    ],
)
def test_where_a_template_is_at_fault(text, place, said):
    (fault, *_), _ = inspect(text, frozenset(PARAMETERS))
    assert (f"{fault.line}:{fault.column}", fault.message) == (place, said)


PLAIN_PIECES = [
    "{{ days }}", "{{days}}", "{{\n run.date\t}}", "{{ job.key }}", "{{ job.labels }}", "{{ run }}", "{{ days.x }}",
    "{{ nobody }}", "{{ true }}", "{{ in }}", "{{- days -}}", "{{ run.2 }}", "{{ run . date }}", "{", "}", "{{", "}}",
    "{% raw %}", "{% endraw %}", "{#", "#}", "{{ days|upper }}", "{{ 'x' }}", " ", "\n", "#", "days", "\\",
]  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PLAIN_PIECES), max_size=6).map("".join))
@example("{{{ days }}")
@example("{{ days }}}")
@example("{{{{ days }}}}")
@example("{% raw %}{{ days }}{% endraw %}")
@example("{{ days }}{" + "{ run.date }}")
@example("{{ days }}" * 600)
def test_what_is_admitted_at_a_glance_is_admitted_by_jinja(text):
    names = frozenset({*PARAMETERS, "true", "in", "run"})
    plain = admission._plain_uses(text, names)
    if plain is not None:
        assert admission._judge(text, names) == ((), plain)


def test_a_prompt_that_only_names_values_needs_no_jinja(monkeypatch):
    monkeypatch.setattr(admission, "_judge", None)
    text = "{ Report {{ days }} } before {{ run.date }}, {{ job.name }}; { brace"
    assert inspect(text, frozenset({"days"})) == ((), frozenset({"days"}))
