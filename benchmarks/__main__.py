"""One table: what each thing costs, and how that compares with a peer on the same machine in the same run."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.trees import write_tree, write_zone
from interact_gitops.server.serving import EmbeddedServer

BIN = Path(sys.executable).parent
SCHEMA = Path(__file__).parents[1] / "schema" / "job.schema.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """CPU and wall seconds."""

    cpu: float
    wall: float


def measure(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, times: int = 1
) -> Cost:
    """The median cost of `command` over `times` runs; fails loudly when the command does."""
    costs = []
    for _ in range(times):
        cpu, began = _children_cpu(), time.monotonic()
        done = subprocess.run(
            command, cwd=folder, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"{' '.join(command[:3])} …: {done.stderr.decode()[-2000:]}")
        costs.append((_children_cpu() - cpu, time.monotonic() - began))
    return Cost(cpu=statistics.median(cpu for cpu, _ in costs), wall=statistics.median(wall for _, wall in costs))


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def row(name: str, cost: Cost, peer: str = "", beside: Cost | None = None) -> None:
    """Print one line of the table."""
    line = f"{name:<44}{cost.cpu:>9.2f}{cost.wall:>9.2f}"
    if beside is not None:
        line += f"   {peer} {beside.cpu:.2f} CPU, {beside.wall:.2f} wall: {cost.cpu / beside.cpu:.2f} of its CPU"
    print(line, flush=True)


def main() -> None:
    """Run everything; the sizes can be given as arguments."""
    sizes = [int(size) for size in sys.argv[1:]] or [100, 1_000, 10_000]
    program = str(BIN / "interact-gitops")
    print(f"{'':<44}{'CPU s':>9}{'wall s':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        row("--help", measure([program, "--help"], folder=folder, times=5), "python -c pass",
            measure([sys.executable, "-c", "pass"], folder=folder, times=5))  # fmt: skip
        with EmbeddedServer(folder / "server", port=0) as server:
            for size in sizes:
                _size(program, folder / str(size), size, server)
            _fan_out(server)


def _size(program: str, folder: Path, size: int, server: EmbeddedServer) -> None:
    tree = write_tree(folder, size)
    organization, key = server.create_organization(f"bench {size}")
    target = {"INTERACT_URL": server.url, "INTERACT_API_KEY": key, "INTERACT_ORG_ID": organization}
    times = 3 if size <= 1_000 else 1
    checker = None
    if size <= 1_000:
        files = [str(path) for path in sorted(tree.rglob("jobs.d/**/*.yaml"))]
        checker = measure([str(BIN / "check-jsonschema"), "--schemafile", str(SCHEMA), *files], folder=tree)
    row(f"validate {size:,}", measure([program, "validate"], folder=tree, times=times), "check-jsonschema", checker)
    apply = measure([program, "apply", "--yes", "-q"], folder=tree, environment=target)
    row(f"apply {size:,} creates", apply)
    zone = write_zone(folder / "zone", size)
    peer = measure([str(BIN / "octodns-sync"), "--config-file", str(zone / "config.yaml")], folder=zone)
    plan = measure([program, "plan"], folder=tree, environment=target, times=times)
    row(f"plan {size:,}, no change", plan, "octoDNS (4-line records)", peer)


def _fan_out(server: EmbeddedServer, count: int = 1_000) -> None:
    from interact_gitops.interact.client import Client

    body = {
        "key": "fan-out", "name": "Fan-out", "agent": {"slug": "paid-search-analyst"},
        "prompts": [{"text": "Overview", "query": "campaign_performance"}],
        "parameters": {"days": {"type": "integer"}, "roas_floor": {"type": "number"}},
        "fanOut": {
            "combinations": [{"days": n % 90 + 1, "roas_floor": n / 100} for n in range(count)], "maxParallel": 100,
        },
    }  # fmt: skip
    with Client(server.url, server.api_key, server.organization_id) as client:
        job = client.create_job(body, idempotency_key=f"bench-{time.time_ns()}")
        cpu, began = time.process_time(), time.monotonic()
        started = client.trigger(job.id)
        answered = time.monotonic() - began
        while any(chat.state == "active" for chat in client.chats(job_id=job.id)):
            time.sleep(0.2)
        cost = Cost(cpu=time.process_time() - cpu, wall=time.monotonic() - began)
    row(f"fan-out of {len(started.chats):,}, end to end (answered in {answered:.2f} s)", cost)


if __name__ == "__main__":
    main()
