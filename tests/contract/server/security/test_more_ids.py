"""Every page with an id in its address, given what another organisation has; and pages given keys of the API."""

from __future__ import annotations

import re

import httpx
import pytest

from interact_gitops.server.pages.routes import TABLE
from interact_gitops.server.serving import EmbeddedServer

from ..conftest import Api
from ..pages.conftest import Visitor, house, owner, visitor

__all__ = ["house", "owner", "visitor"]  # fixtures

WITH_IDS = [place for place in TABLE if "{" in place.path]
CHANNELS, DELIVERIES = "/api/notifications/channels", "/api/notifications/deliveries"


@pytest.fixture(scope="module")
def theirs(house, description):
    """Somebody else's: one of everything, by the name of its part of an address."""
    organization, _ = house.create_organization("Somebody else")
    key = house.create_key(organization_id=organization, name="Their canary of a key")
    with httpx.Client(base_url=house.url, timeout=30) as http:
        api = Api(description, http, key, organization)
        job = api.create(name="Their canary of a job")
        chat = api.run(job)
        body = {"name": "their-canary", "type": "email", "to": ["canary@example.com"]}
        channel = api.ok("POST", CHANNELS, json=body)["channel"]
        delivery = api.ok("POST", f"{CHANNELS}/{channel['id']}/test", json={})["delivery"]
        with house.instance.database.read() as db:
            key_id = db.execute("SELECT id FROM api_keys WHERE organisation_id = ?", (organization,)).fetchone()["id"]
        yield api, {
            "job_id": job["id"], "run_id": chat["groupId"], "chat_id": chat["id"], "channel_id": channel["id"],
            "delivery_id": delivery["id"], "key_id": key_id, "file": f"{chat['documents'][0]['id']}.csv",
        }  # fmt: skip


def everything(api):
    return [api.all("/api/agents/jobs", "jobs"), api.all("/api/agents/chats", "chats"), api.all(CHANNELS, "channels")]


@pytest.mark.parametrize("place", WITH_IDS, ids=lambda place: place.id)
def test_anothers_is_as_if_it_were_not_there(house, visitor, theirs, place):
    api, ids = theirs
    before = everything(api)
    visitor.get("/")
    token = visitor.fields(visitor.get("/settings").all("form")[0])["token"]
    answers = []
    for given in (ids, {name: f"{one[:-4]}0000" if name != "file" else "doc_0.csv" for name, one in ids.items()}):
        path = place.path.format(**given)
        data = {"token": token, "name": "mine", "type": "email", "to": "me@example.com", "etag": '"0"'}
        answer = visitor.post(path, data) if place.method == "POST" else visitor.http.get(path)
        if answer.status_code == 303:  # to the job's own page, which is not there
            answer = visitor.http.get(answer.headers["location"])
        assert answer.status_code == 404, answer.text[-500:]
        assert "canary" not in answer.text.lower()
        answers.append(re.sub("|".join(map(re.escape, given.values())), "ID", answer.text))
    assert answers[0] == answers[1]
    assert everything(api) == before


def test_lists_show_nothing_of_another(visitor, theirs):
    for path in ("/", "/?q=canary", "/settings", "/sync"):
        visitor.get(path)
        assert "their canary" not in visitor.last.text.lower()
        assert "their-canary" not in visitor.last.text
        assert not [one for one in theirs[1].values() if one in visitor.last.text]


def test_keys_open_no_page_and_cookies_no_call(tmp_path):
    with EmbeddedServer(data=tmp_path, port=0, scheduler=False, ui_password="correct horse battery") as server:
        headers = {"X-API-Key": server.api_key, "X-Organization-Id": server.organization_id}
        own = {"Origin": server.url, "Cookie": "interact_session=" + "0" * 64}
        for place in TABLE:
            if not place.open:
                path = re.sub(r"\{\w+\}", "x_0", place.path)
                answer = httpx.request(place.method, server.url + path, headers={**headers, **own})
                assert answer.status_code == (303 if place.method == "GET" else 401), place.id
        visitor = Visitor(server)
        with visitor.http as http:
            form = visitor.get("/sign-in").one("form")
            data = {**visitor.fields(form), "password": "correct horse battery"}
            assert visitor.post("/sign-in", data).status_code == 303
            assert http.get("/").status_code == 200
            assert http.get("/api/agents/jobs").status_code == 401
            assert (
                http.get("/api/agents/jobs", headers={"X-Organization-Id": server.organization_id}).status_code == 401
            )
