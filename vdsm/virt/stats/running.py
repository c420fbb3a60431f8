"""The statistics of a VM that has not ended, in the wire's shape (`RunningVmStats`), ready to encode.

Pure: facts of the definition, the VM's present state, two samples and what the guest said go in, a dictionary comes
out. Most numbers are decimal strings on the wire. Called once per VM and sweep, and when a VM's state changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from vdsm.virt.stats import rates
from vdsm.virt.stats.facts import BalloonFacts, VmFacts
from vdsm.virt.stats.guest_info import NO_GUEST, GuestInfo
from vdsm.virt.stats.sample import BalloonSample, Sample

_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class LiveState:
    """What changes without a sample.

    `status`: the wire's word; `status_time`: ms of the event clock; `elapsed` and `time_offset`: s; `responsive`: the
    last sample is young enough. None leaves a member out; an empty `jobs` says that there are none.
    """

    status: str
    status_time: int
    elapsed: int = 0
    responsive: bool = True
    client_ip: str = ""
    time_offset: int = 0
    pause_code: str | None = None
    jobs: Mapping[str, Mapping[str, Any]] | None = None
    watchdog: Mapping[str, Any] | None = None


def running_stats(
    facts: VmFacts, live: LiveState, last: Sample | None, previous: Sample | None, guest: GuestInfo = NO_GUEST
) -> dict[str, Any]:
    """The result for one VM; it shares parts with `facts`, `live` and `guest`, so it is only read.

    Without a sample the sampled members are absent; CPU and memory rates need two. Rates and latencies of disks are
    "0" until then, because managers take these members for granted.
    """
    stats = {**facts.head, **guest.wire}
    stats["status"] = live.status
    stats["statusTime"] = str(live.status_time)
    stats["elapsedTime"] = str(live.elapsed)
    stats["monitorResponse"] = "0" if live.responsive else "-1"
    stats["clientIp"] = live.client_ip
    stats["timeOffset"] = str(live.time_offset)
    _add_optional(stats, live)
    if last is None:
        return stats
    seconds = rates.interval(previous, last)
    if seconds is None:
        previous, seconds = None, 1.0
    _add_cpu(stats, last, previous, seconds)
    stats["network"] = _network(facts, last)
    stats["disks"] = _disks(facts, last, previous, seconds)
    if last.balloon is not None:
        _add_memory(stats, facts.balloon, last, previous, seconds)
    return stats


def encode(stats: Mapping[str, Any]) -> bytes:
    """One result as JSON."""
    return _ENCODER.encode(stats)


def _add_optional(stats: dict[str, Any], live: LiveState) -> None:
    if live.pause_code is not None:
        stats["pauseCode"] = live.pause_code
    if live.jobs is not None:
        stats["vmJobs"] = live.jobs
    if live.watchdog is not None:
        stats["watchdogEvent"] = live.watchdog


def _add_cpu(stats: dict[str, Any], last: Sample, previous: Sample | None, seconds: float) -> None:
    if last.vcpus is not None:
        stats["vcpuCount"] = str(last.vcpus)
    if last.cpu is not None:
        stats["cpuUsage"] = str(last.cpu.total)
    used = None if previous is None else rates.cpu_rates(previous, last, seconds)
    stats["cpuActual"] = used is not None
    if used is not None:
        stats["cpuUser"] = f"{used.user:.2f}"
        stats["cpuSys"] = f"{used.system:.2f}"


def _network(facts: VmFacts, last: Sample) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, rx, rx_errors, rx_dropped, tx, tx_errors, tx_dropped in last.nics:
        head = facts.nics.get(name)
        if head is None:
            continue
        found[name] = {
            **head,
            "rx": str(rx),
            "tx": str(tx),
            "rxErrors": str(rx_errors),
            "txErrors": str(tx_errors),
            "rxDropped": str(rx_dropped),
            "txDropped": str(tx_dropped),
            "sampleTime": last.time,
        }
    return found


def _disks(facts: VmFacts, last: Sample, previous: Sample | None, seconds: float) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for index, disk in enumerate(last.disks):
        name = disk.name
        head = facts.disks.get(name)
        if head is None or name in found:  # a second entry of a name is a layer of its backing chain
            continue
        before = None if previous is None else rates.previous_disk(previous, index, name)
        rate = rates.NO_DISK_RATES if before is None else rates.disk_rates(before, disk, seconds)
        size = str(disk.physical)
        found[name] = {
            **head,
            "truesize": size,
            "apparentsize": str(disk.capacity) if name in facts.raw_files else size,
            "readRate": str(rate.read),
            "writeRate": str(rate.write),
            "readLatency": str(rate.read_latency),
            "writeLatency": str(rate.write_latency),
            "flushLatency": str(rate.flush_latency),
            "readOps": str(disk.read_ops),
            "writeOps": str(disk.write_ops),
            "readBytes": str(disk.read_bytes),
            "writtenBytes": str(disk.written_bytes),
        }
    return found


def _add_memory(
    stats: dict[str, Any], facts: BalloonFacts | None, last: Sample, previous: Sample | None, seconds: float
) -> None:
    balloon = last.balloon
    if balloon is None:
        return
    if facts is not None:
        stats["balloonInfo"] = {
            "balloon_max": str(balloon.maximum),
            "balloon_min": str(facts.minimum),
            "balloon_cur": str(balloon.current),
            "balloon_target": str(balloon.current if facts.target is None else facts.target),
            "ballooning_enabled": facts.enabled,
        }
    if balloon.available is None:
        return
    stats["memoryStats"] = memory = _memory(balloon.available, balloon)
    free = balloon.unused if balloon.usable is None else balloon.usable
    if free is not None and balloon.available > 0:
        stats["memUsage"] = str(min(max(100 - 100 * free // balloon.available, 0), 100))
    speed = None if previous is None else rates.memory_rates(previous, last, seconds)
    if speed is not None:
        _add_memory_rates(memory, speed)


def _memory(available: int, balloon: BalloonSample) -> dict[str, Any]:
    memory: dict[str, Any] = {"mem_total": str(available)}
    if balloon.unused is not None:
        memory["mem_unused"] = str(balloon.unused)
    if balloon.usable is not None:
        memory["mem_free"] = str(balloon.usable)
    if balloon.caches is not None:
        memory["mem_cached"] = str(balloon.caches)
    return memory


def _add_memory_rates(memory: dict[str, Any], speed: rates.MemoryRates) -> None:
    if speed.swap_in is not None:
        memory["swap_in"] = speed.swap_in
    if speed.swap_out is not None:
        memory["swap_out"] = speed.swap_out
    if speed.major_faults is not None:
        memory["majflt"] = speed.major_faults
    if speed.minor_faults is not None:
        memory["minflt"] = speed.minor_faults
        memory["pageflt"] = speed.minor_faults + (speed.major_faults or 0)
