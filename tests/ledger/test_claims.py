from __future__ import annotations

import subprocess
import sys
from collections import Counter

from studiod.ledger import queue, reading
from studiod.ledger.records import FileFacts, FileState, NewItem
from studiod.ledger.states import Status

from .conftest import Studio

ROWS = 80
PROCESSES = 4

_WORKER = """
import sys
from pathlib import Path
from studiod.ledger import queue
from studiod.ledger.engine import open_ledger
ledger = open_ledger(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
while (claimed := queue.claim(ledger, sys.argv[2], 600)) is not None:
    print(claimed.item, flush=True)
"""


def test_no_row_is_claimed_twice(studio: Studio) -> None:
    """Four processes that claim at once get each row exactly once, without an error."""
    for number in range(ROWS):
        facts = FileFacts("main", f"{number}.jpg", str(number), 1, 1)
        queue.add_item(studio.ledger, NewItem(facts, sku=None))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", _WORKER, str(studio.ledger.path), f"w{number}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdout and worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("\n")
        worker.stdin.flush()
    claimed = [line for worker in workers for line in worker.communicate(timeout=120)[0].split()]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    assert Counter(claimed) == Counter(str(number) for number in range(1, ROWS + 1))
    assert reading.count_by_status(studio.ledger)[Status.PROCESSING] == ROWS
    assert reading.count_files(studio.ledger)[FileState.ITEM] == ROWS
