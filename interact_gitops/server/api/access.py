"""Who may call what: keys, organisations, permissions and rates."""

from __future__ import annotations

import hmac
import logging
import math
import sqlite3
import time
from collections.abc import Mapping

from interact_gitops.server.api.calls import Caller
from interact_gitops.server.api.rates import Rates, WrongKeys
from interact_gitops.server.failures import Forbidden, Unauthenticated
from interact_gitops.server.identity import Permission, key_digest
from interact_gitops.server.instance import Instance
from interact_gitops.server.store import organisations
from interact_gitops.server.store.organisations import ApiKey

log = logging.getLogger(__name__)

_NOTE_USE_EVERY_SECONDS = 60.0
_LONGEST_KEY = 200


class Access:
    """Answers whether a request may go on. Safe to use from many threads."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        rate, wrong = instance.options.rate_limit, instance.options.wrong_keys
        self._rates = Rates(rate, f"this key may make {rate.per_second:g} calls a second") if rate else None
        self._wrong = WrongKeys(wrong) if wrong else None
        self._noted: dict[str, float] = {}

    def admit(self, headers: Mapping[str, str], permission: Permission, *, address: str) -> Caller:
        """Who calls, from `address`. Raises Unauthenticated, Forbidden, RateLimited."""
        key = self._authenticate(headers.get("x-api-key"), address)
        if self._rates is not None:
            self._rates.demand(key.id)
        organisation_id = headers.get("x-organization-id")
        if not organisation_id:
            raise _unauthenticated("the header X-Organization-Id is missing")
        if not hmac.compare_digest(organisation_id.encode(), key.organisation_id.encode()):
            raise Forbidden("this key belongs to another organisation")
        if permission not in key.permissions:
            held = ", ".join(sorted(key.permissions))
            raise Forbidden(
                f"this call needs the permission {permission}; the key has {held}",
                members={"permission": permission},
                remedy="use a key that has it",
            )
        self._note_use(key)
        return Caller(organisation_id=key.organisation_id, key_name=key.name)

    def _authenticate(self, given: str | None, address: str) -> ApiKey:
        if not given:
            raise _unauthenticated("the header X-API-Key is missing")
        found = None
        digest = key_digest(given)
        if self._wrong is not None:
            self._wrong.demand(address, digest)
        if len(given) <= _LONGEST_KEY:
            with self._instance.database.read() as db:
                candidates = organisations.keys_with_prefix(db, given)
            for candidate in candidates:
                if hmac.compare_digest(candidate.digest, digest):
                    found = candidate
        if found is None:
            raise _unauthenticated("this API key does not exist")
        if self._wrong is not None:
            self._wrong.works(address, digest)
        return found

    def _note_use(self, key: ApiKey) -> None:
        """Once a minute at most: a write per read would cost more than the read."""
        now = time.monotonic()
        if now - self._noted.get(key.id, -math.inf) >= _NOTE_USE_EVERY_SECONDS:
            self._noted[key.id] = now
            try:
                with self._instance.database.write() as db:
                    organisations.mark_used(db, key.id, self._instance.now())
            except sqlite3.OperationalError:  # a full disk is no reason to refuse a read
                log.warning("the use of the key %s could not be noted", key.id, exc_info=True)


def _unauthenticated(said: str) -> Unauthenticated:
    remedy = "send the headers X-API-Key and X-Organization-Id"
    return Unauthenticated(said, remedy=remedy, headers={"WWW-Authenticate": 'ApiKey realm="Interact"'})
