"""What the agent writes into, and reads back from, a VM's domain in libvirt.

The definition is the only recovery store: exit code and reason, intentions, start time live in its metadata. A write
that fails is remembered on the VM and repeated when libvirt is back.
"""

from __future__ import annotations

import logging

from vdsm.adapters.libvirt.hypervisor import Hypervisor, RunState
from vdsm.common.errors import LibvirtGone, NoSuchVM, VdsmError
from vdsm.virt.domain_xml.metadata import (
    EXIT_CODE,
    EXIT_MESSAGE,
    EXIT_REASON,
    VM_NAMESPACE,
    VM_PREFIX,
    Changes,
    VmMetadata,
)
from vdsm.virt.status import ExitCode, ExitReason
from vdsm.virt.vm import Exit, Vm

log = logging.getLogger(__name__)


class Definition:
    """Reads and writes definitions of VMs; every call runs in the VM's actor."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self._hypervisor = hypervisor

    async def save(self, vm: Vm, changes: Changes) -> None:
        """Store values in the VM's metadata, and keep them on the VM. Raises: as Hypervisor.set_metadata."""
        vm.metadata = vm.metadata.with_values(changes)
        await self._hypervisor.set_metadata(vm.vm_id, vm.metadata.to_text(), uri=VM_NAMESPACE, prefix=VM_PREFIX)

    async def save_exit(self, vm: Vm, ended: Exit) -> None:
        """Store why the VM is down, so that it outlives the agent; what fails is repeated by `save_pending`."""
        changes: Changes = {
            EXIT_CODE: int(ended.code),
            EXIT_REASON: int(ended.reason),
            EXIT_MESSAGE: ended.message,
        }
        try:
            await self.save(vm, changes)
        except NoSuchVM:
            log.info("VM %s has no definition to keep its exit reason in: %s", vm.vm_id, ended.message)
        except LibvirtGone:
            vm.needs_lookup = True
        except VdsmError as error:
            vm.needs_lookup = True
            log.warning("VM %s: its exit reason could not be stored yet: %s", vm.vm_id, error)

    async def refresh(self, vm: Vm) -> None:
        """Take the live definition, for dumpxmls and the devices' hash; the last one stays when this fails."""
        try:
            vm.take_xml(await self._hypervisor.domain_xml(vm.vm_id))
        except VdsmError as error:
            log.info("VM %s: keeping the definition as it was known: %s", vm.vm_id, error)

    async def is_paused(self, vm: Vm) -> bool | None:
        """Whether the guest's CPUs are stopped now, as libvirt says; None when it cannot be asked or QEMU is gone."""
        try:
            state = await self._hypervisor.state(vm.vm_id)
        except VdsmError as error:
            log.info("VM %s: its state is not known now: %s", vm.vm_id, error)
            return None
        return state.run is RunState.PAUSED if state.active else None


def stored_exit(metadata: VmMetadata) -> Exit | None:
    """Why the VM went down, if its metadata says so."""
    code, reason = metadata.number(EXIT_CODE), metadata.number(EXIT_REASON)
    if code is None or reason is None:
        return None
    try:
        return Exit(ExitCode(int(code)), ExitReason(int(reason)), metadata.text(EXIT_MESSAGE) or "")
    except ValueError:
        return Exit(ExitCode.ERROR, ExitReason.GENERIC_ERROR, metadata.text(EXIT_MESSAGE) or "")
