"""Secrets are taken out of answers in every form in which an answer can have them, and nothing else is."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.interact.masking import MASK, SHORTEST, Mask

# Characters that some form writes in another way, and a few that none does.
SECRET = st.text(st.sampled_from("abXY09-_\"'\\/<>&+% =é€\N{GRINNING FACE}\n\x7f"), min_size=SHORTEST, max_size=30)


@given(SECRET)
def test_every_form_is_found(secret: str) -> None:
    mask = Mask([secret])
    for form in (
        secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), json.dumps(secret).replace("/", "\\/"),
        json.dumps(json.dumps({"a": secret})), json.dumps(json.dumps([secret], ensure_ascii=False), ensure_ascii=False),
        json.dumps(html.escape(secret)), json.dumps(f"<{quote(secret)}>"), html.escape(secret), repr(secret),
        quote(secret), quote(secret, safe=""), quote_plus(secret),
    ):  # fmt: skip
        for masked in (mask.text(f"before {form} after"), mask.raw(f"before {form} after".encode()).decode()):
            assert MASK in masked
            assert masked.startswith("before ")
            assert masked.endswith(" after")
            assert secret not in masked


@given(SECRET, st.text(st.sampled_from("cde fgh"), max_size=60))
def test_other_text_stays(secret: str, text: str) -> None:
    assert Mask([secret]).text(text) == text
    assert Mask([secret]).raw(text.encode()) == text.encode()


def test_what_is_short_may_be_a_word() -> None:
    assert Mask(["a", "jobs", ""]).text('{"jobs": ["a"]}') == '{"jobs": ["a"]}'


def test_one_secret_may_stand_within_another() -> None:
    mask = Mask(["https://hooks.example.com/services/T0/abcdefgh"])
    mask.add(["abcdefgh"])
    assert mask.text("to https://hooks.example.com/services/T0/abcdefgh!") == f"to {MASK}!"
    assert mask.text("and abcdefgh") == f"and {MASK}"
    assert mask.raw(b"\xff abcdefgh") == b"\xff " + MASK.encode()


def test_a_secret_is_found_in_a_decoded_answer_however_it_was_escaped() -> None:
    mask = Mask(["https://hooks.example.com/?a=1&b=CANARY"])
    escaped = r"\u0068ttps://hooks.example.com/?a=1\u0026b=CANARY"
    raw = f'{{"detail": "{escaped}", "n": [1, null, {{"{escaped}": 2}}]}}'
    shown = json.dumps(mask.value(json.loads(raw)))
    assert "CANARY" not in shown
    assert json.loads(shown)["n"][:2] == [1, None]
