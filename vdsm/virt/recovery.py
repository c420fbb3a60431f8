"""Keeps the VMs in step with libvirt's domains: rebuilt at start, compared again after libvirtd was gone.

Domains that do not carry our metadata are never touched, and not even listed. Until every domain of ours has its entry,
lists answer 99 (vms.py); afterwards entries stay while libvirt is away, and are compared with it when it is back. What
a domain that is found, or looked up again, means for its VM says catching_up.py.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vdsm.adapters.libvirt.hypervisor import (
    ConnectionLost,
    ConnectionRestored,
    Defined,
    DomainEvent,
    Hypervisor,
    HypervisorEvent,
    Started,
)
from vdsm.common.errors import NoSuchVM, VdsmError
from vdsm.virt.background import end_background, run_in_background
from vdsm.virt.catching_up import CatchingUp
from vdsm.virt.creation import Creation, found
from vdsm.virt.definition import stored_exit
from vdsm.virt.reactions import Reactions
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import VmStatus
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 10.0


class Recovery:
    """Hears of domains, and looks at them."""

    def __init__(
        self,
        vms: Vms,
        hypervisor: Hypervisor,
        reactions: Reactions,
        settings: VirtSettings,
        creation: Creation,
        catching_up: CatchingUp,
    ) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._reactions = reactions
        self._creation = creation
        self._catching_up = catching_up
        self._gate = asyncio.Semaphore(settings.recovery_parallel)
        self._work = asyncio.Event()
        self._everything = True
        self._strangers: dict[str, int] = {}
        """Domains without an entry of which something was heard since they were looked at: the status time that an
        earlier entry had, or 0."""
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def start(self) -> None:
        """Begin to listen and, once libvirt is there, to rebuild."""
        self._unsubscribe = self._hypervisor.subscribe(self._on_event)
        self._work.set()
        self._task = run_in_background("vm recovery", self._run())

    async def close(self) -> None:
        """Stop listening."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        await end_background(self._task)

    def look_up_lost(self) -> None:
        """Compare the VMs of which something was lost, or could not be stored; called with every sweep."""
        if not self._hypervisor.connected:
            return
        for vm in self._vms.known():
            if vm.needs_lookup:
                vm.needs_lookup = False
                self._post_catch_up(vm)

    def _post_catch_up(self, vm: Vm) -> None:
        vm.actor.post("catch up", lambda: self._catch_up(vm))

    async def _catch_up(self, vm: Vm) -> None:
        if await self._catching_up.catch_up(vm):
            self._revive(vm)

    def _on_event(self, event: HypervisorEvent) -> None:
        match event:
            case ConnectionRestored():
                self._everything = True
                self._work.set()
            case ConnectionLost():
                for vm in self._vms.known():
                    if vm.is_active:
                        vm.unreachable = True
                        vm.touch()
            case DomainEvent():
                self._on_domain_event(event)

    def _on_domain_event(self, event: DomainEvent) -> None:
        vm = self._vms.find(event.vm_id)
        if vm is None:
            self._strangers.setdefault(event.vm_id, 0)
            if isinstance(event, Started | Defined):
                self._work.set()
        elif isinstance(event, Started):
            vm.actor.post("started", lambda: self._started(vm))
        else:
            vm.actor.post(type(event).__name__, lambda: self._reactions.apply(vm, event))

    async def _started(self, vm: Vm) -> None:
        """A start that a manager commanded has set the status by now."""
        if vm.status in {VmStatus.DOWN, VmStatus.WAIT_FOR_LAUNCH}:
            await self._catch_up(vm)

    async def _run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            await self._work.wait()
            self._work.clear()
            if not self._hypervisor.connected:
                continue
            try:
                await self._look()
                pause = RETRY_SECONDS
            except VdsmError as error:
                log.warning("VMs cannot be compared with libvirt yet: %s", error)
                self._work.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)

    async def _look(self) -> None:
        """Look at all domains, or at those that are new. Raises: VdsmError when one of ours may have been missed."""
        everything, self._everything = self._everything, False
        try:
            if everything:
                for vm in self._vms.known():
                    self._post_catch_up(vm)
                for record in await self._hypervisor.list_domains():
                    self._strangers.setdefault(record.vm_id, 0)
            await self._adopt_all()
        except VdsmError:
            self._everything |= everything
            raise
        if everything and not self._vms.recovered:
            self._vms.recovered = True
            log.info("all %d VMs of this host are known", len(self._vms))

    async def _adopt_all(self) -> None:
        results = await asyncio.gather(*map(self._adopt, list(self._strangers)), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _adopt(self, vm_id: str) -> None:
        """Give a domain that is ours, and has none, an entry."""
        async with self._gate:
            known_until = self._strangers.pop(vm_id, 0)
            if self._vms.find(vm_id) is not None:
                return
            try:
                state = await self._hypervisor.state(vm_id)
                domain = found(await self._hypervisor.domain_xml(vm_id, inactive=not state.active))
            except NoSuchVM:
                return
            except VdsmError:
                self._strangers[vm_id] = known_until
                raise
        if domain is None or self._vms.find(vm_id) is not None:
            return
        vm = self._creation.entry(domain, known_until=known_until)
        self._vms.add(vm)
        self._catching_up.settle(vm, domain, state)
        log.info("VM %s (%s) found: %s", vm.vm_id, vm.name, vm.status.value)
        if self._strangers.pop(vm_id, None) is not None:
            self._post_catch_up(vm)  # something happened to it while it was looked at
        if (vm.status is VmStatus.DOWN) != (stored_exit(vm.metadata) is not None):
            vm.actor.post("store exit", lambda: self._catching_up.store_exit(vm))

    def _revive(self, vm: Vm) -> None:
        """Somebody started the domain of a VM that was down: its entry is made anew. Runs in its actor."""
        log.warning("VM %s was down and somebody started it; it is taken as it is", vm.vm_id)
        self._vms.remove(vm.vm_id)
        vm.actor.retire()
        self._strangers[vm.vm_id] = vm.status_time
        self._work.set()
