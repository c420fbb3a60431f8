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

_QUIET = 0.15
_SCHED_CLOCK = 2
"""CPUCLOCK_SCHED of the kernel: user and system time of all threads of a process, in ns."""


def cpu_seconds(pid: int) -> float:
    """CPU time that the process has used so far, ended threads included (clock_getcpuclockid(3))."""
    return time.clock_gettime((~pid << 3) | _SCHED_CLOCK)


def wait_quiet(patience: float) -> None:
    """Wait until the machine has little else to do, for `patience` seconds at most."""
    deadline = time.monotonic() + patience
    while _busy_share() > _QUIET and time.monotonic() < deadline:
        continue


def rss_mib(pid: int) -> float:
    """Resident memory in MiB."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def _busy_share() -> float:
    """The share of all cores' time that was used during half a second."""
    before, idle_before = _times()
    time.sleep(0.5)
    after, idle_after = _times()
    return 1 - (idle_after - idle_before) / max(1, after - before)


def _times() -> tuple[int, int]:
    """All and idle clock ticks since boot (proc(5), /proc/stat: idle and iowait are the 4th and 5th number)."""
    numbers = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
    return sum(numbers), numbers[3] + numbers[4]


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
