"""One sweep of statistics over all domains, which a hung QEMU can slow down once and never stop.

Normally one bulk call. When it sticks, some QEMU hangs: the sweep then asks for the control info of each domain,
which names the one that the call sticks on, and samples the others in chunks under short deadlines, each of which
may find one more. A stuck call stays in QEMU's monitor, so bulk calls made with NOWAIT pass that VM by from then on;
its record holds the passive groups alone until the call comes back. Each stuck call occupies a libvirtd worker
(20 by default): past `stuck_budget` of them nothing but passive groups is asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import libvirt

from vdsm.adapters.libvirt.calls import Calls, blocking_control_info, blocking_mapped
from vdsm.adapters.libvirt.domain import PASSIVE_STATS, BulkSample, ControlInfo, ControlState, StatsGroup
from vdsm.adapters.libvirt.errors import is_connection_loss
from vdsm.common.errors import BackendTimeout

Records = dict[str, dict[str, Any]]

_ALL = "read the statistics of all virtual machines"
_SOME = "read the statistics of some virtual machines"
_ACTIVE = "list the running virtual machines"
_MONITORS = "read the monitor states of virtual machines"

_GROUPS = (
    (StatsGroup.STATE, libvirt.VIR_DOMAIN_STATS_STATE),
    (StatsGroup.CPU_TOTAL, libvirt.VIR_DOMAIN_STATS_CPU_TOTAL),
    (StatsGroup.BALLOON, libvirt.VIR_DOMAIN_STATS_BALLOON),
    (StatsGroup.VCPU, libvirt.VIR_DOMAIN_STATS_VCPU),
    (StatsGroup.INTERFACE, libvirt.VIR_DOMAIN_STATS_INTERFACE),
    (StatsGroup.BLOCK, libvirt.VIR_DOMAIN_STATS_BLOCK),
)


@dataclass(frozen=True, slots=True)
class SamplerSettings:
    """Seconds, except chunk and stuck_budget.

    A bulk call has base + per_vm for each VM of the last sweep; a chunk of the split sweep has chunk_base + per_vm
    for each of its VMs. occupied: a monitor that has been busy with one command for so long is hung.
    """

    base: float = 2.0
    per_vm: float = 0.02
    chunk: int = 16
    chunk_base: float = 0.5
    occupied: float = 0.4
    workers: int = 3
    stuck_budget: int = 12


class Sampler:
    """Makes sweeps, one at a time."""

    def __init__(self, calls: Calls, settings: SamplerSettings) -> None:
        self._calls = calls
        self._lane = calls.lanes.sampling
        self._hung = calls.hung
        self._settings = settings
        self._last_count = 0
        self._turn = asyncio.Lock()

    async def sweep(self, groups: StatsGroup, deadline: float) -> BulkSample:
        """Statistics of every active domain.

        Raises: LibvirtGone, BackendTimeout (libvirtd itself does not answer).
        """
        try:
            async with asyncio.timeout(deadline), self._turn:
                taken_at = time.monotonic()
                records = await self._sample(groups, taken_at + deadline)
        except TimeoutError as err:
            raise BackendTimeout(backend="libvirt", operation=_ALL, timeout=deadline) from err
        self._last_count = len(records)
        return BulkSample(records, taken_at, self._hung.all())

    async def _sample(self, groups: StatsGroup, until: float) -> Records:
        await self._review()
        if self._over_budget():
            groups &= PASSIVE_STATS
        bulk = asyncio.create_task(self._bulk(groups))
        try:
            if await self._sticks(bulk):
                return await self._split(groups, until)
            return await bulk
        except BackendTimeout:
            return await self._split(groups, until)
        finally:
            bulk.cancel()
            # the pool sees to the call itself; this only waits for the task around it
            await asyncio.wait([bulk])

    async def _sticks(self, bulk: asyncio.Task[Records]) -> bool:
        """Whether the bulk call waits for a QEMU that hangs; False as soon as it has ended by itself."""
        patience = self._settings.occupied
        while not (await asyncio.wait([bulk], timeout=patience))[0]:
            active = await self._calls.host(_ACTIVE, _blocking_active, 2.0)
            if await self._quarantine([vm_id for vm_id in active if vm_id not in self._hung]):
                return True
            patience = self._settings.occupied / 2
        return False

    async def _bulk(self, groups: StatsGroup) -> Records:
        """The normal sweep: one call."""
        settings = self._settings
        return await self._lane.run(
            _ALL,
            lambda conn: blocking_mapped(conn, _ALL, "", lambda c: _blocking_bulk(c, _flags(groups))),
            deadline=settings.base + settings.per_vm * self._last_count,
        )

    async def _split(self, groups: StatsGroup, until: float) -> Records:
        """The sweep around hung QEMUs."""
        active = await self._calls.host(_ACTIVE, _blocking_active, 2.0)
        await self._quarantine(active)
        # the passive groups of the hung ones, and a floor for those that the deadline cuts off
        records = await self._chunk(active, groups & PASSIVE_STATS)
        rest = [vm_id for vm_id in active if vm_id not in self._hung]
        size = min(self._settings.chunk, max(1, len(rest) // (self._settings.workers * 4)))
        chunks = deque(_chunks(rest, size))

        async def work() -> None:
            while chunks and time.monotonic() < until and not self._over_budget():
                chunk = chunks.popleft()
                try:
                    records.update(await self._chunk(chunk, groups))
                except BackendTimeout:
                    chunks.extend(await self._remains(chunk))

        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.workers):
                group.create_task(work())
        return records

    async def _remains(self, chunk: list[str]) -> list[list[str]]:
        """After a chunk's call stuck: what of it is still to be sampled, without those that hang."""
        named = await self._quarantine(chunk)
        rest = [vm_id for vm_id in chunk if vm_id not in self._hung]
        if named:
            return [rest] if rest else []
        if len(rest) > 1:
            half = len(rest) // 2
            return [rest[:half], rest[half:]]
        for vm_id in rest:
            self._hung.add(vm_id)
        return []

    async def _chunk(self, vm_ids: list[str], groups: StatsGroup) -> Records:
        settings = self._settings
        return await self._lane.run(
            _SOME,
            lambda conn: blocking_mapped(conn, _SOME, "", lambda c: _blocking_chunk(c, vm_ids, _flags(groups))),
            deadline=settings.chunk_base + settings.per_vm * len(vm_ids),
        )

    async def _review(self) -> None:
        """Let out of quarantine what answers again or is gone."""
        kept = list(self._hung.all())
        if not kept:
            return
        found = await self._calls.host(_MONITORS, lambda conn: _blocking_control(conn, kept), 2.0)
        self._hung.discard(
            vm_id for vm_id in kept if vm_id not in found or found[vm_id].state is not ControlState.OCCUPIED
        )

    async def _quarantine(self, vm_ids: list[str]) -> list[str]:
        """Put those whose monitor is stuck into quarantine, and name them."""
        found = await self._calls.host(_MONITORS, lambda conn: _blocking_control(conn, vm_ids), 2.0)
        named = [
            vm_id
            for vm_id, info in found.items()
            if info.state is ControlState.OCCUPIED and info.since >= self._settings.occupied
        ]
        for vm_id in named:
            self._hung.add(vm_id, found[vm_id].since)
        return named

    def _over_budget(self) -> bool:
        return self._lane.pool.stuck >= self._settings.stuck_budget


def _flags(groups: StatsGroup) -> int:
    flags = 0
    for group, flag in _GROUPS:
        if group in groups:
            flags |= flag
    return flags


def _chunks(vm_ids: list[str], size: int) -> Iterable[list[str]]:
    return (vm_ids[start : start + size] for start in range(0, len(vm_ids), size))


def _records(reply: Any) -> Records:
    return {domain.UUIDString(): stats for domain, stats in reply}


def _blocking_bulk(conn: libvirt.virConnect, flags: int) -> Records:
    # NOWAIT: a VM that another call holds is passed by, its record lacks what only QEMU knows
    options = libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT
    return _records(conn.getAllDomainStats(flags, options))


def _blocking_chunk(conn: libvirt.virConnect, vm_ids: list[str], flags: int) -> Records:
    domains = [domain for domain in (_blocking_find(conn, vm_id) for vm_id in vm_ids) if domain is not None]
    if not domains:
        return {}
    return _records(conn.domainListGetStats(domains, flags, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT))


def _blocking_active(conn: libvirt.virConnect) -> list[str]:
    found = conn.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    return [domain.UUIDString() for domain in found]


def _blocking_control(conn: libvirt.virConnect, vm_ids: list[str]) -> dict[str, ControlInfo]:
    """Control info of those that exist and run."""
    found = {}
    for vm_id in vm_ids:
        domain = _blocking_find(conn, vm_id)
        if domain is None:
            continue
        try:
            found[vm_id] = blocking_control_info(domain)
        except libvirt.libvirtError as err:
            if is_connection_loss(err):
                raise
    return found


def _blocking_find(conn: libvirt.virConnect, vm_id: str) -> libvirt.virDomain | None:
    try:
        return conn.lookupByUUIDString(vm_id)
    except libvirt.libvirtError as err:
        if err.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            return None
        raise
