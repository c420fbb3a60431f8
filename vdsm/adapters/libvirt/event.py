"""Events of the hypervisor as plain frozen values: what happened, to which VM, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from vdsm.adapters.libvirt.domain import Code


class StartedReason(Code):
    """How a domain came to run."""

    BOOTED = 0
    MIGRATED = 1
    RESTORED = 2
    FROM_SNAPSHOT = 3
    WAKEUP = 4
    UNKNOWN = -1


class SuspendedReason(Code):
    """Why the CPUs were stopped."""

    PAUSED = 0
    MIGRATED = 1
    IOERROR = 2
    WATCHDOG = 3
    RESTORED = 4
    FROM_SNAPSHOT = 5
    API_ERROR = 6
    POSTCOPY = 7
    POSTCOPY_FAILED = 8
    UNKNOWN = -1


class ResumedReason(Code):
    """Why the CPUs run again."""

    UNPAUSED = 0
    MIGRATED = 1
    FROM_SNAPSHOT = 2
    POSTCOPY = 3
    POSTCOPY_FAILED = 4
    UNKNOWN = -1


class StoppedReason(Code):
    """Why QEMU is gone."""

    SHUTDOWN = 0
    DESTROYED = 1
    CRASHED = 2
    MIGRATED = 3
    SAVED = 4
    FAILED = 5
    FROM_SNAPSHOT = 6
    UNKNOWN = -1


class ShutdownReason(Code):
    """Who asked for the shutdown that the guest finished; QEMU may not know."""

    UNKNOWN = 0
    GUEST = 1
    HOST = 2


class ShutdownCause(Enum):
    """Why QEMU comes to its end, in its own words."""

    GUEST_SHUTDOWN = "guest-shutdown"
    GUEST_RESET = "guest-reset"
    GUEST_PANIC = "guest-panic"
    HOST_RESET = "host-qmp-system-reset"
    HOST_SIGNAL = "host-signal"
    HOST_QUIT = "host-qmp-quit"
    UNKNOWN = ""

    @classmethod
    def _missing_(cls, value: object) -> ShutdownCause:
        return cls.UNKNOWN


class IoErrorAction(Code):
    """What QEMU did about an I/O error."""

    NONE = 0
    PAUSE = 1
    REPORT = 2
    UNKNOWN = -1


class WatchdogAction(Code):
    """What QEMU did when the watchdog fired."""

    NONE = 0
    PAUSE = 1
    RESET = 2
    POWEROFF = 3
    SHUTDOWN = 4
    DEBUG = 5
    INJECT_NMI = 6
    UNKNOWN = -1


class GraphicsPhase(Code):
    """Where a display client is."""

    CONNECT = 0
    INITIALIZE = 1
    DISCONNECT = 2
    UNKNOWN = -1


class CrashReason(Code):
    """What the guest's kernel said."""

    PANICKED = 0
    CRASHLOADED = 1
    UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Base: something happened to one VM."""

    vm_id: str


@dataclass(frozen=True, slots=True)
class Defined(DomainEvent):
    """The definition is new or was replaced."""


@dataclass(frozen=True, slots=True)
class Undefined(DomainEvent):
    """The definition is gone."""


@dataclass(frozen=True, slots=True)
class Started(DomainEvent):
    """QEMU runs. On a plain start Resumed may come before it."""

    reason: StartedReason = StartedReason.BOOTED


@dataclass(frozen=True, slots=True)
class Suspended(DomainEvent):
    """The CPUs stopped."""

    reason: SuspendedReason = SuspendedReason.PAUSED


@dataclass(frozen=True, slots=True)
class Resumed(DomainEvent):
    """The CPUs run."""

    reason: ResumedReason = ResumedReason.UNPAUSED


@dataclass(frozen=True, slots=True)
class Stopped(DomainEvent):
    """QEMU is gone."""

    reason: StoppedReason = StoppedReason.SHUTDOWN


@dataclass(frozen=True, slots=True)
class Shutdown(DomainEvent):
    """The guest finished; Stopped follows."""

    reason: ShutdownReason = ShutdownReason.UNKNOWN


@dataclass(frozen=True, slots=True)
class ShutdownExplained(DomainEvent):
    """Why QEMU comes to its end; before Shutdown. A second one (libvirt's own signal) may follow the first.

    This alone tells a guest's reboot from its power-off when a reboot ends the VM. Absent where libvirt does not
    pass QEMU's events on.
    """

    cause: ShutdownCause = ShutdownCause.UNKNOWN


@dataclass(frozen=True, slots=True)
class Crashed(DomainEvent):
    """The guest's kernel crashed."""

    reason: CrashReason = CrashReason.PANICKED


@dataclass(frozen=True, slots=True)
class PmSuspended(DomainEvent):
    """The guest sleeps (to memory, or to disk)."""

    to_disk: bool = False


@dataclass(frozen=True, slots=True)
class PmWakeup(DomainEvent):
    """The guest woke up."""


@dataclass(frozen=True, slots=True)
class Rebooted(DomainEvent):
    """The guest reset; bursts of up to 15 for one reset are normal (SeaBIOS resets too)."""


@dataclass(frozen=True, slots=True)
class IoError(DomainEvent):
    """A disk failed; repeated per request. `reason` is `enospc`, `eperm`, `eother`, `eio` or empty."""

    path: str
    alias: str
    action: IoErrorAction
    reason: str


@dataclass(frozen=True, slots=True)
class WatchdogFired(DomainEvent):
    """The guest's watchdog ran out."""

    action: WatchdogAction


@dataclass(frozen=True, slots=True)
class AgentConnected(DomainEvent):
    """The guest agent opened (connected) or left its channel."""

    connected: bool


@dataclass(frozen=True, slots=True)
class Graphics(DomainEvent):
    """A display client came or went. `address` is the client's, `username` its SASL or x509 name or empty."""

    phase: GraphicsPhase
    address: str
    port: str
    username: str


@dataclass(frozen=True, slots=True)
class RtcChanged(DomainEvent):
    """The guest set its clock; seconds from UTC."""

    offset: int


@dataclass(frozen=True, slots=True)
class TrayChanged(DomainEvent):
    """A CD tray moved."""

    alias: str
    opened: bool


@dataclass(frozen=True, slots=True)
class DeviceAdded(DomainEvent):
    """A device was plugged."""

    alias: str


@dataclass(frozen=True, slots=True)
class DeviceRemoved(DomainEvent):
    """A device is gone."""

    alias: str


@dataclass(frozen=True, slots=True)
class DeviceRemovalFailed(DomainEvent):
    """The guest refused to give a device."""

    alias: str


@dataclass(frozen=True, slots=True)
class BalloonChanged(DomainEvent):
    """The balloon's size in KiB."""

    actual_kib: int


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """libvirtd is gone; VMs run on. Events of this time are lost: look at every domain once it is back."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class ConnectionRestored:
    """libvirtd answers again and events flow."""


HypervisorEvent = DomainEvent | ConnectionLost | ConnectionRestored
