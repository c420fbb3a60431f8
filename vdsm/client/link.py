"""One open socket: frames in, bytes out, silence measured. Used by the connection's thread alone, so it has no lock.

It moves bytes and knows nothing of calls, of subscriptions, or of reconnecting.
"""

from __future__ import annotations

import select
import time

from vdsm.client.endpoint import OpenSocket
from vdsm.client.heartbeat import HeartBeat
from vdsm.common.errors import RemoteProtocolError
from vdsm.common.stomp import Frame, Parser, StompLimits

_READ_SIZE = 256 * 1024
_READS_AT_ONCE = 16
_LIMITS = StompLimits(max_body=256 * 1024 * 1024, max_frame=257 * 1024 * 1024)


class LinkLost(Exception):
    """The socket is of no more use; the text says why."""


class Link:
    """Frames over one non-blocking socket. `close` it when `exchange` raises LinkLost."""

    def __init__(self, opened: OpenSocket, beat: HeartBeat) -> None:
        self._sock = opened.sock
        self._would_block = opened.would_block
        self._beat = beat
        self._parser = Parser(_LIMITS)
        self._out = bytearray()
        self._poll = select.poll()
        self._heard = self._said = time.monotonic()
        self._more = False
        self._end = ""

    def queue(self, data: bytes) -> None:
        """Send this, in order, as soon as the socket takes it."""
        self._out += data

    @property
    def unsent(self) -> int:
        """Bytes that the socket has not taken yet."""
        return len(self._out)

    def exchange(self, wake_fd: int, timeout: float) -> list[Frame]:
        """Wait until there is traffic, `wake_fd` is readable, a heart-beat is due or `timeout` seconds are over.

        Sends what it can, and returns the frames that came. Raises: LinkLost.
        """
        if self._end:
            raise LinkLost(self._end)
        self._send()
        self._poll.register(wake_fd, select.POLLIN)
        self._poll.register(self._sock, select.POLLIN | (select.POLLOUT if self._out else 0))
        ready = dict(self._poll.poll(0 if self._more else 1000 * min(timeout, self._until_beat())))
        frames = self._receive() if self._more or ready.get(self._sock.fileno(), 0) & ~select.POLLOUT else []
        self._keep_alive()
        return frames

    def close(self) -> None:
        """Close the socket; what is unsent is lost."""
        self._sock.close()

    def _send(self) -> None:
        try:
            while self._out:
                sent = self._sock.send(self._out)
                del self._out[:sent]
                self._said = time.monotonic()
        except self._would_block:
            return
        except OSError as e:
            # A server that refuses us says why before it closes; its words are still in the socket.
            self._out.clear()
            self._last_words(e)

    def _last_words(self, error: OSError) -> None:
        if not select.select([self._sock], [], [], 0)[0]:
            raise LinkLost(f"the connection broke: {error.strerror or error}") from error

    def _receive(self) -> list[Frame]:
        frames: list[Frame] = []
        self._more = False
        try:
            # Until it would block: a TLS socket may hold decrypted bytes that poll() cannot see.
            for _ in range(_READS_AT_ONCE):
                data = self._sock.recv(_READ_SIZE)
                if not data:
                    self._end = "the server closed the connection"
                    break
                self._heard = time.monotonic()
                self._parser.feed(data)
                while frame := self._parser.next_frame():
                    frames.append(frame)
            else:
                self._more = True
        except self._would_block:
            return frames
        except OSError as e:
            self._end = f"the connection broke: {e.strerror or e}"
        except RemoteProtocolError as e:
            self._end = f"the server does not speak STOMP: {e}"
        if self._end and not frames:
            raise LinkLost(self._end)
        return frames

    def _until_beat(self) -> float:
        now = time.monotonic()
        due = 3600.0
        if self._beat.receive_timeout is not None:
            due = min(due, self._heard + self._beat.receive_timeout - now)
        if self._beat.send_interval is not None:
            due = min(due, self._said + self._beat.send_interval - now)
        return max(0.0, due)

    def _keep_alive(self) -> None:
        now = time.monotonic()
        silence = self._beat.receive_timeout
        if silence is not None and now - self._heard > silence:
            raise LinkLost(f"the server was silent for {silence:g} seconds")
        if self._beat.send_interval is not None and now - self._said >= self._beat.send_interval:
            self._out += b"\n"
            self._send()
