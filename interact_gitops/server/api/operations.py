"""Every operation: its place, its permission, its query parameters, and what answers it.

The one table behind routing, access, and the check against the OpenAPI document.
"""

from __future__ import annotations

from dataclasses import dataclass

from interact_gitops.server.api import channels, chats, deliveries, jobs, locks, service, sync, triggers
from interact_gitops.server.api.calls import Endpoint
from interact_gitops.server.identity import Permission

_PAGE = ("limit", "cursor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`permission` None: nobody is asked who they are."""

    id: str
    method: str
    path: str
    permission: Permission | None
    endpoint: Endpoint
    query: tuple[str, ...] = ()


def _read(name: str, path: str, endpoint: Endpoint, *query: str) -> Operation:
    return Operation(id=name, method="GET", path=path, permission="agent_jobs_read", endpoint=endpoint, query=query)


def _fingerprint(name: str, path: str, endpoint: Endpoint) -> Operation:
    """Reads that take secrets: these belong into a body, never into an address that proxies log."""
    return Operation(id=name, method="POST", path=path, permission="agent_jobs_read", endpoint=endpoint)


def _run(name: str, path: str, endpoint: Endpoint) -> Operation:
    return Operation(id=name, method="POST", path=path, permission="agent_jobs_trigger", endpoint=endpoint)


def _write(name: str, method: str, path: str, endpoint: Endpoint, *query: str) -> Operation:
    return Operation(
        id=name, method=method, path=path, permission="agent_jobs_write", endpoint=endpoint, query=query
    )  # fmt: skip


def _open(name: str, path: str, endpoint: Endpoint) -> Operation:
    return Operation(id=name, method="GET", path=path, permission=None, endpoint=endpoint)


_JOBS, _JOB = "/api/agents/jobs", "/api/agents/jobs/{job_id}"
_CHATS, _CHAT = "/api/agents/chats", "/api/agents/chats/{chat_id}"
_CHANNELS, _CHANNEL = "/api/notifications/channels", "/api/notifications/channels/{channel_id}"
_DELIVERIES, _DELIVERY = "/api/notifications/deliveries", "/api/notifications/deliveries/{delivery_id}"
_LOCKS, _LOCK = "/api/locks", "/api/locks/{lock_id}"

OPERATIONS: tuple[Operation, ...] = (
    _read("listAgents", "/api/agents", service.list_agents),
    _read("listJobs", _JOBS, jobs.list_jobs, "agentId", "managedBy", "deleted", *_PAGE),
    _write("createJob", "POST", _JOBS, jobs.create_job),
    _read("getJob", _JOB, jobs.get_job),
    _write("replaceJob", "PUT", _JOB, jobs.replace_job),
    _write("deleteJob", "DELETE", _JOB, jobs.delete_job, "applied"),
    _write("pauseJob", "POST", f"{_JOB}/pause", jobs.pause_job),
    _write("resumeJob", "POST", f"{_JOB}/resume", jobs.resume_job),
    _run("triggerJob", f"{_JOB}/trigger", triggers.trigger_job),
    _read(
        "listChats",
        _CHATS,
        chats.list_chats,
        *("agentId", "jobId", "status", "initiator", "createdAfter", *_PAGE),
    ),
    _read("getChat", _CHAT, chats.get_chat),
    _run("cancelChat", f"{_CHAT}/cancel", chats.cancel_chat),
    _read("getDocument", f"{_CHAT}/documents/{{document_id}}", chats.get_document, "format"),
    _read("listChannels", _CHANNELS, channels.list_channels, "managedBy", *_PAGE),
    _write("createChannel", "POST", _CHANNELS, channels.create_channel),
    _read("getChannel", _CHANNEL, channels.get_channel),
    _write("replaceChannel", "PUT", _CHANNEL, channels.replace_channel),
    _write("deleteChannel", "DELETE", _CHANNEL, channels.delete_channel),
    _fingerprint("fingerprintSecrets", "/api/notifications/fingerprints", channels.fingerprint_secrets),
    _write("testChannel", "POST", f"{_CHANNEL}/test", deliveries.test_channel),
    _read("listDeliveries", _DELIVERIES, deliveries.list_deliveries, "state", "channel", *_PAGE),
    _read("getDelivery", _DELIVERY, deliveries.get_delivery),
    _write("resendDelivery", "POST", f"{_DELIVERY}/resend", deliveries.resend_delivery),
    _write("takeLock", "POST", _LOCKS, locks.take_lock),
    _write("renewLock", "POST", f"{_LOCK}/renew", locks.renew_lock),
    _write("releaseLock", "DELETE", _LOCK, locks.release_lock),
    _read("listSync", "/api/sync", sync.list_sync),
    _write("reportSync", "PUT", "/api/sync", sync.report_sync),
    _open("getHealth", "/healthz", service.healthz),
    _open("getReadiness", "/readyz", service.readyz),
    _open("getMetrics", "/metrics", service.metrics),
    _open("getOpenApi", "/api/openapi.json", service.openapi),
)
