"""`make demo`: the life of one real VM, told step by step, through `vdsm-client` as an administrator would.

It is created, boots, its guest agent answers, the agent is killed under it and finds it again, it shuts down.
Nothing is left behind, whatever happens; when a step fails, the ends of all logs are printed and the exit code is 1.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from devhost import places
from devhost.daemons import Daemons, DaemonsError
from devhost.domain import linux_domain
from devhost.guest import Guest, GuestError, ensure_guest
from devhost.libvirtd import PrivateLibvirtd
from devhost.pki import Pki
from devhost.progress import Progress
from devhost.run import FAILURES, link_run_directory, port_of_environment, run_directory

_NAME = "demo"
_GUEST_FIELDS = ("guestOsInfo", "guestFQDN", "guestName", "netIfaces")
"""Statistics that only the guest agent can fill."""


class DemoError(Exception):
    """A step had another outcome than it should."""


_FAILURES = (DemoError, GuestError, *FAILURES)


class Demo:
    """The story; `tell()` is all of it."""

    def __init__(self, progress: Progress, libvirt: PrivateLibvirtd, daemons: Daemons, guest: Guest) -> None:
        self._progress = progress
        self._libvirt = libvirt
        self._daemons = daemons
        self._guest = guest
        self._vm_id = str(uuid.uuid4())

    def tell(self) -> None:
        """From creation to the end. Raises: DemoError and what the parts raise."""
        self._create()
        self._wait_guest_agent()
        self._show("vm", "stats")
        self._show("vm", "show", _NAME)
        self._kill_and_recover()
        with self._progress.step("its guest agent answers the new vdsmd"):
            self._wait_stats(lambda stats: _has_guest_fields(stats) and "cpuUser" in stats, 60)
        self._show("vm", "list")
        self._shut_down()

    def _create(self) -> None:
        serial_log = self._daemons.directory / "guest.log"
        plan = replace(
            linux_domain(self._guest, self._vm_id, _NAME), has_user_network=True, serial_log=serial_log
        )  # fmt: skip
        xml = self._daemons.directory / f"{_NAME}.xml"
        xml.write_text(plan.xml(), encoding="utf-8")
        with self._progress.step("vdsm-client vm start: a VM is created and boots") as step:
            step.result = self._client("vm", "start", "--until-up", str(xml)).strip()

    def _wait_guest_agent(self) -> None:
        with self._progress.step("its guest agent answers") as step:
            stats = self._wait_stats(_has_guest_fields, 60)
            step.result = str(stats.get("guestFQDN") or stats.get("guestName") or stats.get("guestIPs") or "yes")
        with self._progress.step("two samples make the first figures"):
            self._wait_stats(lambda stats: "cpuUser" in stats, 30)

    def _kill_and_recover(self) -> None:
        qemu = self._libvirt.qemu_pids()
        with self._progress.step("kill -9 of vdsmd; started again, it finds the VM") as step:
            killed = self._daemons.agent.pid
            self._daemons.kill_agent()
            self._daemons.wait_ready()
            self._wait_stats(lambda stats: stats.get("status") == "Up", 30)
            if self._libvirt.qemu_pids() != qemu or not qemu:
                raise DemoError(f"QEMU was {qemu} before and is {self._libvirt.qemu_pids()} after")
            step.result = f"vdsmd {killed} -> {self._daemons.agent.pid}, QEMU is still {next(iter(qemu.values()))}"

    def _shut_down(self) -> None:
        with self._progress.step("vdsm-client vm shutdown: through the guest") as step:
            step.result = self._client("vm", "shutdown", _NAME).strip()
        with self._progress.step("vdsm-client VM destroy: forget it"):
            self._client("VM", "destroy", f"vmID={self._vm_id}")
            if json.loads(self._client("Host", "getVMList")) or self._libvirt.qemu_pids():
                raise DemoError("a VM is left")

    def _wait_stats(self, wanted: Callable[[dict[str, Any]], bool], patience: float) -> dict[str, Any]:
        """Ask for the VM's statistics until they are as wanted. Raises: DemoError."""
        deadline = time.monotonic() + patience
        last: object = None
        while time.monotonic() < deadline:
            try:
                stats: dict[str, Any] = json.loads(self._client("VM", "getStats", f"vmID={self._vm_id}"))[0]
            except DemoError as error:  # the agent may be rebuilding its list of VMs
                last = error
            else:
                if wanted(stats):
                    return stats
                last = stats
            time.sleep(0.2)
        raise DemoError(f"not reached in {patience:.0f} s; last was {last}")

    def _show(self, *words: str) -> None:
        self._progress.line(f"$ vdsm-client {' '.join(words)}")
        for line in self._client(*words).splitlines():
            print(f"         {line}", flush=True)

    def _client(self, *words: str) -> str:
        options = ["--host", "localhost", "--port", str(self._daemons.port), "--pki", str(self._daemons.pki.directory)]
        done = subprocess.run(
            [places.VENV / "bin" / "vdsm-client", *options, *words],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise DemoError(f"vdsm-client {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout


def _has_guest_fields(stats: dict[str, Any]) -> bool:
    return any(stats.get(name) for name in _GUEST_FIELDS)


def _run(progress: Progress, stack: ExitStack) -> None:
    directory: Path = stack.enter_context(run_directory())
    link_run_directory()
    with progress.step("tiny Linux guest from Debian packages") as step:
        guest = ensure_guest()
        step.result = f"{(guest.kernel.stat().st_size + guest.initrd.stat().st_size) >> 20} MiB"
    with progress.step("certificates"):
        pki = Pki.ensure(directory / "pki")
    libvirt = PrivateLibvirtd(name="demo")
    with progress.step("private libvirtd") as step:
        stack.callback(_clean_up, progress, libvirt)
        libvirt.start()
        step.result = f"pid {libvirt.pid}"
    settings = {"vars": {"vm_sample_interval": "2"}}
    daemons = Daemons(directory, libvirt, pki, port=port_of_environment(), settings=settings)
    try:
        with progress.step("supervdsmd as root, vdsmd as user vdsm") as step:
            stack.callback(daemons.stop)
            daemons.start()
            step.result = f"mutual TLS on port {daemons.port}"
        Demo(progress, libvirt, daemons, guest).tell()
    except (*_FAILURES, subprocess.TimeoutExpired, OSError) as failure:
        if not isinstance(failure, DaemonsError):  # that one brings the logs with it
            failure.add_note(daemons.log_tails())
        raise


def _clean_up(progress: Progress, libvirt: PrivateLibvirtd) -> None:
    with progress.step("clean up") as step:
        libvirt.remove()
        step.result = "nothing is left running"


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Tell the story; 0 when all of it went as it should."""
    progress = Progress()
    signal.signal(signal.SIGTERM, _terminated)
    try:
        with ExitStack() as stack:
            _run(progress, stack)
    except KeyboardInterrupt:
        return 130
    except (*_FAILURES, subprocess.TimeoutExpired, OSError) as error:
        print("\n".join([f"demo: {error}", *getattr(error, "__notes__", ())]), file=sys.stderr)
        return 1
    progress.line("the demo went as it should")
    return 0


if __name__ == "__main__":
    sys.exit(main())
