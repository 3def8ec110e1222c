"""Answer templates and row rules."""

from __future__ import annotations

import pytest

from interact_gitops.errors import TemplateInvalid
from interact_gitops.server.agents.templates import check_rule, check_template, holds, render


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ 1234567.8 | number }}", "1,234,568"),
        ("{{ 1.005 | number(2) }}", "1.00"),
        ("{{ none | number }} {{ none | money }} {{ none | percent }} {{ none | day }} {{ none }}", "– – – – –"),
        ("{{ -1234.5 | money(2) }}", "-€1,234.50"),
        ("{{ -0.001 | money }}", "€0"),
        ("{{ 12 | money(currency='$') }}", "$12"),
        ("{{ 0.1234 | percent }} {{ 1.5 | percent(0) }}", "12.3% 150%"),
        ("{{ 110 | change(100) }} {{ 90 | change(100, 0) }}", "+10.0% -10%"),
        ("{{ 1 | change(0) }} {{ none | change(5) }} {{ 1 | change(none) }}", " ".join(["no earlier figure"] * 3)),
        ("{{ '2026-11-02' | day }}", "2 Nov 2026"),
        ("{{ '2026-11-02T08:00:00' | day }}", "2 Nov 2026"),
        ("\n{% if true %}\n  yes\n{% endif %}\n", "yes"),
        ("<b>{{ '<i>' }}</b>", "<b><i></b>"),
    ],
)
def test_figures(template, text):
    assert render(template, {}) == text


def test_a_column_wins_over_a_method_of_the_same_name():
    values = {"row": {"items": 3, "keys": 4, "values": None}}
    assert render("{{ row.items }} {{ row['keys'] }} {{ row.values }}", values) == "3 4 –"


@pytest.mark.parametrize(
    "template",
    [
        "{{ missing }}",
        "{{ row.missing }}",
        "{{ row.__class__ }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ row.update({}) }}",
        "{{ rows.append(1) }}",
        "{{ range(10) }}",
        "{{ lipsum() }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ 'x' * 100000000 }}",
        "{{ '%099999999d' % 1 }}",
        "{{ 9 ** 99999999 }}",
        "{% include 'x' %}",
        "{% for a in 'x' | center(1000) %}{{ 'y' | center(1000) }}{% endfor %}",
        "{{ 1 / 0 }}",
        "{{ 'x' | number }}",
        "{{ 'x' | day }}",
        "{{ row.a < none }}",
    ],
)
def test_what_a_template_cannot_do(template):
    with pytest.raises(TemplateInvalid):
        render(template, {"row": {"a": 1}, "rows": [{"a": 1}]})


def test_syntax_errors_have_a_line():
    with pytest.raises(TemplateInvalid) as caught:
        check_template("one\ntwo {{ x | nosuchfilter }}")
    assert caught.value.line == 2
    with pytest.raises(TemplateInvalid):
        check_template("{% if %}")
    check_template("{{ x }}")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("roas < roas_floor", True),
        ("roas > roas_floor", False),
        ("cost > 100 and conversions == 0", False),
        ("missing_figure < 2", False),
        ("missing_figure is none", True),
        ("name == 'Brand'", True),
        ("cost * 2 > 20", True),
    ],
)
def test_rules(rule, expected):
    values = {"roas": 1.5, "roas_floor": 2, "cost": 50, "conversions": 1, "missing_figure": None, "name": "Brand"}
    check_rule(rule)
    assert holds(rule, values) is expected


@pytest.mark.parametrize("rule", ["nowhere < 2", "name < 2", "name.__class__", "1 / 0", "'x' * 99999999 == ''"])
def test_a_rule_that_cannot_be_tried_is_an_error(rule):
    with pytest.raises(TemplateInvalid, match="in the rule"):
        holds(rule, {"name": "Brand"})


@pytest.mark.parametrize("rule", ["", "roas <", "roas < 2 }}", "import os", "a = 1"])
def test_a_rule_that_is_no_expression(rule):
    with pytest.raises(TemplateInvalid, match="rule"):
        check_rule(rule)
