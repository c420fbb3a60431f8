"""Accepts connections on one listening socket and gives each to a coroutine; both listeners stand on it.

It outlives a process that has run out of descriptors: then it rests, instead of spinning on a socket that stays
readable.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Coroutine
from functools import partial

from vdsm.transport.counters import TransportCounters

log = logging.getLogger(__name__)

_PER_WAKE = 64
_REST = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Serve = Callable[[socket.socket], Coroutine[None, None, None]]


class Acceptor:
    """Runs `serve(socket)` per accepted connection until the connection is set up; `serve` owns the socket."""

    def __init__(self, listening: socket.socket, serve: Serve, max_setups: int, counters: TransportCounters) -> None:
        self._socket = listening
        self._serve = serve
        self._max_setups = max_setups
        self._counters = counters
        self._loop = asyncio.get_running_loop()
        self._setups: dict[asyncio.Task[None], None] = {}
        self._resting: asyncio.TimerHandle | None = None
        listening.settimeout(0)
        self._start()

    def close(self) -> None:
        """Stop listening; connections that are not set up yet are dropped."""
        if self._socket.fileno() < 0:
            return
        self._loop.remove_reader(self._socket)
        if self._resting is not None:
            self._resting.cancel()
        self._socket.close()
        for task in self._setups:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait for what close() dropped."""
        if self._setups:
            await asyncio.wait(list(self._setups))

    def _start(self) -> None:
        self._resting = None
        self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(_PER_WAKE):
            try:
                accepted, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                log.warning("Cannot accept connections for %.0f s: %s", _REST, error.strerror)
                self._loop.remove_reader(self._socket)
                self._resting = self._loop.call_later(_REST, self._start)
                return
            accepted.settimeout(0)
            self._set_up(accepted)

    def _set_up(self, accepted: socket.socket) -> None:
        if len(self._setups) >= self._max_setups:
            # the oldest is the least likely to be honest: a handshake takes milliseconds
            oldest = next(iter(self._setups))
            del self._setups[oldest]
            oldest.cancel()
            self._counters.refused += 1
            log.warning(
                "Dropped the oldest of %d connections that never finished their TLS handshake", self._max_setups
            )
        task = self._loop.create_task(self._serve(accepted), name="set up connection")
        self._setups[task] = None
        task.add_done_callback(partial(self._done, accepted))

    def _done(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._setups.pop(task, None)
        if task.cancelled():
            accepted.close()
            return
        error = task.exception()
        if error is not None:
            accepted.close()
            log.error("Setting up a connection failed", exc_info=error)
