"""The whole agent in a process of its own, without libvirtd and without its helper: it still serves and says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.app.test_listeners import _free_port
from vdsm.client import ServerError, TimeoutError, connect_local  # noqa: A004 - the client's own


@dataclass
class Agent:
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def log(self) -> str:
        return (self.folder / "vdsmd.log").read_text(encoding="utf-8")


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    config = tmp_path / "vdsm.conf"
    config.write_text(
        f"[vars]\nssl = false\nnobody_reads_this = 1\n[addresses]\nmanagement_ip = 127.0.0.1\n"
        f"management_port = {_free_port()}\n[vdsmd]\nrun_dir = {tmp_path}\nsocket_group = 0\n"
        f"log_file = {tmp_path}/vdsmd.log\nlog_format = json\nhost_id_file = {tmp_path}/vdsm.id\n"
        f"[libvirt]\nuri = qemu+unix:///system?socket={tmp_path}/nobody\n",
        encoding="utf-8",
    )
    os.mkfifo(tmp_path / "vdsm.id")
    process = subprocess.Popen([sys.executable, "-m", "vdsm", "--config", str(config)], start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not (tmp_path / "vdsmd.sock").exists():
            assert process.poll() is None, "the agent ended"
            assert time.monotonic() < deadline, "the agent does not listen"
            time.sleep(0.02)
        yield Agent(process, tmp_path)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_without_libvirt_calls_about_no_vm_are_answered_and_lists_are_99(agent: Agent) -> None:
    with connect_local(str(agent.folder / "vdsmd.sock"), timeout=10) as client:
        assert client.call("Host.ping2", {}, 10) is True
        assert client.call("Host.echo", {"message": "hi"}, 10) == "hi"
        for verb in ("getVMList", "getVMFullList", "getAllVmStats", "dumpxmls", "getStats"):
            with pytest.raises(ServerError) as failure:
                client.call(f"Host.{verb}", {}, 10)
            assert failure.value.code == 99
        with pytest.raises(ServerError) as failure:
            client.call("VM.getStats", {"vmID": "00000000-0000-0000-0000-000000000001"}, 10)
        assert failure.value.code == 99


def test_a_call_leaves_one_line_with_its_correlation_id(agent: Agent) -> None:
    with connect_local(str(agent.folder / "vdsmd.sock"), timeout=10) as client, client.flow("flow-17"):
        client.call("Host.ping2", {}, 10)
    agent.process.send_signal(signal.SIGTERM)
    assert agent.process.wait(20) == 0
    lines = [json.loads(line) for line in agent.log.splitlines()]
    calls = [line for line in lines if line.get("method") == "Host.ping2"]
    assert len(calls) == 1
    assert calls[0]["correlation"] == "flow-17"
    assert not (agent.folder / "vdsmd.sock").exists()
    assert sum("nobody_reads_this" in line.get("message", "") for line in lines) == 1


def test_sighup_opens_the_log_again(agent: Agent) -> None:
    (agent.folder / "vdsmd.log").rename(agent.folder / "old.log")
    agent.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while not (agent.folder / "vdsmd.log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert agent.process.poll() is None


def test_sighup_with_a_log_that_cannot_be_opened_keeps_the_old_one(agent: Agent) -> None:
    old = agent.folder / "old.log"
    (agent.folder / "vdsmd.log").rename(old)
    (agent.folder / "vdsmd.log").mkdir()
    agent.process.send_signal(signal.SIGHUP)
    deadline = time.monotonic() + 10
    while "keeping the log file in use" not in old.read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert agent.process.poll() is None


def test_a_read_that_hangs_keeps_no_one_from_stopping_the_agent(agent: Agent) -> None:
    # nobody ever writes to this FIFO, so a read of it never ends: as of a file system that hangs
    with connect_local(str(agent.folder / "vdsmd.sock"), timeout=1) as client, pytest.raises(TimeoutError):
        client.call("Host.getCapabilities", {}, 1)
    started = time.monotonic()
    for _ in range(2):
        agent.process.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    assert agent.process.wait(30) == 0
    assert time.monotonic() - started < 10
