"""What may be wrong with a ledger itself.

LedgerFailure                cannot be used; `committed` says what became of the transaction
├── LedgerUnavailable            passes by itself, or with room, rights or a network: try again later
│   ├── LedgerLost                   the connection, or the file, is gone
│   ├── LedgerFull                   no room on the disk
│   ├── LedgerLocked                 somebody else holds it for longer than we wait
│   └── LedgerReadOnly               it may be read, not written
├── LedgerCorrupt                damaged: restore it
├── LedgerNewer                  written by a newer version of this program
└── LedgerForeign                not a ledger, or no ledger's URL
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from interact_gitops.errors import Failure

Committed: TypeAlias = Literal["no", "maybe"]


class LedgerFailure(Failure):
    """The ledger cannot be used. `committed` is "maybe" when a commit was sent and not answered.

    Every write is idempotent or a compare-and-set: after a "maybe", read again what it was about.
    """

    def __init__(self, message: str, *, remedy: str | None = None, committed: Committed = "no") -> None:
        super().__init__(message, remedy=remedy)
        self.committed = committed


class LedgerUnavailable(LedgerFailure):
    """It may work again by itself: claim nothing, keep following what runs, try again."""


class LedgerLost(LedgerUnavailable):
    """The connection or the file went away."""


class LedgerFull(LedgerUnavailable):
    """No room on the ledger's disk."""


class LedgerLocked(LedgerUnavailable):
    """Another process holds it for longer than we wait."""


class LedgerReadOnly(LedgerUnavailable):
    """It can be read and not written."""


class LedgerCorrupt(LedgerFailure):
    """Its data are damaged."""


class LedgerNewer(LedgerFailure):
    """A newer version of this program wrote it."""


class LedgerForeign(LedgerFailure):
    """Not a ledger of ours, or an address that names none."""
