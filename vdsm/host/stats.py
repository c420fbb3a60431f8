"""Host.getStats: two samples, fifteen seconds apart, in the manager's words (oVirt VDSM 4.50).

A sampler reads in a thread; the answer is made of what it read, and waits for nothing. Percentages are texts with
two decimals and memory whole numbers: managers refuse the other form of either.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vdsm.adapters.sysfs import NumaNode
from vdsm.host.sample import LinkState, Load, Sample, SampleReader, load_between, own_load_between

_log = logging.getLogger(__name__)

FIRST_INTERVAL = 1.0
"""Seconds between the first two samples, so that rates exist soon after start."""
_DEFAULT_SPEED = 1000
_PAGE_KIB = 4
_CLOSE_PATIENCE = 2.0
_NO_HOSTED_ENGINE = MappingProxyType(
    {"configured": False, "active": False, "score": 0, "globalMaintenance": False, "localMaintenance": False}
)


@dataclass(frozen=True, slots=True)
class VmCounts:
    """VMs here, those that run (not Down), and migrations from and to this host."""

    total: int = 0
    active: int = 0
    outgoing: int = 0
    incoming: int = 0


class HostStatistics:
    """Samples the host and answers from the last two samples."""

    def __init__(self, reader: SampleReader, count_vms: Callable[[], VmCounts], interval: float) -> None:
        """`interval` in seconds; `count_vms` may raise Recovering, which the caller of `report` then gets."""
        self._reader = reader
        self._count_vms = count_vms
        self._interval = interval
        self._started_at = time.monotonic()
        self._earlier: Sample | None = None
        self._latest: Sample | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to sample; needs a running loop."""
        self._task = asyncio.create_task(self._sample_for_ever(), name="host statistics")
        self._task.add_done_callback(_tell_end)

    async def close(self) -> None:
        """End sampling; a read that hangs in the kernel is left behind."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=_CLOSE_PATIENCE)
            self._task = None

    async def sample(self) -> None:
        """Take one sample now; for as long as the kernel takes, nothing else waits."""
        taken = await asyncio.to_thread(self._reader.read)
        self._earlier, self._latest = self._latest, taken

    def report(self) -> dict[str, Any]:
        """All keys; shares of CPU time only when there are two samples. Before the first sample numbers are zero.

        Raises: Recovering, when the VMs here are not known yet.
        """
        counts = self._count_vms()
        latest = self._latest or _nothing()
        answer = {
            **self._time_report(latest),
            **_memory_report(latest),
            **_network_report(latest),
            "cpuLoad": f"{latest.load:.2f}",
            "numaNodeMemFree": {str(node.node_id): _node_report(node) for node in latest.numa},
            "diskStats": {path: {"free": str(free // 2**20)} for path, free in latest.disks.items()},
            "vmCount": counts.total,
            "vmActive": counts.active,
            "vmMigrating": counts.outgoing + counts.incoming,
            "outgoingVmMigrations": counts.outgoing,
            "incomingVmMigrations": counts.incoming,
            "momStatus": "disabled",
            "haStats": dict(_NO_HOSTED_ENGINE),
            "netConfigDirty": "False",
            "storageDomains": {},
        }
        if self._earlier is not None and self._latest is not None:
            answer.update(_cpu_report(self._earlier, self._latest))
        return answer

    def _time_report(self, latest: Sample) -> dict[str, Any]:
        report = {
            "elapsedTime": str(int(time.monotonic() - self._started_at)),
            "dateTime": time.strftime("%Y-%m-%dT%H:%M:%S GMT", time.gmtime()),
        }
        if latest.boot_time:
            report["bootTime"] = str(latest.boot_time)
        return report

    async def _sample_for_ever(self) -> None:
        pause = FIRST_INTERVAL
        while True:
            await self._sample_patiently()
            await asyncio.sleep(pause)
            pause = self._interval

    async def _sample_patiently(self) -> None:
        """One read at a time: a kernel that hangs costs one thread and fresh numbers, nothing more."""
        reading = asyncio.ensure_future(self.sample())
        try:
            while not reading.done():
                _done, pending = await asyncio.wait({reading}, timeout=self._interval)
                if pending:
                    _log.warning("Reading the host's statistics takes longer than %.0f s", self._interval)
        finally:
            reading.cancel()
        reading.result()


def _tell_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("Host statistics are not sampled any more", exc_info=task.exception())


def _cpu_report(earlier: Sample, latest: Sample) -> dict[str, Any]:
    every = load_between(earlier.cpus.get(""), latest.cpus.get(""))
    own = own_load_between(earlier, latest)
    return {
        **_load_report(every),
        "cpuUserVdsmd": f"{own.user:.2f}",
        "cpuSysVdsmd": f"{own.system:.2f}",
        "cpuStatistics": {
            name: {
                **_load_report(load_between(earlier.cpus.get(name), times)),
                "nodeIndex": latest.cpu_nodes.get(int(name), 0),
            }
            for name, times in latest.cpus.items()
            if name.isdecimal()
        },
    }


def _load_report(load: Load) -> dict[str, str]:
    return {"cpuUser": f"{load.user:.2f}", "cpuSys": f"{load.system:.2f}", "cpuIdle": f"{load.idle:.2f}"}


def _memory_report(latest: Sample) -> dict[str, Any]:
    memory = latest.memory
    total = memory.get("MemTotal", 0)
    free = sum(memory.get(name, 0) for name in ("MemFree", "Cached", "Buffers", "SReclaimable"))
    used = 100 - 100 * min(free, total) // total if total else 0
    ksm = latest.ksm
    return {
        "memUsed": str(used),
        "memFree": min(free, total) // 1024,
        "swapTotal": memory.get("SwapTotal", 0) // 1024,
        "swapFree": memory.get("SwapFree", 0) // 1024,
        "anonHugePages": str(memory.get("AnonHugePages", 0) // 1024),
        "thpState": latest.transparent_huge_pages,
        "hugepages": {
            str(size): {"nr_hugepages": pages, "free_hugepages": free, "vm.free_hugepages": free}
            for size, (pages, free) in latest.huge_pages.items()
        },
        "ksmState": ksm is not None and ksm.run,
        "ksmPages": ksm.pages_to_scan if ksm else 0,
        "ksmMergeAcrossNodes": ksm is None or ksm.merge_across_nodes,
        "memShared": (ksm.pages_sharing if ksm else 0) * _PAGE_KIB // 1024,
        "ksmCpu": 0,
    }


def _node_report(node: NumaNode) -> dict[str, Any]:
    used = 100 - 100 * min(node.free_kib, node.total_kib) // node.total_kib if node.total_kib else 0
    return {
        "memFree": str(node.free_kib // 1024),
        "memPercent": used,
        "hugepages": {str(size): {"freePages": str(free)} for size, (_pages, free) in node.huge_pages.items()},
    }


def _network_report(latest: Sample) -> dict[str, Any]:
    counters = [link.counters for link in latest.links.values()]
    return {
        "network": {name: _link_report(name, link, latest.taken_at) for name, link in latest.links.items()},
        "rxDropped": str(sum(counter.rx_dropped for counter in counters)),
        "txDropped": str(sum(counter.tx_dropped for counter in counters)),
    }


def _link_report(name: str, link: LinkState, taken_at: float) -> dict[str, Any]:
    counters = link.counters
    return {
        "name": name,
        "state": "up" if link.up else "down",
        "speed": str(link.speed or _DEFAULT_SPEED),
        "rx": str(counters.rx_bytes),
        "tx": str(counters.tx_bytes),
        "rxErrors": str(counters.rx_errors),
        "txErrors": str(counters.tx_errors),
        "rxDropped": str(counters.rx_dropped),
        "txDropped": str(counters.tx_dropped),
        "sampleTime": taken_at,
    }


def _nothing() -> Sample:
    """What is known before the first sample."""
    return Sample(
        taken_at=0.0,
        cpus={},
        cpu_nodes={},
        own_ticks=(0, 0),
        links={},
        memory={},
        numa=(),
        huge_pages={},
        transparent_huge_pages="never",
        ksm=None,
        load=0.0,
        boot_time=0,
        disks={},
    )
