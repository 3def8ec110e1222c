"""`interact-gitops serve` as it is installed, in a process that is ended and started again."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from interact_gitops.server.data_folder import read_credentials
from interact_gitops.server.sample.warehouse import agents_file

# A warehouse that takes its time, as one far away does, and costs this machine next to nothing meanwhile.
AGENTS = """
  - slug: patient
    name: Patient
    connector: {{type: duckdb, path: {path}}}
    queries:
      - name: slow
        title: Slow
        parameters: {{milliseconds: {{type: integer, default: 10}}}}
        sql: select far_away($milliseconds) as waited
"""


class Server:
    """`interact-gitops serve` in a process of its own, always on the same port."""

    def __init__(self, folder: Path, *, workers: int) -> None:
        self._folder, self._workers = folder, workers
        self._port = _free_port()
        self.cpu = 0.0
        self.peak = 0.0
        self._process: subprocess.Popen[str] | None = None
        self._agents = folder / "agents.yaml"
        self._agents.write_text(
            agents_file().read_text(encoding="utf-8") + AGENTS.format(path=_slow_warehouse(folder)), encoding="utf-8"
        )

    def start(self) -> None:
        """Returns when it answers."""
        command = [
            sys.executable, "-m", "interact_gitops", "serve", "--port", str(self._port), "--no-scheduler",
            "--data", str(self._folder / "data"), "--agents", str(self._agents), "--workers", str(self._workers),
        ]  # fmt: skip
        with (self._folder / "serve.log").open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, cwd=self._folder)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise SystemExit((self._folder / "serve.log").read_text())
        credentials = read_credentials(self._folder / "data")
        assert credentials is not None
        self.url = credentials.url
        self.headers = {"X-API-Key": credentials.api_key, "X-Organization-Id": credentials.organization_id}

    def end(self, number: int) -> None:
        """Sends a signal, waits for the end, and adds up what it cost."""
        assert self._process is not None
        self._process.send_signal(number)
        _, _, used = os.wait4(self._process.pid, 0)
        self._process.returncode = 0  # it has been waited for
        assert self._process.stdout is not None
        self._process.stdout.close()
        self.cpu += used.ru_utime + used.ru_stime
        self.peak = max(self.peak, used.ru_maxrss / (1_024 * 1_024 if sys.platform == "darwin" else 1_024))

    @property
    def log(self) -> str:
        """What it said on stderr."""
        return (self._folder / "serve.log").read_text()


def _slow_warehouse(folder: Path) -> Path:
    import duckdb

    path = folder / "slow.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create macro far_away(milliseconds) as sleep_ms(milliseconds)")
    return path


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
