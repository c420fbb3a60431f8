"""libvirt's own event loop, in one daemon thread of the process.

libvirtaio is not used: libvirt calls an event implementation from whichever thread makes a call (measured: timers
are updated from worker threads), asyncio's loop is not safe for that, and a process can register but one
implementation, so it would be tied to one loop for ever. This one is thread-safe by libvirt's own contract,
costs the asyncio loop nothing, and hands over with call_soon_threadsafe alone.
"""

from __future__ import annotations

import functools
import logging
import threading

import libvirt

_log = logging.getLogger(__name__)


@functools.cache
def ensure_event_loop() -> threading.Thread:
    """Start the thread, once per process and before the first connection is opened."""
    libvirt.registerErrorHandler(_log_error, None)
    libvirt.virEventRegisterDefaultImpl()
    thread = threading.Thread(target=_turn, name="pool-libvirt-events", daemon=True)
    thread.start()
    return thread


def _turn() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError as err:
            _log.error("libvirt's event loop failed, events may be late: %s", err)


def _log_error(_context: None, error: tuple[int, int, str, int, str, str | None, str | None, int, int]) -> None:
    """Keep libvirt from writing each error to stderr; who made the call gets it as an exception."""
    _log.debug("libvirt error code=%s domain=%s: %s", error[0], error[1], error[2])
