"""A document changed in place until it says what a job is: only what differs is touched.

A value that means the wanted one stays as it is written, whether it is spelled in another way, holds variables or comes
from an alias. The caller loads the result and compares: an anchor whose value changes changes its aliases too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from interact_gitops.jobs.model import Job, Scalar
from interact_gitops.jobs.variables import fill
from interact_gitops.jobs.wire import canonical_json, unordered
from interact_gitops.jobs.writing.blocks import predecessor, put_in, replaced, taken_out
from interact_gitops.jobs.writing.declaring import (
    MISSING,
    UNORDERED,
    as_file,
    normal,
    normal_at,
    same,
    to_write,
    whole_document,
)
from interact_gitops.jobs.writing.edits import Edit, applied
from interact_gitops.jobs.writing.parts import Entry, Part, Text
from interact_gitops.jobs.writing.rendering import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What one document of a file is to say: `job`, in `fields`.

    The document is number `number` (from 0) and reads as `value`; `defaults` is what the file's folder gives, in normal
    form. `whole`: write these fields anew, all that is in them; for a document whose anchors are in the way.
    """

    number: int
    value: Mapping[str, Any]
    job: Job
    fields: Collection[str]
    defaults: Mapping[str, Any]
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A file's text after a change; for each wish, the places whose variables gave way to plain values."""

    text: str
    filled: tuple[tuple[Path, ...], ...]


def change_documents(text: str, wishes: Sequence[Wish], *, variables: Mapping[str, Scalar]) -> Changed:
    """The text of a file whose documents say what is wished for. The text has LF line ends."""
    taken = Text(text)
    edits: list[Edit] = []
    filled = []
    for wish in wishes:
        change = _Change(text=taken, defaults=wish.defaults, variables=variables, whole=wish.whole)
        edits += change.document(taken.roots[wish.number], wish.value, wish.job, wish.fields)
        filled.append(tuple(change.filled))
    return Changed(text=applied(text, edits), filled=tuple(filled))


def entangled_fields(text: str, number: int) -> frozenset[str]:
    """The fields of a document that hold anchors or aliases: they change together, or not at all."""
    root = Text(text).roots[number]
    return frozenset(
        "prompts" if one.name == "prompt" else one.name for one in root.entries if one.name and _is_entangled(one.value)
    )


def _is_entangled(part: Part) -> bool:
    return part.anchored or part.kind == "alias" or any(_is_entangled(one.value) for one in part.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    text: Text
    defaults: Mapping[str, Any]
    variables: Mapping[str, Scalar]
    whole: bool
    filled: list[Path] = field(default_factory=list)

    def document(self, root: Part, value: Mapping[str, Any], job: Job, fields: Collection[str]) -> Iterator[Edit]:
        """The edits of a document's own fields."""
        full = {name: part for name, part in whole_document(job).items() if name in fields}
        others = value.keys() - fields
        if "prompts" in full:
            others -= {"prompt"}
            if "prompts" not in value and len(job.prompts) == 1 and job.prompts[0].query is None:
                full["prompt"] = full.pop("prompts")[0]["text"]  # the short form
        yield from self.entries(root, value, full, (), others)

    def entries(
        self, part: Part, raw: Mapping[str, Any], full: Mapping[str, Any], path: Path, others: Collection[str] = ()
    ) -> Iterator[Edit]:
        """The edits of a map that is to have `full`; what `others` name is left alone."""
        gone: set[int] = set()
        for number, one in enumerate(part.entries):
            name = one.name
            if name is None or name in others or self.stays(raw, name, full, path):
                continue
            if self.goes(name, full, path):
                gone.add(number)
                self.notice(raw[name], (*path, name))
            else:
                yield from self.value(part, one, raw[name], full[name], (*path, name))
        yield from taken_out(self.text, part, gone)
        new = [
            (predecessor(part, name, path), name, as_file(short, (*path, name)))
            for name, wanted in full.items()
            if part.get(name) is None and (short := self.added(raw, name, wanted, (*path, name))) is not MISSING
        ]
        yield from put_in(self.text, part, new, gone, path, open_end=not self.whole)

    def stays(self, raw: Mapping[str, Any], name: str, full: Mapping[str, Any], path: Path) -> bool:
        """Whether an entry of a map means what it is to mean."""
        below = (*path, name)
        return not self.whole and name in full and same(self.meant(raw[name], below), full[name], below)

    def goes(self, name: str, full: Mapping[str, Any], path: Path) -> bool:
        """Whether nothing has to be written where an entry is."""
        return name not in full or self.short(full[name], (*path, name)) is MISSING

    def added(self, raw: Mapping[str, Any], name: str, wanted: Any, path: Path) -> Any:
        """What to write of a value that the map does not have of its own: nothing where it is merged in so."""
        short = self.short(wanted, path)
        if name not in raw:
            return short
        if same(self.meant(raw[name], path), wanted, path):
            return MISSING
        return wanted if short is MISSING else short

    def value(self, holder: Part, one: Entry, raw: Any, full: Any, path: Path) -> Iterator[Edit]:
        """The edits of one value that is to be another."""
        part = one.value
        if not self.whole and part.entries and isinstance(raw, dict) and isinstance(full, Mapping):
            names = [other.name for other in part.entries]
            if any(n is None or self.stays(raw, n, full, path) or not self.goes(n, full, path) for n in names):
                yield from self.entries(part, raw, full, path)
                return
        elif not self.whole and part.entries and full and isinstance(raw, list) and isinstance(full, list):
            yield from self.items(part, raw, full, path)
            return
        self.notice(raw, path)
        short = as_file(self.short(full, path), path)
        yield from replaced(self.text, holder, one, short, path, open_end=not self.whole)

    def items(self, part: Part, raw: Sequence[Any], full: Sequence[Any], path: Path) -> Iterator[Edit]:
        """The edits of a list: what both have stays, with its comments."""
        before = [canonical_json(unordered(self.meant(item, (*path, 0)))) for item in raw]
        after = [canonical_json(unordered(item)) for item in full]
        if path[:1] in UNORDERED:
            # In the order that the file has: another one is no difference.
            ranks = {text: number for number, text in reversed(list(enumerate(before)))}
            full = [full[at] for at in sorted(range(len(full)), key=lambda at: ranks.get(after[at], len(before)))]
            after = [canonical_json(unordered(item)) for item in full]
        gone: set[int] = set()
        new: list[tuple[int, str | None, Any]] = []
        for _, start, stop, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if before[start:stop] == after[first:last]:
                continue
            pairs = min(stop - start, last - first)
            for number in range(pairs):
                below = (*path, start + number)
                yield from self.value(
                    part, part.entries[start + number], raw[start + number], full[first + number], below
                )
            gone.update(range(start + pairs, stop))
            new += [
                (start + pairs - 1, None, as_file(full[number], (*path, number)))
                for number in range(first + pairs, last)
            ]
        for number in gone:
            self.notice(raw[number], (*path, number))
        yield from taken_out(self.text, part, gone)
        yield from put_in(self.text, part, new, gone, path, open_end=not self.whole)

    def meant(self, raw: Any, path: Path) -> Any:
        """A value of the file as it is compared: variables filled in, in normal form."""
        filled = fill(raw, self.variables, [], path)
        name = str(path[0])
        return normal({name: filled})[name] if path[1:] == () and name != "prompt" else normal_at(filled, path)

    def short(self, full: Any, path: Path) -> Any:
        """The part of a value that has to be written; MISSING for none."""
        if path == ("prompt",):
            return MISSING if to_write([{"text": full}], self.defaults, ("prompts",)) is MISSING else full
        return to_write(full, self.defaults, path)

    def notice(self, raw: Any, path: Path) -> None:
        """Remember a place whose variables go."""
        if "${var." in canonical_json(raw):
            self.filled.append(path)
