from __future__ import annotations

import threading

import pytest

from tests.unit.adapters.libvirt.conftest import TEST_DOMAIN
from vdsm.adapters.libvirt import sampler as module
from vdsm.adapters.libvirt.calls import Calls
from vdsm.adapters.libvirt.domain import ALL_STATS, PASSIVE_STATS, ControlInfo, ControlState, StatsGroup
from vdsm.adapters.libvirt.sampler import Sampler, SamplerSettings
from vdsm.common.errors import BackendTimeout

FAST = SamplerSettings(base=0.15, per_vm=0.0, chunk_base=0.1, occupied=0.05, workers=2, stuck_budget=3)


class Host:
    """A host whose QEMUs hang as the test says: the first call into a hung one sticks, later ones pass it by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, vm_ids: list[str]) -> None:
        self.vm_ids = vm_ids
        self.hung: set[str] = set()
        self.entered: set[str] = set()
        self.gate = threading.Event()
        self.bulks = 0
        monkeypatch.setattr(module, "_blocking_bulk", self.bulk)
        monkeypatch.setattr(module, "_blocking_chunk", self.chunk)
        monkeypatch.setattr(module, "_blocking_active", lambda _: list(self.vm_ids))
        monkeypatch.setattr(module, "_blocking_control", self.control)

    def bulk(self, conn: object, flags: int) -> module.Records:
        self.bulks += 1
        return self.chunk(conn, self.vm_ids, flags)

    def chunk(self, _conn: object, vm_ids: list[str], flags: int) -> module.Records:
        records: module.Records = {}
        for vm_id in vm_ids:
            records[vm_id] = {"state.state": 1}
            if flags == module._flags(PASSIVE_STATS):
                continue
            if vm_id in self.hung and vm_id not in self.entered:
                self.entered.add(vm_id)
                self.gate.wait(10)
            elif vm_id not in self.hung:
                records[vm_id]["balloon.current"] = 1
        return records

    def control(self, _conn: object, vm_ids: list[str]) -> dict[str, ControlInfo]:
        stuck = self.hung & self.entered
        return {
            vm_id: ControlInfo(ControlState.OCCUPIED if vm_id in stuck else ControlState.OK, 60.0) for vm_id in vm_ids
        }

    def recover(self) -> None:
        self.hung.clear()
        self.gate.set()


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    return Host(monkeypatch, [f"vm{n}" for n in range(10)])


async def test_a_healthy_host_costs_one_call(calls: Calls, host: Host) -> None:
    sample = await Sampler(calls, FAST).sweep(ALL_STATS, 5)
    assert host.bulks == 1
    assert set(sample.records) == set(host.vm_ids)
    assert sample.unresponsive == {}


async def test_every_healthy_vm_is_fresh_in_the_sweep_that_finds_the_hung_ones(calls: Calls, host: Host) -> None:
    host.hung = {"vm0", "vm5"}
    sampler = Sampler(calls, FAST)
    sample = await sampler.sweep(ALL_STATS, 10)
    assert set(sample.unresponsive) == host.hung
    assert sample.unresponsive["vm0"] >= 60.0
    assert {vm_id for vm_id in sample.records if "balloon.current" in sample.records[vm_id]} == (
        set(host.vm_ids) - host.hung
    )
    assert sample.records["vm5"] == {"state.state": 1}

    before = host.bulks
    sample = await sampler.sweep(ALL_STATS, 10)
    assert host.bulks == before + 1
    assert set(sample.unresponsive) == host.hung

    host.recover()
    sample = await sampler.sweep(ALL_STATS, 10)
    assert sample.unresponsive == {}
    assert "balloon.current" in sample.records["vm5"]


async def test_past_the_budget_nothing_more_is_stuck(calls: Calls, host: Host) -> None:
    host.hung = set(host.vm_ids)
    sampler = Sampler(calls, FAST)
    for _ in range(4):
        sample = await sampler.sweep(ALL_STATS, 10)
    assert set(sample.records) == set(host.vm_ids)
    # the budget, and what was under way when it was reached
    assert len(host.entered) <= FAST.stuck_budget + FAST.workers + 1
    host.recover()


async def test_a_call_that_nobody_can_explain_is_narrowed_down(
    calls: Calls, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.hung = {"vm3"}
    monkeypatch.setattr(module, "_blocking_control", lambda *_: {})
    sample = await Sampler(calls, FAST).sweep(ALL_STATS, 10)
    assert "balloon.current" in sample.records["vm2"]
    assert "balloon.current" in sample.records["vm4"]
    host.recover()


async def test_a_daemon_that_does_not_answer_is_a_timeout(calls: Calls, host: Host) -> None:
    gate = host.gate
    calls.lanes.passive.pool.counts.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_blocking_bulk", lambda *_: gate.wait(10))
        patch.setattr(module, "_blocking_active", lambda *_: gate.wait(10))
        with pytest.raises(BackendTimeout):
            await Sampler(calls, FAST).sweep(ALL_STATS, 0.3)
    gate.set()


async def test_the_test_drivers_domain_is_sampled(calls: Calls) -> None:
    sample = await Sampler(calls, SamplerSettings()).sweep(StatsGroup.STATE, 5)
    assert sample.records[TEST_DOMAIN]["state.state"] in {1, 3}
