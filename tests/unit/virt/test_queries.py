from __future__ import annotations

import json

import pytest

from tests.unit.virt.bed import VmBed
from vdsm.common.errors import NoSuchVM, Recovering
from vdsm.virt.queries import VmQueries
from vdsm.virt.vm import Vm
from vdsm.virt.vms import Vms

MISSING = "00000000-0000-0000-0000-000000000001"


async def test_lists_hold_all_or_those_that_are_wanted(bed: VmBed) -> None:
    one, two = await bed.create(), await bed.create()
    assert [entry["vmId"] for entry in bed.queries.listing("x", [])] == [one, two]
    assert [entry["vmId"] for entry in bed.queries.listing("x", [two.upper(), MISSING])] == [two]
    assert set(bed.queries.listing("x", [one])[0]) == {"vmId", "status", "statusTime"}
    assert set(bed.queries.definitions([])) == {one, two}
    assert set(bed.queries.definitions([two])) == {two}


async def test_statistics_of_one_and_of_all_are_the_same(bed: VmBed) -> None:
    vm_id = await bed.create()
    everything = json.loads(bytes(bed.queries.all_stats()))
    assert [json.loads(bytes(stats)) for stats in bed.queries.stats(vm_id)] == everything
    assert bed.queries.info(vm_id)["statusTime"] == everything[0]["statusTime"]


async def test_nothing_is_asked_of_libvirt(bed: VmBed) -> None:
    vm_id = await bed.create()
    bed.fake.calls.clear()
    bed.fake.faults.lose_connection()
    bed.queries.all_stats()
    bed.queries.stats(vm_id)
    bed.queries.listing("x", [])
    bed.queries.definitions([])
    assert bed.fake.calls == []


async def test_an_answer_is_encoded_once_per_change(bed: VmBed, monkeypatch: pytest.MonkeyPatch) -> None:
    vm_id = await bed.create()
    encoded: list[str] = []
    plain = bed.view.encode

    def counting(vm: Vm) -> bytes:
        encoded.append(vm.vm_id)
        return plain(vm)

    monkeypatch.setattr(bed.view, "encode", counting)
    bed.vm(vm_id).touch()
    for _ in range(3):
        bed.queries.stats(vm_id)
        bed.queries.all_stats()
    assert encoded == [vm_id]


def test_no_vms_are_an_empty_list_and_unknown_ones_are_told() -> None:
    vms = Vms()
    queries = VmQueries(vms)
    with pytest.raises(Recovering):
        queries.stats(MISSING)
    vms.recovered = True
    assert bytes(queries.all_stats()) == b"[]"
    for ask in (queries.stats, queries.info):
        with pytest.raises(NoSuchVM):
            ask(MISSING)
