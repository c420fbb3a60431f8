"""A fake RPC layer and a plain STOMP client for the tests of the transport."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from vdsm.common.context import Peer
from vdsm.common.stomp import Frame, Parser, StompLimits, encode
from vdsm.transport import StompHub, TransportCounters, TransportLimits

REQUESTS = "jms.topic.vdsm_requests"
RESPONSES = "jms.topic.vdsm_responses"
EVENTS = "jms.queue.events"
CONNECT = encode("CONNECT", {"accept-version": "1.2", "host": "localhost", "heart-beat": "0,0"})


@dataclass(frozen=True)
class Pki:
    """Certificates of one throw-away CA, and a client certificate of another."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def client(self, name: str = "client") -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(self.path("ca"))
        if name:
            context.load_cert_chain(self.path(name), self.path(f"{name}-key"))
        return context


@dataclass
class FakeConnection:
    """Answers `{"method": "echo"}` with the body itself; other methods wait in `pending`."""

    peer: Peer
    calls: list[tuple[bytes, str]] = field(default_factory=list)
    pending: list[tuple[bytes, Callable[[bytes], None]]] = field(default_factory=list)
    closed: bool = False

    def call(self, body: bytes, correlation_id: str, reply: Callable[[bytes], None]) -> None:
        assert not self.closed
        self.calls.append((body, correlation_id))
        if body.startswith(b"wait"):
            self.pending.append((body, reply))
        elif body.startswith(b"big"):
            reply(b"x" * int(body[3:]))
        else:
            reply(body)

    def close(self) -> None:
        assert not self.closed
        self.closed = True


class FakeRpc:
    """The RPC layer as the transport sees it."""

    def __init__(self) -> None:
        self.connections: list[FakeConnection] = []

    def open(self, peer: Peer) -> FakeConnection:
        self.connections.append(FakeConnection(peer))
        return self.connections[-1]


@dataclass
class Server:
    """A hub with a fake RPC layer behind it."""

    rpc: FakeRpc
    counters: TransportCounters
    hub: StompHub


def make_server(limits: TransportLimits | None = None) -> Server:
    rpc = FakeRpc()
    counters = TransportCounters()
    return Server(rpc, counters, StompHub(rpc, limits or TransportLimits(), counters))


class Client:
    """A STOMP client over asyncio streams; every wait has a deadline."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._parser = Parser(StompLimits(max_body=2**28, max_frame=2**28))

    @classmethod
    async def tcp(cls, port: int, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Client:
        return cls(*await asyncio.open_connection(host, port, ssl=context))

    @classmethod
    async def unix(cls, path: Path) -> Client:
        return cls(*await asyncio.open_unix_connection(path))

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def send(self, body: bytes, destination: str = REQUESTS, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.write(encode("SEND", {"destination": destination, **named}, body))

    def subscribe(self, subscription_id: str, destination: str = RESPONSES) -> None:
        self.write(encode("SUBSCRIBE", {"id": subscription_id, "destination": destination, "ack": "auto"}))

    async def connect(self, *subscriptions: str) -> Client:
        """CONNECT, and subscribe to each destination under its own name."""
        self.write(CONNECT)
        assert (await self.frame()).command == "CONNECTED"
        for destination in subscriptions:
            self.subscribe(destination, destination)
        return self

    async def frame(self, seconds: float = 10.0) -> Frame:
        async with asyncio.timeout(seconds):
            while (frame := self._parser.next_frame()) is None:
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionResetError("closed by the server")
                self._parser.feed(data)
        return frame

    async def rest(self, seconds: float = 10.0) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    async def close(self) -> None:
        self.writer.close()
        try:
            async with asyncio.timeout(10):
                await self.writer.wait_closed()
        except OSError:
            pass


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the loop turn until `condition` holds."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def request(request_id: object = "1") -> bytes:
    """One JSON-RPC request."""
    return json.dumps({"jsonrpc": "2.0", "method": "Host.ping2", "params": {}, "id": request_id}).encode()
