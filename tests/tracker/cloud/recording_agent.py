"""An agent to be killed: `python -m tests.tracker.cloud.recording_agent STORE PROJECT FIRST VISITS`.

For test_faults.py. Uploads the store and records so many visits at the same time; prints the id of each stored event.
Ends when its standard input ends.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import Machine, visits
from tests.tracker.cloud.recording import EVERY_S, FOR_EVER_S
from tracker.store.observation import Observation


def main() -> None:
    path, project, first, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    firestore = Firestore("ours", os.environ["FIRESTORE_EMULATOR_HOST"], project)
    machine, pause = Machine(path, firestore, timeout_s=FOR_EVER_S), threading.Event()
    machine.start(machine.uploader(gentle=True))
    for event in visits(count, first=first)[0]:
        machine.store.record(Observation(events=[event]))
        sys.stdout.write(f"{event.event_id}\n")
        sys.stdout.flush()
        pause.wait(EVERY_S)
    sys.stdin.read()
    machine.close()


main()
