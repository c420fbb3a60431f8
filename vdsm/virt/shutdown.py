"""The shutdown ladder: guest agent, then ACPI, then destroy (or reset), each with time to work.

The ladder is a task of its own, because it waits for minutes while the VM's actor must stay free; each rung that
touches the VM goes through the actor. A second shutdown of the same VM starts the ladder anew.

QEMU's guest agent asks the guest at once and shows no message to its users. A guest that warns its users by itself
needs time for that, so the delay of a shutdown is given to the agent's rung, on top of the time that each rung has.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from vdsm.adapters.libvirt.hypervisor import Hypervisor, ShutdownMode
from vdsm.common.errors import BackendTimeout, InvalidParameter, LibvirtGone, NoSuchVM, VdsmError, VMBusy
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import SHUTDOWN_REASON
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitReason, VmStatus
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

MAX_SECONDS = 86400
FORCE_PAUSES = (1.0, 1.0, 2.0, 2.0, 5.0, 5.0, 10.0, 10.0, 30.0, 30.0)
"""Seconds after each attempt to destroy a VM whose outcome libvirt did not tell."""


@dataclass(frozen=True, slots=True)
class _Request:
    """`delay`, `step`: seconds. `done`: the guest did what it was asked."""

    reboot: bool
    force: bool
    delay: float
    step: float
    done: Callable[[], bool]

    @property
    def what(self) -> str:
        return "reboot" if self.reboot else "shut down"


class VmShutdown:
    """Runs one ladder per VM."""

    def __init__(self, vms: Vms, hypervisor: Hypervisor, definition: Definition, settings: VirtSettings) -> None:
        self._settings = settings
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition
        self._ladders: dict[str, asyncio.Task[None]] = {}
        self._forced: set[str] = set()

    async def shutdown(
        self,
        vm_id: str,
        *,
        reboot: bool = False,
        force: bool = False,
        delay: int | None = None,
        step: int | None = None,
    ) -> None:
        """Begin the ladder, anew if one is under way, whose force stays; returns once the request is accepted.

        delay, step: seconds; None: as configured.

        Raises: NoSuchVM, VMNotRunning, WrongState, VMBusy, InvalidParameter.
        """
        patience = _seconds("delay", delay, self._settings.shutdown_delay)
        each = _seconds("timeout", step, self._settings.shutdown_step)
        vm = self._vms.get(vm_id, "VM.shutdown")
        before = vm.reboots

        def done() -> bool:
            return vm.status is VmStatus.DOWN or (reboot and vm.reboots > before)

        request = _Request(reboot, force, patience, each, done)
        await vm.actor.run(request.what, lambda: self._begin(vm, request))

    async def close(self) -> None:
        """Stop all ladders; the guests that were asked go on shutting down."""
        tasks = list(self._ladders.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _begin(self, vm: Vm, request: _Request) -> None:
        vm.check_legal(request.what)
        earlier = self._ladders.pop(vm.vm_id, None)
        if earlier is not None:
            earlier.cancel()
            if vm.vm_id in self._forced and not request.reboot:
                request = replace(request, force=True)
        if request.force and not request.reboot:
            self._forced.add(vm.vm_id)
        if not request.reboot:
            vm.timer.cancel()
            await self._intend(vm)
            if vm.status is not VmStatus.PAUSED:
                vm.set_status(VmStatus.POWERING_DOWN)
        elif vm.metadata.number(SHUTDOWN_REASON) is not None:
            await self._definition.forget_shutdown(vm)
        task = asyncio.create_task(self._climb(vm, request), name=f"{request.what} {vm.vm_id}")
        self._ladders[vm.vm_id] = task
        task.add_done_callback(lambda done: self._forget(vm.vm_id, done))

    async def _intend(self, vm: Vm) -> None:
        """Whatever ends the VM from now on, it is an administrator's doing."""
        if vm.metadata.number(SHUTDOWN_REASON) is None:
            await self._definition.keep(vm, {SHUTDOWN_REASON: int(ExitReason.ADMIN_SHUTDOWN)})

    async def _climb(self, vm: Vm, request: _Request) -> None:
        """A rung that cannot work takes no time: no agent is connected, the VM has no ACPI."""
        for mode, seconds in ((ShutdownMode.AGENT, request.delay + request.step), (ShutdownMode.ACPI, request.step)):
            if not (vm.agent_connected if mode is ShutdownMode.AGENT else vm.domain.acpi):
                continue
            if await self._ask(vm, mode, request) and await vm.until(request.done, seconds):
                return
        if request.force and await self._force(vm, request):
            return
        await vm.actor.run(request.what, lambda: self._give_up(vm, request))

    async def _ask(self, vm: Vm, mode: ShutdownMode, request: _Request) -> bool:
        """False when there is nothing to wait for."""

        async def ask() -> bool:
            if request.done():
                return True
            if not request.reboot:
                await self._intend(vm)
            call = self._hypervisor.reboot if request.reboot else self._hypervisor.shutdown
            try:
                await call(vm.vm_id, mode)
            except VdsmError as error:
                log.info("VM %s cannot be asked by %s: %s", vm.vm_id, mode.value, error)
                return False
            return True

        try:
            return await vm.actor.run(request.what, ask)
        except (VMBusy, NoSuchVM) as error:
            log.info("VM %s was not asked to %s: %s", vm.vm_id, request.what, error)
            return True

    async def _force(self, vm: Vm, request: _Request) -> bool:
        """The last rung; a shutdown leaves the VM Down, for the manager to collect. False when it does not work."""

        async def force() -> None:
            if request.done():
                return
            log.info("VM %s did not %s when asked; it is forced to", vm.vm_id, request.what)
            if request.reboot:
                await self._hypervisor.reset(vm.vm_id)
            else:
                await self._hypervisor.destroy(vm.vm_id)

        for pause in FORCE_PAUSES:
            try:
                await vm.actor.run(request.what, force)
            except VdsmError as error:
                log.warning("VM %s could not be forced to %s: %s", vm.vm_id, request.what, error)
                if request.reboot or not isinstance(error, LibvirtGone | BackendTimeout):
                    return False
            else:
                return True
            # libvirt may have done it before it went away, so the request stands
            if await vm.until(request.done, pause):
                return True
        return False

    async def _give_up(self, vm: Vm, request: _Request) -> None:
        """The guest did not react: the VM is up, as before."""
        if request.done():
            return
        log.warning("VM %s did not react when asked to %s; it stays up", vm.vm_id, request.what)
        if not request.reboot:
            await self._definition.forget_shutdown(vm)

    def _forget(self, vm_id: str, task: asyncio.Task[None]) -> None:
        if self._ladders.get(vm_id) is task:
            del self._ladders[vm_id]
            self._forced.discard(vm_id)
        if not task.cancelled() and (error := task.exception()) is not None:
            trace = None if isinstance(error, VdsmError) else error
            log.log(logging.INFO if trace is None else logging.ERROR, "VM %s: %s", vm_id, error, exc_info=trace)


def _seconds(parameter: str, wanted: int | None, configured: float) -> float:
    if wanted is None:
        return configured
    if not 0 <= wanted <= MAX_SECONDS:
        raise InvalidParameter(parameter=parameter, value=wanted, reason=f"it must be 0 to {MAX_SECONDS} seconds")
    return float(wanted)
