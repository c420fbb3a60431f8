"""Real, paused, BIOS-only VMs of 16 MiB, as many as a benchmark asks for, made by VM.create."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from devhost.domain import bios_domain, launch_paused
from tests.perf.wire import Wire

_AT_ONCE = 4
_PATIENCE = 60.0


class PausedVms:
    """The VMs of one host; they stay until it goes."""

    def __init__(self, connect: Callable[[], Wire]) -> None:
        """`connect` gives a connection that hears events."""
        self._connect = connect
        self.ids: list[str] = []

    def ensure(self, count: int, say: Callable[[str], None]) -> None:
        """Make VMs until there are `count`. Raises: TimeoutError, CallError."""
        with self._connect() as wire:
            while len(self.ids) < count:
                say(f"{len(self.ids)} of {count}")
                self._make(wire, min(_AT_ONCE, count - len(self.ids)))

    def _make(self, wire: Wire, count: int) -> None:
        new = [str(uuid.uuid4()) for _ in range(count)]
        for vm_id in new:
            plan = launch_paused(bios_domain(vm_id, f"paused-{vm_id[:8]}"))
            wire.call("VM.create", {"vmID": vm_id, "vmParams": {"xml": plan.xml()}})
        waiting, deadline = set(new), time.monotonic() + _PATIENCE
        while waiting:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(waiting)} VMs are not paused after {_PATIENCE:.0f} s")
            states = wire.call("Host.getVMList")
            waiting -= {state["vmId"] for state in states if state["status"] == "Paused"}
            time.sleep(0.05)
        self.ids += new
