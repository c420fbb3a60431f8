"""A manager's connection, as cheap as Python can make it: a blocking TLS socket and STOMP frames."""

from __future__ import annotations

import json
import socket
import ssl
import time
import uuid
from collections import deque
from types import TracebackType
from typing import Any, Self

from devhost.pki import Pki
from vdsm.common.stomp import Frame, Parser, StompLimits, encode

REQUESTS = "jms.topic.vdsm_requests"
EVENTS = "jms.queue.events"
_LIMITS = StompLimits(max_body=1 << 26, max_frame=(1 << 26) + (1 << 16))


class CallError(Exception):
    """The agent answered with an error."""


def request_frame(method: str, params: dict[str, Any], reply_to: str) -> bytes:
    """A SEND frame as Engine sends it."""
    body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": str(uuid.uuid4())}).encode()
    headers = {"destination": REQUESTS, "reply-to": reply_to, "ovirtCorrelationId": uuid.uuid4().hex[:8]}
    return encode("SEND", headers, body)


class Wire:
    """One connection. `patience` bounds every wait, in seconds."""

    def __init__(self, port: int, pki: Pki, *, patience: float = 30.0, events: bool = False) -> None:
        """Connect; the frames that follow CONNECT are sent without waiting. Raises: OSError."""
        context = ssl.create_default_context(cafile=str(pki.ca_certificate))
        context.load_cert_chain(pki.client_certificate, pki.client_key)
        plain = socket.create_connection(("127.0.0.1", port), patience)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reply_to = f"jms.topic.bench.{uuid.uuid4().hex[:8]}"
        self._parser = Parser(_LIMITS)
        self._events: deque[dict[str, Any]] = deque()
        try:
            self.socket = context.wrap_socket(plain, server_hostname="localhost")
        except OSError:
            plain.close()
            raise
        frames = encode("CONNECT", {"accept-version": "1.2", "host": "bench", "heart-beat": "0,0"})
        frames += encode("SUBSCRIBE", {"id": "replies", "destination": self.reply_to})
        if events:
            frames += encode("SUBSCRIBE", {"id": "events", "destination": EVENTS})
        self.socket.sendall(frames)

    def call(self, method: str, params: dict[str, Any] | None = None) -> Any:
        """One call; events that come in between are kept. Raises: CallError, OSError."""
        self.socket.sendall(request_frame(method, params or {}, self.reply_to))
        while True:
            message = self._message()
            if "method" in message:
                self._events.append(message)
            elif "error" in message:
                raise CallError(f"{method}: {message['error']}")
            else:
                return message["result"]

    def event(self) -> dict[str, Any]:
        """The next event, waiting for it if need be. Raises: OSError."""
        return self._events.popleft() if self._events else self._message()

    def exchange(self, frame: bytes) -> int:
        """Send a prepared frame and read one whole MESSAGE unparsed; its size in bytes. Raises: OSError."""
        self.socket.sendall(frame)
        size = 0
        while True:
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError("the server closed the connection")
            size += len(data)
            if data.endswith(b"\0"):
                return size

    def settle(self) -> None:
        """Read CONNECTED, so that `exchange` sees replies alone."""
        self._frame()

    def close(self) -> None:
        """Close."""
        self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _message(self) -> dict[str, Any]:
        while True:
            frame = self._frame()
            if frame.command == "MESSAGE":
                message: dict[str, Any] = json.loads(frame.body)
                return message
            if frame.command != "CONNECTED":
                raise ConnectionError(f"{frame.command}: {frame.body[:200]!r}")

    def _frame(self) -> Frame:
        while True:
            frame = self._parser.next_frame()
            if frame is not None:
                return frame
            data = self.socket.recv(1 << 18)
            if not data:
                raise ConnectionError("the server closed the connection")
            self._parser.feed(data)


def wait_answer(port: int, pki: Pki, method: str, wanted: int | None, patience: float) -> float:
    """The time (monotonic) at which `method` was first answered; with `wanted`, by a list of that length.

    Raises: TimeoutError.
    """
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            with Wire(port, pki, patience=patience) as wire:
                while time.monotonic() < deadline:
                    result = wire.call(method)
                    if wanted is None or len(result) == wanted:
                        return time.monotonic()
                    time.sleep(0.005)
        except (CallError, OSError):
            time.sleep(0.005)
    raise TimeoutError(f"{method} was not answered as wanted in {patience:.0f} s")
