"""A private libvirt daemon: its own mount namespace, configuration, sockets and state; never the host's.

Inside, /etc/libvirt, /run/libvirt, /var/lib/libvirt, /var/cache/libvirt and /var/log/libvirt are bind mounts of
directories below `<base>/<name>`; everything else (disks, kernels, /sys, cgroups) has the same path in and out.
Outside, the socket is an ordinary file that root and group libvirt may use. A QEMU outlives its libvirtd here
as it does on a host. Standard library and virsh alone. `python -m devhost.libvirtd --help` runs one by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
import uuid
import zlib
from pathlib import Path
from types import MappingProxyType
from typing import Self

from devhost import accounts, cgroups, places, processes

PROGRAM = "/usr/sbin/libvirtd"
_MOUNTS = MappingProxyType(
    {
        "etc": "/etc/libvirt",
        "run": "/run/libvirt",
        "lib": "/var/lib/libvirt",
        "cache": "/var/cache/libvirt",
        "log": "/var/log/libvirt",
        "channels": "/var/lib/libvirt/qemu/channels",
    }
)
_START_DEADLINE = 60.0
"""Seconds; the first start on a machine probes QEMU, about nine seconds of work when nothing else runs."""
_END_ROUNDS = 5
_VNC_PORTS = range(6000, 32_000, 256)
"""First VNC ports; each daemon has a block, so that two of them do not choose the same port at one time."""


class LibvirtdError(Exception):
    """The private libvirtd did not do what it was asked; the message ends with the end of its log."""


class PrivateLibvirtd:
    """One private libvirt daemon below `base/name`. Needs root.

    The first `start()` ends whatever an earlier, killed run left in the same place and begins with no domains;
    after `kill()` or inside `restart()` the domains and their QEMUs stay.
    """

    def __init__(self, base: Path = places.RUNTIME, name: str = "main") -> None:
        self.directory = base.absolute() / name
        self.name = name
        self._process: subprocess.Popen[bytes] | None = None
        self._prepared = False

    @property
    def socket_path(self) -> Path:
        """The read-write socket, as seen from outside."""
        return self.directory / "run" / "libvirt-sock"

    @property
    def uri(self) -> str:
        """What libvirt.open() takes."""
        return f"qemu+unix:///system?socket={self.socket_path}"

    @property
    def channel_directory(self) -> Path:
        """/var/lib/libvirt/qemu/channels, as seen from outside."""
        return self.directory / "channels"

    @property
    def log_path(self) -> Path:
        """The daemon's log."""
        return self.directory / "log" / "libvirtd.log"

    @property
    def pid(self) -> int | None:
        """The daemon's process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the daemon and wait until it answers.

        Raises: LibvirtdError when it exits or does not answer in time.
        """
        if self.pid is not None:
            return
        if not self._prepared:
            self._prepare()
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                ["/usr/bin/unshare", "--mount", "--propagation", "slave", "/bin/sh", "-euc", self._entry_script()],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            )  # fmt: skip
        self._wait_answer()
        _share_capabilities(self.directory / "cache")

    def kill(self) -> None:
        """SIGKILL the daemon alone: its QEMUs live on, as after a crash."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        """An orderly restart of the daemon; its QEMUs live on."""
        self._end_daemon()
        self.start()

    def stop(self) -> None:
        """End the domains, the daemon and all that it started; the namespace goes with its last process."""
        remains = cgroups.of_processes(self.qemu_pids().values())
        processes.end(self._qemu_processes(), patience=2.0)
        if self.pid is not None:
            self._wait_no_domains()
        self._end_daemon()
        for _ in range(_END_ROUNDS):  # a daemon that is ending may start one more QEMU
            if not (left := self._processes()):
                break
            processes.end(left)
        cgroups.remove(remains)
        self._prepared = False

    def remove(self) -> None:
        """Stop, and remove every file of it, its log too."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def qemu_pids(self) -> dict[str, int]:
        """Domain name -> pid of its QEMU, of those that live."""
        found = {}
        for pid in self._qemu_processes():
            argv = processes.arguments(pid)
            if "-name" in argv[:-1]:
                name = argv[argv.index("-name") + 1].removeprefix("guest=").partition(",debug-threads=")[0]
                found[name.replace(",,", ",")] = pid
        return found

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _processes(self) -> list[int]:
        return processes.seeing(self.directory / "run", _MOUNTS["run"])

    def _qemu_processes(self) -> list[int]:
        return [pid for pid in self._processes() if "qemu-system" in (processes.arguments(pid) or [""])[0]]

    def _prepare(self) -> None:
        accounts.ensure_accounts()
        self.remove()
        places.make_public(self.directory.parent)
        for part in ("", *_MOUNTS):
            places.make_public(self.directory / part)
        (self.directory / "lib" / "qemu" / "channels").mkdir(parents=True)
        shutil.chown(self.channel_directory, accounts.QEMU_USER, accounts.VDSM_USER)
        self.channel_directory.chmod(0o770)
        (self.directory / "owner").write_text(f"{os.getpid()} {processes.start_time(os.getpid())}\n", encoding="ascii")
        (self.directory / "etc" / "libvirtd.conf").write_text(self._daemon_settings(), encoding="ascii")
        (self.directory / "etc" / "qemu.conf").write_text(self._qemu_settings(), encoding="ascii")
        _take_capabilities(self.directory / "cache")
        self._prepared = True

    def _daemon_settings(self) -> str:
        return f"""
host_uuid = "{uuid.uuid5(uuid.NAMESPACE_URL, str(self.directory))}"
auth_unix_ro = "none"
auth_unix_rw = "none"
unix_sock_group = "{accounts.LIBVIRT_GROUP}"
unix_sock_rw_perms = "0770"
max_clients = 500
max_workers = 40
max_client_requests = 20
log_level = 3
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""

    def _qemu_settings(self) -> str:
        first_port = _VNC_PORTS[zlib.crc32(str(self.directory).encode()) % len(_VNC_PORTS)]
        # remember_owner is off so that a disk without its seclabel shows: libvirt would give it to root afterwards.
        return f"""
user = "{accounts.QEMU_USER}"
group = "{accounts.QEMU_GROUP}"
dynamic_ownership = 1
remember_owner = 0
security_driver = "none"
namespaces = [ ]
stdio_handler = "file"
vnc_listen = "127.0.0.1"
remote_display_port_min = {first_port}
remote_display_port_max = {first_port + _VNC_PORTS.step - 1}
{cgroups.qemu_setting()}
"""

    def _entry_script(self) -> str:
        mounts = [
            f"mkdir -p {target} && mount --bind {shlex.quote(str(self.directory / part))} {target}"
            for part, target in _MOUNTS.items()
        ]
        return "\n".join([*mounts, f"exec {PROGRAM} --pid-file /run/libvirt/libvirtd.pid"])

    def _virsh(self, *arguments: str, patience: float) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/usr/bin/virsh", "--quiet", "--connect", self.uri, *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience, check=False,
        )  # fmt: skip

    def _wait_answer(self) -> None:
        deadline = time.monotonic() + _START_DEADLINE
        while time.monotonic() < deadline:
            if self.pid is None:
                raise LibvirtdError(f"libvirtd exited at once\n{self._log_tail()}")
            if self.socket_path.exists():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    # `version` needs the probed QEMU, so the slow first probing is over before anybody's first call
                    if self._virsh("version", patience=max(deadline - time.monotonic(), 1)).returncode == 0:
                        return
            time.sleep(0.02)
        raise LibvirtdError(f"libvirtd did not answer in {_START_DEADLINE:.0f} s\n{self._log_tail()}")

    def _wait_no_domains(self) -> None:
        """Let the daemon notice that its QEMUs are gone, so that it removes their cgroups itself."""
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if not self._virsh("list", "--name", patience=2).stdout.strip():
                    return
            time.sleep(0.05)

    def _end_daemon(self) -> None:
        if self._process is None:
            return
        processes.end([self._process.pid] if self.pid else [])
        self._process.wait(10)
        self._process = None

    def _log_tail(self) -> str:
        parts = [
            path.read_text(errors="replace") for path in (self.directory / "output.log", self.log_path) if path.exists()
        ]
        return "\n".join("".join(parts).splitlines()[-20:])


def unique_name() -> str:
    """A name below a base that no other live process uses."""
    return f"t{os.getpid()}"


def sweep(base: Path) -> None:
    """End every private libvirtd below `base` whose starter is gone, and remove its files."""
    for owner in sorted(base.glob("*/owner")):
        with contextlib.suppress(FileNotFoundError):
            pid, _, started = owner.read_text(encoding="ascii").partition(" ")
            if started and processes.start_time(int(pid)) != int(started):
                PrivateLibvirtd(base, owner.parent.name).remove()


def _capability_files(cache: Path) -> Path:
    return cache / "qemu" / "capabilities"


def _take_capabilities(cache: Path) -> None:
    shared = _capability_files(places.SHARED_CACHE)
    if shared.exists():
        shutil.copytree(shared, _capability_files(cache), dirs_exist_ok=True)


def _share_capabilities(cache: Path) -> None:
    """Keep what was probed for the next daemon; libvirt itself checks that it still fits the QEMU binary."""
    shared = _capability_files(places.SHARED_CACHE)
    shared.mkdir(parents=True, exist_ok=True)
    for source in _capability_files(cache).glob("*.xml"):
        target = shared / source.name
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            fresh = shared / f".{source.name}.{os.getpid()}"
            shutil.copy2(source, fresh)
            fresh.replace(target)


def main() -> int:
    """Run one in the foreground until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Run a private libvirtd until SIGTERM or SIGINT.")
    parser.add_argument("--base", type=Path, default=places.RUNTIME, help="directory of private daemons")
    parser.add_argument("--name", default="hand", help="its directory below the base")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with PrivateLibvirtd(options.base, options.name) as daemon:
        print(daemon.uri, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
