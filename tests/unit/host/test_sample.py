"""Looks at a host and their differences."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import host_tree
from vdsm.adapters.sysfs import Cpu, CpuTimes, Memory, Network, Platform, Tree
from vdsm.host.sample import NO_LOAD, Load, SampleReader, load_between, own_load_between


def make(root: Path, *disks: str) -> SampleReader:
    tree = Tree(root)
    return SampleReader(Cpu(tree), Memory(tree), Network(tree), Platform(tree), disks)


def test_a_sample_of_a_whole_host(tmp_path: Path) -> None:
    sample = make(host_tree.build(tmp_path), str(tmp_path), "/nonexistent").read()
    assert sorted(sample.links) == ["eth0", "lo"]
    assert (sample.links["eth0"].speed, sample.links["eth0"].up) == (10000, True)
    assert (sample.load, sample.boot_time, sample.own_ticks) == (0.08, 1700000000, (20, 10))
    assert sample.cpu_nodes == {0: 0, 1: 1}
    assert list(sample.disks) == [str(tmp_path)]
    assert sample.disks[str(tmp_path)] > 0


def test_a_host_that_tells_nothing(tmp_path: Path) -> None:
    sample = make(tmp_path / "none").read()
    assert (sample.cpus, sample.links, sample.memory, sample.numa, sample.ksm) == ({}, {}, {}, (), None)


def test_shares() -> None:
    assert load_between(CpuTimes(0, 0, 0), CpuTimes(30, 10, 60)) == Load(30, 10, 60)
    assert load_between(None, CpuTimes(1, 1, 1)) == NO_LOAD
    assert load_between(CpuTimes(1, 1, 1), CpuTimes(1, 1, 1)) == NO_LOAD


def test_the_agents_share_is_of_all_cpus(tmp_path: Path) -> None:
    root = host_tree.build(tmp_path)
    first = make(root).read()
    (root / "proc/stat").write_text("cpu 500 0 300 2200\n")
    (root / "proc/self/stat").write_text("77 (x) S 1 1 1 0 -1 0 0 0 0 0 120 60 0 0\n")
    load = own_load_between(first, make(root).read())
    assert (load.user, load.system) == (10.0, 5.0)


TICKS = st.integers(0, 10**12)
TIMES = st.builds(CpuTimes, TICKS, TICKS, TICKS)


@given(TIMES, TIMES)
def test_shares_are_percentages_whatever_the_counters_do(first: CpuTimes, last: CpuTimes) -> None:
    load = load_between(first, last)
    assert all(0 <= share <= 100 for share in (load.user, load.system, load.idle))
    assert abs(load.user + load.system + load.idle - 100) < 0.01
