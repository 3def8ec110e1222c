"""What apply says at its end."""

from __future__ import annotations

from typing import Any

from interact_gitops.planning.applying import Applied, Outcome, Result
from interact_gitops.planning.rendering.json import applied_to_json
from interact_gitops.planning.rendering.styled import Line
from interact_gitops.planning.rendering.text import render_applied
from interact_gitops.shapes import fit

from .conftest import definition, plan


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def applied(*ends: tuple[Result, str | None], **more: Any) -> Applied:
    made = plan([definition(f"job-{number}") for number in range(len(ends))])
    outcomes = (Outcome(change=change, result=result, said=said) for change, (result, said) in
                zip(made.changes, ends, strict=True))  # fmt: skip
    return Applied(plan=made, outcomes=tuple(outcomes), **more)


MIXED = applied(
    ("done", None), ("failed", "it did not\n  try again"), ("not tried", "its channel x was not written"),
    ("not tried", None),
)  # fmt: skip


def test_everything_has_its_line() -> None:
    assert text(render_applied(MIXED)) == (
        "  ✓ created job-0\n"
        "  ✗ create job-1\n"
        "      it did not\n"
        "        try again\n"
        "  · create job-2: not tried: its channel x was not written\n"
        "Applied: 1 done, 1 failed, 2 not tried.\n"
        "Run apply again to finish."
    )


def test_quiet_leaves_out_what_went_well() -> None:
    assert "created" not in text(render_applied(MIXED, quiet=True))
    assert "✗ create job-1" in text(render_applied(MIXED, quiet=True))
    assert text(render_applied(applied(("done", None)), quiet=True)) == "Applied: 1 done."


def test_why_it_stopped() -> None:
    lost = applied(("done", None), ("not tried", None), lost=True)
    assert text(render_applied(lost, quiet=True)) == (
        "Applied: 1 done, 1 not tried.\n"
        "The lock was lost on the way, and somebody else may be applying: nothing more was started.\n"
        "Run apply again to finish."
    )
    interrupted = applied(("done", None), ("not tried", None), interrupted=True)
    assert "Interrupted: nothing more was started." in text(render_applied(interrupted))


def test_as_json() -> None:
    for one in (MIXED, applied(("done", None)), applied(("not tried", None), lost=True)):
        document = applied_to_json(one)
        assert fit("apply.schema.json").is_valid(document)
        assert document["lockLost"] == one.lost
        assert document["complete"] == one.complete
    assert applied_to_json(MIXED)["outcomes"][2]["message"] == "its channel x was not written"
