"""Messages and descriptors between the agent and its own processes on the same host.

AF_UNIX SOCK_SEQPACKET: one JSON message per packet, descriptors by SCM_RIGHTS. What is larger than INLINE_LIMIT
travels as a sealed memfd in front of the other descriptors, announced by a small packet that names its operation,
so that the receiver applies that operation's size limit before it reads a byte. Pickles never cross.

Every descriptor that was received belongs to an FdSet and is closed with it, on every error too. A packet that makes
no sense is a RemoteProtocolError and costs itself alone; an empty packet is the end, as the kernel tells them apart
by nothing. Used by the agent (AsyncEndpoint), the privileged helper (Link) and starters and tests (BlockingEndpoint).
"""

from __future__ import annotations

import array
import errno
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from vdsm.common.descriptors import FdSet, seal, unseal
from vdsm.common.errors import (
    BackendError,
    BackendTimeout,
    LocalProtocolError,
    RemoteProtocolError,
    ResourceExhausted,
    VdsmError,
    kinds,
)

if TYPE_CHECKING:
    import asyncio

INLINE_LIMIT = 128 * 1024
"""Bytes of the largest message in a packet; a stock kernel's wmem_max is 212,992."""
MAX_FDS = 16
"""Most descriptors in one message, the memfd not counted."""
MAX_OUTGOING = 64
"""Most messages that wait for a slow reader."""
LONGEST_CORRELATION_ID = 128
"""Characters of the correlation id in a request; a caller shortens what is longer."""

Limit = Callable[[str], int]
"""Bytes that a message of the named operation may have; 0 refuses it."""

_KERNEL_MAX_FDS = 253
_ANCILLARY_SIZE = socket.CMSG_SPACE(_KERNEL_MAX_FDS * array.array("i").itemsize)
_LARGE_PREFIX = b'{"memfd":'
_READS_PER_WAKEUP = 32
DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the expected JSON."""


class Request(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A call. `deadline` is in seconds from now; `params` is the operation's own structure."""

    id: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    operation: str
    deadline: float
    params: msgspec.Raw = msgspec.Raw(b"{}")
    correlation_id: str = ""


class WireError(msgspec.Struct, frozen=True, kw_only=True):
    """An error of the tree between processes; `code` is the errno of the system call that failed, or 0."""

    kind: str
    message: str
    code: int = 0
    fields: dict[str, Any] = {}


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to the request with this id: a result, or an error. Id 0 is about the connection itself."""

    id: int
    operation: str
    result: msgspec.Raw = msgspec.Raw(b"")
    error: WireError | None = None


class _Large(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    memfd: int
    operation: str


_decode_large = msgspec.json.Decoder(_Large).decode


class Packet(NamedTuple):
    """One message as it came: JSON and the descriptors that came with it."""

    payload: bytes
    fds: FdSet


def encode_error(error: VdsmError) -> WireError:
    """The error as it crosses; fields that JSON has no word for become text."""
    plain = {
        name: value if isinstance(value, str | int | float | None) else str(value)
        for name, value in error.fields.items()
    }
    cause = error.__cause__
    return WireError(
        kind=error.kind,
        message=error.message,
        code=(cause.errno or 0) if isinstance(cause, OSError) else 0,
        fields=plain,
    )


def decode_error(wire: WireError) -> VdsmError:
    """The error of the tree again; a kind that this process does not know becomes a BackendError."""
    cls = kinds().get(wire.kind)
    if cls is None:
        return BackendError(backend="the serving process", operation="serve the call", cause=wire.message)
    return cls(**{name: value for name, value in wire.fields.items() if name != "self"})


class Link:
    """One end of a connection that never waits: the owner watches `fileno()` and calls `receive` and `flush`.

    The socket belongs to the link. `limit` bounds incoming large messages.
    """

    def __init__(self, sock: socket.socket, limit: Limit, max_outgoing: int = MAX_OUTGOING) -> None:
        sock.setblocking(False)  # noqa: FBT003  the standard library's signature
        self._sock = sock
        self._limit = limit
        self._buffer = memoryview(bytearray(INLINE_LIMIT))
        self._outgoing: deque[Packet] = deque()
        self._max_outgoing = max_outgoing

    def fileno(self) -> int:
        """The socket's descriptor, -1 after close."""
        return self._sock.fileno()

    @property
    def backlog(self) -> int:
        """Messages that still wait for the reader; while there are any, watch for writability."""
        return len(self._outgoing)

    def send(self, payload: bytes, operation: str, fds: FdSet | None = None) -> None:
        """Send a message, or queue it; `fds` belong to the link from now on, also when this raises.

        Raises: ResourceExhausted: the reader is too slow. LocalProtocolError: too many descriptors.
            OSError: the connection is gone.
        """
        owned = fds if fds is not None else FdSet()
        with ExitStack() as undo:
            undo.callback(owned.close)
            if len(owned) > MAX_FDS:
                raise LocalProtocolError(reason=f"{len(owned)} descriptors in one message, {MAX_FDS} are allowed")
            if len(self._outgoing) >= self._max_outgoing:
                raise ResourceExhausted(
                    resource="messages to a slow process", limit=self._max_outgoing, remedy="it has to read faster"
                )
            packet = _pack(payload, operation, owned)
            undo.pop_all()
        self._outgoing.append(packet)
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the kernel takes it. Raises: OSError: the connection is gone."""
        while self._outgoing:
            packet = self._outgoing[0]
            try:
                socket.send_fds(self._sock, [packet.payload], packet.fds.numbers, socket.MSG_NOSIGNAL)
            except BlockingIOError:
                return
            self._outgoing.popleft()
            packet.fds.close()

    def receive(self) -> Packet | None:
        """The next message; None at the end of the connection.

        Raises: BlockingIOError: nothing is there. RemoteProtocolError: a packet that makes no sense, now dropped.
        """
        try:
            size, ancillary, flags, _ = self._sock.recvmsg_into(
                [self._buffer], _ANCILLARY_SIZE, socket.MSG_CMSG_CLOEXEC
            )
        except ConnectionResetError:
            return None
        fds = FdSet(_descriptors(ancillary))
        with ExitStack() as undo:
            undo.callback(fds.close)
            if size == 0:
                return None
            if flags & socket.MSG_TRUNC:
                raise RemoteProtocolError(reason=f"a packet is larger than {len(self._buffer)} bytes")
            if flags & socket.MSG_CTRUNC:
                raise RemoteProtocolError(
                    reason=f"not all descriptors of a packet could be received; {MAX_FDS} are allowed"
                )
            packet = self._open(bytes(self._buffer[:size]), fds)
            undo.pop_all()
        return packet

    def _open(self, payload: bytes, fds: FdSet) -> Packet:
        large = payload.startswith(_LARGE_PREFIX)
        if len(fds) > MAX_FDS + large:
            raise RemoteProtocolError(reason=f"{len(fds)} descriptors in one message, {MAX_FDS} are allowed")
        if not large:
            return Packet(payload, fds)
        try:
            head = _decode_large(payload)
        except DECODE_ERRORS as error:
            raise RemoteProtocolError(reason=f"the head of a large message makes no sense: {error}") from error
        if not fds:
            raise RemoteProtocolError(reason="a large message came without its memfd")
        with FdSet([fds.steal(0)]) as memfd:
            return Packet(unseal(memfd.numbers[0], head.memfd, self._limit(head.operation)), fds)

    def close(self) -> None:
        """Close the socket and what was not sent; closing twice is harmless."""
        self._sock.close()
        while self._outgoing:
            self._outgoing.popleft().fds.close()


def _pack(payload: bytes, operation: str, fds: FdSet) -> Packet:
    if len(payload) <= INLINE_LIMIT:
        return Packet(payload, fds)
    head = msgspec.json.encode(_Large(len(payload), operation))
    packet = Packet(head, FdSet([seal(payload), *fds.numbers]))
    while fds:
        fds.steal()
    return packet


def _descriptors(ancillary: list[tuple[int, int, bytes]]) -> list[int]:
    found = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[: len(data) - len(data) % found.itemsize])
    return found.tolist()


class BlockingEndpoint:
    """A link whose owner has nothing else to do: waits, but never longer than it is told."""

    def __init__(self, sock: socket.socket, limit: Limit) -> None:
        self._link = Link(sock, limit)

    def send(self, payload: bytes, operation: str, timeout: float, fds: FdSet | None = None) -> None:
        """Send a message. Raises: BackendTimeout: the reader is too slow. OSError: the connection is gone."""
        until = time.monotonic() + timeout
        self._link.send(payload, operation, fds)
        while self._link.backlog:
            self._wait(select.POLLOUT, until, timeout, f"take the message of {operation}")
            self._link.flush()

    def receive(self, timeout: float) -> Packet | None:
        """The next message; None at the end. Raises: BackendTimeout, RemoteProtocolError, OSError."""
        until = time.monotonic() + timeout
        while True:
            try:
                return self._link.receive()
            except BlockingIOError:
                self._wait(select.POLLIN, until, timeout, "send a message")

    def close(self) -> None:
        """Close the connection."""
        self._link.close()

    def _wait(self, events: int, until: float, timeout: float, awaited: str) -> None:
        poll = select.poll()
        poll.register(self._link.fileno(), events)
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            raise BackendTimeout(backend="the other process", operation=awaited, timeout=timeout)


class AsyncEndpoint:
    """A link on an asyncio loop.

    `on_packet` gets each message and owns its descriptors. `on_garbage` gets the error of each packet that made no
    sense. `on_end` is called once, when the other end is gone; never after close(). None of them may raise.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        limit: Limit,
        *,
        on_packet: Callable[[Packet], None],
        on_garbage: Callable[[VdsmError], None],
        on_end: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._link = Link(sock, limit)
        self._on_packet = on_packet
        self._on_garbage = on_garbage
        self._on_end = on_end
        self._writing = False
        loop.add_reader(self._link.fileno(), self._readable)

    def send(self, payload: bytes, operation: str, fds: FdSet | None = None) -> None:
        """Send a message now or when the reader takes it.

        Raises: ResourceExhausted, LocalProtocolError. OSError: the connection is gone.
        """
        if self._link.fileno() < 0:
            if fds is not None:
                fds.close()
            raise OSError(errno.EPIPE, "the connection is closed")
        self._link.send(payload, operation, fds)
        self._watch_writing()

    def close(self) -> None:
        """Close the connection; no callback comes any more."""
        fd = self._link.fileno()
        if fd >= 0:
            self._loop.remove_reader(fd)
            self._loop.remove_writer(fd)
        self._link.close()

    def _watch_writing(self) -> None:
        if bool(self._link.backlog) is self._writing:
            return
        self._writing = not self._writing
        if self._writing:
            self._loop.add_writer(self._link.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._link.fileno())

    def _writable(self) -> None:
        try:
            self._link.flush()
        except OSError:
            self._end()
            return
        self._watch_writing()

    def _readable(self) -> None:
        for _ in range(_READS_PER_WAKEUP):
            if self._link.fileno() < 0:
                return
            try:
                packet = self._link.receive()
            except BlockingIOError:
                return
            except RemoteProtocolError as error:
                self._on_garbage(error)
                continue
            except OSError:
                packet = None
            if packet is None:
                self._end()
                return
            self._on_packet(packet)

    def _end(self) -> None:
        self.close()
        self._on_end()
