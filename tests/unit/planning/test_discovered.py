"""Jobs seen on a public target as files: they validate, bind to their jobs, and hold nothing that they should not."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interact_gitops.interact.discovery import SeenJob
from interact_gitops.interact.records import read_summary
from interact_gitops.jobs.loading import load
from interact_gitops.jobs.tree import SourceFile
from interact_gitops.planning.binding import UNKNOWN_PROMPT, bind
from interact_gitops.planning.discovered import definition_text, found_jobs, quoted


def seen(
    job_id: str, name: str | None, agent: str | None = "Analyst", agent_id: str | None = "agt_1", runs: int = 1
) -> SeenJob:
    last = read_summary({"id": "c", "status": "completed"})
    return SeenJob(id=job_id, name=name, agent_id=agent_id, agent_name=agent, runs=runs, last=last)


def test_a_file_is_exact() -> None:
    (one,), said = found_jobs([seen("job_1", "Weekly report", "Paid Search: Analyst", runs=3)], keys=(), paths=())
    assert said == ()
    assert one.path == "weekly-report.yaml"
    assert definition_text(one, target="prod", named=True, schema="../schema/job.schema.json") == (
        "# yaml-language-server: $schema=../schema/job.schema.json\n"
        "# Seen on prod through its chats (3 runs listed). Its API shows no definitions: copy what is marked\n"
        "# unknown from the job's page in Interact. Until then it runs there as it stands there.\n"
        "key: weekly-report\n"
        "name: Weekly report\n"
        "agent: paid-search-analyst  # made of the agent's name there, Paid Search: Analyst\n"
        'id: {prod: "job_1"}\n'.replace('"job_1"', "job_1")
        + "agent_id: {prod: agt_1}\n"
        f'prompt: "{UNKNOWN_PROMPT}"\n'
        "# unknown: description, owner, schedule, overlap, timeout, notifications\n"
    )
    plain = definition_text(one, target="local", named=False)
    assert "\nid: job_1\n" in plain
    assert plain.startswith("# Seen on local")


def test_what_no_chat_tells_is_marked() -> None:
    jobs = [seen("j/1", None, None, None), seen("分析", "分析", "分析", "agt-7"), seen("j3", " ", None)]
    found, _ = found_jobs(jobs, keys=(), paths=())
    assert [(one.key, one.name, one.agent, one.unknown) for one in found] == [
        ("j-1", "j/1", "unknown-agent", ("name", "agent")), ("job", "分析", "agt-7", ()),
        ("j3", "j3", "agt-1", ("name",)),
    ]  # fmt: skip
    texts = [definition_text(one, target="t", named=False) for one in found]
    assert "name: j/1  # unknown: no chat tells it\nagent: unknown-agent  # unknown: no chat tells it\n" in texts[0]
    assert "agent_id" not in texts[0]
    assert "agent: agt-1  # its id there" in texts[2]


def test_an_agents_id_that_no_definition_can_hold_is_left_out() -> None:
    (one,), _ = found_jobs([seen("j1", "A", agent_id="i" * 201)], keys=(), paths=())
    assert "agent_id" not in definition_text(one, target="t", named=False)


def test_keys_and_files_that_are_taken() -> None:
    jobs = [
        seen("j1", "Weekly"),
        seen("j2", "weekly!"),
        seen("j3", "Daily"),
        seen("j4", "x" * 80),
        seen("j5", "x" * 81),
    ]
    found, _ = found_jobs(jobs, keys=["weekly", "weekly-2"], paths=["Daily.yaml", "weekly-3.yaml", "old/daily-2.yaml"])
    assert [(one.key, one.path) for one in found] == [
        ("weekly-3", "weekly-3-2.yaml"), ("weekly-4", "weekly-4.yaml"), ("daily", "daily-2.yaml"),
        ("x" * 63, f"{'x' * 63}.yaml"), ("x" * 61 + "-2", "x" * 61 + "-2.yaml"),
    ]  # fmt: skip


@pytest.mark.parametrize("one", [seen("i" * 201, "A"), seen("j\x1b", "A"), seen("j\ud800", "A")])
def test_an_id_that_no_definition_can_hold_is_said(one: SeenJob) -> None:
    found, (said,) = found_jobs([one], keys=(), paths=())
    assert found == ()
    assert "a job whose id no file can hold is left out" in said
    said.encode()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Weekly (EU) 1.0/2", "Weekly (EU) 1.0/2"), ("No", '"No"'), ("12:30", '"12:30"'), ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ('say "x" \\', '"say \\"x\\" \\\\"'), ("a\nb\x85\u2028\U000e0001", '"a\\x0ab\\x85\\u2028\\U000e0001"'),
        ("\ud800", '"\ufffd"'), ("Ends. ", '"Ends. "'), ("é", '"é"'), ("A", "A"),
    ],
)  # fmt: skip
def test_quoting(text: str, written: str) -> None:
    assert quoted(text) == written


@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=30), st.none() | st.text(max_size=30), st.none() | st.text(max_size=30),
                  st.none() | st.text(min_size=1, max_size=10)),
        max_size=4, unique_by=lambda job: job[0],
    )
)  # fmt: skip
def test_every_file_validates_and_binds_to_its_job(told: list[tuple[str, str | None, str | None, str | None]]) -> None:
    jobs = [seen(job_id, name, agent, agent_id) for job_id, name, agent, agent_id in told]
    found, said = found_jobs(jobs, keys=(), paths=())
    files = [
        SourceFile(
            path=PurePosixPath(one.path), shown=one.path, raw=definition_text(one, target="prod", named=True).encode()
        )
        for one in found
    ]
    loaded = load(files, variables={}, channels=None)
    assert [str(problem) for problem in loaded.problems] == []
    by_key = {definition.job.key: definition.job for definition in loaded.definitions}
    assert {one.key: one.name for one in found} == {key: job.name for key, job in by_key.items()}
    bindings = bind(loaded.definitions, jobs, target="prod", shown="t")
    assert {one.key: one.remote_id for one in bindings.jobs} == {one.key: one.seen.id for one in found}
    assert {job.id for job in bindings.others} == {job.id for job in jobs} - {one.seen.id for one in found}
    assert len(bindings.others) == len(said)
    assert all("copy the question" in one.notes[-1] for one in bindings.jobs)
