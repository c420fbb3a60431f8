"""The development host that the benchmarks measure: the program as shipped, installed, as two users; made on demand.

Nothing is configured but places and the port: logs, counters and periods are the shipped ones.
"""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from devhost import install, places, processes
from devhost.daemons import Daemons, free_port
from devhost.libvirtd import PrivateLibvirtd
from devhost.pki import Pki
from devhost.progress import Progress
from devhost.run import run_directory
from tests.perf.vms import PausedVms
from tests.perf.wire import Wire


class Host:
    """What benchmarks share; `stack` ends all of it. `quick` asks for fewer rounds and smaller sets."""

    def __init__(self, stack: ExitStack, progress: Progress, *, quick: bool) -> None:
        self.progress = progress
        self.quick = quick
        self._stack = stack

    @cached_property
    def directory(self) -> Path:
        """A directory that both daemons' users may enter, for this process alone. Raises: BusyError."""
        install.ensure_installed(self.progress)
        directory = self._stack.enter_context(run_directory(places.INSTALL_ROOT / "bench"))
        for place in (directory, self.second_directory):
            _end_leftovers(place)
            self._stack.callback(shutil.rmtree, place, ignore_errors=True)
        return places.make_public(directory)

    @property
    def second_directory(self) -> Path:
        """For daemons that are not `daemons`; both lie where `make clean` finds the pids of daemons."""
        return places.INSTALL_ROOT / "bench2"

    @cached_property
    def pki(self) -> Pki:
        """Certificates of the daemons, the echo and the clients."""
        return Pki.ensure(self.directory / "pki")

    @cached_property
    def libvirt(self) -> PrivateLibvirtd:
        """A private libvirtd, running."""
        libvirt = PrivateLibvirtd(name="bench")
        self._stack.callback(libvirt.remove)
        with self.progress.step("private libvirtd"):
            libvirt.start()
        return libvirt

    @cached_property
    def daemons(self) -> Daemons:
        """Both daemons, running."""
        daemons = Daemons(self.directory, self.libvirt, self.pki, port=free_port())
        with self.progress.step("supervdsmd as root, vdsmd as user vdsm"):
            self._stack.enter_context(daemons)
        return daemons

    @cached_property
    def vms(self) -> PausedVms:
        """Real VMs of `daemons`, made through the API."""
        return PausedVms(lambda: self.wire(events=True))

    def wire(self, *, events: bool = False) -> Wire:
        """A new connection to `daemons`."""
        return Wire(self.daemons.port, self.pki, events=events)

    def log_tails(self) -> str:
        """The ends of the logs of the daemons, if they were started."""
        return self.daemons.log_tails() if "daemons" in self.__dict__ else ""

    def rounds(self, full: int, quick: int) -> int:
        """How often to repeat."""
        return quick if self.quick else full


def agent_pid(daemons: Daemons) -> int:
    """The pid of vdsmd. Raises: ProcessLookupError when it does not run."""
    pid = daemons.agent.pid
    if pid is None:
        raise ProcessLookupError("vdsmd does not run")
    return pid


def _end_leftovers(directory: Path) -> None:
    """End the daemons of a run that was killed, and forget its files."""
    for record in directory.glob("*.pid"):
        pid, _, started = record.read_text(encoding="ascii").partition(" ")
        if started and processes.start_time(int(pid)) == int(started):
            processes.end([int(pid)])
    shutil.rmtree(directory, ignore_errors=True)


def machine() -> str:
    """The machine in one line."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "CPU"
    )
    memory = int(_lines("/proc/meminfo")[0].split()[1]) / 1024**2
    return (
        f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release().partition('-')[0]}, "
        f"Python {platform.python_version()}, QEMU under TCG"
    )


def load_average() -> str:
    """Load of the last minute: other work on the machine shows here."""
    return f"{os.getloadavg()[0]:.1f}"


def _lines(path: str) -> list[str]:
    return Path(path).read_text(encoding="utf-8").splitlines()
