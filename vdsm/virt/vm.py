"""One VM of this host: what is known of it, and the only place where its status changes.

Plain state for one loop, no locks: commands and events reach it through its actor, one at a time. What is kept here is
a cache of libvirt's truth (the definition with our metadata) and can be rebuilt from it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from vdsm.adapters.libvirt.hypervisor import ShutdownCause
from vdsm.common.clock import next_event_time_ms
from vdsm.common.errors import VMNotRunning, WrongState
from vdsm.common.xml import parse
from vdsm.virt.actor import Actor
from vdsm.virt.domain_xml.device_hash import devices_hash
from vdsm.virt.domain_xml.domain import DomainXml
from vdsm.virt.domain_xml.metadata import VmMetadata
from vdsm.virt.stats.facts import VmFacts
from vdsm.virt.stats.guest_info import GuestInfo
from vdsm.virt.stats.sample import Sample
from vdsm.virt.status import ACTIVE, BOOTING, FOLLOWS, LEGAL, RUNNING, ExitCode, ExitReason, PauseCode, VmStatus
from vdsm.virt.timer import VmTimer

log = logging.getLogger(__name__)


class Publish(Protocol):
    """Sends one VM_status event."""

    def __call__(self, vm_id: str, payload: Mapping[str, Any], notify_time: int) -> None:
        """`payload` is what the event says of the VM; `notify_time` is on the event clock, in ms."""


class StatsView(Protocol):
    """Turns what is known of a VM into the wire's statistics."""

    def encode(self, vm: Vm) -> bytes:
        """Statistics as JSON."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Why a VM is down."""

    code: ExitCode
    reason: ExitReason
    message: str


class StartOutcome(Enum):
    """Whether it is known how the start of a VM ended."""

    KNOWN = "known"
    LOST = "lost"
    """libvirt went away meanwhile: the VM is welcome if it runs."""
    UNWANTED = "unwanted"
    """Past its deadline, or the VM is to be destroyed: it has to end if it runs."""


class Vm:
    """State of one VM.

    `hung`: QEMU does not answer libvirt; `unreachable`: libvirt does not answer us. `defined`: the definition of this
    id that libvirt has is ours, so it may be changed. `unsaved`: metadata that libvirt has not got yet. `boot_seconds`:
    when a guest without an agent counts as up.
    """

    def __init__(
        self,
        domain: DomainXml,
        xml: str,
        metadata: VmMetadata,
        *,
        publish: Publish,
        stats_view: StatsView,
        defined: bool = True,
        known_until: int = 0,
    ) -> None:
        """`domain` is `xml`, read. `known_until`: the status time of an earlier entry of the same VM."""
        self.vm_id = domain.uuid
        self.name = domain.name
        self.domain = domain
        self.xml = xml
        self.metadata = metadata
        self.defined = defined
        self.unsaved = False
        self.start_outcome = StartOutcome.KNOWN
        self.status = VmStatus.WAIT_FOR_LAUNCH
        self.status_time = next_event_time_ms(known_until)
        self.exit: Exit | None = None
        self.pause_code: PauseCode | None = None
        self.status_before_pause = VmStatus.POWERING_UP
        self.started_at = time.time()
        self.boot_seconds = 0.0
        self.time_offset = domain.clock_adjustment
        self.display_client = ""
        self.agent_connected = False
        self.guest: GuestInfo | None = None
        self.reboots = 0
        self.shutdown_cause: ShutdownCause | None = None
        self.previous: Sample | None = None
        self.sample: Sample | None = None
        self.sampled_at = time.monotonic()
        self.hung = False
        self.unreachable = False
        self.needs_lookup = False
        self.watchdog: Mapping[str, Any] | None = None
        self.facts = VmFacts.of(domain, metadata, devices_hash(parse(xml)))
        self.actor = Actor(self.vm_id, self._events_lost)
        self.timer = VmTimer(self.actor)
        self._publish = publish
        self._stats_view = stats_view
        self._stats: bytes | None = None
        self._changed = asyncio.Event()

    # what others ask

    @property
    def is_active(self) -> bool:
        """A QEMU process of this VM exists."""
        return self.status in ACTIVE

    @property
    def is_running(self) -> bool:
        """The guest's CPUs run."""
        return self.status in RUNNING

    @property
    def responsive(self) -> bool:
        """Its numbers are kept up to date."""
        return not (self.hung or self.unreachable)

    def short(self) -> dict[str, Any]:
        """`{vmId, status, statusTime}` as lists of VMs carry it."""
        return {"vmId": self.vm_id, "status": self.status.value, "statusTime": str(self.status_time)}

    def stats(self) -> msgspec.Raw:
        """Statistics as JSON, encoded once per change."""
        if self._stats is None:
            self._stats = self._stats_view.encode(self)
        return msgspec.Raw(self._stats)

    def check_legal(self, operation: str) -> None:
        """Raises: VMNotRunning, WrongState when `operation` may not run in the VM's status."""
        if self.status in LEGAL[operation]:
            return
        if self.status in {VmStatus.DOWN, VmStatus.WAIT_FOR_LAUNCH}:
            raise VMNotRunning(vm_id=self.vm_id, operation=operation, state=self.status.value)
        raise WrongState(vm_id=self.vm_id, operation=operation, state=self.status.value)

    def age(self) -> float:
        """Seconds since QEMU was started."""
        return max(0.0, time.time() - self.started_at)

    async def until(self, reached: Callable[[], bool], seconds: float) -> bool:
        """Wait for a change after which `reached` holds; False when there is none within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while not reached():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    # changes

    def take_xml(self, xml: str) -> None:
        """The live definition changed. Raises: InvalidParameter when it cannot be read."""
        root = parse(xml)
        self.domain = DomainXml.of(root)
        self.facts = VmFacts.of(self.domain, self.metadata, devices_hash(root))
        self.xml = xml
        self.touch()

    def touch(self) -> None:
        """What the statistics are made of has changed."""
        self._stats = None

    def boot(self, status: VmStatus, seconds: float) -> None:
        """Enter a status of BOOTING; the VM counts as up once its agent answers, or after `seconds`."""
        self.boot_seconds = seconds
        self.set_status(status)
        self._watch_boot()

    def set_status(self, status: VmStatus, *, payload: Mapping[str, Any] | None = None, full: bool = False) -> bool:
        """Enter `status` and tell it; False and nothing done when it is the status already.

        `payload` is added to the event, and with `full` the statistics. A step that the table does not know is logged
        and taken: libvirt is right.
        """
        if status is self.status:
            return False
        if self.status is VmStatus.DOWN:
            log.error("VM %s is down and stays so; ignoring %s", self.vm_id, status.value)
            return False
        if status not in FOLLOWS[self.status]:
            log.warning("VM %s: an unusual step follows", self.vm_id)
        log.info("VM %s: %s -> %s", self.vm_id, self.status.value, status.value)
        self.status = status
        if status is not VmStatus.PAUSED:
            self.pause_code = None
        self._show(payload, full=full)
        return True

    def set_paused(self, code: PauseCode, *, payload: Mapping[str, Any] | None = None) -> None:
        """Enter Paused for the reason `code`; on a paused VM it replaces a reason that says less."""
        if self.status is VmStatus.DOWN:
            return
        told = {"pauseCode": code.value, **(payload or {})}
        if self.status is VmStatus.PAUSED:
            if code is not self.pause_code and self.pause_code in _VAGUE.get(code, _ALL_VAGUE):
                self.pause_code = code
                self._show(told)
            return
        if self.status is not VmStatus.WAIT_FOR_LAUNCH:
            self.status_before_pause = self.status
        self.pause_code = code
        self.set_status(VmStatus.PAUSED, payload=told)

    def set_continued(self) -> None:
        """Leave Paused for what the VM was doing before."""
        if self.status is VmStatus.PAUSED:
            booted = self.agent_connected and self.status_before_pause in BOOTING
            self.set_status(VmStatus.UP if booted else self.status_before_pause)
            self._watch_boot()

    def set_up(self) -> None:
        """The guest is up: tell it with the running statistics. A guest that stands, or goes down, stays as it is."""
        if self.status in BOOTING:
            self.timer.cancel()
            self.set_status(VmStatus.UP, full=True)

    def stay_up(self) -> None:
        """The guest did not go down as it was asked."""
        if self.status is VmStatus.POWERING_DOWN:
            self.set_status(VmStatus.UP, full=True)
        elif self.status is VmStatus.PAUSED and self.status_before_pause is VmStatus.POWERING_DOWN:
            self.status_before_pause = VmStatus.UP

    def note_reboot(self) -> None:
        """The guest has reset."""
        self.reboots += 1
        self._changed.set()

    def set_down(self, ended: Exit) -> bool:
        """Enter Down for good; False when it is."""
        self.timer.cancel()
        if self.status is VmStatus.DOWN:
            return False
        self.exit = ended
        self.start_outcome = StartOutcome.KNOWN
        self.agent_connected = False
        self.guest = None
        self.hung = False
        payload: dict[str, Any] = {
            "exitCode": int(ended.code),
            "exitReason": int(ended.reason),
            "exitMessage": ended.message,
            "timeOffset": self.time_offset,
        }
        return self.set_status(VmStatus.DOWN, payload=payload)

    def tell(self, payload: Mapping[str, Any]) -> None:
        """Send a VM_status event without a change of status, such as news of the guest agent."""
        self._show(payload)

    def _watch_boot(self) -> None:
        async def booted() -> None:
            self.set_up()

        if self.status in BOOTING:
            self.timer.after(self.boot_seconds, "booting is over", booted)

    def _show(self, payload: Mapping[str, Any] | None, *, full: bool = False) -> None:
        """Make the change visible to getAllVmStats and tell it with the same time."""
        self.status_time = next_event_time_ms(self.status_time)
        self._changed.set()
        self.touch()
        stats: dict[str, Any] = msgspec.json.decode(self.stats()) if full else {}
        self._publish(self.vm_id, {**stats, **(payload or {}), "status": self.status.value}, self.status_time)

    def _events_lost(self) -> None:
        self.needs_lookup = True


_NOT_SAID = frozenset({None, PauseCode.NONE})
_ALL_VAGUE = _NOT_SAID | {PauseCode.OTHER}
_VAGUE: Mapping[PauseCode, frozenset[PauseCode | None]] = MappingProxyType(
    {PauseCode.NONE: frozenset(), PauseCode.OTHER: _NOT_SAID}
)
