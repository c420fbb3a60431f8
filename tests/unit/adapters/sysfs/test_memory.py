"""Memory from a recorded tree, and garbage."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdsm.adapters.sysfs import Ksm, Memory, Tree
from vdsm.adapters.sysfs.memory import parse_meminfo
from vdsm.common.errors import BackendError


def test_totals(tree: Tree) -> None:
    info = Memory(tree).info()
    assert (info["MemTotal"], info["Cached"]) == (4194304, 921600)


def test_nodes(tree: Tree) -> None:
    first, second = Memory(tree).nodes()
    assert (first.node_id, first.cpus, first.total_kib, first.free_kib) == (0, (0,), 2097152, 1048576)
    assert second.distances == (20, 10)
    assert first.huge_pages == {2048: (4, 1)}


def test_pages_and_merging(tree: Tree) -> None:
    memory = Memory(tree)
    assert memory.huge_pages() == {2048: (8, 3)}
    assert memory.transparent_huge_pages() == "madvise"
    assert memory.ksm() == Ksm(run=True, pages_to_scan=100, pages_sharing=512, merge_across_nodes=False)


def test_a_poor_kernel(tmp_path: Path) -> None:
    memory = Memory(Tree(tmp_path))
    assert (memory.nodes(), memory.ksm(), memory.huge_pages()) == ((), None, {})
    assert memory.transparent_huge_pages() == "never"
    with pytest.raises(BackendError):
        memory.info()


@pytest.mark.parametrize(
    ("path", "content"),
    [("distance", "ten twenty"), ("meminfo", "Node 0 MemTotal: 5 kB"), ("meminfo", "?"), ("cpulist", "x")],
)
def test_a_broken_node_is_refused(root: Path, tree: Tree, path: str, content: str) -> None:
    (root / "sys/devices/system/node/node0" / path).write_text(content)
    with pytest.raises(BackendError):
        Memory(tree).nodes()


def test_nothing_chosen_is_refused(root: Path, tree: Tree) -> None:
    (root / "sys/kernel/mm/transparent_hugepage/enabled").write_text("always never")
    with pytest.raises(BackendError):
        Memory(tree).transparent_huge_pages()


@given(st.text(max_size=100))
def test_garbage_gives_numbers_or_a_clean_error(text: str) -> None:
    try:
        found = parse_meminfo(text)
    except BackendError:
        found = {"none": 0}
    assert found
    assert all(number >= 0 for number in found.values())
