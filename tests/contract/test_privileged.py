"""The privileged helper: the same cases on the fake and on a real supervdsmd with an agent of another uid."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract import privileged_cases
from tests.contract.privileged_host import KSM, QEMU_UID, REPOSITORY, RealHelper
from tests.fakes.privileged import FakePrivileged
from vdsm.adapters.privileged import PrivilegedOperations
from vdsm.common.errors import HelperError, HelperGone
from vdsm.models.privileged import HardwareInfoResult, KsmState

CASES = "tests.contract.privileged_cases"
AGENTS = "tests.contract.privileged_agents"
Case = Callable[[PrivilegedOperations], Awaitable[Any]]


class Echo:
    """A QEMU in miniature: listens like a channel and sends back what it reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(8)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                while data := peer.recv(4096):
                    peer.sendall(data)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


@pytest.fixture
def helper() -> Iterator[RealHelper]:
    made = RealHelper()
    folder = made.libvirt_channels / "domain-7-vm"
    folder.mkdir()
    os.chown(folder, QEMU_UID, QEMU_UID)
    echo = Echo(folder / "org.qemu.guest_agent.0")
    os.chown(echo.path, QEMU_UID, QEMU_UID)
    (made.dmi / "product_serial").write_text("S-1\n")
    try:
        made.start()
        yield made
    finally:
        made.close()
        echo.close()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakePrivileged]:
    echo = Echo(tmp_path / "echo")
    made = FakePrivileged()
    made.hardware = HardwareInfoResult(system_serial_number="S-1")
    made.ksm = KsmState(**KSM)
    made.channels[privileged_cases.VM_ID, "org.qemu.guest_agent.0"] = str(echo.path)
    try:
        yield made
    finally:
        echo.close()


@pytest.mark.parametrize("case", privileged_cases.CASES, ids=lambda case: case.__name__)
async def test_case_on_the_fake(fake: FakePrivileged, case: Case) -> None:
    assert await case(fake) is True


async def test_the_fake_has_faults(fake: FakePrivileged) -> None:
    fake.faults["ping"] = HelperGone(operation="ping", effect="none")
    assert await privileged_cases.failure_kind(fake) == "HelperGone"
    assert await privileged_cases.failure_kind(fake) == "none"
    fake.hung.add("ksm_status")
    assert await privileged_cases.hung(fake) == [True, False, True, True]
    fake.faults["ping"] = HelperError(operation="ping", cause="test")
    assert await privileged_cases.failure_kind(fake) == "HelperError"


@pytest.mark.root
class TestRealHelper:
    @pytest.mark.parametrize("case", [case.__name__ for case in privileged_cases.CASES])
    def test_case(self, helper: RealHelper, case: str) -> None:
        assert helper.run_agent(f"{CASES}:{case}") is True

    def test_one_audit_line_per_call(self, helper: RealHelper) -> None:
        agent = helper.spawn_agent(f"{CASES}:channel")
        agent.communicate(b"go\n", timeout=20)
        (line,) = [record for record in helper.audit() if record.get("event") == "call"]
        assert line["operation"] == "channel_open"
        assert (line["pid"], line["uid"], line["outcome"]) == (agent.pid, 36, "ok")
        assert line["subject"] == {"vm_id": privileged_cases.VM_ID, "channel": "org.qemu.guest_agent.0"}
        assert line["duration_ms"] > 0

    def test_another_uid_cannot_connect(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{CASES}:failure_kind", uid=37) == "HelperGone"
        assert helper.socket_path.stat().st_mode & 0o777 == 0o600

    def test_root_is_not_the_agent(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{CASES}:failure_kind", uid=0) == "PermissionDenied"

    def test_another_process_of_the_agents_uid_is_refused(self, helper: RealHelper) -> None:
        main = helper.spawn_agent(f"{CASES}:ping")
        assert helper.run_agent(f"{CASES}:failure_kind", named=False) == "PermissionDenied"
        refusals = [record for record in helper.audit() if record.get("event") == "refused" and record["uid"] == 36]
        assert refusals
        assert main.communicate(b"go\n", timeout=20)[0] == b"true\n"

    def test_nobody_is_let_in_before_the_starter_named_the_agent(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{CASES}:failure_kind", named=False) == "PermissionDenied"

    def test_an_agent_named_a_moment_after_it_connects_is_let_in(self, helper: RealHelper) -> None:
        agent = helper.spawn_agent(f"{CASES}:failure_kind", named=False)
        _go(agent)
        _until(lambda: any(record.get("event") == "refused" and record["uid"] == 36 for record in helper.audit()))
        helper.name_agent(agent.pid)
        assert agent.communicate(timeout=20)[0] == b'"none"\n'

    def test_a_restarted_agent_takes_over(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{CASES}:ping") is True
        assert helper.run_agent(f"{CASES}:ping") is True

    def test_a_hung_operation_delays_no_other(self, helper: RealHelper) -> None:
        (helper.ksm / "full_scans").unlink()
        os.mkfifo(helper.ksm / "full_scans")
        assert helper.run_agent(f"{CASES}:hung") == [True, False, True, True]
        outcomes = [record["outcome"] for record in helper.audit() if record.get("operation") == "ksm_status"]
        assert outcomes == ["BackendTimeout"]
        with (helper.ksm / "full_scans").open("w") as fifo:
            fifo.write("3\n")
        _until(lambda: any(record.get("outcome") == "late ok" for record in helper.audit()))

    def test_a_call_survives_kill_9_of_the_helper(self, helper: RealHelper) -> None:
        knob = helper.ksm / "full_scans"
        knob.unlink()
        os.mkfifo(knob)
        with _marker(helper) as marker:
            agent = helper.spawn_agent(f"{AGENTS}:ping_slowly_while_killed", argument=str(marker))
            _go(agent)
            _until(marker.exists)
            writer = _writer_once_there_is_a_reader(knob)
            helper.kill()
            os.close(writer)
            knob.unlink()
            knob.write_text("3\n")
            helper.start()
            helper.name_agent(agent.pid)
            output, trouble = agent.communicate(timeout=20)
        assert agent.returncode == 0, trouble.decode()
        assert json.loads(output) == {"run": 0, "retries": 1, "connects": 2, "same": 0}

    def test_restarts_are_not_noticed_by_steady_callers(self, helper: RealHelper) -> None:
        with _marker(helper) as marker:
            agent = helper.spawn_agent(f"{AGENTS}:steady_pings", argument=str(marker))
            _go(agent)
            _until(Path(f"{marker}.ready").exists)
            for _ in range(3):
                helper.kill()
                served = _pings(helper)
                helper.start()
                helper.name_agent(agent.pid)
                _until(lambda served=served: _pings(helper) > served)  # type: ignore[misc]  # a default binds the value
            marker.touch()
            output, trouble = agent.communicate(timeout=20)
        assert agent.returncode == 0, trouble.decode()
        result = json.loads(output)
        assert result["failures"] == 0
        assert result["connects"] == 4
        assert result["done"] > 0

    def test_no_helper_is_helper_gone(self, helper: RealHelper) -> None:
        agent = helper.spawn_agent(f"{CASES}:failure_kind")
        helper.kill()
        assert agent.communicate(b"go\n", timeout=20)[0] == b'"HelperGone"\n'

    def test_a_hundred_thousand_packets_of_garbage(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{AGENTS}:fuzz", argument=f"{helper.socket_path},2000")["strange"] == 0
        _until(lambda: helper.open_files() <= 12)
        files, memory = helper.open_files(), helper.rss_kib()
        result = helper.run_agent(f"{AGENTS}:fuzz", argument=f"{helper.socket_path},100000")
        assert result["strange"] == 0
        assert result["clean"] == 100_000
        _until(lambda: helper.open_files() <= files)
        assert helper.rss_kib() - memory < 2048

    def test_large_messages_are_checked(self, helper: RealHelper) -> None:
        errors = helper.run_agent(f"{AGENTS}:large_request", argument=str(helper.socket_path))
        assert {error["kind"] for error in errors.values()} == {"RemoteProtocolError"}
        assert "not sealed" in errors["unsealed"]["message"]
        assert "allowed 4096" in errors["too_large"]["message"]

    def test_no_descriptor_is_leaked_at_either_end(self, helper: RealHelper) -> None:
        assert helper.run_agent(f"{AGENTS}:descriptors_leaked") == 0
        _until(lambda: helper.open_files() <= 12)

    def test_it_is_small_quick_and_stops_cleanly(self, helper: RealHelper) -> None:
        begin = time.monotonic()
        helper.kill()
        helper.start()
        assert time.monotonic() - begin < 2
        assert helper.run_agent(f"{AGENTS}:latency") < 5_000
        assert helper.rss_kib() < 30 * 1024
        assert helper.stop() == 0
        assert not helper.socket_path.exists()

    def test_a_second_helper_does_not_take_the_socket(self, helper: RealHelper) -> None:
        command = [sys.executable, "-m", "supervdsm", "--socket", str(helper.socket_path)]
        second = subprocess.run(command, cwd=REPOSITORY, capture_output=True, timeout=20, check=False)
        assert second.returncode == 1
        assert b"another supervdsmd" in second.stderr
        assert helper.run_agent(f"{CASES}:ping") is True


def _pings(helper: RealHelper) -> int:
    return sum(record.get("operation") == "ping" for record in helper.audit())


def _go(agent: subprocess.Popen[bytes]) -> None:
    assert agent.stdin is not None
    agent.stdin.write(b"go\n")
    agent.stdin.flush()


def _writer_once_there_is_a_reader(fifo: Path) -> int:
    """The write end of a fifo whose reader, from now on, waits for data that never comes."""
    found: list[int] = []

    def opened() -> bool:
        try:
            found.append(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    _until(opened)
    return found[0]


@contextlib.contextmanager
def _marker(helper: RealHelper) -> Iterator[Path]:
    directory = helper.directory / "markers"
    directory.mkdir()
    directory.chmod(0o777)
    yield directory / "now"


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.005)
