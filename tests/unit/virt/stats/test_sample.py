from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virt.stats import records
from vdsm.virt.stats.sample import BalloonSample, CpuSample, DiskSample, NicSample, is_partial, read_sample


def test_a_recorded_vm() -> None:
    sample = read_sample(records.after(), 12.5)
    assert (sample.time, sample.state, sample.reason, sample.vcpus) == (12.5, 1, 1, 2)
    assert sample.cpu == CpuSample(5096106000, 4263357000, 832748000)
    assert sample.balloon == BalloonSample(131072, 131072, 94540, 53400, 59548, 9900, 0, 0, 0, 2852)
    silent = read_sample(records.without_guest(), 12.5)
    assert silent.balloon == BalloonSample(131072, 131072)
    assert sample.disks[0] == DiskSample("vda", 153, 19796480, 4437249, 0, 0, 0, 0, 0, 0, 104857600, 200704)
    assert [disk.name for disk in sample.disks] == ["vda", "vdb", "sdc"]
    assert sample.disks[2].capacity == 0
    assert sample.nics[1] == NicSample("vnet1", 3548, 0, 0, 2456, 0, 0)


def test_guest_memory() -> None:
    balloon = read_sample({**records.after(), **records.GUEST_MEMORY}, 1.0).balloon
    assert balloon == BalloonSample(131072, 131072, 30000, 10000, 20000, 5000, 50, 0, 100, 1000)


@pytest.mark.parametrize("missing", sorted(set(records.GUEST_MEMORY) - {"balloon.available"}))
def test_guest_memory_with_a_figure_missing(missing: str) -> None:
    record = {**records.after(), **records.GUEST_MEMORY}
    del record[missing]
    balloon = read_sample(record, 1.0).balloon
    assert balloon is not None
    assert balloon.available == 30000
    assert balloon.count(None) == 1


def test_a_record_with_state_alone() -> None:
    sample = read_sample({"state.state": 5, "state.reason": 0}, 1.0)
    assert sample == (1.0, 5, 0, None, None, None, (), ())


def test_cpu_time_without_its_parts_counts_as_time_outside_the_kernel() -> None:
    assert read_sample({"cpu.time": 7}, 1.0).cpu == CpuSample(7, 7, 0)


def test_a_disk_without_counters_is_there_with_zeros() -> None:
    sample = read_sample({"block.count": 2, "block.0.name": "vda", "block.0.physical": 5}, 1.0)
    assert sample.disks == (DiskSample("vda", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5),)
    assert read_sample({"net.count": 2, "net.1.name": "v"}, 1.0).nics == (NicSample("v", 0, 0, 0, 0, 0, 0),)


def test_what_libvirt_says_without_qemu_is_partial() -> None:
    whole = records.after()
    assert not is_partial(whole)
    assert not is_partial({"cpu.time": 1, "block.count": 0})
    assert is_partial({key: value for key, value in whole.items() if not key.startswith("cpu.")})
    assert is_partial({key: value for key, value in whole.items() if ".rd." not in key})


def test_more_devices_than_keys_are_ready_for() -> None:
    record: dict[str, Any] = {"block.count": 70, "net.count": 10**9}
    record |= {f"block.{index}.name": f"d{index}" for index in range(70)}
    record |= {"block.69.rd.bytes": 9, "net.40.name": "v", "net.40.tx.bytes": 8}
    sample = read_sample(record, 1.0)
    assert len(sample.disks) == 70
    assert sample.disks[69].read_bytes == 9
    assert sample.nics == (NicSample("v", 0, 0, 0, 8, 0, 0),)


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(records.after()))))
def test_any_missing_keys_cost_their_group_only(missing: set[str]) -> None:
    record = {key: value for key, value in {**records.after(), **records.GUEST_MEMORY}.items() if key not in missing}
    sample = read_sample(record, 1.0)
    whole = read_sample(records.after(), 1.0)
    if "net.count" not in missing and not any(key.startswith("net.0") for key in missing):
        assert sample.nics[0] == whole.nics[0]
    if "block.count" not in missing and not any(key.startswith("block.0") for key in missing):
        assert sample.disks[0] == whole.disks[0]
