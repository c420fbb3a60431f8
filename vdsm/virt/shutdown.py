"""The shutdown ladder: guest agent, then ACPI, then destroy, each with time to work.

The ladder is a task of its own, because it waits for minutes while the VM's actor must stay free; each rung that
touches the VM goes through the actor. A second shutdown of the same VM starts the ladder anew.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from vdsm.adapters.libvirt.hypervisor import Hypervisor, ShutdownMode
from vdsm.common.errors import InvalidParameter, VdsmError, VMBusy
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import SHUTDOWN_REASON
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitReason, VmStatus
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

MAX_STEP_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class ShutdownRequest:
    """How to shut down. `step`: seconds for each rung; `force`: destroy as the last rung."""

    reboot: bool
    step: float
    force: bool


class VmShutdown:
    """Runs one ladder per VM."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor, definition: Definition, settings: VirtSettings) -> None:
        self._settings = settings
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition
        self._ladders: dict[str, asyncio.Task[None]] = {}

    async def shutdown(self, vm_id: str, *, reboot: bool, force: bool, step: int | None) -> None:
        """Begin the ladder; returns once the request is accepted. `step` None: as configured.

        Raises: NoSuchVM, VMNotRunning, WrongState, InvalidParameter.
        """
        if step is not None and not 0 <= step <= MAX_STEP_SECONDS:
            raise InvalidParameter(
                parameter="timeout", value=step, reason=f"it must be 0 to {MAX_STEP_SECONDS} seconds"
            )
        request = ShutdownRequest(reboot, self._settings.shutdown_step if step is None else step, force)
        vm = self._vms.get(vm_id, "VM.shutdown")
        operation = "reboot" if request.reboot else "shut down"

        async def begin() -> None:
            vm.check_legal(operation)
            earlier = self._ladders.pop(vm.vm_id, None)
            if earlier is not None:
                earlier.cancel()
            if not request.reboot:
                await self._definition.save(vm, {SHUTDOWN_REASON: int(ExitReason.ADMIN_SHUTDOWN)})
                if vm.status is not VmStatus.PAUSED:
                    vm.set_status(VmStatus.POWERING_DOWN)
            task = asyncio.create_task(self._climb(vm, request), name=f"shutdown {vm.vm_id}")
            self._ladders[vm.vm_id] = task
            task.add_done_callback(lambda done: self._forget(vm.vm_id, done))

        await vm.actor.run(operation, begin)

    async def close(self) -> None:
        """Stop all ladders; the guests that were asked go on shutting down."""
        tasks = list(self._ladders.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _climb(self, vm: Vm, request: ShutdownRequest) -> None:
        for mode in (ShutdownMode.AGENT, ShutdownMode.ACPI):
            if mode is ShutdownMode.AGENT and not vm.agent_connected:
                continue
            if await self._ask(vm, mode, reboot=request.reboot) and await self._wait(vm, request):
                return
        if request.force and not request.reboot and vm.is_active:
            log.info("VM %s did not shut down when asked; destroying it", vm.vm_id)
            await self._force(vm)
        elif vm.is_active and not request.reboot:
            await vm.actor.run("shut down", lambda: self._give_up(vm))

    async def _ask(self, vm: Vm, mode: ShutdownMode, *, reboot: bool) -> bool:
        async def ask() -> bool:
            if not vm.is_active:
                return True
            call = self._hypervisor.reboot if reboot else self._hypervisor.shutdown
            try:
                await call(vm.vm_id, mode)
            except VdsmError as error:
                log.info("VM %s cannot be asked by %s: %s", vm.vm_id, mode.value, error)
                return False
            return True

        try:
            return await vm.actor.run("shut down", ask)
        except VMBusy:
            return True

    async def _wait(self, vm: Vm, request: ShutdownRequest) -> bool:
        """True when the guest did what it was asked within the rung's time."""
        wanted = {VmStatus.REBOOTING, VmStatus.DOWN} if request.reboot else {VmStatus.DOWN}
        return await vm.reaches(wanted, request.step)

    async def _force(self, vm: Vm) -> None:
        """The last rung leaves the VM Down, for the manager to collect, as a shutdown does."""
        try:
            await vm.actor.run("destroy", lambda: self._hypervisor.destroy(vm.vm_id))
        except VdsmError as error:
            log.warning("VM %s could not be destroyed at the end of its shutdown: %s", vm.vm_id, error)

    async def _give_up(self, vm: Vm) -> None:
        """The guest did not react: the VM is up, as before, and what it does later is its user's doing."""
        log.warning("VM %s did not react to shutdown; it stays up", vm.vm_id)
        await self._definition.save(vm, {SHUTDOWN_REASON: None})
        vm.set_up()

    def _forget(self, vm_id: str, task: asyncio.Task[None]) -> None:
        if self._ladders.get(vm_id) is task:
            del self._ladders[vm_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            level = logging.INFO if isinstance(error, VdsmError) else logging.ERROR
            log.log(level, "VM %s: shutdown ended: %s", vm_id, error, exc_info=None if level < 40 else error)
