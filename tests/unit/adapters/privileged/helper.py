"""A helper in miniature on the test's own loop: greets, then answers by a function of the test's."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

import msgspec

from vdsm.common.descriptors import FdSet
from vdsm.common.errors import VdsmError
from vdsm.common.ipc import AsyncEndpoint, Packet, Reply, Request, encode_error
from vdsm.models.privileged import VERSION

Serve = Callable[["MiniHelper", AsyncEndpoint, Request], None]


class MiniHelper:
    """`serve` gets each request; `refuse` is told to a connection instead of a greeting; `requests`: all that came."""

    def __init__(self, path: Path, serve: Serve | None = None) -> None:
        self.path = path
        self.serve = serve or (lambda helper, end, request: helper.answer(end, request))
        self.refuse: VdsmError | None = None
        self.version = VERSION
        self.greets = True
        self.requests: list[Request] = []
        self.ends: list[AsyncEndpoint] = []
        self._listener: socket.socket | None = None

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self._listener.bind(str(self.path))
        self._listener.listen(16)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def stop(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        self.cut()

    def cut(self) -> None:
        """End every connection, as kill -9 does."""
        while self.ends:
            self.ends.pop().close()

    def _accept(self) -> None:
        assert self._listener is not None
        sock, _ = self._listener.accept()
        end = AsyncEndpoint(
            asyncio.get_running_loop(),
            sock,
            lambda _operation: 1 << 20,
            on_packet=lambda packet: self._take(end, packet),
            on_garbage=lambda _error: None,
            on_end=lambda: None,
        )
        self.ends.append(end)
        if self.refuse is not None:
            self.send(end, Reply(id=0, operation="hello", error=encode_error(self.refuse)))
        elif self.greets:
            greeting = msgspec.json.encode({"pid": 77, "version": self.version})
            self.send(end, Reply(id=0, operation="hello", result=msgspec.Raw(greeting)))

    def _take(self, end: AsyncEndpoint, packet: Packet) -> None:
        packet.fds.close()
        request = msgspec.json.decode(packet.payload, type=Request)
        self.requests.append(request)
        self.serve(self, end, request)

    def answer(self, end: AsyncEndpoint, request: Request, result: bytes = b'{"pid":77,"uptime":1}') -> None:
        self.send(end, Reply(id=request.id, operation=request.operation, result=msgspec.Raw(result)))

    @staticmethod
    def send(end: AsyncEndpoint, reply: Reply, fds: FdSet | None = None) -> None:
        end.send(msgspec.json.encode(reply), reply.operation, fds)
