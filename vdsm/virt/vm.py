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
from typing import Any, Protocol

import msgspec

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
from vdsm.virt.status import ACTIVE, FOLLOWS, LEGAL, RUNNING, ExitCode, ExitReason, PauseCode, VmStatus

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


class Vm:
    """State of one VM."""

    def __init__(
        self, domain: DomainXml, xml: str, metadata: VmMetadata, *, publish: Publish, stats_view: StatsView
    ) -> None:
        """`domain` is `xml`, read."""
        self.vm_id = domain.uuid
        self.name = domain.name
        self.domain = domain
        self.xml = xml
        self.metadata = metadata
        self.status = VmStatus.WAIT_FOR_LAUNCH
        self.status_time = next_event_time_ms(0)
        self.exit: Exit | None = None
        self.pause_code: PauseCode | None = None
        self.status_before_pause = VmStatus.POWERING_UP
        self.started_at = time.time()
        self.time_offset = domain.clock_adjustment
        self.display_client = ""
        self.agent_connected = False
        self.guest: GuestInfo | None = None
        self.previous: Sample | None = None
        self.sample: Sample | None = None
        self.unresponsive = False
        self.needs_lookup = False
        self.watchdog: Mapping[str, Any] | None = None
        self.facts = VmFacts.of(domain, metadata, devices_hash(parse(xml)))
        self.actor = Actor(self.vm_id, self._events_lost)
        self._publish = publish
        self._stats_view = stats_view
        self._stats: bytes | None = None
        self._timer: asyncio.TimerHandle | None = None
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

    async def reaches(self, statuses: set[VmStatus], seconds: float) -> bool:
        """Wait until the VM enters one of `statuses`; False when it does not within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                while self.status not in statuses:
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

    def set_status(self, status: VmStatus, *, payload: Mapping[str, Any] | None = None) -> bool:
        """Enter `status` and tell it; False and nothing done when it is the status already.

        `payload` is added to the event. A step that the table does not know is logged and taken: libvirt is right.
        """
        if status is self.status:
            return False
        if self.status is VmStatus.DOWN:
            log.error("VM %s is down and stays so; ignoring %s", self.vm_id, status.value)
            return False
        if status not in FOLLOWS[self.status]:
            log.warning("VM %s went from %s to %s", self.vm_id, self.status.value, status.value)
        log.info("VM %s: %s -> %s", self.vm_id, self.status.value, status.value)
        self.status = status
        if status is not VmStatus.PAUSED:
            self.pause_code = None
        self._show(payload)
        return True

    def set_paused(self, code: PauseCode, *, payload: Mapping[str, Any] | None = None) -> None:
        """Enter Paused for the reason `code`; a second reason replaces NOERR only."""
        if self.status is VmStatus.PAUSED:
            if self.pause_code is code or code is PauseCode.NONE:
                return
            self.pause_code = code
            self._show({"pauseCode": code.value, **(payload or {})})
            return
        if self.status is not VmStatus.WAIT_FOR_LAUNCH:
            self.status_before_pause = self.status
        self.pause_code = code
        self.set_status(VmStatus.PAUSED, payload={"pauseCode": code.value, **(payload or {})})

    def set_continued(self) -> None:
        """Leave Paused for what the VM was doing before."""
        if self.status is VmStatus.PAUSED:
            self.set_status(self.status_before_pause)

    def set_up(self) -> None:
        """The guest is up: tell it with the running statistics."""
        self.cancel_timer()
        if self.status in {VmStatus.POWERING_UP, VmStatus.REBOOTING, VmStatus.POWERING_DOWN}:
            self.set_status(VmStatus.UP, payload=self._running_stats())
        elif self.status is VmStatus.PAUSED:
            self.status_before_pause = VmStatus.UP

    def set_down(self, ended: Exit) -> bool:
        """Enter Down for good."""
        self.cancel_timer()
        if self.status is VmStatus.DOWN:
            return False
        self.exit = ended
        self.agent_connected = False
        self.guest = None
        self.unresponsive = False
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

    def after(self, seconds: float, what: str, action: Callable[[], None]) -> None:
        """Queue `action` as an event in `seconds`, in place of an earlier one."""
        self.cancel_timer()

        async def fire() -> None:
            action()

        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(seconds, self.actor.post, what, fire)

    def cancel_timer(self) -> None:
        """Forget what `after` queued."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _show(self, payload: Mapping[str, Any] | None) -> None:
        """Make the change visible to getAllVmStats and tell it with the same time."""
        self.status_time = next_event_time_ms(self.status_time)
        self._changed.set()
        self.touch()
        self._publish(self.vm_id, {"status": self.status.value, **(payload or {})}, self.status_time)

    def _running_stats(self) -> dict[str, Any]:
        self.touch()
        stats: dict[str, Any] = msgspec.json.decode(self._stats_view.encode(self))
        stats.pop("status", None)
        return stats

    def _events_lost(self) -> None:
        self.needs_lookup = True
