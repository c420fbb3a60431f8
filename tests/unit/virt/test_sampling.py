from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from tests.unit.virt.bed import FAST, VmBed, eventually
from vdsm.adapters.libvirt.hypervisor import BulkSample
from vdsm.common.errors import BackendTimeout
from vdsm.virt import sampling
from vdsm.virt.status import VmStatus

LATE = BackendTimeout(backend="libvirt", operation="bulk_stats", timeout=10)


async def test_figures_need_one_sample_and_rates_two(bed: VmBed) -> None:
    vm_id = await bed.up()
    assert "cpuUsage" not in bed.stats(vm_id)
    await bed.sampling.sweep()
    first = bed.stats(vm_id)
    assert first["cpuUsage"] == "10000000"
    assert first["cpuActual"] is False
    await asyncio.sleep(0.01)
    await bed.sampling.sweep()
    second = bed.stats(vm_id)
    assert second["cpuActual"] is True
    assert second["cpuUser"] == "0.00"
    assert bed.sampling.sweeps == 2


async def test_a_hung_vm_is_named_and_the_others_stay_fresh(bed: VmBed) -> None:
    hung, well = await bed.up(), await bed.up()
    await bed.sampling.sweep()
    old = bed.vm(hung).sample
    bed.fake.faults.hang_monitor(hung)
    await bed.sampling.sweep()
    assert bed.stats(hung)["monitorResponse"] == "-1"
    assert bed.vm(hung).sample is old
    assert bed.stats(well)["monitorResponse"] == "0"
    assert bed.vm(well).sample is not bed.vm(well).previous
    bed.fake.faults.release_monitor(hung)
    await bed.sampling.sweep()
    assert bed.stats(hung)["monitorResponse"] == "0"


async def test_a_vm_that_another_job_holds_keeps_its_numbers(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.sampling.sweep()
    vm = bed.vm(vm_id)
    whole = vm.sample
    later = time.monotonic() + 1
    bed.sampling.take(BulkSample({vm_id: {"state.state": 1}}, later))
    assert vm.sample is whole
    assert vm.sampled_at == later
    assert bed.stats(vm_id)["monitorResponse"] == "0"


async def test_numbers_that_grow_old_say_that_nobody_answers() -> None:
    bed = VmBed(settings=replace(FAST, command_timeout=0.02, sample_interval=0.01))
    await bed.open()
    vm_id = await bed.up()
    await bed.sampling.sweep()
    for _ in range(100):
        bed.fake.faults.fail_next("bulk_stats", LATE)
    bed.sampling.start()
    await eventually(lambda: bed.stats(vm_id)["monitorResponse"] == "-1")
    assert bed.sampling.failed > 0
    bed.fake.failures.clear()
    await eventually(lambda: bed.stats(vm_id)["monitorResponse"] == "0")
    await bed.close()


async def test_a_vm_that_libvirt_has_no_record_of_is_looked_up(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.connected = False
    bed.fake.guests.power_off(vm_id)  # nobody hears it
    bed.fake.connected = True
    await bed.sampling.sweep()
    bed.recovery.look_up_lost()
    await bed.reaches(vm_id, VmStatus.DOWN)
    assert bed.exit(vm_id) == (0, 7)


async def test_a_vm_that_is_down_keeps_its_last_word(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.power_off(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    before = bed.stats(vm_id)
    await bed.sampling.sweep()
    assert bed.stats(vm_id) == before


async def test_a_start_is_followed_by_two_early_sweeps(bed: VmBed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "EARLY_SECONDS", (0.05, 0.7))
    bed.sampling.start()
    await eventually(lambda: bed.sampling.sweeps == 1)
    vm_id = await bed.up()
    begun = asyncio.get_running_loop().time()
    await eventually(lambda: bed.sampling.sweeps == 3)
    assert asyncio.get_running_loop().time() - begun < 5
    assert bed.stats(vm_id)["cpuActual"] is True
    await asyncio.sleep(0.1)
    assert bed.sampling.sweeps == 3


async def test_many_starts_share_their_early_sweeps(bed: VmBed) -> None:
    for _ in range(50):
        bed.sampling.soon()
    bed.sampling.start()
    await eventually(lambda: bed.sampling.sweeps == 1)
    assert len(bed.sampling._early) == len(sampling.EARLY_SECONDS)


async def test_a_libvirt_that_comes_back_is_sampled_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "EARLY_SECONDS", (0.01,))
    bed = VmBed()
    bed.sampling.start()
    await bed.settle()
    assert bed.sampling.sweeps == 0
    await bed.open()
    await eventually(lambda: bed.sampling.sweeps == 1)
    await bed.close()


async def test_a_bug_in_sampling_is_shouted(bed: VmBed, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    bed.fake.bulk_stats = broken  # type: ignore[method-assign,assignment]  # a bug
    bed.sampling.start()
    await bed.settle()
    assert "vm sampling has ended by a bug" in caplog.text
