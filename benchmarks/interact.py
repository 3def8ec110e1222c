"""The embedded server in a process of its own, so that the one which measures stays small: a new process begins with
the memory of the one that started it, and the kernel counts that as its peak.

`python -m benchmarks.interact FOLDER` prints the address. Then it answers lines: `organization NAME` with the id and a
key, `cpu` with the seconds of CPU that it has used.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from interact_gitops.server.serving import EmbeddedServer


def main() -> None:
    """Serve until nobody asks any more."""
    with EmbeddedServer(Path(sys.argv[1]), port=0) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            word, _, name = line.strip().partition(" ")
            if word == "organization":
                print(*server.create_organization(name), flush=True)
            else:
                print(time.process_time(), flush=True)


if __name__ == "__main__":
    main()
