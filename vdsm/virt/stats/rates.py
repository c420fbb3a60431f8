"""How fast counters grew between two samples.

A counter that went back (the VM was started anew, a device was replaced) gives 0, never a negative rate.
"""

from __future__ import annotations

from typing import NamedTuple

from vdsm.virt.stats.sample import DiskSample, Sample

_NS = 1_000_000_000


class CpuRates(NamedTuple):
    """Per cent of one CPU."""

    user: float
    system: float


class DiskRates(NamedTuple):
    """Bytes per second, and ns per operation in the interval (0 without operations)."""

    read: int
    write: int
    read_latency: int
    write_latency: int
    flush_latency: int


class MemoryRates(NamedTuple):
    """KiB per second swapped and page faults per second; None where the guest does not say."""

    swap_in: int | None
    swap_out: int | None
    major_faults: int | None
    minor_faults: int | None


NO_DISK_RATES = DiskRates(0, 0, 0, 0, 0)


def interval(previous: Sample | None, last: Sample) -> float | None:
    """Seconds between two samples; None without a previous one or when time did not go on."""
    if previous is None:
        return None
    seconds = last.time - previous.time
    return seconds if seconds > 0 else None


def cpu_rates(previous: Sample, last: Sample, seconds: float) -> CpuRates | None:
    """CPU use; None when a sample lacks it or the counters went back."""
    before, after = previous.cpu, last.cpu
    if before is None or after is None or after.total < before.total:
        return None
    scale = 100 / (seconds * _NS)
    return CpuRates(max(after.user - before.user, 0) * scale, max(after.system - before.system, 0) * scale)


def disk_rates(before: DiskSample, after: DiskSample, seconds: float) -> DiskRates:
    """Rates and latencies of one drive."""
    reads = after.read_ops - before.read_ops
    writes = after.write_ops - before.write_ops
    flushes = after.flush_ops - before.flush_ops
    if not (reads or writes or flushes):
        return NO_DISK_RATES
    return DiskRates(
        max(int((after.read_bytes - before.read_bytes) / seconds), 0),
        max(int((after.written_bytes - before.written_bytes) / seconds), 0),
        max((after.read_ns - before.read_ns) // reads, 0) if reads > 0 else 0,
        max((after.write_ns - before.write_ns) // writes, 0) if writes > 0 else 0,
        max((after.flush_ns - before.flush_ns) // flushes, 0) if flushes > 0 else 0,
    )


def memory_rates(previous: Sample, last: Sample, seconds: float) -> MemoryRates | None:
    """Swapping and page faults in the guest; None when a sample has no balloon."""
    before, after = previous.balloon, last.balloon
    if before is None or after is None:
        return None
    return MemoryRates(
        _per_second(before.swap_in, after.swap_in, seconds),
        _per_second(before.swap_out, after.swap_out, seconds),
        _per_second(before.major_faults, after.major_faults, seconds),
        _per_second(before.minor_faults, after.minor_faults, seconds),
    )


def previous_disk(previous: Sample, index: int, name: str) -> DiskSample | None:
    """The drive of this name in an earlier sample, most likely at the same index."""
    disks = previous.disks
    if index < len(disks) and disks[index].name == name:
        return disks[index]
    return next((disk for disk in disks if disk.name == name), None)


def _per_second(before: int | None, after: int | None, seconds: float) -> int | None:
    if before is None or after is None:
        return None
    return max(int((after - before) / seconds), 0)
