"""The hypervisor as the rest of the agent sees it: protocols and, re-exported, the values they speak in.

Nothing of libvirt leaks through. `LibvirtHypervisor` (libvirt_hypervisor.py) is the real one, the tests' fake
the other; both pass the same contract tests. Every method that can block takes `deadline` in seconds.

Every method may raise:
    NoSuchVM, OperationUnsupported, LibvirtGone (no connection), LibvirtError (any other refusal),
    BackendTimeout (past the deadline: effect unknown), ResourceExhausted (too many calls wait),
    MonitorUnresponsive (the VM's QEMU hangs, so the call was refused at once).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from vdsm.adapters.libvirt.domain import (
    ALL_STATS,
    PASSIVE_STATS,
    BulkSample,
    ControlInfo,
    ControlState,
    DomainRecord,
    DomainState,
    GuestInfoKind,
    LifecycleAction,
    PausedReason,
    RunState,
    Screenshot,
    ShutdownMode,
    ShutoffReason,
    StatsGroup,
    Versions,
)
from vdsm.adapters.libvirt.event import (
    AgentConnected,
    BalloonChanged,
    ConnectionLost,
    ConnectionRestored,
    Crashed,
    CrashReason,
    Defined,
    DeviceAdded,
    DeviceRemovalFailed,
    DeviceRemoved,
    DomainEvent,
    Graphics,
    GraphicsPhase,
    HypervisorEvent,
    IoError,
    IoErrorAction,
    PmSuspended,
    PmWakeup,
    Rebooted,
    Resumed,
    ResumedReason,
    RtcChanged,
    Shutdown,
    ShutdownCause,
    ShutdownExplained,
    ShutdownReason,
    Started,
    StartedReason,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
    TrayChanged,
    Undefined,
    WatchdogAction,
    WatchdogFired,
)

EventCallback = Callable[[HypervisorEvent], None]


class ConsoleStream(Protocol):
    """A guest's serial console, both ways. One at a time per VM."""

    async def read(self) -> bytes:
        """What the guest wrote, at least one byte; empty when the console ended."""
        ...

    async def write(self, data: bytes) -> None:
        """Give all of `data` to the guest. Raises: LibvirtError when the console ended."""
        ...

    async def close(self) -> None:
        """End the session; a second call does nothing."""
        ...


class DomainLifecycle(Protocol):
    """Domains: list, define, run, stop."""

    async def list_domains(self, *, deadline: float = 10.0) -> list[DomainRecord]:
        """Every domain of the host, running or not, ours or not. Never waits for a QEMU."""
        ...

    async def state(self, vm_id: str, *, deadline: float = 5.0) -> DomainState:
        """Run state. Never waits for QEMU, so it works on a hung one."""
        ...

    async def define(self, xml: str, *, deadline: float = 10.0) -> str:
        """Store a domain XML, replacing one of the same uuid; the result is its vm_id."""
        ...

    async def undefine(self, vm_id: str, *, deadline: float = 10.0) -> None:
        """Drop the definition with its NVRAM, snapshot and checkpoint metadata and managed save."""
        ...

    async def start(self, vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 120.0) -> None:
        """Run a defined domain. Raises: WrongState when it runs already."""
        ...

    async def destroy(self, vm_id: str, *, graceful: bool = False, deadline: float = 45.0) -> None:
        """End QEMU; works on a hung one (libvirt needs 10 s of SIGTERM before its SIGKILL).

        Shutdown(HOST) may come before Stopped(DESTROYED). graceful: SIGTERM alone, and an error when QEMU
        ignores it for 15 s. Raises: VMNotRunning.
        """
        ...

    async def suspend(self, vm_id: str, *, deadline: float = 10.0) -> None:
        """Stop the CPUs; nothing happens when they stand. Raises: VMNotRunning."""
        ...

    async def resume(self, vm_id: str, *, deadline: float = 30.0) -> None:
        """Let the CPUs run. Raises: VMNotRunning, WrongState when they run."""
        ...

    async def reset(self, vm_id: str, *, deadline: float = 10.0) -> None:
        """Pull the reset line. Raises: VMNotRunning."""
        ...

    async def reboot(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        """Ask the guest to reboot; returns when it was asked. Raises: VMNotRunning, GuestAgentError."""
        ...

    async def shutdown(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        """Ask the guest to power off; returns when it was asked. Raises: VMNotRunning, GuestAgentError."""
        ...


class DomainConfiguration(Protocol):
    """A domain's XML, metadata and devices."""

    async def domain_xml(
        self, vm_id: str, *, inactive: bool = False, secure: bool = False, deadline: float = 10.0
    ) -> str:
        """The live XML, or the stored one (inactive). secure: with passwords; never log such a one."""
        ...

    async def metadata(self, vm_id: str, uri: str, *, deadline: float = 5.0) -> str | None:
        """The metadata element of this namespace as text, all prefixes of it stripped; None without one."""
        ...

    async def set_metadata(
        self, vm_id: str, element: str | None, *, uri: str, prefix: str, deadline: float = 10.0
    ) -> None:
        """Replace (None: remove) the metadata element of `uri`, in the definition and, if it runs, live.

        `element` is an element text without the namespace, e.g. `<vm><exitCode type="int">1</exitCode></vm>`;
        libvirt puts `prefix` and `uri` on it.
        """
        ...

    async def update_device(
        self, vm_id: str, xml: str, *, live: bool, config: bool, force: bool = False, deadline: float = 20.0
    ) -> None:
        """Change a device in place (CD medium, VNC password, link state).

        `xml` is the device as in the live XML, changed only in what is to change. Raises: VMNotRunning (live).
        """
        ...

    async def set_lifecycle_action(self, vm_id: str, *, on_reboot: LifecycleAction, deadline: float = 10.0) -> None:
        """What QEMU's exit on a guest reboot means, from now on."""
        ...


class GuestChannels(Protocol):
    """Screen, console and agent of a guest."""

    async def screenshot(self, vm_id: str, *, deadline: float = 15.0) -> Screenshot:
        """A picture of the first display, at most 64 MiB. Raises: VMNotRunning."""
        ...

    async def guest_agent(self, vm_id: str, command: Mapping[str, Any], timeout: float) -> Any:
        """One guest agent command (`{"execute": "guest-ping"}`); the value of its `return`.

        timeout: seconds the agent has, at least 1. Raises: VMNotRunning, GuestAgentError.
        """
        ...

    async def guest_info(self, vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        """libvirt's flat keys (`os.id`, `user.0.name`, `fs.count` ...) of what this guest agent can tell.

        Raises: VMNotRunning, GuestAgentError.
        """
        ...

    async def open_console(self, vm_id: str, *, deadline: float = 10.0) -> ConsoleStream:
        """Attach to the serial console. Raises: VMNotRunning, VMBusy when another session has it."""
        ...


class HostView(Protocol):
    """The hypervisor itself and the statistics of all its domains."""

    async def bulk_stats(self, groups: StatsGroup = ALL_STATS, *, deadline: float = 10.0) -> BulkSample:
        """One sweep over all active domains; hung ones are named and never keep the others from it."""
        ...

    async def control_info(self, vm_id: str, *, deadline: float = 5.0) -> ControlInfo:
        """Whether QEMU answers libvirt. Never waits for QEMU. Raises: VMNotRunning."""
        ...

    async def capabilities_xml(self, *, deadline: float = 30.0) -> str:
        """libvirt's host capabilities. The first call after libvirtd's start may probe QEMU for seconds."""
        ...

    async def domain_capabilities_xml(
        self, *, arch: str = "x86_64", virt_type: str | None = None, deadline: float = 30.0
    ) -> str:
        """libvirt's domain capabilities; virt_type None: the best the host has."""
        ...

    async def versions(self, *, deadline: float = 5.0) -> Versions:
        """Versions of libvirtd's library and of QEMU."""
        ...


class Hypervisor(DomainLifecycle, DomainConfiguration, GuestChannels, HostView, Protocol):
    """All of it, with its own start and end."""

    @property
    def connected(self) -> bool:
        """libvirtd answers and events flow."""
        ...

    def subscribe(self, callback: EventCallback) -> Callable[[], None]:
        """Every event from now on goes, in order and on the loop, to `callback`; the result ends that.

        The callback may neither block nor raise.
        """
        ...

    async def open(self) -> None:
        """Begin to connect, and keep connected from now on; returns at once, an event tells when it is."""
        ...

    async def close(self) -> None:
        """End everything; calls under way are abandoned."""
        ...


__all__ = [
    "ALL_STATS",
    "PASSIVE_STATS",
    "AgentConnected",
    "BalloonChanged",
    "BulkSample",
    "ConnectionLost",
    "ConnectionRestored",
    "ConsoleStream",
    "ControlInfo",
    "ControlState",
    "CrashReason",
    "Crashed",
    "Defined",
    "DeviceAdded",
    "DeviceRemovalFailed",
    "DeviceRemoved",
    "DomainConfiguration",
    "DomainEvent",
    "DomainLifecycle",
    "DomainRecord",
    "DomainState",
    "EventCallback",
    "Graphics",
    "GraphicsPhase",
    "GuestChannels",
    "GuestInfoKind",
    "HostView",
    "Hypervisor",
    "HypervisorEvent",
    "IoError",
    "IoErrorAction",
    "LifecycleAction",
    "PausedReason",
    "PmSuspended",
    "PmWakeup",
    "Rebooted",
    "Resumed",
    "ResumedReason",
    "RtcChanged",
    "RunState",
    "Screenshot",
    "Shutdown",
    "ShutdownCause",
    "ShutdownExplained",
    "ShutdownMode",
    "ShutdownReason",
    "ShutoffReason",
    "Started",
    "StartedReason",
    "StatsGroup",
    "Stopped",
    "StoppedReason",
    "Suspended",
    "SuspendedReason",
    "TrayChanged",
    "Undefined",
    "Versions",
    "WatchdogAction",
    "WatchdogFired",
]
