"""Two trees compared: the earlier one is a target that holds what applying it left there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.jobs.channels import Channel
from interact_gitops.planning.between import Tree, diff_trees

from .conftest import definition


def actions(before, after, **options):
    plan = diff_trees(before, after, names="git a → b", **options)
    return [(change.action, change.kind, change.key) for change in plan.changes]


def tree(*definitions, channels=()):
    return Tree(definitions=definitions, channels=channels)


def channel(name, url="${URL}", **fields):
    return Channel(name=name, type="slack", secrets={"url": url}, path="interact-gitops.yaml", line=2, **fields)


def test_what_came_went_changed_and_moved():
    before = tree(definition("a"), definition("b"), definition("c"), definition("same"))
    after = tree(
        definition("a", name="Another"), definition("d"), definition("e", moved_from=("c",)), definition("same")
    )
    assert actions(before, after) == [
        ("delete", "job", "b"), ("update", "job", "a"), ("move", "job", "e"), ("create", "job", "d"),
    ]  # fmt: skip
    assert actions(before, after, prune=False)[0] == ("update", "job", "a")
    plan = diff_trees(before, after, names="git a → b")
    assert (plan.target, plan.between, plan.unchanged) == ("git a → b", True, 1)


def test_jobs_that_both_share_are_counted_and_not_looked_at():
    same, other = definition("same"), definition("other")
    before, after = tree(same, other), tree(same, definition("other", name="New"), definition("added"))
    plan = diff_trees(before, after, names="n")
    apart = diff_trees(tree(definition("same"), other), after, names="n")
    assert plan == apart
    assert (plan.unchanged, plan.managed, plan.definitions) == (1, 2, 3)


def test_a_protected_job_whose_file_is_gone_is_refused():
    before = tree(definition("a", protect=True))
    (change,) = diff_trees(before, tree(), names="n").changes
    assert (change.action, change.reason) == ("refused", "its file is gone, but the job is protected")


def test_what_is_left_to_people_is_no_change():
    before = tree(definition("a", name="One", ignore_changes=("name",)))
    assert actions(before, tree(definition("a", name="Two", ignore_changes=("name",)))) == []


def test_channels_by_their_references():
    before = tree(channels=(channel("a"), channel("b"), channel("gone")))
    after = tree(channels=(channel("a"), channel("b", "${OTHER}"), channel("new", level="error")))
    assert actions(before, after) == [
        ("delete", "channel", "gone"), ("update", "channel", "b"), ("create", "channel", "new"),
    ]  # fmt: skip
    assert "OTHER" not in repr(diff_trees(before, after, names="n"))


def of(keys):
    return tree(*(definition(key, name=key * 2) for key in keys), channels=tuple(channel(key) for key in keys))


some = st.lists(st.sampled_from("abc"), unique=True)


@given(some, some)
def test_a_tree_against_itself_is_nothing_and_the_way_back_undoes(some, others):
    one, other = of(some), of(others)
    assert actions(one, one) == actions(one, of(some)) == []
    there = {(kind, key): action for action, kind, key in actions(one, other)}
    back = {(kind, key): action for action, kind, key in actions(other, one)}
    swapped = {"create": "delete", "delete": "create", "update": "update"}
    assert back == {place: swapped[action] for place, action in there.items()}
