"""An agent in miniature for the client's tests: a real socket, STOMP written independently of the product's codec.

One thread per connection. `methods` maps `<Namespace>.<method>` to a function of the parameters; a `Fault` becomes an
error answer, `SILENT` none at all. What was received is kept for the tests to look at.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Self

SILENT = object()
EVENTS = "jms.queue.events"


class Fault(Exception):
    """An error answer with a code."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Session:
    """One client's connection."""

    def __init__(self, agent: Agent, sock: socket.socket) -> None:
        self.agent = agent
        self.sock = sock
        self.lock = threading.Lock()
        self.subscriptions: dict[str, str] = {}
        self.buffer = b""

    def run(self) -> None:
        try:
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.do_handshake()
            if self.agent.raw is not None:
                self.agent.raw(self.sock)
                return
            while frame := self.read_frame():
                self.handle(*frame)
        except (OSError, ValueError):
            return
        finally:
            self.agent.sessions.remove(self)
            self.sock.close()

    def read_frame(self) -> tuple[str, dict[str, str], bytes] | None:
        head = self.read_until(b"\n\n")
        if head is None:
            return None
        command, *lines = head.lstrip(b"\n").decode().split("\n")
        headers = dict(line.split(":", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        while len(self.buffer) < length + 1:
            self.buffer += self.sock.recv(65536)
        body, self.buffer = self.buffer[:length], self.buffer[length + 1 :]
        return command, headers, body

    def read_until(self, mark: bytes) -> bytes | None:
        while mark not in self.buffer.lstrip(b"\n"):
            data = self.sock.recv(65536)
            if not data:
                return None
            if not data.strip(b"\n"):
                self.agent.beats.release()
            self.buffer += data
        head, _, self.buffer = self.buffer.lstrip(b"\n").partition(mark)
        return head

    def handle(self, command: str, headers: dict[str, str], body: bytes) -> None:
        self.agent.frames.append((command, headers, body))
        if command == "CONNECT":
            self.send("CONNECTED", {"version": "1.2", "heart-beat": self.agent.heart_beat})
        elif command == "SUBSCRIBE":
            self.subscriptions[headers["id"]] = headers["destination"]
            self.agent.subscribed.release()
        elif command == "UNSUBSCRIBE":
            self.subscriptions.pop(headers["id"], None)
            self.agent.unsubscribed.set()
        elif command == "DISCONNECT":
            self.agent.disconnected.set()
            self.send("RECEIPT", {"receipt-id": headers["receipt"]})
        elif command == "SEND" and headers["destination"].startswith("jms.topic.vdsm_requests"):
            threading.Thread(target=self.answer, args=(headers, json.loads(body)), daemon=True).start()
        elif command == "SEND":
            self.agent.publish(headers["destination"], body)

    def answer(self, headers: dict[str, str], request: dict[str, Any]) -> None:
        method, params = request["method"], request["params"]
        self.agent.calls.append((method, params, headers.get("ovirtCorrelationId")))
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            handler = self.agent.methods.get(method)
            if handler is None:
                raise Fault(-32601, f"Method {method} not found")
            result = handler(params)
            if result is SILENT:
                return
            reply["result"] = result
        except Fault as e:
            reply["error"] = {"code": e.code, "message": e.message}
        self.message(headers["reply-to"], json.dumps(reply).encode())

    def message(self, destination: str, body: bytes) -> None:
        for subscription, wanted in list(self.subscriptions.items()):
            if wanted == destination:
                self.send("MESSAGE", {"destination": destination, "subscription": subscription}, body)

    def send(self, command: str, headers: dict[str, str], body: bytes = b"") -> None:
        lines = [command, *(f"{k}:{v}" for k, v in headers.items())]
        if body:
            lines.append(f"content-length:{len(body)}")
        try:
            with self.lock:
                self.sock.sendall("\n".join(lines).encode() + b"\n\n" + body + b"\0")
        except OSError:
            return


class Agent:
    """Listens until the `with` block ends. `path` for a Unix socket, else TCP on the loopback (`port`)."""

    def __init__(
        self,
        methods: dict[str, Callable[[dict[str, Any]], Any]] | None = None,
        *,
        path: str | None = None,
        tls: ssl.SSLContext | None = None,
        raw: Callable[[socket.socket], None] | None = None,
        heart_beat: str = "0,0",
    ) -> None:
        self.methods = methods or {}
        self.path = path
        self.tls = tls
        self.raw = raw
        self.heart_beat = heart_beat
        self.frames: list[tuple[str, dict[str, str], bytes]] = []
        self.calls: list[tuple[str, dict[str, Any], str | None]] = []
        self.sessions: list[Session] = []
        self.subscribed = threading.Semaphore(0)
        self.unsubscribed = threading.Event()
        self.disconnected = threading.Event()
        self.beats = threading.Semaphore(0)
        self.threads: list[threading.Thread] = []
        self.listener = self._listen()
        self.port = 0 if path else self.listener.getsockname()[1]

    def _listen(self) -> socket.socket:
        if self.path:
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.path)
        else:
            listener = socket.socket()
            listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        return listener

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for thread in self.threads:
            thread.join(5)
            assert not thread.is_alive()

    def stop(self) -> None:
        """No new connections, and the present ones end."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        finally:
            self.listener.close()
            self.drop()

    def drop(self) -> None:
        """End the present connections."""
        for session in list(self.sessions):
            try:
                socket.socket.shutdown(session.sock, socket.SHUT_RDWR)
            except OSError:
                continue

    def publish(self, destination: str, body: bytes) -> None:
        """Send a message to everyone who is subscribed."""
        for session in list(self.sessions):
            session.message(destination, body)

    def event(self, method: str, **params: Any) -> None:
        """Publish an event as the agent does."""
        self.publish(EVENTS, json.dumps({"jsonrpc": "2.0", "method": method, "params": params}).encode())

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            if self.tls is not None:
                sock = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
            session = Session(self, sock)
            self.sessions.append(session)
            self._spawn(session.run)

    def _spawn(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, daemon=True)
        self.threads.append(thread)
        thread.start()
