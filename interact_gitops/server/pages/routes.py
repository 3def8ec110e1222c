"""Every page: its place, and the view behind it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from interact_gitops.server.api.rates import Rates
from interact_gitops.server.api.routes import by_method
from interact_gitops.server.failures import Declined, MethodNotAllowed, NotFound
from interact_gitops.server.instance import Instance
from interact_gitops.server.pages import (
    channels,
    chat,
    downloads,
    job,
    jobs,
    running,
    settings,
    signing_in,
    sync,
)
from interact_gitops.server.pages.board import Board
from interact_gitops.server.pages.freshness import Freshness
from interact_gitops.server.pages.responding import House, Place, Respond, View, problem_response, responder
from interact_gitops.server.pages.static import static_file


def _get(name: str, path: str, view: View, section: str = "jobs") -> Place:
    return Place(id=name, method="GET", path=path, view=view, section=section)


def _post(name: str, path: str, view: View, section: str = "jobs") -> Place:
    return Place(id=name, method="POST", path=path, view=view, section=section)


_CHANNEL = "/settings/channels/{channel_id}"

TABLE: tuple[Place, ...] = (
    _get("jobsPage", "/", jobs.show_jobs),
    _get("jobPage", "/jobs/{job_id}", job.show_job),
    _get("runFormAddress", "/jobs/{job_id}/run", job.to_job),
    _get("runAgainFormAddress", "/jobs/{job_id}/runs/{run_id}/again", job.to_job),
    _post("runForm", "/jobs/{job_id}/run", running.run_job),
    _post("pauseForm", "/jobs/{job_id}/pause", running.pause_job),
    _post("resumeForm", "/jobs/{job_id}/resume", running.resume_job),
    _post("runAgainForm", "/jobs/{job_id}/runs/{run_id}/again", running.run_again),
    _post("cancelRunForm", "/jobs/{job_id}/runs/{run_id}/cancel", running.cancel_run),
    _get("chatPage", "/chats/{chat_id}", chat.show_chat),
    _get("documentDownload", "/chats/{chat_id}/documents/{file}", downloads.download),
    _post("cancelChatForm", "/chats/{chat_id}/cancel", running.cancel_chat),
    _get("syncPage", "/sync", sync.show_sync, "sync"),
    _get("settingsPage", "/settings", settings.show_settings, "settings"),
    _get("keyFormAddress", "/settings/keys", settings.to_settings, "settings"),
    _get("channelFormAddress", "/settings/channels", settings.to_settings, "settings"),
    _post("createKeyForm", "/settings/keys", settings.create_key, "settings"),
    _post("revokeKeyForm", "/settings/keys/{key_id}/revoke", settings.revoke_key, "settings"),
    _post("resendForm", "/settings/messages/{delivery_id}/resend", settings.send_again, "settings"),
    _get("newChannelPage", "/settings/channels/new", channels.show_new_channel, "settings"),
    _post("createChannelForm", "/settings/channels", channels.create_channel, "settings"),
    _get("channelPage", _CHANNEL, channels.show_channel, "settings"),
    _post("saveChannelForm", _CHANNEL, channels.save_channel, "settings"),
    _post("deleteChannelForm", f"{_CHANNEL}/delete", channels.delete_channel, "settings"),
    _post("testChannelForm", f"{_CHANNEL}/test", channels.send_test, "settings"),
    Place(id="signInPage", method="GET", path="/sign-in", view=signing_in.show_sign_in, section="", open=True),
    Place(id="signInForm", method="POST", path="/sign-in", view=signing_in.sign_in, section="", open=True),
    _post("signOutForm", "/sign-out", signing_in.sign_out, "settings"),
)


def page_routes(instance: Instance, executor: ThreadPoolExecutor, board: Board) -> list[Route]:
    """One route per page, and one for the static files."""
    limit = instance.options.rate_limit
    rates = Rates(limit, f"your address may ask for {limit.per_second:g} pages a second") if limit else None
    house = House(instance=instance, executor=executor, freshness=Freshness(), board=board, rates=rates)
    by_path: dict[str, dict[str, Respond]] = {}
    for place in TABLE:
        by_path.setdefault(place.path, {})[place.method] = responder(place, house)
    routes = [Route(path, by_method(methods), methods=list(methods)) for path, methods in by_path.items()]
    return [*routes, Route("/static/{name}", static_file, methods=["GET"])]


def nothing_there(request: Request, error: HTTPException) -> Response:
    """The answer where no route fits."""
    declined: Declined = NotFound("there is nothing at this address")
    if error.status_code == 405:
        declined = MethodNotAllowed("this address takes no such request", headers=dict(error.headers or {}))
    return problem_response(request, declined)
