"""Connections to libvirtd: how one is opened, and one for each thread that makes calls.

A connection is never used by two threads at one time. libvirt's client allows it, but with 9.0, while one call waits
for a hung QEMU, the replies to other threads' calls on its connection were seen to stay unnoticed until the next
call (measured). It also means that a stuck call takes its connection with it and disturbs no other, and that
libvirtd's limit of five requests per connection does not matter.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import libvirt

from vdsm.adapters.libvirt.errors import is_connection_loss
from vdsm.common.errors import LibvirtGone

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """SASL user and password of libvirtd's socket."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ConnectionSettings:
    """Where libvirtd is. Seconds. The keepalive is that of the events connection, the only idle one that matters."""

    uri: str
    credentials: Credentials | None = None
    open_deadline: float = 10.0
    keepalive_interval: int = 5
    keepalive_count: int = 3


def blocking_open(settings: ConnectionSettings) -> libvirt.virConnect:
    """A new connection. Raises: LibvirtGone."""
    try:
        if settings.credentials is None:
            return libvirt.open(settings.uri)
        return _blocking_authenticate(settings.uri, settings.credentials)
    except libvirt.libvirtError as err:
        raise LibvirtGone(operation=f"connect (libvirt error {err.get_error_code()})") from err


def blocking_close(connection: libvirt.virConnect) -> None:
    """End a connection, also a broken one."""
    try:
        connection.close()
    except libvirt.libvirtError as err:
        _log.debug("closing a connection to libvirt: error %s", err.get_error_code())


class ThreadConnections:
    """One connection per calling thread, opened when it is first needed and again when it broke.

    It ends with its thread.
    """

    def __init__(self, settings: ConnectionSettings) -> None:
        self._settings = settings
        self._local = threading.local()

    def blocking_call(self, function: Callable[[libvirt.virConnect], T]) -> T:
        """Call `function` with this thread's connection. Raises: LibvirtGone, what `function` raises."""
        try:
            return function(self._blocking_mine())
        except LibvirtGone:
            self._local.connection = None
            raise

    def blocking_new(self) -> libvirt.virConnect:
        """A connection for one purpose alone, which the caller closes. Raises: LibvirtGone."""
        return blocking_open(self._settings)

    def _blocking_mine(self) -> libvirt.virConnect:
        mine: libvirt.virConnect | None = getattr(self._local, "connection", None)
        if mine is None or not _is_alive(mine):
            mine = blocking_open(self._settings)
            self._local.connection = mine
        return mine


def _is_alive(connection: libvirt.virConnect) -> bool:
    """What this side of the socket knows; no round trip."""
    try:
        return bool(connection.isAlive() == 1)
    except libvirt.libvirtError as err:
        _log.debug("a connection to libvirt is broken (loss: %s)", is_connection_loss(err))
        return False


def _blocking_authenticate(uri: str, credentials: Credentials) -> libvirt.virConnect:
    answers = {
        libvirt.VIR_CRED_AUTHNAME: credentials.username,
        libvirt.VIR_CRED_PASSPHRASE: credentials.password,
    }

    def answer(wanted: list[list[Any]], _opaque: Any) -> int:
        for item in wanted:
            if item[0] not in answers:
                return -1
            item[4] = answers[item[0]]
        return 0

    return libvirt.openAuth(uri, [list(answers), answer, None], 0)
