"""The forms of a job's page: run it, run what failed again, cancel, pause, resume.

Each does what the API's call does, through the same functions; here is only what the browser sent, and what is shown
where that could not be done.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from datetime import timedelta

from interact_gitops.server.api.digests import body_digest
from interact_gitops.server.clock import from_text
from interact_gitops.server.failures import (
    AgentInactive,
    AlreadyFinished,
    Declined,
    DefinitionChanged,
    Invalid,
    NotFound,
    RunInProgress,
)
from interact_gitops.server.pages.answers import Outcome, Redirect
from interact_gitops.server.pages.job import Notice, job_page, once_token
from interact_gitops.server.pages.run_form import read_values
from interact_gitops.server.pages.visits import Visit
from interact_gitops.server.runs.requests import RunRequest, Started
from interact_gitops.server.store import groups, jobs
from interact_gitops.server.store.groups import StoredGroup

_SENT_JUST_NOW = timedelta(seconds=30)
_LONGEST_REASON = 500


def run_job(visit: Visit) -> Outcome:
    """POST /jobs/{job_id}/run"""
    with visit.instance.database.read() as db:
        stored = jobs.demand(db, visit.organisation_id, visit.path["job_id"])
    job, form = stored.job(), visit.form
    every = job.fan_out is not None and form.text("what") != "one"
    most = form.number("max_parallel", otherwise=0, most=100) if every else 0
    parameters = None if every else read_values(job, form)
    body = {"parameters": parameters, "maxParallel": most or None, "trigger": "manual"}
    request = RunRequest(
        initiator=visit.visitor.initiator,
        digest=body_digest(body),
        parameters=parameters,
        max_parallel=most or None,
        trigger="manual",
        expected_definition_hash=form.text("definition") or None,
        idempotency_key=f"{job.key}!{_key(form.text('once'), body_digest(body))}",
    )
    try:
        started = visit.instance.trigger(visit.organisation_id, stored.id, request)
    except Invalid as invalid:
        return job_page(visit, given=form, faults=invalid.faults, status=422)
    except (RunInProgress, AgentInactive, DefinitionChanged) as declined:
        return job_page(visit, given=form, notice=_notice(declined), status=409)
    sent = _sent_before(visit, started)
    if sent is not None:
        return job_page(visit, given=form, notice=sent, status=409)
    return _to(started)


def run_again(visit: Visit) -> Outcome:
    """POST /jobs/{job_id}/runs/{run_id}/again: what did not complete, with the same parameters and date."""
    group = _group(visit)
    with visit.instance.database.read() as db:
        stored = jobs.demand(db, visit.organisation_id, group.job_id)
        failed = [dict(values) for values in groups.not_completed(db, group.seq)]
        once = visit.form.text("once") or once_token(visit, db, stored)
    if not failed:
        notice = Notice(title="Nothing to run again", said="Every chat of this run completed.")
        return job_page(visit, notice=notice, status=409)
    body = {"again": group.id, "combinations": failed}
    request = RunRequest(
        initiator=visit.visitor.initiator,
        digest=body_digest(body),
        parameters=None if group.fan_out else failed[0],
        combinations=tuple(failed) if group.fan_out else None,
        max_parallel=group.max_parallel if group.fan_out else None,
        scheduled_at=from_text(group.scheduled_at),
        trigger="retry",
        idempotency_key=f"{stored.key}!{_key(once, body_digest(body))}",
    )
    try:
        started = visit.instance.trigger(visit.organisation_id, stored.id, request)
    except Invalid as invalid:
        said = "; ".join(fault.message for fault in invalid.faults[:3])
        notice = Notice(title="This run no longer fits the job", said=f"The job changed since: {said}.")
        return job_page(visit, notice=notice, status=422)
    except (RunInProgress, AgentInactive) as declined:
        return job_page(visit, notice=_notice(declined), status=409)
    sent = _sent_before(visit, started)
    return job_page(visit, notice=sent, status=409) if sent is not None else _to(started)


def cancel_run(visit: Visit) -> Outcome:
    """POST /jobs/{job_id}/runs/{run_id}/cancel: every chat of it that has not ended."""
    group = _group(visit)
    with visit.instance.database.read() as db:
        waiting = groups.unfinished_ids(db, group.seq)
    # Those that wait first, last one first: a chat that is stopped makes room, and the next in line would begin.
    for chat_id in reversed(waiting):
        _cancel(visit, chat_id)
    return Redirect(location=f"/jobs/{group.job_id}#runs")


def cancel_chat(visit: Visit) -> Outcome:
    """POST /chats/{chat_id}/cancel"""
    _cancel(visit, visit.path["chat_id"])
    return Redirect(location=f"/chats/{visit.path['chat_id']}")


def pause_job(visit: Visit) -> Outcome:
    """POST /jobs/{job_id}/pause"""
    reason = " ".join(visit.form.text("reason").split())[:_LONGEST_REASON]
    said = reason or f"paused by {visit.visitor.name}"
    job = visit.instance.pause_job(visit.organisation_id, visit.path["job_id"], reason=said)
    return Redirect(location=f"/jobs/{job.id}")


def resume_job(visit: Visit) -> Outcome:
    """POST /jobs/{job_id}/resume"""
    job = visit.instance.resume_job(visit.organisation_id, visit.path["job_id"])
    return Redirect(location=f"/jobs/{job.id}")


def _key(once: str, digest: str) -> str:
    """One form with one set of values is one run; a shape that says nothing of what it is made of."""
    return hmac.new(once.encode("utf-8", "replace"), digest.encode(), "sha256").hexdigest()[:32]


def _to(started: Started) -> Redirect:
    if started.fan_out:
        return Redirect(location=f"/jobs/{started.job_id}#runs")
    return Redirect(location=f"/chats/{started.chats[0][0]}")


def _sent_before(visit: Visit, started: Started) -> Notice | None:
    """A form that was sent a while ago, and again from a page that the browser had kept: not a double click."""
    if not started.replayed:
        return None
    with visit.instance.database.read() as db:
        group = groups.get(db, started.group_seq)
    if visit.now - from_text(group.created_at) < _SENT_JUST_NOW:
        return None
    return Notice(
        title="These values were sent from this page before",
        said="They began a run then. Send the form once more to start another.",
        link=f"/chats/{started.chats[0][0]}",
        link_words="See that run",
    )


def _notice(declined: Declined) -> Notice:
    if isinstance(declined, RunInProgress):
        return Notice(
            title="A run of this job is in progress",
            said="This job runs once at a time, so nothing was started. Wait for that run to end, or cancel it.",
            link=f"/chats/{declined.members['chatId']}",
            link_words="See the run in progress",
        )
    if isinstance(declined, DefinitionChanged):
        return Notice(
            title="The job changed while this form was open",
            said="Nothing was started. Look at the form, which is up to date now, and send it again.",
        )
    remedy = f" To go on: {declined.remedy}." if declined.remedy else ""
    return Notice(title=declined.title, said=f"Nothing was started: {declined.message}.{remedy}")


def _cancel(visit: Visit, chat_id: str) -> None:
    with suppress(AlreadyFinished):  # it ended while somebody reached for the button: the page says how
        visit.instance.runs.cancel(visit.organisation_id, chat_id)


def _group(visit: Visit) -> StoredGroup:
    with visit.instance.database.read() as db:
        found = groups.find(db, visit.organisation_id, visit.path["run_id"])
    if found is None or found.job_id != visit.path["job_id"]:
        raise NotFound(f"there is no run {visit.path['run_id'][:60]} of this job")
    return found
