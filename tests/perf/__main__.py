"""`make bench`: measure everything, print the table, write docs/performance.md. `--help` tells the rest.

A partial run (`--only`, `--quick`) prints its table and leaves the document as it is.
"""

from __future__ import annotations

import argparse
import datetime as dt
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import FrameType, MappingProxyType

import libvirt

from devhost import places
from devhost.progress import Progress
from devhost.run import FAILURES
from tests.perf import all_stats, client, create, ping, start, sweep
from tests.perf.document import markdown, plain
from tests.perf.host import Host, load_average, machine
from tests.perf.processor import wait_quiet
from tests.perf.result import Row, Verdict
from tests.perf.wire import CallError

BENCHMARKS: MappingProxyType[str, Callable[[Host], list[Row]]] = MappingProxyType(
    {module.NAME: module.run for module in (ping, all_stats, client, create, start, sweep)}
)
"""In this order: the later ones add VMs to the host."""

_PATIENCE = 20.0
"""Seconds that a benchmark waits for other work on the machine to end; it is measured anyhow."""

DOCUMENT = places.CLONE / "docs" / "performance.md"


_FAILURES = (*FAILURES, CallError, OSError, subprocess.SubprocessError, libvirt.libvirtError)


def main() -> int:
    """0 when every bar is met, 2 when one is missed, 1 when a benchmark broke."""
    options = _options()
    signal.signal(signal.SIGTERM, _terminated)
    progress = Progress()
    try:
        rows = _measure(progress, options.only or list(BENCHMARKS), quick=options.quick)
    except KeyboardInterrupt:
        return 130
    except _FAILURES as error:
        print("\n".join([f"bench: {error}", *getattr(error, "__notes__", ())]), file=sys.stderr)
        return 1
    print(plain(rows))
    if not options.only and not options.quick:
        _write(DOCUMENT, rows)
        progress.line(f"wrote {DOCUMENT.relative_to(places.CLONE)}")
    return 2 if any(row.verdict is Verdict.MISSED for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.perf", description="Measure the program as shipped.")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME", help="one of %(choices)s")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer VMs: a look, not a measurement")
    return parser.parse_args()


def _measure(progress: Progress, names: list[str], *, quick: bool) -> list[Row]:
    rows: list[Row] = []
    with ExitStack() as stack:
        host = Host(stack, progress, quick=quick)
        for name in names:
            with progress.step(f"{name}: wait for a quiet machine"):
                wait_quiet(_PATIENCE)
            before = load_average()
            with progress.step(name) as step:
                try:
                    found = BENCHMARKS[name](host)
                except _FAILURES as failure:
                    failure.add_note(host.log_tails())
                    raise
                step.result = f"load {before} -> {load_average()}"
            rows += found
    return rows


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(exist_ok=True)
    today = dt.datetime.now(dt.UTC).date()
    path.write_text(markdown(rows, machine(), today, load_average()), encoding="utf-8")


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
