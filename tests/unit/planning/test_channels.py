"""Channels: the second kind of resource. Their secrets are compared by fingerprint, and stand in no plan."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.errors import GuardHeld
from interact_gitops.interact.channels import RemoteChannel, read_channel
from interact_gitops.jobs.channels import TOPICS, Channel, channel_hash
from interact_gitops.planning.channels import ChannelDiff, diff_channels, with_channels
from interact_gitops.planning.drift import find_drift
from interact_gitops.planning.drift import with_channels as drift_with_channels
from interact_gitops.planning.guards import Guards, check_guards
from interact_gitops.planning.plan import Change, Plan
from interact_gitops.planning.rendering.json import plan_to_json

from .conftest import OURS, THEIRS, definition, plan

CANARY = "https://hooks.example.com/canary-71c"


def mark(secret: str) -> str:
    """What the target of these tests shows for a secret."""
    return f"f-{hash(secret) & 0xFFFF_FFFF:08x}"


def declared(name: str, **fields: Any) -> Channel:
    base: dict[str, Any] = {"type": "webhook", "secrets": {"url": CANARY}, "path": "interact-gitops.yaml", "line": 3}
    return Channel(name=name, **{**base, **fields})


def there(of: Channel, *, managed_by: str | None = OURS, **changes: Any) -> RemoteChannel:
    """The channel on a target, as the API tells it."""
    body = {
        "id": f"chn_{of.name}", "etag": '"1"', "name": of.name, "type": of.type, "level": of.level,
        "topics": list(of.topics), "to": list(of.to), "managedBy": managed_by,
        "urlFingerprint": mark(of.secrets["url"]) if "url" in of.secrets else None,
        "secretFingerprint": mark(of.secrets["secret"]) if "secret" in of.secrets else None,
        **changes,
    }  # fmt: skip
    return read_channel(body)


def changes(ours: list[Channel], remote: list[RemoteChannel], **options: Any) -> ChannelDiff:
    marks = {secret: mark(secret) for channel in ours for secret in channel.secrets.values()}
    return diff_channels(ours, remote, **{"managed_by": OURS, "fingerprints": marks, **options})


def only(found: ChannelDiff) -> Change:
    (change,) = found.changes
    assert change.kind == "channel"
    return change


def test_the_same_is_no_change_whatever_the_order_of_its_lists():
    one = declared("a", type="email", to=("x@example.com", "y@example.com"), secrets={})
    other = there(one, to=["y@example.com", "x@example.com"], topics=sorted(TOPICS, reverse=True))
    assert changes([one], [other]) == ChannelDiff(changes=(), unchanged=1, managed=1)


def test_a_create_says_everything_but_the_secrets():
    change = only(changes([declared("a", level="error")], []))
    assert (change.action, change.key, change.place) == ("create", "a", "interact-gitops.yaml:3")
    assert change.before is None
    assert change.after is not None
    assert change.after["urlFingerprint"] == mark(CANARY)
    assert change.body == {
        "name": "a", "type": "webhook", "level": "error", "topics": sorted(TOPICS), "to": [], "managedBy": OURS,
        "appliedHash": channel_hash(change.after),
    }  # fmt: skip
    assert CANARY not in repr(change)


def test_whose_a_new_address_is():
    one, other = declared("a", leads_to="https://a.example"), {"secrets": {"url": "https://b.example/x"}}
    assert only(changes([one], [])).notes == ("leads to https://a.example",)
    moved = only(changes([declared("a", leads_to="https://b.example", **other)], [there(one)]))
    assert moved.notes == ("leads to https://b.example",)
    assert only(changes([declared("a", leads_to="https://a.example", level="error")], [there(one)])).notes == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"level": "error"}, ["level"]),
        ({"topics": ("anomaly",)}, ["topics"]),
        ({"secrets": {"url": "https://another"}}, ["urlFingerprint"]),
        ({"secrets": {"url": CANARY, "secret": "s"}}, ["secretFingerprint"]),
        ({"type": "email", "to": ("a@example.com",), "secrets": {}}, ["type", "to", "urlFingerprint"]),
    ],
)
def test_an_update_names_the_fields(fields, named):
    change = only(changes([declared("a", **fields)], [there(declared("a"))]))
    assert (change.action, change.etag, change.remote_id) == ("update", '"1"', "chn_a")
    assert [field.field for field in change.fields] == named


def test_a_secret_that_is_declared_no_more_is_removed_by_name():
    before = declared("a", secrets={"url": CANARY, "secret": "s"})
    change = only(changes([declared("a")], [there(before)]))
    assert change.body is not None
    assert change.body["secret"] is None
    assert "url" not in change.body  # the one that stays is added when it is sent


def test_a_secret_that_is_missing_is_not_compared_and_says_so():
    unset = {"url": "the environment variable SLACK is not set"}
    same = declared("a", secrets={}, missing=unset)
    found = changes([same], [there(declared("a"))])
    assert (found.changes, found.unchanged) == ((), 1)
    assert found.notes == ("channel a: url is not compared: the environment variable SLACK is not set",)
    new = only(changes([same], []))
    assert new.notes == ("url is not compared: the environment variable SLACK is not set",)
    louder = only(changes([declared("a", secrets={}, missing=unset, level="error")], [there(declared("a"))]))
    assert [field.field for field in louder.fields] == ["level"]
    assert louder.body is not None
    assert "url" not in louder.body


def test_what_is_declared_no_more_is_deleted_if_it_is_ours():
    remote = [there(declared("mine")), there(declared("theirs"), managed_by=THEIRS), there(declared("free"),
              managed_by=None)]  # fmt: skip
    change = only(changes([], remote))
    assert (change.action, change.key, change.etag) == ("delete", "mine", '"1"')
    assert changes([], remote, prune=False).changes == ()
    assert changes([], remote).managed == 1


def test_a_name_of_somebody_else_is_refused():
    theirs = only(changes([declared("a")], [there(declared("a"), managed_by=THEIRS)]))
    assert (theirs.action, theirs.reason) == ("refused", f"it is managed by {THEIRS!r}, not by {OURS!r}")
    free = there(declared("a"), managed_by=None)
    refused = only(changes([declared("a")], [free]))
    assert refused.remedy == "take it over with --adopt channel:a"
    adopted = only(changes([declared("a")], [free], adopt=frozenset({"a"})))
    assert (adopted.action, adopted.fields) == ("adopt", ())
    assert adopted.body is not None
    assert adopted.body["managedBy"] == OURS


def test_beside_jobs_in_one_plan():
    jobs = plan([definition("b")])
    unset = declared("known", secrets={}, missing={"url": "unset"})
    both = with_channels(jobs, changes([declared("a"), unset], [there(declared("known"))]))
    assert [(c.kind, c.key) for c in both.changes] == [("channel", "a"), ("job", "b")]
    assert both.unchanged == jobs.unchanged + 1
    assert both.notes == ("channel known: url is not compared: unset",)
    assert both.count("create") == 2
    assert both.count("create", kind="channel") == 1
    assert both.digest != jobs.digest
    assert CANARY not in str(plan_to_json(both))


def test_guards_count_channels_apart():
    remote = [there(declared(name)) for name in "abcd"]
    emptied = with_channels(plan([definition("j")]), changes([], remote))
    with pytest.raises(GuardHeld, match="delete 4 of the 4 channels managed from here; the limit is 1"):
        check_guards(emptied, Guards())
    check_guards(emptied, Guards(), allow_deletes="4")


names = st.sampled_from(["a", "b", "c"])
channels = st.builds(
    declared,
    names,
    type=st.sampled_from(["slack", "webhook"]),
    level=st.sampled_from(["info", "error"]),
    topics=st.lists(st.sampled_from(TOPICS), min_size=1, unique=True).map(tuple),
    secrets=st.fixed_dictionaries({"url": st.sampled_from(["u", "v"])}, optional={"secret": st.just("s")}),
)
some = st.lists(channels, max_size=3, unique_by=lambda channel: channel.name)


def written(found: ChannelDiff, ours: list[Channel], remote: list[RemoteChannel]) -> list[RemoteChannel]:
    """What a target holds after every write, as the server does them: what is left out of an update stays."""
    held = {channel.name: channel for channel in remote}
    secrets = {channel.name: channel.secrets for channel in ours}
    for change in found.changes:
        if change.action == "delete":
            del held[change.key]
        elif change.action != "refused":
            body = {**(change.body or {}), **secrets[change.key]}
            before = held[change.key].definition if change.key in held else {}
            prints = {
                shown: (mark(body[name]) if body[name] else None) if name in body else before.get(shown)
                for name, shown in (("url", "urlFingerprint"), ("secret", "secretFingerprint"))
            }
            held[change.key] = read_channel({**body, **prints, "id": f"chn_{change.key}", "etag": '"2"'})
    return list(held.values())


@given(some, some)
def test_applying_a_diff_leaves_nothing_to_do(before, after):
    remote = [there(channel) for channel in before]
    found = changes(after, remote)
    assert changes(after, written(found, after, remote)).changes == ()
    assert all(change.action != "refused" for change in found.changes)


@given(some)
def test_file_order_says_nothing(ours):
    remote = [there(declared("a", level="warning"))]
    one, other = changes(ours, remote), changes(ours[::-1], remote[::-1])
    assert Plan.digest.fget(with_channels(plan([]), one)) == Plan.digest.fget(with_channels(plan([]), other))


def test_drift_of_channels():
    def applied(name: str, **changes: Any) -> RemoteChannel:
        before = there(declared(name))
        return there(declared(name), appliedHash=channel_hash(before.definition), **changes)

    remote = [
        applied("same"), applied("edited", level="error"), applied("agreed", level="error"),
        applied("forgotten", level="error"), there(declared("new")),
        applied("theirs", managed_by=THEIRS, level="error"),
    ]  # fmt: skip
    nothing = find_drift([], [], managed_by=OURS, target="t")
    found = drift_with_channels(nothing, remote, {"edited", "new"}, {"same", "edited", "agreed", "new"})
    assert [(one.what, one.kind, one.key) for one in found.drifted] == [
        ("changed", "channel", "edited"), ("changed", "channel", "forgotten"), ("unapplied", "channel", "new"),
    ]  # fmt: skip
