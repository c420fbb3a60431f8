"""One connection to libvirtd, kept open: opened with a deadline, watched, retired when too many calls stick to it.

libvirtd serves five requests at a time per connection, so calls that never return would block it for all others.
Each role (events, lifecycle, sampling, guest agent) has a link and a pool of its own. `Links` (links.py) reopens.
"""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import libvirt

from vdsm.adapters.libvirt.errors import is_connection_loss
from vdsm.adapters.libvirt.pool import BlockingPool, Returned
from vdsm.common.errors import LibvirtGone

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """SASL user and password of libvirtd's socket."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How connections are made. Seconds; `stuck_limit` is the number of stuck calls that retires a connection."""

    uri: str
    credentials: Credentials | None = None
    open_deadline: float = 10.0
    keepalive_interval: int = 5
    keepalive_count: int = 3
    stuck_limit: int = 2


class Link:
    """One role's connection and the pool that its calls run in.

    changed: called on the loop when the connection was lost or retired, so that someone reopens it.
    """

    def __init__(self, role: str, pool: BlockingPool, settings: LinkSettings, changed: Callable[[], None]) -> None:
        self.role = role
        self.pool = pool
        self._settings = settings
        self._changed = changed
        self._connection: libvirt.virConnect | None = None
        self._generation = 0
        self._stuck_here = 0
        self._up = asyncio.Event()

    @property
    def up(self) -> bool:
        """There is a connection that nobody has seen fail."""
        return self._connection is not None

    async def wait_up(self, deadline: float, operation: str) -> None:
        """Raises: LibvirtGone when there is no connection within `deadline` seconds."""
        try:
            async with asyncio.timeout(deadline):
                await self._up.wait()
        except TimeoutError as err:
            raise LibvirtGone(operation=operation) from err

    async def open(self, prepare: Callable[[libvirt.virConnect], None] | None = None) -> None:
        """Connect. `prepare` runs in the same thread, e.g. to register for events.

        Raises: LibvirtGone, BackendTimeout.
        """
        self._generation += 1
        generation = self._generation
        loop = asyncio.get_running_loop()

        def closed(_connection: Any, reason: int, _opaque: Any) -> None:
            _post(loop, self._lost, generation, f"close reason {reason}")

        connection = await self.pool.run(
            f"open_{self.role}",
            lambda: _blocking_open(self._settings, closed, prepare),
            key=f"open:{self.role}",
            deadline=self._settings.open_deadline,
        )
        if generation == self._generation:
            self._connection = connection
            self._stuck_here = 0
            self._up.set()

    async def run(
        self,
        operation: str,
        function: Callable[[libvirt.virConnect], T],
        *,
        deadline: float,
        key: str | None = None,
        urgent: bool = False,
        on_stuck: Callable[[], Returned] | None = None,
    ) -> T:
        """Run a blocking function with the connection in the pool; see `BlockingPool.run`.

        Raises: LibvirtGone without a connection.
        """
        connection, generation = self._connection, self._generation
        if connection is None:
            raise LibvirtGone(operation=operation)
        try:
            return await self.pool.run(
                operation,
                functools.partial(function, connection),
                deadline=deadline,
                key=key,
                urgent=urgent,
                on_stuck=lambda: self._stuck(generation, on_stuck),
            )
        except LibvirtGone as err:
            self._lost(generation, str(err))
            raise

    def drop(self, reason: str) -> None:
        """Give this connection up, whatever state it is in."""
        self._lost(self._generation, reason)

    async def close(self) -> None:
        """End the connection."""
        connection, self._connection = self._connection, None
        self._generation += 1
        self._up.clear()
        if connection is not None:
            await self.pool.run(
                f"close_{self.role}", lambda: _blocking_close(connection), deadline=self._settings.open_deadline
            )

    def _stuck(self, generation: int, on_stuck: Callable[[], Returned] | None) -> Returned:
        """A call is past its deadline: it holds one of the connection's few request slots until it returns."""
        also = on_stuck() if on_stuck is not None else None
        if generation == self._generation:
            self._stuck_here += 1
            if self._stuck_here >= self._settings.stuck_limit:
                self._lost(generation, f"{self._stuck_here} calls are stuck on it")

        def returned() -> None:
            if generation == self._generation:
                self._stuck_here -= 1
            if also is not None:
                also()

        return returned

    def _lost(self, generation: int, reason: str) -> None:
        """Forget the connection. A retired one is closed by libvirt when the last of its stuck calls returns."""
        if generation != self._generation or self._connection is None:
            return
        _log.warning("The %s connection to libvirt is given up: %s", self.role, reason)
        self._connection = None
        self._generation += 1
        self._up.clear()
        self._changed()


def _post(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: Any) -> None:
    """From libvirt's thread to the loop; a closed loop has no use for it."""
    if not loop.is_closed():
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            _log.debug("an event of libvirt came after the loop was closed")


def _blocking_open(
    settings: LinkSettings,
    closed: Callable[[Any, int, Any], None],
    prepare: Callable[[libvirt.virConnect], None] | None,
) -> libvirt.virConnect:
    try:
        connection = _blocking_authenticate(settings)
    except libvirt.libvirtError as err:
        raise LibvirtGone(operation=f"connect (libvirt error {err.get_error_code()})") from err
    try:
        connection.registerCloseCallback(closed, None)
        if settings.keepalive_interval > 0 and not settings.uri.startswith("test:"):
            connection.setKeepAlive(settings.keepalive_interval, settings.keepalive_count)
        if prepare is not None:
            prepare(connection)
    except libvirt.libvirtError as err:
        if not is_connection_loss(err):
            connection.close()
        raise LibvirtGone(operation="prepare a connection") from err
    return connection


def _blocking_authenticate(settings: LinkSettings) -> libvirt.virConnect:
    credentials = settings.credentials
    if credentials is None:
        return libvirt.open(settings.uri)
    answers = {libvirt.VIR_CRED_AUTHNAME: credentials.username, libvirt.VIR_CRED_PASSPHRASE: credentials.password}

    def answer(wanted: list[list[Any]], _opaque: Any) -> int:
        for item in wanted:
            if item[0] not in answers:
                return -1
            item[4] = answers[item[0]]
        return 0

    return libvirt.openAuth(settings.uri, [list(answers), answer, None], 0)


def _blocking_close(connection: libvirt.virConnect) -> None:
    try:
        connection.unregisterCloseCallback()
        connection.close()
    except libvirt.libvirtError as err:
        _log.debug("closing a connection to libvirt: %s", err)
