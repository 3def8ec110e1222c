"""One table: what each thing costs, and how that compares with a peer on the same machine in the same run.

`python -m benchmarks [SIZE…]` takes the numbers of jobs (100, 1,000 and 10,000 by default); `python -m benchmarks
runner` measures the runner instead, `python -m benchmarks load [SECONDS]` the embedded server under load.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from benchmarks import load, runners
from benchmarks.costs import Cost, measure
from benchmarks.trees import write_dbt_jobs, write_tree, write_zone

BIN = Path(sys.executable).parent
PEERS = Path(sys.prefix) / "peers" / "bin"
SCHEMA = Path(__file__).parents[1] / "schema" / "job.schema.json"
PROGRAM = str(BIN / "interact-gitops")
DBT = "dbt-jobs-as-code"
LARGEST_FOR_PEERS = 1_000  # jobs; ten times as many take some of them minutes
ACTIVE = ("queued", "running")  # states of a chat at the embedded server
LATENCY = 20  # milliseconds that each request is under way


def main() -> None:
    """Run everything, smallest first."""
    if sys.argv[1:] == ["runner"]:
        runners.main()
        return
    if sys.argv[1:2] == ["load"]:
        load.main(*map(float, sys.argv[2:]))
        return
    sizes = sorted(int(size.replace(",", "").replace("_", "")) for size in sys.argv[1:]) or [100, 1_000, 10_000]
    for peer in ("check-jsonschema", "octodns-sync", "dbt-jobs-as-code"):
        if not (PEERS / peer).exists():
            raise SystemExit(f"{PEERS / peer} is not there: `make bench` installs the peers")
    print(f"{'':<46}{'CPU s':>8}{'wall s':>8}{'MiB':>6}   the least of a few runs; below: peers, and our share")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Background("interact", str(folder / "server")) as server:
            bench = Bench(folder=folder, server=server)
            bench.warm_up()
            bare = measure([sys.executable, "-c", "pass"], folder=folder, times=20)
            row("--help", measure([PROGRAM, "--help"], folder=folder, times=20), **{"python -c pass": bare})
            for size in sizes:
                bench.size(size)
            bench.latency(max((size for size in sizes if size <= LARGEST_FOR_PEERS), default=sizes[0]))
            bench.fan_out(1_000)


def row(name: str, cost: Cost, **peers: Cost) -> None:
    """Print one line of the table, and below it each peer with our share of its CPU and of its time."""
    print(f"{name:<46}{cost.cpu:>8.2f}{cost.wall:>8.2f}{cost.peak:>6.0f}", flush=True)
    for peer, beside in peers.items():
        ratio = f"{cost.cpu / beside.cpu:>7.2f} of its CPU {cost.wall / beside.wall:>7.2f} of its time"
        print(f"    {peer:<42}{beside.cpu:>8.2f}{beside.wall:>8.2f}{beside.peak:>6.0f}{ratio}", flush=True)


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
        small = size <= LARGEST_FOR_PEERS
        times = 5 if small else 2
        dbt = write_dbt_jobs(self.folder / f"dbt-{size}", size) if small else None
        validate = measure([PROGRAM, "validate"], folder=tree, times=times)
        beside = {}
        if dbt:
            beside = {"check-jsonschema": self._check_jsonschema(tree), DBT: self._dbt("validate", dbt)}
        row(f"validate {size:,}", validate, **beside)
        with Background("dbt_cloud") as cloud:
            apply = measure([PROGRAM, "apply", "--yes", "-q"], folder=tree, environment=target)
            row(f"apply {size:,} creates", apply, **({DBT: self._dbt("sync", dbt, at=cloud.address)} if dbt else {}))
            plan = measure([PROGRAM, "plan", "--detailed-exitcode"], folder=tree, environment=target, times=times)
            beside = {"octoDNS (4-line records)": self._octodns(size)}
            if dbt:
                beside[DBT] = self._dbt("plan", dbt, at=cloud.address)
            row(f"plan {size:,}, no change", plan, **beside)
        self._passes(tree, size, target)

    def _passes(self, tree: Path, size: int, target: dict[str, str]) -> None:
        """Passes of the sync loop over the tree, which the target has."""
        command = [sys.executable, "-m", "benchmarks.passes", str(tree)]
        lines = subprocess.run(command, env={**os.environ, **target}, stdout=subprocess.PIPE, text=True, check=True)
        for line in lines.stdout.splitlines():
            said = json.loads(line)
            row(f"sync {size:,}: {said.pop('name')}", Cost(**said))

    def latency(self, size: int) -> None:
        """apply and plan with a network between: every request is `LATENCY` milliseconds under way."""
        tree, dbt = self.folder / str(size), self.folder / f"dbt-{size}"
        target = self._organization(f"{size} jobs far away")
        with Background("delay", self.server.port, str(LATENCY)) as far, Background("dbt_cloud") as cloud:
            target |= {"INTERACT_URL": far.address}
            apply = measure([PROGRAM, "apply", "--yes", "-q"], folder=tree, environment=target)
            plan = measure([PROGRAM, "plan", "--detailed-exitcode"], folder=tree, environment=target, times=3)
            with Background("delay", cloud.port, str(LATENCY)) as far_cloud:
                for name, cost, command in (("apply", apply, "sync"), ("plan", plan, "plan")):
                    beside = {DBT: self._dbt(command, dbt, at=far_cloud.address)} if dbt.exists() else {}
                    row(f"{name} {size:,}, {LATENCY} ms a request", cost, **beside)

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
