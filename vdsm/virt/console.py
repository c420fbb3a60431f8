"""A VM's serial console, relayed between a local tool and libvirt's stream."""

from __future__ import annotations

import asyncio
from typing import Protocol

from vdsm.adapters.libvirt.hypervisor import ConsoleStream, Hypervisor
from vdsm.common.context import Peer
from vdsm.common.errors import VdsmError
from vdsm.virt.vms import Vms


class Terminal(Protocol):
    """The tool's end."""

    async def read(self) -> bytes:
        """What was typed; empty when the tool is gone."""

    async def write(self, data: bytes) -> None:
        """Show `data`; waits while the tool does not read."""


class VmConsole:
    """Opens consoles; one session per VM at a time."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor) -> None:
        self._vms = vms
        self._hypervisor = hypervisor

    async def open(self, vm_id: str, _peer: Peer) -> ConsoleStream:
        """The VM's console. Raises: NoSuchVM, VMNotRunning, WrongState, VMBusy, OperationUnsupported."""
        vm = self._vms.get(vm_id, "console")
        vm.check_legal("open the console of")
        return await self._hypervisor.open_console(vm.vm_id)


async def relay(console: ConsoleStream, terminal: Terminal) -> None:
    """Carry bytes both ways until one end is gone; the console is closed in any case."""

    async def out() -> None:
        while data := await console.read():
            await terminal.write(data)

    async def typed() -> None:
        while data := await terminal.read():
            await console.write(data)

    tasks = {asyncio.ensure_future(out()), asyncio.ensure_future(typed())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await console.close()
    for result in results:
        if isinstance(result, Exception) and not isinstance(result, VdsmError | OSError):
            raise result
