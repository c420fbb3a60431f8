"""File descriptors that have an owner, and payloads that travel as one.

A descriptor that came from another process is closed unless somebody took it: FdSet says who owns it. A payload too
large for a packet goes into a memfd that its sender seals, so the receiver reads what it checked.
Called by `common.ipc` and by whoever takes or hands over descriptors through it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from types import TracebackType

from vdsm.common.errors import RemoteProtocolError

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class FdSet:
    """Descriptors that belong to this object until they are stolen; closing twice is harmless."""

    __slots__ = ("_fds",)

    def __init__(self, fds: Iterable[int] = ()) -> None:
        self._fds = list(fds)

    def __len__(self) -> int:
        return len(self._fds)

    def __enter__(self) -> FdSet:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The descriptors, still owned by the set."""
        return tuple(self._fds)

    def steal(self, index: int = 0) -> int:
        """Take one descriptor out; the caller owns it from now on. Raises: IndexError."""
        return self._fds.pop(index)

    def close(self) -> None:
        """Close what is left."""
        while self._fds:
            os.close(self._fds.pop())


def seal(payload: bytes) -> int:
    """A new memfd that holds the payload and that nobody can change any more."""
    with FdSet([os.memfd_create("message", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)]) as made:
        fd = made.numbers[0]
        view = memoryview(payload)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        return made.steal()


def unseal(fd: int, size: int, limit: int) -> bytes:
    """The payload of a memfd that its sender can change no more.

    Raises: RemoteProtocolError: it is not sealed, larger than the limit, or not of the announced size.
    """
    try:
        seals = fcntl.fcntl(fd, fcntl.F_GET_SEALS)
    except OSError as error:
        raise RemoteProtocolError(reason="a large message did not come in a memfd") from error
    if seals & _SEALS != _SEALS:
        raise RemoteProtocolError(reason="a large message came in a memfd that is not sealed")
    actual = os.fstat(fd).st_size
    if actual != size or not 0 < size <= limit:
        raise RemoteProtocolError(reason=f"a large message has {actual} bytes, announced {size}, allowed {limit}")
    return os.pread(fd, size, 0)
