"""What the loop remembers from one process to the next: its standing, as a file.

It is written whole after each pass that changed anything. Nothing in it is needed to be right: without it the next
pass compares everything, and puts back nothing that people changed unless it heals.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from interact_gitops.errors import Failure, Refused
from interact_gitops.gitops.controls import write_json
from interact_gitops.gitops.proposal import Fight
from interact_gitops.gitops.source import Commit
from interact_gitops.gitops.standing import Difference, Hold, Item, Standing

FILE, LOCK, FORMAT = "standing.json", "loop.lock", "1"
_TIMES = ("passed_at", "succeeded_at", "wrote_at", "compared_at", "next_at")


def read_standing(folder: Path) -> Standing | None:
    """The standing that was written last; None where there is none, or one that cannot be understood."""
    try:
        raw = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return _standing(raw) if raw.get("formatVersion") == FORMAT else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write_standing(folder: Path, standing: Standing) -> None:
    """Remember it. Raises Failure where the disk does not take it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / FILE, standing_to_json(standing))
    except OSError as error:
        said = f"{str(folder / FILE)!r} cannot be written: {error.strerror}"
        raise Failure(said, remedy="check the disk and the folder's permissions") from error


def standing_to_json(standing: Standing) -> dict[str, Any]:
    """A standing as JSON, times in RFC 3339."""
    raw = _plain(asdict(replace(standing, fights={})))
    fights = [{"kind": kind, "key": key, **asdict(fight)} for (kind, key), fight in sorted(standing.fights.items())]
    return {"formatVersion": FORMAT, **raw, "fights": fights}


def still_at_work(folder: Path) -> None:
    """Leave a trace of a pass that changed nothing, for the price of a time stamp."""
    with suppress(OSError):  # the next change says what is wrong with the disk
        os.utime(folder / FILE)


def last_pass(folder: Path) -> datetime | None:
    """When the last pass ended, in UTC, by this machine's clock."""
    try:
        return datetime.fromtimestamp((folder / FILE).stat().st_mtime, UTC)
    except OSError:
        return None


def at_work(folder: Path) -> bool:
    """Whether a loop works in a folder now."""
    try:
        with open(folder / LOCK, encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@contextmanager
def only_loop(folder: Path) -> Iterator[None]:
    """This process alone runs the loop of a folder. Raises Refused while another does."""
    try:
        for each in (folder.parent, folder):  # definitions are in there, and who is told what
            each.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = open(folder / LOCK, "w", encoding="utf-8")  # noqa: SIM115  # closed below, after the lock's whole life
    except OSError as error:
        said = f"{str(folder)!r} cannot be written: {error.strerror}"
        raise Refused(said, remedy="name another folder with --state") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            said = f"another sync works in {str(folder)!r}"
            raise Refused(said, remedy="stop it, or name another folder with --state") from None
        yield


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def _standing(raw: Mapping[str, Any]) -> Standing:
    fields = {name: value for name, value in raw.items() if name in Standing.__dataclass_fields__}
    fields |= {name: _time(fields.get(name)) for name in _TIMES}
    fields |= {name: _commit(fields.get(name)) for name in ("head", "good")}
    hold = fields.get("hold")
    return Standing(
        **{
            **fields,
            "items": tuple(
                Item(**{**item, "fields": tuple(Difference(**one) for one in item.get("fields", ()))})
                for item in fields.get("items", ())
            ),
            "hold": Hold(**{**hold, "since": _time(hold["since"])}) if hold else None,
            "problems": tuple(fields.get("problems", ())),
            "told": tuple(fields.get("told", ())),
            "fights": {(one["kind"], one["key"]): Fight(mark=one["mark"], times=one["times"]) for one in raw["fights"]},
        }
    )


def _commit(raw: Mapping[str, Any] | None) -> Commit | None:
    return Commit(**{**raw, "at": datetime.fromisoformat(raw["at"])}) if raw else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
