"""Scales and ticks: which round numbers stand at an axis, and where. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_FARTHEST = 1e300  # beyond it doubles have no room for sums
_UNITS = ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A place on an axis, in the units of the drawing, and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From values (`low` to `high`) to places (`start` to `end`)."""

    low: float
    high: float
    start: float
    end: float
    step: float

    def place(self, value: float) -> float:
        """Where a value is."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self) -> tuple[Tick, ...]:
        """Round values, ascending."""
        first, last = round(self.low / self.step), round(self.high / self.step)
        farthest = max(abs(self.low), abs(self.high))  # its unit is that of all: 1,000M, not 1.0bn among millions
        return tuple(
            Tick(at=self.place(number * self.step), label=number_words(number * self.step, self.step, farthest))
            for number in range(first, last + 1)
        )


def scale(values: Sequence[float], *, start: float, end: float, from_zero: bool, most: int = 5) -> Scale:
    """A scale with round ends around finite `values`, and about `most` ticks. Lengths are read from zero; a line may
    leave zero out where all of it is far away."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if from_zero or (low >= 0 and low < high / 2) or (high <= 0 and high > low / 2):
        low, high = min(low, 0.0), max(high, 0.0)
    low, high = (min(max(limit, -_FARTHEST), _FARTHEST) for limit in (low, high))
    size = max(abs(low), abs(high))
    if high - low <= max(size * 1e-9, 1 / _FARTHEST):  # one value, as far as a drawing can tell
        around = max(size * 0.1, 1 / _FARTHEST) if size > 1e-9 else 1.0
        low, high = low - around * (low != 0), high + around
    step = _round_step((high - low) / most)
    return Scale(low=math.floor(low / step) * step, high=math.ceil(high / step) * step, start=start, end=end, step=step)


def number_words(value: float, step: float = 0.0, farthest: float = 0.0) -> str:
    """A number in few characters: `1.2k`, `0.25`, `-3M`. `step` says how exact it has to be, and `farthest` beside how
    large a number it stands."""
    size = max(abs(value), step, farthest)
    unit, letter = next(((unit, letter) for unit, letter in _UNITS if size >= unit * 10 or size == unit), (1.0, ""))
    if size >= 1e16:
        return f"{value:.2g}"
    scaled, exact = value / unit, step / unit
    places = max(0, min(6, -math.floor(math.log10(exact) + 1e-9))) if exact else 2
    if exact and round(exact, places) != exact and places < 6:
        places += 1  # steps of 2.5
    text = f"{scaled:,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".") if not exact else text
    return text + letter if text.strip("-0.,") else "0"


def value_words(value: float) -> str:
    """A number that stands alone: `14,183`, `9.17`, `1.25M`."""
    if abs(value) >= 1e6:
        return number_words(value)
    text = f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.{2 if abs(value) >= 0.1 else 4}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text


def _round_step(rough: float) -> float:
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * 0.999999)
