"""Both daemons as on a host: supervdsmd as root, vdsmd as user vdsm, each restarted when it dies.

They run from the copy of the code that `devhost.install` makes. supervdsmd learns which process is the agent from
us: after each start of vdsmd its pid goes over a descriptor that only supervdsmd and we hold.
Used by `make run`, `make demo`, end-to-end tests and benchmarks. Needs root.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from devhost import accounts, install, places
from devhost.libvirtd import PrivateLibvirtd
from devhost.pki import Pki
from devhost.progress import Progress
from devhost.supervision import Supervised

DEFAULT_PORT = 54321
_READY_PATIENCE = 30.0
_MOST_EARLY_STARTS = 4


class DaemonsError(Exception):
    """The daemons did not become ready; the message ends with the end of their logs."""


class Daemons:
    """vdsmd and supervdsmd with `directory` as their run directory.

    settings: section -> key -> value, added to the generated vdsm.conf.
    """

    def __init__(
        self,
        directory: Path,
        libvirt: PrivateLibvirtd,
        pki: Pki,
        *,
        port: int = DEFAULT_PORT,
        settings: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.directory = directory
        self.port = port
        self.pki = pki
        self._libvirt = libvirt
        self._settings = settings or {}
        self._channel: tuple[socket.socket, socket.socket] | None = None
        self.agent = Supervised("vdsmd", directory / "vdsmd.pid", self._spawn_agent)
        self.helper = Supervised("supervdsmd", directory / "supervdsmd.pid", self._spawn_helper)

    @property
    def api_socket(self) -> Path:
        """vdsmd's socket for local tools."""
        return self.directory / "vdsmd.sock"

    @property
    def helper_socket(self) -> Path:
        """supervdsmd's socket."""
        return self.directory / "svdsm.sock"

    @property
    def logs(self) -> tuple[Path, ...]:
        """Every log file of the two daemons; some may not exist."""
        names = ("vdsmd.log", "vdsmd.output", "supervdsmd.log", "supervdsmd.output")
        return tuple(self.directory / "log" / name for name in names)

    def start(self) -> None:
        """Start both and wait until vdsmd answers a ping over TLS.

        Raises: DaemonsError.
        """
        self.agent.end_leftover()
        self.helper.end_leftover()
        _check_port(self.port)
        install.ensure_installed(Progress(sys.stderr))
        self._prepare()
        self._channel = socket.socketpair()
        self.helper.start()
        self.agent.start()
        self.wait_ready()

    def stop(self) -> None:
        """End both; VMs go on."""
        self.agent.stop()
        self.helper.stop()
        for end in self._channel or ():
            end.close()
        self._channel = None

    def kill_agent(self) -> None:
        """`kill -9` of vdsmd; returns when it was started again, before it is ready."""
        starts = self.agent.starts
        self.agent.kill()
        self.agent.wait_restarted(starts, 10)

    def kill_helper(self) -> None:
        """`kill -9` of supervdsmd; returns when it was started again."""
        starts = self.helper.starts
        self.helper.kill()
        self.helper.wait_restarted(starts, 10)

    def wait_ready(self, patience: float = _READY_PATIENCE) -> None:
        """Wait until vdsmd answers a ping over TLS. Raises: DaemonsError."""
        deadline = time.monotonic() + patience
        starts = self.agent.starts
        while not self._answers():
            if self.agent.starts - starts > _MOST_EARLY_STARTS:
                raise DaemonsError(f"vdsmd dies again and again\n{self.log_tails()}")
            if time.monotonic() > deadline:
                raise DaemonsError(f"vdsmd did not answer in {patience:.0f} s\n{self.log_tails()}")
            time.sleep(0.02)

    def log_tails(self, lines: int = 30) -> str:
        """The last lines of each log, libvirtd's too."""
        present = [path for path in (*self.logs, self._libvirt.log_path) if path.exists()]
        tails = {path: path.read_text(errors="replace").splitlines()[-lines:] for path in present}
        return "\n".join("\n".join([f"--- {path}", *tail]) for path, tail in tails.items() if tail)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answers(self) -> bool:
        from vdsm.client import Error, connect

        try:
            client = connect("localhost", self.port, timeout=5, nr_retries=0, pki=str(self.pki.directory))
        except Error:
            return False
        with contextlib.closing(client):
            try:
                client.Host.ping2()
            except Error:
                return False
        return True

    def _prepare(self) -> None:
        _share(self.directory)
        shutil.rmtree(self.directory / "log", ignore_errors=True)
        (self.directory / "log").mkdir()
        _share(self.directory / "log")
        for name in ("vdsmd.output", "supervdsmd.output"):
            (self.directory / "log" / name).touch(0o644, exist_ok=False)
        host_id = self.directory / "vdsm.id"
        if not host_id.exists():
            host_id.write_text(f"{uuid.uuid4()}\n", encoding="ascii")
        _write_ini(self.directory / "vdsm.conf", self._agent_settings())
        _write_ini(self.directory / "supervdsm.conf", self._helper_settings())

    def _agent_settings(self) -> dict[str, dict[str, str]]:
        settings = {
            "vars": {"ssl": "true"},
            "addresses": {"management_ip": "localhost", "management_port": str(self.port)},
            "pki": {
                "ca_file": str(self.pki.ca_certificate),
                "cert_file": str(self.pki.server_certificate),
                "key_file": str(self.pki.server_key),
            },
            "vdsmd": {
                "run_dir": str(self.directory),
                "host_id_file": str(self.directory / "vdsm.id"),
                "log_file": str(self.directory / "log" / "vdsmd.log"),
            },
            "libvirt": {"uri": self._libvirt.uri},
        }
        for section, values in self._settings.items():
            settings.setdefault(section, {}).update(values)
        return settings

    def _helper_settings(self) -> dict[str, dict[str, str]]:
        root = self._libvirt.directory
        return {
            "supervdsm": {
                "channel_directory": str(self._libvirt.channel_directory),
                "libvirt_channel_directories": f"{root}/lib/qemu/channel/target {root}/run/qemu/channel",
            }
        }

    def _spawn_agent(self) -> subprocess.Popen[bytes]:
        with (self.directory / "log" / "vdsmd.output").open("ab") as output:
            process = subprocess.Popen(
                [places.VENV / "bin" / "vdsmd", "--config", self.directory / "vdsm.conf"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", env=_environment(),
                start_new_session=True, umask=0o022, user=accounts.VDSM_UID, group=accounts.VDSM_GID,
                extra_groups=os.getgrouplist(accounts.VDSM_USER, accounts.VDSM_GID),
            )  # fmt: skip
        self._name_agent(process.pid)
        return process

    def _spawn_helper(self) -> subprocess.Popen[bytes]:
        assert self._channel is not None  # noqa: S101 - start() makes it before the first helper
        descriptor = self._channel[1].fileno()
        with (self.directory / "log" / "supervdsmd.output").open("ab") as output:
            process = subprocess.Popen(
                [
                    places.VENV / "bin" / "supervdsmd", "--socket", self.helper_socket,
                    "--agent-fd", str(descriptor), "--config", self.directory / "supervdsm.conf",
                    "--log-file", self.directory / "log" / "supervdsmd.log",
                ],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd="/", env=_environment(),
                start_new_session=True, umask=0o022, pass_fds=(descriptor,),
            )  # fmt: skip
        if self.agent.pid is not None:
            self._name_agent(self.agent.pid)
        return process

    def _name_agent(self, pid: int) -> None:
        """Tell supervdsmd who the agent is; a new supervdsmd reads from the same descriptor as the old one."""
        if self._channel is not None:
            self._channel[0].sendall(json.dumps({"pid": pid}).encode() + b"\n")


def free_port() -> int:
    """A TCP port that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _share(directory: Path) -> None:
    """Let the agent make files in a directory in which root works too, and never move or replace root's."""
    directory.mkdir(parents=True, exist_ok=True)
    os.chown(directory, 0, accounts.VDSM_GID)
    directory.chmod(0o1775)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DaemonsError(f"port {port}: {error.strerror}; choose another one with VDSM_PORT") from None


def _write_ini(path: Path, settings: Mapping[str, Mapping[str, str]]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_dict(settings)
    with path.open("w", encoding="utf-8") as file:
        parser.write(file)
    path.chmod(0o644)


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
