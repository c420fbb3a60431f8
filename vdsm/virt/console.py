"""A VM's serial console, relayed between a local tool and libvirt's stream; one session per VM at a time."""

from __future__ import annotations

import asyncio

from vdsm.adapters.libvirt.hypervisor import ConsoleStream, Hypervisor
from vdsm.common.context import Peer
from vdsm.common.errors import LibvirtError
from vdsm.virt.vms import Vms

READ_BYTES = 16 * 1024


class VmConsole:
    """Serves connections that ask for a console."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor) -> None:
        self._vms = vms
        self._hypervisor = hypervisor

    async def serve(self, vm_id: str, _peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer `OK` and relay until one end is gone.

        Raises, before the answer: NoSuchVM, VMNotRunning, WrongState, VMBusy, OperationUnsupported.
        """
        vm = self._vms.get(vm_id, "open the console")
        vm.check_legal("open the console of")
        console = await self._hypervisor.open_console(vm.vm_id)
        try:
            writer.write(b"OK\n")
            await _relay(console, reader, writer)
        finally:
            await console.close()


async def _relay(console: ConsoleStream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def shown() -> None:
        while data := await console.read():
            writer.write(data)
            await writer.drain()

    async def typed() -> None:
        while data := await reader.read(READ_BYTES):
            await console.write(data)

    tasks = {asyncio.ensure_future(shown()), asyncio.ensure_future(typed())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        # a console that ends, or a tool that leaves, is how every session is over
        if isinstance(end, Exception) and not isinstance(end, LibvirtError | OSError):
            raise end
