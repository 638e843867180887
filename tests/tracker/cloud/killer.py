"""Kill uploading processes at random instants: `python -m tests.tracker.cloud.killer STORE PROJECT`.

For test_faults.py. Each trial records visits, forks a process that sends them, and kills it while it does. A process of
its own, because it forks: nothing here may have spoken to a server before. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import Machine

TRIALS = 24
VISITS = 40


def main() -> None:
    path, firestore = Path(sys.argv[1]), Firestore("ours", os.environ["FIRESTORE_EMULATOR_HOST"], sys.argv[2])
    chance, killed = random.Random(7), 0
    for trial in range(TRIALS):
        machine = Machine(path, firestore)
        machine.record(VISITS, first=1000 * trial)
        machine.close()
        killed += _killed(path, firestore, chance.uniform(0.0, 0.15))
    sys.stdout.write(json.dumps({"trials": TRIALS, "killed": killed, "events": 2 * VISITS * TRIALS}) + "\n")


def _killed(path: Path, firestore: Firestore, delay_s: float) -> bool:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        machine = Machine(path, firestore)
        os.write(write_end, b"!")
        machine.uploader().run(threading.Event())
        os._exit(0)
    os.read(read_end, 1)
    time.sleep(delay_s)  # the instant that is tried
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    for each in (read_end, write_end):
        os.close(each)
    return os.WIFSIGNALED(status)


main()
