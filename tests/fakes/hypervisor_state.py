"""What the fake hypervisor keeps: its domains, its faults, its subscribers; and how each domain changes."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from vdsm.adapters.libvirt.hypervisor import (
    AgentConnected,
    ConnectionLost,
    ConnectionRestored,
    DomainRecord,
    DomainState,
    EventCallback,
    HypervisorEvent,
    IoError,
    IoErrorAction,
    LifecycleAction,
    PausedReason,
    Rebooted,
    RunState,
    Shutdown,
    ShutdownCause,
    ShutdownExplained,
    ShutdownReason,
    ShutoffReason,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
)
from vdsm.common.errors import (
    BackendTimeout,
    LibvirtError,
    LibvirtGone,
    MonitorUnresponsive,
    NoSuchVM,
    VdsmError,
    VMNotRunning,
)

_STOPPED_BY = {
    StoppedReason.SHUTDOWN: ShutoffReason.SHUTDOWN,
    StoppedReason.DESTROYED: ShutoffReason.DESTROYED,
    StoppedReason.CRASHED: ShutoffReason.CRASHED,
    StoppedReason.MIGRATED: ShutoffReason.MIGRATED,
    StoppedReason.SAVED: ShutoffReason.SAVED,
    StoppedReason.FAILED: ShutoffReason.FAILED,
}


@dataclass
class FakeDomain:
    """One domain: stored and live definition, run state, and how its guest behaves."""

    vm_id: str
    name: str
    config: etree._Element
    state: DomainState = field(default_factory=lambda: DomainState(RunState.SHUTOFF))
    live: etree._Element | None = None
    libvirt_id: int | None = None
    persistent: bool = True
    started_at: float = 0.0
    obeys_acpi: bool = False
    agent: dict[str, Any] | None = None
    guest_info: dict[str, Any] = field(default_factory=dict)
    on_reboot: LifecycleAction = LifecycleAction.RESTART
    console: Any = None
    hung: asyncio.Event | None = None
    hung_since: float | None = None

    @property
    def current(self) -> etree._Element:
        """The live definition if it runs, or the stored one."""
        return self.config if self.live is None else self.live

    def record(self) -> DomainRecord:
        """The domain as the list shows it."""
        return DomainRecord(self.vm_id, self.name, self.state, self.libvirt_id)


def parse_definition(xml: str) -> FakeDomain:
    """A shut-off domain of this XML. Raises: LibvirtError."""
    try:
        root = etree.fromstring(xml.encode())
    except etree.XMLSyntaxError as err:
        raise LibvirtError(operation="define", vm_id="", cause=str(err), libvirt_code=27) from err
    name, uuid = root.findtext("name"), root.findtext("uuid")
    if root.tag != "domain" or not name or not uuid:
        raise LibvirtError(operation="define", vm_id=uuid or "", cause="XML error", libvirt_code=27)
    return FakeDomain(uuid.strip(), name.strip(), root)


class FakeState:
    """The store under the fake. `faults` and `guests` change it from a test."""

    def __init__(self) -> None:
        self.domains: dict[str, FakeDomain] = {}
        self.connected = False
        self.calls: list[tuple[str, str]] = []
        self.failures: dict[str, list[VdsmError]] = {}
        self.delays: dict[str, float] = {}
        self._subscribers: list[EventCallback] = []
        self._last_id = 0

    def subscribe(self, callback: EventCallback) -> Callable[[], None]:
        """As the protocol's."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback) if callback in self._subscribers else None

    def emit(self, event: HypervisorEvent) -> None:
        """Deliver on the loop, later and in order, as the real one does; nothing without a connection."""
        if not self.connected and not isinstance(event, ConnectionLost):
            return
        for callback in tuple(self._subscribers):
            asyncio.get_running_loop().call_soon(callback, event)

    def domain(self, vm_id: str) -> FakeDomain:
        """Raises: NoSuchVM."""
        if vm_id not in self.domains:
            raise NoSuchVM(vm_id=vm_id)
        return self.domains[vm_id]

    async def enter(
        self, operation: str, vm_id: str, deadline: float, *, running: bool = False, monitor: bool = False
    ) -> FakeDomain:
        """The start of every call about one domain: connection, injected faults, existence, state, monitor."""
        await self.admit(operation, vm_id, deadline)
        found = self.domain(vm_id)
        if running and not found.state.active:
            raise VMNotRunning(vm_id=vm_id, operation=operation, state=found.state.run.name)
        if monitor and found.hung is not None:
            await self._wait_for_monitor(found, operation, deadline)
        return found

    async def admit(self, operation: str, vm_id: str, deadline: float) -> None:
        """The start of every call: connection and injected faults."""
        self.calls.append((operation, vm_id))
        await asyncio.sleep(0)
        if not self.connected:
            raise LibvirtGone(operation=operation)
        if pending := self.failures.get(operation):
            raise pending.pop(0)
        delay = self.delays.get(operation, 0.0)
        await asyncio.sleep(min(delay, deadline))
        if delay > deadline:
            raise BackendTimeout(backend="libvirt", operation=operation, timeout=deadline)

    async def _wait_for_monitor(self, found: FakeDomain, operation: str, deadline: float) -> None:
        assert found.hung is not None
        if found.hung_since is not None:
            since = time.monotonic() - found.hung_since
            raise MonitorUnresponsive(vm_id=found.vm_id, operation=operation, since=round(since, 1))
        try:
            await asyncio.wait_for(found.hung.wait(), deadline)
        except TimeoutError as err:
            found.hung_since = time.monotonic()
            raise BackendTimeout(backend="libvirt", operation=operation, timeout=deadline) from err

    def run(self, found: FakeDomain, state: DomainState) -> None:
        """Give it a QEMU."""
        self._last_id += 1
        found.live = copy.deepcopy(found.config)
        found.live.set("id", str(self._last_id))
        found.libvirt_id = self._last_id
        found.started_at = time.monotonic()
        found.state = state

    def stop(self, found: FakeDomain, reason: StoppedReason) -> None:
        """Take its QEMU away and say so."""
        if found.hung is not None:
            found.hung.set()
        found.hung, found.hung_since, found.live, found.libvirt_id = None, None, None, None
        found.agent = None
        found.state = DomainState(RunState.SHUTOFF, _STOPPED_BY.get(reason, ShutoffReason.UNKNOWN))
        if found.console is not None:
            found.console.end()
        if not found.persistent:
            del self.domains[found.vm_id]
        self.emit(Stopped(found.vm_id, reason))


class Faults:
    """What can go wrong, by a test's will."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def hang_monitor(self, vm_id: str) -> None:
        """This VM's QEMU answers no more; destroy still works."""
        self._state.domain(vm_id).hung = asyncio.Event()

    def release_monitor(self, vm_id: str) -> None:
        """It answers again; calls that waited go on."""
        found = self._state.domain(vm_id)
        if found.hung is not None:
            found.hung.set()
        found.hung, found.hung_since = None, None

    def lose_connection(self) -> None:
        """libvirtd is gone; domains run on."""
        if self._state.connected:
            self._state.connected = False
            self._state.emit(ConnectionLost("injected"))

    def restore_connection(self) -> None:
        """libvirtd is back."""
        self._state.connected = True
        self._state.emit(ConnectionRestored())

    def fail_next(self, operation: str, error: VdsmError) -> None:
        """The next call of this method raises."""
        self._state.failures.setdefault(operation, []).append(error)

    def delay(self, operation: str, seconds: float) -> None:
        """Every call of this method takes so long from now on."""
        self._state.delays[operation] = seconds


class Guests:
    """The other side: what guests and QEMU do by themselves."""

    def __init__(self, state: FakeState) -> None:
        self._state = state

    def obey_acpi(self, vm_id: str) -> None:
        """From now on the power button is heard."""
        self._state.domain(vm_id).obeys_acpi = True

    def power_off(
        self,
        vm_id: str,
        reason: ShutdownReason = ShutdownReason.GUEST,
        cause: ShutdownCause = ShutdownCause.GUEST_SHUTDOWN,
    ) -> None:
        """The guest finishes."""
        found = self._state.domain(vm_id)
        self._state.emit(ShutdownExplained(vm_id, cause))
        found.state = DomainState(RunState.SHUTDOWN)
        self._state.emit(Shutdown(vm_id, reason))
        self._state.stop(found, StoppedReason.SHUTDOWN)

    def reboot(self, vm_id: str) -> None:
        """The guest resets itself."""
        found = self._state.domain(vm_id)
        if found.on_reboot is LifecycleAction.DESTROY:
            self.power_off(vm_id, cause=ShutdownCause.GUEST_RESET)
        else:
            self._state.emit(Rebooted(vm_id))

    def terminate(self, vm_id: str) -> None:
        """Somebody on the host sends QEMU a SIGTERM."""
        self.power_off(vm_id, ShutdownReason.HOST, ShutdownCause.HOST_SIGNAL)

    def crash(self, vm_id: str) -> None:
        """QEMU dies."""
        self._state.stop(self._state.domain(vm_id), StoppedReason.CRASHED)

    def io_error(self, vm_id: str, *, alias: str, path: str, reason: str = "enospc") -> None:
        """A disk fails and QEMU pauses."""
        self._state.emit(IoError(vm_id, path, alias, IoErrorAction.PAUSE, reason))
        self._state.domain(vm_id).state = DomainState(RunState.PAUSED, PausedReason.IOERROR)
        self._state.emit(Suspended(vm_id, SuspendedReason.IOERROR))

    def connect_agent(self, vm_id: str, replies: Mapping[str, Any], info: Mapping[str, Any]) -> None:
        """The agent appears; `replies` by command name (an error there is raised), `info` as guest_info."""
        found = self._state.domain(vm_id)
        found.agent, found.guest_info = dict(replies), dict(info)
        self._state.emit(AgentConnected(vm_id, connected=True))

    def disconnect_agent(self, vm_id: str) -> None:
        """The agent goes."""
        self._state.domain(vm_id).agent = None
        self._state.emit(AgentConnected(vm_id, connected=False))

    def emit(self, event: HypervisorEvent) -> None:
        """Any other event."""
        self._state.emit(event)
