"""One record of libvirt's bulk statistics as a typed sample.

A sweep over 500 VMs makes 500 of these, so keys are built once, at import, and each group of a record is fetched
by one `itemgetter`; a group that lacks a key (an empty drive, a device that is just going) takes a slower way.
Records come from libvirt, whose values are numbers and names, so types are only checked on the slower way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

Record = Mapping[str, Any]
"""What getAllDomainStats gives for one domain: `state.state`, `block.0.rd.bytes` ..."""

_READY = 32
"""Devices of a kind whose keys are ready; more are possible, with keys made each time."""
_MOST = 1024
"""Devices of a kind that are looked at; libvirt allows fewer."""


class DiskSample(NamedTuple):
    """Counters of one drive since it was started; times in ns, the last three in bytes (0 without a medium)."""

    name: str
    read_ops: int
    read_bytes: int
    read_ns: int
    write_ops: int
    written_bytes: int
    write_ns: int
    flush_ops: int
    flush_ns: int
    allocation: int = 0
    capacity: int = 0
    physical: int = 0


class NicSample(NamedTuple):
    """Counters of one interface by its name on the host; `rx` is what the guest received."""

    name: str
    rx_bytes: int
    rx_errors: int
    rx_dropped: int
    tx_bytes: int
    tx_errors: int
    tx_dropped: int


class CpuSample(NamedTuple):
    """CPU time of the VM's QEMU in ns: all, outside and inside the kernel."""

    total: int
    user: int
    system: int


class BalloonSample(NamedTuple):
    """Memory in KiB. None where the guest's balloon driver says nothing."""

    current: int
    maximum: int
    available: int | None = None
    unused: int | None = None
    usable: int | None = None
    caches: int | None = None
    swap_in: int | None = None
    swap_out: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None


class Sample(NamedTuple):
    """What one VM had used at `time` (monotonic seconds, taken when libvirt answered). None: libvirt did not say."""

    time: float
    state: int
    reason: int
    cpu: CpuSample | None
    vcpus: int | None
    balloon: BalloonSample | None
    disks: tuple[DiskSample, ...]
    nics: tuple[NicSample, ...]


_DISK = ("name", "rd.reqs", "rd.bytes", "rd.times", "wr.reqs", "wr.bytes", "wr.times", "fl.reqs", "fl.times")
_SIZES = ("allocation", "capacity", "physical")
_NIC = ("name", "rx.bytes", "rx.errs", "rx.drop", "tx.bytes", "tx.errs", "tx.drop")
_GUEST_MEMORY = (
    "balloon.available",
    "balloon.unused",
    "balloon.usable",
    "balloon.disk_caches",
    "balloon.swap_in",
    "balloon.swap_out",
    "balloon.major_fault",
    "balloon.minor_fault",
)
_Getter = Callable[[Record], tuple[Any, ...]]


def _getter(group: str, index: int, names: tuple[str, ...]) -> _Getter:
    return itemgetter(*(f"{group}.{index}.{name}" for name in names))


_DISK_GETTERS: tuple[_Getter, ...] = tuple(_getter("block", index, _DISK + _SIZES) for index in range(_READY))
_EMPTY_GETTERS: tuple[_Getter, ...] = tuple(_getter("block", index, _DISK) for index in range(_READY))
_NIC_GETTERS: tuple[_Getter, ...] = tuple(_getter("net", index, _NIC) for index in range(_READY))
_CPU_GETTER: _Getter = itemgetter("cpu.time", "cpu.user", "cpu.system")
_BALLOON_GETTER: _Getter = itemgetter("balloon.current", "balloon.maximum")
_MEMORY_GETTER: _Getter = itemgetter("balloon.current", "balloon.maximum", *_GUEST_MEMORY)


def read_sample(record: Record, time: float) -> Sample:
    """The sample that a record of one domain holds; `time` is monotonic seconds.

    A group of keys that is missing, whole or in part, is None or zero; nothing is raised for it.
    """
    get = record.get
    return Sample(
        time,
        get("state.state", 0),
        get("state.reason", 0),
        _cpu(record),
        get("vcpu.current"),
        _balloon(record),
        _disks(record, get("block.count", 0)),
        _nics(record, get("net.count", 0)),
    )


def is_partial(record: Record) -> bool:
    """Whether libvirt passed QEMU by, as it does while another job holds the VM: what only QEMU knows is missing."""
    return "cpu.time" not in record or (record.get("block.count", 0) > 0 and "block.0.rd.reqs" not in record)


def _cpu(record: Record) -> CpuSample | None:
    try:
        return CpuSample._make(_CPU_GETTER(record))
    except KeyError:
        total = record.get("cpu.time")
        return None if total is None else CpuSample(total, total, 0)


def _balloon(record: Record) -> BalloonSample | None:
    if "balloon.available" not in record:
        try:
            return BalloonSample(*_BALLOON_GETTER(record))
        except KeyError:
            return None
    try:
        return BalloonSample._make(_MEMORY_GETTER(record))
    except KeyError:
        current = _count(record, "balloon.current")
        maximum = record.get("balloon.maximum", current)
        return BalloonSample(current, maximum, *(record.get(key) for key in _GUEST_MEMORY))


def _disks(record: Record, count: int) -> tuple[DiskSample, ...]:
    found: list[DiskSample] = []
    for index in range(min(count, _READY)):
        try:
            found.append(DiskSample._make(_DISK_GETTERS[index](record)))
        except KeyError:
            try:
                found.append(DiskSample(*_EMPTY_GETTERS[index](record)))
            except KeyError:
                found.extend(_slow_disk(record, index))
    for index in range(_READY, min(count, _MOST)):
        found.extend(_slow_disk(record, index))
    return tuple(found)


def _slow_disk(record: Record, index: int) -> list[DiskSample]:
    name = record.get(f"block.{index}.name")
    if not isinstance(name, str):
        return []
    return [DiskSample(name, *(_count(record, f"block.{index}.{key}") for key in (_DISK + _SIZES)[1:]))]


def _nics(record: Record, count: int) -> tuple[NicSample, ...]:
    found: list[NicSample] = []
    for index in range(min(count, _READY)):
        try:
            found.append(NicSample._make(_NIC_GETTERS[index](record)))
        except KeyError:
            found.extend(_slow_nic(record, index))
    for index in range(_READY, min(count, _MOST)):
        found.extend(_slow_nic(record, index))
    return tuple(found)


def _slow_nic(record: Record, index: int) -> list[NicSample]:
    name = record.get(f"net.{index}.name")
    if not isinstance(name, str):
        return []
    return [NicSample(name, *(_count(record, f"net.{index}.{key}") for key in _NIC[1:]))]


def _count(record: Record, key: str) -> int:
    value = record.get(key, 0)
    return value if isinstance(value, int) else 0
