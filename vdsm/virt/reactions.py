"""What an event of the hypervisor means for a VM's status. Runs in the VM's actor, in the order of the events.

libvirt repeats itself (a reset brings bursts of reboot events, a start brings resume events), and a command's own event
comes after the command has set the status: so every reaction leaves a VM alone that is where it should be.
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
    IoError,
    IoErrorAction,
    Rebooted,
    Resumed,
    RtcChanged,
    Shutdown,
    ShutoffReason,
    Started,
    Stopped,
    StoppedReason,
    Suspended,
    SuspendedReason,
    TrayChanged,
    WatchdogFired,
)
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

    def __init__(self, definition: Definition, settings: VirtSettings) -> None:
        self._definition = definition
        self._settings = settings

    async def apply(self, vm: Vm, event: DomainEvent) -> None:
        """Let `event` change `vm`."""
        match event:
            case Stopped():
                await self.stopped(vm, event.reason)
            case Started():
                if vm.status is VmStatus.WAIT_FOR_LAUNCH:
                    vm.set_status(VmStatus.POWERING_UP)
            case Suspended():
                await self._suspended(vm, event)
            case Resumed():
                await self._resumed(vm)
            case Shutdown() | Crashed():
                log.info("VM %s: %s", vm.vm_id, event)
            case Rebooted():
                self._rebooted(vm)
            case AgentConnected():
                self._agent(vm, connected=event.connected)
            case IoError():
                self._io_error(vm, event)
            case _:
                self._small_news(vm, event)

    async def stopped(self, vm: Vm, reason: StoppedReason) -> None:
        """QEMU is gone: the VM is down for the reason that is known best, and that is stored."""
        ended = exit_of(vm, reason)
        if vm.set_down(ended):
            await self._definition.save_exit(vm, ended)

    async def _suspended(self, vm: Vm, event: Suspended) -> None:
        if vm.status in {VmStatus.WAIT_FOR_LAUNCH, VmStatus.DOWN}:
            return
        if event.reason in {SuspendedReason.MIGRATED, SuspendedReason.FROM_SNAPSHOT, SuspendedReason.RESTORED}:
            log.info("VM %s: %s", vm.vm_id, event)
            return
        # the event of a pause may come when the VM was continued already, and the other way round
        if vm.status is VmStatus.PAUSED or await self._definition.is_paused(vm) is not False:
            vm.set_paused(_SUSPENDED.get(event.reason, PauseCode.OTHER))

    async def _resumed(self, vm: Vm) -> None:
        if vm.status is VmStatus.PAUSED and not await self._definition.is_paused(vm):
            vm.set_continued()

    def _rebooted(self, vm: Vm) -> None:
        if vm.status in {VmStatus.UP, VmStatus.POWERING_DOWN}:
            vm.agent_connected = False
            vm.set_status(VmStatus.REBOOTING)
            vm.after(self._settings.powering_up, "rebooting is over", vm.set_up)

    def _agent(self, vm: Vm, *, connected: bool) -> None:
        vm.agent_connected = connected
        if connected and vm.status in {VmStatus.POWERING_UP, VmStatus.REBOOTING}:
            vm.set_up()
        elif not connected and vm.guest is not None:
            vm.guest = None
            vm.touch()

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
    """Why a VM whose QEMU is gone is down: an intention that is stored wins over what libvirt saw."""
    intended = vm.metadata.number(SHUTDOWN_REASON)
    if reason is StoppedReason.SHUTDOWN:
        if intended is not None:
            return Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Shut down by an administrator")
        if vm.metadata.flag(DESTROY_ON_REBOOT):
            # libvirt does not tell this reboot from a power-off; off for good after a reboot would be the worse guess
            return Exit(ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT, "Destroyed on reboot of the guest")
        return Exit(ExitCode.NORMAL, ExitReason.USER_SHUTDOWN, "User shut down from within the guest")
    if reason is StoppedReason.DESTROYED:
        if vm.metadata.flag(DESTROY_ON_REBOOT):
            return Exit(ExitCode.NORMAL, ExitReason.DESTROYED_ON_REBOOT, "Destroyed on reboot of the guest")
        return Exit(ExitCode.NORMAL, ExitReason.ADMIN_SHUTDOWN, "Admin shut down from the engine")
    if reason is StoppedReason.MIGRATED:
        return Exit(ExitCode.NORMAL, ExitReason.MIGRATED, "Migration succeeded")
    if reason is StoppedReason.SAVED:
        return Exit(ExitCode.NORMAL, ExitReason.SAVED, "Saved to disk")
    return Exit(ExitCode.ERROR, ExitReason.LOST_QEMU, "Lost connection with qemu process")


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
