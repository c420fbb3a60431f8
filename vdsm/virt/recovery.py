"""Rebuild every VM from libvirt and its metadata: at start, and after libvirtd was gone.

Domains that do not carry our metadata are never touched, and not even listed. Until every domain of ours has its entry,
lists answer 99 (vms.py); afterwards entries stay while libvirt is away, and are compared with it when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from vdsm.adapters.libvirt.hypervisor import (
    ConnectionLost,
    ConnectionRestored,
    Defined,
    DomainEvent,
    DomainRecord,
    DomainState,
    Hypervisor,
    HypervisorEvent,
    PausedReason,
    RunState,
    ShutoffReason,
    Started,
    StoppedReason,
)
from vdsm.common.errors import NoSuchVM, VdsmError
from vdsm.virt.creation import Creation, Found, found
from vdsm.virt.definition import Definition, stored_exit
from vdsm.virt.reactions import STOPPED_BY_SHUTOFF, Reactions, exit_of
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0

_PAUSED = {
    PausedReason.IOERROR: PauseCode.OTHER,
    PausedReason.POSTCOPY: PauseCode.POSTCOPY,
    PausedReason.POSTCOPY_FAILED: PauseCode.POSTCOPY,
}


class Recovery:
    """Keeps the entries in step with libvirt's domains."""

    def __init__(
        self,
        vms: Vms,
        hypervisor: Hypervisor,
        definition: Definition,
        reactions: Reactions,
        settings: VirtSettings,
        creation: Creation,
    ) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._definition = definition
        self._reactions = reactions
        self._settings = settings
        self._creation = creation
        self._wanted = asyncio.Event()
        self._strangers: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to listen and, once libvirt is there, to rebuild."""
        self._unsubscribe = self._hypervisor.subscribe(self._on_event)
        self._wanted.set()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="vm recovery")

    async def close(self) -> None:
        """Stop listening."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def look_up_lost(self) -> None:
        """Ask for a comparison when a VM's state was lost; called with every sweep."""
        if any(vm.needs_lookup for vm in self._vms.known()):
            self._wanted.set()

    def _on_event(self, event: HypervisorEvent) -> None:
        match event:
            case ConnectionRestored():
                self._wanted.set()
            case ConnectionLost():
                for vm in self._vms.known():
                    if vm.is_active and not vm.unresponsive:
                        vm.unresponsive = True
                        vm.touch()
            case DomainEvent():
                self._on_domain_event(event)

    def _on_domain_event(self, event: DomainEvent) -> None:
        vm = self._vms.find(event.vm_id)
        if vm is not None:
            vm.actor.post(type(event).__name__, lambda: self._reactions.apply(vm, event))
            return
        if not self._vms.recovered:
            self._strangers.add(event.vm_id)
        elif isinstance(event, Started | Defined):
            self._wanted.set()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not self._hypervisor.connected:
                continue
            try:
                await self._compare()
            except VdsmError as error:
                log.warning("VMs cannot be compared with libvirt yet: %s", error)
                self._again()
                await asyncio.sleep(RETRY_SECONDS)

    def _again(self) -> None:
        self._wanted.set()

    async def _compare(self) -> None:
        """One pass over all domains. Raises: VdsmError when a domain of ours may have been missed."""
        records = await self._hypervisor.list_domains()
        gate = asyncio.Semaphore(self._settings.recovery_parallel)

        async def one(record: DomainRecord) -> None:
            async with gate:
                await self._compare_one(record)

        results = await asyncio.gather(*(one(record) for record in records), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        if not self._vms.recovered:
            self._vms.recovered = True
            log.info("all %d VMs of this host are known", len(self._vms))
        present = {record.vm_id for record in records}
        for vm in self._vms.known():
            if vm.vm_id not in present and vm.status not in {VmStatus.DOWN, VmStatus.WAIT_FOR_LAUNCH}:
                vm.actor.post("lost", partial(self._missing, vm))

    async def _compare_one(self, record: DomainRecord) -> None:
        vm = self._vms.find(record.vm_id)
        if vm is None:
            await self._adopt(record)
        elif vm.status is not VmStatus.WAIT_FOR_LAUNCH:
            vm.actor.post("catch up", lambda: self._catch_up(vm))

    async def _adopt(self, record: DomainRecord) -> None:
        try:
            domain = found(await self._hypervisor.domain_xml(record.vm_id, inactive=not record.state.active))
            if domain is None:
                return
            self._strangers.discard(record.vm_id)
            state = await self._hypervisor.state(record.vm_id)
        except NoSuchVM:
            return
        if self._vms.find(record.vm_id) is not None:
            return
        vm = self._creation.entry(domain)
        self._settle(vm, domain, state)
        self._vms.add(vm)
        log.info("VM %s (%s) found: %s", vm.vm_id, vm.name, vm.status.value)
        if record.vm_id in self._strangers:
            vm.actor.post("catch up", lambda: self._catch_up(vm))
        if vm.status is VmStatus.DOWN and stored_exit(vm.metadata) is None and vm.exit is not None:
            ended = vm.exit
            vm.actor.post("store exit", lambda: self._definition.save_exit(vm, ended))

    def _settle(self, vm: Vm, domain: Found, state: DomainState) -> None:
        """The status of a VM that was found, from libvirt's state and what our metadata says."""
        vm.agent_connected = domain.agent_connected
        if not state.active:
            vm.set_down(stored_exit(vm.metadata) or _missed_exit(vm, state))
            return
        if state.run is RunState.PAUSED:
            reason = state.paused_reason
            vm.set_paused(_PAUSED.get(reason, PauseCode.NONE) if reason is not None else PauseCode.NONE)
            vm.status_before_pause = VmStatus.UP
        else:
            vm.set_status(VmStatus.POWERING_UP)
            if state.run is RunState.SHUTDOWN:
                vm.set_status(VmStatus.POWERING_DOWN)
        age = vm.age()
        if domain.agent_connected or age >= self._settings.powering_up:
            vm.set_up()
        elif vm.is_running:
            vm.after(self._settings.powering_up - age, "powering up is over", vm.set_up)

    async def _catch_up(self, vm: Vm) -> None:
        """Compare one VM with libvirt; events of it may have been lost."""
        if vm.status is VmStatus.WAIT_FOR_LAUNCH:
            return
        vm.needs_lookup = False
        try:
            state = await self._hypervisor.state(vm.vm_id)
        except NoSuchVM:
            await self._missing(vm)
            return
        if vm.status is VmStatus.DOWN:
            if vm.exit is not None and stored_exit(vm.metadata) is None:
                await self._definition.save_exit(vm, vm.exit)
            return
        if not state.active:
            reason = STOPPED_BY_SHUTOFF.get(state.shutoff_reason or ShutoffReason.UNKNOWN, StoppedReason.UNKNOWN)
            await self._reactions.stopped(vm, reason)
            return
        vm.unresponsive = False
        vm.touch()
        if state.run is RunState.PAUSED:
            reason_paused = state.paused_reason or PausedReason.UNKNOWN
            vm.set_paused(_PAUSED.get(reason_paused, PauseCode.NONE))
        else:
            vm.set_continued()
        await self._definition.refresh(vm)

    async def _missing(self, vm: Vm) -> None:
        vm.set_down(
            Exit(ExitCode.ERROR, ExitReason.DOMAIN_MISSING, "The VM's domain is gone from libvirt; somebody removed it")
        )


def _missed_exit(vm: Vm, state: DomainState) -> Exit:
    """Why a VM is down that went down while the agent was away, or never started."""
    shutoff = state.shutoff_reason or ShutoffReason.UNKNOWN
    stopped = STOPPED_BY_SHUTOFF.get(shutoff)
    if stopped is None:
        return Exit(
            ExitCode.ERROR,
            ExitReason.LOST_QEMU,
            "The VM is not running, and nobody saw it end: the host or the agent went down while it started or ran",
        )
    return exit_of(vm, stopped)
