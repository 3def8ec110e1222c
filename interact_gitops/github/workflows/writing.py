"""Generated files against those of a repository: what is to be written, what is to go, and what is somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from interact_gitops.errors import Failure
from interact_gitops.github.workflows.generating import FOLDER, OURS, is_ours

MOST_BYTES = 1 << 20  # of a file that may be one of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Paths from the repository's top. `foreign` are in the way of ours, and are left as they are."""

    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.made or self.changed or self.removed)


def compare(wanted: Mapping[str, str], there: Mapping[str, str | None]) -> Steps:
    """What leads from the files that are `there` to those that are `wanted`. None: it cannot be read as text. Pure."""
    found = {path: there[path] for path in wanted if path in there}
    own = {path for path, text in there.items() if text is not None and is_ours(text)}
    return Steps(
        made=tuple(path for path in wanted if path not in there),
        changed=tuple(path for path, text in found.items() if path in own and text != wanted[path]),
        removed=tuple(sorted(own - wanted.keys())),
        foreign=tuple(path for path in found if path not in own),
    )


def read_there(top: Path, wanted: Mapping[str, str]) -> dict[str, str | None]:
    """The files that may be ours: those wanted, and every workflow there is. A link is somebody else's.

    Raises Failure for a folder that leads out of the repository.
    """
    folder = top / FOLDER
    _demand_inside(top, folder / "any")
    names = {f"{FOLDER}/{path.name}" for path in folder.glob("*.y*ml")} if folder.is_dir() else set()
    return {name: _read(top / name) for name in sorted(names | wanted.keys()) if (top / name).is_symlink()
            or (top / name).exists()}  # fmt: skip


def write(top: Path, wanted: Mapping[str, str], steps: Steps, *, put: Callable[[Path, str], None]) -> None:
    """Carry the steps out, each file whole by `put`. Raises Failure; what was written stays, and running it again goes
    on."""
    for name in (*steps.made, *steps.changed):
        path = top / name
        _demand_inside(top, path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(f"{path.parent} cannot be made: {error.strerror}") from error
        put(path, wanted[name])
    for name in steps.removed:
        try:
            (top / name).unlink(missing_ok=True)
        except OSError as error:
            raise Failure(f"{name} cannot be removed: {error.strerror}") from error


def lines(steps: Steps) -> Iterator[tuple[str, str]]:
    """(word, path) of each step."""
    for word, paths in (("made", steps.made), ("changed", steps.changed), ("removed", steps.removed)):
        yield from ((word, path) for path in paths)


def _read(path: Path) -> str | None:
    try:
        if path.is_symlink() or not path.is_file():
            return None
        with path.open("rb") as file:
            if file.read(len(OURS)) != OURS.encode() and path.stat().st_size > MOST_BYTES:
                return None
        return path.read_bytes().decode().replace("\r\n", "\n")  # as git gives it on some machines
    except (OSError, UnicodeDecodeError):
        return None


def _demand_inside(top: Path, path: Path) -> None:
    if not path.parent.resolve().is_relative_to(top.resolve()):
        raise Failure(f"{path.parent} leads out of the repository", remedy="remove the link")
