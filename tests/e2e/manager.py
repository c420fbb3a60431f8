"""The Java client of the manager on a bare socket: as pedantic in reading, and as careless in writing.

It fails for good when a frame comes in pieces, so does this one: each TLS record must hold whole frames. It sends what
it has without waiting for answers, SUBSCRIBE even before CONNECT.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
import uuid
from dataclasses import dataclass
from typing import Any, Self

from devhost.pki import Pki

RESPONSES = "jms.topic.vdsm_responses"
REQUESTS = "jms.topic.vdsm_requests"
EVENTS = "jms.queue.events"
_RECORD = 16 * 1024


@dataclass(frozen=True)
class Received:
    """One frame."""

    command: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


def frame(command: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """A frame as the Java client writes it."""
    lines = [command, *(f"{name}:{value}" for name, value in (headers or {}).items())]
    if body:
        lines.append(f"content-length:{len(body)}")
    return "\n".join(lines).encode() + b"\n\n" + body + b"\0"


def subscribe(destination: str, subscription: str) -> bytes:
    """A SUBSCRIBE frame."""
    return frame("SUBSCRIBE", {"destination": destination, "id": subscription, "ack": "auto"})


def connect(beats: str = "0,24000") -> bytes:
    """A CONNECT frame."""
    return frame("CONNECT", {"accept-version": "1.2", "host": "localhost", "heart-beat": beats})


def send(body: Any, *, reply_to: str = RESPONSES, flow: str | None = None, queue: str = REQUESTS) -> bytes:
    """A SEND frame with a request, or anything else that is JSON."""
    headers = {"destination": queue, "reply-to": reply_to}
    if flow:
        headers["ovirtCorrelationId"] = flow
    return frame("SEND", headers, json.dumps(body).encode())


def request(method: str, params: Any = None, request_id: Any = None) -> dict[str, Any]:
    """A JSON-RPC request; its id is a new one when none is given."""
    return {"jsonrpc": "2.0", "method": method, "params": {} if params is None else params,
            "id": str(uuid.uuid4()) if request_id is None else request_id}  # fmt: skip


def client_context(pki: Pki, *, certificate: bool = True) -> ssl.SSLContext:
    """TLS as the manager has it."""
    context = ssl.create_default_context(cafile=str(pki.ca_certificate))
    context.check_hostname = False
    if certificate:
        context.load_cert_chain(pki.client_certificate, pki.client_key)
    return context


class ManagerSocket:
    """One connection."""

    def __init__(self, port: int, context: ssl.SSLContext, timeout: float = 10) -> None:
        raw = socket.create_connection(("127.0.0.1", port), timeout)
        try:
            self._sock = context.wrap_socket(raw, server_hostname="localhost")
        except BaseException:
            raw.close()
            raise
        self._ready: list[Received] = []
        self.heart_beats = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def write(self, *frames: bytes) -> None:
        """All frames in one write."""
        self._sock.sendall(b"".join(frames))

    def next(self, timeout: float = 10) -> Received:
        """The next frame. Fails when a record holds a piece of a frame that fits into one."""
        deadline = time.monotonic() + timeout
        while not self._ready:
            self._sock.settimeout(max(0.01, deadline - time.monotonic()))
            self._take(self._sock.recv(1 << 20))
        return self._ready.pop(0)

    def wait(self, destination: str, timeout: float = 10) -> Any:
        """JSON of the next MESSAGE to `destination`; others are passed over."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.next(deadline - time.monotonic())
            assert found.command == "MESSAGE", found
            if found.headers["destination"] == destination:
                return found.json()

    def call(self, method: str, params: Any = None, timeout: float = 20) -> Any:
        """The answer of a call: its result, or the whole error object."""
        asked = request(method, params)
        self.write(send(asked))
        answer = self.wait(RESPONSES, timeout)
        assert answer["id"] == asked["id"]
        assert answer["jsonrpc"] == "2.0"
        return answer["result"] if "result" in answer else answer["error"]

    def silent(self, seconds: float) -> bool:
        """No frame comes within `seconds`."""
        try:
            found = self.next(seconds)
        except TimeoutError:
            return True
        raise AssertionError(f"unexpected: {found}")

    def rest(self) -> bytes:
        """Everything until the agent closes the connection."""
        data = bytearray()
        try:
            while more := self._sock.recv(1 << 16):
                data += more
        except (ConnectionError, ssl.SSLError):
            pass
        return bytes(data)

    def _take(self, record: bytes) -> None:
        assert record, "the agent closed the connection"
        whole = record
        while whole and len(record) >= _RECORD and not self._complete(whole):
            more = self._sock.recv(1 << 20)
            assert more, "the agent closed the connection inside a frame"
            record, whole = more, whole + more
        while whole:
            if whole[:1] == b"\n":
                self.heart_beats += 1
                whole = whole[1:]
                continue
            head, separator, rest = whole.partition(b"\n\n")
            assert separator, f"a frame came in pieces: {whole[:200]!r}"
            command, *lines = head.decode().split("\n")
            headers = dict(line.split(":", 1) for line in lines)
            length = int(headers.get("content-length", "0"))
            assert len(rest) > length, f"a frame came in pieces: {whole[:200]!r}"
            assert rest[length] == 0
            assert command != "MESSAGE" or "content-length" in headers
            self._ready.append(Received(command, headers, rest[:length]))
            whole = rest[length + 1 :]

    @staticmethod
    def _complete(data: bytes) -> bool:
        head, separator, rest = data.partition(b"\n\n")
        if not separator:
            return False
        headers = dict(line.split(b":", 1) for line in head.split(b"\n")[1:])
        return len(rest) > int(headers.get(b"content-length", b"0"))


def open_session(port: int, context: ssl.SSLContext, *, events: bool = True) -> ManagerSocket:
    """The manager's beginning: SUBSCRIBEs, CONNECT, all at once; CONNECTED comes first and alone."""
    manager = ManagerSocket(port, context)
    try:
        first = [subscribe(EVENTS, "events")] if events else []
        manager.write(*first, subscribe(RESPONSES, "responses"), connect())
        answer = manager.next()
        assert answer.command == "CONNECTED", answer
        assert answer.headers == {"version": "1.2", "heart-beat": "24000,0"}
    except BaseException:
        manager.__exit__()
        raise
    return manager
