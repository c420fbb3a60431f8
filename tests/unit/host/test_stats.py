"""Host.getStats: forms, shares, and what it does without samples."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes import host_tree
from vdsm.adapters.sysfs import Cpu, Memory, Network, Platform, Tree
from vdsm.common.errors import Recovering
from vdsm.host import stats
from vdsm.host.sample import Sample, SampleReader
from vdsm.host.stats import HostStatistics, VmCounts
from vdsm.models import host as model


def reader(root: Path) -> SampleReader:
    tree = Tree(root)
    return SampleReader(Cpu(tree), Memory(tree), Network(tree), Platform(tree), (str(root),))


def make(root: Path, counts: VmCounts | None = None) -> HostStatistics:
    return HostStatistics(reader(root), lambda: counts or VmCounts(), 15)


def assert_managers_accept(answer: dict[str, Any]) -> None:
    """The forms that managers insist on (oVirt VDSM 4.50), and the declared types."""
    msgspec.convert(answer, model.HostStats)
    for key in ("cpuUser", "cpuSys", "cpuIdle", "cpuLoad", "cpuUserVdsmd", "cpuSysVdsmd"):
        assert isinstance(answer.get(key, "0.00"), str)
        float(answer.get(key, "0.00"))
    int(answer["memUsed"])
    assert all(type(answer[key]) is int for key in ("memFree", "swapTotal", "swapFree", "memShared", "vmCount"))
    for link in answer["network"].values():
        assert all(link[key].isdecimal() for key in ("rx", "tx", "rxDropped", "txDropped", "rxErrors", "speed"))
        assert isinstance(link["sampleTime"], float)


async def test_two_samples(tmp_path: Path) -> None:
    root = host_tree.build(tmp_path)
    statistics = make(root, VmCounts(total=5, active=4, outgoing=1, incoming=2))
    await statistics.sample()
    (root / "proc/stat").write_text("cpu 500 0 250 2250\ncpu0 350 0 150 1100\ncpu1 150 0 100 1150\nbtime 1700000000\n")
    await statistics.sample()
    answer = statistics.report()
    assert_managers_accept(answer)
    expected = {
        "cpuUser": "10.00", "cpuSys": "5.00", "cpuIdle": "85.00", "cpuLoad": "0.08", "memUsed": "51",
        "memFree": 2024, "swapTotal": 2048, "swapFree": 1024, "anonHugePages": "20", "thpState": "madvise",
        "hugepages": {"2048": {"nr_hugepages": 8, "free_hugepages": 3, "vm.free_hugepages": 3}},
        "ksmState": True, "ksmPages": 100, "memShared": 2, "ksmMergeAcrossNodes": False, "bootTime": "1700000000",
        "rxDropped": "2", "txDropped": "4", "vmCount": 5, "vmActive": 4, "vmMigrating": 3, "momStatus": "disabled",
        "outgoingVmMigrations": 1, "incomingVmMigrations": 2, "netConfigDirty": "False",
    }  # fmt: skip
    assert {key: answer[key] for key in expected} == expected
    assert answer["cpuStatistics"]["1"] == {"cpuUser": "12.50", "cpuSys": "0.00", "cpuIdle": "87.50", "nodeIndex": 1}
    assert answer["numaNodeMemFree"]["0"] == {
        "memFree": "1024", "memPercent": 50, "hugepages": {"2048": {"freePages": "1"}},
    }  # fmt: skip
    eth0 = answer["network"]["eth0"]
    assert (eth0["rx"], eth0["tx"], eth0["speed"], eth0["state"]) == ("1000", "2000", "10000", "up")
    assert answer["network"]["lo"]["speed"] == "1000"


async def test_one_sample_and_none_give_a_reduced_answer(tmp_path: Path) -> None:
    statistics = make(host_tree.build(tmp_path))
    empty = statistics.report()
    await statistics.sample()
    one = statistics.report()
    for answer in (empty, one):
        assert_managers_accept(answer)
        assert "cpuUser" not in answer
    assert (empty["memFree"], one["memFree"]) == (0, 2024)


@pytest.mark.parametrize("path", [path for path in sorted(host_tree.FILES) if path.startswith(("proc", "sys"))])
async def test_one_broken_file_costs_no_more_than_its_own_keys(tmp_path: Path, path: str) -> None:
    root = host_tree.build(tmp_path)
    statistics = make(root)
    await statistics.sample()
    (root / path).write_bytes(b"\xff\x00garbage: x\n")
    await statistics.sample()
    assert_managers_accept(statistics.report())


async def test_unknown_vms_are_not_counted_as_none(tmp_path: Path) -> None:
    def count() -> VmCounts:
        raise Recovering(operation="Host.getStats")

    with pytest.raises(Recovering):
        HostStatistics(reader(tmp_path), count, 15).report()


async def test_sampling_goes_on_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "FIRST_INTERVAL", 0.01)
    statistics = make(host_tree.build(tmp_path))
    statistics.start()
    async with asyncio.timeout(5):
        while "cpuUser" not in statistics.report():
            await asyncio.sleep(0.01)
    await statistics.close()


class HungReader(SampleReader):
    """A kernel that does not answer until it is released."""

    def __init__(self, root: Path) -> None:
        super().__init__(Cpu(Tree(root)), Memory(Tree(root)), Network(Tree(root)), Platform(Tree(root)))
        self.release = threading.Event()
        self.reads = 0

    def read(self) -> Sample:
        self.reads += 1
        self.release.wait(10)
        return super().read()


async def test_a_kernel_that_hangs_costs_one_thread_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hung = HungReader(host_tree.build(tmp_path))
    statistics = HostStatistics(hung, VmCounts, 0.02)
    statistics.start()
    async with asyncio.timeout(5):
        while not caplog.records:
            await asyncio.sleep(0.01)
    assert "takes longer" in caplog.text
    assert hung.reads == 1
    assert statistics.report()["memFree"] == 0
    await statistics.close()
    hung.release.set()


async def test_a_bug_in_the_sampler_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class BrokenReader(HungReader):
        def read(self) -> Sample:
            raise ZeroDivisionError

    statistics = HostStatistics(BrokenReader(tmp_path), VmCounts, 15)
    statistics.start()
    async with asyncio.timeout(5):
        while not caplog.records:
            await asyncio.sleep(0.01)
    assert "not sampled any more" in caplog.text
    await statistics.close()
