"""Jobs of a target into the files of a tree: new files, and files changed in place. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from interact_gitops.errors import Failure, Position, Problem
from interact_gitops.interact.records import RemoteJob
from interact_gitops.jobs.defaults import NAMES, Defaults, beneath, read_defaults
from interact_gitops.jobs.files import merge_defaults, whole_schedule
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.model import Definition, Job
from interact_gitops.jobs.source import read_documents
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.jobs.variables import fill
from interact_gitops.jobs.wire import FIELDS, job_from_wire, job_to_wire
from interact_gitops.jobs.writing.changing import Wish, change_documents, entangled_fields
from interact_gitops.jobs.writing.declaring import left_over, new_document, normal, whole_document
from interact_gitops.jobs.writing.files import decode
from interact_gitops.jobs.writing.rendering import new_file
from interact_gitops.planning.diff import changed_fields
from interact_gitops.planning.imported import Action, FileChange, ImportedJob, Tree
from interact_gitops.planning.remote import read_definition
from interact_gitops.shapes import schema

_FILE_FIELDS = {wire: name for name, wire in FIELDS.items()}
# Names that Windows keeps for itself, whatever comes after the dot.
_RESERVED = frozenset(["con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One job to write: what it is there, the definition that it has here, the fields in which they differ.

    `whole`: the fields are written anew, because changing them in place did not do.
    """

    remote: RemoteJob
    job: Job
    wire: Mapping[str, Any]
    ours: bool
    path: PurePosixPath
    definition: Definition | None = None
    fields: tuple[str, ...] = ()
    whole: bool = False

    @property
    def key(self) -> str:
        """The key that the job has in the tree; a rename that is not applied yet makes it another than the target's."""
        return self.definition.job.key if self.definition else self.job.key

    def as_definition(self, shown: str) -> Definition:
        """The job as a definition, for selectors."""
        if self.definition is not None:
            return replace(self.definition, job=self.job)
        return Definition(job=self.job, path=f"{shown}/{self.path}", position=Position(str(self.path)))

    def differing(self, job: Job) -> tuple[str, ...]:
        """The fields in which a definition differs from the target; what is left to people is not looked at."""
        left = {*self.job.ignore_changes, *(("key",) if self.definition else ())}
        names = [wire for name, wire in FIELDS.items() if name not in left]
        return tuple(_FILE_FIELDS[one.field] for one in changed_fields(job_to_wire(job), self.wire, names))

    def ended(self, action: Action, **more: Any) -> ImportedJob:
        """What became of the job."""
        if self.definition is not None:
            more = {"path": self.definition.path, "line": self.definition.position.line, **more}
            if self.key != self.job.key:
                said = f"the target knows it as {self.job.key}: apply renames it"
                more["notes"] = (*more.get("notes", ()), said)
        return ImportedJob(key=self.key, name=self.job.name, action=action, ours=self.ours, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """The files with every task done, and for each task's key the places whose variables went."""

    files: Sequence[FileChange]
    filled: Mapping[str, tuple[tuple[str | int, ...], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    """What a draft says of one job: where it stands, what stays different; or why it cannot stand so."""

    place: Definition | None = None
    unsaid: tuple[str, ...] = ()
    reason: str | None = None


class Filing:
    """A tree being brought in line with a target that has jobs with `keys`; `step` is called for each file."""

    def __init__(self, *, tree: Tree, managed_by: str, keys: frozenset[str], step: Callable[[], object]) -> None:
        self.tree = tree
        self.step = step
        self.managed_by = managed_by
        self.by_key = {definition.job.key: definition for definition in tree.definitions}
        for definition in tree.definitions:
            if definition.job.key not in keys:
                for earlier in definition.job.moved_from:
                    self.by_key.setdefault(earlier, definition)
        self.by_shown = {file.shown: file for file in tree.files}
        self.taken = {file.path.as_posix().casefold().rpartition(".")[0] for file in tree.files}
        self.layers = [file for file in tree.files if file.path.name in NAMES]
        self.defaults: Defaults = {}
        for file in self.layers:
            read_defaults(file, read_documents(file.shown, file.raw)[0], self.defaults)
        self.given: dict[PurePosixPath, dict[str, Any]] = {}

    def task(self, remote: RemoteJob) -> Task | ImportedJob:
        """What there is to do for a job; a refusal for one that cannot be read."""
        ours = remote.managed_by == self.managed_by
        try:
            wire = read_definition(remote)
        except Failure as failure:
            return ImportedJob(key=remote.key, name=remote.name, action="refused", ours=ours,
                               reason=failure.message, remedy=failure.remedy)  # fmt: skip
        definition = self.by_key.get(remote.key)
        file = self.by_shown[definition.path].path if definition else self._free_path(remote.key)
        task = Task(
            remote=remote, job=job_from_wire(wire), wire=wire, ours=ours, path=file, definition=definition
        )  # fmt: skip
        return replace(task, fields=task.differing(definition.job)) if definition else task

    def file(self, tasks: Sequence[Task]) -> tuple[list[ImportedJob], list[FileChange]]:
        """(what becomes of each task, the files to write)."""
        draft, verdicts = self._judged(tasks)
        if any(verdict.reason for verdict in verdicts.values()):
            tasks = [self._anew(task) if task.definition and verdicts[task.key].reason else task for task in tasks]
            draft, verdicts = self._judged(tasks)
        refused = [task for task in tasks if verdicts[task.key].reason]
        ended = [self._refusal(task, verdicts[task.key]) for task in refused]
        if refused:
            tasks = [task for task in tasks if not verdicts[task.key].reason]
            draft, verdicts = self._judged(tasks)
        files = [file for file in draft.files if file.before != file.after]
        return [*ended, *(self._end(task, verdicts[task.key], draft) for task in tasks)], files

    def _judged(self, tasks: Sequence[Task]) -> tuple[_Draft, Mapping[str, _Verdict]]:
        draft = self._draft(tasks)
        new = [SourceFile(path=file.path, shown=file.shown, raw=file.after) for file in draft.files]
        layers = [file for file in self.layers if file.shown not in {one.shown for one in new}]
        loaded = load([*layers, *new], variables=self.tree.variables)
        found = {definition.job.key: definition for definition in loaded.definitions}
        faults = _faults(draft.files, loaded.errors)
        return draft, {task.key: self._verdict(task, found.get(task.key), faults.get(task.key)) for task in tasks}

    def _verdict(self, task: Task, made: Definition | None, fault: Problem | None) -> _Verdict:
        if made is None or fault is not None:
            return _Verdict(reason=f"no file can say it: {fault.message}" if fault else "no file can say it")
        places = list(left_over(whole_document(task.job), self._given(task.path)))
        still = task.differing(made.job)
        if any(name not in {place[0] for place in places} for name in still):
            return _Verdict(reason=f"its {', '.join(still)} cannot be changed in the file as it is written")
        return _Verdict(place=made, unsaid=tuple(".".join(map(str, place)) for place in places if place[0] in still))

    def _draft(self, tasks: Sequence[Task]) -> _Draft:
        by_file: dict[PurePosixPath, list[Task]] = {}
        for task in tasks:
            by_file.setdefault(task.path, []).append(task)
        files: list[FileChange] = []
        filled: dict[str, Any] = {}
        for path, here in by_file.items():
            self.step()
            file = self.by_shown.get(self._shown(here[0]))
            if file is None:
                document = new_document(here[0].job, self._given(path))
                text = new_file(document, modeline=self.tree.modeline)
                files.append(FileChange(path=path, shown=self._shown(here[0]), before=None, after=text.encode()))
                continue
            change, went = self._changed(file, here)
            files.append(change)
            filled |= went
        return _Draft(files=files, filled=filled)

    def _changed(self, file: SourceFile, tasks: Sequence[Task]) -> tuple[FileChange, dict[str, Any]]:
        numbers = {document.start: document for document in read_documents(file.shown, file.raw)[0]}
        text, ends = decode(file.raw)
        wishes = []
        for task in tasks:
            assert task.definition is not None
            document = numbers[task.definition.position]
            wishes.append(Wish(number=document.number, value=document.value, job=task.job, fields=task.fields,
                               defaults=self._given(task.path), whole=task.whole))  # fmt: skip
        made = change_documents(text, wishes, variables=self.tree.variables)
        change = FileChange(path=file.path, shown=file.shown, before=file.raw, after=ends.encode(made.text))
        return change, dict(zip((task.key for task in tasks), made.filled, strict=True))

    def _anew(self, task: Task) -> Task:
        """The task, to be done the hard way: with every field that an anchor ties to another."""
        assert task.definition is not None
        file = self.by_shown[task.definition.path]
        numbers = {one.start: one.number for one in read_documents(file.shown, file.raw)[0]}
        tied = entangled_fields(decode(file.raw)[0], numbers[task.definition.position])
        fields = tuple(name for name in FIELDS if name in {*task.fields, *tied} and name != "key")
        return replace(task, fields=fields, whole=True)

    def _end(self, task: Task, verdict: _Verdict, draft: _Draft) -> ImportedJob:
        assert verdict.place is not None
        notes = [
            f"{'.'.join(map(str, place))}: a variable gave way to the target's own value"
            for place in draft.filled.get(task.key, ())
        ]
        written = {*task.fields} - {place.partition(".")[0] for place in verdict.unsaid}
        return task.ended(
            "create" if task.definition is None else "update" if written else "unchanged",
            path=verdict.place.path,
            line=verdict.place.position.line,
            fields=task.fields,
            unsaid=verdict.unsaid,
            notes=(*notes, *_unknown(task.remote)),
        )

    def _refusal(self, task: Task, verdict: _Verdict) -> ImportedJob:
        remedy = "change it in the file by hand" if task.definition else "change it on the target, or write it by hand"
        return task.ended("refused", reason=verdict.reason, remedy=remedy)

    def _given(self, path: PurePosixPath) -> dict[str, Any]:
        """What the folder of a file gives its jobs, in normal form."""
        folder = path.parent
        if folder not in self.given:
            value: dict[str, Any] = {}
            for layer in beneath(path, self.defaults):
                value = merge_defaults(whole_schedule(layer.value), value)
            self.given[folder] = normal(fill(value, self.tree.variables, []))
        return self.given[folder]

    def _shown(self, task: Task) -> str:
        return task.definition.path if task.definition else f"{self.tree.shown}/{task.path}"

    def _free_path(self, key: str) -> PurePosixPath:
        """A name of its own for a new file, on disks too where case does not count."""
        name, number = key, 1
        while name in self.taken or name in _RESERVED:
            number += 1
            name = f"{key}-{number}"
        self.taken.add(name)
        return PurePosixPath(f"{name}.yaml")


def _faults(files: Sequence[FileChange], errors: Sequence[Problem]) -> dict[str, Problem]:
    """The first error of each job in files that have one, by the job's key."""
    by_file: dict[str, list[Problem]] = {}
    for error in errors:
        by_file.setdefault(error.position.file, []).append(error)
    found: dict[str, Problem] = {}
    for file in files:
        here = by_file.get(file.shown, [])
        documents = read_documents(file.shown, file.after)[0] if here else []
        for error in here:
            above = [one.value for one in documents if one.start <= error.position and isinstance(one.value, dict)]
            if above:
                found.setdefault(str(above[-1].get("key")), error)
    return found


def _unknown(remote: RemoteJob) -> Iterator[str]:
    """What a target tells of a job, and neither we nor the API's description know of."""
    known = _known()
    for name in remote.raw:
        if name not in known:
            yield f"the target also tells {name[:60]!r}, for which a definition has no field"


@functools.cache
def _known() -> frozenset[str]:
    return frozenset(schema("interact-api.openapi.json")["components"]["schemas"]["Job"]["properties"])
