from __future__ import annotations

import json

import msgspec

from tests.unit.virt.bed import VmBed, context
from vdsm.models.vm import ExitedVmStats, RunningVmStats
from vdsm.virt.status import VmStatus


async def test_a_running_vm_has_the_running_shape(bed: VmBed) -> None:
    vm_id = await bed.up()
    await bed.sampling.sweep()
    await bed.lifecycle.pause(context(), vm_id)
    encoded = bed.view.encode(bed.vm(vm_id))
    stats = msgspec.json.decode(encoded, type=RunningVmStats)
    assert (stats.vm_id, stats.status, stats.pause_code) == (vm_id, "Paused", "NOERR")
    assert stats.status_time == str(bed.vm(vm_id).status_time)
    assert "exitCode" not in json.loads(encoded)


async def test_a_vm_that_is_down_has_the_exited_shape(bed: VmBed) -> None:
    vm_id = await bed.up()
    bed.fake.guests.crash(vm_id)
    await bed.reaches(vm_id, VmStatus.DOWN)
    stats = msgspec.json.decode(bed.view.encode(bed.vm(vm_id)), type=ExitedVmStats)
    assert (stats.vm_id, stats.status, stats.exit_code, stats.exit_reason) == (vm_id, "Down", 1, 2)


async def test_who_does_not_answer_is_shown(bed: VmBed) -> None:
    vm = bed.vm(await bed.up())
    for hung, unreachable, wanted in ((False, False, "0"), (True, False, "-1"), (False, True, "-1")):
        vm.hung, vm.unreachable = hung, unreachable
        assert json.loads(bed.view.encode(vm))["monitorResponse"] == wanted
