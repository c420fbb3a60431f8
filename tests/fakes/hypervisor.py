"""An in-memory hypervisor with the semantics of libvirt and QEMU that the agent relies on, and with faults.

It passes the contract tests of the real one. Tests drive the guest's side through `guests` and what goes wrong
through `faults`; `calls` lists every call. A `replay` callable may serve recorded statistics.
"""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from tests.fakes.hypervisor_state import FakeDomain, FakeState, Faults, Guests, parse_definition
from vdsm.adapters.libvirt.hypervisor import (
    ALL_STATS,
    BulkSample,
    ConnectionRestored,
    ConsoleStream,
    ControlInfo,
    ControlState,
    Defined,
    DomainRecord,
    DomainState,
    EventCallback,
    GuestInfoKind,
    LifecycleAction,
    PausedReason,
    Rebooted,
    Resumed,
    RunState,
    Screenshot,
    Shutdown,
    ShutdownCause,
    ShutdownExplained,
    ShutdownMode,
    ShutdownReason,
    Started,
    StatsGroup,
    StoppedReason,
    Suspended,
    Undefined,
    Versions,
)
from vdsm.common.errors import (
    GuestAgentError,
    LibvirtError,
    OperationUnsupported,
    VdsmError,
    VMBusy,
    WrongState,
)

Replay = Callable[[StatsGroup], Mapping[str, Mapping[str, Any]]]

_PIXEL_PPM = b"P6\n1 1\n255\n\x00\x00\x00"


class FakeConsole:
    """A console whose guest echoes."""

    def __init__(self, domain: FakeDomain) -> None:
        self._domain = domain
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._ended = False

    async def read(self) -> bytes:
        """What the guest echoed."""
        if self._ended and self._incoming.empty():
            return b""
        return await self._incoming.get()

    async def write(self, data: bytes) -> None:
        """Echo."""
        if self._ended:
            raise LibvirtError(operation="write to the console", vm_id=self._domain.vm_id, cause="ended")
        self._incoming.put_nowait(data)

    async def close(self) -> None:
        """End it and give the console free."""
        self.end()

    def show(self, data: bytes) -> None:
        """The guest prints."""
        self._incoming.put_nowait(data)

    def end(self) -> None:
        """The guest is gone, or the session is."""
        self._ended = True
        self._incoming.put_nowait(b"")
        if self._domain.console is self:
            self._domain.console = None


class _Lifecycle(FakeState):
    async def list_domains(self, *, deadline: float = 10.0) -> list[DomainRecord]:
        await self.admit("list_domains", "", deadline)
        return [found.record() for found in self.domains.values()]

    async def state(self, vm_id: str, *, deadline: float = 5.0) -> DomainState:
        return (await self.enter("state", vm_id, deadline)).state

    async def define(self, xml: str, *, deadline: float = 10.0) -> str:
        await self.admit("define", "", deadline)
        new = parse_definition(xml)
        old = self.domains.get(new.vm_id)
        if any((o.name == new.name) != (o.vm_id == new.vm_id) for o in self.domains.values()):
            raise LibvirtError(operation="define", vm_id=new.vm_id, cause="name exists", libvirt_code=9)
        if old is None:
            self.domains[new.vm_id] = new
        else:
            old.config, old.persistent = new.config, True
        self.emit(Defined(new.vm_id))
        return new.vm_id

    async def undefine(self, vm_id: str, *, deadline: float = 10.0) -> None:
        found = await self.enter("undefine", vm_id, deadline)
        found.persistent = False
        if not found.state.active:
            del self.domains[vm_id]
        self.emit(Undefined(vm_id))

    async def start(self, vm_id: str, *, paused: bool = False, flags: int = 0, deadline: float = 120.0) -> None:
        del flags
        found = await self.enter("start", vm_id, deadline)
        if found.state.active:
            raise WrongState(vm_id=vm_id, operation="start", state=found.state.run.name)
        if paused:
            self.run(found, DomainState(RunState.PAUSED, PausedReason.USER))
            self.emit(Started(vm_id))
            self.emit(Suspended(vm_id))
        else:
            self.run(found, DomainState(RunState.RUNNING, 1))
            self.emit(Resumed(vm_id))
            self.emit(Started(vm_id))

    async def destroy(self, vm_id: str, *, graceful: bool = False, deadline: float = 45.0) -> None:
        found = await self.enter("destroy", vm_id, deadline, running=True)
        if graceful and found.hung is not None:
            raise LibvirtError(operation="destroy", vm_id=vm_id, cause="still busy", libvirt_code=38)
        if found.hung is None:
            self.emit(ShutdownExplained(vm_id, ShutdownCause.HOST_SIGNAL))
            self.emit(Shutdown(vm_id, ShutdownReason.HOST))
        self.stop(found, StoppedReason.DESTROYED)

    async def suspend(self, vm_id: str, *, deadline: float = 10.0) -> None:
        found = await self.enter("suspend", vm_id, deadline, running=True, monitor=True)
        if found.state.run is not RunState.PAUSED:
            found.state = DomainState(RunState.PAUSED, PausedReason.USER)
            self.emit(Suspended(vm_id))

    async def resume(self, vm_id: str, *, deadline: float = 30.0) -> None:
        found = await self.enter("resume", vm_id, deadline, running=True, monitor=True)
        if found.state.run is RunState.RUNNING:
            raise WrongState(vm_id=vm_id, operation="resume", state=found.state.run.name)
        found.state = DomainState(RunState.RUNNING, 5)
        self.emit(Resumed(vm_id))
        if found.console is not None:
            found.console.show(b"SeaBIOS\r\n")

    async def reset(self, vm_id: str, *, deadline: float = 10.0) -> None:
        found = await self.enter("reset", vm_id, deadline, running=True, monitor=True)
        if found.on_reboot is LifecycleAction.DESTROY:
            Guests(self).power_off(vm_id, ShutdownReason.HOST, ShutdownCause.HOST_RESET)
        else:
            self.emit(Rebooted(vm_id))

    async def reboot(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        found = await self.enter("reboot", vm_id, deadline, running=True, monitor=True)
        if mode is ShutdownMode.ACPI and found.state.run is not RunState.RUNNING:
            raise WrongState(vm_id=vm_id, operation="reboot", state=found.state.run.name)
        if mode is ShutdownMode.AGENT and found.agent is None:
            raise GuestAgentError(vm_id=vm_id, operation="reboot", cause="agent is not connected")
        if mode is ShutdownMode.AGENT or found.obeys_acpi:
            Guests(self).reboot(vm_id)

    async def shutdown(self, vm_id: str, mode: ShutdownMode, *, deadline: float = 15.0) -> None:
        found = await self.enter("shutdown", vm_id, deadline, running=True, monitor=True)
        if mode is ShutdownMode.ACPI and found.state.run is not RunState.RUNNING:
            raise WrongState(vm_id=vm_id, operation="shutdown", state=found.state.run.name)
        if mode is ShutdownMode.AGENT and found.agent is None:
            raise GuestAgentError(vm_id=vm_id, operation="shutdown", cause="agent is not connected")
        if mode is ShutdownMode.AGENT or found.obeys_acpi:
            Guests(self).power_off(vm_id, ShutdownReason.GUEST)


class _Configuration(FakeState):
    async def domain_xml(
        self, vm_id: str, *, inactive: bool = False, secure: bool = False, deadline: float = 10.0
    ) -> str:
        found = await self.enter("domain_xml", vm_id, deadline)
        root = copy.deepcopy(found.config if inactive else found.current)
        if not secure:
            for graphics in root.iterfind("devices/graphics"):
                graphics.attrib.pop("passwd", "")
        return etree.tostring(root, encoding="unicode")

    async def metadata(self, vm_id: str, uri: str, *, deadline: float = 5.0) -> str | None:
        found = await self.enter("metadata", vm_id, deadline)
        element = found.current.find(f"metadata/{{{uri}}}*")
        if element is None:
            return None
        plain = copy.deepcopy(element)
        for node in plain.iter():
            if etree.QName(node).namespace == uri:
                node.tag = etree.QName(node).localname
        etree.cleanup_namespaces(plain)
        plain.tail = None
        return etree.tostring(plain, encoding="unicode")

    async def set_metadata(
        self, vm_id: str, element: str | None, *, uri: str, prefix: str, deadline: float = 10.0
    ) -> None:
        found = await self.enter("set_metadata", vm_id, deadline, monitor=True)
        for root in filter(lambda r: r is not None, (found.config, found.live)):
            assert root is not None
            parent = root.find("metadata")
            if parent is None:
                parent = etree.SubElement(root, "metadata")
            for old in parent.findall(f"{{{uri}}}*"):
                parent.remove(old)
            if element is not None:
                parent.append(_with_namespace(element, uri, prefix))

    async def update_device(
        self, vm_id: str, xml: str, *, live: bool, config: bool, force: bool = False, deadline: float = 20.0
    ) -> None:
        del force
        found = await self.enter("update_device", vm_id, deadline, running=live, monitor=live)
        new = etree.fromstring(xml)
        match = {"disk": "target", "interface": "mac", "graphics": None}
        if new.tag not in match:
            raise OperationUnsupported(vm_id=vm_id, operation="update_device", reason=f"{new.tag} is fixed")
        for wanted, root in ((live, found.live), (config, found.config)):
            if not wanted or root is None:
                continue
            for old in root.iterfind(f"devices/{new.tag}"):
                key = match[str(new.tag)]
                if key is None or _attributes(old, key) == _attributes(new, key):
                    old.getparent().replace(old, copy.deepcopy(new))  # type: ignore[union-attr]  # found under devices
                    break
            else:
                raise OperationUnsupported(vm_id=vm_id, operation="update_device", reason="no such device")

    async def set_lifecycle_action(self, vm_id: str, *, on_reboot: LifecycleAction, deadline: float = 10.0) -> None:
        found = await self.enter("set_lifecycle_action", vm_id, deadline, monitor=True)
        found.on_reboot = on_reboot


class _Channels(FakeState):
    async def screenshot(self, vm_id: str, *, deadline: float = 15.0) -> Screenshot:
        await self.enter("screenshot", vm_id, deadline, running=True, monitor=True)
        return Screenshot("image/x-portable-pixmap", _PIXEL_PPM)

    async def guest_agent(self, vm_id: str, command: Mapping[str, Any], timeout: float) -> Any:
        found = await self.enter("guest_agent", vm_id, timeout, running=True)
        name = str(command.get("execute"))
        if found.agent is None or name not in found.agent:
            raise GuestAgentError(vm_id=vm_id, operation=name, cause="agent is not connected")
        reply = found.agent[name]
        if isinstance(reply, VdsmError):
            raise reply
        return reply

    async def guest_info(self, vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        del kinds
        found = await self.enter("guest_info", vm_id, timeout, running=True)
        if found.agent is None:
            raise GuestAgentError(vm_id=vm_id, operation="guest_info", cause="agent is not connected")
        return dict(found.guest_info)

    async def open_console(self, vm_id: str, *, deadline: float = 10.0) -> ConsoleStream:
        found = await self.enter("open_console", vm_id, deadline, running=True)
        if found.console is not None:
            raise VMBusy(vm_id=vm_id, operation="open the console of", reason="another session has it")
        console = FakeConsole(found)
        found.console = console
        return console


class FakeHypervisor(_Lifecycle, _Configuration, _Channels):
    """All of the protocol in memory."""

    def __init__(self, replay: Replay | None = None) -> None:
        super().__init__()
        self.faults = Faults(self)
        self.guests = Guests(self)
        self._replay = replay

    async def open(self) -> None:
        """Connect at once."""
        self.connected = True
        self.emit(ConnectionRestored())

    async def close(self) -> None:
        """Disconnect without an event."""
        self.connected = False

    async def bulk_stats(self, groups: StatsGroup = ALL_STATS, *, deadline: float = 10.0) -> BulkSample:
        taken_at = time.monotonic()
        await self.admit("bulk_stats", "", deadline)
        if self._replay is not None:
            records = {vm_id: dict(record) for vm_id, record in self._replay(groups).items()}
            return BulkSample(records, taken_at)
        active = [found for found in self.domains.values() if found.state.active]
        for found in active:
            if found.hung is not None and found.hung_since is None:
                found.hung_since = taken_at
        hung = {f.vm_id: taken_at - f.hung_since for f in active if f.hung_since is not None}
        return BulkSample({f.vm_id: _statistics(f) for f in active}, taken_at, hung)

    async def control_info(self, vm_id: str, *, deadline: float = 5.0) -> ControlInfo:
        found = await self.enter("control_info", vm_id, deadline, running=True)
        if found.hung_since is not None:
            return ControlInfo(ControlState.OCCUPIED, time.monotonic() - found.hung_since)
        return ControlInfo(ControlState.OK, 0.0)

    async def capabilities_xml(self, *, deadline: float = 30.0) -> str:
        await self.admit("capabilities_xml", "", deadline)
        return "<capabilities><host><cpu><arch>x86_64</arch></cpu></host></capabilities>"

    async def domain_capabilities_xml(
        self, *, arch: str = "x86_64", virt_type: str | None = None, deadline: float = 30.0
    ) -> str:
        await self.admit("domain_capabilities_xml", "", deadline)
        return f"<domainCapabilities><domain>{virt_type or 'qemu'}</domain><arch>{arch}</arch></domainCapabilities>"

    async def versions(self, *, deadline: float = 5.0) -> Versions:
        await self.admit("versions", "", deadline)
        return Versions(libvirt=9_000_000, qemu=7_002_022)

    def subscribe(self, callback: EventCallback) -> Callable[[], None]:
        """As the protocol's."""
        return super().subscribe(callback)


def _statistics(found: FakeDomain) -> dict[str, Any]:
    record: dict[str, Any] = {"state.state": int(found.state.run), "state.reason": found.state.reason}
    record |= {"cpu.time": 10_000_000, "cpu.user": 6_000_000, "cpu.system": 4_000_000, "net.count": 0}
    if found.hung is None:
        record |= {"balloon.current": 16384, "balloon.maximum": 16384, "vcpu.current": 1, "vcpu.maximum": 1}
        record |= {"block.count": 0}
    return record


def _with_namespace(element: str, uri: str, prefix: str) -> etree._Element:
    plain = etree.fromstring(element)
    root = etree.Element(f"{{{uri}}}{plain.tag}", nsmap={prefix: uri})
    root.attrib.update(plain.attrib)
    root.text = plain.text
    root.extend(plain)
    for node in root.iter():
        if isinstance(node.tag, str) and not node.tag.startswith("{"):
            node.tag = f"{{{uri}}}{node.tag}"
    return root


def _attributes(element: etree._Element, child: str) -> dict[str, str]:
    found = element.find(child)
    return {} if found is None else {str(k): str(v) for k, v in found.attrib.items()}
