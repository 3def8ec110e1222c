"""An embedded server that kills itself at a step of its work: before it, or when it was done and nobody knows yet.

    python dying.py DATA SAMPLE NUMBER before|after

Steps are transactions of the store and messages that are sent. It prints its address, and serves until it dies.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interact_gitops.notify.retrying import Patience
from interact_gitops.server.notifying.courier import Courier
from interact_gitops.server.serving import EmbeddedServer
from interact_gitops.server.store.database import Connection, Database

data, sample, number, when = sys.argv[1:5]
steps, counting = itertools.count(1), threading.Event()
real_write = Database.write


def is_mine() -> bool:
    return counting.is_set() and next(steps) == int(number)


@contextmanager
def write(self: Database) -> Iterator[Connection]:
    mine = is_mine()
    with real_write(self) as connection:
        yield connection
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
    if mine:
        os.kill(os.getpid(), signal.SIGKILL)


def deadly(send: Callable[..., Any]) -> Callable[..., Any]:
    def sent(*arguments: Any) -> Any:
        mine = is_mine()
        if mine and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        outcome = send(*arguments)
        if mine:
            os.kill(os.getpid(), signal.SIGKILL)
        return outcome

    return sent


Database.write = write  # type: ignore[method-assign]  # what dies is this process
Courier._send = deadly(Courier._send)  # type: ignore[method-assign]  # so is this
with EmbeddedServer(
    Path(data), port=0, sample_folder=Path(sample), allow_private=("127.0.0.1",), scheduler=False, rate_limit=None,
    patience=Patience(first=0.05, longest=0.2),
) as server:  # fmt: skip
    print(server.url, flush=True)
    counting.set()
    threading.Event().wait()
