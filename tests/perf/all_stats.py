"""getAllVmStats and the sweep with 500 recorded VMs of two disks and two NICs each, and the agent's memory with them.

The agent sweeps every second instead of every 15, so that many calls meet a sweep; guest agents are asked once. CPU per
sweep is that of the whole process while a manager asks once per sweep, so encoding and sending are in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

from devhost import accounts, places
from devhost.daemons import Daemons, free_port
from tests.perf.host import Host, agent_pid
from tests.perf.load import latencies
from tests.perf.peers import echo
from tests.perf.processor import apart, cpu_seconds, rss_mib
from tests.perf.result import Row, percentile, spread, verdict
from tests.perf.wire import Wire, request_frame, wait_answer

NAME = "all_stats"
VMS = 500
INTERVAL = 1.0

_MOST_P99_MS = 50
_MOST_SWEEP_CPU_MS = 100
_MOST_RSS_MIB = 150
_PARTS = ("tests/__init__.py", "tests/fakes", "tests/data", "tests/perf")
_SETTINGS = {
    "vars": {"vm_sample_interval": str(INTERVAL)},
    "guest_agent": dict.fromkeys(
        ("qga_polling_period", "qga_sysinfo_period", "qga_active_users_period", "qga_disk_info_period"), "3600"
    ),
}


class _ReplayDaemons(Daemons):
    """Both daemons, with recorded VMs in the agent."""

    def _spawn_agent(self) -> subprocess.Popen[bytes]:
        with (self.directory / "log" / "vdsmd.output").open("ab") as output:
            process = subprocess.Popen(
                [
                    str(places.PYTHON), "-m", "tests.perf.replay_agent", str(VMS),
                    "--config", str(self.directory / "vdsm.conf"),
                ],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=self.directory / "code",
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
                start_new_session=True, umask=0o022, user=accounts.VDSM_UID, group=accounts.VDSM_GID,
                extra_groups=os.getgrouplist(accounts.VDSM_USER, accounts.VDSM_GID),
            )  # fmt: skip
        self._name_agent(process.pid)
        return process


def run(host: Host) -> list[Row]:
    """Measure."""
    directory = host.second_directory
    with ExitStack() as stack:
        libvirt, pki = host.libvirt, host.pki  # these make the directories ready
        _copy_code(directory / "code")
        daemons = _ReplayDaemons(directory, libvirt, pki, port=free_port(), settings=_SETTINGS)
        stack.enter_context(daemons)
        wait_answer(daemons.port, host.pki, "Host.getVMList", VMS, 30)
        wire = stack.enter_context(Wire(daemons.port, host.pki))
        _wait_full(wire)
        pid = agent_pid(daemons)
        with apart(pid):
            times, size = _calls(wire, host.rounds(20, 5))
            cpu = _sweeps(wire, pid, host.rounds(15, 5))
        memory = rss_mib(pid)
        echo_pid, port = stack.enter_context(echo(host.pki, size))
        bare_wire = stack.enter_context(Wire(port, host.pki))
        bare_wire.settle()
        with apart(echo_pid):
            bare, _size = _calls(bare_wire, host.rounds(10, 3))
    return _rows(times, bare, size, cpu, memory)


def _copy_code(target: Path) -> None:
    """Where user vdsm can read it."""
    for part in _PARTS:
        source, place = places.CLONE / part, target / part
        place.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, place)


def _wait_full(wire: Wire) -> None:
    """Wait until every VM has two samples and its guest's words."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        stats = wire.call("Host.getAllVmStats")
        if all("cpuUser" in vm and "netIfaces" in vm for vm in stats):
            return
        time.sleep(0.5)
    raise TimeoutError("the recorded VMs have no full statistics after 30 s")


def _calls(wire: Wire, seconds: int) -> tuple[list[float], int]:
    """Latencies of a call every 20 ms, and the size of the answer in bytes."""
    frame = request_frame("Host.getAllVmStats", {}, wire.reply_to)
    size = wire.exchange(frame)
    found: list[float] = []
    for _ in range(seconds * 50):
        found += latencies(wire, frame, 1)
        time.sleep(0.02)
    return found, size


def _sweeps(wire: Wire, pid: int, count: int) -> float:
    """CPU seconds of the agent per sweep."""
    seen = {_sweep_time(wire)}
    before = cpu_seconds(pid)
    while len(seen) <= count:
        time.sleep(INTERVAL)
        seen.add(_sweep_time(wire))
    return (cpu_seconds(pid) - before) / count


def _sweep_time(wire: Wire) -> float:
    """When the sweep was made whose numbers are served, in seconds of the agent's clock."""
    stats = wire.call("Host.getAllVmStats")
    time_of: float = next(iter(stats[0]["network"].values()))["sampleTime"]
    return time_of


def _rows(times: list[float], bare: list[float], size: int, cpu: float, memory: float) -> list[Row]:
    p99 = percentile(times, 99)
    return [
        Row(
            f"getAllVmStats, {VMS} VMs ({size / 1e6:.1f} MB): p99, ms",
            f"{p99 * 1e3:.1f} (median {spread(times, 1e3, 1)})",
            f"< {_MOST_P99_MS}",
            f"echo of as many bytes {percentile(bare, 99) * 1e3:.1f} (median {spread(bare, 1e3, 1)})",
            "",
            verdict=verdict(met=p99 * 1e3 < _MOST_P99_MS),
        ),
        Row(
            f"CPU of the agent per sweep over {VMS} VMs, asked for and sent once, ms",
            f"{cpu * 1e3:.0f}",
            f"< {_MOST_SWEEP_CPU_MS}",
            verdict=verdict(met=cpu * 1e3 < _MOST_SWEEP_CPU_MS),
        ),
        Row(
            f"resident memory of the agent with {VMS} VMs, MiB",
            f"{memory:.0f}",
            f"< {_MOST_RSS_MIB}",
            verdict=verdict(met=memory < _MOST_RSS_MIB),
        ),
    ]
