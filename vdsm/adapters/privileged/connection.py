"""One connection to the privileged helper: calls go out with an id, answers find their call by it.

Lives from a greeting to the end of the connection and is then replaced; it never reconnects and never retries, that
is the client's business. What comes for nobody is dropped, its descriptors closed. A connection that ends under a call
is HelperGone, whose field `effect` says whether the helper may have acted: `none` or `unknown`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, TypeVar, cast

import msgspec

from vdsm.common.descriptors import FdSet
from vdsm.common.errors import HelperGone, RemoteProtocolError, VdsmError
from vdsm.common.ipc import (
    DECODE_ERRORS,
    LONGEST_CORRELATION_ID,
    AsyncEndpoint,
    Packet,
    Reply,
    Request,
    decode_error,
)
from vdsm.models.privileged import OPERATIONS, VERSION, Operation

ResultT = TypeVar("ResultT", bound=msgspec.Struct)
_log = logging.getLogger(__name__)
_decode_reply = msgspec.json.Decoder(Reply).decode
_GREETING_ID = 0


class _Hello(msgspec.Struct):
    pid: int
    version: int


class _Answer(NamedTuple):
    result: bytes
    fds: FdSet


class HelperConnection:
    """`open()` makes one; `on_end` is called once when it is lost, never after close()."""

    def __init__(self, on_end: Callable[[HelperConnection], None]) -> None:
        self._on_end = on_end
        self._waiting: dict[int, asyncio.Future[_Answer]] = {}
        self._names: dict[int, str] = {}
        self._last_id = _GREETING_ID
        self._endpoint: AsyncEndpoint | None = None
        self.helper_pid = 0

    async def open(self, path: Path) -> None:
        """Connect and wait for the greeting.

        Raises: OSError: nobody listens. PermissionDenied: the helper does not let us in. HelperGone,
            RemoteProtocolError. The caller bounds the time.
        """
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        with ExitStack() as undo:
            undo.callback(sock.close)
            # a local connect never waits: a full backlog is BlockingIOError at once
            sock.connect(str(path))
            undo.pop_all()
        greeting: asyncio.Future[_Answer] = loop.create_future()
        self._await(_GREETING_ID, "hello", greeting)
        self._endpoint = AsyncEndpoint(
            loop, sock, _reply_limit, on_packet=self._take, on_garbage=self._complain, on_end=self._lose
        )
        with ExitStack() as undo:
            undo.callback(self._forget, _GREETING_ID)
            undo.callback(self.close)
            answer = await greeting
            answer.fds.close()
            hello = _parse(answer.result, _Hello)
            if hello.version != VERSION:
                raise RemoteProtocolError(reason=f"supervdsmd speaks version {hello.version}, this agent {VERSION}")
            self.helper_pid = hello.pid
            undo.pop_all()
        self._forget(_GREETING_ID)

    async def call(self, operation: Operation[ResultT], deadline: float, correlation_id: str) -> tuple[ResultT, FdSet]:
        """Make one call. The caller bounds the time; a call that is cancelled drops its answer.

        Raises: HelperGone, RemoteProtocolError, ResourceExhausted, and what the helper answers.
        """
        spec = operation.spec
        if self._endpoint is None:
            raise HelperGone(operation=spec.name, effect="none")
        self._last_id += 1
        number = self._last_id
        request = Request(
            id=number,
            operation=spec.name,
            deadline=deadline,
            params=msgspec.Raw(msgspec.json.encode(operation)),
            correlation_id=correlation_id[:LONGEST_CORRELATION_ID],
        )
        future: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._await(number, spec.name, future)
        try:
            try:
                self._endpoint.send(msgspec.json.encode(request), spec.name)
            except OSError as error:
                raise HelperGone(operation=spec.name, effect="none") from error
            answer = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                future.result().fds.close()
            raise
        finally:
            self._forget(number)
        with ExitStack() as undo:
            undo.callback(answer.fds.close)
            if len(answer.fds) != spec.fds:
                raise RemoteProtocolError(reason=f"{len(answer.fds)} descriptors for {spec.name}, expected {spec.fds}")
            result = cast("ResultT", _parse(answer.result, operation.result_type))
            undo.pop_all()
        return result, answer.fds

    def close(self) -> None:
        """End the connection; calls that wait hear HelperGone."""
        if self._endpoint is not None:
            self._endpoint.close()
            self._endpoint = None
        for number, future in self._waiting.items():
            if not future.done():
                future.set_exception(HelperGone(operation=self._names[number], effect="unknown"))

    def _await(self, number: int, name: str, future: asyncio.Future[_Answer]) -> None:
        self._waiting[number] = future
        self._names[number] = name

    def _forget(self, number: int) -> None:
        future = self._waiting.pop(number)
        self._names.pop(number)
        if future.done() and not future.cancelled() and future.exception() is None:
            return
        future.cancel()

    def _lose(self) -> None:
        self.close()
        self._on_end(self)

    def _take(self, packet: Packet) -> None:
        try:
            reply = _decode_reply(packet.payload)
        except DECODE_ERRORS:
            packet.fds.close()
            self._complain(RemoteProtocolError(reason="a packet of supervdsmd is not an answer"))
            return
        future = self._waiting.get(reply.id)
        if future is None or future.done():
            packet.fds.close()
            if reply.id == _GREETING_ID and reply.error is not None:
                self._complain(decode_error(reply.error))
            return
        if reply.error is not None:
            packet.fds.close()
            future.set_exception(decode_error(reply.error))
        else:
            future.set_result(_Answer(bytes(reply.result), packet.fds))

    @staticmethod
    def _complain(error: VdsmError) -> None:
        _log.warning("supervdsmd: %s", error)


def _reply_limit(operation: str) -> int:
    known = OPERATIONS.get(operation)
    return known.spec.max_reply if known is not None else 0


T = TypeVar("T")


def _parse(payload: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except DECODE_ERRORS as error:
        raise RemoteProtocolError(reason=f"an answer of supervdsmd makes no sense: {error}") from error
