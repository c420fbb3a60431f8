"""Memory: totals, NUMA nodes, huge pages, page merging. Sizes in KiB, as the kernel counts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vdsm.adapters.sysfs.tree import Tree, parse_id_list, unusable

_NODES = "sys/devices/system/node"
_POOLS = "sys/kernel/mm/hugepages"
_KSM = "sys/kernel/mm/ksm"
_NUMBER = re.compile(r"^(?:Node \d+ )?([^:]+):\s+([0-9]{1,18})(?: kB)?$")
_CHOICE = re.compile(r"\[([^\]]+)\]")


@dataclass(frozen=True, slots=True)
class NumaNode:
    """One node: its CPUs, total and free memory, and per page size (KiB) its huge pages, all and free."""

    node_id: int
    cpus: tuple[int, ...]
    total_kib: int
    free_kib: int
    distances: tuple[int, ...]
    huge_pages: dict[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Ksm:
    """Page merging: `run` 1 merges; `pages_sharing` is what it saves, in pages."""

    run: bool
    pages_to_scan: int
    pages_sharing: int
    merge_across_nodes: bool


class Memory:
    """Reads the memory of one host."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def info(self) -> dict[str, int]:
        """/proc/meminfo in KiB (counts of pages as they are). Raises: BackendError."""
        return parse_meminfo(self._tree.text("proc/meminfo"), "proc/meminfo")

    def nodes(self) -> tuple[NumaNode, ...]:
        """All online nodes by number; none on a kernel without NUMA. Raises: BackendError."""
        path = f"{_NODES}/online"
        if not self._tree.exists(path):
            return ()
        return tuple(self._node(node) for node in parse_id_list(self._tree.text(path), path))

    def huge_pages(self) -> dict[int, tuple[int, int]]:
        """Per page size in KiB: pages in the pool and free ones. Raises: BackendError."""
        return self._pools(_POOLS)

    def transparent_huge_pages(self) -> str:
        """`always`, `madvise` or `never`; `never` where the kernel has none. Raises: BackendError."""
        path = "sys/kernel/mm/transparent_hugepage/enabled"
        if not self._tree.exists(path):
            return "never"
        chosen = _CHOICE.search(self._tree.text(path))
        if chosen is None:
            raise unusable(path, "nothing is chosen")
        return chosen.group(1)

    def ksm(self) -> Ksm | None:
        """State of page merging; None on a kernel without it. Raises: BackendError."""
        if not self._tree.exists(f"{_KSM}/run"):
            return None
        return Ksm(
            run=self._tree.number(f"{_KSM}/run") == 1,
            pages_to_scan=self._tree.number(f"{_KSM}/pages_to_scan"),
            pages_sharing=self._tree.number(f"{_KSM}/pages_sharing"),
            merge_across_nodes=self._tree.optional_number(f"{_KSM}/merge_across_nodes", 1) == 1,
        )

    def _node(self, node: int) -> NumaNode:
        folder = f"{_NODES}/node{node}"
        info = parse_meminfo(self._tree.text(f"{folder}/meminfo"), f"{folder}/meminfo")
        distances = self._tree.text(f"{folder}/distance").split()
        if not all(distance.isdecimal() for distance in distances):
            raise unusable(f"{folder}/distance", "not numbers")
        if "MemTotal" not in info or "MemFree" not in info:
            raise unusable(f"{folder}/meminfo", "no MemTotal or MemFree")
        return NumaNode(
            node_id=node,
            cpus=parse_id_list(self._tree.text(f"{folder}/cpulist"), f"{folder}/cpulist"),
            total_kib=info["MemTotal"],
            free_kib=info["MemFree"],
            distances=tuple(map(int, distances)),
            huge_pages=self._pools(f"{folder}/hugepages"),
        )

    def _pools(self, folder: str) -> dict[int, tuple[int, int]]:
        found = {}
        for name in self._tree.names(folder):
            size = name.removeprefix("hugepages-").removesuffix("kB")
            if size.isdecimal():
                found[int(size)] = (
                    self._tree.number(f"{folder}/{name}/nr_hugepages"),
                    self._tree.number(f"{folder}/{name}/free_hugepages"),
                )
        return dict(sorted(found.items()))


def parse_meminfo(text: str, path: str = "meminfo") -> dict[str, int]:
    """The lines of a meminfo file by name; lines in another form are left out.

    Raises: BackendError when nothing is left.
    """
    matches = (_NUMBER.match(line.strip()) for line in text.splitlines())
    found = {match.group(1): int(match.group(2)) for match in matches if match}
    if not found:
        raise unusable(path, "no line `name: number kB`")
    return found
