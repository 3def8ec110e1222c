"""The configuration: every message with its place, and no secret in any of them."""

import subprocess

import pytest

from interact_gitops.config import Target, default_settings, owner, read_credentials, read_settings, resolve_reference
from interact_gitops.errors import ConfigurationInvalid, Failure
from interact_gitops.gitops.checkout import read_checkout, remote_path
from interact_gitops.shapes import schema

CANARY = "canary-7f3a9c"
TARGET = "{url: https://interact.example.com, organization: org_1, api_key: '${KEY}'}"


@pytest.fixture
def settings_of(tmp_path):
    """Settings of a configuration given as text."""

    def read(text):
        (tmp_path / "interact-gitops.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_settings(None, folder=tmp_path)

    return read


@pytest.fixture
def refused(settings_of):
    """The lines said of a configuration that cannot be used."""

    def lines(text):
        with pytest.raises(ConfigurationInvalid) as caught:
            settings_of(text)
        return [str(problem).removeprefix("interact-gitops.yaml:") for problem in caught.value.problems]

    return lines


def test_without_a_file_there_are_defaults(tmp_path):
    settings = read_settings(None, folder=tmp_path)
    defaults = {name: rule["default"] for name, rule in schema("config.schema.json")["properties"].items()}
    guards = {n: r["default"] for n, r in schema("config.schema.json")["properties"]["guards"]["properties"].items()}
    assert (settings.file, settings.definitions, settings.managed_by) == (None, defaults["definitions"], None)
    assert (settings.ledger, settings.default_target) == (defaults["ledger"], defaults["default_target"])
    assert (settings.max_deletes, settings.max_changes) == (guards["max_deletes"], guards["max_changes"])
    assert (settings.targets, settings.channels) == ({}, None)
    assert settings.definitions_folder == tmp_path / "jobs.d"
    assert settings.target_name(None) is None
    assert settings.variables(None) == {}


def test_everything_that_can_be_said(settings_of):
    settings = settings_of("""
definitions: jobs
managed_by: acme/marketing-jobs
ledger: ${LEDGER}
targets:
  staging: {url: https://s.example.com, organization: "${ORG}", api_key: "${KEY}", variables: {suffix: " (staging)"}}
  production: {url: https://p.example.com, api: full, schedules: runner, organization: o, api_key: "${KEY}",
    protected: true}
default_target: staging
guards: {max_deletes: 3, max_changes: 5%}
channels:
  slack: {type: slack, url: "${SLACK}", level: warning, topics: [failed_run]}
""")
    assert (settings.definitions, settings.managed_by, settings.ledger) == ("jobs", "acme/marketing-jobs", "${LEDGER}")
    assert (settings.max_deletes, settings.max_changes) == (3, "5%")
    assert list(settings.channels) == ["slack"]
    assert settings.target_name(None) == "staging"
    assert settings.variables("staging") == {"suffix": " (staging)"}
    target = settings.target("production", {"KEY": CANARY})
    assert (target.name, target.api_key, target.api, target.schedules, target.protected) == (
        "production", CANARY, "full", "runner", True,
    )  # fmt: skip
    assert settings.target(None, {"KEY": "k", "ORG": "o2"}).organization == "o2"
    assert owner(settings) == "acme/marketing-jobs"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defintions: jobs\n", ["1:1: unknown field 'defintions' [unknown-field]\n  did you mean 'definitions'?"]),
        ("- a\n", ["1:1: the configuration is a map of settings [wrong-type]\n  write `name: value` lines"]),
        ("a\n---\nb\n", [
            "1:1: the configuration is a map of settings [wrong-type]\n  write `name: value` lines",
            "3:1: the configuration is one document [configuration]\n  remove the rest"]),
        ("definitions: a\ndefinitions: b\n", [
            "2:1: the key 'definitions' stands twice, first at interact-gitops.yaml:1:1 [duplicate-key]\n"
            "  keep one of the two"]),
        ("managed_by: my team\n", [
            "1:13: 'my team' does not have the right form [bad-form]\n"
            "  write letters, digits and . _ / : @ -, with no space"]),
        ("ledger: mysql://x\n", [
            "1:9: this does not have the right form [bad-form]\n"
            "  write sqlite:///PATH, postgresql://HOST/DATABASE, git:REMOTE or git+ssh://…"]),
        ("targets:\n  Prod: " + TARGET + "\n", [
            "2:3: the name 'Prod' does not have the right form [bad-form]\n"
            "  name a target with lower-case letters, digits and hyphens"]),
        ("targets: {a: {url: x}}\n", [
            "1:14: the field 'api_key' is missing [missing-field]\n"
            "  api_key: The API key; write ${NAME} or ${file:/path}, never the key itself",
            "1:14: the field 'organization' is missing [missing-field]\n  organization: The organisation's id"]),
        ("targets: {a: " + TARGET.replace("org_1", "o, api: ful") + "}\n", [
            "1:72: 'ful' is not allowed here [not-allowed]\n  did you mean 'full'?"]),
        ("targets: {a: " + TARGET + "}\ndefault_target: b\n", [
            "2:17: there is no target 'b' [configuration]\n  targets: a"]),
        ("targets: {staging: " + TARGET + "}\ndefault_target: stagin\n", [
            "2:17: there is no target 'stagin' [configuration]\n  did you mean 'staging'?"]),
        ("default_target: a\n", ["1:17: there is no target 'a' [configuration]\n  targets: none"]),
        ("guards: {max_deletes: 200%, max_changes: -1}\n", [
            "1:23: '200%' does not have the right form [bad-form]\n  write a whole number, or a percentage such as 10%",
            "1:42: -1 is below 0 [out-of-range]\n  write a whole number, or a percentage such as 10%"]),
        ("targets:\n  a:\n    url: https://x\n    organization: o\n    api_key: a${KEY\n", [
            "5:15: this reference names no variable and no file [reference]\n"
            "  write ${NAME}, ${file:/path}, or $${ for a literal ${"]),
        ("targets: {a: {url: u, organization: 'o${}', api_key: '${my key}', variables: {v: 'x${HOME}'}}}\n", [
            "1:39: this reference names no variable and no file [reference]\n"
            "  write ${NAME}, ${file:/path}, or $${ for a literal ${",
            "1:54: this reference names no variable and no file [reference]\n"
            "  write ${NAME}, ${file:/path}, or $${ for a literal ${",
            "1:84: references are not resolved here [reference]\n  write the value; $${ is a literal ${"]),
        ("channels: {a: {type: email, to: ['${A B}']}, b: {type: slack, url: '${URL}$${x}'}}\n", [
            "1:34: this reference names no variable and no file [reference]\n"
            "  write ${NAME}, ${file:/path}, or $${ for a literal ${"]),
        ("definitions: ${HOME}/jobs\n", [
            "1:14: references are not resolved here [reference]\n  write the value; $${ is a literal ${"]),
        ("channels: {a: {type: fax}}\n", [
            "1:22: 'fax' is not allowed here [not-allowed]\n  write one of: email, slack, teams, webhook, apprise"]),
        ("channels:\n  a: {type: email}\n  b: {type: slack, to: [a@example.com]}\n", [
            "2:3: an email channel needs 'to' [missing-field]\n  write `to: [name@example.com]`",
            "3:3: a slack channel needs 'url' [missing-field]\n  write `url: ${NAME}`, a reference",
            "3:20: a slack channel has no 'to' [not-allowed]\n  leave it out"]),
        ("ledger: 'postgresql://u:${PG}@h/d'\ntargets: {a: {url: u, organization: o, api_key: '${file:/k}'}}\n"
         "channels:\n  a: {type: slack, url: 'https://h/${INTERACT_API_KEY}'}\n"
         "  b: {type: webhook, url: '${B}', secret: '${file:/k}'}\n  c: {type: slack, url: 'https://h/${PG}'}\n", [
            "4:25: INTERACT_API_KEY is the key of a target or of the ledger, which no channel may hold [reference]\n"
            "  refer to a secret of the channel's own",
            "5:43: file:/k is the key of a target or of the ledger, which no channel may hold [reference]\n"
            "  refer to a secret of the channel's own",
            "6:25: PG is the key of a target or of the ledger, which no channel may hold [reference]\n"
            "  refer to a secret of the channel's own"]),
        ("channels: {a: {type: email, to: [a@example.com], secret: s}}\n", [
            "1:50: an email channel has no 'secret' [not-allowed]\n  leave it out"]),
        (b"\xff\xfe", ["1:1: the file is UTF-16, not UTF-8 [encoding]\n  save it as UTF-8"]),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(refused, text, said):
    assert refused(text) == said


def test_declared_channels_have_their_secrets_or_say_what_is_missing(settings_of, tmp_path):
    (tmp_path / "secret").write_text(f"{CANARY}\n")
    settings = settings_of(
        """channels:
  slack: {type: slack, url: "${SLACK}", level: warning}

  hook: {type: webhook, url: "https://x/${PATH_PART}", secret: "${file:secret}", topics: [anomaly]}
  mail: {type: email, to: [a@example.com]}
"""
    )
    slack, hook, mail = settings.declared_channels({"SLACK": CANARY})
    assert (slack.name, slack.type, slack.level, slack.line) == ("slack", "slack", "warning", 2)
    assert (slack.secrets, slack.missing) == ({"url": CANARY}, {})
    assert (hook.line, hook.topics, hook.secrets) == (4, ("anomaly",), {"secret": CANARY})
    assert hook.missing == {"url": "the environment variable PATH_PART is not set"}
    assert (mail.to, mail.secrets, mail.missing) == (("a@example.com",), {}, {})
    assert CANARY not in repr((slack, hook, mail))


@pytest.mark.parametrize(
    ("kind", "url", "value", "said"),
    [
        ("slack", "${A}", "https://Hooks.example.com:8443/CANARY", "https://hooks.example.com:8443"),
        ("slack", "${A}", "https://hooks.example.com@evil.example/CANARY", "https://evil.example"),
        ("slack", "${A}", "CANARY", "no address of the web"),
        ("slack", "${A}", "http://[CANARY", "no address of the web"),
        ("slack", "${A}", "http://h:CANARY/", "no address of the web"),
        ("slack", "${A}", "", "what ${A} says"),
        ("slack", "https://hooks.example.com/${A}", "CANARY", "https://hooks.example.com"),
        ("slack", "https://hooks.example.com?x=${A}", "CANARY", "https://hooks.example.com"),
        ("slack", "https://hooks.example.com", "", "https://hooks.example.com"),
        ("slack", "https://${A}.evil.example/", "CANARY", "an address whose host is not written out"),
        ("slack", "https://hooks.example.com${A}", "CANARY", "an address whose host is not written out"),
        ("slack", "https://hooks.example.com@evil.example/", "", "an address whose host is not written out"),
        ("slack", "${A}${A}", "https://CANARY", "an address whose host is not written out"),
        ("apprise", "${A}", "slack://CANARY/x", None),
    ],
)
def test_whose_address_it_is_without_its_secret(settings_of, kind, url, value, said):
    settings = settings_of(f"channels: {{a: {{type: {kind}, url: '{url}'}}}}\n")
    (channel,) = settings.declared_channels({"A": value})
    assert channel.leads_to == said
    assert "CANARY" not in str(channel.leads_to)
    (written,) = settings.written_channels()
    assert written.leads_to == (f"what {url} says" if url == "${A}" and kind != "apprise" else said)


def test_an_empty_file_is_no_configuration(settings_of):
    assert settings_of("# nothing\n").file is None


@pytest.mark.parametrize("field", ["url", "organization", "api_key"])
@pytest.mark.parametrize("value", [f"[{CANARY}]", "{a: " + CANARY + "}", "7391824650", f"!{CANARY} {CANARY}", '""'])
def test_a_secret_of_the_wrong_kind_is_not_repeated(refused, field, value):
    fields = {"url": "u", "organization": "o", "api_key": "k"} | {field: value}
    text = "targets: {a: {" + ", ".join(f"{name}: {part}" for name, part in fields.items()) + "}}\n"
    if field == "organization" and value.isdigit():
        return
    said = "\n".join(refused(text)).replace(f"'!{CANARY}'", "")
    assert CANARY not in said
    assert "739182" not in said


def test_no_secret_in_any_representation(settings_of):
    settings = settings_of(f"""
ledger: postgresql://me:{CANARY}@db/ledger
targets: {{a: {{url: "https://x", organization: o, api_key: {CANARY}}}}}
channels: {{s: {{type: slack, url: "https://hooks/{CANARY}", secret: {CANARY}}}}}
""")
    target = settings.target(None, {})
    assert target.api_key == CANARY
    for shown in (repr(settings), str(settings), repr(target), str(target)):
        assert CANARY not in shown
    for text in (
        f"ledger: '{CANARY}'\n",
        f"channels: {{a: {{type: webhook, url: ['{CANARY}'], secret: ['{CANARY}']}}}}\n",
    ):
        with pytest.raises(ConfigurationInvalid) as caught:
            settings_of(text)
        assert CANARY not in "\n".join(map(str, caught.value.problems))


def test_a_password_in_a_url_is_refused(settings_of):
    settings = settings_of(f"targets: {{a: {{url: 'https://me:{CANARY}@x/', organization: o, api_key: k}}}}\n")
    with pytest.raises(Failure, match=r"targets.a.url holds a user name or password") as caught:
        settings.target("a", {})
    assert CANARY not in str(caught.value)
    environ = {"INTERACT_URL": f"https://{CANARY}@x", "INTERACT_API_KEY": "k", "INTERACT_ORG_ID": "o"}
    with pytest.raises(Failure, match="INTERACT_URL holds a user name or password"):
        settings_of("").target(None, environ)


def test_settings_with_no_file(tmp_path):
    settings = default_settings(tmp_path, definitions="jobs.d", managed_by="demo")
    assert (settings.file, owner(settings), settings.max_deletes) == (None, "demo", "10%")


def test_which_target(settings_of):
    two = settings_of(f"targets:\n  staging: {TARGET}\n  production: {TARGET}\n")
    with pytest.raises(Failure, match=r"has 2 targets and no default_target\n  name one with --target") as caught:
        two.target(None, {})
    assert "staging, production" in str(caught.value)
    with pytest.raises(Failure, match=r"no target 'prodution'\n  did you mean 'production'"):
        two.target("prodution", {})
    with pytest.raises(Failure, match=r"no target 'x'\n  targets in interact-gitops.yaml: staging, production"):
        two.target("x", {})
    assert settings_of(f"targets: {{only: {TARGET}}}\n").target_name(None) == "only"
    with pytest.raises(Failure, match=r"targets in interact-gitops.yaml: none"):
        settings_of("").target("x", {})


def test_a_named_file_must_be_there(tmp_path):
    with pytest.raises(Failure, match="there is no configuration file"):
        read_settings(tmp_path / "absent.yaml", folder=tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "gitops.yaml").write_text("definitions: here\n")
    settings = read_settings(tmp_path / "other" / "gitops.yaml", folder=tmp_path, definitions="there")
    assert (settings.folder, settings.definitions) == (tmp_path / "other", "there")


def test_a_file_that_cannot_be_read_is_not_an_absent_one(tmp_path):
    (tmp_path / "interact-gitops.yaml").symlink_to("nowhere")
    with pytest.raises(Failure, match=r"interact-gitops.yaml cannot be read: No such file"):
        read_settings(None, folder=tmp_path)
    (tmp_path / "interact-gitops.yaml").unlink()
    (tmp_path / "interact-gitops.yaml").mkdir()
    with pytest.raises(Failure, match=r"interact-gitops.yaml cannot be read: Is a directory"):
        read_settings(None, folder=tmp_path)


def test_references(tmp_path):
    (tmp_path / "key").write_text("from a file\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(CANARY.encode() + b"\xff")

    def resolved(text, **environ):
        return resolve_reference(text, environ, "what", folder=tmp_path)

    assert resolved("a${X}b$${X}${file:key}", X="1") == "a1b${X}from a file"
    assert resolved("${file:" + str(tmp_path / "key") + "}") == "from a file"
    for text, said in {
        "${X}": "what: the environment variable X is not set\n  export X=…",
        "${file:absent}": "what: the file 'absent' cannot be read: No such file or directory\n"
        "  mount the secret there, or correct the path",
        "${file:bytes}": "what: the file 'bytes' cannot be read: it is not UTF-8 text\n"
        "  mount the secret there, or correct the path",
        "${file:empty}": "what: the file 'empty' is empty\n  write the secret in it",
    }.items():
        with pytest.raises(Failure) as caught:
            resolved(text, X="", Y=CANARY)
        assert str(caught.value) == said
        assert CANARY not in repr(caught.value.__cause__)


def test_a_missing_secret_is_named_with_its_place(settings_of):
    with pytest.raises(
        Failure, match=r"^interact-gitops.yaml: targets.a.api_key: the environment variable KEY is not set"
    ):
        settings_of(f"targets: {{a: {TARGET}}}\n").target(None, {"OTHER": CANARY})


def test_the_environment_is_a_target(tmp_path):
    settings = read_settings(None, folder=tmp_path)
    whole = {"INTERACT_URL": "https://x", "INTERACT_API_KEY": CANARY, "INTERACT_ORG_ID": "o", "OTHER": "1"}
    target = settings.target(None, whole)
    assert target == Target(name="environment", url="https://x", organization="o", api_key=CANARY)
    assert CANARY not in repr(target)
    with pytest.raises(Failure, match="sets INTERACT_URL but not INTERACT_API_KEY, INTERACT_ORG_ID"):
        settings.target(None, {"INTERACT_URL": "https://x"})


def test_the_local_server_is_a_target(tmp_path):
    settings = read_settings(None, folder=tmp_path)
    with pytest.raises(Failure, match="no Interact to talk to"):
        settings.target(None, {})
    file = tmp_path / ".interact" / "credentials.env"
    file.parent.mkdir()
    file.write_text("# made by serve\nexport INTERACT_URL=http://127.0.0.1:1\nINTERACT_API_KEY='k=1'\n\nnot a line\n")
    with pytest.raises(Failure, match="no Interact to talk to"):
        settings.target(None, {})
    with file.open("a") as stream:
        stream.write('INTERACT_ORG_ID="o"\n')
    target = settings.target(None, {})
    assert (target.name, target.url, target.api_key, target.organization) == ("local", "http://127.0.0.1:1", "k=1", "o")


def test_credentials_that_cannot_be_read(tmp_path):
    assert read_credentials(tmp_path / "absent") is None
    (tmp_path / "bytes").write_bytes(CANARY.encode() + b"\xff")
    with pytest.raises(Failure, match="cannot be read: it is not UTF-8 text") as caught:
        read_credentials(tmp_path / "bytes")
    assert CANARY not in repr(caught.value.__cause__)
    with pytest.raises(Failure, match="cannot be read: Is a directory"):
        read_credentials(tmp_path)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://github.com/acme/jobs.git", "acme/jobs"),
        ("https://token@github.com/acme/jobs", "acme/jobs"),
        ("ssh://git@host:22/acme/jobs.git/", "acme/jobs"),
        ("git@github.com:acme/jobs.git", "acme/jobs"),
        ("host:acme/jobs", "acme/jobs"),
        ("git@host:/srv/git/acme jobs.git", "srv/git/acme-jobs"),
        ("/srv/git/acme/jobs.git", "srv/git/acme/jobs"),
        ("../jobs", "jobs"),
        ("file:///srv/jobs", "srv/jobs"),
        ("", None),
        ("/", None),
    ],
)
def test_a_remotes_path_is_the_same_however_it_is_cloned(url, path):
    assert remote_path(url) == path


@pytest.fixture
def repository(tmp_path):
    """A git repository and a way to run git in it."""
    folder = tmp_path / "repo"
    folder.mkdir()

    def git(*arguments):
        identity = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)

    git("init", "-q")
    return folder, git


def test_the_owner_is_the_remotes_path_and_the_folder(repository):
    folder, git = repository
    settings = read_settings(None, folder=folder)
    with pytest.raises(Failure, match="nothing says who manages these jobs: this git repository has no remote"):
        owner(settings)
    git("remote", "add", "upstream", "https://example.com/acme/upstream.git")
    assert owner(settings) == "acme/upstream"
    git("remote", "add", "origin", "git@example.com:acme/jobs.git")
    assert owner(settings) == "acme/jobs"
    (folder / "deep" / "er").mkdir(parents=True)
    assert owner(read_settings(None, folder=folder / "deep" / "er")) == "acme/jobs/deep/er"
    (folder / "deep" / "other.yaml").write_text("definitions: x\n")
    assert owner(read_settings(folder / "deep" / "other.yaml", folder=folder)) == "acme/jobs/deep/other.yaml"


def test_what_git_knows(repository, tmp_path):
    folder, git = repository
    assert read_checkout(folder).commit is None
    git("commit", "-q", "--allow-empty", "-m", "first")
    checkout = read_checkout(folder)
    assert len(checkout.commit) == 40
    assert (checkout.top, checkout.remote_path) == (folder, None)
    assert read_checkout(tmp_path) is None
    assert read_checkout(tmp_path / "absent") is None
    git("init", "-q", "--bare", "bare.git")
    assert read_checkout(folder / "bare.git").top == folder  # committed files may look like one: it is not asked
    git("init", "-q", "--bare", str(tmp_path / "bare.git"))
    assert read_checkout(tmp_path / "bare.git") is None


def test_a_repository_that_cannot_be_read_is_not_an_absent_one(repository):
    folder, git = repository
    git("commit", "-q", "--allow-empty", "-m", "first")
    (folder / ".git" / "config").write_text(f"[remote\nurl = https://{CANARY}@x\n")
    with pytest.raises(Failure, match=r"the git repository of .* cannot be read") as caught:
        read_checkout(folder)
    assert CANARY not in str(caught.value)


def test_without_git_there_is_no_checkout(repository, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "git", None)
    monkeypatch.setenv("PATH", str(repository[0]))
    assert read_checkout(repository[0]) is None


def test_an_owner_outside_git_is_not_made_up(tmp_path):
    with pytest.raises(Failure, match=r"this folder is not in a git repository\n  set managed_by"):
        owner(read_settings(None, folder=tmp_path))
