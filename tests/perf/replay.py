"""A hypervisor with hundreds of VMs that were recorded once: one recorded domain, its statistics and its guest's words.

It stands behind the adapter's protocol. As libvirt's binding does, it makes every dictionary of a sweep anew, in a
thread. Two recorded moments of tests/data take turns, so rates have something to do.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec

from tests.fakes.hypervisor import FakeHypervisor
from vdsm.adapters.libvirt.hypervisor import (
    ALL_STATS,
    BulkSample,
    DomainRecord,
    DomainState,
    GuestInfoKind,
    RunState,
    StatsGroup,
)

_DATA = Path(__file__).resolve().parent.parent / "data"
_RECORDED_ID = "11111111-2222-4333-8444-555555555555"
_RUNNING = DomainState(RunState.RUNNING, 1)


class ReplayHypervisor(FakeHypervisor):
    """`count` running VMs that all are the recorded one."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._ids = [str(uuid.uuid5(uuid.NAMESPACE_OID, str(number))) for number in range(count)]
        self._xml = (_DATA / "live_domain.xml").read_text(encoding="utf-8")
        self._guest = (_DATA / "guest_info.json").read_bytes()
        self._moments = [
            self._reply((_DATA / name).read_bytes()) for name in ("bulk_record_before.json", "bulk_record.json")
        ]
        self._turn = 0

    async def list_domains(self, *, deadline: float = 10.0) -> list[DomainRecord]:
        """All of them."""
        del deadline
        return [DomainRecord(vm_id, _name(vm_id), _RUNNING, number) for number, vm_id in enumerate(self._ids, 1)]

    async def state(self, vm_id: str, *, deadline: float = 5.0) -> DomainState:
        """Running."""
        del vm_id, deadline
        return _RUNNING

    async def domain_xml(
        self, vm_id: str, *, inactive: bool = False, secure: bool = False, deadline: float = 10.0
    ) -> str:
        """The recorded definition with this VM's name and id."""
        del inactive, secure, deadline
        return self._xml.replace(_RECORDED_ID, vm_id).replace("<name>recorded<", f"<name>{_name(vm_id)}<")

    async def bulk_stats(self, groups: StatsGroup = ALL_STATS, *, deadline: float = 10.0) -> BulkSample:
        """The recorded reply, decoded anew."""
        del groups, deadline
        taken_at = time.monotonic()
        self._turn = (self._turn + 1) % len(self._moments)
        return BulkSample(await asyncio.to_thread(msgspec.json.decode, self._moments[self._turn]), taken_at)

    async def guest_info(self, vm_id: str, kinds: GuestInfoKind, timeout: float) -> dict[str, Any]:
        """What the recorded guest said."""
        del vm_id, kinds, timeout
        found: dict[str, Any] = msgspec.json.decode(self._guest)
        return found

    def _reply(self, record: bytes) -> bytes:
        return msgspec.json.encode({vm_id: msgspec.Raw(record) for vm_id in self._ids})


def _name(vm_id: str) -> str:
    return f"replay-{vm_id[:8]}"
