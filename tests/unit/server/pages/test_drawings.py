"""Scales, charts and bars: whatever the numbers are, the drawing is finite and inside its frame."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from interact_gitops.server.pages.axes import number_words, scale, value_words
from interact_gitops.server.pages.bars import HEIGHT, draw_bars, result_of
from interact_gitops.server.pages.charts import MOST_BARS, MOST_SERIES, WIDTH, draw_chart
from interact_gitops.server.store.overview import RunLine

numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18)
cells = numbers | st.none() | st.booleans() | st.text(max_size=8) | st.sampled_from(["1.5", "NaN", "1e400", "-0"])


@pytest.mark.parametrize(
    ("values", "from_zero", "labels"),
    [
        ([1, 9], True, ["0", "2", "4", "6", "8", "10"]),
        ([0.12, 0.3], False, ["0", "0.1", "0.2", "0.3"]),
        ([7_000, 7_300], False, ["7,000", "7,100", "7,200", "7,300"]),
        ([0, 14_182.8], True, ["0", "5k", "10k", "15k"]),
        ([-3, 5], True, ["-4", "-2", "0", "2", "4", "6"]),
        ([0, 0], True, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([], True, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([2.5, 10.9], True, ["0", "2.5", "5.0", "7.5", "10.0", "12.5"]),
        ([-9, -1], True, ["-10", "-8", "-6", "-4", "-2", "0"]),
        ([2.4e9], True, ["0", "500M", "1,000M", "1,500M", "2,000M", "2,500M"]),
    ],
)
def test_ticks_are_round(values, from_zero, labels):
    assert [tick.label for tick in scale(values, start=0, end=100, from_zero=from_zero).ticks()] == labels


@given(st.lists(numbers, min_size=1, max_size=20), st.booleans())
@example([1.1e300, 1.2e300], False)
@example([-1.7e308, 1.7e308], True)
@example([5e-324, 0.0], True)
@example([1.0, 1.0000000001], False)
def test_every_value_has_a_place_on_the_scale(values, from_zero):
    values = [float(value) for value in values]
    found = scale(values, start=200, end=10, from_zero=from_zero)
    assert found.low < found.high
    assert 2 <= len(found.ticks()) < 20
    for value in values:
        place = found.place(value)
        assert math.isfinite(place)
        assert 9 <= place <= 201, (value, found)


@given(numbers, st.sampled_from([0.0, 0.1, 2.5, 1000.0]))
def test_numbers_are_short(value, step):
    assert len(number_words(float(value), step)) < 32
    assert number_words(float(value), step) not in {"", "-0"}
    assert value_words(float(value))


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (-0.0, "0"), (14182.82, "14,183"), (9.176, "9.18"), (0.0312, "0.0312"), (1_250_000, "1,250k"),
     (45_000_000, "45M"), (12.5, "12.5"), (100, "100")],
)  # fmt: skip
def test_values_stand_alone(value, words):
    assert value_words(value) == words


def document(kind="line", x="day", y=("a",), series=None, columns=None):
    names = columns or [x, *y, *([series] if series else [])]
    return {
        "title": "T", "columns": [{"name": name, "type": "x"} for name in names],
        "chart": {"type": kind, "x": x, "y": list(y), "series": series},
    }  # fmt: skip


def test_days_are_as_far_apart_as_they_are_and_gaps_stay_open():
    rows = [["2026-01-01", 1], ["2026-01-02", 2], ["2026-01-05", None], ["2026-01-06", 4]]
    chart = draw_chart(document(), rows)
    places = [tick.at for tick in chart.x_ticks]
    assert round(places[2] - places[1], 1) == pytest.approx(3 * (places[1] - places[0]), abs=0.2)
    assert re.findall(r"[ML]", chart.lines[0].path) == ["M", "L", "M"]
    assert chart.words.startswith("Line chart of a by day, from 2026-01-01 to 2026-01-06. Lowest 1, highest 4.")


def test_series_and_several_measures_are_told_apart():
    rows = [["NL", 1, 2], ["DE", 3, 4]]
    chart = draw_chart(document("bar", x="market", y=("spend", "budget")), rows)
    assert chart.series == ("spend", "budget")
    assert chart.horizontal
    assert [bar.number for bar in chart.bars] == [1, 2, 1, 2]
    split = draw_chart(document(series="campaign", columns=["day", "a", "campaign"]), [["d1", 1, "x"], ["d1", 2, "y"]])
    assert split.series == ("x", "y")


def test_what_is_too_much_is_left_out_and_said():
    rows = [[f"{row}", 1, f"s{row % 9}"] for row in range(40)]
    chart = draw_chart(document("bar", series="s", columns=["day", "a", "s"]), rows)
    assert len(chart.series) == MOST_SERIES
    assert len(chart.y_ticks) == MOST_BARS
    assert chart.note == "Not drawn: 3 of 9 series and 16 of 40 values of day."


def test_nothing_to_draw_is_no_chart():
    assert draw_chart(document(), []) is None
    assert draw_chart(document(), [["2026-01-01", None], ["2026-01-02", "text"]]) is None


def test_negative_bars_go_to_the_left_of_zero():
    chart = draw_chart(document("bar", x="m"), [["a", -2], ["b", 2]])
    left, right = chart.bars
    assert left.x + left.width == pytest.approx(chart.zero, abs=0.2)
    assert right.x == chart.zero


@given(st.sampled_from(["line", "bar"]), st.lists(st.tuples(cells, cells, cells), max_size=40))
def test_any_rows_are_drawn_inside_the_frame_or_not_at_all(kind, rows):
    chart = draw_chart(document(kind, x="x", y=("a",), series="s", columns=["x", "a", "s"]), rows)
    if chart is None:
        return
    for bar in chart.bars:
        assert math.isfinite(bar.x)
        assert 0 < bar.width <= WIDTH
    for line in chart.lines:
        assert not re.search("nan|inf", line.path)
    assert 0 < chart.height < 20_000
    assert all(0 <= tick.at <= max(WIDTH, chart.height) for tick in (*chart.x_ticks, *chart.y_ticks))


def run(state="closed", created="2026-01-01T00:00:00.000Z", closed="2026-01-01T00:00:10.000Z", **changes):
    counts = {"failed": 0, "completed": 1, "cancelled": 0, "chats": 1, "running": 0}
    return RunLine(
        seq=1, id="run_1", job_id="job_1", state=state, fan_out=False, run_trigger="api", initiator="key:x",
        scheduled_at=created, created_at=created, closed_at=closed if state == "closed" else None, git_commit=None,
        **{**counts, **changes},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (run(), "completed"),
        (run(failed=1), "failed"),
        (run(cancelled=1), "cancelled"),
        (run(cancelled=1, failed=1), "failed"),
        (run("open", running=1), "running"),
        (run("open", completed=1), "running"),
        (run("open", completed=0), "queued"),
        (run("waiting", completed=0), "queued"),
    ],
)
def test_results_of_runs(found, result):
    assert result_of(found) == result


def test_bars_are_right_aligned_and_measured_against_the_longest():
    slow, quick = run(closed="2026-01-01T00:01:40.000Z"), run(closed="2026-01-01T00:00:01.000Z")
    drawn = draw_bars([slow, quick, run("open", completed=0)], most=20)
    assert [bar.height for bar in drawn.bars][1:] == [pytest.approx(8.7), HEIGHT]
    assert drawn.bars[-1].x + 5 == drawn.width
    assert drawn.words == "Last 3 runs: 2 completed, 1 waiting. The newest: completed, after 1 min 40 s"
    assert draw_bars([], most=20).words == "No runs yet"
    assert draw_bars([run(closed="2026-01-01T00:00:00.000Z")], most=1).bars[0].height > 0
