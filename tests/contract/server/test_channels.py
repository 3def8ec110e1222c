"""Notification channels: kept like jobs, and their secrets never given back."""

from __future__ import annotations

import pytest

CHANNELS = "/api/notifications/channels"
CANARY = "canary-5f1b7c"
SLACK = {"name": "marketing-slack", "type": "slack", "url": f"https://hooks.slack.com/services/{CANARY}"}
HOOK = {"name": "hook", "type": "webhook", "url": f"https://example.com/{CANARY}", "secret": f"{CANARY}-secret"}
EMAIL = {"name": "mail", "type": "email", "to": ["a@example.com", "b@example.com"]}


def create(api, body):
    answer = api("POST", CHANNELS, json=body)
    assert answer.status_code == 201, answer.text
    assert CANARY not in answer.text
    assert answer.headers["ETag"] == answer.json()["channel"]["etag"]
    return answer.json()["channel"]


def put(api, channel, **changes):
    body = {name: channel[name] for name in ("name", "type", "to", "level", "topics", "managedBy")}
    headers = {"If-Match": channel["etag"]}
    answer = api("PUT", f"{CHANNELS}/{channel['id']}", json={**body, **changes}, headers=headers)
    assert answer.status_code == 200, answer.text
    assert CANARY not in answer.text
    return answer.json()["channel"]


def test_a_channel_comes_back_with_defaults_and_fingerprints(api):
    slack, hook, mail = (create(api, body) for body in (SLACK, HOOK, EMAIL))
    assert slack["level"] == "info"
    assert set(slack["topics"]) == {"completed_run", "failed_run", "anomaly"}
    assert slack["managedBy"] is None
    assert slack["urlFingerprint"]
    assert slack["secretFingerprint"] is None
    assert hook["secretFingerprint"] not in {None, hook["urlFingerprint"]}
    assert mail["to"] == EMAIL["to"]
    assert mail["urlFingerprint"] is None
    assert api.all(CHANNELS, "channels") == [slack, hook, mail]
    answer = api("GET", f"{CHANNELS}/{hook['id']}")
    assert answer.json()["channel"] == hook
    assert answer.headers["ETag"] == hook["etag"]
    assert CANARY not in answer.text + api("GET", CHANNELS).text


def test_a_fingerprint_tells_the_same_secret_from_another(api):
    first = create(api, HOOK)
    same = create(api, {**HOOK, "name": "same"})
    other = create(api, {**HOOK, "name": "other", "secret": "another", "url": "https://example.com/another"})
    for name in ("urlFingerprint", "secretFingerprint"):
        assert first[name] == same[name] != other[name]


def test_replacing_keeps_secrets_that_are_left_out(api):
    first = create(api, {**HOOK, "managedBy": "acme", "level": "error", "topics": ["failed_run"]})
    kept = put(api, first, level="warning")
    assert kept["etag"] != first["etag"]
    assert kept["level"] == "warning"
    for name in ("urlFingerprint", "secretFingerprint", "topics", "managedBy"):
        assert kept[name] == first[name]
    changed = put(api, kept, secret="fresh")
    assert changed["secretFingerprint"] != kept["secretFingerprint"]
    assert changed["urlFingerprint"] == kept["urlFingerprint"]
    assert put(api, changed, secret=None)["secretFingerprint"] is None


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_write_needs_the_present_etag(api, method):
    channel = create(api, SLACK)
    path, more = f"{CHANNELS}/{channel['id']}", ({"json": SLACK} if method == "PUT" else {})
    api.problem(428, "precondition_required", method, path, **more)
    newer = put(api, channel, level="error")
    api.problem(412, "stale", method, path, headers={"If-Match": channel["etag"]}, **more)
    assert api.ok("GET", path)["channel"] == newer


def test_a_name_is_taken_once(api, found):
    create(api, SLACK)
    other = create(api, HOOK)
    problem = api.problem(409, "key_taken", "POST", CHANNELS, json=SLACK)
    assert CANARY not in str(problem)
    headers = {"If-Match": other["etag"]}
    api.problem(
        409, "key_taken", "PUT", f"{CHANNELS}/{other['id']}", json={**HOOK, "name": SLACK["name"]}, headers=headers
    )
    create(found(), SLACK)


def test_a_deleted_channel_is_gone_and_its_name_free(api):
    channel = create(api, SLACK)
    job = api.create(notifications=[{"channel": SLACK["name"]}])
    assert api("DELETE", f"{CHANNELS}/{channel['id']}", headers={"If-Match": channel["etag"]}).status_code == 204
    api.problem(404, "not_found", "GET", f"{CHANNELS}/{channel['id']}")
    assert api.job(job["id"]) == job
    assert create(api, SLACK)["id"] != channel["id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({**SLACK, "typ": 1}, "/typ"),
        ({**SLACK, "type": "pager"}, "/type"),
        ({**SLACK, "level": "loud"}, "/level"),
        ({**SLACK, "topics": ["all"]}, "/topics/0"),
        ({**SLACK, "topics": []}, "/topics"),
        ({**SLACK, "url": "not an address " + CANARY}, "/url"),
        ({**SLACK, "url": "file:///etc/" + CANARY}, "/url"),
        ({**SLACK, "url": f"http://[{CANARY}"}, "/url"),
        ({**SLACK, "url": f"http://x:99999/{CANARY}"}, "/url"),
        ({"name": "s", "type": "slack"}, ""),
        ({"name": "m", "type": "email"}, ""),
        ({"name": "m", "type": "email", "to": "a@example.com"}, "/to"),
        ({"name": "", "type": "email", "to": ["a@example.com"]}, "/name"),
        ({"type": "email", "to": ["a@example.com"]}, ""),
        ({**SLACK, "urlFingerprint": "x"}, "/urlFingerprint"),
        ({**HOOK, "secret": 5}, "/secret"),
        ({**HOOK, "url": None}, ""),
    ],
    ids=str,
)
def test_a_channel_is_read_strictly_and_repeats_no_secret(api, body, pointer):
    answer = api("POST", CHANNELS, json=body)
    assert answer.status_code == 422, answer.text
    assert {error["pointer"] for error in answer.json()["errors"]} == {pointer}
    assert CANARY not in answer.text
    assert api.all(CHANNELS, "channels") == []


@pytest.mark.parametrize("name", ["url", "secret"])
@pytest.mark.parametrize("value", [5_170_017, [CANARY], {"x": CANARY}, CANARY * 400, True], ids=lambda v: str(v)[:20])
def test_a_secret_of_the_wrong_form_is_not_repeated(api, name, value):
    answer = api("POST", CHANNELS, json={**HOOK, name: value})
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]
    assert CANARY not in answer.text
    assert "5170017" not in answer.text
    assert "5,170,017" not in answer.text


def test_listing_is_filtered_and_paged(api):
    for number in range(5):
        create(api, {**SLACK, "name": f"c{number}", "managedBy": "acme" if number % 2 else None})
    assert [len(page) for page in api.pages(CHANNELS, "channels", limit=2)] == [2, 2, 1]
    assert [c["name"] for c in api.all(CHANNELS, "channels", managedBy="acme")] == ["c1", "c3"]


def test_fingerprints_are_those_that_channels_show(api):
    hook = create(api, HOOK)
    found = api.ok("POST", "/api/notifications/fingerprints", json={"secrets": [HOOK["secret"], HOOK["url"]]})
    assert found == {"fingerprints": [hook["secretFingerprint"], hook["urlFingerprint"]]}
    for wrong in (
        {"secrets": []},
        {"secrets": [CANARY] * 401},
        {"secrets": [CANARY * 300]},
        {"secrets": [{"a": CANARY}]},
    ):
        answer = api("POST", "/api/notifications/fingerprints", json=wrong)
        assert answer.status_code == 422
        assert CANARY not in answer.text


def test_creating_twice_under_one_key_makes_one(api):
    first = api("POST", CHANNELS, json=HOOK, headers={"Idempotency-Key": "k"})
    again = api("POST", CHANNELS, json=HOOK, headers={"Idempotency-Key": "k"})
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    api.problem(422, "idempotency_mismatch", "POST", CHANNELS, json=EMAIL, headers={"Idempotency-Key": "k"})
    assert len(api.all(CHANNELS, "channels")) == 1


def test_what_apply_wrote_is_told_from_what_a_hand_changed(api):
    first = create(api, SLACK)
    applied = put(api, first, appliedHash=first["definitionHash"])
    assert applied["definitionHash"] == applied["appliedHash"]
    by_hand = put(api, applied, level="error")
    assert by_hand["appliedHash"] == applied["appliedHash"] != by_hand["definitionHash"]
