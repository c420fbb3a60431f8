"""The four lanes that calls take to libvirt, each with threads of its own, so that none can fill another's.

passive: what libvirt answers without QEMU; lifecycle: what may wait for a QEMU; sampling: statistics;
agent: what waits for a guest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import libvirt

from vdsm.adapters.libvirt.connection import ThreadConnections
from vdsm.adapters.libvirt.pool import BlockingPool, Returned
from vdsm.common.errors import GuestAgentError, LibvirtGone, MonitorUnresponsive, VdsmError

T = TypeVar("T")


class Lane:
    """A pool whose functions get a connection. `is_open`: libvirtd answers; without it calls are refused at once."""

    def __init__(self, pool: BlockingPool, connections: ThreadConnections, is_open: Callable[[], bool]) -> None:
        self.pool = pool
        self.connections = connections
        self._is_open = is_open

    async def run(
        self,
        operation: str,
        function: Callable[[libvirt.virConnect], T],
        *,
        deadline: float,
        key: str | None = None,
        urgent: bool = False,
        on_stuck: Callable[[], Returned] | None = None,
    ) -> T:
        """Run a blocking function with a connection; see `BlockingPool.run`.

        Raises: LibvirtGone, what the pool and the function raise.
        """
        if not self._is_open():
            # a daemon that hangs would otherwise take a thread with each call
            raise LibvirtGone(operation=operation)
        return await self.pool.run(
            operation,
            lambda: self.connections.blocking_call(function),
            deadline=deadline,
            key=key,
            urgent=urgent,
            on_stuck=on_stuck,
        )


class Lanes:
    """All four."""

    def __init__(self, connections: ThreadConnections, is_open: Callable[[], bool]) -> None:
        self.passive = Lane(BlockingPool("libvirt-passive", threads=2, stuck_limit=4), connections, is_open)
        self.lifecycle = Lane(BlockingPool("libvirt-lifecycle", threads=4, refuse=_monitor_hangs), connections, is_open)
        self.sampling = Lane(BlockingPool("libvirt-sampling", threads=5), connections, is_open)
        self.agent = Lane(BlockingPool("libvirt-agent", threads=4, refuse=_agent_hangs), connections, is_open)

    def pools(self) -> dict[str, BlockingPool]:
        """Each lane's pool by name, for metrics."""
        return {
            "passive": self.passive.pool,
            "lifecycle": self.lifecycle.pool,
            "sampling": self.sampling.pool,
            "agent": self.agent.pool,
        }

    def close(self) -> None:
        """End all threads that are not stuck."""
        for pool in self.pools().values():
            pool.close()


def _monitor_hangs(key: str, operation: str, since: float) -> VdsmError:
    return MonitorUnresponsive(vm_id=key.removeprefix(FORCE_PREFIX), operation=operation, since=round(since, 1))


def _agent_hangs(key: str, operation: str, since: float) -> VdsmError:
    return GuestAgentError(vm_id=key, operation="answer", cause=f"an earlier call has not come back for {since:.1f} s")


FORCE_PREFIX = "force:"
"""Before the VM's id in the key of a call that may run beside the VM's other call."""
