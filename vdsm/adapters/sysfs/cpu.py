"""Processors: where they sit, what they can, how busy they were."""

from __future__ import annotations

from dataclasses import dataclass

from vdsm.adapters.sysfs.tree import Tree, parse_id_list, unusable

_CPUS = "sys/devices/system/cpu"
_NODES = "sys/devices/system/node"


@dataclass(frozen=True, slots=True)
class CpuPlace:
    """Where one online CPU sits. `die_id` is 0 where the kernel knows no dies."""

    cpu_id: int
    numa_cell_id: int
    socket_id: int
    die_id: int
    core_id: int


@dataclass(frozen=True, slots=True)
class CpuTimes:
    """Clock ticks since boot. `user` includes nice; `system` interrupts and steal; `idle` the wait for I/O."""

    user: int
    system: int
    idle: int

    @property
    def total(self) -> int:
        """All ticks."""
        return self.user + self.system + self.idle


class Cpu:
    """Reads the processors of one host."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def online(self) -> tuple[int, ...]:
        """Numbers of the CPUs that run. Raises: BackendError."""
        path = f"{_CPUS}/online"
        return parse_id_list(self._tree.text(path), path)

    def topology(self) -> tuple[CpuPlace, ...]:
        """Place of every online CPU, by number. Raises: BackendError."""
        nodes = self.nodes()
        return tuple(
            CpuPlace(
                cpu_id=cpu,
                numa_cell_id=nodes.get(cpu, 0),
                socket_id=self._tree.number(f"{_CPUS}/cpu{cpu}/topology/physical_package_id"),
                die_id=max(0, self._tree.optional_number(f"{_CPUS}/cpu{cpu}/topology/die_id", 0)),
                core_id=self._tree.number(f"{_CPUS}/cpu{cpu}/topology/core_id"),
            )
            for cpu in self.online()
        )

    def nodes(self) -> dict[int, int]:
        """NUMA node of each CPU; empty on a kernel without NUMA. Raises: BackendError."""
        found: dict[int, int] = {}
        for name in self._tree.names(_NODES):
            node = name.removeprefix("node")
            if node != name and node.isdecimal():
                path = f"{_NODES}/{name}/cpulist"
                found.update(dict.fromkeys(parse_id_list(self._tree.text(path), path), int(node)))
        return found

    def info(self) -> dict[str, str]:
        """The first processor of /proc/cpuinfo: `model name`, `flags`, `cpu MHz` ... Raises: BackendError."""
        first = self._tree.text("proc/cpuinfo").partition("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {key.strip(): value.strip() for key, colon, value in pairs if colon}

    def speed_mhz(self) -> float:
        """Nominal speed; the present one where the kernel does not know the nominal. Raises: BackendError."""
        for name in ("base_frequency", "cpuinfo_max_freq"):
            khz = self._tree.optional_number(f"{_CPUS}/cpu0/cpufreq/{name}", 0)
            if khz > 0:
                return khz / 1000
        text = self.info().get("cpu MHz", "")
        try:
            return float(text)
        except ValueError as error:
            raise unusable("proc/cpuinfo", "no `cpu MHz`") from error

    def times(self) -> dict[str, CpuTimes]:
        """Ticks per CPU by its number as text; those of all CPUs under an empty key. Raises: BackendError."""
        return parse_stat(self._tree.text("proc/stat"))

    def process_ticks(self) -> tuple[int, int]:
        """User and system ticks of this process. Raises: BackendError."""
        fields = self._tree.text("proc/self/stat").rpartition(")")[2].split()
        try:
            return int(fields[11]), int(fields[12])
        except (IndexError, ValueError) as error:
            raise unusable("proc/self/stat", "not in the known form") from error

    def vulnerabilities(self) -> dict[str, str]:
        """What the kernel says about each known weakness of the processor."""
        folder = f"{_CPUS}/vulnerabilities"
        return {name: self._tree.optional_text(f"{folder}/{name}") for name in self._tree.names(folder)}


def parse_stat(text: str) -> dict[str, CpuTimes]:
    """The `cpu` lines of /proc/stat.

    Raises: BackendError when there is none or one is not in the known form.
    """
    found: dict[str, CpuTimes] = {}
    for line in text.splitlines():
        name, *fields = line.split() or [""]
        if not name.startswith("cpu"):
            continue
        try:
            ticks = [int(field) for field in fields]
            user, nice, system, idle = ticks[:4]
        except ValueError as error:
            raise unusable("proc/stat", f"{line[:60]!r} is not in the known form") from error
        iowait, irq, softirq, steal = (*ticks[4:8], 0, 0, 0, 0)[:4]
        found[name.removeprefix("cpu")] = CpuTimes(user + nice, system + irq + softirq + steal, idle + iowait)
    if "" not in found:
        raise unusable("proc/stat", "no line `cpu`")
    return found
