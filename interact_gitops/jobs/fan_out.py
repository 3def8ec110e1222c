"""Fan-out: which combinations of parameter values one run group runs, in a stable order."""

from __future__ import annotations

import itertools
import math

from interact_gitops.jobs.model import Combination, FanOut, Scalar

MAX_COMBINATIONS = 10_000


def count_before_exclude(fan_out: FanOut) -> int:
    """How many combinations the matrix, the list and `include` name, without building them."""
    matrix = math.prod(len(values) for values in fan_out.matrix.values()) if fan_out.matrix else 0
    return matrix + len(fan_out.combinations or ()) + len(fan_out.include)


def expand(fan_out: FanOut) -> tuple[Combination, ...]:
    """The combinations: the matrix's product (first parameter slowest) or the written list, less
    `exclude`, then `include`. At most 10,000 when the job was checked."""
    combinations: list[Combination] = list(fan_out.combinations or ())
    if fan_out.matrix:
        names = tuple(fan_out.matrix)
        combinations = [dict(zip(names, values, strict=True)) for values in itertools.product(*fan_out.matrix.values())]
    excluded = _excluding(fan_out.exclude)
    kept = [c for c in combinations if not any(_signature(c, names) in values for names, values in excluded)]
    return (*kept, *fan_out.include)


def idle_excludes(fan_out: FanOut) -> list[int]:
    """The entries of `exclude` that leave nothing out, by index."""
    if fan_out.matrix is not None:
        values = {name: {_comparable(value) for value in listed} for name, listed in fan_out.matrix.items()}
        return [
            index
            for index, pattern in enumerate(fan_out.exclude)
            if any(_comparable(value) not in values.get(name, ()) for name, value in pattern.items())
        ]
    idle = []
    found: dict[tuple[str, ...], set[object]] = {}
    for index, pattern in enumerate(fan_out.exclude):
        names = tuple(sorted(pattern))
        if names not in found:
            found[names] = {_signature(combination, names) for combination in fan_out.combinations or ()}
        if _signature(pattern, names) not in found[names]:
            idle.append(index)
    return idle


def _excluding(patterns: tuple[Combination, ...]) -> list[tuple[tuple[str, ...], set[object]]]:
    """The patterns by the names that they name, so that a long list costs one look-up per combination."""
    grouped: dict[tuple[str, ...], set[object]] = {}
    for pattern in patterns:
        names = tuple(sorted(pattern))
        grouped.setdefault(names, set()).add(_signature(pattern, names))
    return list(grouped.items())


def _signature(combination: Combination, names: tuple[str, ...]) -> object:
    """The values under `names`, comparable; None when one is missing. True is not 1."""
    if any(name not in combination for name in names):
        return None
    return tuple(_comparable(combination[name]) for name in names)


def _comparable(value: Scalar) -> tuple[bool, Scalar]:
    return isinstance(value, bool), value


def matches(combination: Combination, pattern: Combination) -> bool:
    """Whether `combination` has every value that `pattern` names; true is not 1."""
    return all(
        name in combination
        and combination[name] == value
        and isinstance(combination[name], bool) == isinstance(value, bool)
        for name, value in pattern.items()
    )
