"""A real supervdsmd for tests, with an agent of another uid in a process of its own.

The helper runs as root in a private directory; the agent is a child that gives up root after its imports, so that a
checkout below a 0700 home works too, and then runs one named function of a test module with a PrivilegedClient.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from vdsm.adapters.privileged import PrivilegedClient

REPOSITORY = Path(__file__).resolve().parents[2]
AGENT_UID = 36
QEMU_UID = 107
KSM = {
    "run": 0,
    "pages_to_scan": 100,
    "sleep_millisecs": 20,
    "merge_across_nodes": 1,
    "pages_shared": 0,
    "pages_sharing": 0,
    "full_scans": 3,
}
START_SECONDS = 10.0


class RealHelper:
    """Directory, configuration, helper process; `close()` removes all of it."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="supervdsm-"))
        self.directory.chmod(0o711)
        self.socket_path = self.directory / "svdsm.sock"
        self.log = self.directory / "log"
        self.channel_directory = self.directory / "channels"
        self.libvirt_channels = self.directory / "target"
        self.ksm = self.directory / "ksm"
        self.dmi = self.directory / "dmi"
        self.kvm = self.directory / "kvm"
        for made in (self.libvirt_channels, self.ksm, self.dmi):
            made.mkdir()
        for name, value in KSM.items():
            (self.ksm / name).write_text(f"{value}\n")
        self.config = self.directory / "conf"
        self.config.write_text(
            "[supervdsm]\n"
            f"qemu_uid = {QEMU_UID}\nkvm_gid = 107\n"
            f"channel_directory = {self.channel_directory}\n"
            f"libvirt_channel_directories = {self.libvirt_channels}\n"
            f"kvm_device = {self.kvm}\ndmi_directory = {self.dmi}\nksm_directory = {self.ksm}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self._starter: socket.socket | None = None
        self._agents: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start the helper and wait until it listens."""
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "supervdsm", "--socket", str(self.socket_path), "--config", str(self.config)]
        command += ["--agent-uid", str(AGENT_UID), "--agent-fd", str(theirs.fileno())]
        command += ["--log-file", str(self.log), "--log-format", "json"]
        self.process = subprocess.Popen(command, cwd=REPOSITORY, pass_fds=[theirs.fileno()])
        theirs.close()
        self._starter = ours
        until = time.monotonic() + START_SECONDS
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
            while True:
                try:
                    probe.connect(str(self.socket_path))
                    break
                except OSError:
                    if time.monotonic() > until or self.process.poll() is not None:
                        raise
                    time.sleep(0.005)

    def name_agent(self, pid: int) -> None:
        """Tell the helper which process is the agent."""
        assert self._starter is not None
        self._starter.sendall(json.dumps({"pid": pid}).encode() + b"\n")

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        assert self.process is not None
        assert self._starter is not None
        self.process.kill()
        self.process.wait(10)
        self._starter.close()
        self.process = None

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        assert self._starter is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        self._starter.close()
        self.process = None
        return code

    def spawn_agent(
        self, function: str, uid: int = AGENT_UID, *, named: bool = True, argument: str = ""
    ) -> subprocess.Popen[bytes]:
        """Start `module:function` as the agent; it begins after its pid was handed over, when `named`."""
        command = [sys.executable, "-m", "tests.contract.privileged_host", str(self.socket_path), function, str(uid)]
        agent = subprocess.Popen(
            [*command, argument], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._agents.append(agent)
        if named:
            self.name_agent(agent.pid)
        return agent

    def run_agent(self, function: str, uid: int = AGENT_UID, *, named: bool = True, argument: str = "") -> Any:
        """Run the function to its end; what it returned. A failure there is an AssertionError here."""
        agent = self.spawn_agent(function, uid, named=named, argument=argument)
        output, trouble = agent.communicate(b"go\n", timeout=60)
        assert agent.returncode == 0, trouble.decode()
        return json.loads(output)

    def audit(self) -> list[dict[str, Any]]:
        """The records of the helper's log."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def open_files(self) -> int:
        """How many descriptors the helper has."""
        assert self.process is not None
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def rss_kib(self) -> int:
        """Resident memory of the helper."""
        assert self.process is not None
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def close(self) -> None:
        """End every process and remove the directory."""
        for agent in self._agents:
            agent.kill()
            agent.wait(10)
            for pipe in (agent.stdin, agent.stdout, agent.stderr):
                if pipe is not None:
                    pipe.close()
        if self.process is not None:
            self.kill()
        shutil.rmtree(self.directory)


def _agent_main(socket_path: str, function: str, uid: int, argument: str) -> None:
    module, name = function.split(":")
    run = getattr(importlib.import_module(module), name)
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    sys.stdin.readline()

    async def main() -> Any:
        client = PrivilegedClient(Path(socket_path), connect_budget=2.0)
        try:
            return await (run(client, argument) if argument else run(client))
        finally:
            await client.close()

    print(json.dumps(asyncio.run(main())))


if __name__ == "__main__":
    _agent_main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
