"""What libvirt's state of a domain means for its VM, when events of it were not heard: at start, or some were lost.

A shutdown that was asked for before the agent stopped is in the metadata. Its ladder is not climbed again, as how long
it had been on its way is not known: the VM counts as powering down for a while, then the request is forgotten and the
VM is up, so that a power-off by its user long afterwards is told as such.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from vdsm.adapters.libvirt.hypervisor import (
    DomainState,
    Hypervisor,
    PausedReason,
    RunState,
    ShutoffReason,
    StoppedReason,
)
from vdsm.common.errors import NoSuchVM, VdsmError
from vdsm.virt.creation import Found, agent_connected
from vdsm.virt.definition import Definition, stored_exit
from vdsm.virt.domain_xml.metadata import SHUTDOWN_REASON
from vdsm.virt.reactions import STOPPED_BY_SHUTOFF, Reactions, exit_of
from vdsm.virt.settings import VirtSettings
from vdsm.virt.starting import Starting
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, StartOutcome, Vm

log = logging.getLogger(__name__)

_PAUSED: Mapping[PausedReason, PauseCode] = MappingProxyType(
    {
        PausedReason.IOERROR: PauseCode.OTHER,
        PausedReason.POSTCOPY: PauseCode.POSTCOPY,
        PausedReason.POSTCOPY_FAILED: PauseCode.POSTCOPY,
    }
)
_PASSING = frozenset({PausedReason.STARTING_UP, PausedReason.SHUTTING_DOWN})
"""libvirt calls a domain paused for a moment when its QEMU begins or ends."""


class CatchingUp:
    """Brings single VMs up to date."""

    def __init__(
        self,
        hypervisor: Hypervisor,
        definition: Definition,
        reactions: Reactions,
        settings: VirtSettings,
        starting: Starting,
    ) -> None:
        self._hypervisor = hypervisor
        self._definition = definition
        self._reactions = reactions
        self._settings = settings
        self._starting = starting

    def settle(self, vm: Vm, domain: Found, state: DomainState) -> None:
        """Give a new entry the status that its domain has, in one step."""
        settings = self._settings
        earlier = stored_exit(vm.metadata)
        vm.agent_connected = agent_connected(domain.domain)
        vm.boot_seconds = settings.powering_up
        if not state.active:
            vm.set_down(earlier or _missed_exit(vm, state))
            return
        asked = vm.metadata.number(SHUTDOWN_REASON) is not None and earlier is None
        age = vm.age()
        if asked or state.run is RunState.SHUTDOWN:
            status = VmStatus.POWERING_DOWN
        else:
            booted = vm.agent_connected or age >= settings.powering_up
            status = VmStatus.UP if booted else VmStatus.POWERING_UP
        if _is_paused(state):
            vm.set_paused(_pause_code(state))
            vm.status_before_pause = status
        elif status is VmStatus.POWERING_UP:
            vm.boot(status, settings.powering_up - age)
        else:
            vm.set_status(status, full=status is VmStatus.UP)
        if asked:
            vm.timer.after(settings.powering_down, "shutdown is over", partial(self._definition.forget_shutdown, vm))

    async def store_exit(self, vm: Vm) -> None:
        """Make the metadata agree on whether the VM is down."""
        if vm.exit is not None:
            await self._definition.save_exit(vm, vm.exit)
        else:
            await self._definition.forget_exit(vm)

    async def catch_up(self, vm: Vm) -> bool:
        """Compare one VM with libvirt. True: it is down for its manager, yet somebody has started its domain."""
        if vm.status is VmStatus.WAIT_FOR_LAUNCH:
            if vm.start_outcome is not StartOutcome.KNOWN:
                await self._starting.resolve(vm)
            return False
        try:
            state = await self._hypervisor.state(vm.vm_id)
        except NoSuchVM:
            message = "The VM's domain is gone from libvirt; somebody removed it"
            vm.set_down(Exit(ExitCode.ERROR, ExitReason.DOMAIN_MISSING, message))
            return False
        except VdsmError as error:
            vm.needs_lookup = True
            log.info("VM %s: its state is not known yet: %s", vm.vm_id, error)
            return False
        vm.unreachable = False
        vm.touch()
        if vm.exit is not None:
            return await self._catch_up_down(vm, vm.exit, state)
        if not state.active:
            stopped = _stopped(state)
            await self._reactions.stopped(vm, StoppedReason.UNKNOWN if stopped is None else stopped)
            return False
        if _is_paused(state):
            vm.set_paused(_pause_code(state))
        else:
            vm.set_continued()
        await self._definition.save_pending(vm)
        await self._refresh(vm)
        return False

    async def _catch_up_down(self, vm: Vm, ended: Exit, state: DomainState) -> bool:
        if not vm.defined:
            return False
        if not state.active:
            await self._definition.save_pending(vm)
            return False
        if ended.reason is ExitReason.START_FAILED:
            await self._starting.end_late(vm)
            return False
        return True

    async def _refresh(self, vm: Vm) -> None:
        await self._definition.refresh(vm)
        connected = agent_connected(vm.domain)
        if connected is not vm.agent_connected:
            self._reactions.agent(vm, connected=connected)


def _is_paused(state: DomainState) -> bool:
    return state.run is RunState.PAUSED and state.paused_reason not in _PASSING


def _pause_code(state: DomainState) -> PauseCode:
    return _PAUSED.get(state.paused_reason or PausedReason.UNKNOWN, PauseCode.NONE)


def _stopped(state: DomainState) -> StoppedReason | None:
    return STOPPED_BY_SHUTOFF.get(state.shutoff_reason or ShutoffReason.UNKNOWN)


def _missed_exit(vm: Vm, state: DomainState) -> Exit:
    """Why a VM is down that went down while the agent was away, or never started."""
    stopped = _stopped(state)
    if stopped is not None:
        return exit_of(vm, stopped)
    message = "The VM does not run, and nobody saw it end: the host or the agent went down while it started or ran"
    return Exit(ExitCode.ERROR, ExitReason.LOST_QEMU, message)
