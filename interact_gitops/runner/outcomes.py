"""What follows from a target's answer to a request: the run's next step. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from interact_gitops.ledger.records import Notice, Run
from interact_gitops.ledger.requests import Blocked, Move, PartChange
from interact_gitops.runner.events import missed, needs_operator, target_denied
from interact_gitops.runner.target import Answer

BUSY_AGAIN = 30.0  # seconds until a run that waits for the target's own run looks again
LATER_AGAIN = 10.0  # seconds, where a target that asks for patience does not say how much
GONE_FOR = timedelta(minutes=5)  # in which a job that was made anew at the target may be found again


def step_after(run: Run, answer: Answer, *, now: datetime, repeated: bool = False) -> Move | None:
    """The step of a run in `sending` whose request was answered; None when nobody knows, and recovery has to ask.

    `repeated`: an earlier request of this attempt may have gone out, so that a refusal of this one says nothing of
    that. `denied` gives the run back: holding the target is the caller's. (ledger.md, rule 6)
    """
    if answer.verdict == "unknown" or (repeated and answer.verdict in {"later", "denied"}):
        return None
    if repeated and answer.verdict in {"refused", "gone"}:
        why = f"its request may have gone out, and when asked again the target said: {answer.said}"
        return _step(run, "needs_operator", why, notices=(needs_operator(run, why),))
    if answer.verdict == "started":
        return _started(run, answer)
    if answer.verdict == "busy":
        return _busy(run, answer, now)
    if answer.verdict == "refused" or (answer.verdict == "gone" and now - run.created_at > GONE_FOR):
        return _step(run, "failed", answer.said)
    pause = answer.retry_after if answer.retry_after is not None else LATER_AGAIN
    return _step(run, "planned", answer.said, due_at=now + timedelta(seconds=pause))


def _started(run: Run, answer: Answer) -> Move:
    parts = run.open_parts
    if len(answer.chats) != len(parts):
        said = f"the target started {len(answer.chats)} chats for {len(parts)} combinations"
        notice = needs_operator(run, said)
        changes = tuple(
            PartChange(ordinal=part.ordinal, chat=chat) for part, chat in zip(parts, answer.chats, strict=False)
        )
        return _step(run, "needs_operator", said, parts=changes, notices=(notice,))
    changes = tuple(PartChange(ordinal=part.ordinal, chat=chat) for part, chat in zip(parts, answer.chats, strict=True))
    return _step(run, "triggered", answer.said, parts=changes)


def _busy(run: Run, answer: Answer, now: datetime) -> Move:
    way = answer.in_the_way
    if run.line_up == "skip" and run.attempt == 1:
        return _step(run, "skipped_overlap", answer.said, in_the_way=way)
    return _step(run, "planned", answer.said, due_at=now + timedelta(seconds=BUSY_AGAIN))


def denial(target: str, answer: Answer) -> Notice:
    """What is said once of a target that refuses us."""
    return target_denied(target, answer.said or "the target refused the key")


def _step(run: Run, to: str, reason: str | None, **more: object) -> Move:
    return Move(key=run.key, was=run.state, fence=run.fence, to=to, reason=reason, **more)  # type: ignore[arg-type]  # the states are checked by the table


def step_aside(blocked: Blocked) -> Move:
    """What becomes of a due run that will not start. Its alarm tells of one that was missed, where it has one."""
    run = blocked.run
    step = Move(key=run.key, was=run.state, fence=run.fence, to="skipped_overlap", in_the_way=blocked.in_the_way)
    if blocked.why == "superseded":
        return replace(step, reason="a newer run took its place")
    if blocked.why == "too_late":
        notice = missed(run.job, run.scheduled_at, run.scheduled_at, 1, run_key=run.key)
        return replace(step, to="missed", in_the_way=None, notices=() if run.alarm_at else (notice,))
    return step
