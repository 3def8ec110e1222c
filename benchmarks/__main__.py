"""One table: what each thing costs, and how that compares with a peer on the same machine in the same run.

`python -m benchmarks [SIZE…]` takes the numbers of jobs (100, 1,000 and 10,000 by default).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks.costs import Cost, measure
from benchmarks.trees import write_dbt_jobs, write_tree, write_zone

BIN = Path(sys.executable).parent
PEERS = Path(sys.prefix) / "peers" / "bin"
SCHEMA = Path(__file__).parents[1] / "schema" / "job.schema.json"
PROGRAM = str(BIN / "interact-gitops")
LARGEST_FOR_PEERS = 1_000  # jobs; ten times as many take some of them minutes
ACTIVE = ("queued", "running")  # states of a chat at the embedded server
LATENCY = 20  # milliseconds that each request is under way


def main() -> None:
    """Run everything, smallest first."""
    sizes = sorted(int(size.replace(",", "").replace("_", "")) for size in sys.argv[1:]) or [100, 1_000, 10_000]
    for peer in ("check-jsonschema", "octodns-sync", "dbt-jobs-as-code"):
        if not (PEERS / peer).exists():
            raise SystemExit(f"{PEERS / peer} is not there: `make bench` installs the peers")
    print(f"{'':<46}{'CPU s':>8}{'wall s':>8}{'MiB':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Background("interact", str(folder / "server")) as server:
            bench = Bench(folder=folder, server=server)
            bench.warm_up()
            row("--help", measure([PROGRAM, "--help"], folder=folder, times=20), "python -c pass",
                measure([sys.executable, "-c", "pass"], folder=folder, times=20))  # fmt: skip
            for size in sizes:
                bench.size(size)
            bench.latency(max((size for size in sizes if size <= LARGEST_FOR_PEERS), default=sizes[0]))
            bench.fan_out(1_000)


def row(name: str, cost: Cost, peer: str = "", beside: Cost | None = None) -> None:
    """Print one line of the table; the ratios are ours to the peer's."""
    line = f"{name:<46}{cost.cpu:>8.2f}{cost.wall:>8.2f}{cost.peak:>6.0f}"
    if beside is not None:
        line += (
            f"   {cost.cpu / beside.cpu:5.2f} of the CPU, {cost.wall / beside.wall:5.2f} of the time of "
            f"{peer} ({beside.cpu:.2f}, {beside.wall:.2f}, {beside.peak:.0f} MiB)"
        )
    print(line, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where things are written, and the embedded server, which is the target."""

    folder: Path
    server: Background

    def warm_up(self) -> None:
        """Each program once, so that no measurement pays for byte code or a cold disk."""
        tree, target = write_tree(self.folder / "warm", 1), self._organization("warm")
        for command in (["validate"], ["plan"], ["apply", "--yes"]):
            measure([PROGRAM, *command], folder=tree, environment=target)
        measure([str(PEERS / "dbt-jobs-as-code"), "--help"], folder=tree)
        measure([str(PEERS / "octodns-sync"), "--help"], folder=tree)
        measure([str(PEERS / "check-jsonschema"), "--help"], folder=tree)

    def size(self, size: int) -> None:
        """validate, apply and plan of `size` jobs, beside the peers that do the like."""
        tree, target = write_tree(self.folder / str(size), size), self._organization(f"{size} jobs")
        times = 5 if size <= LARGEST_FOR_PEERS else 2
        small = size <= LARGEST_FOR_PEERS
        validate = measure([PROGRAM, "validate"], folder=tree, times=times)
        row(f"validate {size:,}", validate, "check-jsonschema", self._check_jsonschema(tree) if small else None)
        dbt = write_dbt_jobs(self.folder / f"dbt-{size}", size) if small else None
        if dbt:
            row("", validate, "dbt-jobs-as-code validate", self._dbt("validate", dbt))
        apply = measure([PROGRAM, "apply", "--yes", "-q"], folder=tree, environment=target)
        with Background("dbt_cloud") as cloud:
            row(f"apply {size:,} creates", apply, "dbt-jobs-as-code sync",
                self._dbt("sync", dbt, at=cloud.address) if dbt else None)  # fmt: skip
            plan = measure([PROGRAM, "plan", "--detailed-exitcode"], folder=tree, environment=target, times=times)
            row(f"plan {size:,}, no change", plan, "dbt-jobs-as-code plan",
                self._dbt("plan", dbt, at=cloud.address) if dbt else None)  # fmt: skip
        row("", plan, "octoDNS (4-line records)", self._octodns(size))

    def latency(self, size: int) -> None:
        """apply and plan with a network between: every request is `LATENCY` milliseconds under way."""
        tree, dbt = self.folder / str(size), self.folder / f"dbt-{size}"
        target = self._organization(f"{size} jobs far away")
        with Background("delay", self.server.port, str(LATENCY)) as far, Background("dbt_cloud") as cloud:
            target |= {"INTERACT_URL": far.address}
            apply = measure([PROGRAM, "apply", "--yes", "-q"], folder=tree, environment=target)
            plan = measure([PROGRAM, "plan", "--detailed-exitcode"], folder=tree, environment=target, times=3)
            with Background("delay", cloud.port, str(LATENCY)) as far_cloud:
                beside = "dbt-jobs-as-code, as far away"
                row(f"apply {size:,} creates, {LATENCY} ms a request", apply, beside,
                    self._dbt("sync", dbt, at=far_cloud.address) if dbt.exists() else None)  # fmt: skip
                row(f"plan {size:,}, no change, {LATENCY} ms a request", plan, beside,
                    self._dbt("plan", dbt, at=far_cloud.address) if dbt.exists() else None)  # fmt: skip

    def fan_out(self, count: int) -> None:
        """A run of `count` chats, from the trigger to the last answer; the CPU is the server's."""
        from interact_gitops.interact.client import Client

        combinations = [{"days": n % 90 + 1, "roas_floor": n / 100} for n in range(count)]
        body: Mapping[str, object] = {
            "key": "fan-out", "name": "Fan-out", "agent": {"slug": "paid-search-analyst"},
            "prompts": [{"text": "Overview", "query": "campaign_performance"}],
            "parameters": {"days": {"type": "integer"}, "roas_floor": {"type": "number"}},
            "fanOut": {"combinations": combinations, "maxParallel": 100},
        }  # fmt: skip
        url, key, organization = self._organization("fan-out").values()
        with Client(url, key, organization) as client:
            job = client.create_job(body, idempotency_key="bench")
            cpu, began = float(self.server.ask("cpu")), time.monotonic()
            started = client.trigger(job.id)
            answered = time.monotonic() - began
            while any(True for state in ACTIVE for _ in client.chats(job_id=job.id, status=state, most=1)):
                time.sleep(0.5)
            cost = Cost(cpu=float(self.server.ask("cpu")) - cpu, wall=time.monotonic() - began, peak=0)
        row(f"fan-out of {len(started.chats):,}, answered in {answered:.2f} s", cost)

    def _organization(self, name: str) -> dict[str, str]:
        """The environment that leads to a new, empty organisation."""
        organization, key = self.server.ask(f"organization {name}").split()
        return {"INTERACT_URL": self.server.address, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization}

    def _dbt(self, command: str, folder: Path, *, at: str = "") -> Cost:
        environment = {"DBT_API_KEY": "bench", "DBT_BASE_URL": at}
        return measure([str(PEERS / "dbt-jobs-as-code"), command, str(folder)], folder=folder, environment=environment)

    def _check_jsonschema(self, tree: Path) -> Cost:
        files = [str(path) for path in sorted(tree.rglob("jobs.d/**/*.yaml"))]
        return measure([str(PEERS / "check-jsonschema"), "--schemafile", str(SCHEMA), *files], folder=tree)

    def _octodns(self, size: int) -> Cost:
        zone = write_zone(self.folder / f"zone-{size}", size)
        return measure([str(PEERS / "octodns-sync"), "--config-file", str(zone / "config.yaml")], folder=zone)


class Background:
    """A module of this package in a process beside us, at the address that it prints; it ends with the `with`."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self._line()
        return self

    def __exit__(self, *_failure: object) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def port(self) -> str:
        """The port of its address."""
        return self.address.rpartition(":")[2]

    def ask(self, line: str) -> str:
        """Its answer to a line."""
        assert self._process.stdin is not None
        print(line, file=self._process.stdin, flush=True)
        return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise SystemExit(f"{' '.join(self._command[1:])} ended")
        return line


if __name__ == "__main__":
    main()
