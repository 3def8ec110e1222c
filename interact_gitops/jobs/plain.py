"""The short way through a YAML file in which nothing is out of the ordinary: parser events → values.

Nearly every file is one of those, and nobody asks where its parts stand. So nodes and their places are
made by `composing.py` only for a file in which something is wrong, or asked for. This reader refuses
whatever it would have to judge (an anchor, a tag, a key that stands twice, a number that is too large)
and leaves it to the long way, whose word counts; what both read, they read alike.

PyYAML is imported at the top: import this module where it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from sys import intern
from typing import Any

import yaml
from yaml.events import DocumentStartEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from interact_gitops.jobs.composing import MAX_DEPTH
from interact_gitops.jobs.positions import MERGE
from interact_gitops.jobs.scalars import ScalarRefused, control_character, resolve

Events = Callable[[], Any]
_PARSER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UnusualError(Exception):
    """Something that the long way has to judge."""


def read_plainly(text: str, most: int) -> list[tuple[Any, int, int]] | None:
    """(value, line, column) of each document, counted from 1; None unless all is plain and there are at most `most`."""
    parser = _PARSER(text)
    try:
        return _documents(parser.get_event, most)
    except (_UnusualError, ScalarRefused, yaml.YAMLError):
        return None
    finally:
        parser.dispose()


def _documents(get: Events, most: int) -> list[tuple[Any, int, int]]:
    found: list[tuple[Any, int, int]] = []
    while (event := get()) is not None:
        if event.__class__ is DocumentStartEvent:
            if len(found) == most:
                raise _UnusualError
            root = get()
            value = _scalar(root) if root.__class__ is ScalarEvent else _collection(root, get, 1)
            found.append((value, root.start_mark.line + 1, root.start_mark.column + 1))
    return found


def _scalar(event: Any) -> Any:
    if event.anchor is not None or event.tag is not None:
        raise _UnusualError
    text = event.value
    if event.implicit[0]:
        return resolve(text)
    if event.style == '"' and not text.isprintable() and control_character(text):
        raise _UnusualError
    return text


def _collection(event: Any, get: Events, depth: int) -> Any:
    """The value of a map or list that begins with `event`; anything else is an alias."""
    if depth > MAX_DEPTH or event.anchor is not None or event.tag is not None:
        raise _UnusualError
    if event.__class__ is MappingStartEvent:
        return _mapping(get, depth + 1)
    values = []
    while (item := get()).__class__ is not SequenceEndEvent:
        values.append(_scalar(item) if item.__class__ is ScalarEvent else _collection(item, get, depth + 1))
    return values


def _mapping(get: Events, depth: int) -> dict[str, Any]:
    own: dict[str, Any] = {}
    while True:
        event = get()
        if event.__class__ is not ScalarEvent:
            if event.__class__ is MappingEndEvent:
                return own
            raise _UnusualError
        # The same few names stand in every file: one text for all of them.
        key = intern(event.value)
        if key in own or key == MERGE or event.anchor is not None or event.tag is not None:
            raise _UnusualError
        if event.style == '"':
            _scalar(event)
        event = get()
        if event.__class__ is not ScalarEvent:
            own[key] = _collection(event, get, depth)
        elif event.implicit[0] and event.anchor is None and event.tag is None:  # as in `_scalar`, and most often
            own[key] = resolve(event.value)
        else:
            own[key] = _scalar(event)
