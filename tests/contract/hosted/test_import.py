"""Every job that ever ran there becomes a file, once; the files validate, and the plan binds them all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interact_gitops.cli.hosted_import import import_there
from interact_gitops.cli.options import Workspace
from interact_gitops.errors import Failure

from ...acceptance.conftest import Shell
from ..client.scripted import Scripted
from .conftest import MONDAY
from .interact import SHOP, Hosted

There = tuple[Scripted, Hosted]
Jobs = Callable[..., Path]
Fits = Callable[[str, Any], None]


@pytest.fixture
def imports(line: Shell, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Imports in the command line's folder, and gives what was printed."""

    def run(**options: Any) -> str:
        workspace = Workspace(folder=line.folder, environ=line.environment)
        with workspace.client() as client:
            import_there(workspace, client, **{"write": False, "form": "text", **options})
        return capsys.readouterr().out

    return run


def test_what_ran_becomes_files_that_validate_and_bind(
    there: There, line: Shell, jobs: Jobs, imports: Callable[..., str], fits: Fits
) -> None:
    server, hosted = there
    hosted.job("job_1", "Monday briefing")
    hosted.job("job_2", "Daily ${shop}: \x1b[31mred", SHOP)
    hosted.job("job_3", "Daily ${shop}: \x1b[31mred", SHOP)
    hosted.job("job_4", "Never ran", SHOP, ran=None)
    hosted.chat(None, status="completed")
    jobs(monday=MONDAY)
    (line.folder / "schema").mkdir()
    (line.folder / "schema/job.schema.json").write_text("{}")
    assert "would write jobs.d/daily-shop-31mred.yaml  Daily ${shop}: \\x1b[31mred  job_2" in imports(full=True)
    assert "Nothing was written: pass --write." in imports()
    assert sorted(path.name for path in line.folder.glob("jobs.d/*")) == ["monday.yaml"]
    found = json.loads(imports(form="json"))
    fits("discovered", found)
    assert [file["id"] for file in found["files"]] == ["job_2", "job_3"]

    printed = imports(write=True)
    assert "wrote jobs.d/daily-shop-31mred.yaml" in printed
    assert "2 jobs found that no definition means; 1 in the tree already." in printed
    text = (line.folder / "jobs.d/daily-shop-31mred.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../schema/job.schema.json\n")
    assert "id: {hosted: job_2}" in text
    assert "3 valid jobs" in line("validate").out
    plan = line("plan", "--format", "json", "--detailed-exitcode").json
    assert plan["counts"] == {"bound": 3, "unbound": 0, "ambiguous": 0, "refused": 0, "others": 0}
    assert "its prompt is still the one that import wrote" in line("plan").out
    line("run", "daily-shop-31mred", "--wait")
    assert len(hosted.started("job_2")) == 1

    before = {path: path.read_bytes() for path in line.folder.rglob("*.yaml")}
    assert "Every job seen there has its definition; 3 in the tree already." in imports(write=True)
    assert {path: path.read_bytes() for path in line.folder.rglob("*.yaml")} == before
    assert {request.method for request in server.requests if not request.path.endswith("/trigger")} == {"GET"}


def test_only_what_is_selected(there: There, line: Shell, imports: Callable[..., str]) -> None:
    hosted = there[1]
    hosted.job("job_1", "Monday briefing")
    hosted.job("job_2", "Daily", SHOP)
    imports(write=True, select=["agent:shop-analyst"])
    assert [path.name for path in line.folder.glob("jobs.d/*")] == ["daily.yaml"]
    with pytest.raises(Failure, match="no job matches 'dialy'"):
        imports(select=["dialy"])


def test_a_file_that_is_there_is_never_written_over(there: There, line: Shell, imports: Callable[..., str]) -> None:
    there[1].job("job_2", "Daily", SHOP)
    (line.folder / "jobs.d").mkdir()
    (line.folder / "jobs.d/Daily.yaml").write_text("# mine\n")
    imports(write=True)
    assert (line.folder / "jobs.d/Daily.yaml").read_text() == "# mine\n"
    assert (line.folder / "jobs.d/daily-2.yaml").is_file()


def test_five_thousand(there: There, line: Shell, imports: Callable[..., str]) -> None:
    hosted = there[1]
    for number in range(5_000):
        hosted.job(f"job_{number}", f"Report {number}", SHOP)
    began = time.process_time()
    imports(write=True, form="json")
    assert time.process_time() - began < 30  # seconds; quadratic work would take minutes
    assert len(list(line.folder.glob("jobs.d/*.yaml"))) == 5_000


def test_the_command_finds_the_surface_itself(there: There, line: Shell) -> None:
    server, hosted = there
    hosted.job("job_2", "Daily", SHOP)
    assert "would write jobs.d/daily.yaml" in line("import").out
    assert "wrote jobs.d/daily.yaml" in line("import", "agent:shop-analyst", "--write").out
    assert "jobs there carry no ownership mark" in line("import", "--write", "--adopt", expect=1).err
    assert {request.method for request in server.requests} == {"GET"}
