"""How a VM comes to run: a stale definition goes, ours is defined, then started; and what is done when it fails.

A VM is never called down while its QEMU may run, for a manager would start it elsewhere. So when libvirt goes away, or
takes too long, in the middle of a start, the VM stays in WaitForLaunch until its outcome is known. Every method runs
in the VM's actor.
"""

from __future__ import annotations

import logging

from vdsm.adapters.libvirt.hypervisor import DomainState, Hypervisor, PausedReason, RunState
from vdsm.common.errors import (
    BackendTimeout,
    CreateFailed,
    LibvirtError,
    LibvirtGone,
    NoSuchVM,
    VdsmError,
    VMNotRunning,
)
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import LAUNCH_PAUSED, is_ours
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, StartOutcome, Vm

log = logging.getLogger(__name__)


class Starting:
    """Starts VMs."""

    def __init__(self, hypervisor: Hypervisor, definition: Definition, settings: VirtSettings) -> None:
        self._hypervisor = hypervisor
        self._definition = definition
        self._settings = settings

    async def start(self, vm: Vm, xml: str) -> None:
        """Define `xml`, which may carry passwords, and start the VM, which waits for launch."""
        if vm.status is not VmStatus.WAIT_FOR_LAUNCH or vm.start_outcome is not StartOutcome.KNOWN:
            return  # it was destroyed before it began
        vm.start_outcome = StartOutcome.LOST
        try:
            await self._define(vm, xml)
        except VdsmError as error:
            await self._failed(vm, error)
            return
        try:
            await self._hypervisor.start(vm.vm_id, paused=vm.metadata.flag(LAUNCH_PAUSED))
        except BackendTimeout as error:
            vm.start_outcome = StartOutcome.UNWANTED
            await self._resolve(vm, error)
        except LibvirtGone as error:
            await self._resolve(vm, error)
        except VdsmError as error:
            await self._failed(vm, error)
        else:
            await self._entered(vm, paused=vm.metadata.flag(LAUNCH_PAUSED))

    async def resolve(self, vm: Vm) -> None:
        """Find out how an interrupted start ended."""
        await self._resolve(vm, CreateFailed(vm_id=vm.vm_id, cause="its start was interrupted"))

    async def end_late(self, vm: Vm) -> None:
        """A VM that failed to start, as its manager was told, runs after all: end it, or try again later."""
        log.warning("VM %s runs after its start was given up; ending it", vm.vm_id)
        try:
            await self._hypervisor.destroy(vm.vm_id)
        except (NoSuchVM, VMNotRunning):
            log.info("VM %s has ended by itself", vm.vm_id)
        except VdsmError as error:
            vm.needs_lookup = True
            log.warning("VM %s cannot be ended yet: %s", vm.vm_id, error)

    async def _define(self, vm: Vm, xml: str) -> None:
        """Replace what an earlier life of this VM left. Raises: CreateFailed when the domain is not ours, or runs."""
        stale = await self._find_stale(vm)
        vm.defined = True
        if stale:
            await self._hypervisor.undefine(vm.vm_id)
        await self._hypervisor.define(xml)

    async def _find_stale(self, vm: Vm) -> bool:
        try:
            state = await self._hypervisor.state(vm.vm_id)
            left = await self._hypervisor.domain_xml(vm.vm_id, inactive=not state.active)
        except NoSuchVM:
            return False
        if state.active:
            raise CreateFailed(vm_id=vm.vm_id, cause="a domain with this id, unknown to the agent, runs already")
        if not is_ours(left):
            raise CreateFailed(vm_id=vm.vm_id, cause="a domain with this id exists that is not the agent's")
        return True

    async def _resolve(self, vm: Vm, error: VdsmError) -> None:
        try:
            state = await self._hypervisor.state(vm.vm_id)
            if state.active and not self._is_welcome(vm, state):
                await self._hypervisor.destroy(vm.vm_id)
        except (NoSuchVM, VMNotRunning):
            await self._failed(vm, error)
        except VdsmError as why:
            vm.needs_lookup = True
            log.warning("VM %s: whether it has started is not known yet: %s", vm.vm_id, why)
        else:
            if self._is_welcome(vm, state):
                await self._entered(vm, paused=state.run is RunState.PAUSED)
            else:
                await self._failed(vm, error)

    def _is_welcome(self, vm: Vm, state: DomainState) -> bool:
        whole = state.paused_reason is not PausedReason.STARTING_UP
        return state.active and whole and vm.start_outcome is StartOutcome.LOST

    async def _entered(self, vm: Vm, *, paused: bool) -> None:
        """A QEMU of this VM runs now: powering up until its guest agent answers or some time has passed."""
        vm.start_outcome = StartOutcome.KNOWN
        vm.boot_seconds = self._settings.powering_up
        if paused:
            vm.set_paused(PauseCode.NONE)
        else:
            vm.boot(VmStatus.POWERING_UP, self._settings.powering_up)
        await self._definition.refresh(vm)

    async def _failed(self, vm: Vm, error: VdsmError) -> None:
        """Nothing of this VM runs."""
        message = str(error.fields.get("cause", error)) if isinstance(error, LibvirtError) else error.message
        ended = Exit(ExitCode.ERROR, ExitReason.START_FAILED, message)
        if vm.set_down(ended):
            await self._definition.save_exit(vm, ended)
