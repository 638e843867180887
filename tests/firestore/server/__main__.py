"""`python -m tests.firestore.server`: the test server as a process; its first line of output is its port."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import threading
from pathlib import Path

from tests.firestore.server.server import FirestoreServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.firestore.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--indexes", type=Path, help="a firestore.indexes.json: queries it does not serve are refused")
    parser.add_argument("--data", type=Path, help="a file that keeps what was committed")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    chosen = parser.parse_args()
    gc.set_threshold(100_000, 50, 50)  # what is stored is long-lived and holds no cycles: looking at it is a waste
    server = FirestoreServer(port=chosen.port, indexes=chosen.indexes, data=chosen.data).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    try:
        if chosen.until_eof:
            sys.stdin.read()
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()


main()
