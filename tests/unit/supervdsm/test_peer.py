from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervdsm.peer import Caller, CgroupIdentity, Gate, HandedIdentity, Process, caller_of, process
from vdsm.common.errors import PermissionDenied

Handed = tuple[socket.socket, HandedIdentity]


def _proc(root: Path, pid: int, start: int, cgroup: str = "/", command: str = "vdsmd") -> None:
    directory = root / str(pid)
    directory.mkdir(exist_ok=True)
    fields = ["S", *["0"] * 18, str(start), *["0"] * 30]
    (directory / "stat").write_text(f"{pid} ({command}) {' '.join(fields)}\n")
    (directory / "cgroup").write_text(f"1:cpu:/other\n0::{cgroup}\n")


@pytest.fixture
def handed(tmp_path: Path) -> Iterator[Handed]:
    ours, theirs = socket.socketpair()
    yield ours, HandedIdentity(theirs, tmp_path)
    ours.close()
    theirs.close()


def test_the_caller_is_the_connected_process() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        assert caller_of(ours) == Caller(os.getpid(), os.getuid(), os.getgid())


def test_a_process_is_its_pid_and_start_time(tmp_path: Path) -> None:
    _proc(tmp_path, 7, 1234, command="a ) b (")
    assert process(7, tmp_path) == Process(7, 1234)
    assert process(8, tmp_path) is None
    here = process(os.getpid())
    assert here is not None
    assert here.start > 0


class TestHandedIdentity:
    def test_nobody_is_the_agent_at_first(self, handed: Handed) -> None:
        assert handed[1].update() is None
        assert "not named" in str(handed[1].refusal(7))

    def test_the_named_process_is_the_agent(self, handed: Handed, tmp_path: Path) -> None:
        _proc(tmp_path, 7, 100)
        _proc(tmp_path, 8, 100)
        handed[0].sendall(b'{"pid":7}\n')
        assert handed[1].update() is None
        assert handed[1].agent == Process(7, 100)
        assert handed[1].refusal(7) is None
        assert handed[1].refusal(8) is not None

    def test_a_recycled_pid_is_a_stranger(self, handed: Handed, tmp_path: Path) -> None:
        _proc(tmp_path, 7, 100)
        handed[0].sendall(b'{"pid":7}\n')
        handed[1].update()
        _proc(tmp_path, 7, 101)
        assert handed[1].refusal(7) is not None

    def test_the_newest_name_counts(self, handed: Handed, tmp_path: Path) -> None:
        _proc(tmp_path, 7, 100)
        _proc(tmp_path, 8, 200)
        handed[0].sendall(b'{"pid":7}\n{"pid":8}\n{"pi')
        handed[1].update()
        assert handed[1].agent == Process(8, 200)
        handed[0].sendall(b'd":7}\n')
        handed[1].update()
        assert handed[1].agent == Process(7, 100)

    def test_a_process_that_does_not_exist_is_nobody(self, handed: Handed) -> None:
        handed[0].sendall(b'{"pid":7}\n')
        assert "does not exist" in str(handed[1].update())
        assert handed[1].refusal(7) is not None

    @pytest.mark.parametrize("line", [b"garbage\n", b'{"pid":"x"}\n', b'{"pid":1,"uid":0}\n', b"\xff\n", b"x" * 9000])
    def test_nonsense_changes_nothing(self, handed: Handed, tmp_path: Path, line: bytes) -> None:
        _proc(tmp_path, 7, 100)
        handed[0].sendall(b'{"pid":7}\n')
        handed[1].update()
        handed[0].sendall(line)
        assert handed[1].update() is not None
        assert handed[1].refusal(7) is None

    def test_the_agent_stays_when_the_starter_is_gone(self, handed: Handed, tmp_path: Path) -> None:
        _proc(tmp_path, 7, 100)
        handed[0].sendall(b'{"pid":7}\n')
        handed[0].close()
        handed[1].update()
        assert handed[1].has_ended()
        assert handed[1].refusal(7) is None


class TestCgroupIdentity:
    UNIT = "/system.slice/vdsmd.service"

    @pytest.fixture
    def identity(self, tmp_path: Path) -> CgroupIdentity:
        unit = tmp_path / "hierarchy" / self.UNIT.lstrip("/")
        unit.mkdir(parents=True)
        (unit / "cgroup.procs").write_text("9\n7\n11\n")
        _proc(tmp_path, 7, 100, self.UNIT)
        _proc(tmp_path, 9, 300, self.UNIT)
        _proc(tmp_path, 10, 50, "/system.slice/other.service")
        return CgroupIdentity(self.UNIT, tmp_path, tmp_path / "hierarchy")

    def test_the_oldest_process_of_the_unit_is_the_agent(self, identity: CgroupIdentity) -> None:
        assert identity.refusal(7) is None

    def test_its_children_are_not(self, identity: CgroupIdentity) -> None:
        assert "main process" in str(identity.refusal(9))

    def test_others_are_not(self, identity: CgroupIdentity) -> None:
        assert "control group" in str(identity.refusal(10))
        assert "not known" in str(identity.refusal(99))


class _Everybody:
    def refusal(self, pid: int) -> str | None:
        return None if pid else "it is nobody"


def test_the_gate_wants_uid_and_identity() -> None:
    gate = Gate(36, _Everybody())
    gate.admit(Caller(5, 36, 36))
    with pytest.raises(PermissionDenied, match="only uid 36"):
        gate.admit(Caller(5, 0, 0))
    with pytest.raises(PermissionDenied, match="nobody"):
        gate.admit(Caller(0, 36, 36))
