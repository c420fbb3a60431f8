from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from vdsm.common.descriptors import FdSet, seal, unseal
from vdsm.common.errors import RemoteProtocolError


def _is_open(fd: int) -> bool:
    try:
        fcntl.fcntl(fd, fcntl.F_GETFD)
    except OSError:
        return False
    return True


def _new_fd() -> int:
    return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)


def test_a_set_closes_what_nobody_took() -> None:
    kept, closed = _new_fd(), _new_fd()
    with FdSet([kept, closed]) as fds:
        assert len(fds) == 2
        assert fds.steal() == kept
        assert fds.numbers == (closed,)
    assert _is_open(kept)
    assert not _is_open(closed)
    os.close(kept)


def test_closing_twice_closes_nothing_of_others() -> None:
    fds = FdSet([_new_fd()])
    fds.close()
    other = _new_fd()
    fds.close()
    assert _is_open(other)
    os.close(other)


def test_a_forgotten_set_is_closed() -> None:
    fd = _new_fd()
    fds: FdSet | None = FdSet([fd])
    assert _is_open(fd)
    fds = None
    assert fds is None
    assert not _is_open(fd)


def test_stealing_from_an_empty_set_is_an_error() -> None:
    with pytest.raises(IndexError):
        FdSet().steal()


def test_a_sealed_payload_comes_out_as_it_went_in() -> None:
    payload = os.urandom(300_000)
    with FdSet([seal(payload)]) as fds:
        assert unseal(fds.numbers[0], len(payload), len(payload)) == payload


def test_a_sealed_payload_cannot_be_changed() -> None:
    with FdSet([seal(b"payload")]) as fds:
        with pytest.raises(PermissionError):
            os.pwrite(fds.numbers[0], b"x", 0)
        with pytest.raises(PermissionError):
            os.ftruncate(fds.numbers[0], 1)


def test_a_payload_above_the_limit_is_refused() -> None:
    with FdSet([seal(b"x" * 100)]) as fds, pytest.raises(RemoteProtocolError, match="allowed 99"):
        unseal(fds.numbers[0], 100, 99)


@pytest.mark.parametrize("announced", [0, -1, 99, 101, 1 << 60])
def test_a_wrong_announced_size_is_refused(announced: int) -> None:
    with FdSet([seal(b"x" * 100)]) as fds, pytest.raises(RemoteProtocolError):
        unseal(fds.numbers[0], announced, 1 << 62)


def test_an_unsealed_memfd_is_refused() -> None:
    fd = os.memfd_create("unsealed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with FdSet([fd]):
        os.write(fd, b"x")
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
        with pytest.raises(RemoteProtocolError, match="not sealed"):
            unseal(fd, 1, 10)


def test_what_is_no_memfd_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    for flags, target in ((os.O_RDONLY, path), (os.O_RDONLY, Path(os.devnull))):
        with FdSet([os.open(target, flags)]) as fds, pytest.raises(RemoteProtocolError):
            unseal(fds.numbers[0], 1, 10)
