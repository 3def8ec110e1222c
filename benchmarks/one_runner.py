"""A runner over made-up jobs, in a process of its own.

`python -m benchmarks.one_runner LEDGER TARGET JOBS CRON` prints `ready`, waits for a line, runs until nothing is left
to do, and prints the seconds of CPU that it used and the most memory that it had (MiB).
"""

from __future__ import annotations

import logging
import os
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from interact_gitops.interact.client import Client
from interact_gitops.jobs.model import Job, Prompt
from interact_gitops.ledger.opening import open_ledger
from interact_gitops.runner.catalogue import RunnableJob
from interact_gitops.runner.journal import Journal
from interact_gitops.runner.options import RunnerOptions
from interact_gitops.runner.remote import RemoteTarget
from interact_gitops.runner.runner import Runner
from interact_gitops.schedule import Schedule

SPACE = "bench acme"


class MadeUpJobs:
    """`count` jobs; each gets its schedule from `schedule`."""

    def __init__(self, count: int, *schedules: Schedule) -> None:
        self.number = 0
        self._jobs = {
            f"job-{n}": RunnableJob(
                job=Job(key=f"job-{n}", name=f"Job {n}", agent="a", prompts=(Prompt(text="?"),), parameters={},
                        labels={}, schedule=schedules[n % len(schedules)]),
                definition_hash="0" * 64,
                remote_id=f"remote-{n}",
            )
            for n in range(count)
        }  # fmt: skip

    def version(self) -> object:
        """See `Catalogue`."""
        return self.number

    def jobs(self) -> Mapping[str, RunnableJob]:
        """See `Catalogue`."""
        return dict(self._jobs)


def main() -> None:
    """Run once told to."""
    ledger, target, count, cron = sys.argv[1:]
    with Client(target, "key", "acme", api="full", attempts=1) as client:
        runner = Runner(
            target=RemoteTarget(client), ledger=open_ledger(ledger, folder=Path()),
            catalogue=MadeUpJobs(int(count), Schedule(cron=cron)), space=SPACE, owner=f"runner-{os.getpid()}",
            options=RunnerOptions(), journal=Journal(),
        )  # fmt: skip
        logging.getLogger("interact_gitops.runner").setLevel(logging.ERROR)
        print("ready", flush=True)
        sys.stdin.readline()
        runner.run(until_idle=True)
    print(f"{time.process_time():.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}", flush=True)


if __name__ == "__main__":
    main()
