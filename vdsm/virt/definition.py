"""What the agent writes into, and reads back from, a VM's libvirt definition.

The definition is the only recovery store: exit code and reason, intentions, start time live in its metadata. What
cannot be written now stays on the VM and is written when it is looked up again (recovery.py).
"""

from __future__ import annotations

import logging

from vdsm.adapters.libvirt.hypervisor import Hypervisor
from vdsm.common.errors import NoSuchVM, VdsmError
from vdsm.virt.domain_xml.metadata import (
    EXIT_CODE,
    EXIT_MESSAGE,
    EXIT_REASON,
    SHUTDOWN_REASON,
    VM_NAMESPACE,
    VM_PREFIX,
    Changes,
    VmMetadata,
)
from vdsm.virt.domain_xml.prepare import epitaph
from vdsm.virt.status import ExitCode, ExitReason
from vdsm.virt.vm import Exit, Vm

log = logging.getLogger(__name__)


class Definition:
    """Reads and writes definitions of VMs; every call runs in the VM's actor."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self._hypervisor = hypervisor

    async def save(self, vm: Vm, changes: Changes) -> None:
        """Store values in the VM's metadata; on an error nothing is kept. Raises: as Hypervisor.set_metadata."""
        await self._store(vm, vm.metadata.with_values(changes))

    async def keep(self, vm: Vm, changes: Changes) -> None:
        """Take values for true at once, and store them now or, when libvirt cannot, later."""
        vm.metadata = vm.metadata.with_values(changes)
        vm.unsaved = True
        await self.save_pending(vm)

    async def save_pending(self, vm: Vm) -> None:
        """Store what could not be stored before."""
        if not vm.unsaved:
            return
        if not vm.defined:
            vm.unsaved = False
            return
        try:
            await self._store(vm, vm.metadata)
        except NoSuchVM:
            vm.unsaved = False
            await self._define_epitaph(vm)
        except VdsmError as error:
            vm.needs_lookup = True
            log.warning("VM %s: its metadata could not be stored yet: %s", vm.vm_id, error)

    async def _define_epitaph(self, vm: Vm) -> None:
        """libvirt refused the VM's definition: keep why in the smallest one that it takes, until VM.destroy."""
        if vm.exit is None or vm.exit.reason is not ExitReason.START_FAILED:
            log.info("VM %s has no definition that could keep its metadata", vm.vm_id)
            return
        try:
            await self._hypervisor.define(epitaph(vm.vm_id, vm.name, vm.metadata))
        except VdsmError as error:
            log.warning("VM %s: why it did not start will be lost with the agent: %s", vm.vm_id, error)

    async def save_exit(self, vm: Vm, ended: Exit) -> None:
        """Store why the VM is down, so that it outlives the agent."""
        await self.keep(vm, {EXIT_CODE: int(ended.code), EXIT_REASON: int(ended.reason), EXIT_MESSAGE: ended.message})

    async def forget_exit(self, vm: Vm) -> None:
        """The VM runs again, so what ended its earlier life is over."""
        await self.keep(vm, {EXIT_CODE: None, EXIT_REASON: None, EXIT_MESSAGE: None, SHUTDOWN_REASON: None})

    async def forget_shutdown(self, vm: Vm) -> None:
        """The guest did not shut down: the VM is up, and what its guest does later is its user's doing."""
        await self.keep(vm, {SHUTDOWN_REASON: None})
        vm.stay_up()

    async def refresh(self, vm: Vm) -> None:
        """Take the live definition, for dumpxmls and the devices' hash; the last one stays when this fails."""
        try:
            vm.take_xml(await self._hypervisor.domain_xml(vm.vm_id))
        except VdsmError as error:
            log.info("VM %s: keeping the definition as it was known: %s", vm.vm_id, error)

    async def _store(self, vm: Vm, metadata: VmMetadata) -> None:
        await self._hypervisor.set_metadata(vm.vm_id, metadata.to_text(), uri=VM_NAMESPACE, prefix=VM_PREFIX)
        vm.metadata = metadata
        vm.unsaved = False


def stored_exit(metadata: VmMetadata) -> Exit | None:
    """Why the VM went down, if its metadata says so."""
    code, reason = metadata.number(EXIT_CODE), metadata.number(EXIT_REASON)
    if code is None or reason is None:
        return None
    try:
        return Exit(ExitCode(int(code)), ExitReason(int(reason)), metadata.text(EXIT_MESSAGE) or "")
    except (ValueError, OverflowError):
        return Exit(ExitCode.ERROR, ExitReason.GENERIC_ERROR, metadata.text(EXIT_MESSAGE) or "")
