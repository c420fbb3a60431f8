"""A hypervisor under test with what surrounds it: its guests can hang, its daemon can die. One fake, one real."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from devhost.libvirtd import PrivateLibvirtd
from tests.fakes.hypervisor import FakeHypervisor
from vdsm.adapters.libvirt.connection import ConnectionSettings
from vdsm.adapters.libvirt.hypervisor import Hypervisor, HypervisorEvent
from vdsm.adapters.libvirt.libvirt_hypervisor import LibvirtHypervisor
from vdsm.adapters.libvirt.sampler import SamplerSettings

E = TypeVar("E", bound=HypervisorEvent)

URI = "http://ovirt.org/vm/1.0"
PREFIX = "ovirt-vm"


def name_of(vm_id: str) -> str:
    """The domain's name."""
    return f"vm-{vm_id[:8]}"


def bios_only_xml(vm_id: str) -> str:
    """The smallest domain that real QEMU starts: a BIOS, a screen, a serial console, no disk."""
    return f"""
<domain type="qemu">
  <name>{name_of(vm_id)}</name><uuid>{vm_id}</uuid>
  <memory unit="MiB">16</memory><vcpu>1</vcpu>
  <os><type arch="x86_64" machine="pc">hvm</type><bios useserial="yes"/></os><features><acpi/></features>
  <devices>
    <controller type="usb" model="none"/>
    <serial type="pty"/><console type="pty"/>
    <graphics type="vnc" autoport="yes" passwd="first"/>
    <video><model type="vga"/></video>
  </devices>
</domain>"""


class Bed(Protocol):
    """What a case may do besides calling the hypervisor."""

    hypervisor: Hypervisor
    events: Events

    def hang(self, vm_id: str) -> None:
        """Its QEMU answers no more."""

    def release(self, vm_id: str) -> None:
        """It answers again."""

    async def kill_daemon(self) -> None:
        """libvirtd dies."""

    async def start_daemon(self) -> None:
        """libvirtd is back."""


class Events:
    """Every event of a hypervisor, in order, to be waited for."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self.seen: list[HypervisorEvent] = []
        self._news = asyncio.Event()
        self.end = hypervisor.subscribe(self._take)

    def _take(self, event: HypervisorEvent) -> None:
        self.seen.append(event)
        self._news.set()

    async def wait(self, kind: type[E], matches: Callable[[E], Any] = lambda _: True, *, seconds: float = 20.0) -> E:
        """The first such event, come or to come."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.seen:
                    if isinstance(event, kind) and matches(event):
                        return event
                self._news.clear()
                await self._news.wait()

    def of(self, vm_id: str) -> list[HypervisorEvent]:
        """Those of one VM."""
        return [event for event in self.seen if getattr(event, "vm_id", None) == vm_id]

    def clear(self) -> None:
        """Forget."""
        self.seen.clear()


class FakeBed:
    """The fake."""

    def __init__(self) -> None:
        self.fake = FakeHypervisor()
        self.hypervisor: Hypervisor = self.fake
        self.events = Events(self.fake)

    def hang(self, vm_id: str) -> None:
        self.fake.faults.hang_monitor(vm_id)

    def release(self, vm_id: str) -> None:
        self.fake.faults.release_monitor(vm_id)

    async def kill_daemon(self) -> None:
        self.fake.faults.lose_connection()

    async def start_daemon(self) -> None:
        self.fake.faults.restore_connection()

    async def close(self) -> None:
        """End it."""
        await self.fake.close()


class RealBed:
    """libvirtd of our own and real QEMUs."""

    def __init__(self, daemon: PrivateLibvirtd) -> None:
        self.daemon = daemon
        self.real = LibvirtHypervisor(ConnectionSettings(daemon.uri), SamplerSettings(base=1.0))
        self.hypervisor: Hypervisor = self.real
        self.events = Events(self.real)
        self._hung: set[int] = set()

    def hang(self, vm_id: str) -> None:
        pid = self.daemon.qemu_pids()[name_of(vm_id)]
        os.kill(pid, signal.SIGSTOP)
        self._hung.add(pid)

    def release(self, vm_id: str) -> None:
        pid = self.daemon.qemu_pids()[name_of(vm_id)]
        os.kill(pid, signal.SIGCONT)
        self._hung.discard(pid)

    async def kill_daemon(self) -> None:
        await asyncio.to_thread(self.daemon.kill)

    async def start_daemon(self) -> None:
        await asyncio.to_thread(self.daemon.start)

    async def close(self) -> None:
        """Let every QEMU go on, so that the VMs' clean-up is quick, and end it."""
        for pid in self._hung & set(self.daemon.qemu_pids().values()):
            os.kill(pid, signal.SIGCONT)
        await asyncio.to_thread(self.daemon.start)
        await self.real.close()


async def eventually(check: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first truth of an asynchronous check that is asked again and again."""
    deadline = time.monotonic() + seconds
    while not (found := await check()):
        assert time.monotonic() < deadline, f"not so within {seconds} s: {check}"
        await asyncio.sleep(0.05)
    return found
