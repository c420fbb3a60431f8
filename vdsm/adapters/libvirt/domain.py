"""What the hypervisor says about a domain: states, reasons, records, samples, as plain values.

Numbers are those of libvirt's public API, so they can be compared with what a domain's statistics carry.
A number that a newer hypervisor adds becomes UNKNOWN instead of an error.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any, Self


class Code(enum.IntEnum):
    """An enum of the hypervisor's numbers; a number not listed reads as the member UNKNOWN."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls.__members__.get("UNKNOWN") if isinstance(value, int) else None


class RunState(Code):
    """What a domain is doing."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7
    UNKNOWN = -1


class PausedReason(Code):
    """Why a domain is PAUSED."""

    UNKNOWN = 0
    USER = 1
    MIGRATION = 2
    SAVE = 3
    DUMP = 4
    IOERROR = 5
    WATCHDOG = 6
    FROM_SNAPSHOT = 7
    SHUTTING_DOWN = 8
    SNAPSHOT = 9
    CRASHED = 10
    STARTING_UP = 11
    POSTCOPY = 12
    POSTCOPY_FAILED = 13
    API_ERROR = 14


class ShutoffReason(Code):
    """Why a domain is SHUTOFF."""

    UNKNOWN = 0
    SHUTDOWN = 1
    DESTROYED = 2
    CRASHED = 3
    MIGRATED = 4
    SAVED = 5
    FAILED = 6
    FROM_SNAPSHOT = 7
    DAEMON = 8


class ShutdownMode(enum.Enum):
    """How the guest is asked to shut down or to reboot."""

    AGENT = "agent"
    ACPI = "acpi"


class LifecycleAction(enum.IntEnum):
    """What the hypervisor does when the guest reboots."""

    DESTROY = 0
    RESTART = 1
    PRESERVE = 3


class GuestInfoKind(enum.IntFlag):
    """What the guest agent is asked for."""

    USERS = 1
    OS = 2
    TIMEZONE = 4
    HOSTNAME = 8
    FILESYSTEM = 16
    DISKS = 32
    INTERFACES = 64


class StatsGroup(enum.IntFlag):
    """A group of keys of the bulk statistics. STATE and INTERFACE alone never ask QEMU."""

    STATE = 1
    CPU_TOTAL = 2
    BALLOON = 4
    VCPU = 8
    INTERFACE = 16
    BLOCK = 32


ALL_STATS = (
    StatsGroup.STATE
    | StatsGroup.CPU_TOTAL
    | StatsGroup.BALLOON
    | StatsGroup.VCPU
    | StatsGroup.INTERFACE
    | StatsGroup.BLOCK
)
PASSIVE_STATS = StatsGroup.STATE | StatsGroup.INTERFACE
"""The groups that libvirt answers without QEMU, so they never wait (measured with 9.0)."""


class ControlState(Code):
    """Whether the channel between libvirt and QEMU is free."""

    OK = 0
    JOB = 1
    OCCUPIED = 2
    ERROR = 3
    UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class ControlInfo:
    """State of a domain's control channel; `since` is for how many seconds it has been so."""

    state: ControlState
    since: float


@dataclass(frozen=True, slots=True)
class DomainState:
    """Run state and the raw reason, whose meaning depends on `run`."""

    run: RunState
    reason: int = 0

    @property
    def active(self) -> bool:
        """A QEMU process exists."""
        return self.run not in {RunState.SHUTOFF, RunState.CRASHED, RunState.NOSTATE}

    @property
    def paused_reason(self) -> PausedReason | None:
        """Why it is paused, or None when it is not."""
        return PausedReason(self.reason) if self.run is RunState.PAUSED else None

    @property
    def shutoff_reason(self) -> ShutoffReason | None:
        """Why it is shut off, or None when it is not."""
        return ShutoffReason(self.reason) if self.run is RunState.SHUTOFF else None


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """One domain of the host's list. `libvirt_id` is None while no QEMU runs."""

    vm_id: str
    name: str
    state: DomainState
    libvirt_id: int | None = None


@dataclass(frozen=True, slots=True)
class Screenshot:
    """A picture of the first display."""

    mime_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Versions:
    """Versions as major * 1,000,000 + minor * 1,000 + release."""

    libvirt: int
    qemu: int


@dataclass(frozen=True, slots=True)
class BulkSample:
    """One sweep over all active domains.

    records: libvirt's flat statistics keys (`state.state`, `cpu.time`, `block.0.rd.bytes` ...) by VM.
    unresponsive: VMs whose QEMU does not answer, with the seconds since it was noticed; their record, if
    there is one, holds the passive groups only. taken_at: time.monotonic() when the sweep began.
    """

    records: dict[str, dict[str, Any]]
    taken_at: float
    unresponsive: dict[str, float] = field(default_factory=dict)
