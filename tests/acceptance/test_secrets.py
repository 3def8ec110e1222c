"""A canary in every place where a secret can be: it never comes out again.

Every command is run, with `-v`, when all is well and when the target misbehaves: a wrong key, a proxy that repeats
what it was sent (headers and body, as HTML, JSON or an address), a bug whose message quotes everything. Looked
through are stdout, stderr, every file that was written, and every process that was started; for each secret, its
beginning, and what JSON, HTML, addresses and base64 make of them. A command without a case fails the test.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote, quote_plus, urlencode
from urllib.request import HTTPCookieProcessor, build_opener, urlopen
from urllib.request import Request as WebRequest

import pytest

from interact_gitops.cli.main import COMMANDS
from interact_gitops.server.serving import EmbeddedServer

from ..contract.client.scripted import Reply, Request, Scripted, forward
from .conftest import COMMAND, ROOT, Answer, Shell

HOOK_PATH = "T0Zq8Xw/B7kCanaryPathVn4yRt9"
SIGNING = 'Qz7&"<m/+9%é-4Kw2Lw8Rt5Canary'
WRONG_KEY = "int_Wr0ngCanaryKey8fJ2mXq5vT7zLp3nB6sD1gH4kY9cR"
GIT_TOKEN = "ghp_CanaryOfARepository6yVbT2"
PASSWORD = "Pw5CanaryOfAnUrlT8zK"
MAIL = "smtp-CanaryFromAFile-3hG7pQ"
PART = 12  # characters of a secret that tell as much as all of it to whoever reads along
CONFIGURATION = """\
managed_by: acme/jobs
targets:
  main:
    url: "${INTERACT_URL}"
    organization: "${INTERACT_ORG_ID}"
    api_key: "${file:mounted/key}"
channels:
  marketing-slack: {type: slack, url: "${HOOK_URL}"}
  shop-email: {type: email, to: [shop@example.com]}
  signed: {type: webhook, url: "https://hooks.example.com/${file:mounted/path}", secret: "${SIGNING}"}
"""
ALLOWED = [
    "--managed-by=acme/jobs", *(f"--channel-secret={name}" for name in ("HOOK_URL", "SIGNING", "file:mounted/path"))
]  # fmt: skip
# Runs inside every Python that a test starts: writes down what processes it starts, and can be told to break.
WATCH = """\
import json, os, sys

def watch(event, arguments):
    if event in {"subprocess.Popen", "os.exec", "os.posix_spawn", "os.system"}:
        given = next((one for one in arguments if hasattr(one, "items")), None)
        # git is given a token in its environment, which its own user alone can read.
        own = {name: value for name, value in (given or {}).items()
               if os.environ.get(str(name)) != value and not str(name).startswith("GIT_CONFIG_VALUE_")}
        shown = repr([one for one in arguments if one is not given]) + repr(own)
        with open(os.environ["CANARY_STARTED"], "a") as file:
            file.write(shown + "\\n")

sys.addaudithook(watch)
if os.environ.get("CANARY_BUG"):
    from interact_gitops.interact.transport import Transport

    def send(self, *arguments, **options):
        raise RuntimeError(f"a bug that quotes everything: {dict(self._httpx.headers)} {options}")

    Transport.send = send
"""


@dataclass(frozen=True)
class Case:
    """One way to call a command. `asks`: it talks to the target, and so meets its troubles."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    asks: bool = True


def case(*arguments: str, asks: bool = True, **environment: str) -> Case:
    return Case(arguments, environment, asks)


# {chat} is a chat of the target, {out} a file to write, {repo} the folder as a repository, with all that it has.
CASES: Mapping[str, tuple[Case, ...]] = {
    "init": (case("init", "fresh", asks=False),),
    "validate": (case("validate", asks=False), case("validate", "--format", "json", asks=False)),
    "plan": (case("plan", "--full"), case("plan", "--format", "json", "--out", "{out}")),
    "apply": (case("apply", "--yes", "--format", "json"), case("apply", "--yes")),
    "workflows": (case("workflows", "generate", asks=False), case("workflows", "generate", "--check", asks=False)),
    "github": (
        case("github", "action", ACTION_COMMAND="plan"),
        case("github", "action", ACTION_COMMAND="drift", ACTION_ARGS="--select 'account-*'"),
        case("github", "dispatch", "account-overview", INPUTS="{}"),
        case(
            "github",
            "status",
            "--context",
            "c",
            asks=False,
            NEEDS="{}",
            GITHUB_TOKEN=GIT_TOKEN,
            GITHUB_REPOSITORY="acme/jobs",
            GITHUB_SHA="a" * 40,
            GITHUB_API_URL="http://127.0.0.1:9",
        ),
        case("github", "issue", "none.md", "--needed", "true", asks=False, GITHUB_TOKEN=GIT_TOKEN),
        case(
            "github",
            "head",
            asks=False,
            GITHUB_TOKEN=GIT_TOKEN,
            GITHUB_REPOSITORY="acme/jobs",
            GITHUB_SHA="a" * 40,
            GITHUB_REF="refs/heads/main",
            GITHUB_API_URL="http://127.0.0.1:9",
        ),
        case("github", "comment", asks=False, GITHUB_TOKEN=GIT_TOKEN, GITHUB_REPOSITORY="acme/jobs"),
    ),
    "drift": (case("drift"), case("drift", "--format", "json"), case("drift", "--format", "markdown")),
    "import": (case("import"), case("import", "--write", "--format", "json")),
    "fmt": (case("fmt", "--check", asks=False), case("fmt", asks=False)),
    "list": (case("list"), case("list", "--format", "json")),
    "show": (case("show", "account-overview"), case("show", "account-overview", "--format", "json")),
    "schedule": (case("schedule", asks=False), case("schedule", "account-overview", "--format", "json", asks=False)),
    "run": (case("run", "account-overview", "--wait"), case("run", "revenue-summary", "--format", "json")),
    "runner": (case("runner", "--once"), case("runner", "--once", "--follow", "--log-format", "json")),
    "retry": (case("retry", "{chat}"), case("retry", "nope", "--format", "json", asks=False)),
    "backfill": (
        case("backfill", "account-overview", "--from", "2026-11-01", "--to", "2026-11-20", "--dry-run"),
        case("backfill", "account-overview", "--from", "2026-11-01", "--to", "2026-11-20", "--format", "json"),
    ),
    "pause": (case("pause", "account-overview", "--reason", "a test"),),
    "resume": (case("resume", "account-overview"), case("resume", "account-overview", "--format", "json")),
    "ledger": tuple(
        case("ledger", *words, asks=False)
        for words in (
            ["status"],
            ["status", "--format", "json"],
            ["list"],
            ["show", "nope"],
            ["export"],
            ["prune", "--older-than", "400d", "--yes"],
            ["recover", "nope", "--fail", "--reason", "a test"],
        )
    ),
    "channels": (
        case("channels", "list"),
        case("channels", "list", "--format", "json"),
        case("channels", "dead"),
        case("channels", "resend", "--all"),
    ),
    "cancel": (case("cancel", "{chat}"), case("cancel", "{chat}", "--format", "json")),
    "history": (case("history"), case("history", "--format", "json")),
    "chat": (case("chat", "{chat}"), case("chat", "{chat}", "--format", "json"), case("chat", "nope")),
    "sync": (
        case("sync", "--once", "--heal", "--repo", "{repo}", *ALLOWED, INTERACT_GITOPS_GIT_TOKEN=GIT_TOKEN),
        case("sync", "--once", "--repo", "{repo}"),
        case(
            "sync", "--once", "--repo", "http://127.0.0.1:9/acme/jobs", INTERACT_GITOPS_GIT_TOKEN=GIT_TOKEN, asks=False
        ),
        case("sync", "--once", "--repo", f"https://user:{PASSWORD}@example.com/acme/jobs", asks=False),
        case("sync", "suspend", "--reason", "a test", asks=False),
    ),
    "status": (case("status", asks=False), case("status", "--format", "json", asks=False)),
    "up": (),  # a test of its own, below
    "serve": (),  # and so has this
    "demo": (case("demo", "--no-keep", "--data", "demo-data", asks=False),),
    "doctor": (case("doctor"), case("doctor", "--format", "json")),
    "completion": (
        case("completion", "bash", asks=False),
        case(_INTERACT_GITOPS_COMPLETE="bash_complete", COMP_WORDS="interact-gitops show ", COMP_CWORD="2", asks=False),
    ),
}
ASKING = [name for name in COMMANDS if any(one.asks for one in CASES.get(name, ()))]


@dataclass
class Net:
    """The secrets to look for, and a shell whose every output is looked through."""

    shell: Shell
    secrets: dict[str, str]

    def catch(self, text: str) -> str | None:
        """The name of a secret of which any form, or its beginning, stands in the text."""
        for name, secret in self.secrets.items():
            for needle in forms(secret):
                if needle in text:
                    return f"{name} as {needle!r}"
        return None

    def run(self, one: Case, *more: str, expect: int | None = None, **environment: str) -> Answer:
        out = self.shell.folder / "written" / f"{len(list((self.shell.folder / 'written').iterdir()))}.json"
        if "{repo}" in one.arguments:
            self.commit()
        names = {
            "{out}": str(out),
            "{repo}": str(self.shell.folder),
            "{chat}": self.shell.environment.get("CHAT", "chat_none"),
        }
        arguments = [names.get(argument, argument) for argument in one.arguments]
        before = dict(self.shell.environment)
        self.shell.environment.update({**one.environment, **environment})
        try:
            answer = self.shell(*arguments, *(more if arguments else ()), expect=expect)
        finally:
            self.shell.environment = before
        self.look(answer.out, f"stdout of {arguments}")
        self.look(answer.err, f"stderr of {arguments}")
        self.look_at_files()
        return answer

    def commit(self) -> None:
        """The configuration and the jobs, as the repository's head."""
        git = ["git", "-c", "user.name=tests", "-c", "user.email=tests@example.com", "-C", str(self.shell.folder)]
        for arguments in (["add", "interact-gitops.yaml", "jobs.d"], ["commit", "-q", "--allow-empty", "-m", "all"]):
            subprocess.run([*git, *arguments], check=True, capture_output=True)

    def look(self, text: str, where: str) -> None:
        caught = self.catch(text)
        assert caught is None, f"{where} has {caught}:\n{text}"

    def look_at_files(self) -> None:
        for file in sorted(self.shell.folder.rglob("*")):
            # A server has to keep the channels' secrets, to send with them; its sample warehouse is made up.
            kept = {"mounted", ".git"} & {*file.parts} or file.name.startswith("interact.db") or ".duckdb" in file.name
            if file.is_file() and not kept:
                self.look(file.read_bytes().decode("utf-8", "replace"), str(file))


def forms(secret: str) -> set[str]:
    """What would give a secret away: it and its beginning, as they are and as they may be written."""
    needles = set()
    for text in (secret, secret[:PART]):
        needles |= {text, quote(text), quote(text, safe=""), quote_plus(text), html.escape(text), repr(text)[1:-1]}
        needles |= {json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], text.replace("/", "\\/")}
    for shift in range(3):  # base64 of it inside a longer text: the characters that do not depend on what is around
        raw = b"\0" * shift + secret.encode()
        whole = base64.b64encode(raw[: len(raw) // 3 * 3]).decode()[4 if shift else 0 :]
        needles |= {whole, whole.translate(str.maketrans("+/", "-_"))}
    return needles


def cast(repository: Path, server: EmbeddedServer, organization: str, key: str) -> Net:
    """A net over a repository whose configuration has secrets in every place that takes one."""
    for name in ("written", "mounted"):
        (repository / name).mkdir()
    mounted = repository / "mounted"
    (mounted / "key").write_text(f"{key}\n")
    (mounted / "path").write_text(MAIL)
    (mounted / "sitecustomize.py").write_text(WATCH)
    (repository / "interact-gitops.yaml").write_text(CONFIGURATION)
    environment = {
        "INTERACT_URL": server.url, "INTERACT_ORG_ID": organization, "HOOK_URL": f"https://hooks.example.com/{HOOK_PATH}",
        "SIGNING": SIGNING, "PYTHONPATH": str(mounted), "CANARY_STARTED": str(repository / "written/started"),
    }  # fmt: skip
    secrets = {"the API key": key, "the webhook's path": HOOK_PATH, "the signing secret": SIGNING,
               "the mounted secret": MAIL, "the wrong key": WRONG_KEY, "the password": PASSWORD,
               "the repository's token": GIT_TOKEN}  # fmt: skip
    return Net(Shell(repository, environment), secrets)


@pytest.fixture
def net(repository: Path, server: EmbeddedServer, request: pytest.FixtureRequest) -> Net:
    """A net over a fresh organisation."""
    return cast(repository, server, *server.create_organization(request.node.name))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, server: EmbeddedServer) -> tuple[str, str, str]:
    """An organisation with everything applied and a chat: its id, a key, the chat's id."""
    folder = tmp_path_factory.mktemp("canary")
    shutil.copytree(ROOT / "jobs.d", folder / "jobs.d")
    net = cast(folder, server, *server.create_organization("canary"))
    net.run(case("apply", "--yes"), expect=0)
    ran = net.run(case("run", "account-overview", "--wait", "--format", "json"), expect=0)
    key = (folder / "mounted/key").read_text().strip()
    return net.shell.environment["INTERACT_ORG_ID"], key, str(ran.json["runs"][0]["id"])


@pytest.fixture
def used(repository: Path, server: EmbeddedServer, home: tuple[str, str, str]) -> Net:
    """A net over the organisation that is in use."""
    organization, key, chat = home
    net = cast(repository, server, organization, key)
    net.shell.environment["CHAT"] = chat
    return net


def test_the_net_has_no_holes() -> None:
    net = Net(Shell(Path()), {"it": SIGNING})
    for text in (
        SIGNING, SIGNING[:PART], quote(SIGNING, safe=""), html.escape(SIGNING), json.dumps({"a": SIGNING}),
        repr([SIGNING]), base64.b64encode(b"user:" + SIGNING.encode() + b"!").decode(),
        base64.urlsafe_b64encode(b"u:" + SIGNING.encode()).decode(), base64.b64encode(SIGNING.encode()).decode(),
    ):  # fmt: skip
        assert net.catch(f"so {text}, then"), text
    assert net.catch(f"so {SIGNING[:8]} {WRONG_KEY}") is None


def test_every_command_has_a_case() -> None:
    assert set(COMMANDS) <= set(CASES)


@pytest.mark.parametrize("command", [name for name in COMMANDS if CASES.get(name) != ()])
def test_when_all_is_well(used: Net, command: str) -> None:
    for one in CASES[command]:
        answer = used.run(one, "-v")
        assert answer.code != 3, answer.err
    started = used.shell.folder / "written/started"
    assert not started.exists() or "canary" not in started.read_text().lower()


def test_the_next_secret_and_the_one_before(net: Net) -> None:
    net.run(case("apply", "--yes"), expect=0)
    changed = "another-CanaryFromAFile-9xY2"
    (net.shell.folder / "mounted/path").write_text(changed)
    net.secrets["the new mounted secret"] = changed
    for arguments in (["plan", "--full"], ["plan", "--format", "json"], ["apply", "--yes"], ["drift"]):
        assert "signed" in net.run(case(*arguments), expect=0).out or arguments == ["drift"]


def echo(request: Request) -> str:
    return "\n".join(f"{name}: {value}" for name, value in request.headers.items()) + "\n" + request.body.decode()


def in_html(request: Request, status: int) -> Reply:
    page = f"<html><h1>Blocked</h1><pre>{html.escape(echo(request))}</pre></html>".encode()
    return Reply(status=status, body=page, kind="text/html")


def in_json(request: Request, status: int) -> Reply:
    detail = f"not for {request.headers.get('x-api-key')}: {echo(request)}"
    faults = [{"pointer": f"/{detail}", "message": detail}]
    whole = {"title": detail, "detail": detail, "code": "invalid", "errors": faults, "jobs": [{"key": detail}]}
    return Reply(status=status, body=whole, kind="application/problem+json" if status >= 400 else "application/json")


def in_an_address(request: Request, _status: int) -> Reply:
    told = quote(echo(request), safe="")
    return Reply(status=302, headers={"Location": f"https://sso.example.com/?key={told}"})


ECHOES = {
    "html 200": (in_html, 200), "html 403": (in_html, 403), "json 422": (in_json, 422), "json 200": (in_json, 200),
    "address": (in_an_address, 302),
}  # fmt: skip


@pytest.mark.parametrize("how", list(ECHOES))
def test_a_proxy_that_repeats_what_it_was_sent(net: Net, how: str) -> None:
    answer, status = ECHOES[how]
    commands = ASKING if how in {"html 200", "json 422"} else ["plan", "run", "doctor"]
    with Scripted(lambda request: answer(request, status)) as proxy:
        for command in commands:
            asked = len(proxy.requests)
            net.run(CASES[command][0], "-v", INTERACT_URL=proxy.url)
            assert len(proxy.requests) > asked, f"{command} asks nothing"


@pytest.mark.parametrize("how", ["html 403", "json 422", "json 200", "address"])
def test_a_proxy_that_repeats_the_channels_secrets(net: Net, server: EmbeddedServer, how: str) -> None:
    (spoil, status), ask = ECHOES[how], forward(server.url)
    spoilt = []

    def answer(request: Request) -> Reply:
        fingerprints = request.path.endswith("/fingerprints")
        if request.method == "GET" or "/notifications/" not in request.path or (fingerprints and spoilt):
            return ask(request)
        spoilt.append(request.path)
        return spoil(request, status)

    with Scripted(answer) as proxy:
        for form in ("text", "json"):
            for _ in range(2):
                net.run(case("apply", "--yes", "--on-error", "continue", "--format", form), INTERACT_URL=proxy.url)
    assert {path.rsplit("/", 1)[1] for path in spoilt} >= {"fingerprints", "channels"}
    assert any(request.json.get("secret") == SIGNING for request in proxy.requests if request.body)


@pytest.mark.parametrize("command", ASKING)
def test_a_wrong_key(net: Net, command: str) -> None:
    (net.shell.folder / "mounted/key").write_text(WRONG_KEY)
    assert net.run(CASES[command][0], "-v").code != 3


@pytest.mark.parametrize("command", ASKING)
def test_a_bug_that_quotes_everything(net: Net, command: str) -> None:
    """The traceback goes into a file that people are asked to send; what they send must be fit to be read."""
    answer = net.run(CASES[command][0], CANARY_BUG="1")
    if answer.code == 3:
        log = re.search(r"report it with (\S+)", answer.err)
        assert log is not None
        assert "a bug that quotes everything" in Path(log.group(1)).read_text()
    else:
        assert command == "doctor", answer


@pytest.mark.parametrize(
    "key",
    [f"{WRONG_KEY}\n{WRONG_KEY}", f"{WRONG_KEY}é", f"{WRONG_KEY}\x00", f"{WRONG_KEY} ", "", WRONG_KEY.encode("utf-16")],
    ids=["two lines", "not ascii", "a null", "a space", "nothing", "not utf-8"],
)
def test_a_key_that_cannot_be_sent(net: Net, key: str | bytes) -> None:
    (net.shell.folder / "mounted/key").write_bytes(key if isinstance(key, bytes) else key.encode())
    for command in ("plan", "doctor"):
        net.run(case(command), "-v", expect=1)


@pytest.mark.parametrize(
    "url",
    [
        f"https://user:{PASSWORD}@example.com",
        f"http://{PASSWORD}@127.0.0.1:1",
        f"https://{PASSWORD}:@[::1",
        f"{PASSWORD}@",
        f"https://user:pa/{PASSWORD}@example.com",
        f"https://example.com/?token={PASSWORD}",
        PASSWORD,
    ],
)
def test_a_password_in_the_targets_address(net: Net, url: str) -> None:
    for command in ("plan", "doctor"):
        net.run(case(command), "-v", INTERACT_URL=url)


def test_a_secret_in_the_configuration_itself_is_not_repeated(net: Net) -> None:
    """Not where it belongs, but where people put it: what is wrong is said with its place, not its value."""
    file = net.shell.folder / "interact-gitops.yaml"
    whole = file.read_text()
    net.secrets = {"the wrong key": WRONG_KEY}
    for broken in (
        whole.replace("${file:mounted/key}", f"{WRONG_KEY}${{"),
        whole.replace('"${file:mounted/key}"', f"[{WRONG_KEY}]"),
        whole.replace('"${SIGNING}"', f'"${{{WRONG_KEY} }}"'),
        whole.replace('"${SIGNING}"', f"{{{WRONG_KEY}: 1}}"),
    ):
        file.write_text(broken)
        for command in ("validate", "doctor"):
            answer = net.shell(command, expect=1)
            net.look(answer.out + answer.err, command)
        file.unlink()
    file.write_text(whole.replace("${file:mounted/key}", WRONG_KEY))
    answer = net.shell("plan", "-v", expect=1)
    net.look(answer.out + answer.err, "plan")


@pytest.fixture
def served(net: Net) -> Iterator[tuple[Net, subprocess.Popen[str], str]]:
    environment = {**os.environ, **net.shell.environment, "XDG_STATE_HOME": str(net.shell.folder / ".state")}
    with subprocess.Popen(
        [*COMMAND, "serve", "-v", "--port", "0", "--data", "written/data"],
        cwd=net.shell.folder, env={**environment, "INTERACT_UI_PASSWORD": PASSWORD},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if address := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        yield net, process, address.group() if address else ""
        process.send_signal(signal.SIGINT)
        net.look("".join(lines) + process.stdout.read(), "the server's output")
    net.look_at_files()


def test_up_keeps_it_to_itself(used: Net) -> None:
    used.commit()
    environment = {**os.environ, **used.shell.environment, "XDG_STATE_HOME": str(used.shell.folder / ".state")}
    with subprocess.Popen(
        [*COMMAND, "up", "-v", "--repo", str(used.shell.folder), *ALLOWED, "--log-format", "json"],
        cwd=used.shell.folder,
        env={**environment, "INTERACT_GITOPS_GIT_TOKEN": GIT_TOKEN}, stderr=subprocess.STDOUT, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        guard = threading.Timer(120, process.kill)  # the lines below would wait for ever
        guard.daemon = True
        guard.start()
        lines = []
        for line in process.stdout:
            lines.append(line)
            if '"Synced"' in line:
                break
        process.send_signal(signal.SIGTERM)
        lines.append(process.stdout.read())
    assert process.returncode == 0, lines
    used.look("".join(lines), "the output of up")
    used.look_at_files()


def test_serve_keeps_what_it_is_sent_to_itself(served: tuple[Net, subprocess.Popen[str], str]) -> None:
    """A stranger's key, and the secrets of a channel: in no log and in no answer. The database keeps what it must."""
    net, _, url = served
    given = dict(
        line.removeprefix("export ").strip().split("=", 1)
        for line in (net.shell.folder / "written/data/credentials.env").read_text().splitlines()
        if "=" in line and not line.startswith("#")
    )
    net.run(case("apply", "--yes", "-v"), INTERACT_URL=url)
    (net.shell.folder / "mounted/key").write_text(given["INTERACT_API_KEY"].strip("'\""))
    organization = given["INTERACT_ORG_ID"].strip("'\"")
    applied = net.run(case("apply", "--yes", "-v"), expect=0, INTERACT_URL=url, INTERACT_ORG_ID=organization)
    assert "signed" in applied.out
    headers = {"X-API-Key": WRONG_KEY, "X-Organization-Id": WRONG_KEY}
    for path in ("/api/agents/jobs", f"/api/agents/jobs/{WRONG_KEY}", f"/{WRONG_KEY}?{WRONG_KEY}={WRONG_KEY}"):
        with pytest.raises(HTTPError) as refused, urlopen(WebRequest(url + path, headers=headers)):
            pass
        with refused.value as answer:
            net.look(answer.read().decode(), path)
    _look_at_pages(net, url)


def _look_at_pages(net: Net, url: str) -> None:
    """Signed in with the password, every page of the menu and a channel's own: no secret in any of them."""
    opener = build_opener(HTTPCookieProcessor())

    def page(path: str, **fields: str) -> str:
        raw = urlencode(fields).encode() if fields else None
        with opener.open(WebRequest(url + path, data=raw, headers={"Origin": url} if fields else {})) as answer:
            text: str = answer.read().decode()
        net.look(text, path)
        return text

    token = re.search('name="token" value="([0-9a-f]+)"', page("/"))
    assert token is not None
    settings = page("/sign-in", token=token[1], password=PASSWORD, next="/settings")
    assert "shop@example.com" in settings
    channel = re.search('href="(/settings/channels/[a-z0-9_]+)">signed', settings)
    assert channel is not None
    assert "kept in git" in page(channel[1])
    assert "weekly" in page("/").lower()
    page("/sync")
