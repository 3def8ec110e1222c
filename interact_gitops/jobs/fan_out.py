"""Fan-out: which combinations of parameter values one run group runs, in a stable order."""

from __future__ import annotations

import itertools
import math

from interact_gitops.jobs.model import Combination, FanOut

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
    kept = [c for c in combinations if not any(matches(c, excluded) for excluded in fan_out.exclude)]
    return (*kept, *fan_out.include)


def matches(combination: Combination, pattern: Combination) -> bool:
    """Whether `combination` has every value that `pattern` names; true is not 1."""
    return all(
        name in combination
        and combination[name] == value
        and isinstance(combination[name], bool) == isinstance(value, bool)
        for name, value in pattern.items()
    )
