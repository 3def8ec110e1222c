"""The server against its own description: schemathesis makes requests, wrong ones and sequences of them out of it.

All its checks. Ten thousand requests with `CHAOS=all`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from interact_gitops.server.serving import EmbeddedServer

EXAMPLES = 300 if os.environ.get("CHAOS") == "all" else 4  # of each operation, and as many sequences

# What JSON Schema cannot say: a stale ETag (412), a megabyte (413); in some bodies and lists, cron expressions,
# templates, a spent idempotency key, a channel's type with its receivers, the cursor of another list (422). And a
# header that is missing may be told by its own status (428). Numbers that a job's parameters hold have 64 bits, which
# nobody writes into the schema of a schema (400).
RULES = """
warnings = false
headers = { X-API-Key = "${SERVER_KEY}", X-Organization-Id = "${SERVER_ORGANISATION}" }

[checks]
positive_data_acceptance.expected-statuses = ["2xx", "401", "403", "404", "409", "412", "413"]
negative_data_rejection.expected-statuses = ["400", "401", "404", "405", "409", "412", "413", "415", "422", "428"]
missing_required_header.expected-statuses = ["400", "401", "403", "428"]
"""
BEYOND_SCHEMAS = (
    "listJobs", "listChats", "listChannels", "listDeliveries", "createJob", "replaceJob", "triggerJob",
    "createChannel", "replaceChannel", "takeLock",
)  # fmt: skip


@pytest.fixture
def own(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """A server with no bound on calls: made-up keys are part of the checks."""
    options = {"rate_limit": None, "wrong_keys": None, "scheduler": False}
    with EmbeddedServer(tmp_path / "data", port=0, **options) as server:
        yield server


def test_every_answer_is_as_described(own, home, tmp_path):
    with httpx.Client(base_url=own.url, timeout=30) as client:
        api = type(home)(home.description, client, own.api_key, own.organization_id)
        agent = {"slug": "paid-search-analyst"}
        chat = api.run(api.create(agent=agent, prompts=[{"text": "How?", "query": "campaign_performance"}]))
    ids = {"chat_id": chat["id"], "document_id": chat["documents"][0]["id"]}
    (tmp_path / "schemathesis.toml").write_text(RULES + "".join(_operations(ids)))
    command = [
        Path(sys.executable).parent / "schemathesis", "--no-color", "run", own.url + "/api/openapi.json",
        "--checks", "all", "--continue-on-failure", "--max-examples", str(EXAMPLES),
    ]  # fmt: skip
    if "CI" in os.environ:
        command += ["--seed", "1"]
    environment = {**os.environ, "SERVER_KEY": own.api_key, "SERVER_ORGANISATION": own.organization_id}
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=3_000, check=False
    )
    print(done.stdout[-2_000:])
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2_000:]
    # All but the one that it reads the description from.
    assert f"Tested: {len(home.description.operations) - 1}" in done.stdout
    assert own.api_key not in done.stdout, "answers and addresses are printed there"


def _operations(ids: dict[str, str]) -> Iterator[str]:
    for name in BEYOND_SCHEMAS:
        statuses = '["2xx", "400", "401", "403", "404", "409", "412", "413", "422"]'
        yield f'\n[[operations]]\ninclude-operation-id = "{name}"\n'
        yield f"checks.positive_data_acceptance.expected-statuses = {statuses}\n"
    for name, needed in {"getChat": ["chat_id"], "cancelChat": ["chat_id"], "getDocument": list(ids)}.items():
        given = ", ".join(f'"path.{one}" = "{ids[one]}"' for one in needed)
        yield f'\n[[operations]]\ninclude-operation-id = "{name}"\nparameters = {{ {given} }}\n'
