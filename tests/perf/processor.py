"""What a process costs, precisely, and on which core it may run.

Client and server must not share a core, or each would be measured waiting for the other: the server under test and
its peer get the first core, the load generator (this process) the second one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHED_CLOCK = 2
"""CPUCLOCK_SCHED of the kernel: user and system time of all threads of a process, in ns."""


def cpu_seconds(pid: int) -> float:
    """CPU time that the process has used so far, ended threads included (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | _SCHED_CLOCK)


def rss_mib(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@contextmanager
def apart(server: int) -> Iterator[None]:
    """Run `server` on one core and this process on another one; on a single core, change nothing."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        yield
        return
    _pin(server, {cores[0]})
    _pin(os.getpid(), {cores[1]})
    try:
        yield
    finally:
        _pin(os.getpid(), set(cores))
        _pin(server, set(cores))


def _pin(pid: int, cores: set[int]) -> None:
    for entry in os.scandir(f"/proc/{pid}/task"):
        try:
            os.sched_setaffinity(int(entry.name), cores)
        except ProcessLookupError:
            continue
