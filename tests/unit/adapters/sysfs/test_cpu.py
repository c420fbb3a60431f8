"""Processors from a recorded tree, and garbage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.sysfs import Cpu, CpuPlace, CpuTimes, Tree
from vdsm.adapters.sysfs.cpu import parse_stat
from vdsm.common.errors import BackendError


def test_topology(tree: Tree) -> None:
    assert Cpu(tree).topology() == (CpuPlace(0, 0, 0, 0, 0), CpuPlace(1, 1, 1, 0, 0))


def test_information_is_that_of_the_first_processor(tree: Tree) -> None:
    info = Cpu(tree).info()
    assert (info["model name"], info["flags"]) == ("Test CPU @ 2.00GHz", "fpu vme svm")


def test_nominal_speed_wins_over_the_present_one(root: Path, tree: Tree) -> None:
    assert Cpu(tree).speed_mhz() == 2000.5
    folder = root / "sys/devices/system/cpu/cpu0/cpufreq"
    folder.mkdir(parents=True)
    (folder / "base_frequency").write_text("2400000\n")
    assert Cpu(tree).speed_mhz() == 2400


def test_times(tree: Tree) -> None:
    times = Cpu(tree).times()
    assert times[""] == CpuTimes(400, 200, 1400)
    assert sorted(times) == ["", "0", "1"]
    assert times["0"].total == 1000


def test_own_ticks_survive_a_strange_process_name(tree: Tree) -> None:
    assert Cpu(tree).process_ticks() == (20, 10)


def test_vulnerabilities(tree: Tree) -> None:
    assert Cpu(tree).vulnerabilities() == {"meltdown": "Not affected"}


def test_a_kernel_without_numa_has_no_nodes(tmp_path: Path) -> None:
    assert Cpu(Tree(tmp_path)).nodes() == {}


@pytest.mark.parametrize("text", ["", "cpu0 1 2 3 4\n", "cpu 1 2\n", "cpu a b c d\n"])
def test_impossible_statistics_are_refused(text: str) -> None:
    with pytest.raises(BackendError):
        parse_stat(text)


def test_old_kernels_have_fewer_columns() -> None:
    assert parse_stat("cpu 1 2 3 4\n")[""] == CpuTimes(3, 3, 4)


@given(st.text("cpu0123456789 \n-x", max_size=80))
def test_garbage_gives_times_or_a_clean_error(text: str) -> None:
    try:
        found = parse_stat(text)
    except BackendError:
        found = {"": CpuTimes(0, 0, 0)}
    assert "" in found
