"""1,000 cases of the real Debian cron (3.0pl1) around clock changes of 29 zones."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

from interact_gitops.schedule import occurrences

VECTORS = Path(__file__).parent / "cron_debian.jsonl.gz"


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_every_vector_matches():
    with gzip.open(VECTORS, "rt") as lines:
        vectors = [json.loads(line) for line in lines]
    assert len(vectors) == 1000
    wrong = []
    for vector in vectors:
        fires = occurrences(vector["expr"], vector["tz"], at(vector["start"]), at(vector["end"]))
        if fires != [at(fire) for fire in vector["fires"]]:
            wrong.append((vector["tz"], vector["expr"], vector["start"]))
    assert wrong == []
