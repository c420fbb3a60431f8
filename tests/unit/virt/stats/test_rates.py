from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.virt.stats import records
from vdsm.virt.stats import rates
from vdsm.virt.stats.rates import NO_DISK_RATES, CpuRates, DiskRates, MemoryRates
from vdsm.virt.stats.sample import CpuSample, DiskSample, Sample, read_sample

counters = st.integers(0, 2**64)
disks = st.builds(DiskSample, st.just("vda"), *([counters] * 11))


def sample(time: float, **changes: object) -> Sample:
    return read_sample({**records.after(), **records.GUEST_MEMORY, **changes}, time)


def test_the_interval_needs_two_samples_and_time_that_went_on() -> None:
    assert rates.interval(None, sample(1.0)) is None
    assert rates.interval(sample(1.0), sample(1.0)) is None
    assert rates.interval(sample(2.0), sample(1.0)) is None
    assert rates.interval(sample(1.0), sample(3.5)) == 2.5


def test_cpu_use_is_per_cent_of_one_cpu() -> None:
    first = sample(0.0)._replace(cpu=CpuSample(0, 0, 0))
    last = sample(2.0)._replace(cpu=CpuSample(3_000_000_000, 2_000_000_000, 1_000_000_000))
    assert rates.cpu_rates(first, last, 2.0) == CpuRates(100.0, 50.0)
    assert rates.cpu_rates(last, first, 2.0) is None
    assert rates.cpu_rates(first._replace(cpu=None), last, 2.0) is None


def test_disk_rates_and_latencies() -> None:
    first = DiskSample("vda", 0, 0, 0, 0, 0, 0, 0, 0)
    last = DiskSample("vda", 10, 4096, 1000, 4, 1024, 2000, 2, 31)
    assert rates.disk_rates(first, last, 2.0) == DiskRates(2048, 512, 100, 500, 15)
    assert rates.disk_rates(last, last, 2.0) == NO_DISK_RATES


@settings(deadline=None)
@given(disks, disks, st.floats(0.001, 10**6))
def test_disk_rates_are_never_negative(first: DiskSample, last: DiskSample, seconds: float) -> None:
    assert min(rates.disk_rates(first, last, seconds)) >= 0


def test_memory_rates() -> None:
    last = sample(2.0, **{"balloon.swap_in": 70, "balloon.minor_fault": 900})
    assert rates.memory_rates(sample(0.0), last, 2.0) == MemoryRates(10, 0, 0, 0)
    silent = read_sample(records.without_guest(), 2.0)
    assert rates.memory_rates(sample(0.0), silent, 2.0) == MemoryRates(None, None, None, None)
    assert rates.memory_rates(sample(0.0), silent._replace(balloon=None), 2.0) is None


def test_a_disk_is_found_by_name_wherever_it_was() -> None:
    first = sample(0.0)
    assert rates.previous_disk(first, 1, "vdb") is first.disks[1]
    assert rates.previous_disk(first, 0, "vdb") is first.disks[1]
    assert rates.previous_disk(first, 9, "sdc") is first.disks[2]
    assert rates.previous_disk(first, 0, "new") is None
