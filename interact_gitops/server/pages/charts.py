"""A chart's document → what is drawn: lines over time or order, bars along a list. Pure.

The table with the same values stands beside it, so the drawing may leave things out, and says that it does. Series
differ by colour, and by dash and mark or by order, so that nobody has to tell colours apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from interact_gitops.notify.messages.cleaning import one_line, shown
from interact_gitops.server.pages.axes import Scale, Tick, scale, value_words

WIDTH, LINE_HEIGHT = 760, 280
MOST_SERIES, MOST_BARS, MOST_POINTS = 6, 24, 2_000
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 16, 12, 44
_NAMES, _ROW, _BAR, _GROUP_GAP = 210, 16, 12, 12
_MARKED = 45  # points from which on marks would be a smear


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One series: its pieces between gaps as an SVG path, and its points where they are marked."""

    number: int
    path: str
    marks: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BarShape:
    """One bar, and the value at its end."""

    number: int
    x: float
    y: float
    width: float
    height: float
    label: str
    label_x: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A drawing. `series` are the names in the legend (none where there is one), `note` what was left out."""

    title: str
    words: str
    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    horizontal: bool
    x_label: str
    y_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]
    bars: tuple[BarShape, ...]
    zero: float
    series: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """Values by series (in order of appearance) and place along x."""

    x: tuple[Any, ...]
    series: Mapping[str, Mapping[int, float]]
    left_out: tuple[str, ...]


def draw_chart(document: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> Chart | None:
    """The chart of a document of kind chart; None where there is nothing to draw."""
    shape = document["chart"]
    most = MOST_POINTS if shape["type"] == "line" else MOST_BARS
    points = _points(document, rows, most)
    if points is None:
        return None
    draw = _lines if shape["type"] == "line" else _bars
    return draw(document, points)


def _points(document: Mapping[str, Any], rows: Sequence[Sequence[Any]], most: int) -> _Points | None:
    shape = document["chart"]
    position = {column["name"]: index for index, column in enumerate(document["columns"])}
    x_at, split = position[shape["x"]], position.get(shape["series"]) if shape["series"] else None
    places: dict[str, int] = {}
    x_values: list[Any] = []
    series: dict[str, dict[int, float]] = {}
    for row in rows:
        place = places.get(shown(row[x_at]))
        if place is None:
            place = places[shown(row[x_at])] = len(places)
            x_values.append(row[x_at])
        for name in shape["y"]:
            value = _number(row[position[name]])
            if value is not None:
                words = [*([shown(row[split])] if split is not None else []), *([name] if len(shape["y"]) > 1 else [])]
                series.setdefault(", ".join(words) or name, {})[place] = value
    if not series:
        return None
    left_out = []
    if len(series) > MOST_SERIES:
        left_out.append(f"{len(series) - MOST_SERIES} of {len(series)} series")
    if len(x_values) > most:
        left_out.append(f"{len(x_values) - most:,} of {len(x_values):,} values of {shape['x']}")
    kept = {
        name: {place: value for place, value in values.items() if place < most}
        for name, values in list(series.items())[:MOST_SERIES]
    }
    return _Points(x=tuple(x_values[:most]), series=kept, left_out=tuple(left_out))


def _lines(document: Mapping[str, Any], points: _Points) -> Chart:
    values = [value for one in points.series.values() for value in one.values()]
    y = scale(values, start=LINE_HEIGHT - _BOTTOM, end=_TOP, from_zero=False)
    places, x_ticks = _along(points.x, _LEFT + 6, WIDTH - _RIGHT)
    lines = tuple(
        _line(number, one, places, y, marked=len(points.x) <= _MARKED)
        for number, one in enumerate(points.series.values(), start=1)
    )
    zero = y.place(0.0) if y.low <= 0 <= y.high else LINE_HEIGHT - _BOTTOM
    return _chart(document, points, lines=lines, x_ticks=x_ticks, y_ticks=y.ticks(), zero=zero, height=LINE_HEIGHT)


def _line(number: int, values: Mapping[int, float], places: Sequence[float], y: Scale, *, marked: bool) -> Line:
    path, marks, before = [], [], -2
    for place in sorted(values):
        x, height = places[place], y.place(values[place])
        path.append(f"{'L' if place == before + 1 else 'M'}{x} {height}")
        marks.append((x, height))
        before = place
    # A point between two gaps would be a line of no length.
    alone = len(values) == 1 or any(piece.startswith("M") for piece in path[1:])
    return Line(number=number, path="".join(path), marks=tuple(marks) if marked or alone else ())


def _along(values: Sequence[Any], start: float, end: float) -> tuple[list[float], tuple[Tick, ...]]:
    """Places of the values along a horizontal axis: days as far apart as they are, anything else in steps."""
    days = [_day(value) for value in values]
    if len(values) > 1 and all(day is not None for day in days):
        numbers = [float(day) for day in days if day is not None]
        low, span = min(numbers), (max(numbers) - min(numbers)) or 1.0
        places = [round(start + (number - low) / span * (end - start), 1) for number in numbers]
    else:
        step = (end - start) / max(1, len(values) - 1)
        places = [round(start + index * step, 1) for index in range(len(values))]
    every = max(1, math.ceil(len(values) / 8))
    return places, tuple(
        Tick(at=places[index], label=one_line(shown(values[index]), 12)) for index in range(0, len(values), every)
    )


def _bars(document: Mapping[str, Any], points: _Points) -> Chart:
    values = [value for one in points.series.values() for value in one.values()]
    x = scale(values, start=_NAMES, end=WIDTH - 64, from_zero=True)
    group = max(len(points.series) * _ROW, 18) + _GROUP_GAP
    height = _TOP + len(points.x) * group + _BOTTOM
    zero = x.place(0.0)
    bars, ticks = [], []
    for place, name in enumerate(points.x):
        top = _TOP + place * group + _GROUP_GAP / 2
        ticks.append(Tick(at=round(top + len(points.series) * _ROW / 2, 1), label=one_line(shown(name), 28)))
        for number, one in enumerate(points.series.values(), start=1):
            if place in one:
                bars.append(_bar(number, one[place], x, zero, top + (number - 1) * _ROW + (_ROW - _BAR) / 2))
    return _chart(
        document, points, bars=tuple(bars), x_ticks=x.ticks(), y_ticks=tuple(ticks), zero=zero, height=height,
        horizontal=True, left=_NAMES, right=WIDTH - 64,
    )  # fmt: skip


def _bar(number: int, value: float, x: Scale, zero: float, y: float) -> BarShape:
    end = x.place(value)
    return BarShape(
        number=number, x=min(zero, end), y=y, width=round(max(abs(end - zero), 0.5), 1), height=_BAR,
        label=value_words(value), label_x=max(zero, end) + 6,
    )  # fmt: skip


def _chart(
    document: Mapping[str, Any], points: _Points, *, x_ticks: tuple[Tick, ...], y_ticks: tuple[Tick, ...], zero: float,
    height: float, lines: tuple[Line, ...] = (), bars: tuple[BarShape, ...] = (), horizontal: bool = False,
    left: float = _LEFT, right: float = WIDTH - _RIGHT,
) -> Chart:  # fmt: skip
    shape = document["chart"]
    measured = ", ".join(shape["y"])
    names = tuple(one_line(name, 60) for name in points.series)
    left_out = f"Not drawn: {' and '.join(points.left_out)}." if points.left_out else ""
    return Chart(
        title=document["title"],
        words=_words(document, points, names),
        width=WIDTH,
        height=round(height),
        left=left,
        right=right,
        top=_TOP,
        bottom=round(height) - _BOTTOM,
        horizontal=horizontal,
        x_label=measured if horizontal else shape["x"],
        y_label=shape["x"] if horizontal else measured,
        x_ticks=x_ticks,
        y_ticks=y_ticks,
        lines=lines,
        bars=bars,
        zero=zero,
        series=names if len(names) > 1 else (),
        note=left_out,
    )


def _words(document: Mapping[str, Any], points: _Points, names: Sequence[str]) -> str:
    """What somebody who does not see the drawing is told of it."""
    shape = document["chart"]
    values = [value for one in points.series.values() for value in one.values()]
    kind = "Line chart" if shape["type"] == "line" else "Bar chart"
    series = f", for {', '.join(names)}" if len(names) > 1 else ""
    first, last = one_line(shown(points.x[0]), 40), one_line(shown(points.x[-1]), 40)
    return (
        f"{kind} of {', '.join(shape['y'])} by {shape['x']}, from {first} to {last}{series}."
        f" Lowest {value_words(min(values))}, highest {value_words(max(values))}. The table below has the values."
    )


def _number(value: Any) -> float | None:
    """A finite number; decimals come as text from some engines."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def _day(value: Any) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value[:10]).toordinal() if len(value) == 10 else None
    except ValueError:
        return None
