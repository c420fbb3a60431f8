"""Start and end of a VM, and everything between that a manager commands: pause, continue, reset.

Each command runs in the VM's actor. What libvirt then does comes back as events (reactions.py), so a command that dies
half way leaves nothing that the next event, or recovery, does not put right.
"""

from __future__ import annotations

import logging
from typing import Any

from vdsm.adapters.libvirt.hypervisor import Hypervisor, LifecycleAction
from vdsm.common.context import CallContext
from vdsm.common.errors import (
    BackendError,
    BackendTimeout,
    DestroyFailed,
    LibvirtError,
    LibvirtGone,
    NoSuchVM,
    ResetFailed,
    VdsmError,
    VMBusy,
    VMExists,
    VMNotRunning,
    WrongState,
)
from vdsm.models.vm import VmParameters
from vdsm.virt.creation import Creation
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import DESTROY_ON_REBOOT
from vdsm.virt.settings import VirtSettings
from vdsm.virt.starting import Starting
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, StartOutcome, Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

MAX_GRACEFUL_ATTEMPTS = 3


class VmLifecycle:
    """Commands on whole VMs."""

    def __init__(
        self,
        vms: Vms,
        hypervisor: Hypervisor,
        definition: Definition,
        settings: VirtSettings,
        creation: Creation,
        starting: Starting,
    ) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition
        self._settings = settings
        self._creation = creation
        self._starting = starting

    async def create(self, params: VmParameters) -> dict[str, Any]:
        """Accept a new VM; it starts in the background and its status tells the rest.

        Raises: Recovering, MissingParameter, InvalidParameter, OperationUnsupported, VMExists.
        """
        self._vms.require_all("VM.create")
        prepared = self._creation.prepare(params)
        if self._vms.find(prepared.domain.uuid) is not None:
            raise VMExists(vm_id=prepared.domain.uuid)
        vm = self._creation.entry(prepared)
        self._vms.add(vm)
        vm.tell({})
        vm.actor.post("start", lambda: self._starting.start(vm, prepared.xml))
        return {**vm.short(), "xml": vm.xml}

    async def destroy(self, vm_id: str, graceful_attempts: int) -> None:
        """End the VM and forget it.

        A VM that cannot be ended stays in the lists. Raises: NoSuchVM, Recovering, VMBusy, DestroyFailed.
        """
        vm = self._vms.get(vm_id, "VM.destroy")
        await vm.actor.preempt("destroy", lambda: self._destroy(vm, graceful_attempts), self._settings.destroy_grace)

    async def _destroy(self, vm: Vm, graceful_attempts: int) -> None:
        if vm.status is VmStatus.WAIT_FOR_LAUNCH:
            vm.start_outcome = StartOutcome.UNWANTED
            vm.needs_lookup = True
        try:
            if vm.defined:
                await self._end_qemu(vm, 0 if vm.hung else min(graceful_attempts, MAX_GRACEFUL_ATTEMPTS))
            ended = Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Admin shut down from the engine")
            went_down = vm.set_down(ended)
            if vm.defined:
                await self._undefine(vm, ended if went_down else None)
        except BackendError as error:
            raise DestroyFailed(vm_id=vm.vm_id, cause=error.message) from error
        self._vms.remove(vm.vm_id)
        vm.actor.retire()

    async def _end_qemu(self, vm: Vm, graceful_attempts: int) -> None:
        """Raises: VdsmError when QEMU may still run."""
        try:
            if vm.status is VmStatus.DOWN and not (await self._hypervisor.state(vm.vm_id)).active:
                return
            for _ in range(graceful_attempts):
                if await self._terminate(vm):
                    return
            await self._hypervisor.destroy(vm.vm_id)
        except (NoSuchVM, VMNotRunning):
            log.info("VM %s does not run", vm.vm_id)

    async def _terminate(self, vm: Vm) -> bool:
        try:
            await self._hypervisor.destroy(vm.vm_id, graceful=True)
        except LibvirtGone:
            raise
        except (BackendError, VMBusy) as error:
            log.info("VM %s does not end on SIGTERM: %s", vm.vm_id, error)
            return False
        return True

    async def _undefine(self, vm: Vm, ended: Exit | None) -> None:
        try:
            await self._hypervisor.undefine(vm.vm_id)
        except NoSuchVM:
            log.info("VM %s has no definition to remove", vm.vm_id)
        except VdsmError:
            if ended is not None:
                await self._definition.save_exit(vm, ended)
            raise

    async def pause(self, context: CallContext, vm_id: str) -> None:
        """Stop the guest's CPUs; done already counts as done. Raises: NoSuchVM, VMNotRunning, WrongState."""
        vm = self._vms.get(vm_id, "VM.pause")

        async def suspend() -> None:
            vm.check_legal("pause")
            if vm.status is not VmStatus.PAUSED:
                await self._hypervisor.suspend(vm.vm_id, deadline=context.remaining())
                vm.set_paused(PauseCode.NONE)

        await vm.actor.run("pause", suspend, context.remaining())

    async def cont(self, context: CallContext, vm_id: str) -> None:
        """Let the guest's CPUs run; done already counts as done. Raises: NoSuchVM, VMNotRunning, WrongState."""
        vm = self._vms.get(vm_id, "VM.cont")

        async def resume() -> None:
            vm.check_legal("continue")
            if vm.status is not VmStatus.PAUSED:
                return
            try:
                await self._hypervisor.resume(vm.vm_id, deadline=context.remaining())
            except WrongState:
                log.info("VM %s runs already", vm.vm_id)
            vm.set_continued()

        await vm.actor.run("continue", resume, context.remaining())

    async def reset(self, context: CallContext, vm_id: str) -> None:
        """Pull the reset line. Raises: NoSuchVM, VMNotRunning, WrongState, ResetFailed."""
        vm = self._vms.get(vm_id, "VM.reset")

        async def reset() -> None:
            vm.check_legal("reset")
            try:
                await self._hypervisor.reset(vm.vm_id, deadline=context.remaining())
            except LibvirtError as error:
                raise ResetFailed(vm_id=vm.vm_id, cause=error.fields.get("cause", error)) from error

        await vm.actor.run("reset", reset, context.remaining())

    async def set_destroy_on_reboot(self, context: CallContext, vm_id: str) -> None:
        """From now on a reboot of the guest ends the VM, which then is down for reason 13.

        The intention is stored before libvirt acts on it, so the reason is right even after a crash in between.
        Raises: NoSuchVM, VMNotRunning, WrongState, OperationUnsupported, LibvirtError.
        """
        vm = self._vms.get(vm_id, "VM.setDestroyOnReboot")

        async def change() -> None:
            vm.check_legal("set destroy on reboot of")
            await self._definition.save(vm, {DESTROY_ON_REBOOT: True})
            try:
                await self._hypervisor.set_lifecycle_action(
                    vm.vm_id, on_reboot=LifecycleAction.DESTROY, deadline=context.remaining()
                )
            except BackendTimeout:
                raise  # it may have taken effect
            except VdsmError:
                await self._definition.keep(vm, {DESTROY_ON_REBOOT: None})
                raise

        await vm.actor.run("set destroy on reboot", change, context.remaining())
