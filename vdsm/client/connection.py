"""A STOMP connection that lives: one thread owns the socket, sends, receives, beats, and reconnects.

Any thread may send; what comes is handed to the listener on the connection's thread. What the frames mean is not known
here, only that CONNECT opens a session and that the listener's frames (its subscriptions) follow it at each reconnect.
A lost connection is tried again `retries` times, 2 seconds apart; then it is closed for good.
"""

from __future__ import annotations

import os
import select
import threading
import time
import uuid
from contextlib import ExitStack, closing
from enum import Enum
from typing import Protocol

from vdsm.client.defaults import CONNECT_TIMEOUT, RECONNECT_INTERVAL
from vdsm.client.endpoint import Endpoint
from vdsm.client.errors import ConnectionError  # noqa: A004 - the client's own class, not the builtin
from vdsm.client.heartbeat import HeartBeat
from vdsm.client.link import Link, LinkLost
from vdsm.common.errors import RemoteProtocolError
from vdsm.common.stomp import Frame, encode

_UNSENT_LIMIT = 64 * 1024 * 1024
_IDLE = 3600.0
_GOODBYE = 0.5


class Listener(Protocol):
    """Who uses the connection. All three run on the connection's thread and must not block."""

    def opening_frames(self) -> list[bytes]:
        """Encoded frames to send right after CONNECT, at the first connect and at each later one."""
        ...

    def received(self, frame: Frame) -> None:
        """One frame of the server, after CONNECTED."""
        ...

    def lost(self, reason: str, *, closed: bool) -> None:
        """What was sent and not answered never will be; with `closed` there is no reconnecting either."""
        ...


class NotOpen(Exception):
    """There is no session now; the text says why."""


class State(Enum):
    """NEW -> OPEN <-> LOST -> CLOSED."""

    NEW = "new"
    OPEN = "open"
    LOST = "lost"
    CLOSED = "closed"


class Connection:
    """One session with `endpoint`, kept up by its own thread. `start` it once, `close` it once.

    heartbeat_ms: incoming and outgoing, 0 for none. connect_timeout: seconds for each attempt.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        listener: Listener,
        *,
        heartbeat_ms: tuple[int, int],
        retries: int,
        connect_timeout: float = CONNECT_TIMEOUT,
        reconnect_interval: float = RECONNECT_INTERVAL,
    ) -> None:
        self._endpoint = endpoint
        self._listener = listener
        self._heartbeat_ms = heartbeat_ms
        self._retries = retries
        self._connect_timeout = connect_timeout
        self._reconnect_interval = reconnect_interval
        self._changed = threading.Condition()
        self._state = State.NEW
        self._reason = "not connected yet"
        self._outbox: list[bytes] = []
        self._unsent = 0
        self._closing = threading.Event()
        self._wake_read, self._wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._thread: threading.Thread | None = None

    @property
    def endpoint(self) -> Endpoint:
        """Where this goes, for messages."""
        return self._endpoint

    def start(self) -> None:
        """Connect, and start the thread. Raises: ConnectionError; then the connection is closed."""
        with ExitStack() as undo:
            undo.callback(self._finish, "never connected")
            link = self._connect()
            undo.pop_all()
        self._set_state(State.OPEN, "")
        self._thread = threading.Thread(target=self._run, args=(link,), name="vdsm-client", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Hand over one encoded frame. Raises: NotOpen, when nothing was sent and a later try may go through."""
        with self._changed:
            if self._state is not State.OPEN:
                raise NotOpen(self._reason)
            if self._unsent + len(data) > _UNSENT_LIMIT:
                raise NotOpen(f"{self._unsent} bytes wait to be sent already")
            self._outbox.append(data)
            self._unsent += len(data)
            self._wake()

    def wait_open(self, deadline: float) -> bool:
        """Wait for a session until `deadline` (time.monotonic); False when there is none then.

        Raises: NotOpen, when there never will be one again.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._state in {State.OPEN, State.CLOSED}, max(0.0, deadline - time.monotonic())
            )
            if self._state is State.CLOSED:
                raise NotOpen(self._reason)
            return self._state is State.OPEN

    def close(self) -> None:
        """Say goodbye and end the thread; a second close does nothing."""
        with self._changed:
            self._closing.set()
            if self._thread is None:
                self._finish("closed by the client")
            self._wake()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(self._connect_timeout + 2 * _GOODBYE)

    def _run(self, link: Link | None) -> None:
        with ExitStack() as end:
            # also when a bug ends this thread: nobody may wait for it in vain
            end.callback(self._end)
            self._keep_up(link)

    def _keep_up(self, link: Link | None) -> None:
        while link is not None:
            with closing(link):
                reason = self._serve(link)
            leaving = self._closing.is_set()
            self._set_state(State.LOST, "closed by the client" if leaving else reason)
            self._listener.lost(self._reason, closed=False)
            link = None if leaving else self._reconnect(reason)

    def _end(self) -> None:
        self._finish(self._reason or "the connection's thread failed")
        self._listener.lost(self._reason, closed=True)

    def _serve(self, link: Link) -> str:
        """Move frames until the link is lost or close() is called; the reason."""
        try:
            while not self._closing.is_set():
                self._take_outbox(link)
                for frame in link.exchange(self._wake_read, _IDLE):
                    self._listener.received(frame)
            self._take_outbox(link)
            link.queue(encode("DISCONNECT", {"receipt": str(uuid.uuid4())}))
            deadline = time.monotonic() + _GOODBYE
            while link.unsent and time.monotonic() < deadline:
                link.exchange(self._wake_read, _GOODBYE)
        except LinkLost as e:
            return str(e)
        return "closed by the client"

    def _take_outbox(self, link: Link) -> None:
        with self._changed:
            self._drain_wake()
            for data in self._outbox:
                link.queue(data)
            self._outbox.clear()
            self._unsent = link.unsent

    def _reconnect(self, reason: str) -> Link | None:
        for _ in range(self._retries):
            if self._closing.wait(self._reconnect_interval):
                return None
            try:
                link = self._connect()
            except ConnectionError as e:
                reason = str(e)
                continue
            self._set_state(State.OPEN, "")
            return link
        self._reason = reason
        return None

    def _connect(self) -> Link:
        """Open a socket and a session on it; frames that follow CONNECTED go to the listener."""
        deadline = time.monotonic() + self._connect_timeout
        beat = HeartBeat(*self._heartbeat_ms)
        link = Link(self._endpoint.open(self._connect_timeout), beat)
        headers = {"accept-version": "1.2", "host": self._endpoint.host, "heart-beat": beat.offer()}
        link.queue(encode("CONNECT", headers) + b"".join(self._listener.opening_frames()))
        with ExitStack() as undo:
            undo.callback(link.close)
            try:
                self._greet(link, beat, deadline)
            except LinkLost as e:
                raise ConnectionError(str(self._endpoint), str(e), "is it the agent that listens there?") from e
            undo.pop_all()
        return link

    def _greet(self, link: Link, beat: HeartBeat, deadline: float) -> None:
        while (remaining := deadline - time.monotonic()) > 0 and not self._closing.is_set():
            self._drain_wake()
            frames = link.exchange(self._wake_read, remaining)
            if frames:
                self._accept(frames[0], beat)
                for frame in frames[1:]:
                    self._listener.received(frame)
                return
        raise LinkLost(f"no CONNECTED within {self._connect_timeout:g} seconds")

    def _accept(self, frame: Frame, beat: HeartBeat) -> None:
        if frame.command != "CONNECTED":
            text = frame.headers.get("message") or frame.body.decode(errors="replace")
            raise LinkLost(f"the server answered {frame.command}" + (f": {text}" if text else ""))
        try:
            beat.agree(frame.headers.get("heart-beat", ""))
        except RemoteProtocolError as e:
            raise LinkLost(str(e)) from e

    def _set_state(self, state: State, reason: str) -> None:
        with self._changed:
            self._state = state
            self._reason = reason
            if state is not State.OPEN:
                self._outbox.clear()
                self._unsent = 0
            self._changed.notify_all()

    def _wake(self) -> None:
        if self._state is State.CLOSED:
            return
        try:
            os.write(self._wake_write, b"\0")
        except BlockingIOError:
            return  # the pipe is full, so the thread will wake anyway

    def _drain_wake(self) -> None:
        try:
            os.read(self._wake_read, select.PIPE_BUF)
        except BlockingIOError:
            return  # nobody woke us

    def _finish(self, reason: str) -> None:
        with self._changed:
            if self._state is not State.CLOSED:
                self._set_state(State.CLOSED, reason)
                os.close(self._wake_read)
                os.close(self._wake_write)
