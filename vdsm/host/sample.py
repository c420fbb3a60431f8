"""One look at everything that changes on a host, and the differences of two looks."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from vdsm.adapters.sysfs import Cpu, CpuTimes, Ksm, LinkCounters, Memory, Network, NumaNode, Platform
from vdsm.common.errors import BackendError
from vdsm.host.tolerance import Tolerance


@dataclass(frozen=True, slots=True)
class LinkState:
    """One link at a moment. speed: Mb/s, 0 unknown."""

    counters: LinkCounters
    up: bool
    speed: int


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read; a part that could not be read is empty, or None.

    taken_at: time.monotonic(). cpus: ticks by CPU number as text, all of them under "". own_ticks: user and system
    of the agent. memory, numa: KiB. disks: free bytes by path.
    """

    taken_at: float
    cpus: dict[str, CpuTimes]
    cpu_nodes: dict[int, int]
    own_ticks: tuple[int, int]
    links: dict[str, LinkState]
    memory: dict[str, int]
    numa: tuple[NumaNode, ...]
    huge_pages: dict[int, tuple[int, int]]
    transparent_huge_pages: str
    ksm: Ksm | None
    load: float
    boot_time: int
    disks: dict[str, int]


@dataclass(frozen=True, slots=True)
class Load:
    """Shares in percent of the time between two samples."""

    user: float
    system: float
    idle: float


NO_LOAD = Load(0.0, 0.0, 100.0)


class SampleReader:
    """Reads samples; blocks as long as the kernel does, so it is called in a thread."""

    def __init__(
        self, cpu: Cpu, memory: Memory, network: Network, platform: Platform, disk_paths: Sequence[str] = ()
    ) -> None:
        self._cpu = cpu
        self._memory = memory
        self._network = network
        self._platform = platform
        self._disk_paths = tuple(disk_paths)
        self._tolerant = Tolerance()

    def read(self) -> Sample:
        """Read everything now."""
        read = self._tolerant.read
        no_cpus: dict[str, CpuTimes] = {}
        no_nodes: dict[int, int] = {}
        no_links: dict[str, LinkState] = {}
        no_memory: dict[str, int] = {}
        no_numa: tuple[NumaNode, ...] = ()
        no_pages: dict[int, tuple[int, int]] = {}
        return Sample(
            taken_at=time.monotonic(),
            cpus=read("CPU load", self._cpu.times, no_cpus),
            cpu_nodes=read("NUMA nodes of CPUs", self._cpu.nodes, no_nodes),
            own_ticks=read("CPU load of the agent", self._cpu.process_ticks, (0, 0)),
            links=read("network statistics", self._links, no_links),
            memory=read("memory", self._memory.info, no_memory),
            numa=read("NUMA memory", self._memory.nodes, no_numa),
            huge_pages=read("huge pages", self._memory.huge_pages, no_pages),
            transparent_huge_pages=read("transparent huge pages", self._memory.transparent_huge_pages, "never"),
            ksm=read("page merging", self._memory.ksm, None),
            load=read("load average", self._platform.load, 0.0),
            boot_time=read("boot time", self._platform.boot_time, 0),
            disks=self._disks(),
        )

    def _links(self) -> dict[str, LinkState]:
        # The host's ends of VMs' interfaces are in the VMs' statistics.
        return {
            name: LinkState(counters, self._network.is_up(name), self._network.speed(name))
            for name, counters in self._network.counters().items()
            if not self._network.is_tap(name)
        }

    def _disks(self) -> dict[str, int]:
        read = self._tolerant.read
        found = {path: read(f"free space of {path}", partial(_free_bytes, path), -1) for path in self._disk_paths}
        return {path: free for path, free in found.items() if free >= 0}


def _free_bytes(path: str) -> int:
    try:
        stats = os.statvfs(path)
    except OSError as error:
        raise BackendError(
            backend="the file system", operation=f"tell the free space of {path}", cause=error.strerror
        ) from error
    return stats.f_bavail * stats.f_frsize


def load_between(first: CpuTimes | None, last: CpuTimes | None) -> Load:
    """Shares of one CPU, or of all. Without two samples, and when a CPU was off meanwhile: idle."""
    if first is None or last is None:
        return NO_LOAD
    # The kernel's idle counter of a CPU may step back by a tick.
    user = max(0, last.user - first.user)
    system = max(0, last.system - first.system)
    idle = max(0, last.idle - first.idle)
    total = user + system + idle
    if total == 0:
        return NO_LOAD
    return Load(100 * user / total, 100 * system / total, 100 * idle / total)


def own_load_between(first: Sample, last: Sample) -> Load:
    """The agent's own share of all CPUs."""
    start, end = first.cpus.get(""), last.cpus.get("")
    total = end.total - start.total if start and end else 0
    if total <= 0:
        return NO_LOAD
    user = max(0, last.own_ticks[0] - first.own_ticks[0])
    system = max(0, last.own_ticks[1] - first.own_ticks[1])
    return Load(100 * user / total, 100 * system / total, max(0.0, 100 - 100 * (user + system) / total))
