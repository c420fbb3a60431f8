"""Start and end of a VM, and everything between that a manager commands: pause, continue, reset.

Each command runs in the VM's actor. What libvirt then does comes back as events (reactions.py), so a command that dies
half way leaves nothing that the next event, or recovery, does not put right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from vdsm.adapters.libvirt.hypervisor import Hypervisor, LifecycleAction
from vdsm.common.context import CallContext
from vdsm.common.errors import (
    BackendError,
    BackendTimeout,
    CallerError,
    CreateFailed,
    DestroyFailed,
    LibvirtError,
    LibvirtGone,
    NoSuchVM,
    OperationUnsupported,
    ResetFailed,
    VdsmError,
    VMBusy,
    VMExists,
    VMNotRunning,
)
from vdsm.models.vm import VmParameters
from vdsm.virt.creation import Creation, launches_paused
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import DESTROY_ON_REBOOT
from vdsm.virt.domain_xml.prepare import Prepared
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)


class VmLifecycle:
    """Commands on whole VMs."""

    def __init__(
        self,
        vms: Vms,
        hypervisor: Hypervisor,
        definition: Definition,
        settings: VirtSettings,
        creation: Creation,
        sample_soon: Callable[[], None],
    ) -> None:
        """`sample_soon` asks for early statistics."""
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition
        self._settings = settings
        self._creation = creation
        self._sample_soon = sample_soon

    async def create(self, params: VmParameters) -> dict[str, Any]:
        """Accept a new VM; it starts in the background and its status tells the rest.

        Raises: Recovering, MissingParameter, InvalidParameter, VMExists.
        """
        self._vms.require_all("VM.create")
        prepared = self._creation.prepare(params)
        if self._vms.find(prepared.domain.uuid) is not None:
            raise VMExists(vm_id=prepared.domain.uuid)
        vm = self._creation.entry(prepared)
        self._vms.add(vm)
        vm.tell({})
        vm.actor.post("start", lambda: self._start(vm, prepared))
        return {**vm.short(), "xml": prepared.xml}

    async def _start(self, vm: Vm, prepared: Prepared) -> None:
        paused = launches_paused(prepared)
        try:
            await self._clear_stale(vm)
            await self._hypervisor.define(prepared.xml)
            await self._hypervisor.start(vm.vm_id, paused=paused)
        except BackendTimeout as error:
            await self._stop_half_started(vm)
            await self._failed_to_start(vm, error)
        except VdsmError as error:
            await self._failed_to_start(vm, error)
        else:
            self._entered(vm, paused=paused)
            await self._definition.refresh(vm)
            self._sample_soon()

    def _entered(self, vm: Vm, *, paused: bool) -> None:
        """A QEMU of this VM runs now: powering up until its guest agent answers or a minute has passed."""
        if paused:
            vm.set_paused(PauseCode.NONE)
        else:
            vm.set_status(VmStatus.POWERING_UP)
        vm.after(self._settings.powering_up, "powering up is over", vm.set_up)

    async def _clear_stale(self, vm: Vm) -> None:
        """A shut-off definition of the same VM is left from an earlier life; a running one is not ours to touch."""
        try:
            state = await self._hypervisor.state(vm.vm_id)
        except NoSuchVM:
            return
        if state.active:
            raise CreateFailed(vm_id=vm.vm_id, cause="a domain with this id, unknown to the agent, runs already")
        await self._hypervisor.undefine(vm.vm_id)

    async def _stop_half_started(self, vm: Vm) -> None:
        """A start past its deadline may still succeed; nobody would know of that VM, so end it."""
        try:
            await self._hypervisor.destroy(vm.vm_id)
        except VdsmError as error:
            log.warning("VM %s: its start timed out, and so did ending it: %s", vm.vm_id, error)

    async def _failed_to_start(self, vm: Vm, error: VdsmError) -> None:
        message = str(error.fields.get("cause", error)) if isinstance(error, LibvirtError) else error.message
        ended = Exit(ExitCode.ERROR, ExitReason.START_FAILED, message)
        vm.set_down(ended)
        await self._definition.save_exit(vm, ended)

    async def destroy(self, vm_id: str, graceful_attempts: int) -> None:
        """End the VM and forget it. Raises: NoSuchVM, Recovering, VMBusy, DestroyFailed."""
        vm = self._vms.get(vm_id, "VM.destroy")
        await vm.actor.preempt("destroy", lambda: self._destroy(vm, graceful_attempts), self._settings.destroy_grace)

    async def _destroy(self, vm: Vm, graceful_attempts: int) -> None:
        vm.cancel_timer()
        try:
            if vm.status is not VmStatus.DOWN:
                await self._end_qemu(vm, 0 if vm.unresponsive else graceful_attempts)
                vm.set_down(Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Admin shut down from the engine"))
            await self._undefine(vm)
        except BackendError as error:
            raise DestroyFailed(vm_id=vm.vm_id, cause=error.message) from error
        self._vms.remove(vm.vm_id)
        vm.actor.retire()

    async def _end_qemu(self, vm: Vm, graceful_attempts: int) -> None:
        for _ in range(min(graceful_attempts, 10)):
            try:
                await self._hypervisor.destroy(vm.vm_id, graceful=True)
                return
            except (NoSuchVM, VMNotRunning):
                return
            except LibvirtGone:
                raise
            except BackendError as error:
                log.info("VM %s does not end on SIGTERM: %s", vm.vm_id, error)
        try:
            await self._hypervisor.destroy(vm.vm_id)
        except (NoSuchVM, VMNotRunning):
            log.info("VM %s ended before it was destroyed", vm.vm_id)

    async def _undefine(self, vm: Vm) -> None:
        try:
            await self._hypervisor.undefine(vm.vm_id)
        except NoSuchVM:
            log.info("VM %s has no definition to remove", vm.vm_id)

    async def pause(self, context: CallContext, vm_id: str) -> None:
        """Stop the guest's CPUs; done already counts as done. Raises: NoSuchVM, VMNotRunning, WrongState."""
        vm = self._vms.get(vm_id, "VM.pause")

        async def suspend() -> None:
            vm.check_legal("pause")
            if vm.status is not VmStatus.PAUSED:
                await self._hypervisor.suspend(vm.vm_id, deadline=context.remaining())
                vm.set_paused(PauseCode.NONE)

        await vm.actor.run("pause", suspend)

    async def cont(self, context: CallContext, vm_id: str) -> None:
        """Let the guest's CPUs run; done already counts as done. Raises: NoSuchVM, VMNotRunning, WrongState."""
        vm = self._vms.get(vm_id, "VM.cont")

        async def resume() -> None:
            vm.check_legal("continue")
            if vm.status is VmStatus.PAUSED:
                await self._hypervisor.resume(vm.vm_id, deadline=context.remaining())
                vm.set_continued()

        await vm.actor.run("continue", resume)

    async def reset(self, context: CallContext, vm_id: str) -> None:
        """Pull the reset line. Raises: NoSuchVM, VMNotRunning, WrongState, ResetFailed."""
        vm = self._vms.get(vm_id, "VM.reset")

        async def reset() -> None:
            vm.check_legal("reset")
            try:
                await self._hypervisor.reset(vm.vm_id, deadline=context.remaining())
            except LibvirtError as error:
                raise ResetFailed(vm_id=vm.vm_id, cause=error.fields.get("cause", error)) from error

        await vm.actor.run("reset", reset)

    async def set_destroy_on_reboot(self, context: CallContext, vm_id: str) -> None:
        """From now on a reboot of the guest ends the VM, which then is down for reason 13.

        The intention is stored before libvirt acts on it, so the reason is right even after a crash in between.
        Raises: NoSuchVM, VMNotRunning, WrongState, OperationUnsupported.
        """
        vm = self._vms.get(vm_id, "VM.setDestroyOnReboot")

        async def change() -> None:
            vm.check_legal("set destroy on reboot of")
            await self._definition.save(vm, {DESTROY_ON_REBOOT: True})
            try:
                await self._hypervisor.set_lifecycle_action(
                    vm.vm_id, on_reboot=LifecycleAction.DESTROY, deadline=context.remaining()
                )
            except (CallerError, BackendError) as error:
                await self._definition.save(vm, {DESTROY_ON_REBOOT: None})
                if isinstance(error, BackendTimeout | VMBusy | OperationUnsupported):
                    raise
                raise OperationUnsupported(
                    operation="set destroy on reboot of", vm_id=vm.vm_id, reason=error.message
                ) from error

        await vm.actor.run("set destroy on reboot", change)
