"""A guest's serial console over a libvirt stream, without a thread of its own.

libvirt's thread reads what the guest writes and hands it over; past `_BUFFER_LIMIT` unread bytes it stops reading,
so a guest that floods its console fills libvirtd's buffers and not ours.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import libvirt

from vdsm.adapters.libvirt.connection import ThreadConnections, blocking_close
from vdsm.adapters.libvirt.pool import BlockingPool
from vdsm.common.errors import LibvirtError

_log = logging.getLogger(__name__)

_CHUNK = 65_536
_BUFFER_LIMIT = 262_144
_READABLE = libvirt.VIR_STREAM_EVENT_READABLE | libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP
_WRITE_RETRY = 0.01
_DEADLINE = 5.0

OpenedConsole = tuple[libvirt.virConnect, libvirt.virStream]


class LibvirtConsole:
    """One open console; made by `blocking_open_console` and `attach`."""

    def __init__(self, opened: OpenedConsole, pool: BlockingPool, vm_id: str) -> None:
        self._connection, self._stream = opened
        self._pool = pool
        self._vm_id = vm_id
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._news = asyncio.Event()
        self._ended = False
        self._closed = False
        self._reading = True
        self._freeing = threading.Lock()
        self._freed = False

    async def attach(self) -> None:
        """Begin to read."""
        # the binding never frees what it was given as a callback, so it gets no strong reference to this console
        method = weakref.WeakMethod(self._on_event)

        def called(stream: libvirt.virStream, events: int, opaque: Any) -> None:
            on_event = method()
            if on_event is not None:
                on_event(stream, events, opaque)

        await self._call("attach to", lambda: self._stream.eventAddCallback(_READABLE, called, None))

    async def read(self) -> bytes:
        """What the guest wrote; empty at the end."""
        while not self._buffer and not self._ended:
            self._news.clear()
            await self._news.wait()
        data = bytes(self._buffer)
        self._buffer.clear()
        if not self._reading and not self._ended:
            self._reading = True
            await self._call("resume reading", lambda: self._stream.eventUpdateCallback(_READABLE))
        return data

    async def write(self, data: bytes) -> None:
        """Give all of it to the guest. Raises: LibvirtError when the console ended."""
        rest = data
        while rest:
            if self._ended or self._closed:
                raise self._end_error()
            piece = rest[:_CHUNK]
            sent = await self._call("write to", functools.partial(self._stream.send, piece))
            if sent == -2:
                await asyncio.sleep(_WRITE_RETRY)
                continue
            rest = rest[sent:]

    async def close(self) -> None:
        """End the session."""
        if self._closed:
            return
        self._closed = True
        self._ended = True
        self._news.set()
        await self._call("close", self._blocking_close)

    async def _call(self, what: str, function: Callable[[], Any]) -> Any:
        def mapped() -> Any:
            try:
                return function()
            except libvirt.libvirtError as err:
                raise self._end_error() from err

        return await self._pool.run(f"{what} a console", mapped, deadline=_DEADLINE)

    def _end_error(self) -> LibvirtError:
        return LibvirtError(operation="use the console", vm_id=self._vm_id, cause="the console ended", libvirt_code=0)

    def _on_event(self, stream: libvirt.virStream, events: int, _opaque: Any) -> None:
        """In libvirt's thread."""
        with self._freeing:
            if self._freed:
                return
            data, ended = _receive(stream, events)
        if not data and not ended:
            return
        try:
            self._loop.call_soon_threadsafe(self._feed, data, ended)
        except RuntimeError:
            _log.debug("console output of %s came after the loop was closed", self._vm_id)

    def _feed(self, data: bytes, ended: bool) -> None:  # noqa: FBT001  called by call_soon_threadsafe alone
        self._buffer += data
        self._ended = self._ended or ended
        self._news.set()
        if len(self._buffer) > _BUFFER_LIMIT and self._reading and not self._ended and not self._closed:
            self._reading = False
            self._stream.eventUpdateCallback(0)

    def _blocking_close(self) -> None:
        for step in (self._stream.eventRemoveCallback, self._stream.abort):
            try:
                step()
            except libvirt.libvirtError as err:
                _log.debug("ending the console of %s: error %s", self._vm_id, err.get_error_code())
        if hasattr(self._stream, "cb"):
            del self._stream.cb
        # the binding leaks a reference to a stream that had a callback; without this its connection stays open
        with self._freeing:
            self._freed = True
            self._stream.__del__()
        blocking_close(self._connection)


def _receive(stream: libvirt.virStream, events: int) -> tuple[bytes, bool]:
    """What there is to read, and whether that is the end."""
    ended = bool(events & (libvirt.VIR_STREAM_EVENT_ERROR | libvirt.VIR_STREAM_EVENT_HANGUP))
    data: bytes | int = b""
    try:
        if events & libvirt.VIR_STREAM_EVENT_READABLE:
            data = stream.recv(_CHUNK)
            ended = ended or data == b""
        if ended:
            stream.eventUpdateCallback(0)
    except libvirt.libvirtError as err:
        _log.debug("a console ended with error %s", err.get_error_code())
        ended = True
    # -2: nothing there after all
    return (data if isinstance(data, bytes) else b""), ended


def blocking_open_console(connections: ThreadConnections, domain: libvirt.virDomain) -> OpenedConsole:
    """Open the first console of a domain, on a connection of its own. Raises: LibvirtGone, libvirt.libvirtError."""
    connection = connections.blocking_new()
    try:
        stream = connection.newStream(libvirt.VIR_STREAM_NONBLOCK)
        own = connection.lookupByUUIDString(domain.UUIDString())
        own.openConsole(None, stream, 0)  # type: ignore[arg-type]  # None is libvirt's word for the first console
    except libvirt.libvirtError:
        blocking_close(connection)
        raise
    return connection, stream
