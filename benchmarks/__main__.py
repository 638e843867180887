"""Run all benchmarks, each in its own process, and print one table."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.measure import ROOT, show

NAMES = (
    "detect",
    "embed",
    "pipeline",
    "idle",
    "match",
    "start",
    "presence",
    "reading",
    "dashboard",
    "upload",
    "browser",
    "browser_app",
)


def main() -> int:
    """Exit code: 0 when all ran, whether or not targets were met; 1 when one failed."""
    records: list[dict[str, object]] = []
    failed = []
    for name in NAMES:
        print(f"benchmark {name} ...", file=sys.stderr, flush=True)
        result = subprocess.run(
            [sys.executable, "-m", f"benchmarks.{name}", "--json"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if result.returncode:
            failed.append(name)
        else:
            records += json.loads(result.stdout)
    if "--json" in sys.argv[1:]:
        print(json.dumps(records, indent=1))
    else:
        show(records)
    if failed:
        print(f"could not run: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
