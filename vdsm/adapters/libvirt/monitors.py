"""Which VMs' QEMUs do not answer: their calls are refused at once until they answer again.

A VM comes in when a call on it sticks, or when the sampler finds its monitor occupied for too long; it goes out when
libvirt's control info says that the monitor is free. Used on the loop alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from vdsm.adapters.libvirt.pool import Returned
from vdsm.common.errors import MonitorUnresponsive


class HungMonitors:
    """The quarantine."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def __contains__(self, vm_id: str) -> bool:
        return vm_id in self._since

    def __len__(self) -> int:
        return len(self._since)

    def add(self, vm_id: str, seconds: float = 0.0) -> None:
        """It does not answer, since `seconds` ago; an earlier entry stays as it is."""
        self._since.setdefault(vm_id, time.monotonic() - seconds)

    def discard(self, vm_ids: Iterable[str]) -> None:
        """They answer again, or are gone."""
        for vm_id in vm_ids:
            self._since.pop(vm_id, None)

    def all(self) -> dict[str, float]:
        """Seconds since each was noticed."""
        now = time.monotonic()
        return {vm_id: now - since for vm_id, since in self._since.items()}

    def check(self, vm_id: str, operation: str) -> None:
        """Raises: MonitorUnresponsive."""
        since = self._since.get(vm_id)
        if since is not None:
            raise MonitorUnresponsive(vm_id=vm_id, operation=operation, since=round(time.monotonic() - since, 1))

    def stuck_call(self, vm_id: str) -> Returned:
        """A call on this VM is past its deadline; the result is called when it came back, which frees the VM."""
        self.add(vm_id)
        return lambda: self.discard([vm_id])
