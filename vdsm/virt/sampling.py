"""The sweep: one bulk call per interval gives every running VM its statistics.

Callers are served from what the last sweep left, pre-encoded, and never wait for libvirt. A VM whose QEMU hangs says
so (monitorResponse -1) and keeps its last numbers; the others do not notice. A start is followed by two early sweeps,
so that rates exist soon.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vdsm.adapters.libvirt.hypervisor import BulkSample, ConnectionRestored, Hypervisor, HypervisorEvent, Started
from vdsm.common.errors import VdsmError
from vdsm.virt.background import end_background, run_in_background
from vdsm.virt.settings import VirtSettings
from vdsm.virt.stats.sample import is_partial, read_sample
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

SLICE = 20
EARLY_SECONDS = (1.0, 3.0)


class Sampling:
    """Runs sweeps for ever."""

    def __init__(
        self, vms: Vms, hypervisor: Hypervisor, settings: VirtSettings, after_sweep: Callable[[], None]
    ) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._settings = settings
        self._after_sweep = after_sweep
        self._early: list[float] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self.sweeps = 0
        self.failed = 0
        self.last_seconds = 0.0

    def start(self) -> None:
        """Begin."""
        self._unsubscribe = self._hypervisor.subscribe(self._on_event)
        self._task = run_in_background("vm sampling", self._run())

    async def close(self) -> None:
        """Stop."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        await end_background(self._task)

    def soon(self) -> None:
        """Sweep twice within seconds."""
        now = asyncio.get_running_loop().time()
        for seconds in EARLY_SECONDS:
            # what is due in the same second serves both
            if not any(abs(due - now - seconds) < 0.5 for due in self._early):
                self._early.append(now + seconds)
        self._news.set()

    async def sweep(self) -> None:
        """One sweep, now. Raises: as Hypervisor.bulk_stats."""
        started = asyncio.get_running_loop().time()
        sample = await self._hypervisor.bulk_stats()
        self.sweeps += 1
        self.take(sample)
        await self._encode()
        self.last_seconds = asyncio.get_running_loop().time() - started

    async def _encode(self) -> None:
        """Now and in slices, or the next getAllVmStats would do it for all VMs in one turn of the loop."""
        for number, vm in enumerate(self._vms.known()):
            vm.stats()
            if number % SLICE == SLICE - 1:
                await asyncio.sleep(0)

    def take(self, sample: BulkSample) -> None:
        """Give every VM its part of a sweep."""
        for vm in self._vms.known():
            if not vm.is_active:
                continue
            record = sample.records.get(vm.vm_id)
            vm.hung = vm.vm_id in sample.unresponsive
            if record is not None and not vm.hung:
                # numbers that are a sweep older are better than zeros, and than rates that jump
                if vm.sample is None or not is_partial(record):
                    vm.previous, vm.sample = vm.sample, read_sample(record, sample.taken_at)
                vm.sampled_at = sample.taken_at
            elif record is None and not vm.hung and vm.sampled_at < sample.taken_at:
                vm.needs_lookup = True  # it does not run, as libvirt says, and nobody has told
            vm.touch()

    def _on_event(self, event: HypervisorEvent) -> None:
        if isinstance(event, ConnectionRestored | Started):
            self.soon()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            self._early = [due for due in self._early if due > began]
            try:
                if self._hypervisor.connected:
                    await self.sweep()
            except VdsmError as error:
                self.failed += 1
                log.warning("no statistics this time: %s", error)
                self._age()
            self._after_sweep()
            await self._pause(began + self._settings.sample_interval)

    async def _pause(self, until: float) -> None:
        """Until the next sweep is due."""
        loop = asyncio.get_running_loop()
        while (seconds := min([until, *self._early]) - loop.time()) > 0:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._news.wait()
            except TimeoutError:
                return

    def _age(self) -> None:
        """Numbers older than the command timeout say that nobody answers for the VM."""
        now = asyncio.get_running_loop().time()
        for vm in self._vms.known():
            if vm.is_active and now - vm.sampled_at > self._settings.command_timeout:
                vm.hung = True
                vm.touch()
