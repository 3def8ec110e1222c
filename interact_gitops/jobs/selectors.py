"""Selectors: which jobs a command means (cli.md, Selectors).

`key`, a glob, `label:team=marketing`, `agent:SLUG`, `path:jobs.d/marketing/**`; several are a union,
`!` in front excludes.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from interact_gitops.errors import SelectionInvalid, did_you_mean
from interact_gitops.jobs.model import Definition

_KINDS = ("label", "agent", "path")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One term: `kind` is key, label, agent or path; `pattern` as written after the colon."""

    kind: str
    pattern: str
    exclude: bool = False

    def matches(self, definition: Definition) -> bool:
        """Whether the term names this definition, exclusion apart."""
        job = definition.job
        if self.kind == "label":
            name, _, value = self.pattern.partition("=")
            return name in job.labels and (not value or fnmatch.fnmatchcase(job.labels[name], value))
        if self.kind == "path":
            return _path_pattern(self.pattern).fullmatch(definition.path) is not None
        return fnmatch.fnmatchcase(job.agent, self.pattern) if self.kind == "agent" else self.names(job.key)

    def names(self, key: str) -> bool:
        """Whether the pattern of a term for keys names this one, exclusion apart."""
        return fnmatch.fnmatchcase(key, self.pattern)


def parse_selector(text: str) -> Selector:
    """One selector as typed. Raises SelectionInvalid for an empty or unknown form."""
    exclude, term = text.startswith("!"), text.removeprefix("!").strip()
    kind, colon, pattern = term.partition(":")
    if not colon:
        kind, pattern = "key", term
    elif kind not in _KINDS:
        remedy = did_you_mean(kind, _KINDS) or "write a key, a glob, label:NAME=VALUE, agent:SLUG or path:GLOB"
        raise SelectionInvalid(f"{text!r} is not a selector", remedy=remedy)
    if not pattern:
        raise SelectionInvalid(f"the selector {text!r} is empty", remedy="write a key, or '*' for every job")
    return Selector(kind=kind, pattern=pattern, exclude=exclude)


def parse_selectors(texts: Iterable[str]) -> list[Selector]:
    """Every selector in texts that each may hold several, with commas. Raises SelectionInvalid."""
    return [parse_selector(part) for text in texts for part in text.split(",") if part.strip()]


def select(definitions: Sequence[Definition], texts: Iterable[str]) -> tuple[Definition, ...]:
    """The definitions that the selectors name, in their order; with no selector, all of them.

    Exclusions alone start from all. Raises SelectionInvalid when a selector that is not an exclusion
    names nothing: a misspelt name must not mean "no change".
    """
    selectors = parse_selectors(texts)
    wanted = [selector for selector in selectors if not selector.exclude]
    for selector in wanted:
        if not any(selector.matches(definition) for definition in definitions):
            keys = [definition.job.key for definition in definitions]
            remedy = did_you_mean(selector.pattern, keys) if selector.kind == "key" else None
            shown = selector.pattern if selector.kind == "key" else f"{selector.kind}:{selector.pattern}"
            raise SelectionInvalid(f"no job matches {shown!r}", remedy=remedy or "see `interact-gitops list`")
    return tuple(
        definition
        for definition in definitions
        if (not wanted or any(selector.matches(definition) for selector in wanted))
        and not any(selector.exclude and selector.matches(definition) for selector in selectors)
    )


def _path_pattern(glob: str) -> re.Pattern[str]:
    """`**` crosses folders, `*` and `?` do not."""
    parts = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(parts.get(piece, re.escape(piece)) for piece in re.split(r"(\*\*|\*|\?)", glob))
    return re.compile(text)
