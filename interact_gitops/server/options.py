"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from interact_gitops.notify.retrying import Patience
from interact_gitops.server.listening.bounds import Bounds

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """Calls per second that one caller may make in the long run, and at once after a pause."""

    per_second: float = 600.0
    burst: int = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """`data` is the server's folder. `agents` None: the sample's agents. `port` 0: any free one.

    `workers` is how many chats run at a time, `request_threads` how many requests are answered at a time.
    `drain_seconds` is how long running chats may take to end when the server stops. `sample_folder` None:
    the sample warehouse is kept under `data`. `rate_limit` (of a key's calls) or `wrong_keys` (that come from one
    address) None: no limit. `bounds` are those of connections. `scheduler`: whether the jobs' schedules
    are evaluated.

    `ui_password` (a secret) is what people sign in to the pages with; None: whoever uses this machine sees them.

    Of notifications: `public_url` is where people reach the server, for links; `smtp_url` (a secret, see
    `notify/relay.py`) and `mail_from` are for email; webhooks lead to internal addresses of the hosts in
    `allow_private` only; `allow_apprise` lets apprise send, whose addresses nobody checks; `patience` is how long
    failed messages wait.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    agents: Path | None = None
    allow_remote: bool = False
    workers: int = 8
    request_threads: int = 16
    drain_seconds: float = 10.0
    sample_folder: Path | None = None
    rate_limit: RateLimit | None = RateLimit()
    wrong_keys: RateLimit | None = RateLimit(per_second=5, burst=50)
    bounds: Bounds = field(default_factory=Bounds)
    scheduler: bool = True
    public_url: str | None = None
    ui_password: str | None = field(default=None, repr=False)
    smtp_url: str | None = field(default=None, repr=False)
    mail_from: str | None = None
    allow_private: tuple[str, ...] = ()
    allow_apprise: bool = False
    patience: Patience = field(default_factory=Patience)
