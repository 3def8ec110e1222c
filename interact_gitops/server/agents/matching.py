"""Which verified query answers a question.

A name wins: `query: campaign_performance`, given beside the question or as its first line. Else the wording
decides. Each query is known by phrases (its name, its title, the questions it answers); a word weighs more
the fewer queries know it. A query's score is

    0.6 × how much of its best phrase the question says  +  0.4 × how much of what the question says is its
    own

where words that no query knows count for nothing: prompts are long, and mostly about layout and tone. The
best query must score THRESHOLD, and lead the next by MARGIN. Otherwise nothing is guessed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from interact_gitops.errors import Failure, nearest
from interact_gitops.server.agents.agent import VerifiedQuery

THRESHOLD = 0.5
MARGIN = 0.05
_SHOWN_NAMES = 3

_NAMED = re.compile(r"\s*query:[ \t]*(?P<name>[\w-]+)[ \t]*(?:\n|$)", re.IGNORECASE)
_WORD = re.compile(r"[a-z0-9]+(?:[-'][a-z0-9]+)*")
_NO_MEANING = """
    a about above after all also an analyse analyze and any are as at audit be been before being brief
    briefing briefly by can check compare could create daily date day days did do does doing each explain
    for from get give going had has have highlight how i if in include into is it its know last list look
    make me month monthly more morning most much my need of on only or our out overall past per please
    prepare previous provide quarter report review run say send should show since so some summarise
    summarize summary team tell than that the their them then there these they this those to today up us use
    using versus vs want was we week weekly were what when where whether which who why will with would write
    year yesterday you your
"""
_STOP_WORDS = frozenset(_NO_MEANING.split())
# The shortest stems that keep the words of these trades apart; not linguistics.
_ENDINGS = ("ations", "ation", "ances", "ance", "ings", "ing", "edly", "ied", "ies", "ers", "er", "ed", "es", "s", "e")
_SHORTEST_STEM = 4


class NoMatch(Failure):
    """No verified query answers the question with confidence; `nearest` names the likeliest, best first."""

    def __init__(self, message: str, *, nearest: Sequence[str]) -> None:
        names = ", ".join(nearest)
        advice = "name one in the prompt's first line, as in"
        remedy = f"{advice} “query: {nearest[0]}” (nearest: {names})" if names else None
        super().__init__(message, remedy=remedy)
        self.nearest = tuple(nearest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A query's phrases as sets of stems."""

    query: VerifiedQuery
    phrases: tuple[frozenset[str], ...]
    vocabulary: frozenset[str]


def match(text: str, queries: Sequence[VerifiedQuery], *, name: str | None = None) -> VerifiedQuery:
    """The query that answers `text`; `name` (or the text's first line) decides when given. Raises NoMatch."""
    named = _NAMED.match(text)
    wanted = name or (named["name"] if named else None)
    if wanted is not None:
        return _by_name(wanted, queries)
    if not queries:
        raise NoMatch("the agent has no verified queries, and no model to write one", nearest=())
    scored = scores(text, queries)
    best = scored[0]
    second = scored[1][0] if len(scored) > 1 else 0.0
    if best[0] >= THRESHOLD and best[0] - second >= MARGIN:
        return best[1]
    likeliest = [query.name for _, query in scored[:_SHOWN_NAMES]]
    if best[0] >= THRESHOLD:
        tied = " and ".join(likeliest[:2])
        raise NoMatch(f"more than one verified query may answer the question: {tied}", nearest=likeliest)
    raise NoMatch("no verified query answers the question with confidence", nearest=likeliest)


def scores(text: str, queries: Sequence[VerifiedQuery]) -> list[tuple[float, VerifiedQuery]]:
    """Every query with its score from 0 to 1, best first; equals in the catalogue's order."""
    known = [_known(query) for query in queries]
    asked = stems(text)
    rarity = {stem: _rarity(stem, known) for one in known for stem in one.vocabulary}
    scored = [(_score(asked, one, rarity), one.query) for one in known]
    return sorted(scored, key=lambda entry: -entry[0])


def stems(text: str) -> frozenset[str]:
    """The words of `text` that carry meaning, without endings; ids, dates and figures are left out."""
    words = _WORD.findall(text.lower().replace("_", " "))
    return frozenset(
        _stem(word) for word in words if word not in _STOP_WORDS and not any(letter.isdigit() for letter in word)
    )


def _by_name(wanted: str, queries: Sequence[VerifiedQuery]) -> VerifiedQuery:
    for query in queries:
        if query.name == wanted:
            return query
    names = [query.name for query in queries]
    close = nearest(wanted, names)
    likeliest = [close] if close else names[:_SHOWN_NAMES]
    raise NoMatch(f"the agent has no verified query {wanted!r}", nearest=likeliest)


def _known(query: VerifiedQuery) -> _Known:
    phrases = tuple(stems(phrase) for phrase in (query.name, query.title, *query.questions))
    vocabulary = frozenset().union(*phrases) | stems(query.description)
    return _Known(query=query, phrases=tuple(phrase for phrase in phrases if phrase), vocabulary=vocabulary)


def _rarity(stem: str, known: Sequence[_Known]) -> float:
    return math.log(1 + len(known) / sum(stem in one.vocabulary for one in known))


def _score(asked: frozenset[str], one: _Known, rarity: dict[str, float]) -> float:
    def weight(stems: Collection[str]) -> float:
        return sum(rarity[stem] for stem in sorted(stems))  # sorted: sums of floats depend on the order

    recognised = asked & rarity.keys()
    own = asked & one.vocabulary
    # One word out of several is a coincidence, not a question; nor is a phrase of one word that other queries
    # know too, unless it is all that is asked.
    rarest = max(rarity.values(), default=0.0)
    said = (
        weight(asked & phrase) / weight(phrase)
        for phrase in one.phrases
        if phrase == asked or len(asked & phrase) > 1 or (phrase <= asked and weight(phrase) == rarest)
    )
    coverage = max(said, default=0.0)
    if not coverage:
        return 0.0
    return round(0.6 * coverage + 0.4 * weight(own) / weight(recognised), 6)


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word.removesuffix(ending)
    return word
