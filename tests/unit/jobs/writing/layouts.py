"""The same fields in every layout that people may choose, with comments wherever YAML takes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

from interact_gitops.jobs.writing.rendering import flow, inline
from interact_gitops.jobs.writing.texts import is_plain, literal, quoted, scalar


class Writer:
    """Writes a document by chance: comments on rows of their own are `# own N`, those behind values `# tail N`."""

    def __init__(self, chance: Random, *, shuffle: bool = False) -> None:
        self.chance = chance
        self.shuffle = shuffle
        self.count = 0

    def file(self, *documents: Mapping[str, Any]) -> str:
        rows: list[str] = []
        for number, document in enumerate(documents):
            if number:
                rows += [*self.between(0), "---"]
            rows += [*self.between(0), *self.map(document, 0, ())]
        return "\n".join([*rows, *self.between(0)]) + "\n" * self.chance.choice([1, 1, 1, 2])

    def often(self, share: float = 0.5) -> bool:
        return self.chance.random() < share

    def comment(self, kind: str) -> str:
        self.count += 1
        return f"# {kind} {self.count}"

    def tail(self) -> str:
        return " " * self.chance.randint(1, 3) + self.comment("tail") if self.often(0.2) else ""

    def between(self, indent: int) -> Iterator[str]:
        while self.often(0.2):
            yield "" if self.often(0.3) else " " * indent + self.comment("own")

    def map(self, value: Mapping[str, Any], indent: int, path: tuple[str | int, ...]) -> Iterator[str]:
        names = list(value)
        if self.shuffle:
            self.chance.shuffle(names)
        for number, name in enumerate(names):
            if number or indent == 0:
                yield from self.between(indent)
            key = scalar(name) if self.often(0.9) else quoted(name)
            yield from self.entry(" " * indent + key + ":", value[name], indent, (*path, name), in_map=True)

    def entry(self, lead: str, value: Any, indent: int, path: tuple[str | int, ...], *, in_map: bool) -> Iterator[str]:
        gap = " " * self.chance.choice([1, 1, 1, 2, 4])
        if isinstance(value, Mapping | list) and value and self.often(0.7):
            inside = indent + self.chance.choice([1, 2, 2, 2, 3, 4])
            if isinstance(value, list):
                inside = indent + self.chance.choice([0, 2, 2, 4]) if in_map else inside
                rows = []
                for number, item in enumerate(value):
                    rows += self.between(inside) if number else ()
                    rows += self.entry(" " * inside + "-", item, inside, (*path, number), in_map=False)
                compact = False
            else:
                compact = not in_map and self.often(0.8)
                inside = len(lead) + len(gap) if compact else inside
                rows = list(self.map(value, inside, path))
            if compact:
                yield lead + gap + rows[0][inside:]
                yield from rows[1:]
            else:
                yield lead + self.tail()
                yield from self.between(inside)
                yield from rows
        elif isinstance(value, Mapping | list):
            yield from self.brackets(lead + gap, value, indent, path)
        else:
            held = literal(value, indent + 2) if isinstance(value, str) and self.often(0.6) else None
            if held is not None:
                yield lead + gap + held[0] + self.tail()
                yield from held[1]
            else:
                yield lead + gap + self.word(value, path) + self.tail()

    def brackets(self, start: str, value: Any, indent: int, path: tuple[str | int, ...]) -> Iterator[str]:
        if not value or self.often(0.6):
            yield start + flow(value, path) + self.tail()
            return
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        yield start + opening + self.tail()
        names = list(value) if isinstance(value, Mapping) else range(len(value))
        for name in names:
            yield from self.between(indent + 2)
            shown = flow(value[name], (*path, name))
            comma = "," if name != names[-1] or self.often(0.3) else ""
            yield (
                " " * (indent + 2)
                + (f"{scalar(name, flow=True)}: {shown}" if isinstance(value, Mapping) else shown)
                + comma
                + self.tail()
            )
        yield " " * (indent + 1) + closing

    def word(self, value: Any, path: tuple[str | int, ...]) -> str:
        if isinstance(value, str) and path[-1] not in {"not_before", "not_after"}:
            forms = [quoted(value)]
            if is_plain(value):
                forms.append(value)
            if value.isprintable():
                forms.append("'" + value.replace("'", "''") + "'")
            return self.chance.choice(forms)
        return inline(value, path)
