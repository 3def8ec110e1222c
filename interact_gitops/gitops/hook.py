"""GitHub's webhook: whether a delivery is to be believed. Pure but for the memory of deliveries.

It only wakes the loop, which asks the repository itself: nothing in a delivery is trusted, not even which branch.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Literal

MOST_BYTES = 1 << 20
MOST_REMEMBERED = 1_000
Verdict = Literal["wake", "known", "forged", "off"]


@dataclass(slots=True)
class Hook:
    """`secret` is what GitHub signs with; None: deliveries are refused."""

    secret: str | None = field(repr=False)
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def judge(self, body: bytes, signature: str | None, delivery: str | None) -> Verdict:
        """What a delivery is: `signature` is `X-Hub-Signature-256`, over the raw body, `delivery` its id.

        Source: GitHub, "Validating webhook deliveries".
        """
        if self.secret is None:
            return "off"
        wanted = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(wanted.encode(), (signature or "").encode("utf-8", "replace")):
            return "forged"
        # The id is not signed: a replay under another id wakes the loop once more, for one question to the repository.
        name = (delivery or hashlib.sha256(body).hexdigest())[:100]
        if name in self._seen:
            return "known"
        self._seen[name] = None
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return "wake"
