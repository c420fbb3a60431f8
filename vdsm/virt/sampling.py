"""The sweep: one bulk call per interval gives every running VM its statistics.

Callers are served from what the last sweep left, pre-encoded, and never wait for libvirt. A VM whose QEMU hangs says
so (monitorResponse -1) and keeps its last numbers; the others do not notice.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from vdsm.adapters.libvirt.hypervisor import BulkSample, Hypervisor
from vdsm.common.errors import VdsmError
from vdsm.virt.settings import VirtSettings
from vdsm.virt.stats.sample import read_sample
from vdsm.virt.vms import Vms

log = logging.getLogger(__name__)

SOON_SECONDS = 1.0


class Sampling:
    """Runs sweeps for ever."""

    def __init__(
        self, vms: Vms, hypervisor: Hypervisor, settings: VirtSettings, after_sweep: Callable[[], None]
    ) -> None:
        self._vms = vms
        self._hypervisor = hypervisor
        self._settings = settings
        self._after_sweep = after_sweep
        self._soon = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.sweeps = 0
        self.failed = 0
        self.last_seconds = 0.0

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="vm sampling")

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def soon(self) -> None:
        """Sweep within a second: a VM has just started, or libvirt is back."""
        self._soon.set()

    async def sweep(self) -> None:
        """One sweep, now. Raises: as Hypervisor.bulk_stats."""
        started = asyncio.get_running_loop().time()
        sample = await self._hypervisor.bulk_stats()
        self.sweeps += 1
        self.take(sample)
        self.last_seconds = asyncio.get_running_loop().time() - started

    def take(self, sample: BulkSample) -> None:
        """Give every VM its part of a sweep."""
        for vm in self._vms.known():
            if not vm.is_active:
                continue
            record = sample.records.get(vm.vm_id)
            vm.unresponsive = vm.vm_id in sample.unresponsive
            if record is not None and not vm.unresponsive:
                vm.previous, vm.sample = vm.sample, read_sample(record, sample.taken_at)
            vm.touch()

    async def _run(self) -> None:
        while True:
            try:
                if self._hypervisor.connected:
                    await self.sweep()
            except VdsmError as error:
                self.failed += 1
                log.warning("no statistics this time: %s", error)
                self._age()
            self._after_sweep()
            try:
                async with asyncio.timeout(self._settings.sample_interval):
                    await self._soon.wait()
            except TimeoutError:
                continue
            self._soon.clear()
            await asyncio.sleep(SOON_SECONDS)

    def _age(self) -> None:
        """Numbers older than the command timeout say that nobody answers for the VM."""
        now = asyncio.get_running_loop().time()
        for vm in self._vms.known():
            sample = vm.sample
            if vm.is_active and sample is not None and now - sample.time > self._settings.command_timeout:
                vm.unresponsive = True
                vm.touch()
