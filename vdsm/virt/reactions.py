"""What an event of the hypervisor means for a VM's status. Runs in the VM's actor, in the order of the events.

libvirt repeats itself (a reset brings bursts of reboot events, a start brings resume events), and a command's own event
may come after the next command has changed the status again: so a reaction leaves a VM alone that is where it should
be, and before an event pauses or continues a VM, libvirt is asked whether that is still so.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType

from vdsm.adapters.libvirt.hypervisor import (
    AgentConnected,
    Crashed,
    DomainEvent,
    Graphics,
    GraphicsPhase,
    Hypervisor,
    IoError,
    IoErrorAction,
    Rebooted,
    Resumed,
    RtcChanged,
    RunState,
    Shutdown,
    ShutdownCause,
    ShutdownExplained,
    ShutoffReason,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
    TrayChanged,
    WatchdogFired,
)
from vdsm.common.errors import VdsmError
from vdsm.virt.definition import Definition
from vdsm.virt.domain_xml.metadata import DESTROY_ON_REBOOT, SHUTDOWN_REASON
from vdsm.virt.settings import VirtSettings
from vdsm.virt.status import ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.vm import Exit, Vm

log = logging.getLogger(__name__)

_IO_PAUSE: Mapping[str, PauseCode] = MappingProxyType(
    {
        "enospc": PauseCode.NO_SPACE,
        "eperm": PauseCode.PERMISSION,
        "eio": PauseCode.IO,
        "eother": PauseCode.OTHER,
    }
)

_SUSPENDED: Mapping[SuspendedReason, PauseCode] = MappingProxyType(
    {
        SuspendedReason.PAUSED: PauseCode.NONE,
        SuspendedReason.IOERROR: PauseCode.OTHER,
        SuspendedReason.WATCHDOG: PauseCode.NONE,
        SuspendedReason.POSTCOPY: PauseCode.POSTCOPY,
        SuspendedReason.POSTCOPY_FAILED: PauseCode.POSTCOPY,
    }
)


class Reactions:
    """Applies events to VMs."""

    def __init__(self, hypervisor: Hypervisor, definition: Definition, settings: VirtSettings) -> None:
        self._hypervisor = hypervisor
        self._definition = definition
        self._settings = settings

    async def apply(self, vm: Vm, event: DomainEvent) -> None:
        """Let `event` change `vm`; one that comes after its end changes nothing."""
        if vm.status is VmStatus.DOWN:
            log.debug("VM %s is down: %s", vm.vm_id, event)
            return
        match event:
            case Stopped():
                await self.stopped(vm, event.reason)
            case Suspended():
                await self._suspended(vm, event)
            case Resumed():
                if vm.status is VmStatus.PAUSED and await self._is_so(vm, paused=False):
                    vm.set_continued()
            case ShutdownExplained():
                vm.shutdown_cause = vm.shutdown_cause or event.cause
            case Shutdown() | Crashed():
                log.info("VM %s: %s", vm.vm_id, event)
            case Rebooted():
                await self._rebooted(vm)
            case AgentConnected():
                self.agent(vm, connected=event.connected)
            case IoError():
                self._io_error(vm, event)
            case _:
                self._small_news(vm, event)

    async def stopped(self, vm: Vm, reason: StoppedReason) -> None:
        """QEMU is gone: the VM is down for the reason that is known best, and that is stored."""
        if vm.status is VmStatus.WAIT_FOR_LAUNCH:
            return  # its start knows better why
        ended = exit_of(vm, reason)
        if vm.set_down(ended):
            await self._definition.save_exit(vm, ended)

    def agent(self, vm: Vm, *, connected: bool) -> None:
        """The guest agent came or went."""
        vm.agent_connected = connected
        if connected:
            vm.set_up()
        elif vm.guest is not None:
            vm.guest = None
            vm.touch()

    async def _suspended(self, vm: Vm, event: Suspended) -> None:
        if vm.status is VmStatus.WAIT_FOR_LAUNCH:
            return
        if event.reason in {SuspendedReason.MIGRATED, SuspendedReason.FROM_SNAPSHOT, SuspendedReason.RESTORED}:
            log.info("VM %s: %s", vm.vm_id, event)
            return
        if vm.status is VmStatus.PAUSED or await self._is_so(vm, paused=True):
            vm.set_paused(_SUSPENDED.get(event.reason, PauseCode.OTHER))

    async def _is_so(self, vm: Vm, *, paused: bool) -> bool:
        """Whether the VM is paused, or not, as an event says that may be old; the event is believed when in doubt."""
        try:
            state = await self._hypervisor.state(vm.vm_id)
        except VdsmError as error:
            log.info("VM %s: an event is believed as it is: %s", vm.vm_id, error)
            return True
        return not state.active or (state.run is RunState.PAUSED) is paused

    async def _rebooted(self, vm: Vm) -> None:
        vm.note_reboot()
        if vm.status in {VmStatus.UP, VmStatus.POWERING_DOWN, VmStatus.REBOOTING}:
            vm.agent_connected = False
            vm.boot(VmStatus.REBOOTING, self._settings.powering_up)
        if vm.metadata.number(SHUTDOWN_REASON) is not None:
            # it did not do what it was asked; a ladder that is still climbed asks again
            await self._definition.forget_shutdown(vm)

    def _io_error(self, vm: Vm, event: IoError) -> None:
        payload = {"ioerror": {"alias": event.alias, "name": event.alias.rpartition("-")[2], "path": event.path}}
        log.warning("VM %s: I/O error %r on %s (%s)", vm.vm_id, event.reason, event.alias, event.path)
        if event.action is IoErrorAction.PAUSE:
            vm.set_paused(_IO_PAUSE.get(event.reason, PauseCode.OTHER), payload=payload)

    def _small_news(self, vm: Vm, event: DomainEvent) -> None:
        match event:
            case Graphics(phase=GraphicsPhase.DISCONNECT):
                vm.display_client = ""
                vm.touch()
                vm.tell({"clientIp": ""})
            case Graphics(phase=GraphicsPhase.INITIALIZE | GraphicsPhase.CONNECT):
                if vm.display_client != event.address:
                    vm.display_client = event.address
                    vm.tell({"clientIp": event.address})
            case RtcChanged():
                vm.time_offset = event.offset
                vm.touch()
            case WatchdogFired():
                vm.watchdog = {"time": time.time(), "action": event.action.name.lower()}
                vm.touch()
            case TrayChanged():
                log.info("VM %s: tray of %s %s", vm.vm_id, event.alias, "opened" if event.opened else "closed")
            case _:
                log.debug("VM %s: %s", vm.vm_id, event)


def exit_of(vm: Vm, reason: StoppedReason) -> Exit:
    """Why a VM whose QEMU is gone is down: an intention that is stored wins over what QEMU said, that over libvirt.

    Whether a guest rebooted or powered off, when a reboot ends the VM, QEMU alone says (`Vm.shutdown_cause`); when
    nobody was there to hear it, the VM counts as powered off by its user.
    """
    asked = vm.metadata.number(SHUTDOWN_REASON) is not None
    if asked and reason not in {StoppedReason.MIGRATED, StoppedReason.SAVED}:
        # also a crash: so libvirt calls it when it was restarted while it ended QEMU
        return Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Shut down by an administrator")
    if reason in {StoppedReason.SHUTDOWN, StoppedReason.DESTROYED}:
        if vm.shutdown_cause in _RESETS and vm.metadata.flag(DESTROY_ON_REBOOT):
            return Exit(ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT, "Destroyed on reboot of the guest")
        if reason is StoppedReason.DESTROYED:
            return Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Destroyed by an administrator")
        if vm.shutdown_cause is ShutdownCause.HOST_SIGNAL:
            return Exit(ExitCode.NORMAL, ExitReason.HOST_SHUTDOWN, "The host ended its QEMU, as on its shutdown")
        return Exit(ExitCode.NORMAL, ExitReason.USER_SHUTDOWN, "User shut down from within the guest")
    if reason is StoppedReason.MIGRATED:
        return Exit(ExitCode.NORMAL, ExitReason.MIGRATED, "Migration succeeded")
    if reason is StoppedReason.SAVED:
        return Exit(ExitCode.NORMAL, ExitReason.SAVED, "Saved to disk")
    return Exit(ExitCode.ERROR, ExitReason.LOST_QEMU, "Lost connection with qemu process")


_RESETS = frozenset({ShutdownCause.GUEST_RESET, ShutdownCause.HOST_RESET})

STOPPED_BY_SHUTOFF: Mapping[ShutoffReason, StoppedReason] = MappingProxyType(
    {
        ShutoffReason.SHUTDOWN: StoppedReason.SHUTDOWN,
        ShutoffReason.DESTROYED: StoppedReason.DESTROYED,
        ShutoffReason.CRASHED: StoppedReason.CRASHED,
        ShutoffReason.MIGRATED: StoppedReason.MIGRATED,
        ShutoffReason.SAVED: StoppedReason.SAVED,
        ShutoffReason.FAILED: StoppedReason.FAILED,
    }
)
"""A shut-off domain that is found, read as the event that was missed."""
